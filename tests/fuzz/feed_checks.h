// SPDX-License-Identifier: Apache-2.0
// What must hold for every message that a decoder hands out, whatever the bytes were. Used by the fuzzers of
// the feed and by the sweep over captures; a broken one ends the process.
//
// "No price beyond the guards" means, step by step:
//   decoder  a HAS_ bit is set only for a value that is there: a finite double, or a mantissa that is none of
//            the wire's nulls, with an exponent of a price (-18..18)
//   price.c  of those, price_from_num() accepts only what is an int64 > 0 in the asset's quanta
//   oracle   what it refuses or what breaks a guard is held (HOLD_RANGE, HOLD_GUARD; the sweep shows it for a
//            band, tests/unit/oracle for the others)
#ifndef TRIPLINE_FUZZ_FEED_CHECKS_H
#define TRIPLINE_FUZZ_FEED_CHECKS_H

#include "feed/feed.h"
#include "feed/price.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(x)                                                                                           \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static inline void check_num(const struct feed_num *n, bool has)
{
    if (!has)
        return;
    REQUIRE(n->form == NUM_DOUBLE || n->form == NUM_DECIMAL);
    if (n->form == NUM_DOUBLE)
        REQUIRE(isfinite(n->v.f));
    else
        REQUIRE(n->v.m != INT64_MIN && n->v.m != INT64_MAX && n->exp10 >= -18 && n->exp10 <= 18);
    for (unsigned decimals = 0; decimals <= 18; decimals += 9) {
        int64_t out = 0;
        REQUIRE(price_from_num(n, decimals, &out) != 0 || out > 0);
    }
}

static volatile unsigned feed_checks_sum;

// Touches all of the packet, so that a sanitizer sees it when it is gone.
static inline void check_payload(const struct feed_packet *p)
{
    unsigned sum = 0;
    for (size_t i = 0; i < p->len; i++)
        sum += p->payload[i];
    feed_checks_sum += sum;
}

static inline void check_msg(const struct feed_packet *p, const struct feed_msg *m)
{
    const uint32_t all =
        HAS_MARK | HAS_INDEX | HAS_BID | HAS_ASK | HAS_LAST | HAS_STATE | HAS_AMOUNT | HAS_LIQUIDATION;
    REQUIRE(p->venue > VENUE_NONE && p->venue < VENUE_COUNT && m->venue == p->venue);
    REQUIRE(m->kind >= FEED_TICKER && m->kind <= FEED_STATUS);
    REQUIRE((m->has & ~all) == 0);
    REQUIRE(memchr(m->name, 0, sizeof m->name) != NULL);
    REQUIRE(m->kind == FEED_INDEX || m->kind == FEED_INSTRUMENT || m->name[0] == 0);
    REQUIRE(!(m->has & HAS_STATE) || m->state == INSTRUMENT_OPEN || m->state == INSTRUMENT_NOT_OPEN);
    REQUIRE(!p->heartbeat && p->count > 0);
    check_num(&m->mark, m->has & HAS_MARK);
    check_num(&m->index, m->has & HAS_INDEX);
    check_num(&m->bid, m->has & HAS_BID);
    check_num(&m->ask, m->has & HAS_ASK);
    check_num(&m->last, m->has & HAS_LAST);
    if (m->has & HAS_AMOUNT)
        REQUIRE(m->amount.form == NUM_DOUBLE || m->amount.form == NUM_DECIMAL);
}

#endif
