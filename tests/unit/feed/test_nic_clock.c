// SPDX-License-Identifier: Apache-2.0
// A NIC's counter as stream time: simulated counters of any rate, start and drift, and stamps that cannot be
// right. And what a port with joined groups does with frames.
#include <inttypes.h>
#include <stdio.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "base/wide.h"
#include "feed/feedtest.h"
#include "feed/groups.h"
#include "feed/nic_clock.h"

#define SEC UINT64_C(1000000000)
#define T0  UINT64_C(1800000000000000000) // ns since the epoch

// The counter at a stream time, by 128-bit arithmetic of its own.
static uint64_t tick_at(uint64_t ns, uint64_t hz, uint64_t start)
{
    return start + (uint64_t)((u128)(ns - T0) * hz / SEC);
}

static void check_rate(uint64_t hz, uint64_t start, struct prng *rng)
{
    struct nic_clock c = {0};
    ck_assert(nic_clock_wants(&c, T0));
    ck_assert_uint_eq(nic_clock_ns(&c, 12345, T0), T0); // not usable yet
    uint64_t now = T0;
    for (unsigned i = 0; i < 20; i++) {
        ck_assert(nic_clock_wants(&c, now));
        uint64_t took = prng_below(rng, 2000);
        nic_clock_sample(&c, tick_at(now + took / 2, hz, start), now, now + took);
        ck_assert(!nic_clock_wants(&c, now + took + 1000000));
        now += NIC_CLOCK_SAMPLE_NS + 2000 + prng_below(rng, 10000);
        for (unsigned k = 0; c.samples == 2 && k < 20; k++) {
            uint64_t came = now - prng_below(rng, 1000000), polled = now + 1000;
            uint64_t ns = nic_clock_ns(&c, tick_at(came, hz, start), polled);
            // Off by the samples' own error, the time a read takes, over the distance of the samples.
            int64_t off = (int64_t)(ns - came);
            ck_assert_msg(off > -4500 && off < 4500, "%" PRIu64 " Hz: off by %" PRId64 " ns", hz, off);
        }
    }
    ck_assert_uint_eq(c.wrong, 0);
    ck_assert_uint_gt(c.used, 100);
}

START_TEST(test_rates)
{
    static const uint64_t hz[] = {1000000, 125000000, 156250000, 1000000000, 2600000000};
    struct prng rng;
    prng_seed(&rng, test_seed(20261120));
    for (size_t i = 0; i < sizeof hz / sizeof *hz; i++)
        for (unsigned k = 0; k < 20; k++)
            check_rate(hz[i], k == 0 ? T0 : prng_u64(&rng) >> 2, &rng);
}
END_TEST

static struct nic_clock gigahertz(void)
{
    struct nic_clock c = {0};
    nic_clock_sample(&c, 5 * SEC, T0, T0 + 100);
    nic_clock_sample(&c, 6 * SEC, T0 + SEC, T0 + SEC + 100);
    ck_assert_uint_eq(c.samples, 2);
    return c;
}

START_TEST(test_refused)
{
    struct nic_clock c = gigahertz();
    uint64_t polled = T0 + SEC + 500000;
    ck_assert_uint_eq(nic_clock_ns(&c, 6 * SEC + 400000, polled), T0 + SEC + 50 + 400000);
    ck_assert_uint_eq(nic_clock_ns(&c, 6 * SEC - 400000, polled), T0 + SEC + 50 - 400000);
    ck_assert_uint_eq(nic_clock_ns(&c, 6 * SEC + 520000, polled), polled); // never later than the poll
    ck_assert_uint_eq(c.wrong, 0);
    static const uint64_t wrong[] = {0, 1, 3 * SEC, 8 * SEC, UINT64_MAX, UINT64_MAX / 2};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_uint_eq(nic_clock_ns(&c, wrong[i], polled), polled);
        ck_assert_uint_eq(c.wrong, i + 1);
    }
}
END_TEST

START_TEST(test_samples)
{
    struct nic_clock c = gigahertz();
    nic_clock_sample(&c, 7 * SEC, T0 + 2 * SEC, T0 + 2 * SEC + 200000); // took too long
    ck_assert_uint_eq(c.tick, 6 * SEC);
    nic_clock_sample(&c, 7 * SEC, T0 + 3 * SEC, T0 + 2 * SEC); // backwards
    ck_assert_uint_eq(c.tick, 6 * SEC);
    nic_clock_sample(&c, 9 * SEC, T0 + 2 * SEC, T0 + 2 * SEC); // thrice the rate: the counter was set
    ck_assert_uint_eq(c.samples, 1);
    ck_assert_uint_eq(nic_clock_ns(&c, 9 * SEC, T0 + 2 * SEC + 5), T0 + 2 * SEC + 5);
    nic_clock_sample(&c, 10 * SEC, T0 + 3 * SEC, T0 + 3 * SEC);
    ck_assert_uint_eq(c.samples, 2);
    ck_assert_uint_eq(nic_clock_ns(&c, 10 * SEC, T0 + 3 * SEC + 5), T0 + 3 * SEC);
    nic_clock_sample(&c, 10 * SEC, T0 + 4 * SEC, T0 + 4 * SEC); // stands still
    ck_assert_uint_eq(c.samples, 1);
    nic_clock_sample(&c, 3, T0 + 5 * SEC, T0 + 5 * SEC); // begins anew
    ck_assert_uint_eq(c.samples, 1);
}
END_TEST

START_TEST(test_frames)
{
    static struct groups s;
    struct err e;
    uint8_t f[64] = {0x01, 0x00, 0x5e, 1, 1, 1, 2, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45};
    ck_assert_int_eq(groups_join(&s, "10.0.0.1@232.1.1.1", &e), 0);
    f[14 + 9] = 17;
    memcpy(f + 14 + 12, "\x0a\0\0\1\xe8\1\1\1", 8);
    ck_assert_int_eq(groups_frame(&s, f, sizeof f), FRAME_WANTED);
    f[14 + 15] = 2; // another sender
    ck_assert_int_eq(groups_frame(&s, f, sizeof f), FRAME_OTHER);
    f[14 + 15] = 1;
    f[14 + 17] = 0x81; // another group of the same Ethernet address
    ck_assert_int_eq(groups_frame(&s, f, sizeof f), FRAME_OTHER);
    f[14 + 17] = 1;
    f[14 + 9] = 2;
    ck_assert_int_eq(groups_frame(&s, f, sizeof f), FRAME_IGMP);
    f[14 + 9] = 17;
    memmove(f + 16, f + 12, 40);
    memcpy(f + 12, "\x81\0\0\5", 4);
    ck_assert_int_eq(groups_frame(&s, f, sizeof f), FRAME_WANTED);
    memmove(f + 16, f + 12, 44);
    memcpy(f + 12, "\x88\xa8\0\5", 4);
    ck_assert_int_eq(groups_frame(&s, f, sizeof f), FRAME_WANTED);
    f[20] = 0x86; // IPv6
    ck_assert_int_eq(groups_frame(&s, f, sizeof f), FRAME_OTHER);
    f[20] = 0x08;
    for (size_t len = 0; len < 42; len++) { // too short to say: the feed counts why
        uint8_t *copy = malloc(len + !len);
        memcpy(copy, f, len);
        enum groups_verdict v = groups_frame(&s, copy, len);
        ck_assert_msg(v != FRAME_IGMP && (v == FRAME_WANTED || len < 22), "%zu", len);
        free(copy);
    }
}
END_TEST

RUN_SUITE("nic_clock", test_rates, test_refused, test_samples, test_frames)
