// SPDX-License-Identifier: Apache-2.0
// Rows of Aave v3: affine lower bounds of the exact health, within the bands and at every moment of
// market_window. Value quantum 1e-12 * 10^-W of the base currency, W the widest token decimals.
//   from 3.5 on   L = sum LT_i bal_i p_i - 1e4 sum debt_j p_j
//   up to 3.4     the contract has C floor(S / C) in the place of S. Two bounds of it are affine, the greater
//                 one in the middle of the bands is taken:
//                   S - C = sum (LT_i - 1) bal_i p_i     as floor(S / C) > S / C - 1
//                   k C   = sum k bal_i p_i              k the least floor(S / C) in bands and span
//                 One threshold for all: k is that threshold, and nothing is lost.
// Proofs and slack: docs/numerics.md, "Average thresholds"; docs/rules.md.
#include "accounts/rules/aave/aave_common.h"
#include "accounts/rules/perp/perp_common.h"

unsigned aave_widest(const struct market *m, const struct account *a)
{
    unsigned w = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        unsigned d = m->instrument[a->position[i].instrument].size_decimals;
        w = d > w ? d : w;
    }
    return w;
}

// A supply that counts at some moment of the span, at its worst.
struct backing {
    bool always;        // it counts throughout: its own threshold does not end at 0 within the span
    uint32_t lt;        // the least threshold while it counts
    i256 balance, most; // token units: the least while it counts, the greatest
};

// Rows that are to last under later parameters (docs/numerics.md, section 5, "Later parameters"). Those of
// averages do not.
static bool lasts(enum aave_version v, const struct market *m)
{
    return m->lasting && !aave_averages(v);
}

// A lasting row leaves out what later indexes may round off: two token units of a supply and one of a debt,
// and of each side the spare.
static i256 counted_supply(bool lasting, i256 balance)
{
    if (!lasting)
        return balance;
    balance = i256_sub(balance, i256_from_i64(2));
    return i256_sign(balance) > 0 ? balance : I256_ZERO;
}

static i256 counted_debt(bool lasting, i256 balance)
{
    return lasting ? i256_add(balance, i256_from_i64(1)) : balance;
}

static i256 spare(bool lasting, i256 coef) // of a coefficient >= 0, rounded up
{
    return lasting ? i256_add(i256_sar(coef, SHIFT_SPARE_BITS), i256_from_i64(1)) : I256_ZERO;
}

static bool backing_of(enum aave_version v, const struct market *m, const struct account *a,
                       const struct position *p, struct backing *out)
{
    const struct instrument *in = &m->instrument[p->instrument];
    if (p->supply == 0 || !p->collateral || (v < AAVE_3_6 && lt_told(in) == 0))
        return false;
    out->always = v >= AAVE_3_6 || lt_span(in) != 0;
    out->lt = aave_lt_span(in, a);
    if (!out->always && !aave_in_emode(in, a))
        out->lt = 1; // a threshold that ends at 0 is 1 or more until then
    out->balance = counted_supply(lasts(v, m), atoken_balance(v, p->supply, liquidity_index_span(in)));
    out->most = atoken_balance(v, p->supply, liquidity_index_span_most(in));
    return true;
}

// Which bound a row of average thresholds takes: k C, or S - C.
struct choice {
    bool flat;
    uint32_t k;
};

struct backings {
    unsigned n;
    struct backing b[ACCOUNT_POSITIONS_MAX];
    const struct instrument *in[ACCOUNT_POSITIONS_MAX];
};

static void backings_of(enum aave_version v, const struct market *m, const struct account *a,
                        struct backings *out)
{
    out->n = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (backing_of(v, m, a, p, &out->b[out->n]))
            out->in[out->n++] = in;
    }
}

// floor(S / C) where collaterals up to threshold `low` are worth the most that they can, and the others the
// least. One of these is the least of the bands, as S / C falls with the value of whatever is below it.
static uint32_t average_at(const struct backings *s, const struct band *band, uint32_t low)
{
    struct aave_account d = {0};
    for (unsigned i = 0; i < s->n; i++) {
        const struct backing *b = &s->b[i];
        const struct band *range = &band[s->in[i]->asset];
        unsigned dec = s->in[i]->size_decimals;
        i256 value = b->lt <= low ? value_floor(b->most, range->hi, dec)
                     : b->always  ? value_floor(b->balance, range->lo, dec)
                                  : I256_ZERO;
        aave_add_collateral(&d, value, b->lt);
    }
    return i256_sign(d.collateral) == 0 ? BPS : aave_average(d.weighted, d.collateral);
}

static struct choice choose(const struct backings *s, const struct band *band, unsigned w)
{
    struct choice out = {.flat = true, .k = 0};
    for (unsigned i = 0; i < s->n; i++) // nothing is worth anything: any k bounds 0, up to the slack
        out.k = s->b[i].lt > out.k ? s->b[i].lt : out.k;
    for (unsigned i = 0; i < s->n; i++) {
        uint32_t k = average_at(s, band, s->b[i].lt);
        out.k = k < out.k ? k : out.k;
    }
    i256 gain = I256_ZERO; // twice what k C is above S - C in the middle
    for (unsigned i = 0; i < s->n; i++) {
        const struct band *range = &band[s->in[i]->asset];
        i256 twice = i256_add(i256_from_i64(range->lo), i256_from_i64(range->hi));
        i256 value = i256_mul(i256_mul(s->b[i].balance, unit10(w - s->in[i]->size_decimals)), twice);
        if (s->b[i].always)
            gain = i256_add(gain, i256_mul_i64(value, (int64_t)out.k - (int64_t)s->b[i].lt + 1));
    }
    out.flat = i256_sign(gain) >= 0;
    return out;
}

// Token units times weight, in bps, that a supply adds to the row. A weight below 0 (threshold 0 in an eMode)
// is of the most that it can be.
static i256 weighed(enum aave_version v, const struct backing *b, const struct choice *c, int64_t *weight)
{
    *weight = b->lt;
    if (aave_averages(v))
        *weight = c->flat ? c->k : (int64_t)b->lt - 1;
    if (!b->always && *weight > 0)
        *weight = 0;
    return i256_mul_i64(*weight < 0 ? b->most : b->balance, *weight);
}

// The slack is one-sided: the contract's values lie below the line's by the last floor of each collateral,
// less than (1 - 10^-dec) base units times its weight, and where debts are ceiled (from 3.5 on) 1e4 times as
// much for each; floored debts are above. percentMul takes half a base unit more.
static int aave_row(enum aave_version v, const struct market *m, const struct account *a,
                    const struct choice *choice, int64_t eq, int64_t req, struct affine *f, struct err *e)
{
    unsigned w = aave_widest(m, a);
    i256 whole = unit10(w);
    f->n = 0;
    f->c = f->slack = i256_from_i64(0);
    if (aave_averages(v))
        f->slack = i256_mul_i64(whole, eq * (BPS / 2));
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        i256 up = unit10(w - in->size_decimals);
        i256 lost = i256_sub(whole, up); // 1 - 10^-dec
        i256 coef = i256_from_i64(0);
        struct backing b;
        if (backing_of(v, m, a, p, &b)) {
            int64_t weight;
            coef = i256_mul_i64(i256_mul(weighed(v, &b, choice, &weight), up), eq);
            if (i256_sign(coef) > 0)
                coef = i256_sub(coef, spare(lasts(v, m), coef));
            if (weight > 0)
                f->slack = i256_add(f->slack, i256_mul_i64(lost, eq * weight));
        }
        if (p->debt != 0) {
            int64_t weight = req * BPS;
            i256 d = counted_debt(lasts(v, m), vtoken_balance(v, p->debt, aave_borrow_index_span(v, in)));
            i256 owed = i256_mul_i64(i256_mul(d, up), weight);
            coef = i256_sub(coef, i256_add(owed, spare(lasts(v, m), owed)));
            if (v >= AAVE_3_5)
                f->slack = i256_add(f->slack, i256_mul_i64(lost, weight));
        }
        if (i256_sign(coef) != 0 && perp_row_add(f, in->asset, coef))
            return err_set(e, "account %u: more than %d assets in one row", a->id, ROW_ASSETS_MAX);
    }
    return 0;
}

int aave_rows(enum aave_version v, const struct market *m, const struct account *a, const struct band *band,
              uint32_t warn_ppm, struct affine *out, struct err *e)
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
    struct choice choice = {0};
    if (aave_averages(v)) {
        struct backings s;
        backings_of(v, m, a, &s);
        choice = choose(&s, band, aave_widest(m, a));
    }
    out[0].level = LEVEL_LIQUIDATE;
    if (aave_row(v, m, a, &choice, 1, 1, &out[0], e))
        return -1;
    if (warn_ppm == 0)
        return 1;
    out[1].level = LEVEL_WARN;
    return aave_row(v, m, a, &choice, 1000000, 1000000 + (int64_t)warn_ppm, &out[1], e) ? -1 : 2;
}

// From 3.5 on each coefficient is a balance times a threshold, whatever the prices. An average depends on
// them unless there is one threshold only.
bool aave_bends(enum aave_version v, const struct market *m, const struct account *a)
{
    if (!aave_averages(v))
        return false;
    struct backings s;
    backings_of(v, m, a, &s);
    for (unsigned i = 1; i < s.n; i++)
        if (s.b[i].lt != s.b[0].lt)
            return true;
    return false;
}
