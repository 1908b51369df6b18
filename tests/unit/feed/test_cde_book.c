// SPDX-License-Identifier: Apache-2.0
// Books of Coinbase Derivatives: snapshots whose packets share one number, over two lines; joins, the
// instruments' own sequence, restarts.
#include "feed/cdetest.h"
#include "run_suite.h"

START_TEST(test_book)
{
    whole_book();
    ck_quote(100, 5, 101, 7);
    live();
    put_order(START, 1, 3, 100, 4);
    send();
    ck_assert_uint_eq(rig.kept.n, 0); // amid a transaction
    live();
    put_order(END, 1, 1, 99, 2); // modified
    send();
    ck_quote(100, 4, 101, 7);
    live();
    delete_order(START, 1, 3);
    delete_order(0, NONE, 2);
    put_order(END, -1, 8, -5, 3);
    send();
    ck_quote(99, 2, -5, 3);
    live();
    live_message(17, 39, BOTH | 0x80, NONE, NANO); // clears the book
    send();
    ck_quote(0, 0, 0, 0);
    live();
    put_order(BOTH, 1, 9, 98, 1);
    send();
    ck_quote(98, 1, 0, 0);
    static const struct {
        int side;
        int64_t price, qty;
    } bad[] = {{0, 1, 1}, {NONE, 1, 1}, {1, INT64_MIN, 1}, {1, 5, 0}, {1, 5, -3}, {-1, 5, INT32_MIN}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        whole_book();
        live();
        put_order(BOTH, bad[i].side, 9, bad[i].price, bad[i].qty);
        send();
        ck_quote(0, 0, 0, 0);
        live();
        put_order(BOTH, 1, 9, 98, 1);
        send();
        ck_assert_uint_eq(rig.kept.n, 0);
    }
}
END_TEST

// A snapshot over several packets of one number, brought by two lines that cut it differently, one of which
// loses a packet.
START_TEST(test_snapshot_packets)
{
    live();
    ck_assert_int_eq(send(), DROP_NONE);
    begin(SNAPSHOT, 999, NANO); // line A
    snapshot_start(3);
    snapshot_order(1, 1, 100, 5);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    begin(SNAPSHOT, 999, NANO); // A's next packet is lost, and this one is too early
    snapshot_end(4);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    begin(SNAPSHOT, 999, NANO); // line B
    snapshot_start(3);
    send();
    begin(SNAPSHOT, 999, NANO);
    snapshot_order(1, 1, 100, 5);
    snapshot_order(2, 2, 101, -7);
    send();
    begin(SNAPSHOT, 998, NANO); // an old one that lags
    snapshot_start(0);
    snapshot_end(1);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    begin(SNAPSHOT, 1000, NANO); // of a newer one whose start is lost
    snapshot_order(3, 3, 98, 1);
    snapshot_end(4);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    begin(SNAPSHOT, 999, NANO);
    snapshot_order(3, 3, 99, 1);
    snapshot_end(4);
    send();
    ck_quote(100, 5, 101, 7);
    begin(SNAPSHOT, 999, NANO);
    snapshot_end(4);
    send();
    ck_assert_uint_eq(rig.kept.n, 0);
    ck_assert_uint_eq(cde_counts(&rig.c)->joined, 1);
}
END_TEST

START_TEST(test_snapshot_wrong)
{
    // A number that cannot be does not stand in the way of those that follow, whether live messages were
    // heard or not.
    for (unsigned heard = 0; heard < 2; heard++) {
        teardown();
        setup();
        if (heard) {
            live();
            put_order(BOTH, 1, 3, 100, 4);
            send();
        }
        begin(SNAPSHOT, UINT64_C(1) << 40, NANO);
        snapshot_start(2);
        send();
        live();
        put_order(BOTH, 1, 3, 100, 4);
        send();
        begin(SNAPSHOT, live_seq - 1, NANO);
        snapshot_start(1);
        snapshot_order(1, 3, 100, 4);
        snapshot_end(2);
        send();
        ck_quote(100, 4, 0, 0);
    }
    teardown();
    setup();
    live();
    send();
    for (unsigned how = 0; how < 4; how++) {
        begin(SNAPSHOT, 999, NANO);
        snapshot_start(how == 0 ? 3 : 2); // announces one more than comes
        snapshot_order(1, 1, 100, how == 1 ? 0 : 5);
        snapshot_order(2, how == 2 ? 1 : 2, 101, -7);
        if (how == 3)
            put16(&pk, 2, 29);
        snapshot_end(3);
        send();
        ck_assert_uint_eq(count(FEED_QUOTE), 0);
    }
    begin(SNAPSHOT, 1000, NANO);
    snapshot_start(0);
    snapshot_end(1);
    send();
    ck_quote(0, 0, 0, 0);
}
END_TEST

START_TEST(test_join)
{
    // Behind the live messages: the rest comes from the ring.
    live();
    put_order(BOTH, 1, 3, 100, 4); // 1000, in the snapshot
    send();
    live();
    put_order(BOTH, 1, 4, 101, 6); // 1001
    delete_order(BOTH, 1, 3);      // 1002
    send();
    begin(SNAPSHOT, 1000, NANO);
    snapshot_start(1);
    snapshot_order(1, 3, 100, 4);
    snapshot_end(2);
    send();
    ck_quote(101, 6, 0, 0);
    // Not to be met.
    begin(LIVE, live_seq + 5, 0);
    put_order(BOTH, 1, 5, 90, 1);
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.gap = 5});
    live_seq += 6;
    begin(SNAPSHOT, live_seq - 4, NANO);
    snapshot_start(1);
    snapshot_order(1, 3, 100, 4);
    snapshot_end(2);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    // Ahead of them: those up to the anchor are passed over.
    begin(SNAPSHOT, live_seq + 1, NANO);
    snapshot_start(1);
    snapshot_order(1, 3, 80, 4);
    snapshot_end(2);
    send();
    ck_quote(80, 4, 0, 0);
    live();
    put_order(BOTH, 1, 7, 99, 4);
    delete_order(BOTH, 1, 7);
    put_order(BOTH, -1, 8, 99, 2);
    send();
    ck_quote(80, 4, 99, 2);
}
END_TEST

// A gap is told by its packet: what was quoted before it is not withdrawn once more, whether the book was
// whole until then or had just been broken amid a transaction.
START_TEST(test_gap_is_told_once)
{
    for (unsigned amid = 0; amid < 2; amid++) {
        whole_book();
        ck_quote(100, 5, 101, 7);
        if (amid) {
            live();
            put_order(START, 1, 9, 98, 0);
            send();
            ck_assert_uint_eq(rig.kept.n, 0);
        }
        begin(LIVE, live_seq + 1, 0);
        live_message(17, 39, END | 4, NONE, NANO); // of a book that is not whole anyway
        rig_take(&rig, pk.bytes, pk.len, &(struct taking){.gap = 1});
        live_seq += 2;
        ck_assert_uint_eq(count(FEED_QUOTE), 0);
    }
}
END_TEST

START_TEST(test_own_sequence)
{
    live();
    put_order(BOTH, 1, 9, 98, 1);
    send();
    whole_book();
    live();
    own_seq += 1; // a message that the snapshot has in it
    put_order(BOTH, 1, 10, 97, 1);
    send();
    ck_quote(100, 5, 101, 7);
    live();
    own_seq += 1; // one that never came, though the channel has no gap
    put_order(BOTH, 1, 10, 98, 1);
    send();
    ck_quote(0, 0, 0, 0);
    ck_assert_uint_eq(cde_counts(&rig.c)->own_gaps, 2);
    ck_assert_uint_eq(cde_counts(&rig.c)->broken, 1);
    whole_book();
    live();
    own_seq = 0; // a new day
    put_order(BOTH, 1, 11, 98, 1);
    put16(&pk, 20, DAY + 1);
    send();
    ck_quote(100, 5, 101, 7);
    live();
    put_order(BOTH, 1, 12, 100, 1); // the old day again: only the number of one day is one up
    own_seq = 1;
    put_order(BOTH, 1, 13, 100, 1);
    send();
    ck_assert_uint_eq(cde_counts(&rig.c)->own_gaps, 2 + 1);
    // The same while its snapshot is to come: the join must not go back behind the hole.
    live();
    own_seq += 3;
    put_order(BOTH, 1, 14, 100, 1);
    send();
    begin(SNAPSHOT, live_seq - 3, NANO);
    snapshot_start(0);
    snapshot_end(1);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    begin(SNAPSHOT, live_seq - 2, NANO);
    snapshot_start(0);
    snapshot_end(1);
    send();
    ck_quote(100, 1, 0, 0);
}
END_TEST

START_TEST(test_bad_change_without_header)
{
    whole_book();
    live();
    message(20, 12, 7); // too short to say which instrument
    send();
    ck_assert_uint_eq(rig.n.bad_layouts, 1);
    ck_assert_uint_eq(cde_counts(&rig.c)->broken, 1);
    live();
    put_order(BOTH, 1, 12, 100, 1);
    send();
    ck_quote(0, 0, 0, 0);
}
END_TEST

START_TEST(test_restart)
{
    live();
    send();
    begin(SNAPSHOT, 5000, NANO);
    snapshot_start(1);
    send();
    begin(LIVE, 3, 0);
    put_order(BOTH, 1, 12, 100, 1);
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.restart = true});
    begin(SNAPSHOT, 3, NANO);
    snapshot_start(1);
    snapshot_order(1, 12, 100, 1);
    snapshot_end(2);
    send();
    ck_quote(100, 1, 0, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cde_book");
    TCase *t = tcase_create("cde_book");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_book);
    tcase_add_test(t, test_snapshot_packets);
    tcase_add_test(t, test_snapshot_wrong);
    tcase_add_test(t, test_join);
    tcase_add_test(t, test_gap_is_told_once);
    tcase_add_test(t, test_own_sequence);
    tcase_add_test(t, test_bad_change_without_header);
    tcase_add_test(t, test_restart);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
