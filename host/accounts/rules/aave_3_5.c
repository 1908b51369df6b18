// SPDX-License-Identifier: Apache-2.0
// aave-3.5: health factor of Aave v3.5 in the contract's own integers.
//   coll_i = floor(floor(scaled_i * liquidityIndex_i / 1e27) * price_i / 10^dec_i)   enabled, threshold not 0
//   debt_j = ceil (ceil (scaled_j * borrowIndex_j / 1e27) * price_j / 10^dec_j)
//   S = sum coll_i LT_i, D = sum debt_j, HF = floor(((S 1e18 + floor(D/2)) / D) / 1e4), liquidatable <=> HF <
//   1e18.
// Sources: aave-v3-origin v3.5.0, GenericLogic.calculateUserAccountData; restated in docs/rules.md.
// Indexes, thresholds and grace periods are those of market_now (accounts/moving.h): as after updateState in
// a block of that second; rows are made of the worst of market_window.
#include "accounts/rules/aave_common.h"

void aave_account_data(const struct market *m, const struct account *a, const int64_t *px,
                       struct aave_account *out)
{
    i256 zero = i256_from_i64(0);
    *out = (struct aave_account){zero, zero, zero};
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (p->supply != 0 && aave_counts(in, p)) {
            i256 v = value_floor(atoken_balance(p->supply, liquidity_index_now(in)), px[in->asset],
                                 in->size_decimals);
            out->collateral = i256_add(out->collateral, v);
            out->weighted = i256_add(out->weighted, i256_mul_i64(v, aave_lt(in, a)));
        }
        if (p->debt != 0)
            out->debt = i256_add(out->debt, value_ceil(vtoken_balance(p->debt, borrow_index_now(in)),
                                                       px[in->asset], in->size_decimals));
    }
}

static i256 wad_numerator(const struct aave_account *d)
{
    return i256_add(i256_mul(d->weighted, unit10(18)), i256_sar(d->debt, 1));
}

bool aave_health_factor_within(const struct aave_account *d, int64_t hf)
{
    i256 limit = i256_mul(i256_add(i256_from_i64(hf), i256_from_i64(1)), i256_from_i64(BPS));
    return i256_cmp(wad_numerator(d), i256_mul(limit, d->debt)) < 0;
}

void aave_compare(const struct aave_account *d, i256 *equity, i256 *requirement)
{
    // floor(floor(x/D)/1e4) < 1e18 <=> x < 1e22 D for integers; with D = 0 both sides leave "not
    // liquidatable".
    *equity = wad_numerator(d);
    *requirement = i256_mul(d->debt, unit10(22));
}

bool aave_grace_over(const struct market *m, const struct account *a)
{
    bool held = false, debt = false, coll = false, any_coll = false;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        bool counts = p->supply != 0 && aave_counts(in, p), grace = grace_now(in);
        held = held || grace;
        debt = debt || (p->debt != 0 && !grace);
        coll = coll || (counts && !grace);
        any_coll = any_coll || counts;
    }
    return !held || (debt && (coll || !any_coll));
}

static void aave_health(const struct market *m, const struct account *a, const int64_t *px,
                        struct health *out)
{
    struct aave_account d;
    aave_account_data(m, a, px, &d);
    aave_compare(&d, &out->equity, &out->requirement);
    out->liquidatable = i256_cmp(out->equity, out->requirement) < 0 && aave_grace_over(m, a);
}

static int add_coef(struct affine *f, uint16_t asset, i256 coef)
{
    for (unsigned i = 0; i < f->n; i++) {
        if (f->asset[i] == asset) {
            f->a[i] = i256_add(f->a[i], coef);
            return 0;
        }
    }
    if (f->n == ROW_ASSETS_MAX)
        return -1;
    f->asset[f->n] = asset;
    f->a[f->n++] = coef;
    return 0;
}

static unsigned widest(const struct market *m, const struct account *a)
{
    unsigned w = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        unsigned d = m->instrument[a->position[i].instrument].size_decimals;
        w = d > w ? d : w;
    }
    return w;
}

// A lasting row leaves out what later indexes may round off: two token units of a supply and one of a debt
// (docs/numerics.md, section 5, "Later parameters"), and of each side the spare.
static i256 counted_supply(const struct market *m, const struct position *p, const struct instrument *in)
{
    i256 bal = atoken_balance(p->supply, liquidity_index_span(in));
    if (!m->lasting)
        return bal;
    bal = i256_sub(bal, i256_from_i64(2));
    return i256_sign(bal) > 0 ? bal : I256_ZERO;
}

static i256 counted_debt(const struct market *m, const struct position *p, const struct instrument *in)
{
    i256 bal = vtoken_balance(p->debt, borrow_index_span(in));
    return m->lasting ? i256_add(bal, i256_from_i64(1)) : bal;
}

static i256 spare(const struct market *m, i256 coef) // of a coefficient >= 0, rounded up
{
    return m->lasting ? i256_add(i256_sar(coef, SHIFT_SPARE_BITS), i256_from_i64(1)) : I256_ZERO;
}

// L = sum LT_i bal_i p_i 10^(W-dec_i) - 1e4 sum debt_j p_j 10^(W-dec_j), in 1e-12 * 10^-W of the base
// currency, W the widest token decimals. The contract's S - 1e4 D differs only by the last floor or ceil of
// each value: less than (1 - 10^-dec) base units each, times LT_i or 1e4. That is the slack (mechanics L3,
// one-sided). S and D are those of the worst moment of market_window for each term.
static int aave_row(const struct market *m, const struct account *a, int64_t eq, int64_t req,
                    struct affine *f, struct err *e)
{
    unsigned w = widest(m, a);
    i256 whole = unit10(w);
    f->n = 0;
    f->c = f->slack = i256_from_i64(0);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        i256 up = unit10(w - in->size_decimals);
        i256 lost = i256_sub(whole, up); // 1 - 10^-dec
        i256 coef = i256_from_i64(0);
        if (p->supply != 0 && p->collateral && lt_span(in) != 0) {
            int64_t weight = eq * aave_lt_span(in, a);
            i256 gain = i256_mul_i64(i256_mul(counted_supply(m, p, in), up), weight);
            coef = i256_sign(gain) ? i256_sub(gain, spare(m, gain)) : gain;
            f->slack = i256_add(f->slack, i256_mul_i64(lost, weight));
        }
        if (p->debt != 0) {
            int64_t weight = req * BPS;
            i256 owed = i256_mul_i64(i256_mul(counted_debt(m, p, in), up), weight);
            coef = i256_sub(coef, i256_add(owed, spare(m, owed)));
            f->slack = i256_add(f->slack, i256_mul_i64(lost, weight));
        }
        if (i256_sign(coef) != 0 && add_coef(f, in->asset, coef))
            return err_set(e, "account %u: more than %d assets in one row", a->id, ROW_ASSETS_MAX);
    }
    return 0;
}

static int aave_rows(const struct market *m, const struct account *a, const struct band *band,
                     uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    bool debt = false;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        if (band[in->asset].lo <= 0 || band[in->asset].hi < band[in->asset].lo)
            return err_set(e, "account %u: no valid band for asset %s", a->id, m->asset[in->asset].name);
        debt = debt || a->position[i].debt != 0;
    }
    if (!debt)
        return 0; // never liquidatable
    out[0].level = LEVEL_LIQUIDATE;
    if (aave_row(m, a, 1, 1, &out[0], e))
        return -1;
    if (warn_ppm == 0)
        return 1;
    out[1].level = LEVEL_WARN;
    return aave_row(m, a, 1000000, 1000000 + (int64_t)warn_ppm, &out[1], e) ? -1 : 2;
}

static unsigned bits_of(u128 v)
{
    return i256_bits(i256_from_u128(v));
}

static int check_reserve(const struct market *m, const struct account *a, const struct instrument *in,
                         struct err *e)
{
    if (in->kind != INST_RESERVE)
        return err_set(e, "account %u: instrument %s is not a lending reserve: choose the rule that fits it",
                       a->id, in->name);
    if (in->asset >= m->n_assets || m->asset[in->asset].decimals != AAVE_PRICE_DECIMALS)
        return err_set(e, "account %u: reserve %s: its price must have %d decimals", a->id, in->name,
                       AAVE_PRICE_DECIMALS);
    if (in->size_decimals > 18)
        return err_set(e, "account %u: reserve %s: token decimals must be 0..18", a->id, in->name);
    u128 one = (u128)1000000000 * 1000000000 * 1000000000;
    if (instrument_moving_check(in, e))
        return -1;
    if (in->liquidity_index < one || in->borrow_index < one || bits_of(in->liquidity_index) > 100 ||
        bits_of(in->borrow_index) > 100)
        return err_set(e, "account %u: reserve %s: indexes must be in ray, 1e27 or more and below 2^100",
                       a->id, in->name);
    if (in->lt_bps > BPS || in->fee_bps > BPS || (in->emode != 0 && in->emode_lt_bps > BPS))
        return err_set(e, "account %u: reserve %s: threshold and fee must be 0..10000 bps", a->id, in->name);
    bool lb_bad = lt_told(in) != 0 && (in->lb_bps < BPS || in->lb_bps > 2 * BPS);
    bool em_bad = in->emode != 0 && (in->emode_lb_bps < BPS || in->emode_lb_bps > 2 * BPS);
    if (lb_bad || em_bad)
        return err_set(e, "account %u: reserve %s: bonus must be 10000..20000 bps", a->id, in->name);
    return 0;
}

static int aave_validate(const struct market *m, const struct account *a, struct err *e)
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
        if (check_reserve(m, a, in, e))
            return -1;
        if (p->size != 0)
            return err_set(e, "account %u: reserve %s: use supply and debt, not size", a->id, in->name);
        if (p->supply < 0 || p->debt < 0)
            return err_set(e, "account %u: reserve %s: negative supply or debt", a->id, in->name);
    }
    unsigned w = widest(m, a);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        unsigned up = i256_bits(unit10(w - in->size_decimals));
        if (bits_of((u128)p->supply) + bits_of(liquidity_index_last(in)) + up > AAVE_BALANCE_BITS ||
            bits_of((u128)p->debt) + bits_of(borrow_index_last(in)) + up > AAVE_BALANCE_BITS)
            return err_set(e, "account %u: reserve %s: balance out of range", a->id, in->name);
    }
    return 0;
}

static bool aave_within(const struct market *next, unsigned i, const struct reach *r)
{
    static const struct account any = {.id = 0}; // its number is all that the check of a reserve reads
    const struct instrument *in = &next->instrument[i];
    unsigned w = 0;
    struct err e;
    if (in->kind != INST_RESERVE)
        return true;
    if (check_reserve(next, &any, in, &e))
        return false;
    for (unsigned k = 0; k < next->n_instruments; k++)
        if (next->instrument[k].kind == INST_RESERVE && next->instrument[k].size_decimals > w)
            w = next->instrument[k].size_decimals;
    unsigned up = i256_bits(unit10(w - in->size_decimals));
    return r->supply_bits + bits_of(liquidity_index_last(in)) + up <= AAVE_BALANCE_BITS &&
           r->debt_bits + bits_of(borrow_index_last(in)) + up <= AAVE_BALANCE_BITS;
}

// Each coefficient is a balance times a threshold, whatever the prices.
static bool aave_bends(const struct market *m, const struct account *a)
{
    (void)m;
    (void)a;
    return false;
}

const struct rule rule_aave_3_5 = {
    .name = "aave-3.5",
    .rows = aave_rows,
    .health = aave_health,
    .size = aave_size,
    .settle = aave_settle,
    .bends = aave_bends,
    .shift = aave_shift,
    .crossed = aave_crossed,
    .within = aave_within,
    .validate = aave_validate,
};
