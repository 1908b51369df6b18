// SPDX-License-Identifier: Apache-2.0
// Mango v4: a perp's base position reduced and its profit taken over
// (instructions/perp_liq_base_or_positive_pnl.rs), with the settle limits of
// state/mango_account_components.rs.
#include "accounts/rules/mango/mango_v4.h"

static void require(struct checked *c, bool good, const char *why)
{
    if (!good)
        ck_fail(c, why);
}

void mango_settle_funding(struct mango_perp *p, struct checked *c)
{
    fx funding = mango_unsettled_funding(p, c);
    p->quote = fx_sub(c, p->quote, funding);
    p->oneshot = fx_sub(c, p->oneshot, funding);
    p->long_settled = p->long_funding;
    p->short_settled = p->short_funding;
}

static uint64_t u64_mul(struct checked *c, uint64_t a, uint64_t b)
{
    u128 v = (u128)a * b;
    require(c, v >> 64 == 0, "panic: overflow");
    return (uint64_t)v;
}

void mango_update_window(struct mango_perp *p, uint64_t now, struct checked *c)
{
    uint64_t start = u64_mul(c, p->window, p->window_size), end = start + p->window_size;
    require(c, end >= start, "panic: overflow");
    if (now < end && now >= start)
        return;
    if (p->window_size == 0) {
        ck_fail(c, "panic: division by zero");
        return;
    }
    require(c, now / p->window_size <= UINT32_MAX, "panic: overflow");
    p->window = (uint32_t)(now / p->window_size);
    p->settled_in_window = 0;
}

void mango_settle_limit(const struct mango_perp *p, int64_t limit[2], struct checked *c)
{
    limit[0] = INT64_MIN;
    limit[1] = INT64_MAX;
    if (p->settle_limit_factor.neg && p->settle_limit_factor.m)
        return;
    fx base = fx_i64(i64_mul(c, p->base_lots, p->base_lot_size));
    fx value = fx_mul(c, p->stable, base);
    int64_t unrealized = soft_clamp_i64(soft_mul(p->settle_limit_factor, soft_of_fx(fx_abs(c, value))));
    int64_t pnl = fx_to_i64(c, fx_ceil(c, fx_abs(c, fx_add(c, p->quote, value))));
    int64_t kept = i64_abs(c, p->recurring);
    int64_t most = i64_add(c, unrealized, kept < pnl ? kept : pnl), least = i64_sub(c, 0, most);
    if (p->oneshot >= 0)
        most = i64_sat_add(most, fx_clamp_i64(fx_ceil(c, p->oneshot)));
    else
        least = i64_sat_add(least, fx_clamp_i64(p->oneshot));
    limit[0] = least < 0 ? least : 0;
    limit[1] = most > 0 ? most : 0;
}

// ---- how much

struct walk { // what the steps below expect of the account as they go
    const struct mango_info *token;
    fx uhupnl, per_lot, health, settle, pnl;
    int64_t lots, lots_most; // taken so far; may be taken
    fx max_pnl;
    struct checked *c;
};

static fx wanted(const struct walk *w)
{
    const struct mango_info *i = w->token;
    enum mango_type t = MANGO_LIQUIDATION_END;
    return mango_given_for_zero(w->health, w->settle, fx_mul(w->c, i->asset_weight[t], i->asset_price[t]),
                                fx_mul(w->c, i->liab_weight[t], i->liab_price[t]), w->c);
}

static void gain(struct walk *w, fx settle)
{
    fx after = fx_add(w->c, w->settle, settle);
    fx was = mango_contribution(w->token, MANGO_LIQUIDATION_END, w->settle, w->c);
    fx is = mango_contribution(w->token, MANGO_LIQUIDATION_END, after, w->c);
    w->health = fx_add(w->c, fx_sub(w->c, w->health, was), is);
    w->settle = after;
}

// Lots for base: `expected` settle token a lot once its profit is settled, `actual` at once.
static void reduce(struct walk *w, fx limit, fx expected, fx actual)
{
    struct checked *c = w->c;
    fx most = fx_min(wanted(w), limit);
    int64_t lots = fx_to_i64(c, fx_ceil(c, fx_div(c, most, expected)));
    int64_t left = i64_sub(c, w->lots_most, w->lots);
    lots = lots < left ? lots : left;
    lots = lots > 0 ? lots : 0;
    fx n = fx_i64(lots);
    // The program logs what it expects, and fails where that has no place.
    struct walk log = *w;
    gain(&log, fx_mul(c, expected, n));
    w->uhupnl = fx_add(c, w->uhupnl, fx_mul(c, w->per_lot, n));
    gain(w, fx_mul(c, actual, n));
    w->lots += lots;
}

static void settle_profit(struct walk *w, fx per_settled)
{
    struct checked *c = w->c;
    fx settle = fx_div(c, wanted(w), per_settled);
    settle = fx_min(fx_min(settle, fx_sub(c, w->max_pnl, w->pnl)), w->uhupnl);
    settle = fx_max(settle, 0);
    gain(w, fx_mul(c, settle, per_settled));
    w->uhupnl = fx_sub(c, w->uhupnl, settle);
    w->pnl = fx_add(c, w->pnl, settle);
}

static void steps(struct walk *w, const struct mango_perp *p)
{
    struct checked *c = w->c;
    fx spot_gain = fx_sub(c, FX_ONE, p->positive_pnl_liquidation_fee), overall = p->init_overall;
    if (w->uhupnl < 0)
        reduce(w, fx_neg(c, w->uhupnl), w->per_lot, w->per_lot);
    if (w->uhupnl >= 0 && spot_gain > overall)
        settle_profit(w, fx_sub(c, spot_gain, overall));
    if (w->uhupnl >= 0 && w->pnl < w->max_pnl)
        reduce(w, fx_sub(c, w->max_pnl, w->pnl), fx_mul(c, w->per_lot, spot_gain),
               fx_mul(c, w->per_lot, overall));
    if (w->uhupnl >= 0 && spot_gain > overall)
        settle_profit(w, fx_sub(c, spot_gain, overall));
    if (w->health < -FX_ONE / 2 && overall > 0) {
        fx per_lot = fx_mul(c, w->per_lot, overall);
        reduce(w, FX_MAX, per_lot, per_lot);
    }
}

// ---- what moves

static void change_base(int64_t *lots, int64_t by, struct mango_perp *p, struct checked *c)
{
    int64_t was = i64_abs(c, *lots);
    *lots = i64_add(c, *lots, by);
    p->open_interest = i64_add(c, p->open_interest, i64_sub(c, i64_abs(c, *lots), was));
}

static void trade(struct mango_perp *p, int64_t base, fx liqor_factor, fx all_factor,
                  struct mango_perp_result *r, struct checked *c)
{
    fx per_lot = fx_mul(c, fx_i64(p->base_lot_size), p->oracle);
    fx quote = fx_mul(c, fx_neg(c, fx_i64(base)), per_lot);
    r->base = base;
    r->quote_liqee = fx_mul(c, quote, all_factor);
    r->quote_liqor = fx_mul(c, fx_neg(c, quote), liqor_factor);
    r->platform_fee = fx_max(fx_sub(c, fx_neg(c, r->quote_liqor), r->quote_liqee), 0);
    p->fees_accrued = fx_add(c, p->fees_accrued, r->platform_fee);
    if (base == 0)
        return;
    change_base(&p->base_lots, base, p, c);
    change_base(&p->liqor_base_lots, i64_sub(c, 0, base), p, c);
    p->quote = fx_add(c, p->quote, r->quote_liqee);
    p->liqor_quote = fx_add(c, p->liqor_quote, r->quote_liqor);
}

static int64_t share(i256 whole, i256 part, i256 of, struct checked *c)
{
    i256 v = i256_mul(whole, part);
    require(c, i256_fits_i128(v), "panic: overflow");
    v = i256_div_trunc(v, of);
    require(c, i256_fits_i64(v), "panic: overflow");
    return i256_to_i64(v);
}

// The part of the account's settle limits that goes along with the profit.
static void limits(const struct mango_perp *p, int64_t limit, struct mango_perp_result *r, struct checked *c)
{
    fx base = fx_i64(i64_mul(c, p->base_lots, p->base_lot_size));
    i128 pnl = fx_ceil(c, fx_add(c, p->quote, fx_mul(c, base, p->oracle))) / FX_ONE;
    i128 oneshot = fx_max(fx_ceil(c, p->oneshot) / FX_ONE, 0);
    i128 recurring = fx_max(limit - oneshot, 0), settle = fx_floor(r->pnl) / FX_ONE;
    i256 total = fx_wide(fx_max(fx_max(pnl, 1), settle));
    int64_t most = fx_to_i64(c, fx_ceil(c, r->pnl));
    int64_t more = share(fx_wide(recurring), fx_wide(settle), total, c);
    int64_t once = share(fx_wide(oneshot), fx_wide(settle), total, c);
    more = more < most ? more : most;
    r->limit_recurring = more > 1 ? more : 1;
    int64_t left = i64_sub(c, most, r->limit_recurring);
    once = once < left ? once : left;
    r->limit_oneshot = once > 0 ? once : 0;
}

static void take_profit(struct mango_account *a, struct mango_perp *p, int64_t limit, fx spot_gain,
                        struct mango_cache *h, struct mango_perp_result *r, struct checked *c)
{
    if (r->pnl <= 0)
        return;
    struct mango_token *t = &a->token[p->settle];
    limits(p, limit, r, c);
    r->token = fx_mul(c, r->pnl, spot_gain);
    p->liqor_quote = fx_add(c, p->liqor_quote, r->pnl);
    p->quote = fx_sub(c, p->quote, r->pnl);
    p->oneshot = fx_sub(c, p->oneshot, fx_max(fx_min(r->pnl, p->oneshot), 0));
    mango_deposit(&t->bank, &t->liqee, r->token, !t->liqee.in_use, c);
    mango_withdraw(&t->bank, &t->liqor, r->token, false, false, c);
    h->token[p->settle].balance_spot = fx_add(c, h->token[p->settle].balance_spot, r->token);
}

static void perp_action(struct mango_account *a, struct mango_cache *h, unsigned perp, int64_t max_base,
                        uint64_t max_pnl, struct mango_perp_result *r, struct checked *c)
{
    struct mango_perp *p = &a->perp[perp];
    bool is_long = p->base_lots > 0;
    fx balance[MANGO_TOKENS_MAX];
    mango_balances(h, MANGO_LIQUIDATION_END, balance, c);
    int64_t limit[2];
    mango_settle_limit(p, limit, c);
    require(c, is_long ? max_base >= 0 : max_base <= 0, "SomeError");

    fx per_lot = fx_mul(c, fx_i64(p->base_lot_size), p->oracle), liqor, all;
    if (is_long) {
        liqor = fx_sub(c, FX_ONE, p->base_liquidation_fee);
        all = fx_sub(c, liqor, p->platform_liquidation_fee);
        per_lot = fx_mul(c, per_lot, fx_add(c, fx_neg(c, p->init_base_asset), all));
    } else {
        liqor = fx_add(c, FX_ONE, p->base_liquidation_fee);
        all = fx_add(c, liqor, p->platform_liquidation_fee);
        per_lot = fx_mul(c, per_lot, fx_sub(c, p->init_base_liab, all));
    }
    require(c, per_lot > 0, "panic: assertion");
    int64_t have = i64_abs(c, p->base_lots), most = i64_abs(c, max_base);
    struct walk w = {.token = &h->token[p->settle],
                     .per_lot = per_lot,
                     .health = r->health,
                     .c = c,
                     .settle = balance[p->settle],
                     .lots_most = have < most ? have : most,
                     .max_pnl = fx_u64(max_pnl)};
    w.uhupnl = mango_unweighted_pnl(&h->perp[perp], MANGO_LIQUIDATION_END, c);
    steps(&w, p);
    if (!ck_ok(c))
        return;
    r->pnl = w.pnl;
    trade(p, is_long ? -w.lots : w.lots, liqor, all, r, c);
    take_profit(a, p, limit[1], fx_sub(c, FX_ONE, p->positive_pnl_liquidation_fee), h, r, c);
    mango_cache_perp(&h->perp[perp], p, c);
}

void mango_perp_liq(struct mango_account *a, unsigned perp, int64_t max_base, uint64_t max_pnl,
                    struct mango_perp_result *r, struct checked *c)
{
    *r = (struct mango_perp_result){0};
    struct mango_cache h;
    if (!mango_begin(a, &h, 1, &r->health, &r->status, c))
        return;
    require(c, !h.perp[perp].open_fills, "HasOpenPerpTakerFills");
    a->token[a->perp[perp].settle].liqor.in_use = true; // by the perp position that it has now
    mango_settle_funding(&a->perp[perp], c);
    mango_update_window(&a->perp[perp], a->now, c);
    fx before = r->health;
    perp_action(a, &h, perp, max_base == INT64_MIN ? INT64_MIN + 1 : max_base, max_pnl, r, c);
    if (!ck_ok(c))
        return;
    r->health = mango_health(&h, MANGO_LIQUIDATION_END, c);
    mango_maybe_recover(a, r->health);
    require(c, r->health >= before, "RequireGteViolated");
}
