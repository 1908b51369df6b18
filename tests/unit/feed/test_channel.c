// SPDX-License-Identifier: Apache-2.0
// Sequence policy of a channel: gaps, duplicates, restarts, wrap-around, and no state that lasts for ever.
#include "feed/channel.h"
#include "feed/feedtest.h"

static struct channel_table table;

static struct channel *fresh(void)
{
    memset(&table, 0, sizeof table);
    return channel_get(&table, TEST_IP, TEST_PORT, 1);
}

static void expect(struct channel *c, uint32_t seq, uint64_t ms, enum channel_verdict want, uint32_t lost)
{
    uint32_t missing = 77;
    ck_assert_int_eq(channel_step(c, seq, ms, &missing), want);
    ck_assert_uint_eq(missing, lost);
}

START_TEST(test_first_packet_of_any_number)
{
    static const uint32_t firsts[] = {0, 1, 5000, UINT32_MAX, INT32_MAX, 0x80000000u};
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        struct channel *c = fresh();
        expect(c, firsts[i], 10, CHANNEL_NEXT, 0);
        expect(c, firsts[i] + 1, 10, CHANNEL_NEXT, 0);
    }
}
END_TEST

START_TEST(test_gap_then_late_packet)
{
    struct channel *c = fresh();
    expect(c, 100, 10, CHANNEL_NEXT, 0);
    expect(c, 104, 11, CHANNEL_GAP, 3);
    expect(c, 102, 10, CHANNEL_DUPLICATE, 0); // reported missing already: using it now would turn time back
    expect(c, 105, 12, CHANNEL_NEXT, 0);
    expect(c, 107, 12, CHANNEL_GAP, 1);
}
END_TEST

START_TEST(test_duplicates)
{
    struct channel *c = fresh();
    expect(c, 100, 10, CHANNEL_NEXT, 0);
    expect(c, 100, 10, CHANNEL_DUPLICATE, 0);
    expect(c, 101, 11, CHANNEL_NEXT, 0);
    expect(c, 101, 11, CHANNEL_DUPLICATE, 0);
    expect(c, 99, 9, CHANNEL_DUPLICATE, 0);
    expect(c, 102, 11, CHANNEL_NEXT, 0);
}
END_TEST

START_TEST(test_wrap_around)
{
    struct channel *c = fresh();
    expect(c, UINT32_MAX - 1, 10, CHANNEL_NEXT, 0);
    expect(c, UINT32_MAX, 10, CHANNEL_NEXT, 0);
    expect(c, 0, 10, CHANNEL_NEXT, 0);
    expect(c, UINT32_MAX, 10, CHANNEL_DUPLICATE, 0);
    expect(c, 1, 10, CHANNEL_NEXT, 0);
    c = fresh();
    expect(c, UINT32_MAX - 2, 10, CHANNEL_NEXT, 0);
    expect(c, 3, 10, CHANNEL_GAP, 5);
}
END_TEST

START_TEST(test_widest_jump)
{
    struct channel *c = fresh();
    expect(c, 0, 10, CHANNEL_NEXT, 0);
    expect(c, INT32_MAX, 10, CHANNEL_GAP, INT32_MAX - 1);
    c = fresh();
    expect(c, 0, 10, CHANNEL_NEXT, 0);
    expect(c, (uint32_t)INT32_MAX + 1, 10, CHANNEL_DUPLICATE, 0); // as far behind as ahead: behind
}
END_TEST

START_TEST(test_restart_with_newer_times)
{
    struct channel *c = fresh();
    expect(c, 900000, 1000, CHANNEL_NEXT, 0);
    expect(c, 1, 1001, CHANNEL_DUPLICATE, 0);
    expect(c, 2, 1002, CHANNEL_DUPLICATE, 0);
    expect(c, 3, 1003, CHANNEL_RESTART, 2); // two packets of the new sequence were not used
    expect(c, 4, 1003, CHANNEL_NEXT, 0);
    expect(c, 900001, 1004, CHANNEL_GAP, 899996);
}
END_TEST

START_TEST(test_restart_within_one_millisecond)
{
    struct channel *c = fresh();
    expect(c, 500, 1000, CHANNEL_NEXT, 0);
    for (uint32_t s = 1; s <= 6; s++)
        expect(c, s, 1000, CHANNEL_DUPLICATE, 0); // nothing says yet that these are not old
    expect(c, 7, 1001, CHANNEL_RESTART, 6);
}
END_TEST

START_TEST(test_lagging_copy_is_no_restart)
{
    // A second line that repeats everything 1000 packets later, also while the first one is silent.
    struct channel *c = fresh();
    for (uint32_t s = 1; s <= 2000; s++) {
        expect(c, s, 5000 + s, CHANNEL_NEXT, 0);
        if (s > 1000)
            expect(c, s - 1000, 5000 + s - 1000, CHANNEL_DUPLICATE, 0);
    }
    for (uint32_t s = 1001; s <= 2000; s++)
        expect(c, s, 5000 + s, CHANNEL_DUPLICATE, 0);
    expect(c, 2001, 7001, CHANNEL_NEXT, 0);
}
END_TEST

START_TEST(test_broken_run_is_no_restart)
{
    struct channel *c = fresh();
    expect(c, 900, 1000, CHANNEL_NEXT, 0);
    for (uint32_t k = 0; k < 100; k++)
        expect(c, 1 + 3 * k, 1001, CHANNEL_DUPLICATE, 0); // scattered numbers are damage
    expect(c, 700, 1001, CHANNEL_DUPLICATE, 0);
    expect(c, 701, 1001, CHANNEL_DUPLICATE, 0);
    expect(c, 901, 1001, CHANNEL_NEXT, 0); // the real sequence goes on: the run is over
    expect(c, 702, 1002, CHANNEL_DUPLICATE, 0);
    expect(c, 703, 1002, CHANNEL_DUPLICATE, 0);
    expect(c, 902, 1002, CHANNEL_NEXT, 0);
}
END_TEST

START_TEST(test_one_wrong_number_does_not_kill_the_channel)
{
    struct channel *c = fresh();
    expect(c, 10, 1000, CHANNEL_NEXT, 0);
    expect(c, 10 + 1000000, 1000, CHANNEL_GAP, 999999); // damaged, or a lie
    expect(c, 11, 1000, CHANNEL_DUPLICATE, 0);
    expect(c, 12, 1001, CHANNEL_DUPLICATE, 0);
    expect(c, 13, 1001, CHANNEL_RESTART, 2);
    expect(c, 14, 1001, CHANNEL_NEXT, 0);
}
END_TEST

START_TEST(test_no_times_or_wrong_times)
{
    for (int lie = 0; lie <= 1; lie++) {
        struct channel *c = fresh();
        expect(c, 1000000, lie ? UINT64_MAX : 0, CHANNEL_NEXT, 0);
        for (uint32_t s = 1; s < CHANNEL_WEDGE_RUN; s++)
            expect(c, s, lie ? 1000 + s : 0, CHANNEL_DUPLICATE, 0);
        expect(c, CHANNEL_WEDGE_RUN, lie ? 9999 : 0, CHANNEL_RESTART, CHANNEL_WEDGE_RUN - 1);
        expect(c, CHANNEL_WEDGE_RUN + 1, lie ? 9999 : 0, CHANNEL_NEXT, 0);
        // The lie is forgotten: the next restart is seen at once.
        expect(c, 1, 10000, CHANNEL_DUPLICATE, 0);
        expect(c, 2, 10000, CHANNEL_DUPLICATE, 0);
        expect(c, 3, 10000, CHANNEL_RESTART, 2);
    }
}
END_TEST

START_TEST(test_table)
{
    memset(&table, 0, sizeof table);
    struct channel *a = channel_get(&table, 1, 2, 3);
    ck_assert_ptr_eq(channel_get(&table, 1, 2, 3), a);
    ck_assert_ptr_ne(channel_get(&table, 1, 2, 4), a);
    ck_assert_ptr_ne(channel_get(&table, 1, 3, 3), a);
    ck_assert_ptr_ne(channel_get(&table, 2, 2, 3), a);
    struct channel *zero = channel_get(&table, 0, 0, 0);
    ck_assert_ptr_nonnull(zero);
    expect(zero, 5, 1, CHANNEL_NEXT, 0);
    expect(channel_get(&table, 0, 0, 0), 6, 1, CHANNEL_NEXT, 0);
    for (uint32_t i = 5; i < CHANNEL_MAX; i++)
        ck_assert_ptr_nonnull(channel_get(&table, 0xe0000000u + i, 6100, (uint16_t)i));
    ck_assert_ptr_null(channel_get(&table, 9, 9, 9));
    ck_assert_ptr_eq(channel_get(&table, 1, 2, 3), a); // those that are in stay
}
END_TEST

RUN_SUITE("channel", test_first_packet_of_any_number, test_gap_then_late_packet, test_duplicates,
          test_wrap_around, test_widest_jump, test_restart_with_newer_times,
          test_restart_within_one_millisecond, test_lagging_copy_is_no_restart, test_broken_run_is_no_restart,
          test_one_wrong_number_does_not_kill_the_channel, test_no_times_or_wrong_times, test_table)
