// SPDX-License-Identifier: Apache-2.0
// hyperliquid-1: cross margin of Hyperliquid perpetuals, whose tiers are told by a greatest leverage L:
//   H = cash + sum (s_i (P_i - e_i) - funding_i) - sum max_k(N_i / (2 L_k) - cut_k);  liquidatable <=> H < 0.
// docs/protocols/hyperliquid.md has the stages and every assumption; hyperliquid.h their arithmetic.
//
// Value quantum: 10^-K / D, K as perp_common.h has it, D the least common multiple of the account's 2 L. A
// file has 1 / (2 L) in ppm, which is rarely whole: the rate is L's, exactly, and the ppm only name it,
// rounded down or up. Rates of two leverages lie at least 7 ppm apart, so each names one L. D <= 10^6 is PPM,
// hence every bound of perp_validate, and of the rows, holds here as it stands.
//
// rule_state[0]: the second of the last liquidation in part, 0 for never. For 30 s after it a position goes
// whole (A3, the announced reading). The rows and health do not depend on it.
#include "accounts/rules/perp/perp_common.h"
#include "accounts/rules/venue/hyperliquid.h"

enum { SCALE_MAX = 1000000, COOLDOWN_S = HL_COOLDOWN_MS / 1000, PARTIAL_AT = 0 };

static const enum term TERMS_KNOWN[] = {TERM_LOT};
enum { N_TERMS = sizeof TERMS_KNOWN / sizeof TERMS_KNOWN[0] };

// The leverage whose 1 / (2 L) is rate_ppm, rounded down or up; 0: there is none up to HL_LEVERAGE_MAX.
static uint32_t leverage_of(uint32_t rate_ppm)
{
    if (rate_ppm == 0 || rate_ppm > PPM / 2)
        return 0;
    uint32_t twice = 2 * ((PPM / 2 + rate_ppm / 2) / rate_ppm); // the nearest is the only one that can be
    int64_t off = (int64_t)rate_ppm * twice - PPM;
    return twice <= 2 * HL_LEVERAGE_MAX && off < (int64_t)twice && -off < (int64_t)twice ? twice / 2 : 0;
}

static uint64_t common_multiple(uint64_t a, uint64_t b)
{
    uint64_t x = a, y = b;
    while (y) {
        uint64_t rest = x % y;
        x = y;
        y = rest;
    }
    return a / x * b;
}

// D with this instrument's tiers in it; beyond SCALE_MAX: too fine.
static uint64_t with_tiers(uint64_t scale, const struct instrument *in)
{
    for (unsigned k = 0; k < in->n_tiers && scale <= SCALE_MAX; k++)
        scale = common_multiple(scale, 2 * (uint64_t)leverage_of(in->tier[k].rate_ppm));
    return scale;
}

static uint64_t scale_of(const struct market *m, const struct account *a)
{
    uint64_t scale = 1;
    for (unsigned i = 0; i < a->n_positions; i++)
        scale = with_tiers(scale, &m->instrument[a->position[i].instrument]);
    return scale;
}

// Rates of D and deductions in 10^-K / D, for notionals in 10^-K.
static void tiers_of(const struct instrument *in, uint64_t scale, i256 cash_unit, struct venue_tiers *t)
{
    i256 from[TIERS_MAX];
    uint64_t leverage[TIERS_MAX];
    for (unsigned k = 0; k < in->n_tiers; k++) {
        from[k] = i256_mul(i256_from_i128(in->tier[k].floor), cash_unit);
        leverage[k] = leverage_of(in->tier[k].rate_ppm);
    }
    hl_tiers_from(t, scale, in->n_tiers, from, leverage);
}

// ---- rows

// A line nowhere below the maintenance of a position of w * x for x in [lo, hi]: maintenance itself where one
// tier holds the band, else the chord, its slope floored and laid through the upper edge (it is convex).
static void chord(const struct venue_tiers *t, i256 w, const struct band *b, i256 *slope, i256 *offset)
{
    unsigned at_lo, at_hi;
    i256 lo = venue_maintenance(t, i256_mul_i64(w, b->lo), &at_lo);
    i256 hi = venue_maintenance(t, i256_mul_i64(w, b->hi), &at_hi);
    if (at_lo == at_hi) {
        *slope = i256_mul(w, t->tier[at_lo].rate);
        *offset = i256_neg(t->tier[at_lo].cut);
        return;
    }
    *slope = i256_div_floor(i256_sub(hi, lo), i256_sub(i256_from_i64(b->hi), i256_from_i64(b->lo)));
    *offset = i256_sub(hi, i256_mul_i64(*slope, b->hi));
}

// eq and req as perp_linear_row has them.
static int row(const struct market *m, const struct account *a, const struct band *band, int64_t eq,
               int64_t req, struct affine *f, struct err *e)
{
    unsigned k = perp_scale(m, a, INST_LINEAR);
    uint64_t scale = scale_of(m, a);
    i256 cash_unit = unit10(k - a->cash_decimals), margin0 = I256_ZERO;
    i256 c = i256_mul(i256_from_i128(a->cash), cash_unit); // 10^-K
    f->n = 0;
    f->slack = I256_ZERO; // exact rule; the chord's gap is inside a and c
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        const struct band *b = &band[in->asset];
        if (b->lo <= 0 || b->hi < b->lo)
            return err_set(e, "account %u: no valid band for asset %s", a->id, m->asset[in->asset].name);
        unsigned d = (unsigned)in->size_decimals + m->asset[in->asset].decimals;
        i256 s = i256_mul(i256_from_i128(p->size), unit10(k - d)), slope, offset;
        struct venue_tiers t;
        tiers_of(in, scale, cash_unit, &t);
        chord(&t, i256_abs(s), b, &slope, &offset);
        i256 funding = perp_funding(in, p, p->size, funding_span(in, p->size > 0), k); // at its worst
        c = i256_sub(c, i256_add(i256_mul_i64(s, p->entry), funding));
        margin0 = i256_add(margin0, offset);
        i256 gain = i256_mul_i64(i256_mul_i64(s, (int64_t)scale), eq);
        if (perp_row_add(f, in->asset, i256_sub(gain, i256_mul_i64(slope, req))))
            return err_set(e, "account %u: more than %d assets in one row", a->id, ROW_ASSETS_MAX);
    }
    f->c = i256_sub(i256_mul_i64(i256_mul_i64(c, (int64_t)scale), eq), i256_mul_i64(margin0, req));
    return 0;
}

static int hl_rows(const struct market *m, const struct account *a, const struct band *band,
                   uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    if (a->n_positions == 0)
        return 0; // no requirement: never liquidatable
    out[0].level = LEVEL_LIQUIDATE;
    if (row(m, a, band, 1, 1, &out[0], e))
        return -1;
    if (warn_ppm == 0)
        return 1;
    out[1].level = LEVEL_WARN;
    return row(m, a, band, PPM, (int64_t)PPM + warn_ppm, &out[1], e) ? -1 : 2;
}

// ---- health and stage

static void hl_health(const struct market *m, const struct account *a, const int64_t *px, struct health *out)
{
    unsigned k = perp_scale(m, a, INST_LINEAR);
    uint64_t scale = scale_of(m, a);
    i256 cash_unit = unit10(k - a->cash_decimals), margin = I256_ZERO;
    i256 equity = i256_mul(i256_from_i128(a->cash), cash_unit);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        struct perp_value v;
        struct venue_tiers t;
        perp_value(in, m->asset[in->asset].decimals, p->size, p->entry, px[in->asset], k, &v);
        tiers_of(in, scale, cash_unit, &t);
        equity = i256_add(equity, i256_sub(v.pnl, perp_funding(in, p, p->size, funding_now(in), k)));
        margin = i256_add(margin, venue_maintenance(&t, v.notional, NULL));
    }
    out->equity = i256_mul_i64(equity, (int64_t)scale);
    out->requirement = margin;
    out->liquidatable = i256_sign(margin) > 0 && i256_cmp(out->equity, margin) < 0;
}

static enum hl_action stage(const struct market *m, const struct account *a, const int64_t *px)
{
    struct health h;
    hl_health(m, a, px, &h);
    return h.liquidatable ? hl_stage(h.equity, h.requirement) : HL_NONE;
}

// A second is the finest that the books know: the cooldown ends up to one of them early or late.
static bool cooling(const struct market *m, const struct account *a)
{
    uint64_t partial_at = a->rule_state[PARTIAL_AT];
    return partial_at != 0 && m->now_s < partial_at + COOLDOWN_S;
}

static i128 lot_of(const struct instrument *in)
{
    u128 lot = term_get(&in->terms, TERM_LOT);
    return lot ? (i128)lot : 1;
}

// What the venue sends to the book of this position.
static i128 book_order(const struct market *m, const struct account *a, const struct position *p,
                       const int64_t *px)
{
    const struct instrument *in = &m->instrument[p->instrument];
    i256 all = i256_from_i128(perp_abs(p->size));
    unsigned d = (unsigned)in->size_decimals + m->asset[in->asset].decimals;
    bool large = i256_cmp(i256_mul_i64(all, px[in->asset]), i256_mul_i64(unit10(d), HL_PARTIAL_ABOVE)) > 0;
    if (!large || cooling(m, a))
        return i256_to_i128(all);
    return i256_to_i128(hl_part(all, HL_PARTIAL_PPM, i256_from_i128(lot_of(in))));
}

// ---- size and settlement

// Nobody outside of the venue earns anything: not at the book, and what the vault takes over is its own.
static int hl_size(const struct market *m, const struct account *a, const int64_t *px,
                   const struct size_policy *policy, struct order_size *out)
{
    (void)policy;
    enum hl_action act = stage(m, a, px);
    if (act == HL_NONE)
        return -1;
    perp_size_begin(out);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        perp_size_leg(m, p, act == HL_BOOK ? book_order(m, a, p, px) : perp_abs(p->size), px, out);
    }
    return 0;
}

// An order at the book may be filled less than whole: at most what the venue sends, in lots unless it is all
// of the position. *part: some leg leaves a rest. Legs that name no position are for perp_settle_legs.
static int check_book(const struct market *m, const struct account *a, const int64_t *px,
                      const struct order_leg *leg, unsigned n, bool *part, struct err *e)
{
    *part = false;
    for (unsigned i = 0; i < n; i++) {
        const struct position *p = account_position(a, leg[i].instrument);
        if (!p || leg[i].qty == perp_abs(p->size))
            continue;
        *part = true;
        if (leg[i].qty % lot_of(&m->instrument[p->instrument]) != 0)
            return err_set(e, "account %u: leg %u: not a multiple of %s's lot", a->id, i,
                           m->instrument[p->instrument].name);
    }
    for (unsigned i = 0; i < n; i++) {
        const struct position *p = account_position(a, leg[i].instrument);
        if (p && leg[i].qty > book_order(m, a, p, px))
            return err_set(e, "account %u: leg %u: more of %s than the venue sends now", a->id, i,
                           m->instrument[p->instrument].name);
    }
    return 0;
}

static int hl_settle(const struct market *m, struct account *a, const int64_t *px,
                     const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    bool part;
    switch (stage(m, a, px)) {
    case HL_NONE:
    case HL_WAIT:
        return err_set(e, "account %u is not liquidatable at these prices", a->id);
    case HL_BOOK:
        if (check_book(m, a, px, leg, n, &part, e) || perp_settle_legs(m, a, px, leg, n, INST_LINEAR, out, e))
            return -1;
        if (part)
            a->rule_state[PARTIAL_AT] = m->now_s ? m->now_s : 1;
        return 0;
    case HL_BACKSTOP:
    case HL_ADL:
        break;
    }
    return perp_take_over(m, a, px, leg, n, INST_LINEAR, out, e);
}

static bool hl_takes(const struct market *m, const struct account *a, const int64_t *px,
                     const struct order_leg *leg, unsigned n, const struct order_size *exact)
{
    bool part;
    (void)exact;
    if (stage(m, a, px) != HL_BOOK)
        return perp_whole(a, leg, n);
    return check_book(m, a, px, leg, n, &part, NULL) == 0 && perp_takes(m, a, px, leg, n, INST_LINEAR);
}

// ---- checks, changes of parameters

// What is wrong with an instrument that perp-linear-1 would take; NULL: nothing.
static const char *foreign(const struct instrument *in)
{
    if (in->profit_weight_ppm != 0 && in->profit_weight_ppm != PPM)
        return "profits count in full, leave profit_weight_ppm out";
    if (in->penalty_ppm)
        return "nobody earns a penalty, penalty_ppm must be 0";
    for (unsigned k = 0; k < in->n_tiers; k++) {
        uint32_t leverage = leverage_of(in->tier[k].rate_ppm);
        if (leverage == 0)
            return "each rate_ppm must be 1000000 / (2 L), rounded, of a whole leverage L of 1 to 255";
        if (k > 0 && leverage >= leverage_of(in->tier[k - 1].rate_ppm))
            return "leverages must fall from tier to tier";
    }
    return NULL;
}

static int hl_validate(const struct market *m, const struct account *a, struct err *e)
{
    if (perp_validate_terms(m, a, INST_LINEAR, TERMS_KNOWN, N_TERMS, e))
        return -1;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        if (foreign(in))
            return err_set(e, "account %u: instrument %s: under hyperliquid-1 %s", a->id, in->name,
                           foreign(in));
    }
    if (scale_of(m, a) > SCALE_MAX)
        return err_set(e,
                       "account %u: twice its leverages have no common multiple up to %d: hold fewer of them "
                       "in one account",
                       a->id, SCALE_MAX);
    if (a->rule_state[1] != 0 || a->rule_state[PARTIAL_AT] > MOVING_TIME_MAX)
        return err_set(e,
                       "account %u: rule_state: one second of the Unix epoch, that of the last partial "
                       "liquidation",
                       a->id);
    return 0;
}

// Whoever holds i may hold anything else with it: the multiple of all leverages of the market bounds his.
static bool hl_within(const struct market *next, unsigned i, const struct reach *r)
{
    if (!perp_within_terms(next, i, r, INST_LINEAR, TERMS_KNOWN, N_TERMS))
        return false;
    if (next->instrument[i].kind != INST_LINEAR)
        return true;
    if (foreign(&next->instrument[i]))
        return false;
    uint64_t scale = 1;
    for (unsigned k = 0; k < next->n_instruments; k++)
        if (next->instrument[k].kind == INST_LINEAR && !foreign(&next->instrument[k]))
            scale = with_tiers(scale, &next->instrument[k]);
    return scale <= SCALE_MAX;
}

// As perp-linear-1, with rates that bound the exact ones. Of the exact R and R' (ppm) each told is off by
// less than 1. The bound rise / (1e6 - R) is no less at R + 1 or more; rise / (1e6 + R) is less at R + d, d
// <= 2, by less than what a rise greater by d makes up for, as (rise + d) (1e6 + R) >= rise (1e6 + R + d).
// So: R at one more than told, the rise at 2 more than its own bound (told + 2).
static bool hl_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                     const uint64_t *until_s, unsigned n, struct shift *out, bool *spared)
{
    struct instrument a = *was, b = *is;
    if (a.n_tiers == 1 && b.n_tiers == 1 && a.tier[0].rate_ppm != b.tier[0].rate_ppm) {
        a.tier[0].rate_ppm += 1;
        b.tier[0].rate_ppm += 1 + 2 + 2;
    }
    return perp_linear_shift(m, &a, &b, until_s, n, out, spared);
}

// A generated instrument with the nearest leverages that the venue has, in lots of ten size quanta.
static void hl_terms(struct instrument *in)
{
    static const uint8_t LEVERAGES[] = {50, 40, 25, 20, 15, 10, 5, 3};
    unsigned n = 0, least = 0;
    for (unsigned k = 0; k < in->n_tiers; k++) {
        while (least + 1 < sizeof LEVERAGES && (uint64_t)in->tier[k].rate_ppm * LEVERAGES[least] * 2 > PPM)
            least++;
        uint32_t rate = (uint32_t)(PPM / (2 * LEVERAGES[least]));
        if (n > 0 && rate <= in->tier[n - 1].rate_ppm)
            continue;
        in->tier[n++] = (struct tier){in->tier[k].floor, rate};
    }
    in->n_tiers = (uint16_t)n;
    in->penalty_ppm = 0;
    in->fee_ppm = 0;
    (void)term_set(&in->terms, TERM_LOT, 10);
}

static const struct trading TRADING = {.terms = hl_terms};

const struct rule rule_hyperliquid_1 = {
    .name = "hyperliquid-1",
    .uses = USE_STATE,
    .trading = &TRADING,
    .rows = hl_rows,
    .health = hl_health,
    .size = hl_size,
    .settle = hl_settle,
    .takes = hl_takes,
    .bends = perp_bends,
    .shift = hl_shift,
    .crossed = perp_crossed,
    .within = hl_within,
    .validate = hl_validate,
};
