// SPDX-License-Identifier: Apache-2.0
// Health factor of Aave v3 in the contract's own integers; what is refused.
//   coll_i = floor(rayMul(scaled_i, liquidityIndex_i) * price_i / 10^dec_i)     enabled as collateral
//   debt_j = rayMul(scaled_j, borrowIndex_j) * price_j / 10^dec_j
//   C = sum coll_i, S = sum coll_i LT_i, D = sum debt_j
//   up to 3.4: HF = wadDiv(percentMul(C, floor(S / C)), D);  from 3.5 on: HF = floor(wadDiv(S, D) / 1e4)
// wadDiv and percentMul half up; the rounding of balances and debts is the version's (aave_common.h).
// Liquidatable <=> HF < 1e18. Sources: GenericLogic.calculateUserAccountData; restated in docs/rules.md.
// Indexes, thresholds and grace periods are those of market_now (accounts/moving.h): as after updateState in
// a block of that second.
#include "accounts/rules/aave/aave_common.h"

uint32_t aave_average(i256 weighted, i256 collateral)
{
    if (i256_sign(collateral) == 0)
        return 0;
    // A quotient of at most 1e4 is off by 1 at most in doubles; the products say which.
    int64_t k = (int64_t)(i256_to_double(weighted) / i256_to_double(collateral));
    while (i256_cmp(i256_mul_i64(collateral, k), weighted) > 0)
        k--;
    while (i256_cmp(i256_mul_i64(collateral, k + 1), weighted) <= 0)
        k++;
    return (uint32_t)k;
}

void aave_add_collateral(struct aave_account *d, i256 value, uint32_t lt)
{
    d->mixed = d->mixed || (i256_sign(d->collateral) != 0 && i256_sign(value) != 0 && lt != d->lt);
    d->lt = i256_sign(value) != 0 ? lt : d->lt;
    d->collateral = i256_add(d->collateral, value);
    d->weighted = i256_add(d->weighted, i256_mul_i64(value, lt));
}

// floor(floor(x / D) / 1e4) <= h is x < (h + 1) 1e4 D for integers; floor(x / D) <= h is 1e4 x < (h + 1) 1e4
// D.
void aave_account_close(enum aave_version v, struct aave_account *d)
{
    i256 half = i256_sar(d->debt, 1);
    if (!aave_averages(v)) {
        d->numerator = i256_add(i256_mul(d->weighted, unit10(18)), half);
        return;
    }
    i256 adjusted = percent_mul(d->collateral, aave_average(d->weighted, d->collateral));
    d->numerator = i256_mul_i64(i256_add(i256_mul(adjusted, unit10(18)), half), BPS);
}

void aave_account_data(enum aave_version v, const struct market *m, const struct account *a,
                       const int64_t *px, struct aave_account *out)
{
    *out = (struct aave_account){0};
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        int64_t price = px[in->asset];
        if (p->supply != 0 && aave_counts(v, in, p)) {
            i256 balance = atoken_balance(v, p->supply, liquidity_index_now(in));
            aave_add_collateral(out, value_floor(balance, price, in->size_decimals), aave_lt(in, a));
        }
        if (p->debt != 0) {
            i256 balance = vtoken_balance(v, p->debt, aave_borrow_index(v, in));
            out->debt = i256_add(out->debt, debt_value(v, balance, price, in->size_decimals));
        }
    }
    aave_account_close(v, out);
}

bool aave_health_factor_within(const struct aave_account *d, int64_t hf)
{
    i256 limit = i256_mul(i256_add(i256_from_i64(hf), i256_from_i64(1)), i256_from_i64(BPS));
    return i256_cmp(d->numerator, i256_mul(limit, d->debt)) < 0;
}

void aave_compare(const struct aave_account *d, i256 *equity, i256 *requirement)
{
    // with D = 0 both sides leave "not liquidatable"
    *equity = d->numerator;
    *requirement = i256_mul(d->debt, unit10(22));
}

i256 aave_holding(enum aave_version v, const struct market *m, const struct position *p)
{
    const struct instrument *in = &m->instrument[p->instrument];
    return i256_sub(atoken_balance(v, p->supply, liquidity_index_now(in)),
                    vtoken_balance(v, p->debt, aave_borrow_index(v, in)));
}

// validateLiquidationCall: a call names a debt and a collateral, and neither reserve may be in its grace
// period. Is there such a pair? An account without collateral is asked about its debts alone.
static bool aave_grace_over(enum aave_version v, const struct market *m, const struct account *a)
{
    bool held = false, debt = false, coll = false, any_coll = false;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        bool counts = p->supply != 0 && aave_counts(v, in, p), grace = grace_now(in);
        held = held || grace;
        debt = debt || (p->debt != 0 && !grace);
        coll = coll || (counts && !grace);
        any_coll = any_coll || counts;
    }
    return !held || (debt && (coll || !any_coll));
}

void aave_health(enum aave_version v, const struct market *m, const struct account *a, const int64_t *px,
                 struct health *out)
{
    struct aave_account d;
    aave_account_data(v, m, a, px, &d);
    aave_compare(&d, &out->equity, &out->requirement);
    out->liquidatable = i256_cmp(out->equity, out->requirement) < 0 && aave_grace_over(v, m, a);
}

static unsigned bits_of(u128 v)
{
    return i256_bits(i256_from_u128(v));
}

static int check_reserve(enum aave_version v, const struct market *m, const struct account *a,
                         const struct instrument *in, struct err *e)
{
    if (in->kind != INST_RESERVE)
        return err_set(e, "account %u: instrument %s is not a lending reserve: choose the rule that fits it",
                       a->id, in->name);
    if (in->asset >= m->n_assets || m->asset[in->asset].decimals != AAVE_PRICE_DECIMALS)
        return err_set(e, "account %u: reserve %s: its price must have %d decimals", a->id, in->name,
                       AAVE_PRICE_DECIMALS);
    if (in->size_decimals > 18)
        return err_set(e, "account %u: reserve %s: token decimals must be 0..18", a->id, in->name);
    if (terms_fit(&in->terms, NULL, 0, a->id, in->name, e))
        return -1;
    u128 one = (u128)1000000000 * 1000000000 * 1000000000;
    if (instrument_moving_check(in, e))
        return -1;
    if (in->liquidity_index < one || in->borrow_index < one || bits_of(in->liquidity_index) > 100 ||
        bits_of(in->borrow_index) > 100)
        return err_set(e, "account %u: reserve %s: indexes must be in ray, 1e27 or more and below 2^100",
                       a->id, in->name);
    if (in->lt_bps > BPS || in->fee_bps > BPS || (in->emode != 0 && in->emode_lt_bps > BPS))
        return err_set(e, "account %u: reserve %s: threshold and fee must be 0..10000 bps", a->id, in->name);
    // A reserve that is collateral in an eMode alone (from 3.6 on) has no bonus of its own: 0.
    bool own = lt_told(in) != 0 || (v >= AAVE_3_6 && in->lb_bps != 0);
    bool lb_bad = own && (in->lb_bps < BPS || in->lb_bps > 2 * BPS);
    bool em_bad = in->emode != 0 && (in->emode_lb_bps < BPS || in->emode_lb_bps > 2 * BPS);
    if (lb_bad || em_bad)
        return err_set(e, "account %u: reserve %s: bonus must be 10000..20000 bps", a->id, in->name);
    return 0;
}

bool aave_within(enum aave_version v, const struct market *next, unsigned i, const struct reach *r)
{
    static const struct account any = {.id = 0}; // its number is all that the check of a reserve reads
    const struct instrument *in = &next->instrument[i];
    unsigned w = 0;
    struct err e;
    if (in->kind != INST_RESERVE)
        return true;
    if (check_reserve(v, next, &any, in, &e))
        return false;
    for (unsigned k = 0; k < next->n_instruments; k++)
        if (next->instrument[k].kind == INST_RESERVE && next->instrument[k].size_decimals > w)
            w = next->instrument[k].size_decimals;
    u128 borrow = v < AAVE_3_4 ? borrow_index_binomial_last(in) : borrow_index_last(in);
    unsigned up = i256_bits(unit10(w - in->size_decimals));
    return r->supply_bits + bits_of(liquidity_index_last(in)) + up <= AAVE_BALANCE_BITS &&
           r->debt_bits + bits_of(borrow) + up <= AAVE_BALANCE_BITS;
}

int aave_validate(enum aave_version v, const struct market *m, const struct account *a, struct err *e)
{
    if (a->n_positions > ACCOUNT_POSITIONS_MAX)
        return err_set(e, "account %u: more than %d positions", a->id, ACCOUNT_POSITIONS_MAX);
    if (a->cash != 0)
        return err_set(e, "account %u: a lending account has no cash: supply the token's reserve", a->id);
    if (a->currency[0])
        return err_set(e, "account %u: a lending account has no settlement currency: leave %s out", a->id,
                       a->currency);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        if (p->instrument >= m->n_instruments)
            return err_set(e, "account %u: unknown instrument %u", a->id, p->instrument);
        if (i > 0 && p->instrument <= p[-1].instrument)
            return err_set(e, "account %u: positions must be sorted, one an instrument", a->id);
        const struct instrument *in = &m->instrument[p->instrument];
        if (check_reserve(v, m, a, in, e))
            return -1;
        if (p->size != 0)
            return err_set(e, "account %u: reserve %s: use supply and debt, not size", a->id, in->name);
        if (p->supply < 0 || p->debt < 0)
            return err_set(e, "account %u: reserve %s: negative supply or debt", a->id, in->name);
    }
    unsigned w = aave_widest(m, a);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        u128 borrow = v < AAVE_3_4 ? borrow_index_binomial_last(in) : borrow_index_last(in);
        unsigned up = i256_bits(unit10(w - in->size_decimals));
        if (bits_of((u128)p->supply) + bits_of(liquidity_index_last(in)) + up > AAVE_BALANCE_BITS ||
            bits_of((u128)p->debt) + bits_of(borrow) + up > AAVE_BALANCE_BITS)
            return err_set(e, "account %u: reserve %s: balance out of range", a->id, in->name);
    }
    return 0;
}
