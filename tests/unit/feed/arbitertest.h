// SPDX-License-Identifier: Apache-2.0
// Helpers of the arbiter's tests: a protocol that is nothing but numbers, and what came out as text.
#ifndef TRIPLINE_TEST_ARBITERTEST_H
#define TRIPLINE_TEST_ARBITERTEST_H

#include "feed/arbiter.h"
#include "feed/feedtest.h"
#include "feed/wire.h"

#include <inttypes.h>
#include <stdio.h>

#define HOLD ARBITER_HOLD_NS

static struct feed_protocol PROTO = {.name = "numbers", .venue = VENUE_CME, .quiet_ns = 1000000000};

static struct feed_counters counted;
static struct arbiter *arb;
static char out_text[1 << 16];
static uint64_t now_ns; // receive time of the next datagram

// One word for each datagram: R after a restart, g<numbers>: after a gap, h for a heartbeat, its first
// number, x<count> where it has several, -<messages passed over>.
static void text_out(void *ctx, const struct feed_protocol *proto, struct feed_packet *p, uint32_t skip)
{
    char *at = out_text + strlen(out_text);
    size_t room = sizeof out_text - (size_t)(at - out_text);
    int n = 0;
    ck_assert_ptr_eq(ctx, out_text);
    ck_assert_ptr_eq(proto, &PROTO);
    ck_assert(skip < p->count || (p->count == 0 && skip == 0));
    ck_assert_uint_eq(le64_load(p->payload), p->seq); // what was kept is still what came
    ck_assert_uint_eq(p->heartbeat, p->count == 0);
    if (at != out_text)
        n += snprintf(at, room, " ");
    n += snprintf(at + n, room - (size_t)n, "%s", p->restart ? "R" : "");
    if (p->gap)
        n += snprintf(at + n, room - (size_t)n, "g%" PRIu64 ":", p->gap);
    n += snprintf(at + n, room - (size_t)n, "%s%" PRIu64, p->heartbeat ? "h" : "", p->seq);
    if (p->count > 1)
        n += snprintf(at + n, room - (size_t)n, "x%" PRIu32, p->count);
    if (skip)
        n += snprintf(at + n, room - (size_t)n, "-%" PRIu32, skip);
    ck_assert_uint_lt((size_t)n, room);
}

static inline void fresh(void)
{
    arbiter_free(arb);
    memset(&counted, 0, sizeof counted);
    arb = arbiter_new(&counted, text_out, out_text);
    ck_assert_ptr_nonnull(arb);
    now_ns = UINT64_C(1000000000000);
}

static inline enum feed_drop take_info(const struct frame_info *f, size_t len)
{
    uint8_t *payload = calloc(1, len);
    le64_store(payload, f->seq);
    struct feed_packet p = {.ts_ns = now_ns, .payload = payload, .len = len};
    out_text[0] = '\0';
    enum feed_drop why = arbiter_take(arb, &PROTO, f, &p);
    free(payload); // nothing of it may be used later
    return why;
}

static inline struct frame_info info(unsigned line, uint64_t seq, uint32_t count, uint64_t exchange_ns)
{
    return (struct frame_info){.channel = 1,
                               .stream = 1,
                               .line = (uint8_t)line,
                               .seq = seq,
                               .count = count,
                               .heartbeat = count == 0,
                               .seq_bits = 32,
                               .exchange_ns = exchange_ns};
}

// One datagram, and what comes out for it.
#define TAKE(line, seq, count, exchange, want)                                                               \
    do {                                                                                                     \
        struct frame_info f_ = info(line, seq, count, exchange);                                             \
        ck_assert_int_eq(take_info(&f_, 16), DROP_NONE);                                                     \
        ck_assert_str_eq(out_text, want);                                                                    \
    } while (0)

// Time passes without a datagram.
#define LATER(ns, want)                                                                                      \
    do {                                                                                                     \
        out_text[0] = '\0';                                                                                  \
        now_ns += ns;                                                                                        \
        arbiter_time(arb, now_ns);                                                                           \
        ck_assert_str_eq(out_text, want);                                                                    \
    } while (0)

static inline struct arbiter_stream stream_at(size_t i)
{
    struct arbiter_stream s;
    ck_assert(arbiter_stream(arb, i, &s));
    return s;
}

#endif
