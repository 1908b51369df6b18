// SPDX-License-Identifier: Apache-2.0
// Drift v2: a liquidation of a perpetual position, and what all kinds of liquidation begin and end with.
// Source: controller/liquidation.rs (liquidate_perp, calculate_margin_freed), state/liquidation_mode.rs,
// state/user.rs (enter_cross_margin_liquidation and its relatives).
#include "accounts/rules/drift/drift_v2.h"

static const u128 PCT = 10000;                // 1e4
static const u128 FEE = 1000000;              // 1e6
static const u128 SMALL = 50 * (u128)1000000; // a position up to $50 may be taken whole

struct drift_perp *drift_find_perp(struct drift_run *x, uint16_t index)
{
    for (unsigned i = 0; i < x->u->perps; i++)
        if (x->u->perp[i].index == index && !drift_perp_empty(&x->u->perp[i]))
            return &x->u->perp[i];
    ck_fail(x->c, "UserHasNoPositionInMarket");
    return NULL;
}

void drift_settle_funding(struct checked *c, struct drift_perp *p)
{
    i128 rate = p->base > 0 ? p->funding_long : p->funding_short;
    if (rate == p->funding)
        return;
    i128 paid = drift_funding(c, p);
    p->funding = (int64_t)ci_fit(c, rate, 64);
    i128 quote = (i128)p->quote + paid;
    if (quote > INT64_MAX || quote < INT64_MIN)
        ck_fail(c, CI_MATH);
    p->quote = (int64_t)quote;
}

static const struct drift_side *side_of(const struct drift_run *x, const struct drift_margin *m)
{
    return x->isolated ? &m->isolated[x->isolated - x->u->perp] : &m->cross;
}

static void calculate(struct drift_run *x, enum drift_track track, uint16_t market, struct drift_margin *out)
{
    struct drift_context context = {DRIFT_MAINTENANCE, false, x->r->buffer, track, market};
    drift_margin_of(x->c, x->u, &context, out);
}

static bool any_isolated_liquidated(const struct drift_user *u)
{
    for (unsigned i = 0; i < u->perps; i++)
        if (u->perp[i].isolated && (u->perp[i].being_liquidated || u->perp[i].bankrupt))
            return true;
    return false;
}

static bool under_way(const struct drift_run *x)
{
    return x->isolated ? x->isolated->being_liquidated || x->isolated->bankrupt
                       : x->u->being_liquidated || x->u->bankrupt;
}

// The slot from which the ramp counts is that of the first of several liquidations.
static void enter(struct drift_run *x)
{
    struct drift_user *u = x->u;
    bool others = u->being_liquidated || u->bankrupt || any_isolated_liquidated(u);
    if (under_way(x))
        return;
    if (!others)
        u->last_active_slot = x->r->slot;
    if (x->isolated) {
        x->isolated->being_liquidated = true;
        return;
    }
    u->being_liquidated = true;
    u->margin_freed = 0;
}

static void leave(struct drift_run *x)
{
    if (x->isolated) {
        x->isolated->being_liquidated = x->isolated->bankrupt = false;
        return;
    }
    x->u->being_liquidated = x->u->bankrupt = false;
    x->u->margin_freed = 0;
}

static void add_freed(struct drift_run *x, u128 freed)
{
    x->out->freed = cu_within(x->c, x->out->freed + cu_fit(x->c, freed, 64), 64);
    if (!x->isolated)
        x->u->margin_freed = (uint64_t)cu_within(x->c, (u128)x->u->margin_freed + freed, 64);
}

bool drift_begin(struct drift_run *x, enum drift_track track, uint16_t market)
{
    calculate(x, track, market, &x->margin);
    const struct drift_side *s = side_of(x, &x->margin);
    if (!ck_ok(x->c))
        return false;
    if (!under_way(x) && drift_meets(s)) {
        ck_fail(x->c, "SufficientCollateral");
        return false;
    }
    if (under_way(x) && drift_can_exit(s)) {
        leave(x);
        x->out->end = DRIFT_EXITED;
        return false;
    }
    enter(x);
    return true;
}

// Orders of the margin account that is liquidated; the cross one's do not include isolated positions'.
static bool cancel_all(struct drift_run *x)
{
    bool any = false;
    for (unsigned i = 0; i < x->u->spots && !x->isolated; i++) {
        struct drift_spot *p = &x->u->spot[i];
        if (p->orders == 0)
            continue;
        any = true;
        p->orders = 0;
        p->bids = p->asks = 0;
    }
    for (unsigned i = 0; i < x->u->perps; i++) {
        struct drift_perp *p = &x->u->perp[i];
        if (p->orders == 0 || (x->isolated ? p != x->isolated : p->isolated))
            continue;
        any = true;
        p->orders = 0;
        p->bids = p->asks = 0;
    }
    return any;
}

bool drift_cancel(struct drift_run *x, enum drift_track track, uint16_t market, bool tier_violation)
{
    if (!cancel_all(x))
        return true;
    u128 before = drift_shortage(x->c, side_of(x, &x->margin), x->r->buffer);
    calculate(x, track, market, &x->margin);
    u128 after = drift_shortage(x->c, side_of(x, &x->margin), x->r->buffer);
    add_freed(x, cu_sat_sub(before, after));
    if (!ck_ok(x->c))
        return false;
    bool healthy = drift_can_exit(side_of(x, &x->margin));
    if (!healthy && !tier_violation)
        return true;
    x->out->end = healthy ? DRIFT_EXITED_BY_ORDERS : DRIFT_ORDERS_ONLY;
    if (healthy)
        leave(x);
    return false;
}

u128 drift_tracked_shortage(struct drift_run *x, u128 shortage)
{
    u128 all = side_of(x, &x->margin)->requirement;
    if (all == 0)
        return 0;
    return cu_div(x->c, cu_mul(x->c, shortage, x->margin.tracked), all);
}

// What the order was worth to the margin, and the state that it leaves the account in.
void drift_finish(struct drift_run *x)
{
    struct drift_margin after;
    calculate(x, DRIFT_TRACK_NONE, 0, &after);
    u128 left = drift_shortage(x->c, side_of(x, &after), x->r->buffer);
    add_freed(x, cu_sat_sub(x->out->shortage, left));
    x->out->end = DRIFT_LIQUIDATED;
    if (x->out->transfer >= x->out->to_cover) {
        leave(x);
        return;
    }
    if (!drift_should_be_bankrupt(x->u, x->isolated))
        return;
    if (x->isolated) {
        x->isolated->being_liquidated = false;
        x->isolated->bankrupt = true;
    } else {
        x->u->being_liquidated = false;
        x->u->bankrupt = true;
    }
}

static u128 value64(struct drift_run *x, u128 base, int64_t price)
{
    return cu_fit(x->c, drift_base_value(x->c, (i128)base, price), 64);
}

// Rates, and the base that time allows; false: none yet, or refused.
static bool size_perp(struct drift_run *x, const struct drift_perp *p, int64_t price, u128 *allowed)
{
    struct checked *c = x->c;
    struct drift_fill *out = x->out;
    int64_t quote = x->u->spot[0].price;
    u128 base = ci_abs(p->base);
    u128 ratio = drift_margin_ratio(c, p, base, DRIFT_MAINTENANCE, x->u->leverage);
    uint32_t with_buffer = (uint32_t)cu_within(c, ratio + x->r->buffer, 32);
    out->shortage = drift_shortage(c, side_of(x, &x->margin), x->r->buffer);
    out->fee_rate = drift_liquidation_fee(c, p, x->u->leverage, x->u->last_active_slot, x->r->slot);
    out->if_fee_rate = drift_perp_if_fee(c, drift_tracked_shortage(x, out->shortage), (uint64_t)base,
                                         with_buffer, out->fee_rate, price, quote, p->if_fee);
    out->to_cover =
        drift_base_to_cover(c, out->shortage, with_buffer, out->fee_rate, out->if_fee_rate, price, quote);
    if (ck_ok(c) && out->to_cover != UINT64_MAX)
        out->to_cover = drift_step_up(c, out->to_cover, p->step);
    out->max_pct =
        x->isolated ? PCT : drift_max_pct(c, out->shortage, x->u->margin_freed, x->u->last_active_slot, x->r);
    *allowed = cu_fit(c, cu_sat_mul(out->to_cover, out->max_pct) / PCT, 64);
    if (ck_ok(c) && *allowed == 0)
        out->end = DRIFT_NOTHING;
    return ck_ok(c) && *allowed != 0;
}

static void check_limit(struct drift_run *x, const struct drift_perp *p, int64_t price)
{
    if (!x->o->limited)
        return;
    u128 at = ci_to_u128(x->c, price);
    u128 fee = cu_div(x->c, cu_mul(x->c, at, x->out->fee_rate), FEE);
    bool fine = p->base >= 0 ? cu_sub(x->c, at, fee) <= x->o->limit : cu_add(x->c, at, fee) >= x->o->limit;
    if (!fine)
        ck_fail(x->c, "LiquidationDoesntSatisfyLimitPrice");
}

static int64_t move64(struct drift_run *x, i128 v)
{
    if (v > INT64_MAX || v < INT64_MIN)
        ck_fail(x->c, CI_MATH);
    return (int64_t)v;
}

// The user gives base at the oracle's price and pays both fees.
static void apply_perp(struct drift_run *x, struct drift_perp *p, int64_t price)
{
    struct drift_fill *out = x->out;
    u128 value = value64(x, out->transfer, price);
    out->received = value;
    out->fee = (u128)ci_fit(x->c, (i128)(cu_mul(x->c, value, out->fee_rate) / FEE), 64);
    out->if_fee = (u128)ci_fit(x->c, (i128)(cu_mul(x->c, value, out->if_fee_rate) / FEE), 64);
    i128 base = ci_fit(x->c, (i128)out->transfer, 64), quote = ci_fit(x->c, (i128)value, 64);
    bool is_long = p->base >= 0;
    p->quote = move64(x, (i128)p->quote + (is_long ? quote : -quote));
    p->base = move64(x, (i128)p->base + (is_long ? -base : base));
    p->quote = move64(x, (i128)p->quote - (i128)out->fee);
    p->quote = move64(x, (i128)p->quote - (i128)out->if_fee);
    if (ck_ok(x->c) && ci_abs(p->base) % p->step != 0)
        ck_fail(x->c, "InvalidPerpPosition");
}

// After the orders have been cancelled: how much, at which price, and what it leaves.
static void take_perp(struct drift_run *x, struct drift_perp *p, int64_t price)
{
    struct checked *c = x->c;
    u128 allowed;
    if (p->base == 0) {
        x->out->end = DRIFT_NO_BASE;
        return;
    }
    u128 most = p->step == 0 ? 0 : x->o->most - x->o->most % p->step;
    if (most == 0)
        ck_fail(c, p->step == 0 ? CI_MATH : "InvalidBaseAssetAmountForLiquidatePerp");
    if (!p->settlement && drift_too_divergent(c, price, p->twap, x->r->divergence))
        ck_fail(c, "PriceBandsBreached");
    if (!ck_ok(c) || !size_perp(x, p, price, &allowed))
        return;
    u128 base = ci_abs(p->base);
    u128 least = value64(x, base, price) > SMALL ? 0 : base;
    u128 taken = cu_min(cu_min(base, most), cu_max(allowed, least));
    x->out->transfer = drift_step_up(c, taken, p->step);
    check_limit(x, p, price);
    apply_perp(x, p, price);
    if (ck_ok(c))
        drift_finish(x);
}

static void liquidate_perp(struct drift_run *x)
{
    struct checked *c = x->c;
    struct drift_perp *p = drift_find_perp(x, x->o->perp);
    if (!p)
        return;
    x->isolated = p->isolated ? p : NULL;
    if (x->isolated ? p->bankrupt : x->u->bankrupt)
        ck_fail(c, "UserBankrupt");
    if (p->paused)
        ck_fail(c, "InvalidLiquidation");
    drift_settle_funding(c, p);
    if (!ck_ok(c) || !drift_begin(x, DRIFT_TRACK_PERP, p->index))
        return;
    if (p->base == 0 && p->orders == 0 && p->bids == 0 && p->asks == 0)
        ck_fail(c, "PositionDoesntHaveOpenPositionOrOrders");
    if (p->oracle == DRIFT_ORACLE_NON_POSITIVE || p->oracle == DRIFT_ORACLE_TOO_VOLATILE)
        ck_fail(c, "InvalidOracle");
    if (!ck_ok(c) || !drift_cancel(x, DRIFT_TRACK_PERP, p->index, false))
        return;
    take_perp(x, p, p->settlement ? p->expiry_price : p->price);
}

void drift_liquidate(struct checked *c, struct drift_user *u, const struct drift_rules *r,
                     const struct drift_order *o, struct drift_fill *out)
{
    *out = (struct drift_fill){.end = DRIFT_LIQUIDATED};
    struct drift_run x = {.c = c, .u = u, .r = r, .o = o, .out = out};
    if (o->kind == DRIFT_ORDER_PERP)
        liquidate_perp(&x);
    else
        drift_liquidate_transfer(&x);
}
