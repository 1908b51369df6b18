// SPDX-License-Identifier: Apache-2.0
// comet-1: accounts of Compound III. The contract's arithmetic is comet.h. An account owes in one reserve,
// its market's base; debt there is the principal below zero, borrow_index / 1e12 the market's
// baseBorrowIndex. Every supply that is enabled counts; supply of the base is not collateral (not enabled).
//   collateral = sum floor(floor(balance p / 10^dec) lcf / 1e18), lcf = lt_bps 1e14
//   debt = floor(floor(principal index / 1e15) p_base / 10^dec); liquidatable <=> collateral < debt
// Rows are in 1e-12 dollars times 10^w, w the widest token's decimals; the two floors of a collateral cost
// less than (lt_bps + 1e4) 1e-12 dollars, which is the slack. Liquidation is whole: absorb() takes all
// collateral at the liquidation factors, 2 - lb_bps 1e-4, pays the debt and credits what is over; the
// reserves bear what is missing. What a keeper earns it earns as the buyer of one collateral in the same
// call, buyCollateral(), by quote: fee_bps of the gain stay with the protocol (storeFrontPriceFactor = 1 -
// fee_bps 1e-4). Leg 0 is the base tokens it spends for it at most.
#include "accounts/moving.h"
#include "accounts/rules/comet/comet.h"
#include "accounts/rules/credit_common.h"
#include "accounts/rules/perp/perp_common.h"

enum {
    PRINCIPAL_BITS = 103,
    BALANCE_BITS = 100,
};
static const uint64_t INDEX_UNIT = 1000000000000; // of a ray, in 1e-15

struct absorbed {
    struct comet c;
    const struct instrument *base;
    const struct position *debt;
    const struct position *of[COMET_ASSETS_MAX]; // by asset
};

static u256 index_of(u128 ray)
{
    return u256_from_u128(ray / INDEX_UNIT);
}

static u256 factor_of(const struct instrument *in) // liquidationFactor
{
    return credit_factor(in->lb_bps > CREDIT_BPS ? 2 * CREDIT_BPS - in->lb_bps : CREDIT_BPS);
}

static void add_asset(struct absorbed *x, const struct instrument *in, const struct position *p,
                      int64_t price)
{
    x->of[x->c.n] = p;
    x->c.asset[x->c.n++] = (struct comet_asset){.name = in->name,
                                                .balance = credit_amount(p->supply),
                                                .price = i256_from_i64(price),
                                                .scale = u256_pow10(in->size_decimals),
                                                .liquidate_factor = credit_factor(in->lt_bps),
                                                .liquidation_factor = factor_of(in)};
}

// False: nothing is owed.
static bool fill(const struct market *m, const struct account *a, const int64_t *px, struct absorbed *x)
{
    x->debt = NULL;
    x->c.n = 0;
    x->c.absorb_paused = x->c.buy_paused = x->c.with_pool = false;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (p->debt != 0) {
            x->debt = p;
            x->base = in;
        } else if (credit_counts(p)) {
            add_asset(x, in, p, px[in->asset]);
        }
    }
    if (!x->debt)
        return false;
    x->c.principal = i256_neg(i256_from_i128(x->debt->debt));
    x->c.supply_index = index_of(liquidity_index_now(x->base));
    x->c.borrow_index = index_of(borrow_index_now(x->base));
    x->c.base_price = i256_from_i64(px[x->base->asset]);
    x->c.base_scale = u256_pow10(x->base->size_decimals);
    return true;
}

static i256 owed_units(const struct instrument *in, i128 principal) // presentValueBorrow, without its price
{
    struct checked k = {0};
    return credit_signed(ck_mul_div(&k, credit_amount(principal), index_of(borrow_index_now(in)),
                                    u256_from_u64(CREDIT_ONE / 1000)));
}

static i256 supplied_units(const struct instrument *in, const struct position *p)
{
    struct checked k = {0};
    if (p->collateral || p->supply == 0)
        return i256_from_i128(p->supply);
    return credit_signed(ck_mul_div(&k, credit_amount(p->supply), index_of(liquidity_index_now(in)),
                                    u256_from_u64(CREDIT_ONE / 1000)));
}

static int row_of(const struct market *m, const struct account *a, int64_t eq, int64_t req, struct affine *f)
{
    unsigned w = credit_widest(m, a);
    f->n = 0;
    f->c = f->slack = I256_ZERO;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        i256 coef = I256_ZERO, up = unit10(w - in->size_decimals);
        if (p->debt != 0) {
            coef = i256_neg(i256_mul_i64(i256_mul(owed_units(in, p->debt), up), req * CREDIT_BPS));
        } else if (credit_counts(p)) {
            coef = i256_mul_i64(i256_mul(i256_from_i128(p->supply), up), eq * in->lt_bps);
            f->slack = i256_add(f->slack, i256_mul_i64(unit10(w), eq * (CREDIT_BPS + (int64_t)in->lt_bps)));
        }
        if (i256_sign(coef) != 0 && perp_row_add(f, in->asset, coef))
            return -1;
    }
    return 0;
}

static int comet_rows(const struct market *m, const struct account *a, const struct band *band,
                      uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    return credit_rows(m, a, band, warn_ppm, out, row_of, e);
}

static void comet_health(const struct market *m, const struct account *a, const int64_t *px,
                         struct health *out)
{
    struct absorbed x;
    u256 collateral = U256_ZERO, debt = U256_ZERO;
    const char *why = NULL;
    if (fill(m, a, px, &x))
        why = comet_sums(&x.c, &collateral, &debt);
    out->equity = credit_signed(collateral);
    out->requirement = credit_signed(debt);
    out->liquidatable = !why && ck_lt(collateral, debt);
}

// What at most `most` base tokens buy of the asset, but no more than there is, and the least that buys as
// much:
//   quote(x) <= n  <=>  p_base x scale < (n + 1) base_scale ask
static u256 purchase(const struct comet *c, unsigned asset, u256 most, u256 *got)
{
    struct checked k = {0};
    u256 unit = u256_from_u64(1), ask = ck_mul(&k, comet_ask(c, asset, &k), c->base_scale);
    u256 rate = ck_mul(&k, credit_unsigned(c->base_price), c->asset[asset].scale);
    u256 top = ck_sub(&k, ck_mul(&k, ck_add(&k, c->asset[asset].balance, unit), ask), unit);
    *got = comet_quote(c, asset, ck_min(most, ck_div(&k, top, rate)), &k);
    return ck_div_up(&k, ck_mul(&k, *got, ask), rate);
}

struct sale {
    unsigned asset;
    u256 cost, got;
    i256 reward;
};

static void sale_of(const struct market *m, struct absorbed *x, const int64_t *px, unsigned asset, u256 most,
                    struct sale *out)
{
    const struct instrument *in = &m->instrument[x->of[asset]->instrument];
    x->c.store_front_factor = credit_factor(CREDIT_BPS - in->fee_bps);
    out->asset = asset;
    out->cost = purchase(&x->c, asset, most, &out->got);
    out->reward = i256_sub(credit_worth_floor(in, out->got, px[in->asset]),
                           credit_worth_ceil(x->base, out->cost, px[x->base->asset]));
}

static int comet_size(const struct market *m, const struct account *a, const int64_t *px,
                      const struct size_policy *policy, struct order_size *out)
{
    struct absorbed x;
    struct health h;
    struct sale best, s;
    u256 most = u256_shr(U256_MAX, 129);
    (void)policy; // the contract knows no part
    comet_health(m, a, px, &h);
    if (!h.liquidatable || !fill(m, a, px, &x) || x.c.n == 0)
        return -1;
    sale_of(m, &x, px, 0, most, &best);
    for (unsigned i = 1; i < x.c.n; i++) {
        sale_of(m, &x, px, i, most, &s);
        if (i256_cmp(s.reward, best.reward) > 0)
            best = s;
    }
    i256 qty = i256_max(credit_signed(best.cost), i256_from_i64(1));
    out->full = true;
    credit_order(out, x.debt, i256_to_i128(qty), x.of[best.asset]);
    out->value = h.requirement;
    out->reward = best.reward;
    return 0;
}

static i256 comet_holding(const struct market *m, const struct position *p)
{
    const struct instrument *in = &m->instrument[p->instrument];
    return i256_sub(supplied_units(in, p), owed_units(in, p->debt));
}

// The base: what is owed is gone, what the collateral is credited beyond it is supply.
static void settle_base(const struct market *m, struct position *p, const struct comet_absorbed *got,
                        u256 cost, struct settlement *out)
{
    i256 before = comet_holding(m, p), owed = i256_neg(got->balance), credit = credit_signed(got->credit);
    i256 lost = i256_max(i256_sub(owed, credit), I256_ZERO), spent = credit_signed(cost);
    p->debt = 0;
    p->supply = i256_to_i128(credit_signed(got->new_principal));
    p->collateral = false;
    i256 moved = i256_sub(comet_holding(m, p), before);
    credit_flow(out, PARTY_ACCOUNT, p->instrument, moved);
    credit_flow(out, PARTY_VENUE, p->instrument, i256_sub(spent, credit));
    credit_flow(out, PARTY_LIQUIDATOR, p->instrument, i256_neg(spent));
    credit_flow(out, PARTY_DEFICIT, p->instrument, i256_neg(lost));
    credit_flow(out, PARTY_POOL, p->instrument, i256_sub(i256_add(credit, lost), moved));
}

static int comet_settle(const struct market *m, struct account *a, const int64_t *px,
                        const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct absorbed x;
    struct comet_absorbed got;
    struct sale s;
    if (credit_legs(a, leg, n, e) || !fill(m, a, px, &x))
        return -1;
    const char *why = comet_absorb(&x.c, &got);
    if (why)
        return err_set(e, "account %u: %s", a->id, why);
    unsigned bought = 0;
    while (x.of[bought]->instrument != leg[1].instrument)
        bought++;
    sale_of(m, &x, px, bought, credit_amount(leg[0].qty), &s);
    out->n = 0;
    settle_base(m, &a->position[x.debt - a->position], &got, s.cost, out);
    for (unsigned i = 0; i < x.c.n; i++) {
        struct position *p = &a->position[x.of[i] - a->position];
        i256 all = i256_from_i128(p->supply), sold = i == bought ? credit_signed(s.got) : I256_ZERO;
        credit_flow(out, PARTY_ACCOUNT, p->instrument, i256_neg(all));
        credit_flow(out, PARTY_VENUE, p->instrument, i256_sub(all, sold));
        credit_flow(out, PARTY_LIQUIDATOR, p->instrument, sold);
        p->supply = 0;
        p->collateral = false;
    }
    credit_drop_empty(a);
    return 0;
}

static int check_reserve(const struct market *m, const struct account *a, const struct instrument *in,
                         struct err *e)
{
    if (credit_check_reserve(m, a, in, e))
        return -1;
    if (terms_fit(&in->terms, NULL, 0, a->id, in->name, e))
        return -1;
    if (in->liquidity_index % INDEX_UNIT || in->borrow_index % INDEX_UNIT)
        return err_set(e, "account %u: reserve %s: Comet's indexes have at most 15 decimals", a->id,
                       in->name);
    if (in->lt_bps != 0 && in->lb_bps < CREDIT_BPS)
        return err_set(e, "account %u: reserve %s: lb_bps must be %d (no penalty) or more", a->id, in->name,
                       CREDIT_BPS);
    return 0;
}

static bool fits(unsigned supply_bits, unsigned debt_bits)
{
    return supply_bits <= BALANCE_BITS &&
           debt_bits <= PRINCIPAL_BITS - 20; // grown a millionfold by its index
}

static int comet_validate(const struct market *m, const struct account *a, struct err *e)
{
    const struct instrument *base = NULL;
    if (credit_check_account(m, a, COMET_ASSETS_MAX, e))
        return -1;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (check_reserve(m, a, in, e))
            return -1;
        if (p->debt != 0 && (base || p->supply != 0))
            return err_set(
                e, "account %u: reserve %s: debts are in one reserve, the market's base, without supply",
                a->id, in->name);
        if (!fits(credit_bits((u128)p->supply), credit_bits((u128)p->debt)))
            return err_set(e, "account %u: reserve %s: supply or debt out of range", a->id, in->name);
        base = p->debt != 0 ? in : base;
    }
    return 0;
}

static bool comet_within(const struct market *next, unsigned i, const struct reach *r)
{
    static const struct account any = {.id = 0}; // its number is all that the check of a reserve reads
    const struct instrument *in = &next->instrument[i];
    struct err e;
    if (in->kind != INST_RESERVE)
        return true;
    return check_reserve(next, &any, in, &e) == 0 && fits(r->supply_bits, r->debt_bits);
}

static void comet_terms(struct instrument *in)
{
    enum { STORE_FRONT_KEEPS_BPS = 4000 };
    u128 supply = in->liquidity_index, borrow = in->borrow_index;
    credit_plain(in);
    in->liquidity_index = supply - supply % INDEX_UNIT;
    in->borrow_index = borrow - borrow % INDEX_UNIT;
    in->fee_bps = STORE_FRONT_KEEPS_BPS;
}

static const struct borrowing BORROWING = {.debts = 1, .terms = comet_terms};

const struct rule rule_comet_1 = {
    .name = "comet-1",
    .borrowing = &BORROWING,
    .rows = comet_rows,
    .health = comet_health,
    .size = comet_size,
    .settle = comet_settle,
    .holding = comet_holding,
    .bends = credit_straight,
    .within = comet_within,
    .validate = comet_validate,
};
