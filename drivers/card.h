// SPDX-License-Identifier: Apache-2.0
// Driver of a card: the command window, credits, the event ring and the status record of docs/registers.md,
// over a handful of functions that reach the hardware (struct card_io). The simulated card and a PCIe card
// differ in those functions only.
//
// Reading a register takes the better part of a microsecond, so none is read between card_open and card_close
// but by card_check, card_settled, card_counters, card_reset, and in quiet mode when no credit is left.
// Threads: a card and its io belong to one thread. Ownership: the caller owns ring and status memory, which
// the device writes until card_close returns 0; card_open copies the struct card_io. Nothing allocates. On
// PCIe: an earlier owner may have left the card writing, so keep its bus mastering off until card_open has
// returned 0 (nothing is written before the first command after that), and turn it off after card_close.
#ifndef TRIPLINE_DRIVERS_CARD_H
#define TRIPLINE_DRIVERS_CARD_H

#include "device.h"

// How the hardware is reached. Every function gets ctx. Register offsets are bytes, multiples of 4.
struct card_io {
    void *ctx;
    // When it returns, every write before it (window writes up to the last fence) has arrived, and so has
    // every record that the device had sent when it answered.
    uint32_t (*read32)(void *ctx, uint32_t offset);
    // Posted. They arrive in order among themselves, after the window writes before the last fence, and after
    // the loads that came before them in the program.
    void (*write32)(void *ctx, uint32_t offset, uint32_t value);
    // 32 bytes into the window at a multiple of 32. May be split into words and overtaken by other window
    // writes and by register writes until the next fence (write-combining memory).
    void (*write_beat)(void *ctx, uint32_t offset, const struct beat *b);
    void (*fence)(void *ctx); // sends what write_beat left in buffers; later writes arrive after it
    void (*relax)(void *ctx); // between two looks at a register that is waited for; may be NULL
    // Memory that the device writes, each 64-byte aligned: where this program and where the device sees it.
    struct beat *ring; // 1 << ring_log2 records
    struct beat *status;
    uint64_t ring_bus, status_bus;
    unsigned ring_log2; // 1 to 24
};

struct card_config {
    bool quiet;        // no status records: credit costs a register read when it is out
    uint32_t watchdog; // cycles, 0: none
};

struct card_info {
    uint32_t abi_version, lanes, slots, assets;
    uint64_t abi_hash, build_hash;
    uint32_t depth;   // beats the window holds, a power of two
    uint32_t latency; // cycles from a TICK at the core to its trigger in slot 0
};

enum { CARD_FAULT_TEXT = 320 };

struct card {
    struct card_io io;
    struct card_config config;
    struct card_info info;
    // Indexes since reset, modulo 2^32.
    uint32_t sent;               // beats written to the window
    uint32_t taken;              // of those, beats known to have left it: sent - taken <= depth
    uint32_t next;               // event record to be read next
    uint32_t told;               // RING_CONSUMED as last written
    uint32_t batch;              // records after which it is written although more are waiting
    uint32_t flags;              // bits of ERROR_FLAGS from 16 on, as last seen
    bool stopped;                // no command will be taken before card_reset
    char fault[CARD_FAULT_TEXT]; // why it has stopped and what to do; empty while it has not
    // Watchdogs: how often one has been raised since the card was opened, and what the last one said. Work
    // goes on.
    uint64_t warnings;
    char warning[CARD_FAULT_TEXT];
};

// Looks who is there (magic, ABI version and hash, geometry, window), resets it, waits until its memories
// are clear, hands it ring and status memory and enables it. 0, or -1 with *e set: then it does not write to
// this ring and status memory, but what an earlier owner has started may go on.
int card_open(struct card *c, const struct card_io *io, const struct card_config *config, struct err *e);
// As new: commands in the window and events not yet polled are lost, fault and credits too. 0, or -1 with *e
// set; the card has then stopped, with the same text in c->fault.
int card_reset(struct card *c, struct err *e);
// Writes up to n beats, in order, as far as there is credit; returns how many. 0 for ever once c->stopped.
size_t card_submit(struct card *c, const struct beat *cmd, size_t n);
// Takes up to max events that have arrived; byte 31 is cleared. Never waits. Finding none, it looks for
// faults.
size_t card_poll(struct card *c, struct beat *evt, size_t max);
// Asks the device itself for faults (two register reads): for quiet mode, and for whoever has waited too
// long. 0, or -1 with c->fault set. A watchdog is no fault.
int card_check(struct card *c);
// For a caller to whom card_poll has answered 0 although time enough has passed for all it has written: 0 if
// every beat has been taken and every event polled, else the card has stopped, -1 with c->fault set. Up to
// five register reads.
int card_settled(struct card *c);
uint64_t card_read64(const struct card *c, uint32_t offset);
void card_counters(const struct card *c, struct device_counters *out);
// Resets the device, which ends what it has begun. 0: nothing more is written to ring and status memory. -1
// with c->fault set: it does not answer or does not end; the memory must not be used for anything else before
// the device has been cut off (bus mastering off, or a reset of the card). Takes no command from then on.
int card_close(struct card *c);

#endif
