// SPDX-License-Identifier: Apache-2.0
// Arithmetic of Aave v3 (WadRayMath, PercentageMath, TokenMath, MathUtils, GenericLogic), version by version,
// in i256 where the contract has uint256. Internal to the rules. All operands are non-negative and, by
// aave_validate, every product stays below 2^255, so nothing here can differ from the contract by overflow.
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

// What the rules differ by; in order, so that "from 3.5 on" is v >= AAVE_3_5 (docs/rules.md, "Aave").
enum aave_version { AAVE_1_19, AAVE_3_3, AAVE_3_4, AAVE_3_5, AAVE_3_6, AAVE_3_7 };

static inline bool aave_averages(enum aave_version v) // of the thresholds, in whole bps
{
    return v < AAVE_3_5;
}

// a b / 1e27 and a 1e27 / b. Up to 3.4 half up, as everything was.
static inline i256 ray_mul_half_up(i128 scaled, u128 index)
{
    i256 half = i256_div_floor(ray(), i256_from_i64(2));
    return i256_div10_floor(i256_add(i256_mul_u128((u128)scaled, index), half), RAY_DIGITS);
}
static inline i256 ray_div_half_up(i256 amount, u128 index)
{
    return i256_div_floor(i256_add(i256_mul(amount, ray()), i256_from_u128(index / 2)),
                          i256_from_u128(index));
}

// TokenMath: what a scaled balance is worth in token units, and the scaled amount a token amount burns.
static inline i256 atoken_balance(enum aave_version v, i128 scaled, u128 index) // rayMulFloor
{
    return v < AAVE_3_5 ? ray_mul_half_up(scaled, index)
                        : i256_div10_floor(i256_mul_u128((u128)scaled, index), RAY_DIGITS);
}
static inline i256 vtoken_balance(enum aave_version v, i128 scaled, u128 index) // rayMulCeil
{
    return v < AAVE_3_5 ? ray_mul_half_up(scaled, index)
                        : i256_div10_ceil(i256_mul_u128((u128)scaled, index), RAY_DIGITS);
}
// rayDivCeil; the same for a transfer
static inline i256 atoken_burn_scaled(enum aave_version v, i256 amount, u128 index)
{
    return v < AAVE_3_5 ? ray_div_half_up(amount, index)
                        : i256_div_ceil(i256_mul(amount, ray()), i256_from_u128(index));
}
static inline i256 vtoken_burn_scaled(enum aave_version v, i256 amount, u128 index) // rayDivFloor
{
    return v < AAVE_3_5 ? ray_div_half_up(amount, index)
                        : i256_div_floor(i256_mul(amount, ray()), i256_from_u128(index));
}

// Are these 0? Without the division: a ray + index / 2 < index where it rounds half up, a ray < index where
// down.
static inline bool atoken_burns_nothing(enum aave_version v, i256 amount, u128 index)
{
    i256 half = i256_from_u128(index / 2);
    if (v >= AAVE_3_5)
        return i256_sign(amount) == 0;
    return i256_cmp(i256_add(i256_mul(amount, ray()), half), i256_from_u128(index)) < 0;
}
static inline bool vtoken_burns_nothing(enum aave_version v, i256 amount, u128 index)
{
    i256 half = i256_from_u128(v < AAVE_3_5 ? index / 2 : 0);
    return i256_cmp(i256_add(i256_mul(amount, ray()), half), i256_from_u128(index)) < 0;
}

// PercentageMath. percentMul and percentDiv round half up.
static inline i256 percent_mul(i256 v, uint32_t bps)
{
    return i256_div10_floor(i256_add(i256_mul_i64(v, bps), i256_from_i64(BPS / 2)), BPS_DIGITS);
}
static inline i256 percent_mul_floor(i256 v, uint32_t bps)
{
    return i256_div10_floor(i256_mul_i64(v, bps), BPS_DIGITS);
}
static inline i256 percent_mul_ceil(i256 v, uint32_t bps)
{
    return i256_div10_ceil(i256_mul_i64(v, bps), BPS_DIGITS);
}
static inline i256 percent_div(i256 v, uint32_t bps)
{
    return i256_div_floor(i256_add(i256_mul_i64(v, BPS), i256_from_i64(bps / 2)), i256_from_i64(bps));
}
static inline i256 percent_div_floor(i256 v, uint32_t bps)
{
    return i256_div_floor(i256_mul_i64(v, BPS), i256_from_i64(bps));
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

static inline i256 debt_value(enum aave_version v, i256 amount, int64_t price, unsigned decimals)
{
    return v < AAVE_3_5 ? value_floor(amount, price, decimals) : value_ceil(amount, price, decimals);
}

// Interest on debts is compounded by another formula up to 3.3.
static inline u128 aave_borrow_index(enum aave_version v, const struct instrument *in)
{
    return v < AAVE_3_4 ? borrow_index_binomial_now(in) : borrow_index_now(in);
}
static inline u128 aave_borrow_index_span(enum aave_version v, const struct instrument *in)
{
    return v < AAVE_3_4 ? borrow_index_binomial_span(in) : borrow_index_span(in);
}

// Up to 3.5 a supply counts only when it is enabled as collateral and the reserve's own threshold is not 0,
// from 3.6 on whenever it is enabled; the threshold is then the eMode's when the account is in a category
// whose bitmap has the reserve.
static inline bool aave_counts(enum aave_version v, const struct instrument *in, const struct position *p)
{
    return p->collateral && (v >= AAVE_3_6 || lt_now(in) != 0);
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
static inline bool aave_in_emode(const struct instrument *in, const struct account *a)
{
    return (a->emode != 0 && in->emode == a->emode) || aave_further_emode(in, a);
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
    i256 collateral; // C: sum of collateral values, 1e-8
    i256 weighted;   // S = sum of value * threshold, 1e-12
    i256 debt;       // D, 1e-8
    i256 numerator;  // of HF: HF <= h exactly when numerator < (h + 1) 1e4 D; 1e-30
    bool mixed;      // collaterals of different thresholds
    uint32_t lt;     // of the last collateral added
};
void aave_account_data(enum aave_version v, const struct market *m, const struct account *a,
                       const int64_t *px, struct aave_account *out);
// The same step by step: clear, add each collateral's value, add debts to out->debt, then close.
void aave_add_collateral(struct aave_account *d, i256 value, uint32_t lt);
void aave_account_close(enum aave_version v, struct aave_account *d);
// floor(S / C) for S <= 1e4 C; 0 for C = 0, as the contract has it.
uint32_t aave_average(i256 weighted, i256 collateral);
// Is HF at most `hf`? D must not be 0.
bool aave_health_factor_within(const struct aave_account *d, int64_t hf);
// HF < 1e18 without the division (docs/rules.md): numerator < 1e22 D.
void aave_compare(const struct aave_account *d, i256 *equity, i256 *requirement);

// See struct rule; from 3.5 on.
bool aave_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                const uint64_t *until_s, unsigned n, struct shift *out, bool *spared);
bool aave_crossed(const struct market *m, const struct account *a);

// The members of struct rule, for a version.
int aave_rows(enum aave_version v, const struct market *m, const struct account *a, const struct band *band,
              uint32_t warn_ppm, struct affine *out, struct err *e);
void aave_health(enum aave_version v, const struct market *m, const struct account *a, const int64_t *px,
                 struct health *out);
int aave_size(enum aave_version v, const struct market *m, const struct account *a, const int64_t *px,
              const struct size_policy *policy, struct order_size *out);
int aave_settle(enum aave_version v, const struct market *m, struct account *a, const int64_t *px,
                const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e);
bool aave_takes(enum aave_version v, const struct market *m, const struct account *a, const int64_t *px,
                const struct order_leg *leg, unsigned n, const struct order_size *exact);
i256 aave_holding(enum aave_version v, const struct market *m, const struct position *p);
bool aave_bends(enum aave_version v, const struct market *m, const struct account *a);
bool aave_within(enum aave_version v, const struct market *next, unsigned i, const struct reach *r);
int aave_validate(enum aave_version v, const struct market *m, const struct account *a, struct err *e);

unsigned aave_widest(const struct market *m, const struct account *a); // token decimals of its reserves

#endif
