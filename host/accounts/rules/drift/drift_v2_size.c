// SPDX-License-Identifier: Apache-2.0
// Drift v2: how much of a position a liquidation may take over, and its fees. Source: math/liquidation.rs,
// math/orders.rs, state/perp_market.rs (get_base_liquidator_fee, get_max_liquidation_fee).
#include "accounts/rules/drift/drift_v2.h"

static const u128 FEE = 1000000;           // 1e6, of fees and multipliers
static const u128 PRICE = 1000000;         // 1e6
static const u128 QUOTE = 1000000;         // $1
static const u128 BASE = 1000000000;       // 1e9
static const u128 PCT = 10000;             // 1e4, all
static const u128 WEIGHT = 10000;          // 1e4
static const uint32_t FEE_OF_RATIO = 100;  // 1e6 over 1e4
static const uint64_t GRACE_SLOTS = 1500;  // about ten minutes
static const uint64_t DIVERGENCE = 500000; // one half, the least that the guard can be set to
static const unsigned QUOTE_DIGITS = 6;

static uint32_t as_fee(struct checked *c, uint32_t ratio)
{
    return (uint32_t)cu_within(c, (u128)ratio * FEE_OF_RATIO, 32);
}

static u128 price_of(struct checked *c, int64_t price)
{
    return ci_to_u128(c, price);
}

u128 drift_base_to_cover(struct checked *c, u128 shortage, uint32_t ratio, uint32_t fee, uint32_t if_fee,
                         int64_t price, int64_t quote_price)
{
    uint32_t margin = as_fee(c, ratio);
    if (price == 0 || margin <= fee)
        return UINT64_MAX;
    u128 lacks = cu_mul(c, shortage, BASE);
    u128 p = price_of(c, price);
    u128 in_quote = cu_div(c, cu_mul(c, p, price_of(c, quote_price)), PRICE);
    u128 frees = cu_div(c, cu_mul(c, in_quote, margin - fee), FEE);
    u128 costs = cu_div(c, cu_mul(c, p, if_fee), FEE);
    return cu_fit(c, cu_div(c, lacks, cu_sub(c, frees, costs)), 64);
}

// 10^(a - b), or 1.
static u128 up(unsigned a, unsigned b)
{
    return a > b ? cu_pow10(a - b) : 1;
}

u128 drift_liability_to_cover(struct checked *c, u128 shortage, const struct drift_leg *asset,
                              const struct drift_leg *liability, uint32_t if_fee)
{
    if (asset->weight >= liability->weight)
        return U128_MAX;
    u128 owed = (u128)liability->weight * 10; // a digit more than the weights have
    u128 given = cu_div(c, cu_mul(c, (u128)asset->weight * 10, asset->multiplier), liability->multiplier);
    if (!ck_ok(c) || given >= owed)
        return U128_MAX;
    u128 lacks = cu_mul(c, cu_mul(c, shortage, up(liability->decimals, QUOTE_DIGITS)), PRICE * WEIGHT * 10);
    u128 p = price_of(c, liability->price);
    u128 frees = cu_mul(c, p, owed - given);
    u128 fee = cu_div(c, cu_mul(c, p, if_fee), FEE);
    u128 costs = cu_mul(c, cu_mul(c, fee, liability->weight), 10);
    u128 amount = cu_div(c, lacks, cu_sub(c, frees, costs));
    amount = cu_div(c, amount, up(QUOTE_DIGITS, liability->decimals));
    return cu_max(amount, 1);
}

u128 drift_liability_implied(struct checked *c, const struct drift_leg *asset,
                             const struct drift_leg *liability)
{
    u128 v = cu_mul(c, asset->amount, up(liability->decimals, asset->decimals));
    v = cu_mul(c, v, price_of(c, asset->price));
    v = cu_mul(c, v, liability->multiplier);
    v = cu_div_up(c, v, cu_mul(c, price_of(c, liability->price), asset->multiplier));
    return cu_div_up(c, v, up(asset->decimals, liability->decimals));
}

// The whole asset when what would be left is less than a dollar. The program scales that remainder the wrong
// way (times 10^(decimals - 6) instead of by it), and so does this.
u128 drift_asset_for_liability(struct checked *c, const struct drift_leg *asset,
                               const struct drift_leg *liability, u128 transfer)
{
    u128 v = cu_mul(c, transfer, up(asset->decimals, liability->decimals));
    v = cu_mul(c, v, price_of(c, liability->price));
    v = cu_mul(c, v, asset->multiplier);
    v = cu_div(c, v, cu_mul(c, price_of(c, asset->price), liability->multiplier));
    v = cu_div(c, v, up(liability->decimals, asset->decimals));
    v = cu_max(v, 1);
    u128 left = v > asset->amount ? v - asset->amount : asset->amount - v;
    u128 worth = cu_div(c, cu_mul(c, left, price_of(c, asset->price)), PRICE);
    worth = cu_mul(c, worth, up(asset->decimals, QUOTE_DIGITS));
    worth = cu_div(c, worth, up(QUOTE_DIGITS, asset->decimals));
    return worth < QUOTE ? asset->amount : v;
}

// What the margin leaves above the liquidator's fee and the shortage, less a twentieth.
uint32_t drift_perp_if_fee(struct checked *c, u128 shortage, uint64_t base, uint32_t ratio, uint32_t fee,
                           int64_t price, int64_t quote_price, uint32_t most)
{
    uint32_t margin = as_fee(c, ratio);
    if (price == 0 || quote_price == 0 || margin <= fee || base == 0)
        return 0;
    u128 p = cu_div(c, cu_mul(c, price_of(c, price), price_of(c, quote_price)), PRICE);
    u128 lacks = cu_div(c, cu_mul(c, shortage, BASE), base);
    lacks = cu_div(c, cu_mul(c, lacks, PRICE), p);
    u128 left = cu_sat_sub(margin - fee, cu_min(lacks, UINT32_MAX));
    left = cu_within(c, left * 19, 32) / 20;
    return (uint32_t)cu_min(left, most);
}

uint32_t drift_spot_if_fee(struct checked *c, u128 shortage, const struct drift_leg *asset,
                           const struct drift_leg *liability, uint32_t most)
{
    if (asset->weight >= liability->weight || liability->price == 0 || liability->amount == 0 ||
        liability->multiplier == 0)
        return 0;
    u128 owed = (u128)liability->weight * FEE_OF_RATIO;
    u128 given =
        cu_div(c, cu_mul(c, (u128)asset->weight * FEE_OF_RATIO, asset->multiplier), liability->multiplier);
    u128 lacks = cu_mul(c, cu_mul(c, shortage, FEE), cu_pow10(liability->decimals));
    lacks = cu_div(c, cu_div(c, lacks, liability->amount), price_of(c, liability->price));
    u128 left = cu_sat_sub(cu_sat_sub(owed, given), lacks);
    left = cu_div(c, cu_mul(c, left, FEE), owed);
    return (uint32_t)cu_min(left, most); // above 32 bits counts as the largest number of 32 bits
}

// Everything when little is missing; else a share that grows with the slots since the liquidation began, of
// the shortage it began with.
u128 drift_max_pct(struct checked *c, u128 shortage, uint64_t freed, uint64_t last_active_slot,
                   const struct drift_rules *r)
{
    if (shortage < 50 * QUOTE)
        return PCT;
    u128 elapsed = cu_sub(c, r->slot, last_active_slot);
    u128 pct = r->duration == 0 ? PCT : elapsed * PCT / r->duration;
    pct = cu_min(pct + r->initial_pct, PCT);
    u128 total = cu_add(c, shortage, freed);
    u128 most = cu_div(c, cu_mul(c, total, pct), PCT);
    return cu_div(c, cu_mul(c, cu_sat_sub(most, freed), PCT), shortage);
}

uint32_t drift_liquidation_fee(struct checked *c, const struct drift_perp *m, enum drift_leverage leverage,
                               uint64_t last_active_slot, uint64_t slot)
{
    u128 fee = m->liquidator_fee, margin = (u128)m->high_leverage[DRIFT_MAINTENANCE] * FEE_OF_RATIO;
    bool enabled = m->high_leverage[DRIFT_INITIAL] > 0 && m->high_leverage[DRIFT_MAINTENANCE] > 0;
    if (leverage != DRIFT_LEVERAGE_DEFAULT && enabled)
        fee = cu_min(fee, margin - margin / 5);
    u128 most = cu_within(c, (u128)m->liquidator_fee * 3, 32);
    most = cu_min(most, cu_min((u128)m->ratio[DRIFT_MAINTENANCE] * FEE_OF_RATIO, UINT32_MAX));
    u128 elapsed = cu_sub(c, slot, last_active_slot);
    if (elapsed < GRACE_SLOTS)
        return (uint32_t)fee;
    return (uint32_t)cu_min(cu_min(fee + elapsed, UINT32_MAX), most); // one millionth more each slot
}

bool drift_too_divergent(struct checked *c, int64_t price, int64_t twap, uint64_t most)
{
    u128 limit = most > DIVERGENCE ? most : DIVERGENCE;
    ci_fit(c, (i128)limit, 64);
    i128 away = (i128)price - twap;
    if (away > INT64_MAX || away < -INT64_MAX) // the least number of 64 bits has no absolute value either
        ck_fail(c, away == INT64_MIN ? "panic" : CI_MATH);
    u128 product = cu_within(c, cu_sat_mul(ci_abs(away), PRICE), 63);
    if (twap == INT64_MIN)
        ck_fail(c, "panic");
    return cu_div(c, product, ci_abs(twap)) >= limit;
}

u128 drift_step_up(struct checked *c, u128 base, uint64_t step)
{
    if (step == 0) {
        ck_fail(c, CI_MATH);
        return 0;
    }
    u128 rest = base % step;
    return rest == 0 ? base : cu_within(c, base + step, 64) - rest;
}
