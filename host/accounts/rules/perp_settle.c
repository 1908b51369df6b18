// SPDX-License-Identifier: Apache-2.0
// Settlement of a perpetual liquidation at the marks, and the checks of a loaded account.
//
// Closing a leg realises its P&L and settles its funding against the pool of the other traders, then the
// account pays the penalty to the liquidator and the fee to the venue. A partial close keeps the entry price
// and the funding index. When nothing is left open and the cash is negative, the deficit fund pays it up to
// zero, as a flow of its own: penalty and fee are paid even then, so a deficit includes them. Flows are in
// cash quanta, one a party, and sum to zero.
#include "accounts/rules/perp_common.h"

#include <string.h>

// rate_ppm of a notional in 10^-k, in cash quanta, ceiled.
static i256 charge(const struct account *a, i256 notional, uint32_t rate_ppm, unsigned k)
{
    return i256_div10_ceil(i256_mul_i64(notional, rate_ppm), k - a->cash_decimals + PPM_DIGITS);
}

i256 perp_penalty(const struct market *m, const struct account *a, const struct position *p, i128 qty,
                  const int64_t *px, unsigned k)
{
    const struct instrument *in = &m->instrument[p->instrument];
    return charge(a, perp_notional(in, m->asset[in->asset].decimals, qty, px[in->asset], k), in->penalty_ppm,
                  k);
}

void perp_close(const struct market *m, const struct account *a, const struct position *p, i128 qty,
                const int64_t *px, unsigned k, struct perp_close *out)
{
    const struct instrument *in = &m->instrument[p->instrument];
    struct perp_value v;
    perp_value(in, m->asset[in->asset].decimals, p->size < 0 ? -qty : qty, p->entry, px[in->asset], k, &v);
    i256 funding = perp_funding(in, p, p->size < 0 ? -qty : qty, funding_now(in), k);
    out->pnl = i256_div10_floor(i256_sub(v.pnl, funding), k - a->cash_decimals);
    out->penalty = charge(a, v.notional, in->penalty_ppm, k);
    out->fee = charge(a, v.notional, in->fee_ppm, k);
}

static struct position *find(struct account *a, uint16_t instrument)
{
    for (unsigned i = 0; i < a->n_positions; i++)
        if (a->position[i].instrument == instrument)
            return &a->position[i];
    return NULL;
}

static int check_legs(struct account *a, const struct order_leg *leg, unsigned n, struct err *e)
{
    if (n == 0 || n > a->n_positions)
        return err_set(e, "account %u: %u legs for %u positions", a->id, n, a->n_positions);
    for (unsigned i = 0; i < n; i++) {
        const struct position *p = find(a, leg[i].instrument);
        if (!p)
            return err_set(e, "account %u: leg %u: no position in instrument %u", a->id, i,
                           leg[i].instrument);
        if (leg[i].qty <= 0 || leg[i].qty > perp_abs(p->size))
            return err_set(e, "account %u: leg %u: quantity outside the position", a->id, i);
        for (unsigned j = 0; j < i; j++)
            if (leg[j].instrument == leg[i].instrument)
                return err_set(e, "account %u: two legs in instrument %u", a->id, leg[i].instrument);
    }
    return 0;
}

static void drop_closed(struct account *a)
{
    unsigned n = 0;
    for (unsigned i = 0; i < a->n_positions; i++)
        if (a->position[i].size != 0)
            a->position[n++] = a->position[i];
    memset(&a->position[n], 0, (a->n_positions - n) * sizeof a->position[0]);
    a->n_positions = (uint16_t)n;
}

static void add_flow(struct settlement *s, uint8_t party, i256 amount)
{
    if (i256_sign(amount) != 0)
        s->flow[s->n++] = (struct flow){.party = party, .instrument = -1, .amount = amount};
}

int perp_settle(const struct market *m, struct account *a, const int64_t *px, const struct order_leg *leg,
                unsigned n, uint8_t kind, bool shocked, struct settlement *out, struct err *e)
{
    struct health h;
    perp_health(m, a, px, kind, shocked, &h);
    if (!h.liquidatable)
        return err_set(e, "account %u is not liquidatable at these prices", a->id);
    if (check_legs(a, leg, n, e))
        return -1;
    unsigned k = perp_scale(m, a, kind);
    i256 zero = i256_from_i64(0), pnl = zero, penalty = zero, fee = zero;
    bool closed = n == a->n_positions;
    for (unsigned i = 0; i < n; i++) {
        const struct position *p = find(a, leg[i].instrument);
        struct perp_close c;
        perp_close(m, a, p, leg[i].qty, px, k, &c);
        pnl = i256_add(pnl, c.pnl);
        penalty = i256_add(penalty, c.penalty);
        fee = i256_add(fee, c.fee);
        closed = closed && leg[i].qty == perp_abs(p->size);
    }
    i256 delta = i256_sub(pnl, i256_add(penalty, fee));
    i256 cash = i256_add(i256_from_i128(a->cash), delta), deficit = zero;
    if (closed && i256_sign(cash) < 0) {
        deficit = i256_neg(cash);
        delta = i256_add(delta, deficit);
        cash = zero;
    }
    if (i256_bits(cash) > PERP_CASH_BITS)
        return err_set(e, "account %u: cash after settlement out of range", a->id);
    for (unsigned i = 0; i < n; i++) {
        struct position *p = find(a, leg[i].instrument);
        p->size += p->size < 0 ? leg[i].qty : -leg[i].qty;
    }
    drop_closed(a);
    a->cash = i256_to_i128(cash);
    out->n = 0;
    add_flow(out, PARTY_ACCOUNT, delta);
    add_flow(out, PARTY_LIQUIDATOR, penalty);
    add_flow(out, PARTY_VENUE, fee);
    add_flow(out, PARTY_POOL, i256_neg(pnl));
    add_flow(out, PARTY_DEFICIT, i256_neg(deficit));
    return 0;
}
