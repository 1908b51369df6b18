// SPDX-License-Identifier: Apache-2.0
// Value, health and size of a perpetual account over an integer type that the including file names: amt, with
// the operations used here (perp_wide.c: 256 bits, for every valid account; perp_narrow.c: 128 bits, for
// accounts whose numbers fit, several times as fast). Both give the same results to the last unit. P(x) names
// a function of the instance; LINKAGE is that of all but the last two.
//
// Size of a liquidation, in closed form. Closing the fraction f of every position at the mark leaves equity
// E - f phiN (phiN = sum of (penalty + fee) times notional) and, MM being convex with MM(0) = 0, a
// requirement of at most (1 - f) M. Target T asks for E - f phiN >= T (1 - f) M, hence
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

enum { FRACTION = 1000000000, FRACTION_DIGITS = 9 };

// ---- one position

static amt inverse_numerator(const struct instrument *in, unsigned pd, i128 size, unsigned k)
{
    return amt_scale(amt_of(perp_abs(size)), k + pd - in->size_decimals);
}

static amt entry_side(amt num, i128 size, int64_t entry)
{
    return size >= 0 ? amt_div_floor_px(num, entry) : amt_neg(amt_div_ceil_px(num, entry));
}

LINKAGE void P(value)(const struct instrument *in, unsigned pd, i128 size, int64_t entry, int64_t px,
                      unsigned k, struct P(value) * out)
{
    assert(px > 0 && entry > 0);
    if (in->kind == INST_LINEAR) {
        amt s = amt_scale(amt_of(size), k - in->size_decimals - pd);
        out->pnl = amt_mul_i64(s, px - entry); // both positive: the difference fits
        out->notional = amt_abs(amt_mul_i64(s, px));
        return;
    }
    amt num = inverse_numerator(in, pd, size, k);
    amt at_px = amt_div_ceil_px(num, px);
    out->notional = at_px;
    amt at_entry = entry_side(num, size, entry);
    // A short owes nothing at 1/P: it is owed |s|/P, an asset, hence the floor.
    out->pnl = size >= 0 ? amt_sub(at_entry, at_px) : amt_add(at_entry, amt_div_floor_px(num, px));
}

LINKAGE amt P(funding)(const struct instrument *in, const struct position *p, i128 size, i128 index,
                       unsigned k)
{
    if (index == p->funding)
        return amt_of(0);
    amt owed = amt_mul(amt_of(size), amt_of(index - p->funding));
    unsigned d = (unsigned)in->size_decimals + FUNDING_DECIMALS;
    return d <= k ? amt_scale(owed, k - d) : amt_div10_ceil(owed, d - k);
}

LINKAGE amt P(notional)(const struct instrument *in, unsigned pd, i128 size, int64_t px, unsigned k)
{
    if (in->kind == INST_LINEAR)
        return amt_mul_i64(amt_scale(amt_of(perp_abs(size)), k - in->size_decimals - pd), px);
    return amt_div_ceil_px(inverse_numerator(in, pd, size, k), px);
}

// The tier that holds N is the one that attains the maximum: MM is continuous and convex. Returns its index
// and its cum, in 10^-(k+6).
static unsigned tier_of(const struct instrument *in, amt notional, amt cash_unit, amt *cum)
{
    *cum = amt_of(0);
    unsigned t = 0;
    while (t + 1u < in->n_tiers) {
        const struct tier *next = &in->tier[t + 1];
        amt floor = amt_mul(amt_of(next->floor), cash_unit);
        if (amt_cmp(notional, floor) < 0)
            break;
        *cum = amt_add(*cum, amt_mul_i64(floor, (int64_t)next->rate_ppm - in->tier[t].rate_ppm));
        t++;
    }
    return t;
}

LINKAGE amt P(margin)(const struct instrument *in, amt notional, amt cash_unit)
{
    amt cum;
    unsigned t = tier_of(in, notional, cash_unit, &cum);
    return amt_sub(amt_mul_i64(notional, in->tier[t].rate_ppm), cum);
}

LINKAGE amt P(uncounted)(const struct instrument *in, amt profit)
{
    uint32_t w = perp_profit_weight(in);
    if (w == PPM || amt_sign(profit) <= 0)
        return amt_of(0);
    return amt_mul_i64(profit, PPM - (int64_t)w);
}

// ---- scenarios

LINKAGE void P(losses)(const struct market *m, const struct position *p, amt notional,
                       amt loss[SCENARIOS_MAX])
{
    for (unsigned x = 0; x < m->n_scenarios; x++) {
        int64_t shock = m->scenario[x].shock_ppm[p->instrument];
        loss[x] = amt_add(loss[x], amt_mul_i64(notional, p->size > 0 ? -shock : shock));
    }
}

LINKAGE amt P(worst)(const struct market *m, const amt loss[SCENARIOS_MAX])
{
    amt worst = amt_of(0);
    for (unsigned x = 0; x < m->n_scenarios; x++)
        if (amt_cmp(loss[x], worst) > 0)
            worst = loss[x];
    return worst;
}

// ---- health

void P(health_of)(const struct market *m, const struct account *a, const int64_t *px, uint8_t kind,
                  bool shocked, struct health *out)
{
    unsigned k = perp_scale(m, a, kind);
    amt cash_unit = amt_scale(amt_of(1), k - a->cash_decimals);
    amt equity = amt_mul(amt_of(a->cash), cash_unit);
    amt margin = amt_of(0), uncounted = margin, loss[SCENARIOS_MAX];
    for (unsigned x = 0; shocked && x < m->n_scenarios; x++)
        loss[x] = amt_of(0);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        struct P(value) v;
        P(value)(in, m->asset[in->asset].decimals, p->size, p->entry, px[in->asset], k, &v);
        amt profit = amt_sub(v.pnl, P(funding)(in, p, p->size, funding_now(in), k));
        equity = amt_add(equity, profit);
        uncounted = amt_add(uncounted, P(uncounted)(in, profit));
        margin = amt_add(margin, P(margin)(in, v.notional, cash_unit));
        if (shocked)
            P(losses)(m, p, v.notional, loss);
    }
    if (shocked)
        margin = amt_add(margin, P(worst)(m, loss));
    equity = amt_sub(amt_mul_i64(equity, PPM), uncounted);
    out->equity = amt_wide(equity);
    out->requirement = amt_wide(margin);
    out->liquidatable = amt_sign(margin) > 0 && amt_cmp(equity, margin) < 0;
}

// ---- size

struct leg_state {
    amt notional; // 10^-K
    amt margin;   // 10^-(K+6)
    amt cost;     // phi_i N_i less the profit that does not count until it is realised, 10^-(K+6)
    bool all;     // closed entirely
    i128 qty;
};

struct sizing {
    unsigned k;
    bool shocked;
    int64_t target; // ppm
    amt equity;     // of the account, less allowances, 10^-(K+6)
    amt margin_pad; // sum of rate_max and of shocks of a size quantum, 10^-(K+6)
    struct leg_state leg[ACCOUNT_POSITIONS_MAX];
};

// Is qty worth less than `dust` in the quote currency? Linear contracts are worth qty * P, inverse ones are
// sized in it.
static bool below_dust(const struct market *m, const struct instrument *in, i128 qty, const int64_t *px,
                       int64_t dust)
{
    amt num = amt_of(qty);
    unsigned dec = in->size_decimals;
    if (in->kind == INST_LINEAR) {
        num = amt_mul_i64(num, px[in->asset]);
        dec += m->asset[in->asset].decimals;
    }
    return amt_cmp(num, amt_scale(amt_of(dust), dec)) < 0;
}

// False when the account is not liquidatable: the sums are those of health.
static bool prepare(const struct market *m, const struct account *a, const int64_t *px, uint8_t kind,
                    int64_t dust, struct sizing *s)
{
    s->k = perp_scale(m, a, kind);
    amt cash_unit = amt_scale(amt_of(1), s->k - a->cash_decimals);
    amt equity = amt_mul(amt_of(a->cash), cash_unit);
    amt pad = amt_of(0), margin = pad, uncounted = pad, loss[SCENARIOS_MAX];
    for (unsigned x = 0; s->shocked && x < m->n_scenarios; x++)
        loss[x] = amt_of(0);
    s->margin_pad = amt_of(0);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        unsigned pd = m->asset[in->asset].decimals;
        int64_t phi = (int64_t)in->penalty_ppm + in->fee_ppm;
        struct leg_state *l = &s->leg[i];
        struct P(value) v;
        P(value)(in, pd, p->size, p->entry, px[in->asset], s->k, &v);
        amt quantum = P(notional)(in, pd, 1, px[in->asset], s->k);
        l->notional = v.notional;
        l->margin = P(margin)(in, v.notional, cash_unit);
        l->all = below_dust(m, in, perp_abs(p->size), px, dust);
        i128 funding = funding_now(in);
        amt profit = amt_sub(v.pnl, P(funding)(in, p, p->size, funding, s->k));
        amt idle = P(uncounted)(in, profit);
        l->cost = amt_sub(amt_mul_i64(v.notional, phi), idle);
        equity = amt_add(equity, profit);
        uncounted = amt_add(uncounted, idle);
        margin = amt_add(margin, l->margin);
        amt rounding = amt_add(amt_mul_i64(cash_unit, 3), amt_of(funding == p->funding ? 2 : 3));
        pad = amt_add(pad, amt_mul_i64(rounding, PPM));
        pad = amt_add(pad, amt_mul_i64(amt_add(quantum, amt_of(1)), phi));
        s->margin_pad = amt_add(s->margin_pad, amt_of(in->tier[in->n_tiers - 1].rate_ppm));
        if (s->shocked) {
            P(losses)(m, p, v.notional, loss);
            s->margin_pad = amt_add(s->margin_pad, amt_mul_i64(quantum, perp_shock_most(m, p)));
        }
    }
    if (s->shocked)
        margin = amt_add(margin, P(worst)(m, loss));
    equity = amt_sub(amt_mul_i64(equity, PPM), uncounted);
    s->equity = amt_sub(equity, pad);
    return amt_sign(margin) > 0 && amt_cmp(equity, margin) < 0;
}

// Fraction of the positions not yet closed entirely, in 1/FRACTION; 0..FRACTION.
static int64_t solve(const struct market *m, const struct account *a, const struct sizing *s)
{
    amt equity = s->equity, margin = amt_of(0), cost = margin, loss[SCENARIOS_MAX];
    for (unsigned x = 0; s->shocked && x < m->n_scenarios; x++)
        loss[x] = amt_of(0);
    for (unsigned i = 0; i < a->n_positions; i++) {
        if (s->leg[i].all) {
            equity = amt_sub(equity, s->leg[i].cost);
        } else {
            margin = amt_add(margin, s->leg[i].margin);
            cost = amt_add(cost, s->leg[i].cost);
            if (s->shocked)
                P(losses)(m, &a->position[i], s->leg[i].notional, loss);
        }
    }
    if (s->shocked)
        margin = amt_add(margin, P(worst)(m, loss));
    amt want = amt_mul_i64(margin, s->target);
    amt pad = amt_mul_i64(s->margin_pad, s->target);
    amt num = amt_sub(amt_add(want, pad), amt_mul_i64(equity, PPM));
    amt den = amt_sub(want, amt_mul_i64(cost, PPM));
    if (amt_sign(num) <= 0)
        return 0; // the dust positions were enough
    if (amt_sign(den) <= 0 || amt_cmp(num, den) >= 0)
        return FRACTION;
    return i256_to_i64(i256_div_ceil(i256_mul_i64(amt_wide(num), FRACTION), amt_wide(den)));
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

// num / 10^dec in 1e-8, floored.
static i256 to_e8(i256 num, unsigned dec)
{
    return dec <= 8 ? i256_mul(num, unit10(8 - dec)) : i256_div10_floor(num, dec - 8);
}

static void emit(const struct market *m, const struct account *a, const int64_t *px, const struct sizing *s,
                 struct order_size *out)
{
    out->n = 0;
    out->full = true;
    out->value = out->reward = I256_ZERO;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        unsigned pd = m->asset[in->asset].decimals;
        i128 qty = s->leg[i].qty;
        out->full = out->full && s->leg[i].all;
        if (qty == 0)
            continue;
        out->leg[out->n++] = (struct order_leg){.instrument = p->instrument, .qty = qty};
        amt paid = amt_mul_i64(P(notional)(in, pd, qty, px[in->asset], s->k), in->penalty_ppm);
        i256 penalty = amt_wide(amt_div10_ceil(paid, s->k - a->cash_decimals + PPM_DIGITS));
        i256 value = i256_from_i128(qty);
        // The penalty is paid in settlement currency; for inverse contracts that is the base, so times P.
        if (in->kind == INST_INVERSE) {
            penalty = i256_mul_i64(penalty, px[in->asset]);
            out->value = i256_add(out->value, to_e8(value, in->size_decimals));
            out->reward = i256_add(out->reward, to_e8(penalty, a->cash_decimals + pd));
        } else {
            value = i256_mul_i64(value, px[in->asset]);
            out->value = i256_add(out->value, to_e8(value, in->size_decimals + pd));
            out->reward = i256_add(out->reward, to_e8(penalty, a->cash_decimals));
        }
    }
}

int P(size_of)(const struct market *m, const struct account *a, const int64_t *px,
               const struct size_policy *policy, uint8_t kind, bool shocked, struct order_size *out)
{
    struct sizing s;
    s.shocked = shocked;
    int64_t dust = perp_dust(policy);
    s.target = perp_target(policy);
    if (!prepare(m, a, px, kind, dust, &s))
        return -1;
    int64_t f;
    do
        f = solve(m, a, &s);
    while (apply(m, a, px, dust, f, &s));
    emit(m, a, px, &s, out);
    return 0;
}
