// SPDX-License-Identifier: Apache-2.0
// How a load is played, over a session that only takes time: in an open loop a frame's clock starts when it
// was due, so that waiting behind a slow one counts; warm-up, bursts, closed loop. The gateway behind it is
// the real one: orders that are not durable go nowhere, accounts are given back when their price has gone,
// hits are matched by id. Nothing here depends on how fast the machine is.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/rules/rule.h"
#include "base/clock.h"
#include "bench/drive.h"
#include "bench/load_t0.h"
#include "run_suite.h"

enum { FRAMES = 100, WARMUP = 40, SLOW = 60, SLOW_PERIODS = 15, BYTES = 60 };
#define PERIOD_NS 100000

// ---- a session that takes time

static struct frame_stamps stamps;
static uint64_t arrived, measured_anew;
static struct engine_counters engine_count;
static struct desk_counters desk_count;

void session_arrived(struct session *s, uint64_t ticks)
{
    (void)s;
    arrived = ticks;
}
const struct frame_stamps *session_stamps(const struct session *s)
{
    (void)s;
    return &stamps;
}
void session_measure_anew(struct session *s)
{
    (void)s;
    measured_anew++;
}
const struct engine *session_engine(const struct session *s)
{
    (void)s;
    return NULL;
}
struct desk *session_desk(struct session *s)
{
    (void)s;
    return NULL;
}
const struct engine_counters *engine_counters(const struct engine *g)
{
    (void)g;
    return &engine_count;
}
const struct desk_counters *desk_counters(const struct desk *d)
{
    (void)d;
    return &desk_count;
}

// ---- the loop's side

static struct load load;
static struct load_frame frame[FRAMES];
static uint8_t bytes[FRAMES * BYTES];
static uint64_t due[FRAMES], done[FRAMES], at_arrived[FRAMES], at_taken[FRAMES], at_done[FRAMES];
static size_t played, slow_frame, refuse_from;
static volatile sig_atomic_t stop;
static struct worst worst[DRIVE_WAYS];
static struct drive drive;
static struct pace_config pace;
static struct book book;
static struct account account;
static struct sink *sink;
static uint64_t on_disk; // atomic
static bool order_on_hit, settling, repeat;
static struct drive_moment moment[FRAMES];

// At the price of a hit with these low bits.
static void order(uint32_t epoch, uint64_t lsn, uint64_t id)
{
    static struct gateway_order o;
    memset(&o, 0, sizeof o);
    o.key = (struct order_key){.desk = 1, .account = T0_ACCOUNT, .epoch = epoch};
    o.lsn = lsn;
    o.n_marks = 1;
    o.mark[0].price = t0_price(T0_STEP - T0_FALL, id);
    ck_assert_int_eq(gateway_submit(sink_gateway(sink), &o), 0);
    desk_count.answer[DESK_SENT]++;
}

static void take(void *ctx, uint64_t ts_ns, const uint8_t *data, size_t caplen, size_t wirelen)
{
    ck_assert_ptr_eq(ctx, &load);
    if (played >= refuse_from)
        return; // as the loop does when it ends
    const struct load_frame *f = &frame[played];
    ck_assert(ts_ns == f->ts_ns && data == bytes + f->at && caplen == f->caplen && wirelen == f->wirelen);
    memset(&stamps, 0, sizeof stamps);
    stamps.at[STAMP_ARRIVED] = arrived;
    stamps.at[STAMP_TAKEN] = clock_ticks();
    engine_count.groups++;
    if (order_on_hit && f->hit)
        order(account.epoch, 1, f->id);
    uint64_t until =
        played == slow_frame ? arrived + clock_cal.hz / 1000000 * PERIOD_NS / 1000 * SLOW_PERIODS : 0;
    do
        stamps.at[STAMP_DONE] = clock_ticks();
    while (stamps.at[STAMP_DONE] < until);
    at_arrived[played] = arrived;
    at_taken[played] = stamps.at[STAMP_TAKEN];
    at_done[played++] = stamps.at[STAMP_DONE];
}

static uint64_t durable(void *ctx)
{
    return __atomic_load_n((uint64_t *)ctx, __ATOMIC_ACQUIRE);
}

static void setup(void)
{
    clock_init();
    memset(&engine_count, 0, sizeof engine_count);
    memset(&desk_count, 0, sizeof desk_count);
    memset(&stamps, 0, sizeof stamps);
    measured_anew = 0;
    played = 0;
    stop = 0;
    slow_frame = refuse_from = SIZE_MAX;
    order_on_hit = settling = repeat = false;
    memset(moment, 0, sizeof moment);
    on_disk = UINT64_MAX;
    for (size_t i = 0; i < FRAMES; i++)
        frame[i] = (struct load_frame){
            .ts_ns = 1000 + i, .id = i, .at = i * BYTES, .caplen = BYTES - 1, .wirelen = BYTES};
    load =
        (struct load){.kind = LOAD_T0, .frame = frame, .n = FRAMES, .bytes = bytes, .n_bytes = sizeof bytes};
    memset(&book, 0, sizeof book);
    account = (struct account){.id = 1, .rule = &rule_perp_linear_1, .epoch = 3, .cash = 77};
    book.n_accounts = 1;
    book.account = &account;
    static const enum stamp to[DRIVE_WAYS] = {STAMP_ORDER, STAMP_SUBMITTED, STAMP_DONE};
    for (unsigned i = 0; i < DRIVE_WAYS; i++)
        worst_init(&worst[i], to[i], WORST_MAX);
}

static void begin(enum pace_mode mode)
{
    struct err e;
    const struct sink_config sc = {
        .book = &book, .give_back = !settling, .load = &load, .durable = durable, .durable_ctx = &on_disk};
    sink = sink_open(&sc, &e);
    ck_assert_msg(sink != NULL, "%s", e.msg);
    pace = (struct pace_config){.mode = mode, .rate_pps = 1e9 / PERIOD_NS, .times = 1};
    pace_plan(&pace, &load, due);
    bool open = pace_open_loop(mode);
    const struct drive_config c = {.load = &load,
                                   .pace = &pace,
                                   .due = open ? due : NULL,
                                   .done = open ? done : NULL,
                                   .warmup = WARMUP,
                                   .pass = 2,
                                   .worst = worst,
                                   .sink = sink,
                                   .moment = moment,
                                   .repeat = repeat,
                                   .stop = &stop};
    drive_begin(&drive, &c);
}

static void teardown(void)
{
    sink_close(sink);
    sink = NULL;
}

static size_t poll_once(void)
{
    size_t before = played, n = drive_poll(&drive, take, &load);
    ck_assert_uint_eq(n, played - before);
    ck_assert_uint_le(n, DRIVE_BURST);
    return n;
}

static void play_all(void)
{
    while (played < FRAMES)
        (void)poll_once();
}

// ---- tests

// Against counting: each frame with all before it.
static void check_waiting(void)
{
    uint64_t most = 0;
    ck_assert_uint_eq(worst[2].n, FRAMES - WARMUP); // the list is long enough for all
    for (size_t k = 0; k < worst[2].n; k++) {
        const struct worst_frame *w = &worst[2].at[k];
        uint32_t behind = 0;
        for (size_t i = WARMUP; i < w->frame; i++)
            behind += at_done[i] > at_arrived[w->frame];
        ck_assert_uint_eq(w->behind, behind);
        ck_assert_uint_eq(w->ticks, at_done[w->frame] - at_arrived[w->frame]);
        ck_assert_uint_eq(w->pass, 2);
        most = behind > most ? behind : most;
    }
    struct drive_result r;
    drive_end(&drive, &r);
    ck_assert_uint_eq(r.backlog_max, most + 1);
    ck_assert_uint_ge(most, SLOW_PERIODS - 1);
}

START_TEST(test_open_loop_counts_waiting)
{
    slow_frame = SLOW;
    begin(PACE_RATE);
    play_all();
    for (size_t i = WARMUP; i < FRAMES; i++) {
        // Due as planned, whatever became of the frames before; never played before that.
        ck_assert_uint_eq(at_arrived[i], drive.start + due[i] - due[WARMUP]);
        ck_assert_uint_ge(at_taken[i], at_arrived[i]);
    }
    // A frame due while the slow one was at work has waited for what was left of it.
    for (size_t j = 1; j < SLOW_PERIODS; j++)
        ck_assert_uint_ge(at_done[SLOW + j] - at_arrived[SLOW + j],
                          at_done[SLOW] - at_arrived[SLOW] - (due[SLOW + j] - due[SLOW]));
    check_waiting();
}
END_TEST

START_TEST(test_recorded_pace)
{
    for (size_t i = 0; i < FRAMES; i++)
        frame[i].ts_ns = 1000 + i / 3 * PERIOD_NS; // three at a time
    slow_frame = SLOW;
    begin(PACE_RECORDED);
    play_all();
    for (size_t i = WARMUP; i < FRAMES; i++)
        ck_assert_uint_eq(at_arrived[i], drive.start + due[i] - due[WARMUP]);
    check_waiting();
    struct drive_result r;
    drive_end(&drive, &r);
    ck_assert_uint_eq(r.offered_ns, clock_ns(due[FRAMES - 1] - due[WARMUP]));
}
END_TEST

START_TEST(test_as_fast_as_it_goes)
{
    slow_frame = SLOW;
    begin(PACE_MAX);
    play_all();
    for (size_t i = 1; i < FRAMES; i++) {
        ck_assert_uint_ge(at_arrived[i], at_done[i - 1]); // nothing has waited
        ck_assert_uint_le(at_arrived[i], at_taken[i]);
    }
    for (size_t k = 0; k < worst[2].n; k++)
        ck_assert_uint_eq(worst[2].at[k].behind, 0);
    struct drive_result r;
    drive_end(&drive, &r);
    ck_assert(r.backlog_max == 0 && r.offered_ns == 0 && r.elapsed_ns > 0);
}
END_TEST

START_TEST(test_warm_up)
{
    begin(PACE_MAX);
    ck_assert_uint_eq(poll_once(), DRIVE_BURST);
    ck_assert_uint_eq(poll_once(), WARMUP - DRIVE_BURST); // a burst ends with it
    ck_assert_uint_eq(measured_anew, 0);
    play_all();
    ck_assert_uint_eq(measured_anew, 1);
    struct drive_result r;
    drive_end(&drive, &r);
    ck_assert_uint_eq(r.counts.frames, FRAMES - WARMUP);
    ck_assert_uint_eq(r.counts.groups, FRAMES - WARMUP);
    for (size_t k = 0; k < worst[2].n; k++)
        ck_assert_uint_ge(worst[2].at[k].frame, WARMUP);
}
END_TEST

START_TEST(test_ends_early)
{
    begin(PACE_MAX);
    struct drive_result r;
    refuse_from = WARMUP / 2; // the loop ends within the warm-up
    (void)poll_once();
    ck_assert_uint_eq(played, WARMUP / 2);
    drive_end(&drive, &r);
    ck_assert(r.counts.frames == 0 && r.elapsed_ns == 0);
    refuse_from = WARMUP + 5;
    while (played < WARMUP + 5)
        (void)poll_once();
    ck_assert_uint_eq(poll_once(), 0); // given, and not taken: not counted
    drive_end(&drive, &r);
    ck_assert_uint_eq(r.counts.frames, 5);
    stop = 1;
    refuse_from = SIZE_MAX;
    ck_assert_uint_eq(poll_once(), 0);
}
END_TEST

START_TEST(test_closed_loop)
{
    begin(PACE_CLOSED);
    while (played < WARMUP)
        (void)poll_once();
    while (!poll_once()) // until the schedule begins
        ;
    ck_assert_uint_eq(played, WARMUP + 1);
    __atomic_store_n(&on_disk, 6, __ATOMIC_RELEASE);
    order(3, 7, 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(poll_once(), 0); // not durable, so not through (P6)
    ck_assert_uint_eq(sink_outstanding(sink), 1);
    __atomic_store_n(&on_disk, 7, __ATOMIC_RELEASE);
    while (!poll_once())
        ;
    ck_assert_uint_eq(sink_outstanding(sink), 0);
    ck_assert_uint_eq(played, WARMUP + 2); // one at a time
    pace.think_ns = 50 * PERIOD_NS;
    while (!poll_once())
        ;
    uint64_t was = at_done[played - 1];
    while (!poll_once())
        ;
    ck_assert_uint_ge(clock_ns(at_arrived[played - 1] - was), 50 * PERIOD_NS - 1);
}
END_TEST

START_TEST(test_given_back)
{
    struct order_reply *r = calloc(1, sizeof *r);
    order_on_hit = true;
    frame[50].hit = frame[52].hit = true;
    frame[WARMUP - 1].hit = true; // the warm-up's own
    load.hits = 3;
    begin(PACE_MAX);
    while (played < WARMUP)
        (void)poll_once();
    ck_assert_int_eq(gateway_poll(sink_gateway(sink), r), 0); // its price still stands
    while (!poll_once())
        ;
    ck_assert_uint_eq(played, WARMUP + 1); // and the burst ends, so that the reply comes first
    ck_assert_int_eq(gateway_poll(sink_gateway(sink), r), 1);
    ck_assert(r->status == ORDER_FILLED && r->has_account && r->key.account == 1 && r->key.epoch == 3);
    ck_assert(r->account.id == 1 && r->account.epoch == 4 && r->account.cash == 77);
    ck_assert_int_eq(gateway_poll(sink_gateway(sink), r), 0);
    account.epoch = 4;
    (void)poll_once();
    ck_assert_uint_eq(played, 52); // behind the message after the hit, not behind the hit
    ck_assert_int_eq(gateway_poll(sink_gateway(sink), r), 1);
    account.epoch = 5;
    play_all();
    sink_stop(sink);
    struct sink_hits h;
    sink_hits(sink, drive.first, drive.next, &h);
    ck_assert(h.hits == 2 && h.matched == 2 && h.missed == 0 && h.extra == 0);
    ck_assert_uint_eq(sink_handed(sink)->count, 2); // measured, without the warm-up's
    free(r);
}
END_TEST

// Replies and idle polls in the same places as in the run that wrote them.
START_TEST(test_told_the_same)
{
    struct order_reply *r = calloc(1, sizeof *r);
    struct gateway *gw;
    settling = true;
    begin(PACE_CLOSED);
    gw = sink_gateway(sink);
    while (played < 50)
        (void)poll_once();
    order(3, 1, 0);
    while (sink_outstanding(sink))
        (void)gateway_poll(gw, r);
    ck_assert_int_eq(r->status, ORDER_REFUSED); // its bytes are no order
    play_all();
    for (size_t i = 0; i < FRAMES; i++) {
        ck_assert_uint_eq(moment[i].replies, i >= 50);
        ck_assert_uint_le(moment[i].idle, DRIVE_IDLE_MOST);
        ck_assert(moment[i].idle == 0 || i == WARMUP); // until the schedule begins
    }
    sink_close(sink);
    played = 0;
    repeat = true;
    for (size_t i = 0; i < FRAMES; i++)
        moment[i].idle = i == 70 ? 3 : 0;
    moment[FRAMES - 1].replies = 9; // of orders that this run does not have: it ends all the same
    begin(PACE_MAX);
    gw = sink_gateway(sink);
    (void)poll_once();
    order(3, 1, 0); // sooner than then
    ck_assert_int_eq(gateway_wait(gw, 10000), 1);
    while (played < 50) {
        ck_assert_int_eq(gateway_poll(gw, r), 0);
        (void)poll_once();
    }
    ck_assert_uint_eq(played, 50);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(poll_once(), 0);
    ck_assert_int_eq(gateway_poll(gw, r), 1);
    while (played < 70)
        (void)poll_once();
    ck_assert_uint_eq(played, 70);
    ck_assert_uint_eq(poll_once(), 0); // the burst that ended there was none
    ck_assert_uint_eq(poll_once(), 0);
    ck_assert_uint_eq(poll_once(), 0);
    ck_assert_uint_gt(poll_once(), 0);
    play_all();
    free(r);
}
END_TEST

// Frames with equal low bits, a second order, an order of nobody, one that is missing.
START_TEST(test_hits_are_matched)
{
    const size_t hit[] = {45, 50, 55, 60, 65};
    for (size_t i = 0; i < 5; i++) {
        frame[hit[i]].hit = true;
        frame[hit[i]].id = UINT64_C(0x12300000) + hit[i];
    }
    frame[60].id = frame[50].id + (UINT64_C(1) << T0_ID_BITS);
    load.hits = 5;
    begin(PACE_MAX);
    order(1, 1, 45);
    order(1, 1, 50);
    order(1, 1, 50); // of frame 60
    order(1, 1, 55);
    order(1, 1, 55); // once too often
    order(1, 1, 99); // of nobody
    sink_stop(sink);
    struct sink_hits h;
    sink_hits(sink, 0, FRAMES, &h);
    ck_assert(h.hits == 5 && h.matched == 3 && h.missed == 1 && h.extra == 2);
    sink_hits(sink, 46, 61, &h); // played and measured: 50, 55, 60
    ck_assert(h.hits == 3 && h.matched == 2 && h.missed == 0 && h.extra == 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("drive");
    TCase *t = tcase_create("drive");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_open_loop_counts_waiting);
    tcase_add_test(t, test_recorded_pace);
    tcase_add_test(t, test_as_fast_as_it_goes);
    tcase_add_test(t, test_warm_up);
    tcase_add_test(t, test_ends_early);
    tcase_add_test(t, test_closed_loop);
    tcase_add_test(t, test_given_back);
    tcase_add_test(t, test_told_the_same);
    tcase_add_test(t, test_hits_are_matched);
    suite_add_tcase(s, t);
    return run_suite(s);
}
