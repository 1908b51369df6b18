// SPDX-License-Identifier: Apache-2.0
// Settlement of a perpetual liquidation at the marks, and the checks of a loaded account.
//
// Closing a leg realises its P&L and settles its funding against the pool of the other traders, then the
// account pays the penalty to the liquidator and the fee to the venue. A partial close keeps the entry price
// and the funding index. When nothing is left open and the cash is negative, the deficit fund pays it up to
// zero, as a flow of its own: penalty and fee are paid even then, so a deficit includes them. Flows are in
// cash quanta, one a party, and sum to zero.
#include "accounts/rules/perp/perp_common.h"

#include <string.h>

// rate_ppm of a notional in 10^-k, in cash quanta, ceiled.
static i256 charge(const struct account *a, i256 notional, uint32_t rate_ppm, unsigned k)
{
    return i256_div10_ceil(i256_mul_i64(notional, rate_ppm), k - a->cash_decimals + PPM_DIGITS);
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

static int check_legs(const struct account *a, const struct order_leg *leg, unsigned n, struct err *e)
{
    if (n == 0 || n > a->n_positions)
        return err_set(e, "account %u: %u legs for %u positions", a->id, n, a->n_positions);
    for (unsigned i = 0; i < n; i++) {
        unsigned at = account_place(a, leg[i].instrument);
        if (at == a->n_positions)
            return err_set(e, "account %u: leg %u: no position in instrument %u", a->id, i,
                           leg[i].instrument);
        if (leg[i].qty <= 0 || leg[i].qty > perp_abs(a->position[at].size))
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

// What all legs move together, and the account's cash after it, in cash quanta.
struct closing {
    i256 pnl, penalty, fee, deficit, cash;
};

static void close_legs(const struct market *m, const struct account *a, const int64_t *px,
                       const struct order_leg *leg, unsigned n, uint8_t kind, struct closing *out)
{
    unsigned k = perp_scale(m, a, kind);
    bool closed = n == a->n_positions;
    *out = (struct closing){.cash = i256_from_i128(a->cash)};
    for (unsigned i = 0; i < n; i++) {
        const struct position *p = &a->position[account_place(a, leg[i].instrument)];
        struct perp_close c;
        perp_close(m, a, p, leg[i].qty, px, k, &c);
        out->pnl = i256_add(out->pnl, c.pnl);
        out->penalty = i256_add(out->penalty, c.penalty);
        out->fee = i256_add(out->fee, c.fee);
        closed = closed && leg[i].qty == perp_abs(p->size);
    }
    out->cash = i256_add(out->cash, i256_sub(out->pnl, i256_add(out->penalty, out->fee)));
    if (closed && i256_sign(out->cash) < 0) {
        out->deficit = i256_neg(out->cash);
        out->cash = I256_ZERO;
    }
}

static bool cash_fits(const struct closing *c)
{
    return i256_bits(c->cash) <= PERP_CASH_BITS;
}

int perp_settle(const struct market *m, struct account *a, const int64_t *px, const struct order_leg *leg,
                unsigned n, uint8_t kind, bool shocked, struct settlement *out, struct err *e)
{
    struct health h;
    perp_health(m, a, px, kind, shocked, &h);
    if (!h.liquidatable)
        return err_set(e, "account %u is not liquidatable at these prices", a->id);
    return perp_settle_legs(m, a, px, leg, n, kind, out, e);
}

int perp_settle_legs(const struct market *m, struct account *a, const int64_t *px,
                     const struct order_leg *leg, unsigned n, uint8_t kind, struct settlement *out,
                     struct err *e)
{
    struct closing c;
    if (check_legs(a, leg, n, e))
        return -1;
    close_legs(m, a, px, leg, n, kind, &c);
    if (!cash_fits(&c))
        return err_set(e, "account %u: cash after settlement out of range", a->id);
    for (unsigned i = 0; i < n; i++) {
        struct position *p = &a->position[account_place(a, leg[i].instrument)];
        p->size += p->size < 0 ? leg[i].qty : -leg[i].qty;
    }
    drop_closed(a);
    out->n = 0;
    add_flow(out, PARTY_ACCOUNT, i256_sub(c.cash, i256_from_i128(a->cash)));
    add_flow(out, PARTY_LIQUIDATOR, c.penalty);
    add_flow(out, PARTY_VENUE, c.fee);
    add_flow(out, PARTY_POOL, i256_neg(c.pnl));
    add_flow(out, PARTY_DEFICIT, i256_neg(c.deficit));
    a->cash = i256_to_i128(c.cash);
    return 0;
}

// ---- whole accounts

bool perp_whole(const struct account *a, const struct order_leg *leg, unsigned n)
{
    if (n != a->n_positions || check_legs(a, leg, n, NULL))
        return false;
    bool whole = true;
    for (unsigned i = 0; i < n; i++)
        whole = whole && leg[i].qty == perp_abs(a->position[account_place(a, leg[i].instrument)].size);
    return whole;
}

// Cash and the P&L of every position, in cash quanta.
static i256 worth_of(const struct market *m, const struct account *a, const int64_t *px, uint8_t kind)
{
    unsigned k = perp_scale(m, a, kind);
    i256 sum = i256_from_i128(a->cash);
    for (unsigned i = 0; i < a->n_positions; i++) {
        struct perp_close c;
        perp_close(m, a, &a->position[i], perp_abs(a->position[i].size), px, k, &c);
        sum = i256_add(sum, c.pnl);
    }
    return sum;
}

int perp_take_over(const struct market *m, struct account *a, const int64_t *px, const struct order_leg *leg,
                   unsigned n, uint8_t kind, struct settlement *out, struct err *e)
{
    if (check_legs(a, leg, n, e))
        return -1;
    if (!perp_whole(a, leg, n))
        return err_set(e, "account %u: the venue takes over all of it: every position, whole", a->id);
    i256 worth = worth_of(m, a, px, kind), cash = i256_from_i128(a->cash);
    out->n = 0;
    add_flow(out, PARTY_ACCOUNT, i256_neg(cash));
    add_flow(out, PARTY_VENUE, i256_max(worth, I256_ZERO));
    add_flow(out, PARTY_POOL, i256_sub(cash, worth)); // the P&L's other side
    add_flow(out, PARTY_DEFICIT, i256_min(worth, I256_ZERO));
    for (unsigned i = 0; i < a->n_positions; i++)
        a->position[i].size = 0;
    drop_closed(a);
    a->cash = 0;
    return 0;
}

void perp_size_begin(struct order_size *out)
{
    out->full = true;
    out->n = 0;
    out->value = out->reward = I256_ZERO;
}

void perp_size_leg(const struct market *m, const struct position *p, i128 qty, const int64_t *px,
                   struct order_size *out)
{
    enum { E8 = 8 };
    const struct instrument *in = &m->instrument[p->instrument];
    unsigned dec = (unsigned)in->size_decimals + m->asset[in->asset].decimals;
    i256 v = i256_mul_i64(i256_from_i128(qty), px[in->asset]);
    v = dec <= E8 ? i256_mul(v, unit10(E8 - dec)) : i256_div10_floor(v, dec - E8);
    out->leg[out->n++] = (struct order_leg){.instrument = p->instrument, .qty = qty};
    out->value = i256_add(out->value, v);
    out->full = out->full && qty == perp_abs(p->size);
}

// Can the cash not leave its range, whatever the roundings are? By the bits of what each leg can move: its
// value at the greater of entry and price, and its funding. Not dividing where that makes less of it.
static bool plainly_fits(const struct market *m, const struct account *a, const int64_t *px,
                         const struct order_leg *leg, unsigned n)
{
    enum { LEG_BITS = PERP_CASH_BITS - PERP_SUM_BITS - 2 }; // pnl, penalty, fee and funding of 64 legs
    if (perp_bits(a->cash) > PERP_CASH_BITS - 2)
        return false;
    for (unsigned i = 0; i < n; i++) {
        const struct position *p = &a->position[account_place(a, leg[i].instrument)];
        const struct instrument *in = &m->instrument[p->instrument];
        int digits = (int)a->cash_decimals - in->size_decimals; // up to cash quanta
        int64_t price = 1;
        if (in->kind == INST_INVERSE) {
            digits += m->asset[in->asset].decimals;
        } else {
            digits -= m->asset[in->asset].decimals;
            price = px[in->asset] > p->entry ? px[in->asset] : p->entry;
        }
        unsigned size = perp_bits(leg[i].qty);
        unsigned owed = size + perp_bits(funding_now(in) - p->funding);
        unsigned less = perp_bits10((unsigned)in->size_decimals + FUNDING_DECIMALS - a->cash_decimals) - 1;
        if (size + perp_bits(price) + (digits > 0 ? perp_bits10((unsigned)digits) : 0) > LEG_BITS ||
            owed > LEG_BITS + less)
            return false;
    }
    return true;
}

bool perp_takes(const struct market *m, const struct account *a, const int64_t *px,
                const struct order_leg *leg, unsigned n, uint8_t kind)
{
    struct closing c;
    if (check_legs(a, leg, n, NULL))
        return false;
    if (plainly_fits(m, a, px, leg, n))
        return true;
    close_legs(m, a, px, leg, n, kind, &c);
    return cash_fits(&c);
}
