// SPDX-License-Identifier: Apache-2.0
// dydx-v4-1: a subaccount of dYdX v4 as an account of a book: linear perpetuals in USDC, cross margin.
//   NC  = cash - funding + sum (N(s P) - N(s e))               N towards zero, quote quantums
//   MMR = sum ceil(ceil(|N(s P)| b / 1e6) f / 1e6)             b initial_ppm, f maintenance_ppm
// liquidatable <=> MMR > 0 and NC < MMR, but for the rest of the second in which it was liquidated
// (rule_state; dydx_orders.c). docs/rules.md has the rule, docs/protocols/dydx-v4.md the chain's sources.
//
// Rows are affine whatever the bands are: of n = s P 10^x (real) a long counts n (1 - r), a short n (1 + r),
// r = b f / 1e12. What is rounded: a long's N is above n - 1, a short's at or above n, |N| <= |n|; a margin
// is below |N| r + f / 1e6 + 1. So H >= row - sum (2, of a long 3) quote quantums, which is the slack.
//
// Row quantum: 10^-(K + 12), K as perp_common.h has it (at least 6, as cash has 6 decimals). By perp_validate
// bits(s) + bits(10^(K - size - price decimals)) <= 98, here <= 92, so that a warning row's coefficient has
// 92 + 40 + 1 + 21 + 5 (32 positions) < 160 bits; cash, funding and entries are below 2^162 in 10^-K, which
// makes 222 bits and their sum less than 230.
#include "accounts/rules/dydx/dydx_account.h"
#include "accounts/rules/perp/perp_common.h"

enum {
    RATE_DIGITS = 12,
    COEF_BITS = 92,
    SUBTICK_DECIMALS_MAX = DYDX_CONVERSION_MAX,
};

static const enum term TERMS_KNOWN[] = {
    TERM_INITIAL_PPM,           TERM_MAINTENANCE_PPM,    TERM_LOT,
    TERM_SUBTICKS_PER_TICK,     TERM_SUBTICK_DECIMALS,   TERM_SPREAD_PPM,
    TERM_BANKRUPTCY_ADJUSTMENT, TERM_MAX_PORTION,        TERM_MIN_LIQUIDATED,
    TERM_MAX_LIQUIDATED,        TERM_MAX_INSURANCE_LOST,
};
enum { N_TERMS = sizeof TERMS_KNOWN / sizeof TERMS_KNOWN[0] };

// b f, parts of 1e12.
static int64_t rate_of(const struct instrument *in)
{
    return (int64_t)term_get(&in->terms, TERM_INITIAL_PPM) *
           (int64_t)term_get(&in->terms, TERM_MAINTENANCE_PPM);
}

// ---- rows

// H with the requirement multiplied by req and the rest by eq.
static int row(const struct market *m, const struct account *a, int64_t eq, int64_t req, struct affine *f,
               struct err *e)
{
    unsigned k = perp_scale(m, a, INST_LINEAR);
    i256 c = i256_sub(i256_from_i128(a->cash), dydx_funding(m, a, true)), lost = I256_ZERO;
    f->n = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        unsigned d = (unsigned)in->size_decimals + m->asset[in->asset].decimals;
        i256 s = i256_mul(i256_from_i128(p->size), unit10(k - d));
        i256 margin = i256_mul_i64(i256_mul_i64(i256_abs(s), rate_of(in)), req);
        i256 gain = i256_mul_i64(i256_mul(s, unit10(RATE_DIGITS)), eq);
        if (perp_row_add(f, in->asset, i256_sub(gain, margin)))
            return err_set(e, "account %u: more than %d assets in one row", a->id, ROW_ASSETS_MAX);
        c = i256_sub(c, dydx_cost(m, p, p->size));
        lost = i256_add(lost, i256_from_i64(p->size > 0 ? eq + 2 * req : 2 * req));
    }
    i256 unit = unit10(k - DYDX_CASH_DECIMALS + RATE_DIGITS);
    f->c = i256_mul(i256_mul_i64(c, eq), unit);
    f->slack = i256_mul(lost, unit);
    return 0;
}

static int dydx_rows(const struct market *m, const struct account *a, const struct band *band,
                     uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    (void)band; // nothing bends
    if (a->n_positions == 0)
        return 0; // no requirement: never liquidatable
    out[0].level = LEVEL_LIQUIDATE;
    if (row(m, a, 1, 1, &out[0], e))
        return -1;
    if (warn_ppm == 0)
        return 1;
    out[1].level = LEVEL_WARN;
    return row(m, a, PPM, (int64_t)PPM + warn_ppm, &out[1], e) ? -1 : 2;
}

static bool dydx_bends(const struct market *m, const struct account *a)
{
    (void)m;
    (void)a;
    return false;
}

// Of a long at p (1 - down) the old row has n (1 - r) (1 - rise / (1 - r)) = n (1 - r - rise); a short alike.
// The slack is the same. Limits, steps and fees are in no row.
static bool dydx_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                       const uint64_t *until_s, unsigned n, struct shift *out, bool *spared)
{
    const int64_t one = INT64_C(1000000000000);
    struct shift s = {0, 0};
    (void)m;
    (void)until_s;
    *spared = is->kind != INST_LINEAR;
    if (is->kind == INST_LINEAR) {
        int64_t rate = rate_of(was), rise = rate_of(is) - rate;
        if (was->funding_index != is->funding_index || was->funding_rate != is->funding_rate ||
            was->told_at != is->told_at || 2 * rise >= one - rate)
            return false;
        if (rise > 0) {
            s.down = (uint64_t)(((u128)(uint64_t)rise << SHIFT_BITS) / (uint64_t)(one - rate) + 1);
            s.up = (uint64_t)(((u128)(uint64_t)rise << SHIFT_BITS) / (uint64_t)(one + rate) + 1);
        }
    }
    for (unsigned k = 0; k < n; k++)
        out[k] = s;
    return true;
}

// ---- checks

// The margin in ppm, rounded up: what tools that know tiers alone are told.
static uint32_t tier_rate(const struct instrument *in)
{
    return (uint32_t)((rate_of(in) + PPM - 1) / PPM);
}

static bool told_within(const struct instrument *in, enum term key, u128 least, u128 most)
{
    u128 v = term_get(&in->terms, key);
    return v >= least && v <= most;
}

// What is wrong with an instrument that perp-linear-1 would take; NULL: nothing.
static const char *foreign(const struct instrument *in)
{
    if (in->cash_decimals != DYDX_CASH_DECIMALS)
        return "cash_decimals must be 6: quote quantums";
    if (in->penalty_ppm || (in->profit_weight_ppm != 0 && in->profit_weight_ppm != PPM))
        return "penalty_ppm must be 0 and profits count in full";
    if (!told_within(in, TERM_INITIAL_PPM, 1, PPM) || !told_within(in, TERM_MAINTENANCE_PPM, 1, PPM))
        return "initial_ppm and maintenance_ppm must be 1 to 1000000";
    if (in->n_tiers != 1 || in->tier[0].rate_ppm != tier_rate(in))
        return "one tier is needed, its rate_ppm initial_ppm x maintenance_ppm / 1000000, rounded up";
    if (!told_within(in, TERM_SUBTICKS_PER_TICK, 1, UINT32_MAX) ||
        !told_within(in, TERM_SUBTICK_DECIMALS, 0, SUBTICK_DECIMALS_MAX))
        return "subticks_per_tick must be 1 to 2^32 - 1, subtick_decimals 0 to 12";
    if (!told_within(in, TERM_SPREAD_PPM, 1, UINT32_MAX))
        return "spread_to_maintenance_ppm must be 1 to 2^32 - 1";
    u128 adjustment = term_get(&in->terms, TERM_BANKRUPTCY_ADJUSTMENT);
    if (adjustment != 0 && (adjustment < PPM || adjustment > UINT32_MAX))
        return "bankruptcy_adjustment_ppm must be 1000000 to 2^32 - 1";
    if (!told_within(in, TERM_MAX_PORTION, 0, PPM))
        return "max_position_portion_ppm must be at most 1000000";
    if (!told_within(in, TERM_LOT, 0, INT64_MAX) || !told_within(in, TERM_MIN_LIQUIDATED, 0, UINT64_MAX) ||
        !told_within(in, TERM_MAX_LIQUIDATED, 0, UINT64_MAX) ||
        !told_within(in, TERM_MAX_INSURANCE_LOST, 0, UINT64_MAX))
        return "lot and the limits of a block must be below 2^64 quanta";
    return NULL;
}

static int dydx_validate(const struct market *m, const struct account *a, struct err *e)
{
    if (perp_validate_terms(m, a, INST_LINEAR, TERMS_KNOWN, N_TERMS, e))
        return -1;
    if (a->n_positions > DYDX_POSITIONS_MAX)
        return err_set(e, "account %u: more than %d positions", a->id, DYDX_POSITIONS_MAX);
    if (perp_bits(a->cash) > DYDX_QUOTE_BITS)
        return err_set(e, "account %u: cash out of range", a->id);
    unsigned k = perp_scale(m, a, INST_LINEAR);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        unsigned d = (unsigned)in->size_decimals + m->asset[in->asset].decimals;
        if (foreign(in))
            return err_set(e, "account %u: instrument %s: under dydx-v4-1 %s", a->id, in->name, foreign(in));
        if (perp_bits(p->size) > DYDX_BASE_BITS || perp_bits(p->size) + i256_bits(unit10(k - d)) > COEF_BITS)
            return err_set(e, "account %u: instrument %s: size out of range; fewer decimals help", a->id,
                           in->name);
    }
    if (a->rule_state[1] != 0 || a->rule_state[DYDX_BLOCK] > MOVING_TIME_MAX)
        return err_set(
            e, "account %u: rule_state: one second of the Unix epoch, that of the last liquidation", a->id);
    return 0;
}

static bool dydx_within(const struct market *next, unsigned i, const struct reach *r)
{
    if (!perp_within_terms(next, i, r, INST_LINEAR, TERMS_KNOWN, N_TERMS))
        return false;
    return next->instrument[i].kind != INST_LINEAR || !foreign(&next->instrument[i]);
}

// A generated instrument: 20-fold leverage, 3 % maintenance, a tenth of a position a block. Its size quantum
// is worth some dollars, which fixes what a tick is.
static void dydx_terms(struct instrument *in)
{
    static const struct {
        enum term key;
        int64_t value;
    } TOLD[] = {
        {TERM_INITIAL_PPM, 50000},
        {TERM_MAINTENANCE_PPM, 600000},
        {TERM_SUBTICKS_PER_TICK, 10000},
        {TERM_SUBTICK_DECIMALS, 3},
        {TERM_SPREAD_PPM, 1500000},
        {TERM_MAX_PORTION, 100000},
        {TERM_MIN_LIQUIDATED, INT64_C(1000000000)},
        {TERM_MAX_LIQUIDATED, INT64_C(100000000000)},
        {TERM_MAX_INSURANCE_LOST, INT64_C(100000000)},
    };
    for (unsigned k = 0; k < sizeof TOLD / sizeof TOLD[0]; k++)
        (void)term_set(&in->terms, TOLD[k].key, (u128)TOLD[k].value);
    if (in->size_decimals == 0) // coins worth less than a cent: a tick is far below their price, too
        (void)term_set(&in->terms, TERM_SUBTICK_DECIMALS, 7);
    in->n_tiers = 1;
    in->tier[0] = (struct tier){0, tier_rate(in)};
    in->penalty_ppm = 0;
    in->fee_ppm = 15000;
}

static const struct trading TRADING = {.terms = dydx_terms};

const struct rule rule_dydx_v4_1 = {
    .name = "dydx-v4-1",
    .uses = USE_STATE,
    .trading = &TRADING,
    .rows = dydx_rows,
    .health = dydx_v4_health,
    .size = dydx_v4_size,
    .settle = dydx_v4_settle,
    .takes = dydx_v4_takes,
    .bends = dydx_bends,
    .shift = dydx_shift,
    .crossed = perp_crossed,
    .within = dydx_within,
    .validate = dydx_validate,
};
