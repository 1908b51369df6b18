// SPDX-License-Identifier: Apache-2.0
// What a tap has kept, understood: how long each command keeps the card, and which command each event comes
// from. That depends on the commands alone (P3), not on the card's geometry, but for a trigger's slot. Not
// for the hot path. One thread.
// A trigger by ARM is taken to be of the first ARM of its row in its group and submit; an engine arms a row
// no more often than that.
#ifndef TRIPLINE_BENCH_COMMANDS_H
#define TRIPLINE_BENCH_COMMANDS_H

#include "bench/card_time.h"
#include "bench/tap.h"

struct card_event {
    uint32_t beat;    // index of the command it comes from
    uint32_t row;     // of a trigger
    uint32_t in, out; // the device's stamps, modulo 2^32; 0 where it has none (device_info.cycles)
    uint8_t offset;   // cycles from the beat to its operation, without the slot
    bool trigger;
    bool slot; // its operation is that of the row's slot
};
struct commands {
    struct card_step *step;   // of each beat
    struct card_event *event; // in order
    uint32_t n_beats, n_events;
    uint32_t n_batches; // understood: all of the tap's, or those before a refused command
};

// 0, or -1 with *e set: out of memory. Whoever gets 0 calls commands_free().
int commands_read(const struct tap *t, struct commands *out, struct err *e);
void commands_free(struct commands *c);

// Every event's own stamps against the formula: that it leaves when card_time_event() says, from the cycle in
// which its command was taken; and that no command was taken earlier after another than card_time_take() says
// (later it may: it had not come yet). Events that may have waited for a status record, from the 16th on of
// those that leave without a gap, are counted apart. Only where the device has stamps.
struct commands_check {
    uint64_t events, triggers; // compared; of them triggers
    uint64_t differed;         // of the events
    uint64_t apart;            // not compared
    uint64_t taken, early;     // commands whose distance was compared; those taken too early
};
void commands_check(const struct commands *c, uint32_t lanes, uint32_t slots, uint32_t latency, bool quiet,
                    struct commands_check *out);

#endif
