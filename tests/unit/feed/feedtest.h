// SPDX-License-Identifier: Apache-2.0
// Helpers of the feed tests: frames, a sink that keeps what it is given, exact-size copies.
// Include as "feed/feedtest.h" (tests/unit is on the include path).
#ifndef TRIPLINE_TEST_FEEDTEST_H
#define TRIPLINE_TEST_FEEDTEST_H

#include "feed/arbiter.h"
#include "feed/deribit_encode.h"
#include "feed/feed.h"
#include "feed/gen_frame.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_MAX = 1024, TEST_PORT = 6100, TEST_GROUP = 7 };
#define TEST_IP 0xef6f6f07u // 239.111.111.7

struct kept {
    struct feed_msg msg[KEEP_MAX];
    struct feed_packet last; // of the newest on_end
    unsigned msgs, ends;     // since the last kept_clear
    bool after_end;          // a message came after its packet's end
};

static uint64_t test_ns = 123456789; // receive time of the next frame

static inline void keep_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct kept *k = ctx;
    ck_assert_uint_lt(k->msgs, KEEP_MAX);
    k->after_end |= k->ends != 0 && p->channel == k->last.channel && p->seq == k->last.seq;
    k->msg[k->msgs++] = *m;
}

static inline void keep_end(void *ctx, const struct feed_packet *p)
{
    struct kept *k = ctx;
    k->last = *p;
    k->ends++;
}

static inline void kept_clear(struct kept *k)
{
    memset(&k->last, 0, sizeof k->last);
    k->msgs = k->ends = 0;
    k->after_end = false;
}

static inline struct feed_sink kept_sink(struct kept *k)
{
    return (struct feed_sink){k, keep_msg, keep_end};
}

// Feeds a copy that is exactly as long as the captured bytes, so that a sanitizer sees any read beyond them.
static inline enum feed_drop feed_exact(struct feed *f, const uint8_t *bytes, size_t caplen, size_t wirelen,
                                        struct kept *k)
{
    uint8_t *copy = malloc(caplen ? caplen : 1);
    ck_assert_ptr_nonnull(copy);
    if (caplen)
        memcpy(copy, bytes, caplen);
    kept_clear(k);
    struct feed_sink sink = kept_sink(k);
    enum feed_drop why = feed_frame(f, test_ns, caplen ? copy : copy + 1, caplen, wirelen, &sink);
    free(copy);
    return why;
}

// As long after the newest frame as what is missing is waited for.
static inline void feed_wait(struct feed *f, struct kept *k)
{
    kept_clear(k);
    struct feed_sink sink = kept_sink(k);
    test_ns += ARBITER_HOLD_NS;
    feed_time(f, test_ns, &sink);
}

static inline struct feed_num num(double v)
{
    return (struct feed_num){.v.f = v, .form = NUM_DOUBLE};
}

static inline bool num_is(struct feed_num n, double v)
{
    return n.form == NUM_DOUBLE && n.v.f == v;
}

// A frame around a payload of any bytes.
static inline struct gen_frame wrap(const uint8_t *payload, size_t len, struct frame_options o)
{
    struct gen_frame f;
    memcpy(frame_payload(&f, &o), payload, len);
    frame_finish(&f, &o, TEST_GROUP, TEST_PORT, len);
    return f;
}

// A datagram under construction, with room and defaults.
struct builder {
    struct deribit_encoder e;
    uint8_t bytes[FRAME_PAYLOAD_MAX];
};

static inline void build_begin(struct builder *b, uint16_t channel, uint32_t seq)
{
    deribit_begin(&b->e, b->bytes, sizeof b->bytes, channel, seq);
}

static inline enum feed_drop build_feed(struct builder *b, struct feed *f, struct kept *k)
{
    size_t len = deribit_end(&b->e);
    ck_assert_uint_ne(len, 0);
    struct gen_frame g = wrap(b->bytes, len, (struct frame_options){0});
    return feed_exact(f, g.buf, g.len, g.wire, k);
}

static inline struct deribit_ticker test_ticker(uint32_t id, uint64_t ts_ms)
{
    return (struct deribit_ticker){.id = id,
                                   .state = 1,
                                   .ts_ms = ts_ms,
                                   .open_interest = 11.5,
                                   .min_sell = 90.25,
                                   .max_buy = 110.75,
                                   .index = 100.125,
                                   .mark = 100.5,
                                   .bid = 100.25,
                                   .bid_amount = 7.0,
                                   .ask = 100.75,
                                   .ask_amount = 9.0,
                                   .funding = 0.0001,
                                   .last = 100.625,
                                   .has_last = true};
}

static inline int run_suite(const char *name, const TTest *const *tests, size_t n)
{
    Suite *s = suite_create(name);
    TCase *t = tcase_create(name);
    tcase_set_timeout(t, 60);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define RUN_SUITE(name, ...)                                                                                 \
    int main(void)                                                                                           \
    {                                                                                                        \
        const TTest *const tests[] = {__VA_ARGS__};                                                          \
        return run_suite(name, tests, sizeof tests / sizeof tests[0]);                                       \
    }

#endif
