// SPDX-License-Identifier: Apache-2.0
// Size of a perpetual liquidation, in closed form.
//
// Closing the fraction f of every position at the mark leaves equity E - f phiN (phiN = sum of (penalty +
// fee) times notional) and, MM being convex with MM(0) = 0, a requirement of at most (1 - f) M. Target T asks
// for E - f phiN >= T (1 - f) M, hence
//     f = (T M - E) / (T M - phiN),     everything when f >= 1 or the denominator is <= 0.
// Closing realises profit in full: where only a part of it counts (profit_weight_ppm), the fraction f closed
// adds f times the part that did not, so phiN is less that part. Integers: f is rounded up to a whole 1e-9
// (FRACTION), each quantity up to its size quantum, and E is first reduced by an allowance for every rounding
// that can follow, so that the settled account meets the target exactly. For position i, in 10^-(K+6) of
// equity:
//     3 cash quanta (pnl, penalty, fee) + 2 10^-K (the quotients of inverse pnl, split in two)
//     + 10^-K where funding is owed (its quotient, split in two)
//     + phi_i (value of one size quantum + 10^-K)      and, on the requirement's side, T rate_max 10^-K.
// With scenarios (perp-portfolio-1) M has the worst one's loss in it, which scales with the positions as
// well; a quantity rounded up can uncover what it hedged, T times its greatest shock for a size quantum.
// Dust: a position worth less than policy.dust, or whose remainder would be, is closed entirely; what that
// costs and frees is taken out of E and M before f is solved for the others. At most n rounds.
#include "accounts/rules/perp_common.h"

enum { FRACTION = 1000000000, FRACTION_DIGITS = 9 };

struct leg_state {
    i256 notional; // 10^-K
    i256 margin;   // 10^-(K+6)
    i256 cost;     // phi_i N_i less the profit that does not count until it is realised, 10^-(K+6)
    bool all;      // closed entirely
    i128 qty;
};

struct sizing {
    unsigned k;
    bool shocked;
    int64_t target;  // ppm
    i256 equity;     // of the account, less allowances, 10^-(K+6)
    i256 margin_pad; // sum of rate_max and of shocks of a size quantum, 10^-(K+6)
    struct leg_state leg[ACCOUNT_POSITIONS_MAX];
};

// Value of qty in the quote currency: *num in 10^-*dec. Linear contracts are worth qty * P, inverse ones are
// sized in it.
static void quote_value(const struct market *m, const struct instrument *in, i128 qty, const int64_t *px,
                        i256 *num, unsigned *dec)
{
    *num = i256_from_i128(qty);
    *dec = in->size_decimals;
    if (in->kind == INST_LINEAR) {
        *num = i256_mul_i64(*num, px[in->asset]);
        *dec += m->asset[in->asset].decimals;
    }
}

static bool below_dust(const struct market *m, const struct instrument *in, i128 qty, const int64_t *px,
                       int64_t dust)
{
    i256 num;
    unsigned dec;
    quote_value(m, in, qty, px, &num, &dec);
    return i256_cmp(num, i256_mul_i64(unit10(dec), dust)) < 0;
}

// num / 10^dec in 1e-8, floored.
static i256 to_e8(i256 num, unsigned dec)
{
    return dec <= 8 ? i256_mul(num, unit10(8 - dec)) : i256_div10_floor(num, dec - 8);
}

// False when the account is not liquidatable: the sums are those of perp_health().
static bool prepare(const struct market *m, const struct account *a, const int64_t *px, uint8_t kind,
                    int64_t dust, struct sizing *s)
{
    s->k = perp_scale(m, a, kind);
    i256 cash_unit = unit10(s->k - a->cash_decimals);
    i256 equity = i256_mul(i256_from_i128(a->cash), cash_unit);
    i256 pad = i256_from_i64(0), margin = pad, uncounted = pad, loss[SCENARIOS_MAX] = {I256_ZERO};
    s->margin_pad = i256_from_i64(0);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        unsigned pd = m->asset[in->asset].decimals;
        int64_t phi = (int64_t)in->penalty_ppm + in->fee_ppm;
        struct leg_state *l = &s->leg[i];
        struct perp_value v;
        perp_value(in, pd, p->size, p->entry, px[in->asset], s->k, &v);
        i256 quantum = perp_notional(in, pd, 1, px[in->asset], s->k);
        l->notional = v.notional;
        l->margin = perp_margin(in, v.notional, cash_unit);
        l->all = below_dust(m, in, perp_abs(p->size), px, dust);
        i128 funding = funding_now(in);
        i256 profit = i256_sub(v.pnl, perp_funding(in, p, p->size, funding, s->k));
        i256 idle = perp_uncounted(in, profit);
        l->cost = i256_sub(i256_mul_i64(v.notional, phi), idle);
        equity = i256_add(equity, profit);
        uncounted = i256_add(uncounted, idle);
        margin = i256_add(margin, l->margin);
        i256 rounding = i256_add(i256_mul_i64(cash_unit, 3), i256_from_i64(funding == p->funding ? 2 : 3));
        pad = i256_add(pad, i256_mul_i64(rounding, PPM));
        pad = i256_add(pad, i256_mul_i64(i256_add(quantum, i256_from_i64(1)), phi));
        s->margin_pad = i256_add(s->margin_pad, i256_from_i64(in->tier[in->n_tiers - 1].rate_ppm));
        if (s->shocked) {
            perp_losses(m, p, v.notional, loss);
            s->margin_pad = i256_add(s->margin_pad, i256_mul_i64(quantum, perp_shock_most(m, p)));
        }
    }
    margin = i256_add(margin, perp_worst(m, loss));
    equity = i256_sub(i256_mul_i64(equity, PPM), uncounted);
    s->equity = i256_sub(equity, pad);
    return i256_sign(margin) > 0 && i256_cmp(equity, margin) < 0;
}

// Fraction of the positions not yet closed entirely, in 1/FRACTION; 0..FRACTION.
static int64_t solve(const struct market *m, const struct account *a, const struct sizing *s)
{
    i256 equity = s->equity, margin = i256_from_i64(0), cost = margin, loss[SCENARIOS_MAX] = {I256_ZERO};
    for (unsigned i = 0; i < a->n_positions; i++) {
        if (s->leg[i].all) {
            equity = i256_sub(equity, s->leg[i].cost);
        } else {
            margin = i256_add(margin, s->leg[i].margin);
            cost = i256_add(cost, s->leg[i].cost);
            if (s->shocked)
                perp_losses(m, &a->position[i], s->leg[i].notional, loss);
        }
    }
    margin = i256_add(margin, perp_worst(m, loss));
    i256 want = i256_mul_i64(margin, s->target);
    i256 pad = i256_mul_i64(s->margin_pad, s->target);
    i256 num = i256_sub(i256_add(want, pad), i256_mul_i64(equity, PPM));
    i256 den = i256_sub(want, i256_mul_i64(cost, PPM));
    if (i256_sign(num) <= 0)
        return 0; // the dust positions were enough
    if (i256_sign(den) <= 0 || i256_cmp(num, den) >= 0)
        return FRACTION;
    return i256_to_i64(i256_div_ceil(i256_mul_i64(num, FRACTION), den));
}

// Quantities for fraction f. True when a remainder became dust, so that f must be solved again.
static bool apply(const struct market *m, const struct account *a, const int64_t *px, int64_t dust, int64_t f,
                  struct sizing *s)
{
    bool again = false;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        struct leg_state *l = &s->leg[i];
        i128 size = perp_abs(p->size); // < 2^96: times 1e9 stays inside 128 bits
        l->qty = l->all ? size : i256_to_i128(i256_div10_ceil(i256_from_i128(size * f), FRACTION_DIGITS));
        if (l->all || l->qty == 0)
            continue;
        if (l->qty == size || below_dust(m, &m->instrument[p->instrument], size - l->qty, px, dust)) {
            l->all = true;
            l->qty = size;
            again = true;
        }
    }
    return again;
}

static void emit(const struct market *m, const struct account *a, const int64_t *px, const struct sizing *s,
                 struct order_size *out)
{
    out->n = 0;
    out->full = true;
    out->value = out->reward = i256_from_i64(0);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        i128 qty = s->leg[i].qty;
        out->full = out->full && s->leg[i].all;
        if (qty == 0)
            continue;
        out->leg[out->n++] = (struct order_leg){.instrument = p->instrument, .qty = qty};
        i256 num;
        unsigned dec;
        quote_value(m, in, qty, px, &num, &dec);
        out->value = i256_add(out->value, to_e8(num, dec));
        i256 penalty = perp_penalty(m, a, p, qty, px, s->k);
        // The penalty is paid in settlement currency; for inverse contracts that is the base, so times P.
        bool inverse = in->kind == INST_INVERSE;
        i256 pen = inverse ? i256_mul_i64(penalty, px[in->asset]) : penalty;
        out->reward = i256_add(out->reward,
                               to_e8(pen, a->cash_decimals + (inverse ? m->asset[in->asset].decimals : 0u)));
    }
}

int perp_size(const struct market *m, const struct account *a, const int64_t *px,
              const struct size_policy *policy, uint8_t kind, bool shocked, struct order_size *out)
{
    struct sizing s;
    s.shocked = shocked;
    int64_t dust = policy->dust > 0 ? policy->dust : 0;
    s.target = policy->target_ppm > PPM ? policy->target_ppm : PPM;
    if (!prepare(m, a, px, kind, dust, &s))
        return -1;
    int64_t f;
    do
        f = solve(m, a, &s);
    while (apply(m, a, px, dust, f, &s));
    emit(m, a, px, &s, out);
    return 0;
}
