// SPDX-License-Identifier: Apache-2.0
// The desk asks whether it is worth it: what it hands over is what worth_best says, called here by itself
// over pools built here; ready orders and the question at the trigger; reasons, told once; offers and drops.
#include "exec/desk_inside.h"
#include "exec/marks.h"
#include "run_suite.h"
#include "worthrig.h"

// ---- the judge: own parameters, own pools

static struct cpmm judge_pool;
static struct exit_venue judge_then; // judge_pool when prices have come from px to judge_px
static const int64_t *judge_px;
static u128 judge_up, judge_down;

static u128 judge_out(const struct exit_venue *v, u128 q)
{
    (void)v;
    struct exit_rate by = exit_rate_of(judge_up, judge_down);
    i256 out = i256_mul_u128(judge_pool.venue.out(&judge_pool.venue, q), by.out);
    return i256_lo(i256_div_floor(out, i256_from_u128(by.in)));
}

static u128 judge_upto(const struct exit_venue *v, struct exit_rate r)
{
    (void)v;
    struct exit_rate by = exit_rate_of(judge_up, judge_down);
    return judge_pool.venue.upto(&judge_pool.venue, exit_rate_of((u128)r.out * by.in, (u128)r.in * by.out));
}

static const struct exit_venue *judge_find(void *ctx, uint16_t coll, uint16_t debt)
{
    const struct exits_pool *hop[2] = {NULL, NULL}, *direct = NULL;
    (void)ctx;
    for (unsigned i = 0; i < told.n; i++) {
        const struct exits_pool *p = &told.pool[i];
#define JOINS(x, y) ((p->a == (x) && p->b == (y)) || (p->a == (y) && p->b == (x)))
        if (JOINS(coll, debt))
            direct = p;
        if (JOINS(coll, WETH))
            hop[0] = p;
        if (JOINS(WETH, debt))
            hop[1] = p;
    }
    unsigned n = direct ? 1 : 2;
    if (direct)
        hop[0] = direct;
    uint32_t units_of_gas = 0;
    uint16_t from = coll;
    memset(&judge_pool, 0, sizeof judge_pool);
    judge_pool.path[0].n = (uint8_t)n;
    for (unsigned i = 0; i < n; i++) {
        const struct exits_pool *p = hop[i];
        if (!p)
            return NULL;
        bool back = p->b == from;
        judge_pool.path[0].pool[i] =
            (struct cpmm_pool){back ? p->in_b : p->in_a, back ? p->in_a : p->in_b, p->keep, p->of};
        units_of_gas += p->gas;
        from = back ? p->a : p->b;
    }
    if (cpmm_set(&judge_pool, 1, units_of_gas, NULL))
        return NULL;
    judge_up = (u128)judge_px[coll] * (u128)px[debt];
    judge_down = (u128)px[coll] * (u128)judge_px[debt];
    judge_then = judge_pool.venue;
    judge_then.out = judge_out;
    judge_then.upto = judge_upto;
    judge_then.slop++;
    return judge_up < judge_down ? &judge_then : &judge_pool.venue;
}

static struct worth_params judge_params(void)
{
    const struct desk_worth_config *c = &cfg.worth;
    struct worth_params p = {.n_levels = 3,
                             .tip_floor = c->tip_floor,
                             .tip_cap = c->tip_cap,
                             .min_profit = cfg.min_profit_e8 + cfg.cost_e8,
                             .min_expected = c->min_expected_e8,
                             .scan = (uint16_t)c->scan};
    for (unsigned i = 0; i < WORTH_WAYS; i++)
        p.way[i] = (struct worth_cost){c->gas, c->revert_gas, (uint16_t)c->premium_bps};
    for (unsigned i = 0; i < 3; i++)
        p.level[i] = (struct worth_level){c->level[i].share_ppm, c->level[i].win_ppm};
    return p;
}

static struct worth judge(const struct account *a, const int64_t *at)
{
    struct worth_params p = judge_params();
    struct worth_gas gas = {told.base_fee, at[WETH]};
    struct worth_exits exits = {.find = judge_find};
    struct worth w;
    judge_px = at;
    enum worth_way way = cfg.worth.mode == DESK_WORTH_FLASH ? WORTH_FLASH : WORTH_DIRECT;
    (void)worth_best(&p, way, &gas, &book.market, a, at, &exits, &w);
    return w;
}

static i128 ceil_div(i128 a, i128 b)
{
    return (a + b - 1) / b;
}

// The order and the terms are those of w at these prices.
static void is_order_of(const struct gateway_order *g, const struct worth *w, const int64_t *at)
{
    struct order o;
    ck_assert_int_eq(order_decode(g->bytes, g->n_bytes, &o), 0);
    ck_assert(o.n == 2 && o.leg[0].instrument == w->debt && o.leg[1].instrument == w->coll);
    i128 all = (i128)(w->x.paid + w->x.paid / 16 + 1); // not all that is owed: its loan would cost more
    ck_assert(o.leg[0].qty == (w->full ? all : w->qty) && o.leg[1].qty == 0 && o.full == w->full);
    i128 one = (i128)pow10_of(DECIMALS[w->debt]);
    ck_assert(o.value_e8 == ceil_div((i128)w->x.paid * at[w->debt], one));
    ck_assert(o.reward_e8 == (int64_t)w->profit);
    const struct gateway_terms *t = &g->terms;
    ck_assert(t->worth_e8 == (int64_t)w->expected && t->tip == w->tip);
    ck_assert_uint_eq(t->gas, 2 * w->gas);
    i128 least = ceil_div((i128)(cfg.min_profit_e8 + cfg.cost_e8) * one, at[w->debt]);
    ck_assert(t->least_profit == (u128)(least > 1 ? least : 1));
    bool direct = w->coll == w->debt;
    for (unsigned i = 0; i < told.n; i++)
        direct |= (told.pool[i].a == w->coll && told.pool[i].b == w->debt) ||
                  (told.pool[i].b == w->coll && told.pool[i].a == w->debt);
    ck_assert(t->n_via == !direct && (direct || t->via[0] == WETH));
}

static void shake_prices(void)
{
    for (unsigned i = 0; i < RESERVES; i++)
        px[i] = PRICE[i] * (DOLLAR * (950 + (int64_t)below(100)) / 1000);
}

static void shake_world(void)
{
    shake_prices();
    tell_pools(UINT64_C(10000) << below(14), (unsigned)below(60));
    told.n = (uint16_t)(told.n - below(2)); // perhaps without the way from WETH to DAI
    told.base_fee = (1 + below(100)) * GWEI;
    ck_assert_int_eq(tell(), 0);
}

// Random books, pools, prices, settings: cold orders.
START_TEST(hands_over_what_is_best)
{
    unsigned sent = 0, not = 0, by_native = 0, partly = 0, reasons[UNWORTH_REASONS] = {0};
    for (unsigned round = 0; round < 60; round++) {
        cfg.worth.mode = 1 + (uint32_t)below(2);
        cfg.worth.scan = (uint32_t)below(4);
        cfg.min_profit_e8 = 1 + (int64_t)below(20 * DOLLAR);
        cfg.cost_e8 = (int64_t)below(2 * DOLLAR);
        cfg.worth.min_expected_e8 = (int64_t)below(DOLLAR);
        for (unsigned i = 0; i < 40; i++)
            random_account(&book.account[i], 10 + 2 * i);
        open_desk();
        shake_world();
        for (unsigned i = 0; i < 40; i++) {
            struct health h;
            const struct account *a = &book.account[i];
            a->rule->health(&book.market, a, px, &h);
            if (!h.liquidatable)
                continue;
            struct worth w = judge(a, px);
            unsigned records = wal.unworth;
            enum desk_answer got = desk_fire(desk, i, px, 1, 0);
            if (w.reason == WORTH_YES) {
                ck_assert_int_eq(got, DESK_SENT);
                is_order_of(&gw.last, &w, px);
                ck_assert(!gw.last.terms.predicted && !wal.order.ready && !wal.order.predicted);
                ck_assert(wal.order.value_e8 == wal.made.value_e8 && wal.order.full == w.full);
                sent++;
                by_native += gw.last.terms.n_via;
                partly += !w.full;
            } else {
                ck_assert_int_eq(got, DESK_NO_PROFIT);
                struct unworth u;
                unworth_of(a->id, a->epoch, (uint8_t)w.reason, &w, &u);
                ck_assert_uint_eq(wal.unworth, records + 1);
                ck_assert(wal.last.account == u.account && wal.last.reason == u.reason &&
                          wal.last.debt == u.debt && wal.last.coll == u.coll && wal.last.bonus == u.bonus &&
                          wal.last.gas == u.gas && wal.last.profit == u.profit &&
                          wal.last.slippage == u.slippage && wal.last.expected == u.expected &&
                          wal.last.premium == u.premium && wal.last.fee == u.fee);
                not ++;
                reasons[w.reason]++;
            }
        }
    }
    printf("# sent %u (by the native coin %u, partly %u), not %u: slippage %u, gas %u, minimum %u\n", sent,
           by_native, partly, not, reasons[WORTH_SLIPPAGE], reasons[WORTH_GAS], reasons[WORTH_MINIMUM]);
    ck_assert(sent > 30 && not > 30 && by_native > 3 && partly > 3 && reasons[WORTH_GAS] > 3);
    ck_assert(reasons[WORTH_SLIPPAGE] + reasons[WORTH_MINIMUM] > 3);
}
END_TEST

// ---- ready orders

enum { READY_ACCOUNTS = 40 };
static struct {
    bool has;
    struct gateway_order order; // as offered
    struct worth worth;         // as judged
} ready[READY_ACCOUNTS];
static unsigned offered, used, cold, none;

// Offered as worth_best says at the breach, or not.
static void prepare(size_t i)
{
    const struct account *a = &book.account[i];
    struct marks_assets s;
    int64_t at[MARKET_ASSETS_MAX];
    unsigned n = gw.n;
    desk_prepare(desk, i, px);
    ck_assert_int_eq(marks_of(&book.market, a, &s), 0);
    int32_t breach = marks_breach(&book.market, a, &s, px, at);
    if (breach >= 0)
        ready[i].worth = judge(a, at);
    ready[i].has = breach >= 0 && ready[i].worth.reason == WORTH_YES;
    ck_assert_uint_eq(gw.n, n + ready[i].has);
    if (!ready[i].has)
        return;
    is_order_of(&gw.offered, &ready[i].worth, at);
    ready[i].order = gw.offered;
    offered++;
}

// The ready order's own settlement by its own tip and the chance of that, at px.
static struct worth judge_own(size_t i)
{
    const struct account *a = &book.account[i];
    const struct worth *w = &ready[i].worth;
    struct worth_params p = judge_params();
    struct worth_gas gas = {told.base_fee, px[WETH]};
    struct worth own = {.reason = WORTH_NO_EXIT};
    struct worth_amounts x;
    struct worth_token debt = worth_token_of(&book.market, w->debt, px),
                       coll = worth_token_of(&book.market, w->coll, px);
    judge_px = px;
    const struct exit_venue *v = w->coll == w->debt ? &exit_same : judge_find(NULL, w->coll, w->debt);
    p.level[0] = p.level[w->level];
    p.n_levels = 1;
    p.tip_floor = p.tip_cap = w->tip;
    bool same_way = w->coll == w->debt || (judge_pool.path[0].n == 2) == ready[i].order.terms.n_via;
    if (v && same_way && worth_call(&book.market, a, px, w->debt, w->coll, w->qty, &x))
        worth_value(&p, WORTH_FLASH, &gas, &debt, &coll, v, &x, &own);
    return own;
}

static void pull_trigger(size_t i)
{
    const struct account *a = &book.account[i];
    const struct gateway_order *r = &ready[i].order;
    struct worth own = judge_own(i), best = judge(a, px);
    int64_t least = cfg.min_profit_e8 + cfg.cost_e8;
    enum desk_answer got = desk_fire(desk, i, px, 1, 0);
    bool is_ready = got == DESK_SENT && order_key_cmp(&gw.last.key, &r->key) == 0;
    // worth_again asks for the least profit and not for the least expected value.
    if (own.reason == WORTH_YES || is_ready) {
        ck_assert(own.profit >= least && is_ready);
        ck_assert(wal.order.ready && gw.last.lsn == r->lsn);
        ck_assert_mem_eq(gw.last.bytes, r->bytes, r->n_bytes);
        ck_assert_mem_eq(&gw.last.terms, &r->terms, sizeof gw.last.terms);
        ck_assert(wal.order.value_e8 >= wal.order.reward_e8 && wal.order.reward_e8 >= least);
        used++;
    } else if (best.reason == WORTH_YES) {
        ck_assert_int_eq(got, DESK_SENT);
        is_order_of(&gw.last, &best, px);
        ck_assert(!wal.order.ready);
        cold++;
    } else {
        ck_assert_int_eq(got, DESK_NO_PROFIT);
        none++;
    }
}

// At the trigger a ready order is handed over exactly when its own settlement earns enough, by its own tip.
START_TEST(ready_orders_go_when_they_earn)
{
    for (unsigned round = 0; round < 40; round++) {
        cfg.min_profit_e8 = 1 + (int64_t)below(20 * DOLLAR);
        for (unsigned i = 0; i < READY_ACCOUNTS; i++)
            random_account(&book.account[i], 10 + 2 * i);
        open_desk();
        shake_world();
        for (size_t i = 0; i < READY_ACCOUNTS; i++)
            prepare(i);
        if (round % 4 == 1)
            told.base_fee *= 8;
        if (round % 4 == 2)
            tell_pools(UINT64_C(20000) << below(8), (unsigned)below(80));
        if (round % 4)
            ck_assert_int_eq(tell(), 0);
        for (unsigned i = 0; i < RESERVES; i++)
            px[i] = px[i] * (985 + (int64_t)below(30)) / 1000;
        for (size_t i = 0; i < READY_ACCOUNTS; i++) {
            struct health h;
            book.account[i].rule->health(&book.market, &book.account[i], px, &h);
            if (ready[i].has && h.liquidatable)
                pull_trigger(i);
        }
        const struct desk_counters *n = desk_counters(desk);
        ck_assert_uint_eq(n->ready_again + n->ready_valued, n->ready_used);
        ck_assert_uint_eq(gw_open(), n->ready_made - n->ready_used - n->ready_retired);
        if (round % 4 == 0) // same pools: mostly without a division
            ck_assert_uint_ge(n->ready_again, n->ready_valued);
        gw.n = 0; // the next round has a new desk
    }
    printf("# offered %u, handed over %u, cold instead %u, none %u\n", offered, used, cold, none);
    ck_assert(offered > 100 && used > 50 && cold + none > 5);
}
END_TEST

START_TEST(nothing_before_it_is_told)
{
    plain_account(0, 22000);
    px[WETH] = 2600 * DOLLAR;
    open_desk();
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_NO_PROFIT);
    ck_assert(wal.unworth == 1 && wal.last.reason == WORTH_NO_EXIT && wal.last.account == 10);
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(gw.n, 0);
    int64_t weth = px[WETH];
    told.native = LINK; // no price of it
    px[LINK] = 0;
    ck_assert_int_eq(tell(), 0);
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_NO_PROFIT);
    ck_assert(wal.unworth == 2 && wal.last.reason == UNWORTH_NO_GAS_PRICE && wal.last.profit == 0);
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(gw.n, 0);
    px[LINK] = 15 * DOLLAR;
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_SENT);
    ck_assert_int_eq(px[WETH], weth);
    uint8_t rubbish[3] = {1, 2, 3};
    ck_assert_int_eq(desk_exits(desk, rubbish, sizeof rubbish, &error), -1);
    told.native = RESERVES; // the market has no such instrument
    ck_assert_int_eq(tell(), -1);
    const struct desk_counters *n = desk_counters(desk);
    ck_assert(n->unworth[WORTH_NO_EXIT] == 1 && n->unworth[UNWORTH_NO_GAS_PRICE] == 1 &&
              n->unworth_kept == 0);
}
END_TEST

// An answer is repeated without asking while nothing has moved; the record is written once, and again when
// the reason is another.
START_TEST(told_once)
{
    const struct desk_counters *n = desk_counters(desk);
    plain_account(0, 22000);
    px[WETH] = 2640 * DOLLAR;
    told.base_fee = 10000 * GWEI;
    ck_assert_int_eq(tell(), 0);
    for (uint64_t now = 1; now <= 5; now++)
        ck_assert_int_eq(desk_fire(desk, 0, px, now, 0), DESK_NO_PROFIT);
    ck_assert(wal.unworth == 1 && wal.last.reason == WORTH_GAS && n->unworth_kept == 4);
    ck_assert(n->unworth[WORTH_GAS] == 5 && n->answer[DESK_NO_PROFIT] == 5);
    ck_assert_int_eq(desk_stake(desk, 0, px, 6), 0);
    px[WETH] = px[WETH] * 98 / 100; // asked again: the same reason
    ck_assert_int_eq(desk_fire(desk, 0, px, 7, 0), DESK_NO_PROFIT);
    ck_assert(wal.unworth == 1 && n->unworth_kept == 4);
    told.pool[0].in_b = told.pool[0].in_b * 8 / 10; // WETH to USDC: slippage now
    ck_assert_int_eq(tell(), 0);
    ck_assert_int_eq(desk_fire(desk, 0, px, 8, 0), DESK_NO_PROFIT);
    ck_assert(wal.unworth == 2 && wal.last.reason == WORTH_SLIPPAGE && n->unworth_kept == 4);
    ck_assert_int_eq(desk_fire(desk, 0, px, 9, 0), DESK_NO_PROFIT);
    told.pool[1].in_b++; // WBTC's: none of its business
    ck_assert_int_eq(tell(), 0);
    ck_assert_int_eq(desk_fire(desk, 0, px, 10, 0), DESK_NO_PROFIT);
    ck_assert(wal.unworth == 2 && n->unworth_kept == 6);
}
END_TEST

// What an answer rests on besides: each parameter of the rule, its age, the account's state.
START_TEST(asked_again)
{
    struct instrument *in = &book.market.instrument[WETH];
    const struct desk_counters *n = desk_counters(desk);
    plain_account(0, 22000);
    book.account[0].emode = 3;
    px[WETH] = 2400 * DOLLAR;
    told.base_fee = 10000 * GWEI;
    ck_assert_int_eq(tell(), 0);
    in->emode_lt_bps = 8250;
    in->emode_lb_bps = 10500;
    in->n_emodes = 1;
    in->emodes[0] = (struct emode){3, 8250, 10500};
    uint64_t now = 1;
#define ASKED(change)                                                                                        \
    do {                                                                                                     \
        change;                                                                                              \
        uint64_t kept = n->unworth_kept;                                                                     \
        ck_assert_int_eq(desk_fire(desk, 0, px, now, 0), DESK_NO_PROFIT);                                    \
        ck_assert_msg(n->unworth_kept == kept, #change);                                                     \
        ck_assert_int_eq(desk_fire(desk, 0, px, now, 0), DESK_NO_PROFIT);                                    \
        ck_assert_msg(n->unworth_kept == kept + 1, #change);                                                 \
    } while (0)
    ASKED(now++);
    ASKED(in->lb_bps++);
    ASKED(in->lt_bps--);
    ASKED(in->fee_bps++);
    ASKED(in->emode_lb_bps++);
    ASKED(in->emode_lt_bps++);
    ASKED(in->emode = 2);
    ASKED(in->grace_until = 1); // the rule lets nothing: another reason
    ASKED(in->grace_until = 0);
    ASKED(in->emodes[0].lb_bps++);
    ASKED(in->emodes[0].lt_bps--);
    ASKED(now += UNWORTHY_NS + 1);
    unsigned records = wal.unworth;
    ck_assert_uint_eq(records, 3);
    ASKED(book.account[0].epoch++); // as a fill leaves it: told again
    ck_assert_uint_eq(wal.unworth, records + 1);
    struct account a = book.account[0];
    size_t i;
    ASKED(ck_assert_int_eq(desk_told(desk, &a, ACCOUNTS, &i), TOLD_TAKEN)); // within the epoch
    ck_assert_uint_eq(wal.unworth, records + 2);
    told.base_fee = 2 * GWEI;
    ck_assert_int_eq(tell(), 0);
    ck_assert_int_eq(desk_fire(desk, 0, px, now, 0), DESK_SENT);
    struct order_reply r = {.key = gw.last.key, .status = ORDER_REFUSED};
    ck_assert_uint_eq(desk_reply(desk, &r), 0);
    told.base_fee = 10000 * GWEI;
    ck_assert_int_eq(tell(), 0);
    ASKED(now += UINT64_C(1000000000));
    ck_assert_uint_eq(wal.unworth, records + 3); // the same reason, but there was an order between
}
END_TEST

// Worth it again by a little, which by itself nobody would look at: but its order was made ready.
START_TEST(ready_is_worth_it)
{
    plain_account(0, 22000);
    px[WETH] = 2640 * DOLLAR;
    cfg.worth.tip_cap = 0;
    open_desk();
    for (told.base_fee = 100 * GWEI; judge(&book.account[0], px).reason == WORTH_YES;)
        told.base_fee += GWEI;
    ck_assert_int_eq(tell(), 0);
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_NO_PROFIT);
    px[WETH] = 2630 * DOLLAR;
    ck_assert_int_eq(judge(&book.account[0], px).reason, WORTH_YES);
    ck_assert_int_eq(desk_fire(desk, 0, px, 2, 0), DESK_NO_PROFIT);
    ck_assert_uint_eq(desk_counters(desk)->unworth_kept, 1);
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(gw.n, 1);
    ck_assert_int_eq(desk_fire(desk, 0, px, 3, 0), DESK_SENT);
    ck_assert(wal.order.ready);
}
END_TEST

START_TEST(stake_is_what_it_earns)
{
    struct order_size size;
    plain_account(0, 22000);
    plain_account(1, 22000);
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(gw.n, 1);
    px[WETH] = 2650 * DOLLAR;
    ck_assert_int_eq(desk_stake(desk, 0, px, 1), gw.offered.terms.worth_e8);
    ck_assert_int_eq(rule_aave_3_5.size(&book.market, &book.account[1], px, &cfg.size, &size), 0);
    ck_assert_int_eq(desk_stake(desk, 1, px, 1), i256_to_i64(size.reward));
    desk_ahead(desk, 0, px);
    desk_ahead(desk, 1, px);
    ck_assert_int_eq(desk_stake(desk, 0, px, 1), gw.offered.terms.worth_e8);
    ck_assert_int_eq(desk_stake(desk, 1, px, 1), i256_to_i64(size.reward));
    desk_kill(desk, true);
    ck_assert_int_eq(desk_stake(desk, 0, px, 1), 0);
    desk_kill(desk, false);
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_SENT);
    ck_assert(wal.order.ready);
    ck_assert_int_eq(desk_fire(desk, 1, px, 1, 0), DESK_SENT);
    struct worth w = judge(&book.account[1], px);
    is_order_of(&gw.last, &w, px); // by what it earns, not as sized for the ranking
}
END_TEST

// A ready order is looked at again when its way out has changed: kept where it is still as good, made anew
// where it is not.
START_TEST(way_out_changes)
{
    cfg.worth.level[0].share_ppm = 500000; // half of what is left goes into the tip
    cfg.worth.level[0].win_ppm = 900000;
    cfg.worth.level[1].win_ppm = 0;
    cfg.worth.tip_cap = 5000 * GWEI;
    open_desk();
    ck_assert_int_eq(tell(), 0);
    const struct desk_counters *n = desk_counters(desk);
    plain_account(0, 22000);
    desk_prepare(desk, 0, px);
    struct gateway_order first = gw.offered;
    desk_prepare(desk, 0, px);
    ck_assert(n->ready_made == 1 && wal.ready == 1);
    told.pool[0].in_b += told.pool[0].in_b / 1000;
    ck_assert_int_eq(tell(), 0);
    desk_prepare(desk, 0, px); // a little better: the same order, its figures anew
    ck_assert(n->ready_made == 1 && gw.drops == 0);
    struct marks_assets s;
    int64_t at[MARKET_ASSETS_MAX];
    ck_assert_int_eq(marks_of(&book.market, &book.account[0], &s), 0);
    ck_assert_int_gt(marks_breach(&book.market, &book.account[0], &s, px, at), 0);
    ck_assert_int_gt(desk_stake(desk, 0, at, 1), first.terms.worth_e8);
    told.pool[0] = told.pool[--told.n]; // no pool of the two: by none at all
    ck_assert_int_eq(tell(), 0);
    ck_assert_uint_eq(gw_open(), 1);
    told.pool[told.n++] = (struct exits_pool){DAI, USDC, 1, 1, 997, 1000, 90000};
    desk_prepare(desk, 0, px);
    ck_assert(n->ready_retired == 1 && gw.drops == 1 && gw_open() == 0);
    tell_pools(50000000, 2);
    told.pool[0].in_a /= 4; // a fourth of the depth, the same price: another size
    told.pool[0].in_b /= 4;
    ck_assert_int_eq(tell(), 0);
    desk_prepare(desk, 0, px);
    ck_assert(n->ready_made == 2 && gw_open() == 1);
    ck_assert_int_eq(order_key_cmp(&gw.offered.key, &first.key) > 0, 1);
    // The base fee eats so much that the tip which the order has is most of what is left: half would be
    // better.
    told.base_fee = 100 * GWEI;
    ck_assert_int_eq(tell(), 0);
    desk_prepare(desk, 0, px);
    ck_assert_uint_eq(n->ready_made, 2); // no price and no pool has moved
    told.pool[0].in_a--;
    ck_assert_int_eq(tell(), 0);
    desk_prepare(desk, 0, px);
    ck_assert(n->ready_made == 3 && gw_open() == 1 && gw.drops == 2);
}
END_TEST

// Another route by the same instruments: what was signed would go along the old one.
START_TEST(another_route)
{
    plain_account(0, 22000);
    told.pool[0] = told.pool[--told.n]; // WETH-USDC gone; here is WETH-DAI
    struct account *a = &book.account[0];
    a->position[0].instrument = USDC; // collateral USDC, debt LINK: by WETH alone
    a->position[0].supply = units(USDC, 2800000) * 9 / 10;
    a->position[1].instrument = LINK;
    a->position[1].debt = units(LINK, 2000000);
    tell_pools(50000000, 2);
    ck_assert_int_eq(tell(), 0);
    ck_assert_int_eq(a->rule->validate(&book.market, a, &error), 0);
    desk_prepare(desk, 0, px);
    ck_assert(gw.n == 1 && gw.offered.terms.n_via == 1 && gw.offered.terms.via[0] == WETH);
    add_pool(USDC, LINK, 50000000, 0);
    ck_assert_int_eq(tell(), 0);
    px[LINK] = 18 * DOLLAR;
    ck_assert_int_eq(desk_fire(desk, 0, px, 1, 0), DESK_SENT);
    ck_assert(!wal.order.ready && gw.last.terms.n_via == 0 && gw.fate[0] == DROPPED);
}
END_TEST

// With depth, a way that is made anew has another version, and what was found with the one before counts as
// stale: the pairs of a market do not push each other out.
START_TEST(ways_of_many_pairs)
{
    uint32_t version[RESERVES][RESERVES];
    cfg.worth.mode = DESK_WORTH_DIRECT;
    cfg.depth.mode = DESK_DEPTH_FEED;
    open_desk();
    ck_assert_int_eq(tell(), 0);
    for (unsigned again = 0; again < 2; again++)
        for (uint16_t c = 0; c < RESERVES; c++)
            for (uint16_t d = 0; d < RESERVES; d++) {
                uint32_t v = desk_way_version(desk, c, d, px);
                ck_assert_uint_eq(v == 0, c == d);
                if (again)
                    ck_assert_uint_eq(v, version[c][d]);
                version[c][d] = v;
            }
    told.pool[0].in_b += told.pool[0].in_b / 1000;
    ck_assert_int_eq(tell(), 0);
    ck_assert_uint_gt(desk_way_version(desk, WETH, USDC, px), version[DAI][LINK]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("desk_worth");
    TCase *t = tcase_create("desk_worth");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, hands_over_what_is_best);
    tcase_add_test(t, ready_orders_go_when_they_earn);
    tcase_add_test(t, nothing_before_it_is_told);
    tcase_add_test(t, told_once);
    tcase_add_test(t, asked_again);
    tcase_add_test(t, ready_is_worth_it);
    tcase_add_test(t, stake_is_what_it_earns);
    tcase_add_test(t, way_out_changes);
    tcase_add_test(t, another_route);
    tcase_add_test(t, ways_of_many_pairs);
    suite_add_tcase(s, t);
    return run_suite(s);
}
