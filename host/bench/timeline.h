// SPDX-License-Identifier: Apache-2.0
// Co-simulated time: one time line of a tick on which three kinds of time stand beside each other and are
// never mixed up (P7). The host's parts are measured (ns of the TSC), the device's are simulated (cycles of
// the RTL at a stated clock), the link's are modelled (a stated distribution). A sum says which kinds are in
// it. What-if: the same ticks with another clock, other lanes and slots, another link.
//
// Two runs of the same load give it, matched frame by frame:
//   the simulated run, on the device "sim" behind a tap: which commands and events a frame led to. Of its
//   host
//     times none is used, since the simulation stands in them: between a flag and its order the events behind
//     it are polled, which simulates, and the caches are the simulation's.
//   the measured run, on "vector" without a tap: the host's times. The vector device's own time is in none
//     that is used: before = frame -> first command handed over, after = flag seen -> order handed over
//     (which holds the reading of the other flags of that group, as with a card).
// The command stream is a function of the load alone (P3), so the frames are the same in both; a frame whose
// flags or orders differ in number (work done in idle time) is counted as unmatched and left out.
//
// A frame's way: it waits until the host is free; frame to command; to the card; on the card until its first
// trigger is on the link; from the card; on the card until the group's end (the host acts when a SYNC behind
// the ticks is answered, and that SYNC is reckoned with); further submits before the order, each there and
// back; flag to order. The cycles follow from the commands (bench/card_time.h) at any geometry, which is
// checked against the RTL's own stamps. At another geometry a row keeps its address: the nearest rows have
// the lowest. Not for the hot path but timeline_take() and the tap, which append to fixed memory. One thread.
#ifndef TRIPLINE_BENCH_TIMELINE_H
#define TRIPLINE_BENCH_TIMELINE_H

#include <stdio.h>

#include "base/hist.h"
#include "bench/commands.h"
#include "probe.h"
#include "run/stamps.h"

struct timeline_options {
    uint32_t frames; // room, of each run
    uint32_t warmup; // the first frames count for the card's state and for nothing else
    bool open_loop;  // frames come when they are due (STAMP_ARRIVED), else each when the one before is done
    struct tap_room tap;
};
enum timeline_run { TIMELINE_SIMULATED, TIMELINE_MEASURED };

struct timeline;
// NULL with *e set: out of memory. About 100 bytes a frame and run, 36 a command, 48 an event.
struct timeline *timeline_new(const struct timeline_options *o, struct err *e);
void timeline_free(struct timeline *tl);
// The device to be handed to the simulated run's session in place of `under`, which stays the caller's and is
// closed after timeline_free(). NULL with *e set. Once, before the session is made.
struct device *timeline_tap(struct timeline *tl, struct device *under, struct err *e);
// After each frame of either run, from the first on. Hot thread: a copy. A frame without room is counted.
void timeline_take(struct timeline *tl, enum timeline_run run, const struct frame_stamps *s);

// The link and the device that a time line is reckoned for.
struct timeline_config {
    char name[64];
    unsigned clock_mhz;                      // assumed: nothing here says that a card reaches it
    uint32_t lanes, slots;                   // powers of two
    unsigned write_ns, event_ns, jitter_pct; // one way each; each up to jitter_pct longer, evenly distributed
    uint64_t seed;                           // of the jitter
    bool fabric; // feed, device and order on one card: of the way only the device's part is reckoned
};
enum timeline_part {
    PART_HOST_BEFORE,
    PART_WRITE,
    PART_DEVICE,
    PART_EVENT,
    PART_GROUP_END,
    PART_TRIPS,
    PART_HOST_AFTER,
    PART_COUNT
};
enum timeline_kind { KIND_MEASURED, KIND_SIMULATED, KIND_MODELLED };
const char *timeline_part_name(enum timeline_part p);
enum timeline_kind timeline_part_kind(enum timeline_part p);
const char *timeline_kind_name(enum timeline_kind k); // "measured", "simulated", "modelled"

struct timeline_frame { // a frame that led to an order; picoseconds
    uint32_t frame;
    uint64_t waited; // for the host to be free: the ways of the frames before it, of all three kinds
    uint64_t part[PART_COUNT];
    uint64_t whole; // waited and the parts
};
struct timeline_result {
    struct hist part[PART_COUNT]; // ns, rounded to nearest
    struct hist waited, whole;    // ns; hold all three kinds
    struct timeline_frame slowest;
    uint64_t frames;    // in the histograms
    uint64_t quiet;     // without an order of their own first group
    uint64_t unmatched; // other flags or orders in the two runs
    uint64_t not_fit;   // a row beyond that geometry fired
    uint64_t dropped;   // no room was left, or behind a command that the device refused
};
// timeline_match() once, when both runs are over; then as often as wanted. 0, or -1 with *e set.
int timeline_match(struct timeline *tl, struct err *e);
// `each`: called with every frame in the histograms, in order; may be NULL.
void timeline_reckon(const struct timeline *tl, const struct timeline_config *c, struct timeline_result *r,
                     void (*each)(void *ctx, const struct timeline_frame *f), void *ctx);
// The simulated run's events by the formula and by the RTL's own stamps (commands.h).
void timeline_check(const struct timeline *tl, struct commands_check *out);
// What the simulated run was: its geometry and its card.
void timeline_config_own(const struct timeline *tl, uint64_t seed, struct timeline_config *out);

// ---- what if
enum { WHATIF_MAX = 16 };
struct timeline_whatif {
    struct timeline_config config;
    uint64_t frames;
    struct hist device, whole; // ns
};
// The default set about `own`; returns how many, at most WHATIF_MAX.
size_t timeline_whatif_set(const struct timeline_config *own, struct timeline_config out[WHATIF_MAX]);
// *out: one each, from malloc. 0, or -1 with *e set.
int timeline_whatif(const struct timeline *tl, const struct timeline_config *c, size_t n,
                    struct timeline_whatif **out, struct err *e);

// ---- the waveform of one frame's first trigger: the run's commands once more, through a fresh device
enum { WAVE_MAX = 96 };
struct timeline_wave {
    uint32_t n; // consecutive cycles; 0: there is none
    struct probe_cycle at[WAVE_MAX];
};
// c: of the simulated run. 0, or -1 with *e set; a device without RTL gives none (n = 0).
int timeline_wave(const struct timeline *tl, const struct device_config *c, uint32_t frame,
                  struct timeline_wave *out, struct err *e);

// ---- out
struct timeline_report {
    struct timeline_config own;
    const struct timeline_result *result;
    const struct commands_check *check;
    const struct timeline_whatif *whatif;
    size_t n_whatif;
    const struct timeline_wave *wave; // NULL: none
};
void timeline_print(FILE *f, const struct timeline_report *r);
// The object `timeline` of docs/bench_format.md, without its name.
void timeline_json(FILE *f, const struct timeline_report *r);

#endif
