// SPDX-License-Identifier: Apache-2.0
// Several lending orders of one moment over one thin pool, own money and depth: each gets what the others
// leave, cold or ready; a refusal gives its part back, a fill is gone until pools are told anew.
#include "exec/desk_inside.h"
#include "run_suite.h"
#include "worthrig.h"

static void open_thin(uint32_t by)
{
    cfg.worth.mode = DESK_WORTH_DIRECT;
    cfg.worth.premium_bps = 0;
    cfg.depth.mode = DESK_DEPTH_FEED;
    cfg.depth.by = by;
    for (unsigned i = 0; i < 3; i++)
        plain_account(i, 22000);
    memset(cfg.worth.level, 0, sizeof cfg.worth.level); // nothing is bid
    cfg.worth.level[0].win_ppm = 1000000;
    px[WETH] = 2600 * DOLLAR;
    open_desk();
    told.base_fee = 1;
    told.n = 0;
    add_pool(WETH, USDC, 1000000, 0);
    ck_assert_int_eq(tell(), 0);
    gw.n = 0;
}

static void answer_to(unsigned i, uint8_t status)
{
    static struct order_reply r;
    memset(&r, 0, sizeof r);
    r.status = status;
    r.key = gw.sent[i];
    ck_assert_uint_ne(desk_reply(desk, &r), SIZE_MAX);
}

// What q units bring in the pool, as it tells it itself.
static i128 pool_out(u128 q)
{
    const struct exits_pool *p = &told.pool[0];
    i256 in = i256_mul_i64(i256_from_u128(q), 997);
    i256 all = i256_add(i256_mul_i64(i256_from_u128(p->in_a), 1000), in);
    return i256_to_i128(i256_div_floor(i256_mul(in, i256_from_u128(p->in_b)), all));
}

// Is that what q more units bring where so many are sold before, in 1e-8 of a unit, but for rounding against
// us?
static bool brings(u128 before, u128 q, i128 e8)
{
    enum { ROUNDED = 2000 };
    i128 most = (pool_out(before + q) - pool_out(before)) * 100; // dollars of 6 decimals
    return e8 <= most && e8 >= most - ROUNDED;
}

START_TEST(each_gets_what_others_leave)
{
    for (unsigned ready_too = 0; ready_too < 2; ready_too++) {
        i128 first = 0;
        u128 sold = 0;
        open_thin(DESK_DEPTH_BY_REST);
        px[WETH] = 2700 * DOLLAR;
        for (size_t i = 0; ready_too && i < 3; i++)
            desk_prepare(desk, i, px);
        ck_assert_uint_eq(gw.n, ready_too ? 3 : 0);
        px[WETH] = 2600 * DOLLAR;
        unsigned n = gw.submits;
        for (size_t i = 0; i < 2; i++) {
            ck_assert_int_eq(desk_fire(desk, i, px, 1, 0), DESK_SENT);
            ck_assert(wal.order.ready == (ready_too != 0));
            struct worth_amounts x;
            ck_assert_int_eq(order_decode(gw.last.bytes, gw.last.n_bytes, &wal.made), 0);
            ck_assert(worth_call(&book.market, &book.account[i], px, USDC, WETH, wal.made.leg[0].qty, &x));
            ck_assert(x.got == desk->sale.got);
            // what it is worth by the protocol less slippage; the first ready one's is of when it was made
            if (i > 0 || !ready_too)
                ck_assert(brings(sold, x.got, (i128)x.got * 26 / 100000000 - wal.order.slip_e8));
            ck_assert(i == 0 || ready_too || wal.order.reward_e8 < first);
            first = wal.order.reward_e8;
            sold += x.got;
        }
        if (!ready_too) {
            ck_assert_int_eq(desk_fire(desk, 2, px, 1, 0), DESK_NO_PROFIT); // alone it would pay
            ck_assert_int_eq(desk_fire(desk, 2, px, 2, 0), DESK_NO_PROFIT);
            ck_assert_uint_eq(desk_counters(desk)->unworth_kept, 1);
        }
        answer_to(n, ORDER_REFUSED);
        ck_assert_int_eq(desk_fire(desk, 2, px, 3, 0), DESK_SENT); // of what was given back
        answer_to(n + 1, ORDER_REFUSED);
        answer_to(n + 2, ORDER_REFUSED);
        ck_assert(desk_way_gone(desk, WETH, USDC, px) == 0);
    }
}
END_TEST

// A fill is gone until pools are told anew; journals from before have each order alone.
START_TEST(until_the_pool_is_told)
{
    for (unsigned i = 0; i < 2; i++) {
        open_thin(i ? DESK_DEPTH_BY_REST : DESK_DEPTH_BY_UNIT);
        unsigned n = gw.submits;
        for (size_t k = 0; k < 3; k++)
            ck_assert_int_eq(desk_fire(desk, k, px, 1, 0), i && k == 2 ? DESK_NO_PROFIT : DESK_SENT);
        for (unsigned k = 0; k < 2 && i; k++) {
            static struct order_reply r;
            memset(&r, 0, sizeof r);
            r.status = ORDER_FILLED;
            r.key = gw.sent[n + k];
            r.has_account = true;
            r.account = book.account[k];
            r.account.epoch++;
            ck_assert_uint_eq(desk_reply(desk, &r), k);
        }
        if (!i)
            continue;
        ck_assert_int_eq(desk_fire(desk, 2, px, 2, 0), DESK_NO_PROFIT);
        ck_assert_int_eq(tell(), 0);
        ck_assert_int_eq(desk_fire(desk, 2, px, 3, 0), DESK_SENT);
        ck_assert(brings(0, desk->sale.got, wal.order.reward_e8 + (i128)wal.order.value_e8));
    }
}
END_TEST

int main(void)
{
    Suite *su = suite_create("desk_taken");
    TCase *t = tcase_create("taken");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, each_gets_what_others_leave);
    tcase_add_test(t, until_the_pool_is_told);
    suite_add_tcase(su, t);
    return run_suite(su);
}
