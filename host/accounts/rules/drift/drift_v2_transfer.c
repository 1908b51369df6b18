// SPDX-License-Identifier: Apache-2.0
// Drift v2: liquidations in which the liquidator takes over a liability for an asset: a borrow for a deposit,
// a borrow for a perpetual's profit, a perpetual's loss for a deposit. Source: controller/liquidation.rs
// (liquidate_spot, liquidate_borrow_for_perp_pnl, liquidate_perp_pnl_for_deposit),
// controller/spot_balance.rs, math/spot_swap.rs (calculate_swap_price).
#include "accounts/rules/drift/drift_v2.h"

static const u128 PCT = 10000;               // 1e4
static const u128 FEE = 1000000;             // 1e6
static const u128 PRICE = 1000000;           // 1e6
static const uint32_t WEIGHT = 10000;        // 1e4: a loss counts in full
static const i128 DUST = 10 * (i128)1000000; // a liability up to $10 may be taken whole
static const unsigned QUOTE_DIGITS = 6;

// The two things that change hands. For a profit or a loss, perp; else the balance.
struct pair {
    struct drift_spot *asset, *liability;
    struct drift_perp *perp;
    struct drift_leg give, owe; // give: what the liquidator gets
    uint32_t if_fee_most;
};

static struct drift_spot *find_spot(struct drift_run *x, uint16_t index)
{
    for (unsigned i = 0; i < x->u->spots; i++)
        if (x->u->spot[i].index == index)
            return &x->u->spot[i];
    ck_fail(x->c, "CouldNotFindSpotPosition");
    return NULL;
}

static uint32_t premium(struct checked *c, uint32_t fee)
{
    return (uint32_t)cu_within(c, FEE + fee, 32);
}

static uint32_t discount(struct checked *c, uint32_t fee)
{
    return (uint32_t)cu_sub(c, FEE, fee);
}

static void check_oracle(struct checked *c, const struct drift_spot *m)
{
    if (m->index != 0 && (m->oracle == DRIFT_ORACLE_NON_POSITIVE || m->oracle == DRIFT_ORACLE_TOO_VOLATILE))
        ck_fail(c, "InvalidOracle");
}

static u128 checked_tokens(struct checked *c, const struct drift_spot *p, bool borrow)
{
    check_oracle(c, p);
    if (p->borrow != borrow)
        ck_fail(c, "WrongSpotBalanceType");
    u128 tokens = drift_tokens(c, p, p->balance, borrow);
    if (tokens == 0)
        ck_fail(c, "InvalidSpotPosition");
    return tokens;
}

static struct drift_leg deposit_leg(struct drift_run *x, const struct drift_spot *p)
{
    struct checked *c = x->c;
    u128 tokens;
    if (x->isolated) {
        check_oracle(c, p);
        tokens = drift_tokens(c, p, x->isolated->isolated_balance, false);
        if (tokens == 0)
            ck_fail(c, "InvalidSpotPosition");
    } else {
        tokens = checked_tokens(c, p, false);
    }
    return (struct drift_leg){tokens, p->decimals, p->price, p->asset_weight[DRIFT_MAINTENANCE],
                              premium(c, p->liquidator_fee)};
}

static struct drift_leg borrow_leg(struct drift_run *x, const struct drift_spot *p)
{
    u128 tokens = checked_tokens(x->c, p, true);
    return (struct drift_leg){tokens, p->decimals, p->price, p->liability_weight[DRIFT_MAINTENANCE],
                              discount(x->c, p->liquidator_fee)};
}

static struct drift_leg pnl_leg(struct drift_run *x, const struct drift_perp *p, bool profit)
{
    struct checked *c = x->c;
    if (p->base != 0 || (profit ? p->quote <= 0 : p->quote >= 0) || (profit && p->isolated))
        ck_fail(c, "InvalidPerpPositionToLiquidate");
    uint32_t weight = profit ? drift_pnl_weight(c, p, p->quote, DRIFT_MAINTENANCE) : WEIGHT;
    uint32_t multiplier = profit ? premium(c, p->liquidator_fee) : discount(c, p->liquidator_fee);
    return (struct drift_leg){ci_abs(p->quote), QUOTE_DIGITS, x->u->spot[0].price, weight, multiplier};
}

// Adds tokens to a balance on the side `borrow`; reduces one of the other side first, and turns it.
static void update(struct drift_run *x, const struct drift_spot *m, u128 tokens, bool borrow,
                   uint64_t *balance, bool *side)
{
    struct checked *c = x->c;
    if (*side != borrow) {
        u128 have = drift_tokens(c, m, *balance, *side);
        u128 used = cu_min(have, tokens);
        u128 less = have > tokens ? drift_balance(c, m, tokens, *side, *side) : *balance;
        if (have != 0)
            *balance = (uint64_t)cu_sub(c, *balance, cu_fit(c, less, 64));
        tokens -= used;
        if (tokens == 0)
            return;
        if (x->isolated)
            ck_fail(c, "CantUpdateSpotBalanceType");
        *side = borrow;
    }
    u128 more = drift_balance(c, m, tokens, borrow, borrow);
    *balance = (uint64_t)cu_within(c, (u128)*balance + cu_fit(c, more, 64), 64);
}

static void apply(struct drift_run *x, const struct pair *t)
{
    struct drift_fill *out = x->out;
    bool deposit = false;
    if (t->liability)
        update(x, t->liability, cu_sub(x->c, out->transfer, out->if_fee), false, &t->liability->balance,
               &t->liability->borrow);
    if (t->asset && x->isolated)
        update(x, t->asset, out->received, true, &x->isolated->isolated_balance, &deposit);
    else if (t->asset)
        update(x, t->asset, out->received, true, &t->asset->balance, &t->asset->borrow);
    if (!t->perp)
        return;
    i128 pnl = ci_fit(x->c, cu_to_i128(x->c, t->liability ? out->received : out->transfer), 64);
    i128 quote = (i128)t->perp->quote + (t->liability ? -pnl : pnl);
    if (quote > INT64_MAX || quote < INT64_MIN)
        ck_fail(x->c, CI_MATH);
    t->perp->quote = (int64_t)quote;
}

static void check_limit(struct drift_run *x, const struct pair *t)
{
    if (!x->o->limited)
        return;
    u128 v = cu_div(x->c, cu_mul(x->c, x->out->received, PRICE), cu_pow10(t->give.decimals));
    v = cu_div(x->c, cu_mul(x->c, v, cu_pow10(t->owe.decimals)), x->out->transfer);
    if (v < x->o->limit)
        ck_fail(x->c, "LiquidationDoesntSatisfyLimitPrice");
}

// What would end the shortage, and the part that time allows. False: nothing yet, or refused.
static bool size(struct drift_run *x, struct pair *t, u128 *allowed)
{
    struct checked *c = x->c;
    struct drift_fill *out = x->out;
    const struct drift_side *s =
        x->isolated ? &x->margin.isolated[x->isolated - x->u->perp] : &x->margin.cross;
    out->shortage = drift_shortage(c, s, x->r->buffer);
    t->owe.weight = (uint32_t)cu_within(c, (u128)t->owe.weight + x->r->buffer, 32);
    if (x->o->kind == DRIFT_ORDER_SPOT)
        out->if_fee_rate =
            drift_spot_if_fee(c, drift_tracked_shortage(x, out->shortage), &t->give, &t->owe, t->if_fee_most);
    out->to_cover = drift_liability_to_cover(c, out->shortage, &t->give, &t->owe, out->if_fee_rate);
    out->max_pct =
        x->isolated ? PCT : drift_max_pct(c, out->shortage, x->u->margin_freed, x->u->last_active_slot, x->r);
    *allowed = cu_sat_mul(out->to_cover, out->max_pct) / PCT;
    if (ck_ok(c) && *allowed == 0)
        out->end = DRIFT_NOTHING;
    return ck_ok(c) && *allowed != 0;
}

static bool is_dust(struct drift_run *x, const struct pair *t)
{
    if (!t->liability)
        return t->owe.amount <= (u128)DUST;
    return drift_value(x->c, cu_to_i128(x->c, t->owe.amount), t->owe.decimals, t->owe.price) <= DUST;
}

static void check_bands(struct drift_run *x, const struct pair *t)
{
    if (x->o->kind != DRIFT_ORDER_SPOT)
        return;
    if (drift_too_divergent(x->c, t->liability->price, t->liability->twap, x->r->divergence))
        ck_fail(x->c, "PriceBandsBreached");
    if (drift_too_divergent(x->c, t->asset->price, t->asset->twap, x->r->divergence))
        ck_fail(x->c, "PriceBandsBreached");
}

static void take(struct drift_run *x, struct pair *t)
{
    struct checked *c = x->c;
    struct drift_fill *out = x->out;
    u128 allowed;
    if (!size(x, t, &allowed))
        return;
    u128 implied = drift_liability_implied(c, &t->give, &t->owe);
    u128 least = is_dust(x, t) ? t->owe.amount : 0;
    out->transfer = cu_min(cu_min(x->o->most, t->owe.amount), cu_min(cu_max(allowed, least), implied));
    out->received = drift_asset_for_liability(c, &t->give, &t->owe, out->transfer);
    if (out->received == 0 || out->transfer == 0)
        ck_fail(c, "InvalidLiquidation");
    check_bands(x, t);
    check_limit(x, t);
    out->if_fee = cu_mul(c, out->transfer, out->if_fee_rate) / FEE;
    apply(x, t);
    if (ck_ok(c))
        drift_finish(x);
}

// Markets are asked before positions: one that is paused refuses an account without a position in it too.
static void check_spot_paused(struct drift_run *x, uint16_t index)
{
    for (unsigned i = 0; i < x->u->spots; i++)
        if (x->u->spot[i].index == index && x->u->spot[i].paused)
            ck_fail(x->c, "InvalidLiquidation");
}

static void check_perp_paused(struct drift_run *x, uint16_t index)
{
    for (unsigned i = 0; i < x->u->perps; i++)
        if (x->u->perp[i].index == index && x->u->perp[i].paused)
            ck_fail(x->c, "InvalidLiquidation");
}

static void spot_for_spot(struct drift_run *x)
{
    struct pair t = {.asset = NULL};
    if (x->u->bankrupt)
        ck_fail(x->c, "UserBankrupt");
    check_spot_paused(x, x->o->asset);
    check_spot_paused(x, x->o->liability);
    t.asset = find_spot(x, x->o->asset);
    t.liability = find_spot(x, x->o->liability);
    if (!t.asset || !t.liability)
        return;
    t.give = deposit_leg(x, t.asset);
    t.owe = borrow_leg(x, t.liability);
    t.if_fee_most = t.liability->if_fee;
    if (ck_ok(x->c) && drift_begin(x, DRIFT_TRACK_SPOT, t.liability->index) &&
        drift_cancel(x, DRIFT_TRACK_SPOT, t.liability->index, false))
        take(x, &t);
}

static void borrow_for_pnl(struct drift_run *x)
{
    struct pair t = {.asset = NULL};
    if (x->u->bankrupt)
        ck_fail(x->c, "UserBankrupt");
    check_perp_paused(x, x->o->perp);
    check_spot_paused(x, x->o->liability);
    t.perp = drift_find_perp(x, x->o->perp);
    t.liability = find_spot(x, x->o->liability);
    if (!t.perp || !t.liability)
        return;
    drift_settle_funding(x->c, t.perp);
    t.give = pnl_leg(x, t.perp, true);
    t.owe = borrow_leg(x, t.liability);
    if (ck_ok(x->c) && drift_begin(x, DRIFT_TRACK_NONE, 0) && drift_cancel(x, DRIFT_TRACK_NONE, 0, false))
        take(x, &t);
}

// A loss may be taken only when nothing safer is owed: contracts of a better tier, or borrows of collateral.
static bool tier_violated(const struct drift_run *x, const struct drift_perp *p)
{
    enum drift_asset_tier asset = DRIFT_UNLISTED;
    enum drift_contract_tier contract = x->isolated ? p->tier : DRIFT_TIER_HIGHLY_SPECULATIVE;
    for (unsigned i = 0; i < x->u->spots && !x->isolated; i++) {
        const struct drift_spot *s = &x->u->spot[i];
        if (!drift_spot_empty(s) && s->borrow && s->tier < asset)
            asset = s->tier;
    }
    for (unsigned i = 0; i < x->u->perps && !x->isolated; i++)
        if (!drift_perp_empty(&x->u->perp[i]) && x->u->perp[i].tier < contract)
            contract = x->u->perp[i].tier;
    bool below_asset = asset != DRIFT_UNLISTED && (asset < DRIFT_CROSS || p->tier > DRIFT_TIER_C);
    return p->tier > contract || below_asset;
}

// What is empty once the orders are gone does not count for the tiers: looked at on a copy.
static bool violated_after_cancel(const struct drift_run *x, const struct drift_perp *p)
{
    struct drift_user after = *x->u;
    struct drift_run y = *x;
    y.u = &after;
    for (unsigned i = 0; i < after.spots; i++)
        after.spot[i].orders = 0;
    for (unsigned i = 0; i < after.perps; i++)
        if (!after.perp[i].isolated && after.perp[i].orders != 0) {
            after.perp[i].orders = 0;
            after.perp[i].bids = after.perp[i].asks = 0;
        }
    return tier_violated(&y, p);
}

static void pnl_for_deposit(struct drift_run *x)
{
    struct checked *c = x->c;
    struct pair t = {.perp = drift_find_perp(x, x->o->perp)};
    if (!t.perp)
        return;
    x->isolated = t.perp->isolated ? t.perp : NULL;
    if (x->isolated ? t.perp->bankrupt : x->u->bankrupt)
        ck_fail(c, "UserBankrupt");
    check_spot_paused(x, x->o->asset);
    check_perp_paused(x, x->o->perp);
    t.asset = find_spot(x, x->o->asset);
    if (!t.asset)
        return;
    if (x->isolated && t.asset->index != 0)
        ck_fail(c, "CouldNotFindSpotPosition");
    drift_settle_funding(c, t.perp);
    t.give = deposit_leg(x, t.asset);
    t.owe = pnl_leg(x, t.perp, false);
    if (!ck_ok(c) || !drift_begin(x, DRIFT_TRACK_NONE, 0))
        return;
    bool violation = violated_after_cancel(x, t.perp);
    if (!drift_cancel(x, DRIFT_TRACK_NONE, 0, violation))
        return;
    if (violation)
        ck_fail(c, "TierViolationLiquidatingPerpPnl");
    if (ck_ok(c))
        take(x, &t);
}

void drift_liquidate_transfer(struct drift_run *x)
{
    if (x->o->kind == DRIFT_ORDER_SPOT)
        spot_for_spot(x);
    else if (x->o->kind == DRIFT_ORDER_BORROW_FOR_PNL)
        borrow_for_pnl(x);
    else
        pnl_for_deposit(x);
}
