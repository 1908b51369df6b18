// SPDX-License-Identifier: Apache-2.0
// Drift v2: the margin calculation over all positions of an account, and what follows from it. Source:
// math/margin.rs (calculate_margin_requirement_and_total_collateral_and_liability_info,
// calculate_perp_position_value_and_pnl), state/margin_calculation.rs, state/user.rs, math/bankruptcy.rs.
#include "accounts/rules/drift/drift_v2.h"

static const i128 WEIGHT = 10000;               // 1e4, of weights and of margin ratios
static const i128 PRICE = 1000000;              // 1e6
static const i128 BASE = 1000000000;            // 1e9
static const u128 ORDER_REQUIREMENT = 10000;    // $0.01 for every open order
static const i128 MOST_INITIAL_PNL = 100000000; // $100

// The price of now, and the bounds that a strict calculation uses.
struct price {
    int64_t now, low, high;
};

static struct price price_of(int64_t now, int64_t twap, bool strict)
{
    struct price p = {now, now, now};
    if (strict && twap < now)
        p.low = twap;
    if (strict && twap > now)
        p.high = twap;
    return p;
}

// The program relates the price's confidence to the price before it uses either: a price of 0 ends there, in
// a division, and a negative one in a cast.
static void price_read(struct checked *c, int64_t price)
{
    if (price <= 0)
        ck_fail(c, price == 0 ? CI_MATH : CI_CASTING);
}

static i128 value_of(struct checked *c, i128 tokens, unsigned decimals, const struct price *p)
{
    return drift_value(c, tokens, decimals, tokens > 0 ? p->low : p->high);
}

static bool tracked(const struct drift_context *x, enum drift_track kind, uint16_t market)
{
    return x->track == kind && x->market == market;
}

static u128 buffered(struct checked *c, const struct drift_context *x, u128 requirement, u128 liability)
{
    return cu_add(c, requirement, cu_mul(c, liability, x->buffer) / (u128)WEIGHT);
}

static void add_requirement(struct checked *c, const struct drift_context *x, struct drift_margin *out,
                            u128 requirement, u128 liability)
{
    struct drift_side *s = &out->cross;
    s->requirement = cu_add(c, s->requirement, requirement);
    if (x->buffer > 0)
        s->requirement_buffered = cu_add(c, s->requirement_buffered, buffered(c, x, requirement, liability));
}

static void add_collateral(struct checked *c, const struct drift_context *x, struct drift_margin *out, i128 v)
{
    struct drift_side *s = &out->cross;
    s->collateral = ci_add(c, s->collateral, v);
    if (x->buffer > 0 && v < 0)
        s->collateral_buffer = ci_add(c, s->collateral_buffer, ci_mul(c, v, x->buffer) / WEIGHT);
}

static i128 signed_tokens(struct checked *c, const struct drift_spot *p)
{
    i128 tokens = cu_to_i128(c, drift_tokens(c, p, p->balance, p->borrow));
    return p->borrow ? -tokens : tokens;
}

static void quote_position(struct checked *c, const struct drift_context *x, const struct drift_spot *p,
                           const struct price *price, struct drift_margin *out)
{
    i128 tokens = signed_tokens(c, p);
    if (tokens == 0 && p->balance != 0)
        ck_fail(c, "InvalidMarginRatio");
    i128 value = value_of(c, tokens, p->decimals, price);
    if (!p->borrow) {
        add_collateral(c, x, out, value);
        return;
    }
    if (value == 0)
        ck_fail(c, "InvalidMarginRatio");
    u128 owed = ci_abs(value);
    add_requirement(c, x, out, owed, owed);
    if (tracked(x, DRIFT_TRACK_SPOT, 0))
        out->tracked = cu_add(c, out->tracked, owed);
    out->spot_liabilities++;
}

// What a balance would be with all open orders of one side filled.
struct fill {
    i128 tokens, orders, value, weighted, free;
};

static i128 weigh(struct checked *c, const struct drift_context *x, const struct drift_spot *p, i128 tokens,
                  i128 value)
{
    if (value == 0)
        return 0;
    uint32_t w = value > 0 ? drift_asset_weight(c, p, ci_abs(tokens), x->type)
                           : drift_liability_weight(c, p, ci_abs(tokens), x->type);
    return ci_div(c, ci_mul(c, value, w), WEIGHT);
}

static struct fill simulate(struct checked *c, const struct drift_context *x, const struct drift_spot *p,
                            const struct price *price, i128 tokens, i128 value, int64_t filled)
{
    struct fill f;
    f.orders = drift_value(c, -(i128)filled, p->decimals, price->high);
    f.tokens = ci_add(c, tokens, filled);
    f.value = ci_add(c, value, -f.orders);
    f.weighted = weigh(c, x, p, f.tokens, f.value);
    f.free = ci_add(c, f.weighted, f.orders);
    return f;
}

static struct fill worst_fill(struct checked *c, const struct drift_context *x, const struct drift_spot *p,
                              const struct price *price)
{
    i128 tokens = signed_tokens(c, p);
    i128 value = value_of(c, tokens, p->decimals, price);
    if (p->bids == 0 && p->asks == 0) {
        i128 weighted = weigh(c, x, p, tokens, value);
        return (struct fill){tokens, 0, value, weighted, weighted};
    }
    struct fill bid = simulate(c, x, p, price, tokens, value, p->bids);
    struct fill ask = simulate(c, x, p, price, tokens, value, p->asks);
    return ask.free <= bid.free ? ask : bid;
}

// An account may ask for more margin of itself. Counts for the initial margin only.
static void custom_ratio(struct checked *c, const struct drift_spot *p, uint32_t ratio, struct fill *f)
{
    if (ratio == 0 || f->weighted == 0)
        return;
    u128 size = ci_abs(f->tokens);
    u128 w;
    if (f->weighted < 0)
        w = cu_max(drift_liability_weight(c, p, size, DRIFT_INITIAL),
                   cu_within(c, (u128)ratio + (u128)WEIGHT, 32));
    else
        w = cu_min(drift_asset_weight(c, p, size, DRIFT_INITIAL), cu_sat_sub((u128)WEIGHT, ratio));
    f->weighted = ci_div(c, ci_mul(c, f->value, (i128)w), WEIGHT);
    ci_add(c, f->weighted, f->orders); // as the program, which may overflow here
}

static void spot_orders(struct checked *c, const struct drift_context *x, i128 orders,
                        struct drift_margin *out)
{
    if (orders > 0)
        add_collateral(c, x, out, orders);
    if (orders >= 0)
        return;
    add_requirement(c, x, out, ci_abs(orders), ci_abs(orders)); // quote that bids would owe
    if (tracked(x, DRIFT_TRACK_SPOT, 0))
        out->tracked = cu_add(c, out->tracked, ci_abs(orders));
}

static void spot_position(struct checked *c, const struct drift_context *x, const struct drift_spot *p,
                          const struct price *price, uint32_t ratio, struct drift_margin *out)
{
    struct fill f = worst_fill(c, x, p, price);
    custom_ratio(c, p, ratio, &f);
    if (f.tokens == 0 && p->balance != 0)
        ck_fail(c, "InvalidMarginRatio");
    u128 requirement = p->orders * ORDER_REQUIREMENT;
    add_requirement(c, x, out, requirement, 0);
    if (f.value > 0)
        add_collateral(c, x, out, f.weighted);
    if (f.value < 0) {
        if (ci_abs(f.weighted) < ci_abs(f.value))
            ck_fail(c, "InvalidMarginRatio");
        add_requirement(c, x, out, ci_abs(f.weighted), ci_abs(f.value));
        requirement = cu_add(c, requirement, ci_abs(f.weighted));
    }
    if (tracked(x, DRIFT_TRACK_SPOT, p->index))
        out->tracked = cu_add(c, out->tracked, requirement);
    if (f.value < 0 || (f.value == 0 && (p->orders != 0 || p->bids != 0 || p->asks != 0)))
        out->spot_liabilities++;
    spot_orders(c, x, f.orders, out);
}

// A short of a prediction market, whose price is at most 1, risks 1 less the price.
static u128 liability_value(struct checked *c, const struct drift_perp *p, i128 base)
{
    if (!p->prediction)
        return drift_base_value(c, base, p->price);
    u128 price = ci_abs(p->price);
    u128 risk = base < 0 ? cu_sat_sub((u128)PRICE, price) : price;
    return cu_div(c, cu_mul(c, ci_abs(base), risk), (u128)BASE);
}

struct perp_value {
    u128 requirement, liability;
    i128 pnl;
};

static i128 unrealised(struct checked *c, const struct drift_perp *p)
{
    i128 funding = drift_funding(c, p);
    int64_t price = p->settlement ? p->expiry_price : p->price;
    i128 value = p->base == 0 ? 0 : ci_div(c, ci_mul(c, p->base, price > 0 ? price : 0), BASE);
    return ci_add(c, ci_add(c, value, p->quote), funding);
}

static i128 weighted_pnl(struct checked *c, const struct drift_context *x, const struct drift_perp *p,
                         const struct price *quote, i128 pnl)
{
    i128 weight = drift_pnl_weight(c, p, pnl, x->type);
    i128 price = pnl > 0 ? quote->low : pnl < 0 ? quote->high : quote->now;
    if (weight != WEIGHT)
        pnl = ci_div(c, ci_mul(c, pnl, weight), WEIGHT);
    if (price != PRICE)
        pnl = ci_div(c, ci_mul(c, pnl, price), PRICE);
    return x->type == DRIFT_INITIAL && pnl > MOST_INITIAL_PNL ? MOST_INITIAL_PNL : pnl;
}

static struct perp_value perp_value(struct checked *c, const struct drift_context *x,
                                    const struct drift_user *u, const struct drift_perp *p,
                                    const struct price *quote)
{
    struct perp_value v;
    i128 pnl = unrealised(c, p);
    i128 bids = ci_add(c, p->base, p->bids), asks = ci_add(c, p->base, p->asks);
    if (bids > INT64_MAX || bids < INT64_MIN || asks > INT64_MAX || asks < INT64_MIN)
        ck_fail(c, CI_MATH);
    u128 on_bids = liability_value(c, p, bids), on_asks = liability_value(c, p, asks);
    i128 worst = on_asks >= on_bids ? asks : bids;
    v.liability = on_asks >= on_bids ? on_asks : on_bids;
    v.liability = cu_div(c, cu_mul(c, v.liability, (u128)(i128)quote->high), (u128)PRICE);
    v.requirement = 0;
    if (!p->settlement) {
        u128 ratio = drift_margin_ratio(c, p, ci_abs(worst), x->type, u->leverage);
        if (x->type == DRIFT_INITIAL)
            ratio = cu_max(ratio, cu_max(u->max_margin_ratio, p->max_margin_ratio));
        v.requirement = cu_div(c, cu_mul(c, v.liability, ratio), (u128)WEIGHT);
    }
    v.requirement = cu_add(c, v.requirement, p->orders * ORDER_REQUIREMENT);
    v.pnl = weighted_pnl(c, x, p, quote, pnl);
    return v;
}

static struct drift_side isolated_side(struct checked *c, const struct drift_context *x,
                                       const struct drift_user *u, const struct drift_perp *p,
                                       const struct price *quote, const struct perp_value *v)
{
    const struct drift_spot *q = &u->spot[0];
    i128 tokens = cu_to_i128(c, drift_tokens(c, q, p->isolated_balance, false));
    struct drift_side s = {0, 0, v->requirement, 0};
    s.collateral = ci_add(c, value_of(c, tokens, q->decimals, quote), v->pnl);
    if (x->buffer > 0 && v->pnl < 0)
        s.collateral_buffer = ci_mul(c, v->pnl, x->buffer) / WEIGHT;
    if (x->buffer > 0)
        s.requirement_buffered = buffered(c, x, v->requirement, v->liability);
    return s;
}

static void perp_position(struct checked *c, const struct drift_context *x, const struct drift_user *u,
                          unsigned i, struct drift_margin *out)
{
    const struct drift_perp *p = &u->perp[i];
    const struct drift_spot *q = &u->spot[0];
    price_read(c, q->price);
    struct price quote = price_of(q->price, q->twap, x->strict);
    price_read(c, p->price);
    struct perp_value v = perp_value(c, x, u, p, &quote);
    if (p->isolated) {
        out->counted[i] = true;
        out->isolated[i] = isolated_side(c, x, u, p, &quote, &v);
    } else {
        add_requirement(c, x, out, v.requirement, v.liability);
        add_collateral(c, x, out, v.pnl);
    }
    if (tracked(x, DRIFT_TRACK_PERP, p->index))
        out->tracked = cu_add(c, out->tracked, v.requirement);
    if (p->base != 0 || p->quote < 0 || p->orders != 0 || p->bids != 0 || p->asks != 0)
        out->perp_liabilities++;
}

void drift_margin_of(struct checked *c, const struct drift_user *u, const struct drift_context *x,
                     struct drift_margin *out)
{
    *out = (struct drift_margin){.tracked = 0};
    uint32_t ratio = x->type == DRIFT_INITIAL ? u->max_margin_ratio : 0;
    for (unsigned i = 0; i < u->spots; i++) {
        const struct drift_spot *p = &u->spot[i];
        if (drift_spot_empty(p))
            continue;
        price_read(c, p->price);
        if (x->strict && p->twap <= 0)
            ck_fail(c, "InvalidOracle");
        struct price price = price_of(p->price, p->twap, x->strict);
        if (p->index == 0)
            quote_position(c, x, p, &price, out);
        else
            spot_position(c, x, p, &price, ratio, out);
    }
    for (unsigned i = 0; i < u->perps; i++)
        if (!drift_perp_empty(&u->perp[i]))
            perp_position(c, x, u, i, out);
    if (out->spot_liabilities > 0 && out->cross.requirement == 0)
        ck_fail(c, "InvalidMarginRatio");
}

// The program casts the requirement without a check: above 2^127 it counts as negative.
bool drift_meets(const struct drift_side *s)
{
    return s->collateral >= (i128)s->requirement;
}

bool drift_can_exit(const struct drift_side *s)
{
    return ci_sat_add(s->collateral, s->collateral_buffer) >= (i128)s->requirement_buffered;
}

u128 drift_shortage(struct checked *c, const struct drift_side *s, uint32_t buffer)
{
    if (buffer == 0)
        ck_fail(c, "InvalidMarginCalculation");
    i128 have = ci_sat_add(s->collateral, s->collateral_buffer);
    i128 lacks = ci_sub(c, cu_to_i128(c, s->requirement_buffered), have);
    return lacks > 0 ? (u128)lacks : 0;
}

bool drift_should_be_bankrupt(const struct drift_user *u, const struct drift_perp *isolated)
{
    if (isolated)
        return isolated->isolated_balance == 0 && isolated->base == 0 && isolated->quote < 0 &&
               isolated->orders == 0 && isolated->bids == 0 && isolated->asks == 0;
    bool owes = false;
    for (unsigned i = 0; i < u->spots; i++) {
        if (u->spot[i].balance > 0 && !u->spot[i].borrow)
            return false;
        owes |= u->spot[i].balance > 0;
    }
    for (unsigned i = 0; i < u->perps; i++) {
        const struct drift_perp *p = &u->perp[i];
        if (p->isolated)
            continue;
        if (p->base != 0 || p->quote > 0 || p->orders != 0 || p->bids != 0 || p->asks != 0)
            return false;
        owes |= p->quote < 0;
    }
    return owes;
}
