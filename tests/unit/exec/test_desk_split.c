// SPDX-License-Identifier: Apache-2.0
// stages=split in the desk: two orders of a lending account where they earn more than one, with numbers that
// can be followed by hand; what takes a part back, what ends it, what a restart knows, what is not combined.
#include <check.h>
#include <string.h>

#include "accounts/book.h"
#include "exec/desk_inside.h"
#include "exec/one_borrower.h"
#include "run_suite.h"

static const uint64_t S = UINT64_C(1000000000);

static struct {
    struct gateway base;
    struct gateway_order last;
    struct order order; // decoded
    unsigned n;
} gw;
static struct {
    uint64_t lsn;
    unsigned stages;
    uint8_t stage[STAGE_BYTES];
} wal;
static struct book book;
static struct desk *desk;
static int64_t px[MARKET_ASSETS_MAX];

static int take_order(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    gw.last = *o;
    gw.n++;
    ck_assert_int_eq(order_decode(o->bytes, o->n_bytes, &gw.order), 0);
    return 0;
}
static const struct gateway_ops ops = {.submit = take_order};

static uint64_t log_put(void *ctx, enum journal_type type, const void *data, size_t len)
{
    (void)ctx;
    wal.lsn += len;
    if (type == J_STAGE) {
        memcpy(wal.stage, data, STAGE_BYTES);
        wal.stages++;
    }
    return wal.lsn;
}

static void open_desk(void)
{
    const struct desk_config c = {.desk = 1,
                                  .size = {1100000, 100},
                                  .ready_tolerance_ppm = 50000,
                                  .stages = STAGES_SPLIT,
                                  .stage = STAGE_PARAMS_DEFAULT};
    const struct desk_log log = {NULL, log_put};
    struct err e;
    desk = desk_new(&c, &book, &gw.base, &log, &e);
    ck_assert_msg(desk != NULL, "%s", e.msg);
}

// 120,000 of collateral at a threshold of 80 %, a spread of 5 %, 100,000 of debt: health 0.96.
static void setup(void)
{
    memset(&gw, 0, sizeof gw);
    memset(&wal, 0, sizeof wal);
    gw.base.ops = &ops;
    one_borrower(&book, px);
    open_desk();
}
static void teardown(void)
{
    desk_free(desk);
    desk = NULL;
    book_free(&book);
}

static enum staged_at at(void)
{
    return desk_stage(desk, 0)->is.s.at;
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
        r.account = book.account[0];
        ck_assert_msg(rule_aave_3_5.settle(&book.market, &r.account, px, gw.order.leg, gw.order.n, &s, &e) ==
                          0,
                      "%s", e.msg);
        r.account.epoch++;
    }
    (void)desk_reply(desk, &r);
}

// Within a few of the smallest units below `dollars`.
static void repays(int64_t dollars)
{
    ck_assert_int_eq(gw.order.n, 2);
    ck_assert(gw.order.leg[0].instrument == DEBT && gw.order.leg[1].instrument == COLL);
    i128 off = (i128)dollars * MONEY - gw.order.leg[0].qty;
    ck_assert_msg(off > -20 && off < 20, "%lld for %lld", (long long)gw.order.leg[0].qty, (long long)dollars);
}

START_TEST(two_orders)
{
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, S, 0), DESK_SENT);
    repays(25000); // (100 - 96) / (1 - 0.8 * 1.05)
    ck_assert(!gw.order.full && at() == STAGED_PARTIAL && wal.stages == 1);
    ck_assert_uint_gt(gw.last.second, 0);
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, S, 0), DESK_BUSY);
    reply(ORDER_FILLED);
    ck_assert_int_eq(at(), STAGED_PARTIAL);
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, S, 0), DESK_SENT); // at once, at the same prices
    repays(37500);
    ck_assert(gw.order.full && at() == STAGED_FULL && gw.n == 2);
    reply(ORDER_FILLED);
    const struct desk_counters *n = desk_counters(desk);
    ck_assert(n->stage[STAGED_PARTIAL] == 1 && n->stage[STAGED_FULL] == 1 && at() == STAGED_HEALTHY);
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, 2 * S, 0), DESK_STAGED); // healthy: nothing to order
}
END_TEST

START_TEST(one_where_two_earn_no_more)
{
    px[COLL] = 98000000; // 0.941: below 0.95 all of the debt may be repaid
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, S, 0), DESK_SENT);
    ck_assert(at() == STAGED_FULL && desk_counters(desk)->stage[STAGED_PARTIAL] == 0);
    const struct size_policy policy = {1100000, 100};
    struct order_size without;
    ck_assert_int_eq(rule_aave_3_5.size(&book.market, &book.account[0], px, &policy, &without), 0);
    ck_assert(gw.order.leg[0].qty == without.leg[0].qty); // as without stages
    reply(ORDER_REFUSED);
    ck_assert(at() == STAGED_HEALTHY && desk_counters(desk)->stages_undone == 1);
}
END_TEST

START_TEST(taken_back)
{
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, S, 0), DESK_SENT);
    reply(ORDER_REFUSED);
    ck_assert_int_eq(at(), STAGED_HEALTHY);
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, 10 * S, 0), DESK_SENT); // the first again
    repays(25000);
    reply(ORDER_FILLED);
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, 10 * S, 0), DESK_SENT);
    reply(ORDER_UNKNOWN); // the second: between the two again
    ck_assert_int_eq(at(), STAGED_PARTIAL);
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, 30 * S, 0), DESK_SENT);
    repays(37500);
}
END_TEST

START_TEST(recovered_between)
{
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, S, 0), DESK_SENT);
    reply(ORDER_FILLED);
    px[COLL] = 101000000;
    desk_look(desk, 0, px, 2 * S);
    ck_assert(at() == STAGED_HEALTHY && gw.n == 1 && desk_counters(desk)->stages_ended == 1);
}
END_TEST

START_TEST(fallen_between)
{
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, S, 0), DESK_SENT);
    reply(ORDER_FILLED);
    px[COLL] = 90000000; // the close factor is gone
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, 2 * S, 0), DESK_SENT);
    ck_assert(at() == STAGED_FULL && gw.order.full);
    ck_assert(gw.order.leg[0].qty > (i128)70000 * MONEY);
}
END_TEST

START_TEST(restart_between)
{
    struct staging st;
    uint32_t id;
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, S, 0), DESK_SENT);
    ck_assert_int_eq(stage_decode(wal.stage, sizeof wal.stage, &id, &st), 0);
    ck_assert(id == 7 && st.open && st.policy == STAGES_SPLIT && st.is.s.at == STAGED_PARTIAL);
    desk_free(desk); // the outcome is looked up: it never left
    open_desk();
    desk_restore(desk, 0, 0, 9);
    desk_restore_stage(desk, 0, &st);
    ck_assert_int_eq(at(), STAGED_PARTIAL);
    reply(ORDER_UNKNOWN);
    ck_assert_int_eq(at(), STAGED_HEALTHY);
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, 2 * S, 0), DESK_SENT);
    repays(25000);
    reply(ORDER_FILLED); // before the next crash
    ck_assert_int_eq(stage_decode(wal.stage, sizeof wal.stage, &id, &st), 0);
    stage_settled(&st, true);
    desk_free(desk);
    open_desk();
    desk_restore(desk, 0, 0, 10);
    desk_restore_stage(desk, 0, &st);
    ck_assert_int_eq(desk_fire_staged(desk, 0, px, 3 * S, 0), DESK_SENT);
    repays(37500);
    ck_assert_int_eq(at(), STAGED_FULL);
}
END_TEST

// The machine by itself: whatever its view says, after a part comes the rest, and after that nothing.
START_TEST(never_a_second_part)
{
    const struct stage_params p = STAGE_PARAMS_DEFAULT;
    const struct stage_view v = {.open = true, .breached = true, .split = true};
    struct stage_at is = {.step = 0};
    struct stage_move m;
    stage_step(STAGES_SPLIT, &p, &is, &v, S, &m);
    ck_assert(m.order && m.changed && m.to == STAGED_PARTIAL && m.share == STAGE_SHARE_ONE);
    stage_step(STAGES_SPLIT, &p, &is, &v, S, &m);
    ck_assert(m.order && m.changed && m.to == STAGED_FULL && is.s.orders == 2);
    stage_step(STAGES_SPLIT, &p, &is, &v, 2 * S, &m);
    ck_assert(!m.order && !m.changed);
    const struct stage_view closed = {.open = false};
    stage_step(STAGES_SPLIT, &p, &is, &closed, 2 * S, &m);
    ck_assert(!m.order && m.to == STAGED_CLOSED);
}
END_TEST

START_TEST(no_predictions_no_worth)
{
    struct err e;
    ck_assert_int_eq(desk_predict(desk, 0, px, S, 0), DESK_PREDICTED_OFF);
    const struct desk_log log = {NULL, log_put};
    struct desk_config c = {.desk = 1, .stages = STAGES_SPLIT, .stage = STAGE_PARAMS_DEFAULT};
    c.worth.mode = DESK_WORTH_DIRECT;
    c.worth.gas = 1;
    c.worth.level[0].win_ppm = 300000;
    c.worth.tip_cap = 1;
    c.min_profit_e8 = 1;
    ck_assert_ptr_null(desk_new(&c, &book, &gw.base, &log, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "split"));
    c.worth.mode = DESK_WORTH_OFF;
    c.stage.ramp_steps = 0;
    ck_assert_ptr_null(desk_new(&c, &book, &gw.base, &log, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "stages_ramp_steps"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("desk split");
    TCase *t = tcase_create("split");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, two_orders);
    tcase_add_test(t, one_where_two_earn_no_more);
    tcase_add_test(t, taken_back);
    tcase_add_test(t, recovered_between);
    tcase_add_test(t, fallen_between);
    tcase_add_test(t, restart_between);
    tcase_add_test(t, never_a_second_part);
    tcase_add_test(t, no_predictions_no_worth);
    suite_add_tcase(s, t);
    return run_suite(s);
}
