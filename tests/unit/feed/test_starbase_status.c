// SPDX-License-Identifier: Apache-2.0
// Trading status of Starbase's instruments over losses: what was lost may have been a halt, so prices say not
// open until the status is told again by something that is not older than the loss.
#include "feed/starbasetest.h"
#include "run_suite.h"

enum { OTHER = PERP + 1, OPEN = INSTRUMENT_OPEN, NOT_OPEN = INSTRUMENT_NOT_OPEN, HALTED = 5 };

static void mark(int64_t inst)
{
    live();
    message(14, 48, 1, BOTH);
    put64(&pk, 16, inst);
    put64(&pk, 40, 111);
}

static void ck_mark(int64_t inst, unsigned state)
{
    mark(inst);
    send();
    const struct feed_msg *m = only(FEED_TICKER);
    ck_assert_uint_eq(m->has, HAS_MARK | HAS_STATE);
    ck_assert_uint_eq(m->state, state);
}

static void status_message(int64_t inst, int code, size_t len)
{
    live();
    message(16, len, 1, BOTH);
    put64(&pk, 16, inst);
    put8(&pk, 24, code);
    send();
}

// A snapshot of an empty book whose definition says `code`, with all up to `anchor` in it.
static void snapshot(int64_t inst, uint64_t anchor, int code)
{
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, inst, anchor);
    define(inst, -1);
    put8(&pk, 275, code);
    snapshot_mark(101, inst, anchor);
    send();
}

// Live messages lost, then one of another instrument.
static void gap(unsigned n)
{
    live_seq += n;
    mark(OTHER + 1);
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.gap = n});
    live_seq++;
}

// The same told by a heartbeat: the channel is broken, nothing follows it yet.
static void silent_gap(unsigned n)
{
    starbase_protocol.broken(&rig.c, 44849);
    live_seq += n;
}

static void ck_found(unsigned state)
{
    const struct feed_msg *m = only(FEED_STATUS);
    ck_assert_uint_eq(m->state, state);
    ck_assert_uint_eq(m->has, HAS_STATE);
    ck_assert_uint_eq(m->instrument_id, PERP);
    ck_assert_str_eq(m->name, "");
    ck_assert_uint_eq(m->ts_ns, (uint64_t)T0 + 5); // as of the packet, not of the definition
}

START_TEST(test_told)
{
    ck_mark(PERP, NOT_OPEN); // nobody has said anything yet
    snapshot(PERP, live_seq - 1, 0);
    ck_assert_uint_eq(only(FEED_INSTRUMENT)->state, OPEN);
    ck_found(OPEN);
    ck_mark(PERP, OPEN);
    ck_mark(OTHER, NOT_OPEN);
    snapshot(PERP, live_seq - 1, 0);
    ck_assert_uint_eq(count(FEED_STATUS), 0); // nobody was told otherwise since
    status_message(PERP, HALTED, 32);
    ck_mark(PERP, NOT_OPEN);
    // A snapshot from before the halt, and one that has its end in it.
    snapshot(PERP, live_seq - 3, 0);
    ck_assert_uint_eq(only(FEED_INSTRUMENT)->state, NOT_OPEN);
    ck_assert_uint_eq(count(FEED_STATUS), 0);
    ck_mark(PERP, NOT_OPEN);
    status_message(PERP, 0, 32);
    ck_mark(PERP, OPEN);
    live();
    define(PERP, -1);
    put8(&pk, 275, HALTED);
    send();
    ck_mark(PERP, NOT_OPEN);
}
END_TEST

START_TEST(test_halt_lost)
{
    whole_book();
    ck_mark(PERP, OPEN);
    gap(3); // the halt was among them
    ck_mark(PERP, NOT_OPEN);
    ck_mark(PERP, NOT_OPEN);
    // Books and trades say so too.
    live();
    message(31, 64, 1, BOTH);
    put64(&pk, 24, PERP);
    put64(&pk, 48, 499);
    message(30, 72, 1, BOTH);
    put64(&pk, 16, PERP);
    send();
    ck_assert(rig.kept.n == 2 && rig.kept.msg[0].state == NOT_OPEN && rig.kept.msg[1].state == NOT_OPEN);
    // From before the loss, from amid it; then one that has all of it.
    uint64_t lost_to = live_seq - 6;
    for (unsigned back = 4; back > 0; back--) {
        snapshot(PERP, lost_to - back, 0);
        ck_assert_uint_eq(only(FEED_INSTRUMENT)->state, NOT_OPEN);
        ck_assert_uint_eq(rig.kept.n, 1);
        ck_mark(PERP, NOT_OPEN);
    }
    snapshot(PERP, lost_to, 0);
    ck_found(OPEN);
    ck_mark(PERP, OPEN);
}
END_TEST

START_TEST(test_live_status_ends_doubt)
{
    whole_book();
    for (unsigned how = 0; how < 3; how++) {
        gap(1);
        ck_mark(PERP, NOT_OPEN);
        if (how < 2) {
            status_message(PERP, how ? HALTED : 0, 32);
        } else {
            live();
            define(PERP, -1);
            send();
        }
        ck_assert_uint_eq(rig.kept.n, 1);
        ck_mark(PERP, how == 1 ? NOT_OPEN : OPEN);
        snapshot(PERP, live_seq - 1, how == 1 ? HALTED : 0);
        ck_assert_uint_eq(count(FEED_STATUS), 0); // told already
    }
    gap(1);
    status_message(OTHER, 0, 32); // somebody else's
    ck_mark(PERP, NOT_OPEN);
    ck_mark(OTHER, OPEN);
}
END_TEST

// A loss that a heartbeat shows: snapshots from before it neither tell a status nor make a book whole.
START_TEST(test_silent_loss)
{
    whole_book();
    ck_mark(PERP, OPEN);
    uint64_t last = live_seq - 1;
    silent_gap(1);
    snapshot(PERP, last, 0);
    ck_assert_uint_eq(only(FEED_INSTRUMENT)->state, NOT_OPEN);
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    snapshot(PERP, last + 1, 0);
    ck_assert_uint_eq(only(FEED_INSTRUMENT)->state, OPEN);
    ck_quote(0, 0, 0, 0);
    ck_assert_uint_eq(starbase_counts(&rig.c)->joined, 2);
    ck_mark(PERP, OPEN);
    ck_assert_uint_eq(starbase_counts(&rig.c)->broken, 1);
    // Amid a longer one: believed until the live messages go on behind it.
    silent_gap(3);
    snapshot(PERP, live_seq - 3, 0);
    ck_mark(PERP, NOT_OPEN);
}
END_TEST

START_TEST(test_restart_of_the_sequence)
{
    whole_book();
    ck_mark(PERP, OPEN);
    uint64_t old = live_seq;
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, live_seq - 1); // its anchor is of the old sequence
    send();
    live_seq = 3;
    mark(OTHER);
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.restart = true});
    live_seq = 4;
    ck_mark(PERP, NOT_OPEN);
    begin(SNAPSHOT, snap_seq);
    define(PERP, -1);
    send();
    ck_mark(PERP, NOT_OPEN);
    live_seq = old - 1; // it comes to the old one's numbers again
    for (unsigned i = 0; i < 3; i++)
        ck_mark(PERP, NOT_OPEN);
    snapshot(PERP, live_seq - 1, 0);
    ck_mark(PERP, OPEN);
}
END_TEST

// A number that cannot be is not believed, and does not stand in the way of those that follow.
START_TEST(test_anchor_from_the_future)
{
    for (unsigned heard = 0; heard < 2; heard++) {
        teardown();
        setup();
        if (heard)
            ck_mark(PERP, NOT_OPEN);
        snapshot(PERP, UINT64_C(1) << 40, 0);
        ck_mark(PERP, NOT_OPEN);
        snapshot(PERP, live_seq - 1, 0);
        ck_mark(PERP, OPEN);
        snapshot(PERP, UINT64_C(1) << 40, HALTED);
        ck_mark(PERP, OPEN);
        snapshot(PERP, live_seq + 100, HALTED); // ahead of the live messages, which is nothing unusual
        ck_mark(PERP, NOT_OPEN);
    }
}
END_TEST

// What cannot be read may have been a halt of anybody's.
START_TEST(test_unreadable_status)
{
    whole_book();
    ck_mark(PERP, OPEN);
    uint64_t last = live_seq - 1;
    status_message(OTHER, 0, 40);
    ck_assert_uint_eq(rig.n.bad_layouts, 1);
    ck_mark(PERP, NOT_OPEN);
    snapshot(PERP, last, 0);
    ck_mark(PERP, NOT_OPEN);
    snapshot(PERP, last + 1, 0);
    ck_mark(PERP, OPEN);
    ck_assert_uint_eq(starbase_counts(&rig.c)->broken, 0); // books are another matter
    live();
    message(12, 40, 0, BOTH); // version 0's
    send();
    ck_mark(PERP, NOT_OPEN);
    snapshot(PERP, live_seq - 1, 0);
    live();
    message(12, 40, 1, BOTH); // an index
    send();
    ck_assert_uint_eq(rig.n.bad_layouts, 3);
    ck_mark(PERP, OPEN);
}
END_TEST

// Definitions outside a snapshot, or of another instrument than its header's, say nothing of now.
START_TEST(test_definition_without_anchor)
{
    whole_book();
    gap(1);
    ck_mark(PERP, NOT_OPEN);
    for (unsigned how = 0; how < 3; how++) {
        begin(SNAPSHOT, snap_seq);
        if (how)
            snapshot_mark(100, how == 1 ? OTHER : PERP, live_seq - 1);
        if (how == 2)
            snapshot_mark(101, PERP, live_seq - 1);
        define(PERP, -1);
        send();
        ck_mark(PERP, NOT_OPEN);
    }
    begin(SNAPSHOT, live_seq + 5); // numbers of a sequence of their own
    message(16, 32, 1, BOTH);
    put64(&pk, 16, PERP);
    send();
    ck_mark(PERP, NOT_OPEN);
    // And a loss on the snapshots' own sequence between header and definition.
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, live_seq - 1);
    send();
    begin(SNAPSHOT, snap_seq + 1);
    define(PERP, -1);
    rig_take(&rig, pk.bytes, pk.len, &(struct taking){.gap = 1});
    ck_mark(PERP, NOT_OPEN);
}
END_TEST

// A book that became whole by a snapshot that did not tell the status is told with the next change, as of
// unknown status.
START_TEST(test_quote_waits_for_status)
{
    begin(SNAPSHOT, snap_seq);
    snapshot_mark(100, PERP, live_seq - 1);
    order(20, 0, 1, PERP, 5, 100);
    snapshot_mark(101, PERP, live_seq - 1);
    send();
    ck_assert_uint_eq(rig.kept.n, 0);
    live();
    order(20, BOTH, 2, PERP, 5, 101);
    send();
    ck_assert_uint_eq(only(FEED_QUOTE)->has, HAS_BID | HAS_STATE);
    ck_assert_uint_eq(only(FEED_QUOTE)->state, NOT_OPEN);
    whole_book();
    live();
    order(20, BOTH, 3, PERP, 5, 102);
    send();
    ck_assert_uint_eq(only(FEED_QUOTE)->state, OPEN);
    // But that a book is broken is said with whatever comes first.
    status_message(OTHER, 0, 40);
    live();
    order(20, 0, 3, PERP, 0, 102);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    snapshot(OTHER, live_seq - 1, 0);
    ck_assert_uint_eq(count(FEED_QUOTE), 2);
    ck_assert(rig.kept.msg[rig.kept.n - 1].instrument_id == PERP ||
              rig.kept.msg[rig.kept.n - 2].instrument_id == PERP);
}
END_TEST

// A change that cannot be read: books join from behind it only, and those that are whole say that they are
// not, whatever became of their neighbours.
START_TEST(test_unreadable_change)
{
    for (unsigned i = 0; i < 4; i++)
        snapshot(PERP + i, live_seq - 1, 0);
    for (unsigned i = 0; i < 4; i++) {
        live();
        order(20, BOTH, 10 + i, PERP + i, 5, 100);
        send();
    }
    for (unsigned i = 0; i < 2; i++) { // each has the next one's place in the list beside it
        live();
        order(20, BOTH, 10, PERP + 2 - i, 0, 100);
        send();
        ck_assert_uint_eq(only(FEED_QUOTE)->has, HAS_STATE);
    }
    uint64_t before = live_seq - 1;
    live();
    message(20, 24, 1, BOTH);
    send();
    ck_assert_uint_eq(count(FEED_QUOTE), 2);
    for (unsigned i = 0; i < 2; i++)
        ck_assert(rig.kept.msg[i].has == HAS_STATE &&
                  (rig.kept.msg[i].instrument_id == PERP || rig.kept.msg[i].instrument_id == PERP + 3));
    ck_assert_uint_eq(starbase_counts(&rig.c)->broken, 4);
    snapshot(PERP + 9, before, 0); // never heard of before
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    snapshot(PERP, before, 0);
    ck_assert_uint_eq(count(FEED_QUOTE), 0);
    snapshot(PERP, before + 1, 0);
    ck_quote(0, 0, 0, 0);
}
END_TEST

// Work of changes that cannot be read: each whole book once, however many of them a packet has.
START_TEST(test_work_is_bounded)
{
    enum { BOOKS = 500 };
    for (unsigned i = 0; i < BOOKS; i++)
        snapshot(PERP + i, live_seq - 1, 0);
    ck_mark(PERP, OPEN);
    const struct f24_book_counts *n = starbase_counts(&rig.c);
    uint64_t before = n->visited;
    for (unsigned k = 0; k < 3; k++) {
        live();
        for (unsigned i = 0; i < 60; i++)
            message(20, 24, 1, BOTH);
        send();
        ck_assert_uint_eq(n->visited - before, BOOKS);
    }
    ck_assert_uint_eq(n->broken, BOOKS);
    ck_assert_uint_eq(rig.n.bad_layouts, 180);
    for (unsigned k = 0; k < 3; k++)
        gap(1);
    ck_assert_uint_eq(n->visited - before, BOOKS);
    snapshot(PERP, live_seq - 1, 0);
    gap(1);
    ck_assert_uint_eq(n->visited - before, BOOKS + 1);
    ck_assert_uint_eq(n->broken, BOOKS + 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("starbase_status");
    TCase *t = tcase_create("starbase_status");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_told);
    tcase_add_test(t, test_halt_lost);
    tcase_add_test(t, test_live_status_ends_doubt);
    tcase_add_test(t, test_silent_loss);
    tcase_add_test(t, test_restart_of_the_sequence);
    tcase_add_test(t, test_anchor_from_the_future);
    tcase_add_test(t, test_unreadable_status);
    tcase_add_test(t, test_definition_without_anchor);
    tcase_add_test(t, test_quote_waits_for_status);
    tcase_add_test(t, test_unreadable_change);
    tcase_add_test(t, test_work_is_bounded);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
