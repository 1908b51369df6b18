// SPDX-License-Identifier: Apache-2.0
// Sequence state of the channels that a feed context has seen, in a bounded open-addressed table keyed by
// (destination address, port, channel id). One thread; no allocation.
//
// Policy, per packet with sequence s on a channel whose last accepted sequence is L (modulo 2^32):
//   s == L + 1                     accepted
//   s ahead of L                   accepted, with s - L - 1 numbers reported missing
//   s at or behind L               duplicate, or late after a gap was reported for it: dropped and counted
//   a run of packets behind L      a restart of the venue's sequence (or L itself was a damaged number). The
//                                  run must be unbroken (each its predecessor + 1, nothing accepted between)
//                                  and at least CHANNEL_RESTART_RUN long, and its newest exchange time must
//                                  be after everything the channel has carried: old data, however late, is
//                                  not taken for a restart. Where times do not help (none in the packets, or
//                                  a wrong one accepted before), CHANNEL_WEDGE_RUN packets decide alone, so
//                                  that no channel stays dead for ever. The packets of the run that were
//                                  dropped are reported as missing: the channel is broken by it.
#ifndef TRIPLINE_FEED_CHANNEL_H
#define TRIPLINE_FEED_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CHANNEL_SLOTS = 4096, // power of two
    CHANNEL_MAX = 3072,   // more are refused: a full table would make every look-up slow
    CHANNEL_RESTART_RUN = 3,
    CHANNEL_WEDGE_RUN = 4096,
};

struct channel {
    uint64_t key;
    uint64_t newest_ms; // newest exchange time accepted; 0 = none yet
    uint32_t last;      // newest sequence accepted
    uint32_t back;      // newest sequence of the run behind `last`
    uint32_t run;       // length of that run; 0 = none
    bool used, started;
};

struct channel_table {
    struct channel slot[CHANNEL_SLOTS];
    unsigned count;
};

enum channel_verdict { CHANNEL_NEXT, CHANNEL_GAP, CHANNEL_DUPLICATE, CHANNEL_RESTART };

// State of the channel, new ones included; NULL when the table is full.
struct channel *channel_get(struct channel_table *t, uint32_t ip, uint16_t port, uint16_t id);
// Takes one whole packet into account. newest_ms: newest exchange time in it, 0 when it has none. *missing is
// how many packets were lost before it (0 unless CHANNEL_GAP or CHANNEL_RESTART).
enum channel_verdict channel_step(struct channel *c, uint32_t seq, uint64_t newest_ms, uint32_t *missing);

#endif
