// SPDX-License-Identifier: Apache-2.0
// The generator's venue: instruments, channels and their sequences, and what is sent when. gen.h is the
// public face; this is its inner part.
#ifndef TRIPLINE_FEED_GEN_VENUE_H
#define TRIPLINE_FEED_GEN_VENUE_H

#include "base/prng.h"
#include "feed/deribit_encode.h"
#include "feed/gen.h"
#include "feed/gen_books.h"
#include "feed/gen_frame.h"
#include "feed/gen_path.h"

enum { VENUE_CHANNELS = 22, VENUE_QUOTE_CHANNEL = 3 };

struct venue_instrument {
    const struct gen_instrument *spec;
    int64_t basis_ppm; // mark above index
    int64_t last;      // price of the last trade, in 10^-decimals; 0 = none yet
    uint64_t change_id, trade_seq;
    struct gen_book book;
};

struct venue {
    struct gen_config config;
    struct path path;
    struct prng rng, sizes; // sizes: of books
    uint64_t slot;          // packets sent
    uint64_t snapshot_at;   // time of the next round of definitions
    bool in_round;          // one is under way, and where it is:
    unsigned round_channel, round_packet;
    uint64_t rounds; // begun so far
    uint16_t ip_id;
    uint32_t seq_events[VENUE_CHANNELS], seq_snapshots[VENUE_CHANNELS];
    struct venue_instrument inst[GEN_INSTRUMENT_MAX];
    unsigned count;
};

struct venue_content {
    unsigned messages, tickers, indexes, instruments;
};

void venue_init(struct venue *v, const struct gen_config *c);
// Builds the next packet. False when config.packets have been sent.
bool venue_next(struct venue *v, uint64_t *ts_ns, struct gen_frame *f, struct venue_content *content);

#endif
