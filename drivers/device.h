// SPDX-License-Identifier: Apache-2.0
// A device is a deterministic state machine: command beats in, event beats out, both in order (P3). The host
// does not know which back end it drives. Beats and their fields: abi.h (generated from
// drivers/abi/abi.toml). A device belongs to one thread. After open nothing here allocates.
#ifndef TRIPLINE_DRIVERS_DEVICE_H
#define TRIPLINE_DRIVERS_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "base/err.h"

// What surrounds a simulated card. Latencies are modelled, not measured here: a posted write and a record
// take 270 ns (half, rounded down, of a 547 ns DMA read of 64 bytes, the median of Neugebauer et al., SIGCOMM
// 2018; 520 to 947 ns on that machine, a median of 1213 ns on another), a register read 790 ns (787 to 796
// measured through a switch, pcie-lat; more than 2 us elsewhere). They become cycles at clock_mhz, which is
// an assumption. Bandwidth and flow-control credits of the link are not modelled.
struct device_card {
    unsigned clock_mhz;  // of the device
    unsigned write_ns;   // host's write leaves -> it is at the device's port
    unsigned event_ns;   // record leaves the device's port -> it is in host memory
    unsigned read_ns;    // register read, there and back
    unsigned jitter_pct; // of each latency: up to so much longer
    unsigned ring_log2;  // log2 of the event ring's records
    bool whole;          // window writes are neither split nor reordered
    bool quiet;          // no status records
    uint32_t watchdog;   // cycles, 0: none
};
extern const struct device_card device_card_default;

struct device_config {
    // "model", "vector", "sim"; "sim+model": both, events compared beat by beat; "sim*2,model": several as
    // one device (docs/device.md).
    const char *backend;
    // Geometry, model and vector only (0: defaults 32, 16, 256); a sim or card reports its own. Of several as
    // one: of all together.
    uint32_t lanes, slots, assets;
    bool arrival; // several as one: poll() gives events as they come in, device_merged() the merged order
    // vector only: "avx512", "avx2", "scalar"; "auto" or NULL: the first of them that this processor has
    const char *isa;
    // vector only: threads that work, the caller's included (0 and 1: no other; at most 64). The others spin.
    unsigned threads;
    // sim only
    const char *trace;              // waveform file (.fst), or NULL
    uint64_t seed;                  // of the random back-pressure below
    unsigned stall_in_pct;          // percent of cycles without a command beat offered
    unsigned stall_out_pct;         // percent of cycles in which no event beat is taken
    const struct device_card *card; // NULL: device_card_default; read at open
};

struct device_info {
    const char *backend;
    const char *isa; // vector: the instruction set in use; else NULL
    uint32_t abi_version;
    uint64_t abi_hash;             // of the definition abi.toml: device_open refuses any but ABI_HASH
    uint64_t build_hash;           // of the RTL sources and parameters (model, vector: ABI_HASH)
    uint32_t lanes, slots, assets; // lanes * slots rows; assets: the most columns that any row has
    bool lockstep;                 // poll() == 0 means: everything submitted has been processed
    bool arrival; // poll() gives events as they come in, device_merged() gives the one ordered stream
    bool cycles;  // cycle stamps in events are RTL cycles (else 0)
    // Devices behind a command window, else 0.
    uint32_t window_depth, latency; // beats; cycles from a TICK at the core to its trigger in slot 0
    struct device_card card;        // simulated: what was modelled (clock_mhz 0: nothing)
    // Why the device takes no more commands and what to do, empty while it does; lives as long as the device.
    // NULL: this back end has no such faults.
    const char *fault;
    const char *warning; // likewise, but work goes on (a watchdog)
};

struct device_counters {
    uint64_t commands, events, ticks, rows, triggers, band_exits, errors;
    // 0 when the back end has none. stall_event: no operation was issued because too many events wait to
    // leave. ring_full: an event waited for the host to read others.
    uint64_t cycles, stall_in_cycles, stall_out_cycles, stall_event_cycles, ring_full_cycles;
};

struct device;
struct probe;
struct device_ops {
    const char *name;
    bool follows; // has the geometry that it is asked for
    int (*open)(const struct device_config *c, struct device **out, struct err *e);
    size_t (*submit)(struct device *d, const struct beat *cmd, size_t n);
    size_t (*poll)(struct device *d, struct beat *evt, size_t max);
    void (*counters)(struct device *d, struct device_counters *out);
    int (*mismatch)(struct device *d, char *text, size_t size); // comparing back ends only, else NULL
    void (*close)(struct device *d);
    // NULL where every row has info.assets columns, where there is no order but poll()'s.
    uint32_t (*columns)(const struct device *d, uint32_t row);
    size_t (*merged)(struct device *d, struct beat *evt, size_t max);
    int (*probe)(struct device *d, struct probe *p); // drivers/probe.h; NULL where there is nothing to see
};
// First member of every back end's own struct.
struct device {
    const struct device_ops *ops;
    struct device_info info;
};

// Adds a back end (main() registers those that were linked in). At most 16.
void device_register(const struct device_ops *ops);
const struct device_ops *device_find(const char *name); // the back end that answers this name, or NULL
extern const struct device_ops device_ops_model;
extern const struct device_ops device_ops_vector;
extern const struct device_ops device_ops_sim;     // links the Verilated RTL
extern const struct device_ops device_ops_compare; // "A+B": answers every name with a '+'
extern const struct device_ops device_ops_fan;     // "A*N,B": every other name with a '*' or a ','

// Opens, checks abi version and hash (and a sim its build hash), refuses a mismatch. 0, or -1 with *e set.
// backend NULL means "model".
int device_open(const struct device_config *c, struct device **out, struct err *e);
// Submits up to n beats in order; returns how many were taken (fewer when full: poll, then go on).
size_t device_submit(struct device *d, const struct beat *cmd, size_t n);
// Takes up to max events. A lockstep back end runs until it has an event or nothing is left to do.
size_t device_poll(struct device *d, struct beat *evt, size_t max);
// Where info.arrival: the same events again, in the one order that is a function of the commands alone (P3),
// each as soon as its place is certain. Whoever polls such a device must take these too, or it comes to a
// halt. Elsewhere 0.
size_t device_merged(struct device *d, struct beat *evt, size_t max);
// Asset columns of a row (row < lanes * slots): a row may name only assets below that, others are refused
// with COEF_ASSET, also with coefficient 0. info.assets but where several devices of different width are one.
uint32_t device_columns(const struct device *d, uint32_t row);
void device_counters(struct device *d, struct device_counters *out);
// Comparing back ends: 1 and the first difference as text when the two gave different events, else 0.
int device_mismatch(struct device *d, char *text, size_t size);
void device_close(struct device *d); // d may be NULL

#endif
