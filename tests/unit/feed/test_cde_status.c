// SPDX-License-Identifier: Apache-2.0
// Trading status of Coinbase Derivatives' instruments over losses, where the instruments' own sequence may
// show that nothing of one of them was lost; work of what cannot be read.
#include "feed/cdetest.h"
#include "run_suite.h"

enum { OPEN = INSTRUMENT_OPEN, NOT_OPEN = INSTRUMENT_NOT_OPEN, HALT = 2 };

static void funding(void)
{
    live();
    live_message(43, 71, BOTH, NONE, NANO);
    put64(&pk, 40, 111);
    put64(&pk, 48, 222);
}

static void ck_funding(unsigned state)
{
    funding();
    send();
    const struct feed_msg *m = only(FEED_TICKER);
    ck_assert_uint_eq(m->has, HAS_MARK | HAS_INDEX | HAS_STATE);
    ck_assert_uint_eq(m->state, state);
}

static void status_message(int code, size_t block)
{
    live();
    live_message(17, block, BOTH, NONE, NANO);
    put8(&pk, 48, code);
    send();
}

static void snapshot(uint64_t anchor, int code)
{
    begin(SNAPSHOT, anchor, NANO);
    snapshot_start(0);
    put8(&pk, 123, code);
    snapshot_end(1);
    send();
}

// Live messages lost, `own` of them of this instrument; the next one comes from it.
static void gap(unsigned n, unsigned own, unsigned state)
{
    live_seq += n;
    own_seq += own;
    funding();
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.gap = n});
    live_seq++;
    ck_assert_uint_eq(only(FEED_TICKER)->state, state);
}

START_TEST(test_told)
{
    ck_funding(NOT_OPEN);
    snapshot(live_seq - 1, 1);
    ck_assert_uint_eq(only(FEED_INSTRUMENT)->state, OPEN);
    ck_assert_uint_eq(only(FEED_STATUS)->state, OPEN);
    ck_assert_uint_eq(only(FEED_STATUS)->instrument_id, NANO);
    ck_assert_uint_eq(only(FEED_STATUS)->ts_ns, (uint64_t)T0 + 5);
    ck_funding(OPEN);
    status_message(HALT, 39);
    ck_funding(NOT_OPEN);
    snapshot(live_seq - 3, 1); // older than the halt
    ck_assert_uint_eq(only(FEED_INSTRUMENT)->state, NOT_OPEN);
    ck_funding(NOT_OPEN);
    snapshot(live_seq - 1, 1); // its end was in a message that is to come
    ck_funding(OPEN);
    // Trades and books say it as well.
    status_message(HALT, 39);
    live();
    live_message(33, 58, START, 1, NANO);
    live_message(30, 58, 0, 1, NANO);
    put_order(END, 1, 3, 100, 4);
    send();
    ck_assert_uint_eq(rig.kept.n, 3);
    for (unsigned i = 0; i < 3; i++)
        ck_assert(rig.kept.msg[i].has & HAS_STATE && rig.kept.msg[i].state == NOT_OPEN);
    // And live definitions.
    live();
    live_message(10, 174, BOTH, NONE, NANO);
    memcpy(pk.bytes + pk.msg + 32, "BITZ26", 6);
    put8(&pk, 165, 1);
    send();
    ck_assert_uint_eq(only(FEED_INSTRUMENT)->state, OPEN);
    ck_funding(OPEN);
}
END_TEST

START_TEST(test_halt_lost)
{
    whole_book();
    ck_funding(OPEN);
    gap(3, 1, NOT_OPEN);
    ck_funding(NOT_OPEN); // the own sequence goes on, but the hole stays
    gap(1, 0, NOT_OPEN);  // over another loss, too
    ck_funding(NOT_OPEN);
    uint64_t lost_to = live_seq - 3;
    snapshot(lost_to - 1, 1);
    ck_funding(NOT_OPEN);
    snapshot(lost_to, 1);
    ck_assert_uint_eq(only(FEED_STATUS)->state, OPEN);
    ck_funding(OPEN);
    gap(1, 1, NOT_OPEN);
    status_message(1, 39);
    ck_funding(OPEN);
    // A snapshot told it before the instrument was heard again: the hole is explained.
    live_seq += 2;
    live();
    live_message(43, 71, BOTH, NONE, NANO + 1);
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.gap = 2});
    live_seq++;
    snapshot(live_seq - 1, 1);
    ck_funding(OPEN);
    ck_assert_uint_eq(cde_counts(&rig.c)->own_gaps, 0);
}
END_TEST

// The channel lost messages, and none of them was this instrument's.
START_TEST(test_own_sequence_vouches)
{
    whole_book();
    ck_funding(OPEN);
    gap(3, 0, OPEN);
    ck_funding(OPEN);
    status_message(HALT, 39);
    gap(2, 0, NOT_OPEN); // what it vouches for is a halt
    status_message(1, 39);
    gap(1, 0, OPEN);
    gap(1, 0, OPEN);
    // Nor does it go back behind a snapshot that is ahead.
    snapshot(live_seq + 10, HALT);
    gap(2, 0, NOT_OPEN);
    snapshot(live_seq + 5, 1);
    ck_funding(NOT_OPEN);
    snapshot(live_seq + 15, 1);
    ck_funding(OPEN);
    // On another day the numbers say nothing.
    live_seq += 20;
    funding();
    put16(&pk, 20, DAY + 1);
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.gap = 20});
    live_seq++;
    ck_assert_uint_eq(only(FEED_TICKER)->state, NOT_OPEN);
}
END_TEST

// The first message of an instrument that is heard cannot vouch for anything.
START_TEST(test_own_sequence_not_heard_before)
{
    live();
    live_message(43, 71, BOTH, NONE, NANO + 1);
    put16(&pk, 20, 0); // a day as good as any
    send();
    ck_assert_uint_eq(cde_counts(&rig.c)->own_gaps, 0);
    whole_book();
    own_seq = 0;
    gap(1, 0, NOT_OPEN);
}
END_TEST

START_TEST(test_own_gap)
{
    whole_book();
    ck_funding(OPEN);
    own_seq++;
    uint64_t lost = live_seq - 1; // the newest number that it may have had
    ck_funding(NOT_OPEN);
    snapshot(lost - 1, 1);
    ck_funding(NOT_OPEN);
    snapshot(lost, 1);
    ck_funding(OPEN);
    // A hole whose message the snapshot has in it.
    snapshot(live_seq, 1);
    live();
    live_message(43, 71, BOTH, NONE, NANO + 1);
    own_seq = own_seq - 1;
    send();
    own_seq++;
    ck_funding(OPEN);
}
END_TEST

START_TEST(test_unreadable_status)
{
    whole_book();
    ck_funding(OPEN);
    status_message(1, 38);
    ck_assert_uint_eq(rig.n.bad_layouts, 1);
    uint64_t unread = live_seq - 1;
    ck_funding(NOT_OPEN);
    snapshot(unread - 1, 1);
    ck_funding(NOT_OPEN);
    snapshot(unread, 1);
    ck_funding(OPEN);
    unread = live_seq;
    live();
    message(17, 12, 7); // too short to say whose
    send();
    ck_funding(NOT_OPEN);
    snapshot(unread - 1, 1);
    ck_funding(NOT_OPEN);
    snapshot(unread, 1);
    ck_funding(OPEN);
}
END_TEST

// A start whose definition cannot be used tells no status: its book is told with the next change, as not
// open.
START_TEST(test_quote_waits_for_status)
{
    begin(SNAPSHOT, live_seq - 1, NANO);
    snapshot_start(1);
    put8(&pk, 16, ' '); // no name
    snapshot_order(1, 1, 100, 5);
    snapshot_end(2);
    send();
    ck_assert_uint_eq(rig.kept.n, 0);
    live();
    put_order(BOTH, 1, 3, 101, 4);
    send();
    ck_quote(101, 4, 0, 0);
    ck_assert_uint_eq(only(FEED_QUOTE)->state, NOT_OPEN);
}
END_TEST

START_TEST(test_restart_of_the_sequence)
{
    whole_book();
    ck_funding(OPEN);
    status_message(1, 38); // in doubt from a number on that the new sequence is far from
    live_seq = 3;
    funding();
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.restart = true});
    live_seq = 4;
    ck_assert_uint_eq(only(FEED_TICKER)->state, NOT_OPEN);
    snapshot(live_seq - 1, 1);
    ck_funding(OPEN);
}
END_TEST

START_TEST(test_work_is_bounded)
{
    enum { BOOKS = 300 };
    for (unsigned i = 0; i < BOOKS; i++) {
        begin(SNAPSHOT, live_seq - 1, NANO + (int64_t)i);
        snapshot_start(0);
        snapshot_end(1);
        send();
    }
    ck_funding(OPEN);
    const struct f24_book_counts *n = cde_counts(&rig.c);
    uint64_t before = n->visited;
    for (unsigned k = 0; k < 3; k++) {
        live();
        for (unsigned i = 0; i < 60; i++)
            message(20, 6, 7);
        send();
        ck_assert_uint_eq(n->visited - before, BOOKS);
    }
    ck_assert_uint_eq(n->broken, BOOKS);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cde_status");
    TCase *t = tcase_create("cde_status");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_told);
    tcase_add_test(t, test_halt_lost);
    tcase_add_test(t, test_own_sequence_vouches);
    tcase_add_test(t, test_own_sequence_not_heard_before);
    tcase_add_test(t, test_own_gap);
    tcase_add_test(t, test_unreadable_status);
    tcase_add_test(t, test_quote_waits_for_status);
    tcase_add_test(t, test_restart_of_the_sequence);
    tcase_add_test(t, test_work_is_bounded);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
