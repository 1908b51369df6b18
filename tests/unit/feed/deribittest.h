// SPDX-License-Identifier: Apache-2.0
// What the tests of the Deribit decoder share: one context, one datagram under construction.
#ifndef TRIPLINE_TEST_DERIBITTEST_H
#define TRIPLINE_TEST_DERIBITTEST_H

#include "feed/deribit_wire.h"
#include "feed/feedtest.h"
#include "feed/wire.h"

static struct feed *feed;
static struct kept kept;
static struct builder b;

static inline void begin(uint32_t seq)
{
    if (!feed)
        feed = feed_new();
    ck_assert_ptr_nonnull(feed);
    build_begin(&b, 5, seq);
}

static inline enum feed_drop send(void)
{
    return build_feed(&b, feed, &kept);
}

static inline void send_ok(unsigned msgs)
{
    ck_assert_int_eq(send(), DROP_NONE);
    ck_assert_uint_eq(kept.ends, 1);
    ck_assert(!kept.after_end);
    ck_assert_uint_eq(kept.msgs, msgs);
}

#endif
