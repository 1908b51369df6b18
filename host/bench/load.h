// SPDX-License-Identifier: Apache-2.0
// What `tripline bench` plays: frames in memory, with the time at which each came, and the accounts that
// watch it. Everything is read or made before the first frame is played, so that playing is neither disk nor
// generator. Not for the hot path, but load_frame and the bytes are read there. One thread.
#ifndef TRIPLINE_BENCH_LOAD_H
#define TRIPLINE_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accounts/account.h"
#include "base/err.h"
#include "feed/gen.h"

enum load_kind { LOAD_CAPTURE, LOAD_GENERATED, LOAD_T0 };

struct load_frame {
    uint64_t ts_ns; // stream time, ns of the Unix epoch; never falls
    uint64_t id;    // LOAD_T0: the message's random id; else 0
    size_t at;      // of its first byte in load.bytes
    uint32_t caplen, wirelen;
    bool hit; // LOAD_T0: must lead to exactly one order, which carries the id's low bits
};

struct load {
    enum load_kind kind;
    bool synthetic; // P7: all but captures
    char what[160]; // one line: file or generator and its settings
    uint64_t seed;  // 0: none
    struct load_frame *frame;
    size_t n;
    uint8_t *bytes;
    size_t n_bytes;
    uint64_t hits;   // LOAD_T0
    size_t prologue; // LOAD_T0: its first frames, definitions and first prices, which set the stage; else 0
};

// The frames of a pcap or pcapng file of Ethernet frames; at most `most`, 0 = all. 0, or -1 with *e set.
int load_capture(const char *path, uint64_t most, struct load *out, struct err *e);
// Of the synthetic venue (feed/gen.h).
int load_generated(const struct gen_config *c, struct load *out, struct err *e);

// A load in the shape of STAC-T0 (docs/latency.md): messages of one kind, each with a random 64-bit id, of
// which those whose top ten bits are zero (one in 1,024) must lead to an order, matched to its message by id.
// As in that benchmark there are two sizes: A, a frame of 503 bytes, and B, as short as the protocol's
// message allows. Here the message is a ticker of the watched instrument. A hit's mark price is below the
// liquidation price of account T0_ACCOUNT and of nobody else, any other's is above; the price's low digits
// are the id's low T0_ID_BITS, so that the order's own mark says which message caused it. The whole id, big
// endian, is in the ticker's settlement price, which no decoder reads. A: seven index prices that nobody uses
// are beside the ticker, the id is 233 bytes into the payload; B: the ticker alone, 195 bytes, the id 145 in.
// After a hit at least eight messages are none: whoever answers the order gives account T0_ACCOUNT its old
// state back, under a new epoch, after the next message has brought the price back.
enum { T0_HIT_SHIFT = 54, T0_ID_BITS = 20, T0_ACCOUNT = 1 };
struct t0_config {
    uint64_t seed;
    uint64_t messages; // definitions come before them
    uint32_t rate_pps; // of the frames' own stamps
    bool large;        // A, else B
};
int load_t0(const struct t0_config *c, struct load *out, struct err *e);
// The id's low bits in a mark price of that instrument (quanta).
uint32_t t0_id_of(int64_t price);
// The book that watches it: `accounts` of them, packed; account T0_ACCOUNT as above (closed as a whole by its
// order), the others of a synthetic book on the same prices. 2,048 of them, a quarter of a small book, are
// near enough to be hot on a device of 16,384 rows (two rows each), and none is reached.
int load_t0_book(uint64_t seed, uint32_t accounts, struct book *out, struct err *e);

void load_free(struct load *l);

#endif
