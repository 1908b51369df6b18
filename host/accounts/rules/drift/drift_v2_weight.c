// SPDX-License-Identifier: Apache-2.0
// Drift v2: tokens from scaled balances, values, and the weights and ratios that grow with size. Source:
// math/spot_balance.rs, math/margin.rs, math/position.rs, math/funding.rs, state/spot_market.rs,
// state/perp_market.rs, state/user.rs.
#include "accounts/rules/drift/drift_v2.h"

static const u128 BASE_UNIT = 1000000000;  // 1e9
static const u128 IMF_UNIT = 1000000;      // 1e6
static const u128 SQRT_UNIT = 100000;      // 1e5: the root of ten times a size in 1e9
static const u128 WEIGHT_UNIT = 10000;     // 1e4
static const unsigned BALANCE_DIGITS = 19; // 1e9 of balances times 1e10 of interest

static void casting(struct checked *c, bool bad)
{
    if (bad)
        ck_fail(c, CI_CASTING);
}

static u128 interest(const struct drift_spot *m, bool borrow)
{
    return borrow ? m->borrow_interest : m->deposit_interest;
}

// A deposit is rounded down, a borrow up.
u128 drift_tokens(struct checked *c, const struct drift_spot *m, u128 balance, bool borrow)
{
    u128 scale = cu_pow10(BALANCE_DIGITS - m->decimals);
    u128 product = cu_mul(c, balance, interest(m, borrow));
    return borrow ? cu_div_up(c, product, scale) : cu_div(c, product, scale);
}

// "up" adds one to whatever is not 0, also where nothing was lost: so the program has it.
u128 drift_balance(struct checked *c, const struct drift_spot *m, u128 tokens, bool borrow, bool up)
{
    u128 scaled = cu_mul(c, tokens, cu_pow10(BALANCE_DIGITS - m->decimals));
    u128 balance = cu_div(c, scaled, interest(m, borrow));
    return up && balance != 0 ? cu_add(c, balance, 1) : balance;
}

i128 drift_value(struct checked *c, i128 tokens, unsigned decimals, int64_t price)
{
    if (tokens == 0)
        return 0;
    i128 product = ci_mul(c, tokens, price);
    i128 unit = (i128)cu_pow10(decimals);
    return product < 0 ? ci_div_floor(c, product, unit) : ci_div(c, product, unit);
}

// The square root of ten sizes and one. The program leaves this to the machine's overflow check, which ends
// it.
static u128 size_root(struct checked *c, u128 size)
{
    struct checked own = {NULL};
    u128 v = cu_add(&own, cu_mul(&own, size, 10), 1);
    if (!ck_ok(&own))
        ck_fail(c, "panic");
    return ck_ok(&own) ? cu_sqrt(v) : 0;
}

uint32_t drift_size_premium(struct checked *c, u128 size, uint32_t imf, uint32_t weight)
{
    if (imf == 0)
        return weight;
    u128 root = size_root(c, size);
    u128 start = (u128)weight - weight / 5;
    u128 extra = cu_div(c, cu_mul(c, root, imf), SQRT_UNIT * IMF_UNIT / WEIGHT_UNIT);
    uint32_t scaled = (uint32_t)cu_fit(c, cu_add(c, start, extra), 32);
    return scaled > weight ? scaled : weight;
}

uint32_t drift_size_discount(struct checked *c, u128 size, uint32_t imf, uint32_t weight)
{
    if (imf == 0)
        return weight;
    u128 root = size_root(c, size);
    u128 top = (IMF_UNIT + IMF_UNIT / 10) * WEIGHT_UNIT;
    u128 below = cu_add(c, IMF_UNIT, cu_div(c, cu_mul(c, root, imf), SQRT_UNIT));
    uint32_t scaled = (uint32_t)cu_fit(c, cu_div(c, top, below), 32);
    return scaled < weight ? scaled : weight;
}

// Tokens as 1e-9 parts, the scale of the size formulas.
static u128 size_of(struct checked *c, const struct drift_spot *m, u128 tokens)
{
    u128 unit = cu_pow10(m->decimals);
    if (unit > BASE_UNIT)
        return tokens / (unit / BASE_UNIT);
    struct checked own = {NULL};
    u128 scaled = cu_mul(&own, tokens, BASE_UNIT);
    if (!ck_ok(&own))
        ck_fail(c, "panic");
    return scaled / unit;
}

// The initial weight shrinks when the market's deposits are worth more than its limit.
static uint32_t initial_asset_weight(struct checked *c, const struct drift_spot *m)
{
    uint32_t weight = m->asset_weight[DRIFT_INITIAL];
    if (m->scale_start == 0)
        return weight;
    u128 deposits = drift_tokens(c, m, m->deposit_balance, false);
    i128 value = drift_value(c, cu_to_i128(c, deposits), m->decimals, m->price);
    u128 worth = ci_to_u128(c, value);
    if (worth < m->scale_start)
        return weight;
    return (uint32_t)cu_fit(c, cu_div(c, cu_mul(c, weight, m->scale_start), worth), 32);
}

uint32_t drift_asset_weight(struct checked *c, const struct drift_spot *m, u128 size, enum drift_type t)
{
    u128 scaled = size_of(c, m, size);
    uint32_t weight = t == DRIFT_INITIAL ? initial_asset_weight(c, m) : m->asset_weight[t];
    return drift_size_discount(c, scaled, m->imf, weight);
}

uint32_t drift_liability_weight(struct checked *c, const struct drift_spot *m, u128 size, enum drift_type t)
{
    return drift_size_premium(c, size_of(c, m, size), m->imf, m->liability_weight[t]);
}

uint32_t drift_margin_ratio(struct checked *c, const struct drift_perp *m, u128 size, enum drift_type t,
                            enum drift_leverage leverage)
{
    if (m->settlement)
        return 0;
    bool high = leverage == DRIFT_LEVERAGE_HIGH ||
                (leverage == DRIFT_LEVERAGE_HIGH_MAINTENANCE && t == DRIFT_MAINTENANCE);
    bool enabled = m->high_leverage[DRIFT_INITIAL] > 0 && m->high_leverage[DRIFT_MAINTENANCE] > 0;
    uint32_t ratio = high && enabled ? m->high_leverage[t] : m->ratio[t];
    return drift_size_premium(c, size, m->imf, ratio);
}

// Losses count in full. Profits at the market's weight; the initial one shrinks when the market owes its
// users more than its limit, and with the profit's size.
uint32_t drift_pnl_weight(struct checked *c, const struct drift_perp *m, i128 pnl, enum drift_type t)
{
    u128 weight = m->pnl_weight[t];
    if (t == DRIFT_INITIAL && weight > 0 && m->pnl_max_imbalance > 0 &&
        m->net_pnl > (i128)m->pnl_max_imbalance)
        weight = cu_fit(c, cu_div(c, cu_mul(c, weight, m->pnl_max_imbalance), ci_abs(m->net_pnl)), 32);
    if (pnl <= 0)
        return (uint32_t)WEIGHT_UNIT;
    if (t == DRIFT_MAINTENANCE || weight == 0)
        return (uint32_t)weight;
    return drift_size_discount(c, cu_mul(c, ci_abs(pnl), 1000), m->pnl_imf, (uint32_t)weight);
}

// Longs pay when the cumulative rate has grown, shorts get. The magnitude is floored before it gets its sign.
i128 drift_funding(struct checked *c, const struct drift_perp *p)
{
    i128 delta = ci_sub(c, p->base > 0 ? p->funding_long : p->funding_short, p->funding);
    if (delta == 0)
        return 0;
    u256 product;
    if (u256_mul(u256_from_u128(ci_abs(delta)), u256_from_u128(ci_abs(p->base)), &product) ||
        u256_bits(product) > 192)
        ck_fail(c, CI_MATH);
    u256 scaled = u256_div(product, u256_from_u64(1000000000), NULL); // 1e6 of rates, 1e3 of their buffer
    if (!u256_fits_u128(scaled))
        ck_fail(c, "BnConversionError");
    i128 magnitude = cu_to_i128(c, u256_to_u128(scaled));
    i128 payment = (p->base > 0) == (delta > 0) ? -magnitude : magnitude;
    i128 quote = ci_div(c, payment, 1000); // 1e9 of base to 1e6 of quote
    casting(c, quote > INT64_MAX || quote < INT64_MIN);
    return quote;
}

u128 drift_base_value(struct checked *c, i128 base, int64_t price)
{
    if (base == 0 || price <= 0)
        return 0;
    return cu_div(c, cu_mul(c, ci_abs(base), (u128)price), BASE_UNIT);
}

bool drift_spot_empty(const struct drift_spot *p)
{
    return p->balance == 0 && p->orders == 0;
}

bool drift_perp_empty(const struct drift_perp *p)
{
    bool orders = p->orders != 0 || p->bids != 0 || p->asks != 0;
    return p->base == 0 && !orders && p->quote == 0 && p->isolated_balance == 0 && !p->being_liquidated &&
           !p->bankrupt;
}
