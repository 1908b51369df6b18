// SPDX-License-Identifier: Apache-2.0
// Linear perpetuals when an instrument's parameters change: with one margin tier before and after, profits
// that count in full and the funding as it was, only the rate r of the coefficient moves, |s| (1 + shock - r)
// of a long position, -|s| (1 + shock + r) of a short one. Anything else: no bound is given. Nothing is
// rounded in these rows. Not on the path of a price.
#include "accounts/rules/perp/perp_common.h"

static bool same_tiers(const struct instrument *a, const struct instrument *b)
{
    bool same = a->n_tiers == b->n_tiers;
    for (unsigned k = 0; k < a->n_tiers && same; k++)
        same = a->tier[k].floor == b->tier[k].floor && a->tier[k].rate_ppm == b->tier[k].rate_ppm;
    return same;
}

static bool same_funding(const struct instrument *a, const struct instrument *b)
{
    return a->funding_index == b->funding_index && a->funding_rate == b->funding_rate &&
           a->told_at == b->told_at;
}

// Fees and penalties are in no row.
static bool same_rows(const struct instrument *a, const struct instrument *b)
{
    return same_tiers(a, b) && same_funding(a, b) && a->profit_weight_ppm == b->profit_weight_ppm;
}

static bool plain(const struct instrument *in)
{
    return in->n_tiers == 1 && (in->profit_weight_ppm == 0 || in->profit_weight_ppm == PPM);
}

// The rate rises by `rise` from `rate`, in the scenario's shock.
static bool rate_shift(int64_t rise, int64_t rate, int64_t shock, struct shift *s)
{
    int64_t buy = PPM + shock - rate, sell = PPM + shock + rate;
    if (buy <= 2 * rise || sell <= 2 * rise)
        return false;
    uint64_t down = (uint64_t)(((u128)(uint64_t)rise << SHIFT_BITS) / (uint64_t)buy + 1);
    uint64_t up = (uint64_t)(((u128)(uint64_t)rise << SHIFT_BITS) / (uint64_t)sell + 1);
    s->down = down > s->down ? down : s->down;
    s->up = up > s->up ? up : s->up;
    return true;
}

static bool perp_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                       unsigned n_scenarios, unsigned n, struct shift *out, bool *spared)
{
    struct shift s = {0, 0};
    *spared = is->kind != INST_LINEAR;
    if (is->kind == INST_LINEAR && !same_rows(was, is)) {
        if (!plain(was) || !plain(is) || !same_funding(was, is))
            return false;
        int64_t rate = was->tier[0].rate_ppm, rise = (int64_t)is->tier[0].rate_ppm - rate;
        if (rise > 0 && !rate_shift(rise, rate, 0, &s))
            return false;
        for (unsigned x = 0; x < n_scenarios && rise > 0; x++)
            if (!rate_shift(rise, rate, m->scenario[x].shock_ppm[is - m->instrument], &s))
                return false;
    }
    for (unsigned k = 0; k < n; k++)
        out[k] = s;
    return true;
}

bool perp_linear_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                       const uint64_t *until_s, unsigned n, struct shift *out, bool *spared)
{
    (void)until_s; // the funding is as it was
    return perp_shift(m, was, is, 0, n, out, spared);
}

bool perp_portfolio_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                          const uint64_t *until_s, unsigned n, struct shift *out, bool *spared)
{
    (void)until_s;
    return perp_shift(m, was, is, m->n_scenarios, n, out, spared);
}

bool perp_inverse_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                        const uint64_t *until_s, unsigned n, struct shift *out, bool *spared)
{
    (void)m;
    (void)until_s;
    *spared = true;
    for (unsigned k = 0; k < n; k++)
        out[k] = (struct shift){0, 0};
    return is->kind != INST_INVERSE || same_rows(was, is);
}

// Two instruments of one asset: whatever their signs are, a scenario may turn one of them.
bool perp_crossed(const struct market *m, const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++)
        for (unsigned k = 0; k < i; k++)
            if (m->instrument[a->position[i].instrument].asset ==
                m->instrument[a->position[k].instrument].asset)
                return true;
    return false;
}
