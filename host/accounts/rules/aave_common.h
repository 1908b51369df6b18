// SPDX-License-Identifier: Apache-2.0
// Arithmetic of Aave v3.5 (WadRayMath, PercentageMath, TokenMath, MathUtils, GenericLogic), in i256 where the
// contract has uint256. Internal to the rule. All operands are non-negative and, by aave_3_5's validate,
// every product stays below 2^255, so nothing here can differ from the contract by overflow.
#ifndef TRIPLINE_ACCOUNTS_RULES_AAVE_COMMON_H
#define TRIPLINE_ACCOUNTS_RULES_AAVE_COMMON_H

#include "accounts/moving.h"
#include "accounts/rules/rule.h"
#include "accounts/rules/units.h"

enum {
    BPS = 10000,
    AAVE_PRICE_DECIMALS = 8, // base currency: USD with 8 decimals
    AAVE_BALANCE_BITS = 200, // bits(scaled) + bits(index) + bits(10^(widest - own token decimals))
};

enum { RAY_DIGITS = 27, BPS_DIGITS = 4 }; // 1e27, BPS

static inline i256 ray(void)
{
    return i256_from_u128((u128)1000000000 * 1000000000 * 1000000000);
}

// TokenMath: what a scaled balance is worth in token units, and the scaled amount a token amount burns.
static inline i256 atoken_balance(i128 scaled, u128 index) // rayMulFloor
{
    return i256_div10_floor(i256_mul_u128((u128)scaled, index), RAY_DIGITS);
}
static inline i256 vtoken_balance(i128 scaled, u128 index) // rayMulCeil
{
    return i256_div10_ceil(i256_mul_u128((u128)scaled, index), RAY_DIGITS);
}
static inline i256 atoken_burn_scaled(i256 amount, u128 index) // rayDivCeil; the same for a transfer
{
    return i256_div_ceil(i256_mul(amount, ray()), i256_from_u128(index));
}
static inline i256 vtoken_burn_scaled(i256 amount, u128 index) // rayDivFloor
{
    return i256_div_floor(i256_mul(amount, ray()), i256_from_u128(index));
}

// PercentageMath. percentMul and percentDiv round half up.
static inline i256 percent_mul(i256 v, uint32_t bps)
{
    return i256_div10_floor(i256_add(i256_mul_i64(v, bps), i256_from_i64(BPS / 2)), BPS_DIGITS);
}
static inline i256 percent_div(i256 v, uint32_t bps)
{
    return i256_div_floor(i256_add(i256_mul_i64(v, BPS), i256_from_i64(bps / 2)), i256_from_i64(bps));
}
static inline i256 percent_div_ceil(i256 v, uint32_t bps)
{
    return i256_div_ceil(i256_mul_i64(v, BPS), i256_from_i64(bps));
}

// Value of a token amount in the base currency; decimals: the token's.
static inline i256 value_floor(i256 amount, int64_t price, unsigned decimals)
{
    return i256_div10_floor(i256_mul_i64(amount, price), decimals);
}
static inline i256 value_ceil(i256 amount, int64_t price, unsigned decimals)
{
    return i256_div10_ceil(i256_mul_i64(amount, price), decimals);
}

// GenericLogic v3.5 counts a supply only when it is enabled as collateral and the reserve's own threshold is
// not 0; the threshold is then the eMode's when the account is in a category whose bitmap has the reserve.
static inline bool aave_counts(const struct instrument *in, const struct position *p)
{
    return p->collateral && lt_now(in) != 0;
}
static inline bool aave_in_emode(const struct instrument *in, const struct account *a)
{
    return a->emode != 0 && in->emode == a->emode;
}
// The reserve's parameters in the account's category, where that is one of its further ones; else NULL.
static inline const struct emode *aave_further_emode(const struct instrument *in, const struct account *a)
{
    if (a->emode != 0)
        for (unsigned k = 0; k < in->n_emodes; k++)
            if (in->emodes[k].id == a->emode)
                return &in->emodes[k];
    return NULL;
}
static inline uint32_t aave_lt(const struct instrument *in, const struct account *a)
{
    const struct emode *x = aave_further_emode(in, a);
    return x ? x->lt_bps : aave_in_emode(in, a) ? emode_lt_now(in) : lt_now(in);
}
// The least within the span of market_window.
static inline uint32_t aave_lt_span(const struct instrument *in, const struct account *a)
{
    const struct emode *x = aave_further_emode(in, a);
    return x ? x->lt_bps : aave_in_emode(in, a) ? emode_lt_span(in) : lt_span(in);
}
static inline uint32_t aave_lb(const struct instrument *in, const struct account *a)
{
    const struct emode *x = aave_further_emode(in, a);
    return x ? x->lb_bps : aave_in_emode(in, a) ? in->emode_lb_bps : in->lb_bps;
}

// calculateUserAccountData.
struct aave_account {
    i256 collateral; // sum of collateral values, 1e-8
    i256 weighted;   // S = sum of value * threshold, 1e-12
    i256 debt;       // D, 1e-8
};
void aave_account_data(const struct market *m, const struct account *a, const int64_t *px,
                       struct aave_account *out);
// validateLiquidationCall: a call names a debt and a collateral, and neither reserve may be in its grace
// period. Is there such a pair? An account without collateral is asked about its debts alone.
bool aave_grace_over(const struct market *m, const struct account *a);
// Is HF = floor(wadDiv(S, D) / 1e4), wadDiv half up, at most `hf`? Without the divisions: floor(x / 1e4 D) <=
// hf is x < (hf + 1) 1e4 D for integers. D must not be 0.
bool aave_health_factor_within(const struct aave_account *d, int64_t hf);
// HF < 1e18 without the division (docs/rules.md): S 1e18 + floor(D/2) < 1e22 D.
void aave_compare(const struct aave_account *d, i256 *equity, i256 *requirement);

// See struct rule.
bool aave_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                const uint64_t *until_s, unsigned n, struct shift *out, bool *spared);
bool aave_crossed(const struct market *m, const struct account *a);

int aave_size(const struct market *m, const struct account *a, const int64_t *px,
              const struct size_policy *policy, struct order_size *out);
int aave_settle(const struct market *m, struct account *a, const int64_t *px, const struct order_leg *leg,
                unsigned n, struct settlement *out, struct err *e);

#endif
