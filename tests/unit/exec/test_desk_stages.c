// SPDX-License-Identifier: Apache-2.0
// Stages in the desk: sizes, cooldown, backstop, ramp; a transition has one order, and none has two; what
// takes it back; what a restart knows. The rule is perp-linear-1 with numbers that can be followed by hand.
#include <check.h>
#include <string.h>

#include "accounts/book.h"
#include "exec/desk_inside.h"
#include "run_suite.h"
#include "testbook.h"

static const uint64_t S = UINT64_C(1000000000);
enum { BIG, SMALL, ACCOUNTS };

static struct {
    struct gateway base;
    struct gateway_order last;
    struct order order; // decoded
    unsigned n;
    bool full;
} gw;
static struct {
    uint64_t lsn, stage_lsn;
    unsigned stages;
    uint8_t stage[STAGE_BYTES];
    bool failed;
} wal;
static struct book book;
static struct desk *desk;
static int64_t px[MARKET_ASSETS_MAX];

static int take_order(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    if (gw.full)
        return -1;
    gw.last = *o;
    gw.n++;
    ck_assert_int_eq(order_decode(o->bytes, o->n_bytes, &gw.order), 0);
    return 0;
}
static const struct gateway_ops ops = {.submit = take_order};

static uint64_t log_put(void *ctx, enum journal_type type, const void *data, size_t len)
{
    (void)ctx;
    if (wal.failed && type == J_STAGE)
        return 0;
    wal.lsn += len;
    if (type == J_STAGE) {
        ck_assert_uint_eq(len, STAGE_BYTES);
        memcpy(wal.stage, data, len);
        wal.stages++;
        wal.stage_lsn = wal.lsn;
    }
    return wal.lsn;
}

static struct stage_params stage_params; // as they were: the rest after the cooldown
static void open_desk(uint32_t policy)
{
    const struct desk_config c = {.desk = 1,
                                  .size = {1100000, 0},
                                  .ready_tolerance_ppm = 20000,
                                  .stages = policy,
                                  .stage = stage_params};
    const struct desk_log log = {NULL, log_put};
    struct err e;
    desk = desk_new(&c, &book, &gw.base, &log, &e);
    ck_assert_msg(desk != NULL, "%s", e.msg);
}

// BIG: 1500 from 100.00 with 15,000; at 94.70 worth 142,050, equity 7,050 < 7,102.50. SMALL: 900 with 9,000.
static void setup(void)
{
    memset(&gw, 0, sizeof gw);
    memset(&wal, 0, sizeof wal);
    gw.base.ops = &ops;
    stage_params = (struct stage_params)STAGE_PARAMS_DEFAULT;
    stage_params.rest = REST_AFTER;
    testbook(&book, ACCOUNTS);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        int64_t units = i == BIG ? 1500 : 900;
        book.account[i].position[0].size = (i128)units * 1000;
        book.account[i].cash = (i128)units * 10000000;
    }
}
static void teardown(void)
{
    desk_free(desk);
    desk = NULL;
    book_free(&book);
}

static enum desk_answer fire(size_t account, int64_t price, uint64_t now)
{
    px[0] = price;
    return desk_fire_staged(desk, account, px, now, 0);
}

static enum staged_at at(size_t account)
{
    return desk_stage(desk, account)->is.s.at;
}

static void reply(uint8_t status)
{
    static struct settlement s;
    static struct order_reply r;
    struct err e;
    memset(&r, 0, sizeof r);
    r.key = gw.last.key;
    r.status = status;
    r.has_account = status == ORDER_FILLED;
    if (r.has_account) {
        r.account = book.account[r.key.account - 100];
        ck_assert_msg(
            rule_perp_linear_1.settle(&book.market, &r.account, px, gw.order.leg, gw.order.n, &s, &e) == 0,
            "%s", e.msg);
        r.account.epoch++;
    }
    (void)desk_reply(desk, &r);
}

START_TEST(a_fifth_then_the_rest)
{
    open_desk(STAGES_HYPERLIQUID);
    ck_assert_int_eq(fire(BIG, 9470, 100 * S), DESK_SENT);
    ck_assert(gw.order.n == 1 && gw.order.leg[0].qty == 300000 && !gw.order.full);
    ck_assert_int_eq(gw.order.value_e8, INT64_C(2841000000000)); // 28,410
    ck_assert_int_eq(at(BIG), STAGED_PARTIAL);
    ck_assert_int_eq(fire(BIG, 9470, 100 * S), DESK_BUSY);
    reply(ORDER_FILLED);
    desk_look(desk, BIG, px, 100 * S); // 6,751.70 of 5,682 now: it has ended
    ck_assert_int_eq(at(BIG), STAGED_HEALTHY);
    ck_assert_uint_eq(desk_counters(desk)->stages_ended, 1);
    // Again below: the cooldown is the account's.
    for (uint64_t t = 101; t < 130; t++)
        ck_assert_int_eq(fire(BIG, 9370, t * S), DESK_STAGED);
    ck_assert_int_eq(fire(BIG, 9370, 130 * S - 1), DESK_STAGED);
    ck_assert(at(BIG) == STAGED_PARTIAL && gw.n == 1);
    ck_assert_int_eq(fire(BIG, 9370, 130 * S), DESK_SENT);
    ck_assert(gw.order.full && gw.order.leg[0].qty == 1200000 && gw.n == 2);
    reply(ORDER_FILLED);
    desk_look(desk, BIG, px, 130 * S);
    const struct desk_counters *n = desk_counters(desk);
    ck_assert(n->stage[STAGED_PARTIAL] == 1 && n->stage[STAGED_FULL] == 1 && n->filled == 2);
    ck_assert_int_eq(at(BIG), STAGED_CLOSED);
}
END_TEST

START_TEST(small_goes_at_once)
{
    open_desk(STAGES_HYPERLIQUID);
    ck_assert_int_eq(fire(SMALL, 9470, 1), DESK_SENT); // 85,230
    ck_assert(gw.order.full && gw.order.leg[0].qty == 900000 && at(SMALL) == STAGED_FULL);
}
END_TEST

START_TEST(backstop_does_not_wait)
{
    open_desk(STAGES_HYPERLIQUID);
    ck_assert_int_eq(fire(BIG, 9470, S), DESK_SENT);
    reply(ORDER_FILLED);
    ck_assert_int_eq(fire(BIG, 9370, 2 * S), DESK_STAGED);
    ck_assert_int_eq(fire(BIG, 9220, 3 * S), DESK_STAGED); // 3,751.70, two thirds are 3,688
    ck_assert_int_eq(fire(BIG, 9214, 4 * S), DESK_SENT);   // 3,679.70, 3,685.60
    ck_assert(at(BIG) == STAGED_BACKSTOP && gw.order.full &&
              desk_counters(desk)->stage[STAGED_BACKSTOP] == 1);
    reply(ORDER_REFUSED); // where it was before: in its cooldown
    ck_assert(at(BIG) == STAGED_PARTIAL && desk_stage(desk, BIG)->is.s.until == 31 * S);
    ck_assert_int_eq(fire(BIG, 9370, 5 * S), DESK_STAGED);
}
END_TEST

START_TEST(taken_back)
{
    open_desk(STAGES_HYPERLIQUID);
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(fire(BIG, 9470, (uint64_t)(10 + k) * S), DESK_SENT);
        ck_assert_int_eq(at(BIG), STAGED_PARTIAL);
        reply(k ? ORDER_UNKNOWN : ORDER_REFUSED);
        ck_assert(at(BIG) == STAGED_HEALTHY && !desk_stage(desk, BIG)->is.s.ran);
    }
    ck_assert_int_eq(fire(BIG, 9470, 11 * S), DESK_BACKOFF);
    gw.full = true;
    ck_assert_int_eq(fire(BIG, 9470, 20 * S), DESK_RING_FULL);
    struct staging st;
    uint32_t id;
    ck_assert_int_eq(stage_decode(wal.stage, sizeof wal.stage, &id, &st), 0);
    ck_assert(at(BIG) == STAGED_HEALTHY && st.is.s.at == STAGED_HEALTHY); // the journal has it too
    gw.full = false;
    wal.failed = true;
    ck_assert_int_eq(fire(BIG, 9470, 21 * S), DESK_NOT_LOGGED);
    ck_assert_int_eq(at(BIG), STAGED_HEALTHY);
    desk_kill(desk, true);
    ck_assert_int_eq(fire(BIG, 9470, 22 * S), DESK_KILLED);
    ck_assert(at(BIG) == STAGED_HEALTHY && gw.n == 2 && desk_counters(desk)->stages_undone == 2);
}
END_TEST

START_TEST(ready_order_waits_for_its_stage)
{
    open_desk(STAGES_HYPERLIQUID);
    px[0] = 9600;
    desk_prepare(desk, BIG, px);
    ck_assert_uint_eq(desk_counters(desk)->ready_made, 1);
    ck_assert_int_eq(fire(BIG, 9470, S), DESK_SENT);
    ck_assert(desk_counters(desk)->ready_used == 1 && gw.order.leg[0].qty == 300000);
    ck_assert_uint_eq(gw.last.lsn, wal.stage_lsn); // not before the state is durable
    ck_assert_int_eq(desk_predict(desk, SMALL, px, S, 0), DESK_PREDICTED_OFF);
}
END_TEST

START_TEST(open_after_everything_begins_anew)
{
    open_desk(STAGES_HYPERLIQUID);
    ck_assert_int_eq(fire(SMALL, 9470, S), DESK_SENT);
    struct account told = book.account[SMALL]; // its owner was quicker: the fill is of an older state
    told.epoch += 2;
    size_t i;
    ck_assert_int_eq(desk_told(desk, &told, ACCOUNTS, &i), TOLD_TAKEN);
    struct order_reply r = {.key = gw.last.key, .status = ORDER_FILLED, .has_account = true};
    r.account = told;
    r.account.epoch--;
    ck_assert_uint_eq(desk_reply(desk, &r), SMALL);
    ck_assert_int_eq(fire(SMALL, 9470, 2 * S), DESK_SENT); // else it would never be liquidated
}
END_TEST

START_TEST(ramp)
{
    open_desk(STAGES_DRIFT);
    ck_assert_int_eq(fire(BIG, 9470, S), DESK_SENT);
    i128 first = gw.order.leg[0].qty;
    reply(ORDER_FILLED);
    ck_assert_int_eq(at(BIG), STAGED_PARTIAL);
    px[0] = 9480; // above maintenance, below the end: the liquidation goes on
    desk_look(desk, BIG, px, 2 * S);
    ck_assert_int_eq(at(BIG), STAGED_PARTIAL);
    ck_assert_int_eq(fire(BIG, 9420, 7 * S - 1), DESK_STAGED);
    ck_assert_int_eq(fire(BIG, 9420, 7 * S), DESK_SENT); // the second tenth of 60 s
    ck_assert(gw.order.leg[0].qty > first && desk_stage(desk, BIG)->is.step == 1);
    reply(ORDER_FILLED);
    ck_assert_int_eq(fire(BIG, 9300, 61 * S), DESK_SENT);
    ck_assert_int_eq(at(BIG), STAGED_FULL); // the ramp is over: all that ends it
    reply(ORDER_FILLED);
    desk_look(desk, BIG, px, 61 * S);
    ck_assert_int_eq(at(BIG), STAGED_HEALTHY);
    ck_assert_uint_eq(desk_counters(desk)->stages_ended, 1);
}
END_TEST

START_TEST(restart)
{
    struct staging st;
    uint32_t id;
    open_desk(STAGES_HYPERLIQUID);
    ck_assert_int_eq(fire(BIG, 9470, 100 * S), DESK_SENT);
    ck_assert_int_eq(stage_decode(wal.stage, sizeof wal.stage, &id, &st), 0);
    ck_assert(id == 100 && st.open && st.is.s.at == STAGED_PARTIAL && st.before.s.at == STAGED_HEALTHY);
    // Another process; what became of the order comes with the look-up.
    for (int k = 0; k < 3; k++) {
        desk_free(desk);
        open_desk(k == 2 ? STAGES_DRIFT : STAGES_HYPERLIQUID);
        desk_restore(desk, BIG, 0, 9);
        desk_restore_stage(desk, BIG, &st);
        ck_assert_int_eq(at(BIG), k == 2 ? STAGED_HEALTHY : STAGED_PARTIAL); // another policy's says nothing
        reply(k ? ORDER_UNKNOWN : ORDER_FILLED);
        ck_assert_int_eq(fire(BIG, 9470, 110 * S), k ? DESK_SENT : DESK_STAGED);
        if (k)
            gw.last.key.revision = 1; // of the order before
    }
}
END_TEST

START_TEST(records)
{
    struct staging st = {.epoch = 3, .revision = 7, .policy = STAGES_DRIFT, .open = true}, back;
    uint8_t buf[STAGE_BYTES + 1], again[STAGE_BYTES];
    uint32_t id;
    st.is = (struct stage_at){.s = {STAGED_FULL, 1, 2, 3, 4, true}, .step = 9, .freed_e6 = INT64_MAX};
    stage_encode(77, &st, buf);
    ck_assert(stage_decode(buf, STAGE_BYTES, &id, &back) == 0 && id == 77);
    stage_encode(id, &back, again);
    ck_assert_mem_eq(buf, again, STAGE_BYTES);
    for (size_t n = 0; n < STAGE_BYTES; n++)
        ck_assert_int_eq(stage_decode(buf, n, &id, &back), -1);
    buf[STAGE_BYTES] = 0;
    ck_assert_int_eq(stage_decode(buf, sizeof buf, &id, &back), -1);
    static const struct {
        size_t byte;
        uint8_t bad;
    } wrong[] = {{12, STAGES_COUNT}, {13, 2}, {14, STAGED_COUNT}, {15, 2}, {14 + STAGE_AT_BYTES, 99}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        stage_encode(77, &st, buf);
        buf[wrong[i].byte] = wrong[i].bad;
        ck_assert_int_eq(stage_decode(buf, STAGE_BYTES, &id, &back), -1);
    }
}
END_TEST

START_TEST(none)
{
    open_desk(STAGES_NONE);
    ck_assert(desk_stage(desk, BIG) == NULL);
    ck_assert_int_eq(fire(BIG, 9470, S), DESK_SENT); // as ever
    ck_assert(!gw.order.full && wal.stages == 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("desk stages");
    TCase *t = tcase_create("stages");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_fifth_then_the_rest);
    tcase_add_test(t, small_goes_at_once);
    tcase_add_test(t, backstop_does_not_wait);
    tcase_add_test(t, taken_back);
    tcase_add_test(t, ready_order_waits_for_its_stage);
    tcase_add_test(t, open_after_everything_begins_anew);
    tcase_add_test(t, ramp);
    tcase_add_test(t, restart);
    tcase_add_test(t, records);
    tcase_add_test(t, none);
    suite_add_tcase(s, t);
    return run_suite(s);
}
