// SPDX-License-Identifier: Apache-2.0
// Books of Deribit Starbase: transactions, joins of snapshots behind and ahead of the live messages, gaps,
// full pools, random changes against a plain list of orders.
#include "base/prng.h"
#include "feed/starbasetest.h"
#include "run_suite.h"

START_TEST(test_book)
{
    whole_book();
    ck_quote(100, 5, 101, 7);
    live();
    order(20, START, 3, PERP, 4, 100);
    order(20, 0, 4, PERP, 1, 99);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 0); // amid a transaction
    live();
    order(22, END, 1, PERP, 2, 0);
    send();
    ck_quote(100, 6, 101, 7);
    live();
    order(24, START, 1, PERP, 0, 0);
    order(24, 0, 3, PERP, 0, 0);
    order(25, END, 2, PERP, 0, 0);
    send();
    ck_quote(99, 1, 0, 0);
    live();
    order(20, START, 4, PERP, 8, 98); // amended: other price
    order(21, 0, 5, PERP, 3, -7);     // negative prices are prices
    order(25, 0, 4, PERP, 0, 0);      // not an ask
    order(24, END, 99, PERP, 0, 0);   // not there
    send();
    ck_quote(98, 8, -7, 3);
    ck_assert_uint_eq(starbase_counts(&rig.c)->unmatched, 2);
    ck_assert_uint_eq(starbase_counts(&rig.c)->joined, 1);
}
END_TEST

START_TEST(test_book_unknown_before_snapshot)
{
    live();
    order(20, BOTH, 3, PERP, 4, 100);
    send();
    ck_assert_uint_eq(rig.kept.n, 0);
}
END_TEST

// A snapshot whose anchor lies behind the live messages takes the rest from the ring.
START_TEST(test_join_behind)
{
    live();
    order(20, BOTH, 3, PERP, 4, 100); // 1000, in the snapshot
    send();
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, 1000);
    define(PERP, -1);
    order(20, 0, 3, PERP, 4, 100);
    ck_assert_int_eq(send(), DROP_NONE);
    live();
    order(20, START, 4, PERP, 6, 101); // 1001
    order(24, 0, 3, PERP, 0, 0);       // 1002, the transaction goes on
    send();
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(101, PERP, 1000);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 0); // amid a transaction
    live();
    order(21, END, 5, PERP, 9, 102);
    send();
    ck_quote(101, 6, 102, 9);
}
END_TEST

// A snapshot that is ahead of the live messages: those up to the anchor are passed over.
START_TEST(test_join_ahead)
{
    live();
    message(16, 32, 1, BOTH);
    put64(&pk, 16, PERP);
    send(); // 1000
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, 1002);
    define(PERP, -1);
    order(20, 0, 4, PERP, 6, 101);
    snapshot_mark(101, PERP, 1002);
    send();
    ck_quote(101, 6, 0, 0);
    live();
    order(20, START, 3, PERP, 4, 109); // 1001: came and went
    order(24, END, 3, PERP, 0, 0);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    live();
    order(21, BOTH, 5, PERP, 9, 102); // 1003
    send();
    ck_quote(101, 6, 102, 9);
}
END_TEST

// An anchor that cannot be would keep the book still: it is not believed.
START_TEST(test_join_too_far_ahead)
{
    static const struct {
        int64_t ahead;
        bool ok;
    } cases[] = {{4095, true}, {4096, false}, {INT64_C(1) << 60, false}};
    for (unsigned heard = 0; heard < 2; heard++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            teardown();
            setup();
            live();
            order(20, BOTH, 1, PERP, 1, 50);
            struct packet first = pk;
            if (heard)
                send(); // 1000; 1001 is next
            begin(SNAPSHOT, snap_seq);
            snapshot_mark(100, PERP, (uint64_t)cases[i].ahead + (heard ? 1001 : 1000));
            define(PERP, -1);
            snapshot_mark(101, PERP, (uint64_t)cases[i].ahead + (heard ? 1001 : 1000));
            send();
            ck_assert_uint_eq(count(FEED_QUOTE), !heard || cases[i].ok);
            if (heard)
                continue;
            pk = first;
            send();
            ck_assert_uint_eq(count(FEED_QUOTE), !cases[i].ok);
        }
}
END_TEST

// The live sequence began anew: a snapshot with numbers of the old one is of no use.
START_TEST(test_restart)
{
    live();
    order(20, BOTH, 1, PERP, 1, 50);
    send();
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, 1000);
    send();
    begin(LIVE, 3);
    order(20, BOTH, 12, PERP, 1, 100);
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.restart = true});
    begin(SNAPSHOT, snap_seq);
    order(20, 0, 1, PERP, 1, 50);
    snapshot_mark(101, PERP, 1000);
    send();
    ck_assert_uint_eq(rig.kept.n, 0);
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, 3);
    define(PERP, -1);
    order(20, 0, 12, PERP, 1, 100);
    snapshot_mark(101, PERP, 3);
    send();
    ck_quote(100, 1, 0, 0);
}
END_TEST

// The same when live messages begin between its header and its trailer.
START_TEST(test_join_too_far_ahead_later)
{
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, UINT64_C(1) << 40);
    define(PERP, -1);
    send();
    live();
    order(20, BOTH, 1, PERP, 1, 50);
    send();
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(101, PERP, UINT64_C(1) << 40);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    ck_assert_uint_eq(starbase_counts(&rig.c)->joined, 0);
}
END_TEST

// A snapshot that the first live message did not follow, then one that it does.
START_TEST(test_join_right_before)
{
    for (int missing = 1; missing >= 0; missing--) {
        begin(SNAPSHOT, snap_seq);
        snapshot_mark(100, PERP, (uint64_t)(999 - missing));
        define(PERP, -1);
        snapshot_mark(101, PERP, (uint64_t)(999 - missing));
        send();
        if (missing) {
            live();
            order(20, BOTH, 4, PERP, 4, 101);
            send();
            ck_quote(0, 0, 0, 0);
        } else {
            ck_quote(101, 4, 0, 0);
        }
    }
}
END_TEST

// What a book was broken for in the old sequence does not keep it from joining in the new one.
START_TEST(test_restart_after_break)
{
    whole_book();
    live();
    order(20, BOTH, 1, PERP, 0, 100);
    send();
    ck_quote(0, 0, 0, 0);
    live_seq = 3;
    live();
    order(20, BOTH, 12, PERP, 1, 100);
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.restart = true});
    live_seq = 4;
    whole_book();
    ck_quote(100, 5, 101, 7);
}
END_TEST

START_TEST(test_join_impossible)
{
    // The live messages begin behind the anchor: 5 are missing.
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, live_seq - 6);
    define(PERP, -1);
    order(20, 0, 3, PERP, 4, 100);
    snapshot_mark(101, PERP, live_seq - 6);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 1); // nothing live was heard yet
    live();
    order(20, BOTH, 4, PERP, 4, 101);
    send();
    ck_quote(0, 0, 0, 0);
    // And once they are heard, such a snapshot is of no use at all.
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, 998);
    order(20, 0, 3, PERP, 4, 100);
    snapshot_mark(101, PERP, 998);
    send();
    ck_assert_uint_eq(rig.kept.n, 0);
    ck_assert_uint_eq(starbase_counts(&rig.c)->unjoined, 1);
    // The ring lets go of what is too long ago.
    for (unsigned i = 0; i < 5000; i++) {
        live();
        order(20, BOTH, 100 + i, PERP, 1, 50);
        send();
    }
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, 999);
    snapshot_mark(101, PERP, 999);
    snapshot_mark(100, PERP, 2000);
    define(PERP, -1);
    snapshot_mark(101, PERP, 2000);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 1);
    ck_assert_uint_eq(starbase_counts(&rig.c)->unjoined, 2);
    ck_assert_uint_eq(starbase_counts(&rig.c)->joined, 2);
}
END_TEST

START_TEST(test_gap)
{
    whole_book();
    live();
    order(20, BOTH, 9, PERP, 1, 100);
    send();
    begin(LIVE, live_seq + 1);
    order(20, BOTH, 10, PERP, 1, 100);
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.gap = 1});
    live_seq += 2;
    ck_assert_uint_eq(rig.kept.n, 0);
    ck_assert_uint_eq(starbase_counts(&rig.c)->broken, 1);
    whole_book();
    ck_quote(100, 5, 101, 7);
    // A loss among the snapshots does not touch it, but ends the snapshot under way.
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP + 1, live_seq - 1);
    order(20, 0, 70, PERP + 1, 1, 10);
    send();
    begin(SNAPSHOT, snap_seq + 1);
    snapshot_mark(101, PERP + 1, live_seq - 1);
    struct feed_packet p = {.snapshot = true, .stream = 44849, .gap = 1, .seq = snap_seq + 1, .count = 1};
    p.payload = pk.bytes;
    p.len = pk.len;
    rig.kept.n = 0;
    starbase_protocol.deliver(&rig.c, &p, 0, &rig.sink);
    ck_assert_uint_eq(rig.kept.n, 0);
    live();
    order(20, BOTH, 77, PERP, 1, 100);
    send();
    ck_quote(100, 6, 101, 7);
}
END_TEST

// The arbiter passes what was delivered before as `skip`.
START_TEST(test_skip)
{
    whole_book();
    live();
    order(20, BOTH, 9, PERP, 1, 100);
    send();
    begin(LIVE, live_seq - 1);
    order(20, BOTH, 9, PERP, 1, 100);
    order(20, BOTH, 10, PERP, 2, 100);
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.skip = 1});
    ck_quote(100, 8, 101, 7);
    ck_assert_uint_eq(rig.kept.msg[0].msg_idx, 1);
}
END_TEST

START_TEST(test_bad_changes_break)
{
    static const struct {
        unsigned id;
        int64_t qty, price;
    } cases[] = {{20, 0, 100},       {20, -1, 100}, {20, INT64_MIN, 100},
                 {21, 1, INT64_MIN}, {22, 0, 0},    {22, -5, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        whole_book();
        live();
        order(cases[i].id, BOTH, 1, PERP, cases[i].qty, cases[i].price);
        send();
        ck_quote(0, 0, 0, 0);
        live();
        order(20, BOTH, 50, PERP, 1, 100);
        send();
        ck_assert_uint_eq(rig.kept.n, 0);
    }
    // A put whose length is nobody's: all books of the channel are in doubt.
    whole_book();
    live();
    message(20, 64, 1, BOTH);
    put64(&pk, 24, PERP + 5);
    send();
    ck_quote(0, 0, 0, 0);
    ck_assert_uint_eq(only(FEED_QUOTE)->instrument_id, PERP);
    whole_book();
    ck_quote(100, 5, 101, 7);
    // Amounts that do not fit: no sum is made up.
    live();
    order(20, START, 60, PERP, INT64_MAX, 100);
    order(20, END, 61, PERP, INT64_MAX, 100);
    send();
    ck_quote(0, 0, 0, 0);
}
END_TEST

START_TEST(test_pool_full)
{
    whole_book();
    for (unsigned i = 0; i < F24_ORDERS / 8 + 8; i++) {
        live();
        for (unsigned k = 0; k < 8; k++)
            order(20, k == 7 ? END : 0, 1000 + 8 * i + k, PERP, 1, 1 + (8 * i + k) % 1000);
        send();
    }
    ck_assert_uint_ge(starbase_counts(&rig.c)->no_room, 1);
    ck_assert_uint_eq(starbase_counts(&rig.c)->broken, 1);
    whole_book(); // the pool is free again
    ck_quote(100, 5, 101, 7);
}
END_TEST

// Random changes against a list of orders: best prices and amounts by looking at all of them.
START_TEST(test_random_book)
{
    enum { IDS = 300 };
    static struct {
        int64_t qty, price;
        unsigned side;
    } o[IDS];
    struct prng g;
    prng_seed(&g, test_seed(20261120));
    memset(o, 0, sizeof o);
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, live_seq - 1);
    define(PERP, -1);
    snapshot_mark(101, PERP, live_seq - 1);
    send();
    for (unsigned n = 0; n < 60000; n++) {
        unsigned id = (unsigned)prng_below(&g, IDS), what = (unsigned)prng_below(&g, 4);
        live();
        if (what < 2 || o[id].qty == 0) {
            o[id].side = what & 1;
            o[id].qty = 1 + (int64_t)prng_below(&g, 1000);
            o[id].price = 1000 + (int64_t)prng_below(&g, 60) * (o[id].side ? 1 : -1);
            order(20 + o[id].side, BOTH, id, PERP, o[id].qty, o[id].price);
        } else if (what == 2) {
            o[id].qty = 1 + (int64_t)prng_below(&g, (uint64_t)o[id].qty);
            order(22 + o[id].side, BOTH, id, PERP, o[id].qty, 0);
        } else {
            o[id].qty = 0;
            order(24 + o[id].side, BOTH, id, PERP, 0, 0);
        }
        send();
        int64_t best[2] = {INT64_MIN, INT64_MAX}, sum[2] = {0, 0};
        for (unsigned i = 0; i < IDS; i++) {
            unsigned s = o[i].side;
            if (o[i].qty == 0 || (s ? o[i].price > best[s] : o[i].price < best[s]))
                continue;
            sum[s] = (o[i].price == best[s] ? sum[s] : 0) + o[i].qty;
            best[s] = o[i].price;
        }
        ck_quote(sum[0] ? best[0] : 0, sum[0], sum[1] ? best[1] : 0, sum[1]);
    }
    ck_assert_uint_eq(starbase_counts(&rig.c)->unmatched, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("starbase_book");
    TCase *t = tcase_create("starbase_book");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_book);
    tcase_add_test(t, test_book_unknown_before_snapshot);
    tcase_add_test(t, test_join_behind);
    tcase_add_test(t, test_join_ahead);
    tcase_add_test(t, test_join_too_far_ahead);
    tcase_add_test(t, test_join_too_far_ahead_later);
    tcase_add_test(t, test_join_right_before);
    tcase_add_test(t, test_restart);
    tcase_add_test(t, test_restart_after_break);
    tcase_add_test(t, test_join_impossible);
    tcase_add_test(t, test_gap);
    tcase_add_test(t, test_skip);
    tcase_add_test(t, test_bad_changes_break);
    tcase_add_test(t, test_pool_full);
    tcase_add_test(t, test_random_book);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
