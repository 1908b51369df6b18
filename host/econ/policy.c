// SPDX-License-Identifier: Apache-2.0
#include "econ/policy.h"

enum { BPS = 10000, HALF_BPS = 5000, AAVE_CLOSE = 5000, DRIFT_SMALL = 50000000 };
static const i128 WAD = (i128)1000000000000000000;
static const i128 AAVE_CLOSE_HEALTH = (i128)950000000000000000;
static const i128 AAVE_SMALL = (i128)2000 * 100000000; // both sides must reach it for the close factor
static const i128 AAVE_DUST = (i128)1000 * 100000000;

static i256 wide(i128 v)
{
    return i256_from_i128(v);
}

i128 policy_part(i128 size, uint32_t ppm)
{
    return ppm >= ECON_PPM ? size : econ_part_ceil(size, ppm, ECON_PPM);
}

i128 policy_ramp_pct(const struct policy_ramp *x)
{
    if (x->shortage < DRIFT_SMALL)
        return POLICY_RAMP_ONE;
    i128 pct = POLICY_RAMP_ONE;
    if (x->duration)
        pct = (i128)x->elapsed * POLICY_RAMP_ONE / x->duration + x->initial;
    pct = econ_min(pct, POLICY_RAMP_ONE);
    i128 may = (x->shortage + x->freed) * pct / POLICY_RAMP_ONE;
    return econ_max(may - x->freed, 0) * POLICY_RAMP_ONE / x->shortage;
}

i128 policy_aave_most(const struct policy_aave *x)
{
    if (x->coll_value < AAVE_SMALL || x->debt_value < AAVE_SMALL || x->health <= AAVE_CLOSE_HEALTH)
        return x->debt;
    i128 cap = (x->total_value * AAVE_CLOSE + HALF_BPS) / BPS;
    if (x->debt_value <= cap)
        return x->debt;
    return econ_min(x->debt, econ_part_floor(cap, x->unit, x->price));
}

bool policy_aave_leaves_no_dust(i128 debt_left, i128 coll_left)
{
    return debt_left == 0 || coll_left == 0 || (debt_left >= AAVE_DUST && coll_left >= AAVE_DUST);
}

bool policy_target_debt(const struct policy_target *x, i128 *debt)
{
    // bonus from bps to wad, times the factor, upwards
    i128 penalty = econ_part_ceil(x->bonus * (WAD / BPS), x->factor, BPS);
    i256 num, scale, gap;
    if (x->target <= penalty || x->target < x->health || x->price <= 0 || x->unit <= 0)
        return false;
    if (i256_mul_ovf(wide(x->unit), wide(x->target - x->health), &gap) ||
        i256_mul_ovf(wide(x->total_value), gap, &num))
        return false;
    if (i256_mul_ovf(wide(x->target - penalty), i256_mul_u128((u128)x->price, (u128)WAD), &scale))
        return false;
    i256 all = i256_div_ceil(num, scale);
    if (!i256_fits_i128(all))
        return false;
    *debt = i256_to_i128(all);
    return true;
}

bool policy_target_repay(const struct policy_target *x, i128 *repay)
{
    i128 need;
    if (!policy_target_debt(x, &need))
        return false;
    i128 pay = econ_min(econ_min(x->debt, x->asked), need);
    i256 left = i256_mul(i256_mul_u128((u128)(x->debt - pay), (u128)x->price), wide(WAD));
    i256 dust = i256_mul(i256_mul(wide(1000), i256_pow10(26)), wide(x->unit));
    // floor(left / unit) < dust, without the division
    if (pay < x->debt && i256_cmp(left, dust) < 0)
        pay = x->debt;
    *repay = pay;
    return true;
}

static i128 seized(const struct policy_split *x, i128 r)
{
    return r * (BPS + (i128)x->spread) / BPS;
}

static bool liquidatable_after(const struct policy_split *x, i128 r)
{
    return (x->collateral - seized(x, r)) * x->threshold < (x->debt - r) * BPS;
}

bool policy_split_two(const struct policy_split *x, i128 *first, i128 *second)
{
    if (!liquidatable_after(x, 0) || x->debt <= 0 || seized(x, x->debt) > x->collateral)
        return false;
    i128 r = x->debt * x->close / BPS;
    // What a unit of repayment gains in health, in 1e-8: without the floor of the seizure the account
    // recovers at r = short / slope; the floor only ever leaves it more collateral.
    i128 slope = (i128)BPS * BPS - (i128)x->threshold * (BPS + (i128)x->spread);
    i128 lacks = (x->debt * BPS - x->collateral * x->threshold) * BPS;
    if (slope > 0)
        r = econ_min(r, (lacks - 1) / slope);
    // One of BPS numbers in turn has no floor: the walk is short.
    while (r > 0 && !liquidatable_after(x, r))
        r--;
    *first = r;
    *second = (x->debt - r) * x->close / BPS;
    return true;
}
