// SPDX-License-Identifier: Apache-2.0
// binance-usdm-1: cross margin of Binance USD-M futures by notional brackets
// (docs/protocols/binance-usdm.md). Balance and maintenance are perp-linear-1's sums, so are its rows; what
// differs is how it ends. The venue closes nothing in part: its one order sent, the insurance fund takes the
// whole account over at the bankruptcy price, at which the account has nothing left. Marked at once, the fund
// gains what the margin is worth (PARTY_VENUE) or pays what it lacks (PARTY_DEFICIT). Clearance fees go to
// the same fund out of the same margin, so fee_ppm changes nothing here, and nobody earns a penalty.
#include "accounts/rules/perp/perp_common.h"

static void bn_health(const struct market *m, const struct account *a, const int64_t *px, struct health *out)
{
    perp_health(m, a, px, INST_LINEAR, false, out);
}

// All of it, whatever the policy would restore.
static int bn_size(const struct market *m, const struct account *a, const int64_t *px,
                   const struct size_policy *policy, struct order_size *out)
{
    struct health h;
    (void)policy;
    bn_health(m, a, px, &h);
    if (!h.liquidatable)
        return -1;
    perp_size_begin(out);
    for (unsigned i = 0; i < a->n_positions; i++)
        perp_size_leg(m, &a->position[i], perp_abs(a->position[i].size), px, out);
    return 0;
}

static int bn_settle(const struct market *m, struct account *a, const int64_t *px,
                     const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct health h;
    bn_health(m, a, px, &h);
    if (!h.liquidatable)
        return err_set(e, "account %u is not liquidatable at these prices", a->id);
    return perp_take_over(m, a, px, leg, n, INST_LINEAR, out, e);
}

static bool bn_takes(const struct market *m, const struct account *a, const int64_t *px,
                     const struct order_leg *leg, unsigned n, const struct order_size *exact)
{
    (void)m;
    (void)px;
    (void)exact;
    return perp_whole(a, leg, n);
}

// What perp-linear-1 knows of an instrument and this venue does not have.
static const char *foreign(const struct instrument *in)
{
    if (in->profit_weight_ppm != 0 && in->profit_weight_ppm != PPM)
        return "profits count in full, leave profit_weight_ppm out";
    return in->penalty_ppm ? "nobody earns a penalty, penalty_ppm must be 0" : NULL;
}

static bool bn_within(const struct market *next, unsigned i, const struct reach *r)
{
    const struct instrument *in = &next->instrument[i];
    return perp_within(next, i, r, INST_LINEAR) && (in->kind != INST_LINEAR || !foreign(in));
}

static int bn_validate(const struct market *m, const struct account *a, struct err *e)
{
    if (perp_validate(m, a, INST_LINEAR, e))
        return -1;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        if (foreign(in))
            return err_set(e, "account %u: instrument %s: under binance-usdm-1 %s", a->id, in->name,
                           foreign(in));
    }
    return 0;
}

static void bn_terms(struct instrument *in)
{
    in->penalty_ppm = 0;
}

static const struct trading TRADING = {.terms = bn_terms};

const struct rule rule_binance_usdm_1 = {
    .name = "binance-usdm-1",
    .trading = &TRADING,
    .rows = perp_linear_rows,
    .health = bn_health,
    .size = bn_size,
    .settle = bn_settle,
    .takes = bn_takes,
    .bends = perp_bends,
    .shift = perp_linear_shift,
    .crossed = perp_crossed,
    .within = bn_within,
    .validate = bn_validate,
};
