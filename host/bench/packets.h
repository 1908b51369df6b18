// SPDX-License-Identifier: Apache-2.0
// What was in the frames of a load that are named in the worst lists, as text for people. Decoded once more
// for that, from the load's first frame on: names of instruments are known from their definitions only. Not
// for the hot path.
#ifndef TRIPLINE_BENCH_PACKETS_H
#define TRIPLINE_BENCH_PACKETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "bench/load.h"

enum { PACKET_TEXT = 200 };
struct packet {
    uint64_t frame; // number in the load
    char text[PACKET_TEXT];
};
struct packets {
    size_t n;
    struct packet *at; // ascending by frame
};
// frame[0, n): numbers, in any order and as often as they come. 0, or -1 with *e set. free with
// packets_free.
int packets_read(const struct load *l, const uint64_t *frame, size_t n, struct packets *out, struct err *e);
// "deribit, 3 messages: BTC_USDC-PERPETUAL 60012.5, ..."; "" for a frame that was not asked for.
const char *packets_text(const struct packets *p, uint64_t frame);
void packets_free(struct packets *p);

#endif
