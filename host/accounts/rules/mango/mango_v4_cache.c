// SPDX-License-Identifier: Apache-2.0
// Mango v4: health (health/cache.rs), the phases and the two thresholds of being liquidated
// (state/mango_account.rs).
#include "accounts/rules/mango/mango_v4.h"

#include <string.h>

// ---- what an account has

static void token_set(struct mango_info *i, const struct mango_token *t, uint64_t now, struct checked *c)
{
    const struct mango_bank *b = &t->bank;
    *i = (struct mango_info){.active = true, .allow_asset_liquidation = !b->no_asset_liquidation};
    for (int k = 0; k < MANGO_TYPES; k++) {
        i->asset_price[k] = k == MANGO_INIT ? fx_min(b->oracle, b->stable) : b->oracle;
        i->liab_price[k] = k == MANGO_INIT ? fx_max(b->oracle, b->stable) : b->oracle;
    }
    // Both weights are scaled at the price of a liability: it is the worse one.
    fx price = i->liab_price[MANGO_INIT];
    i->asset_weight[MANGO_INIT] = mango_scaled_asset_weight(b, price, c);
    i->liab_weight[MANGO_INIT] = mango_scaled_liab_weight(b, price, c);
    i->asset_weight[MANGO_LIQUIDATION_END] = b->init_asset;
    i->liab_weight[MANGO_LIQUIDATION_END] = b->init_liab;
    mango_maint_weights(b, now, &i->asset_weight[MANGO_MAINT], &i->liab_weight[MANGO_MAINT], c);
    i->balance_spot = mango_native(b, &t->liqee, c);
}

static uint64_t reserved(uint64_t total, uint64_t free, struct checked *c)
{
    if (free > total)
        ck_fail(c, "panic: overflow");
    return total - free;
}

static void spot_set(struct mango_cache *h, struct mango_spot_info *i, const struct mango_spot *s,
                     struct checked *c)
{
    *i = (struct mango_spot_info){.base = s->base, .quote = s->quote};
    struct mango_info *base = &h->token[s->base], *quote = &h->token[s->quote];
    base->balance_spot = fx_add(c, base->balance_spot, fx_u64(s->base_free));
    quote->balance_spot = fx_add(c, quote->balance_spot, fx_u64(s->quote_free));
    i->reserved_base = fx_u64(reserved(s->base_total, s->base_free, c));
    i->reserved_quote = fx_u64(reserved(s->quote_total, s->quote_free, c));
    i->base_at_ask = fx_mul(c, i->reserved_base, s->lowest_ask);
    i->quote_at_bid = fx_mul(c, i->reserved_quote, s->highest_bid_inv);
    i->zero_funds = s->base_total == 0 && s->quote_total == 0 && s->rebates == 0;
}

fx mango_unsettled_funding(const struct mango_perp *p, struct checked *c)
{
    if (p->base_lots == 0)
        return 0;
    fx since = p->base_lots > 0 ? fx_sub(c, p->long_funding, p->long_settled)
                                : fx_sub(c, p->short_funding, p->short_settled);
    return fx_mul(c, since, fx_i64(p->base_lots));
}

void mango_cache_perp(struct mango_perp_info *i, const struct mango_perp *p, struct checked *c)
{
    *i = (struct mango_perp_info){
        .settle = p->settle, .base_lot_size = p->base_lot_size, .bids = p->bids, .asks = p->asks};
    for (int k = 0; k < MANGO_TYPES; k++) {
        bool maint = k == MANGO_MAINT;
        i->base_asset[k] = maint ? p->maint_base_asset : p->init_base_asset;
        i->base_liab[k] = maint ? p->maint_base_liab : p->init_base_liab;
        i->overall[k] = maint ? p->maint_overall : p->init_overall;
        i->asset_price[k] = k == MANGO_INIT ? fx_min(p->oracle, p->stable) : p->oracle;
        i->liab_price[k] = k == MANGO_INIT ? fx_max(p->oracle, p->stable) : p->oracle;
    }
    i->base_lots = i64_add(c, p->base_lots, p->taker_base_lots);
    fx taker = fx_i64(i64_mul(c, p->taker_quote_lots, p->quote_lot_size));
    i->quote = fx_add(c, fx_sub(c, p->quote, mango_unsettled_funding(p, c)), taker);
    i->open_orders = p->bids != 0 || p->asks != 0;
    i->open_fills = p->taker_base_lots != 0 || p->taker_quote_lots != 0;
}

void mango_cache_set(struct mango_cache *h, const struct mango_account *a, struct checked *c)
{
    memset(h, 0, sizeof *h);
    h->n_tokens = a->n_tokens;
    h->n_spots = a->n_spots;
    h->n_perps = a->n_perps;
    for (unsigned i = 0; i < a->n_tokens; i++)
        if (a->token[i].active)
            token_set(&h->token[i], &a->token[i], a->now, c);
    for (unsigned i = 0; i < a->n_spots; i++)
        spot_set(h, &h->spot[i], &a->spot[i], c);
    for (unsigned i = 0; i < a->n_perps; i++)
        mango_cache_perp(&h->perp[i], &a->perp[i], c);
}

// ---- perps

// The base position after the given orders have been executed, at its weight and price, with what they cost.
static fx orders_case(const struct mango_perp_info *p, enum mango_type t, int64_t lots, fx price,
                      struct checked *c)
{
    fx net = fx_i64(i64_mul(c, i64_add(c, p->base_lots, lots), p->base_lot_size));
    fx weight = net < 0 ? p->base_liab[t] : p->base_asset[t];
    fx base_price = net < 0 ? p->liab_price[t] : p->asset_price[t];
    fx base = fx_mul(c, fx_mul(c, net, weight), base_price);
    fx orders = fx_i64(i64_mul(c, lots, p->base_lot_size));
    return fx_add(c, base, fx_mul(c, fx_neg(c, orders), price));
}

fx mango_unweighted_pnl(const struct mango_perp_info *p, enum mango_type t, struct checked *c)
{
    fx bids = orders_case(p, t, p->bids, p->liab_price[t], c);
    fx asks = orders_case(p, t, i64_sub(c, 0, p->asks), p->asset_price[t], c);
    return fx_add(c, p->quote, fx_min(bids, asks));
}

static fx unsettled_pnl(const struct mango_perp_info *p, enum mango_type t, struct checked *c)
{
    fx v = mango_unweighted_pnl(p, t, c);
    return v > 0 ? fx_mul(c, p->overall[t], v) : v;
}

static void balances(const struct mango_cache *h, enum mango_type t, bool ignore_losses,
                     fx balance[MANGO_TOKENS_MAX], struct checked *c)
{
    memset(balance, 0, MANGO_TOKENS_MAX * sizeof *balance);
    for (unsigned i = 0; i < h->n_perps; i++) {
        fx v = unsettled_pnl(&h->perp[i], t, c);
        if (!ignore_losses || v > 0)
            balance[h->perp[i].settle] = fx_add(c, balance[h->perp[i].settle], v);
    }
    for (unsigned i = 0; i < h->n_tokens; i++)
        balance[i] = fx_add(c, balance[i], h->token[i].balance_spot);
}

void mango_balances(const struct mango_cache *h, enum mango_type t, fx balance[MANGO_TOKENS_MAX],
                    struct checked *c)
{
    balances(h, t, false, balance, c);
}

// ---- open orders

static fx as_other(fx amount, fx asset_price, fx liab_price, fx extreme, struct checked *c)
{
    // The program divides as f64 here: 53 bits of the quotient, not 48 of its fraction.
    struct soft value = soft_of_fx(fx_mul(c, amount, asset_price));
    fx at_oracle = fx_of_soft(c, soft_div(c, value, soft_of_fx(liab_price)));
    return extreme != 0 ? fx_min(at_oracle, extreme) : at_oracle;
}

struct reserves {
    fx as_base[MANGO_SPOTS_MAX], as_quote[MANGO_SPOTS_MAX]; // all that a market reserves, in one token
    fx most[MANGO_TOKENS_MAX];                              // of a token, over all markets
};

static void reserves_of(const struct mango_cache *h, enum mango_type t, struct reserves *r, struct checked *c)
{
    memset(r, 0, sizeof *r);
    for (unsigned i = 0; i < h->n_spots; i++) {
        const struct mango_spot_info *s = &h->spot[i];
        const struct mango_info *base = &h->token[s->base], *quote = &h->token[s->quote];
        fx bought =
            as_other(s->reserved_quote, quote->asset_price[t], base->liab_price[t], s->quote_at_bid, c);
        fx sold = as_other(s->reserved_base, base->asset_price[t], quote->liab_price[t], s->base_at_ask, c);
        r->as_base[i] = fx_add(c, s->reserved_base, bought);
        r->as_quote[i] = fx_add(c, s->reserved_quote, sold);
        r->most[s->base] = fx_add(c, r->most[s->base], r->as_base[i]);
        r->most[s->quote] = fx_add(c, r->most[s->quote], r->as_quote[i]);
    }
}

// What health gains by a market's reserves when they are added to the token after all others.
static fx effect(const struct mango_info *i, enum mango_type t, fx balance, fx most, fx market,
                 struct checked *c)
{
    fx max = fx_add(c, balance, most), asset, liab;
    if (max >= market) {
        asset = market;
        liab = 0;
    } else if (max < 0) {
        asset = 0;
        liab = market;
    } else {
        asset = max;
        liab = fx_sub(c, market, max);
    }
    return fx_add(c, fx_mul(c, fx_mul(c, asset, i->asset_weight[t]), i->asset_price[t]),
                  fx_mul(c, fx_mul(c, liab, i->liab_weight[t]), i->liab_price[t]));
}

// ---- health

fx mango_contribution(const struct mango_info *i, enum mango_type t, fx balance, struct checked *c)
{
    fx weighted = balance < 0 ? fx_mul(c, i->liab_weight[t], i->liab_price[t])
                              : fx_mul(c, i->asset_weight[t], i->asset_price[t]);
    return fx_mul(c, balance, weighted);
}

static fx health_of(const struct mango_cache *h, enum mango_type t, const fx balance[MANGO_TOKENS_MAX],
                    struct checked *c)
{
    fx sum = 0;
    for (unsigned i = 0; i < h->n_tokens; i++)
        if (h->token[i].active)
            sum = fx_add(c, sum, mango_contribution(&h->token[i], t, balance[i], c));
    struct reserves r;
    reserves_of(h, t, &r, c);
    for (unsigned i = 0; i < h->n_spots; i++) {
        if (r.as_base[i] == 0 || r.as_quote[i] == 0)
            continue;
        unsigned b = h->spot[i].base, q = h->spot[i].quote;
        fx as_base = effect(&h->token[b], t, balance[b], r.most[b], r.as_base[i], c);
        fx as_quote = effect(&h->token[q], t, balance[q], r.most[q], r.as_quote[i], c);
        sum = fx_add(c, sum, fx_min(as_base, as_quote));
    }
    return sum;
}

fx mango_health(const struct mango_cache *h, enum mango_type t, struct checked *c)
{
    fx balance[MANGO_TOKENS_MAX];
    balances(h, t, false, balance, c);
    return health_of(h, t, balance, c);
}

static fx taken_for_zero(fx health, fx spot, fx asset_weighted, fx liab_weighted, struct checked *c)
{
    fx taken = 0;
    if (health <= 0)
        return 0;
    if (spot > 0) {
        if (asset_weighted > 0) {
            fx most = fx_div(c, health, asset_weighted);
            if (most <= spot)
                return most;
        }
        taken = spot;
        health = fx_sub(c, health, fx_mul(c, spot, asset_weighted));
    }
    if (health > 0) {
        if (liab_weighted <= 0) {
            ck_fail(c, "RequireGtViolated");
            return 0;
        }
        taken = fx_add(c, taken, fx_div(c, health, liab_weighted));
    }
    return taken;
}

fx mango_given_for_zero(fx health, fx spot, fx asset_weighted_price, fx liab_weighted_price,
                        struct checked *c)
{
    return taken_for_zero(fx_neg(c, health), fx_neg(c, spot), liab_weighted_price, asset_weighted_price, c);
}

fx mango_max_settle(const struct mango_cache *h, unsigned token, struct checked *c)
{
    fx balance[MANGO_TOKENS_MAX];
    balances(h, MANGO_MAINT, true, balance, c);
    fx health = health_of(h, MANGO_MAINT, balance, c);
    const struct mango_info *i = &h->token[token];
    return taken_for_zero(health, balance[token],
                          fx_mul(c, i->asset_weight[MANGO_MAINT], i->asset_price[MANGO_MAINT]),
                          fx_mul(c, i->liab_weight[MANGO_MAINT], i->liab_price[MANGO_MAINT]), c);
}

// ---- phases

struct left {
    bool orders_spot, orders_perp, assets, borrows, base, fills, gains, losses;
};

static struct left left_of(const struct mango_cache *h, struct checked *c)
{
    struct left l = {0};
    fx balance[MANGO_TOKENS_MAX];
    balances(h, MANGO_LIQUIDATION_END, false, balance, c);
    for (unsigned i = 0; i < h->n_tokens; i++) {
        const struct mango_info *t = &h->token[i];
        if (!t->active)
            continue;
        l.borrows |= t->balance_spot < 0 && balance[i] < 0;
        l.assets |= t->balance_spot >= FX_ONE && balance[i] >= FX_ONE && t->allow_asset_liquidation;
    }
    for (unsigned i = 0; i < h->n_spots; i++)
        l.orders_spot |= !h->spot[i].zero_funds;
    for (unsigned i = 0; i < h->n_perps; i++) {
        const struct mango_perp_info *p = &h->perp[i];
        l.orders_perp |= p->open_orders;
        l.base |= p->base_lots != 0;
        l.fills |= p->open_fills;
        l.gains |= p->base_lots == 0 && p->quote > 0;
        l.losses |= p->base_lots == 0 && p->quote < 0;
    }
    return l;
}

unsigned mango_phase(const struct mango_cache *h, struct checked *c)
{
    struct left l = left_of(h, c);
    if (l.orders_spot || l.orders_perp)
        return 1;
    if ((l.borrows && l.assets) || l.base || l.fills || l.gains)
        return 2;
    return l.borrows || l.losses ? 3 : 0;
}

static void require(struct checked *c, bool good, const char *why)
{
    if (!good)
        ck_fail(c, why);
}

static void require_after_phase1(const struct mango_cache *h, struct checked *c)
{
    struct left l = left_of(h, c);
    require(c, !l.orders_spot, "HasOpenOrUnsettledSerum3Orders");
    require(c, !l.orders_perp, "HasOpenPerpOrders");
}

void mango_require_after_phase2(const struct mango_cache *h, struct checked *c)
{
    require_after_phase1(h, c);
    struct left l = left_of(h, c);
    require(c, !(l.borrows && l.assets), "HasLiquidatableTokenPosition");
    require(c, !l.base, "HasLiquidatablePerpBasePosition");
    require(c, !l.fills, "HasOpenPerpTakerFills");
    require(c, !l.gains, "HasLiquidatablePositivePerpPnl");
}

// Above -1 native quote and not at 0: what rounding leaves must not keep an account in liquidation.
void mango_maybe_recover(struct mango_account *a, fx liquidation_end)
{
    if (liquidation_end > -FX_ONE)
        a->being_liquidated = false;
}

enum mango_status mango_check(struct mango_account *a, const struct mango_cache *h, struct checked *c)
{
    if (a->being_liquidated) {
        mango_maybe_recover(a, mango_health(h, MANGO_LIQUIDATION_END, c));
        return a->being_liquidated ? MANGO_LIQUIDATABLE : MANGO_RECOVERED;
    }
    if (mango_health(h, MANGO_MAINT, c) >= 0)
        return MANGO_HEALTHY;
    a->being_liquidated = true;
    return MANGO_LIQUIDATABLE;
}

bool mango_begin(struct mango_account *a, struct mango_cache *h, unsigned phases, fx *health,
                 enum mango_status *status, struct checked *c)
{
    mango_cache_set(h, a, c);
    *health = mango_health(h, MANGO_LIQUIDATION_END, c);
    (phases == 1 ? require_after_phase1 : mango_require_after_phase2)(h, c);
    *status = mango_check(a, h, c);
    return *status == MANGO_LIQUIDATABLE && ck_ok(c);
}
