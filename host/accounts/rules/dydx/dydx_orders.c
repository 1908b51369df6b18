// SPDX-License-Identifier: Apache-2.0
// dydx-v4-1: the chain's liquidation orders of one block, and what their matches do to everybody.
//
// A settlement is a block: positions are liquidated one after the other, in the order of the legs, each at
// most once and while the account still is liquidatable, within what the limits of a block leave
// (LiquidationsConfig; those of the position's instrument). Until the next second the account then rests
// (rule_state), which is coarser than the chain's blocks of about a second.
//
// Each order is filled at its fillable price, the worst that the chain allows: whoever fills it has the
// position at that price and gains the difference to the oracle's (PARTY_LIQUIDATOR). The fund gets its fee
// (PARTY_VENUE) or pays what is short of the bankruptcy price (PARTY_DEFICIT). Its balance is not known here,
// its limit of a block is; where that is not enough, the order is filled at the bankruptcy price to the tick,
// at which the fund is not asked, and with NC < 0 deleveraged at the bankruptcy price exactly, against the
// other traders (PARTY_POOL).
#include <string.h>

#include "accounts/moving.h"
#include "accounts/rules/dydx/dydx_account.h"

enum { FUND_BITS = 100, E8_DIGITS = 2 }; // of a balance that is always enough; a quote quantum in 1e-8

struct view {
    struct dydx_perpetual perp[DYDX_POSITIONS_MAX]; // one a position
    struct dydx_config config[DYDX_POSITIONS_MAX];
    struct dydx_subaccount sub;
    // what the legs so far have moved, quote quantums
    i256 worth, gain, fee, lack;
};

static uint64_t limit(const struct instrument *in, enum term key) // not told: none
{
    u128 v = term_get(&in->terms, key);
    return v ? (uint64_t)v : UINT64_MAX;
}

static void config_of(const struct instrument *in, struct dydx_config *c)
{
    uint32_t adjustment = (uint32_t)term_get(&in->terms, TERM_BANKRUPTCY_ADJUSTMENT);
    uint32_t portion = (uint32_t)term_get(&in->terms, TERM_MAX_PORTION);
    *c = (struct dydx_config){
        .bankruptcy_adjustment_ppm = adjustment ? adjustment : DYDX_PPM,
        .spread_ppm = (uint32_t)term_get(&in->terms, TERM_SPREAD_PPM),
        .max_fee_ppm = in->fee_ppm,
        .max_portion_ppm = portion ? portion : DYDX_PPM,
        .min_position_notional = (uint64_t)term_get(&in->terms, TERM_MIN_LIQUIDATED),
        .max_notional = limit(in, TERM_MAX_LIQUIDATED),
        .max_insurance_lost = limit(in, TERM_MAX_INSURANCE_LOST),
    };
}

// False: beyond what the chain's arithmetic is held to here.
static bool view_of(const struct market *m, const struct account *a, const int64_t *px, struct view *v)
{
    i256 usdc = i256_sub(i256_from_i128(a->cash), dydx_funding(m, a, false));
    memset(v, 0, sizeof *v);
    v->sub.n = a->n_positions;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        u128 lot = term_get(&in->terms, TERM_LOT);
        dydx_market(m, in, px[in->asset], &v->perp[i]);
        v->perp[i].step = lot ? (uint64_t)lot : 1;
        v->perp[i].subticks_per_tick = (uint32_t)term_get(&in->terms, TERM_SUBTICKS_PER_TICK);
        v->perp[i].conversion = -(int)term_get(&in->terms, TERM_SUBTICK_DECIMALS);
        config_of(in, &v->config[i]);
        v->sub.at[i] = (struct dydx_position){.perpetual = i, .quantums = i256_from_i128(p->size)};
        usdc = i256_sub(usdc, dydx_cost(m, p, p->size));
    }
    v->sub.usdc = usdc;
    return i256_bits(usdc) <= DYDX_QUOTE_BITS;
}

// The price nearest to `quote` for this amount at which the account gets no less.
static uint64_t no_less(const struct dydx_perpetual *p, i256 quote, i256 amount)
{
    i256 tick = i256_from_u128(p->subticks_per_tick), den = i256_mul(amount, tick);
    i256 num = i256_mul(i256_abs(quote), i256_pow10((unsigned)-p->conversion));
    i256 v = i256_sign(quote) > 0 ? i256_div_ceil(num, den) : i256_div_floor(num, den);
    i256 most = i256_from_u128(UINT64_MAX / p->subticks_per_tick);
    v = i256_min(i256_max(v, i256_from_i64(1)), most);
    return (uint64_t)i256_lo(v) * p->subticks_per_tick;
}

// A match of the order at its own price, or at the bankruptcy price where the fund may not pay that much.
static const char *match(const struct view *v, const struct dydx_risk *r, unsigned i, i256 amount,
                         const struct dydx_order *o, struct dydx_fill *out, bool *deleveraged)
{
    const i256 enough = i256_shl(i256_from_i64(1), FUND_BITS);
    const struct dydx_config *c = &v->config[i];
    const char *why = dydx_match(v->perp, &v->sub, c, r, i, amount, o->subticks, enough, out);
    *deleveraged = false;
    if (!why || strcmp(why, "ErrLiquidationExceedsSubaccountMaxInsuranceLost") != 0)
        return why;
    if (i256_sign(r->nc) >= 0) {
        uint64_t subticks = no_less(&v->perp[i], out->bankruptcy, amount);
        return dydx_match(v->perp, &v->sub, c, r, i, amount, subticks, enough, out);
    }
    *deleveraged = true;
    out->quote = out->bankruptcy;
    out->fund = I256_ZERO;
    return NULL;
}

static void book_leg(struct view *v, unsigned i, i256 amount, const struct dydx_fill *f, bool deleveraged)
{
    struct dydx_subaccount *s = &v->sub;
    struct dydx_position *x = &s->at[i];
    i256 before = dydx_quote(&v->perp[i], x->quantums);
    x->quantums = i256_sign(x->quantums) > 0 ? i256_sub(x->quantums, amount) : i256_add(x->quantums, amount);
    i256 mark = i256_sub(before, dydx_quote(&v->perp[i], x->quantums));
    x->liquidated = true;
    s->usdc = i256_add(s->usdc, i256_sub(f->quote, f->fund));
    s->notional_liquidated = i256_add(s->notional_liquidated, dydx_quote(&v->perp[i], amount));
    v->worth = i256_add(v->worth, i256_abs(mark));
    if (!deleveraged)
        v->gain = i256_add(v->gain, i256_sub(mark, f->quote));
    if (i256_sign(f->fund) > 0) {
        v->fee = i256_add(v->fee, f->fund);
    } else {
        v->lack = i256_sub(v->lack, f->fund);
        s->insurance_lost = i256_sub(s->insurance_lost, f->fund);
    }
}

// Liquidates *amount of position i, 0: all that the chain's order has, which is given back. NULL, or why not.
static const char *liquidate(struct view *v, unsigned i, i128 *amount)
{
    struct dydx_risk r;
    struct dydx_order o;
    struct dydx_fill f;
    bool deleveraged;
    const char *why = dydx_risk(v->perp, &v->sub, &r);
    if (!why)
        why = dydx_order(v->perp, &v->sub, &v->config[i], &r, i, &o);
    if (why)
        return why;
    i128 most = i256_to_i128(i256_abs(o.delta));
    *amount = *amount ? *amount : most;
    if (*amount < 0 || *amount > most)
        return "more than the order that the chain makes now";
    if (*amount != most && *amount % (i128)v->perp[i].step != 0)
        return "not a multiple of the lot";
    why = match(v, &r, i, i256_from_i128(*amount), &o, &f, &deleveraged);
    if (!why)
        book_leg(v, i, i256_from_i128(*amount), &f, deleveraged);
    return why;
}

// ---- size

// Positions in the order of instruments; the chain begins with a pseudo-random one.
int dydx_v4_size(const struct market *m, const struct account *a, const int64_t *px,
                 const struct size_policy *policy, struct order_size *out)
{
    struct health h;
    struct view v;
    (void)policy; // the chain's own limits decide
    dydx_v4_health(m, a, px, &h);
    if (!h.liquidatable || !view_of(m, a, px, &v))
        return -1;
    out->n = 0;
    out->full = true;
    for (unsigned i = 0; i < a->n_positions; i++) {
        i128 amount = 0;
        if (!liquidate(&v, i, &amount))
            out->leg[out->n++] = (struct order_leg){.instrument = a->position[i].instrument, .qty = amount};
        out->full = out->full && i256_sign(v.sub.at[i].quantums) == 0;
    }
    out->value = i256_mul(v.worth, i256_pow10(E8_DIGITS));
    out->reward = i256_mul(v.gain, i256_pow10(E8_DIGITS));
    return out->n ? 0 : -1;
}

// ---- settlement

static int liquidate_legs(const struct market *m, const struct account *a, const int64_t *px,
                          const struct order_leg *leg, unsigned n, struct view *v, struct err *e)
{
    if (n == 0 || n > a->n_positions)
        return err_set(e, "account %u: %u legs for %u positions", a->id, n, a->n_positions);
    if (!view_of(m, a, px, v))
        return err_set(e, "account %u: " DYDX_RANGE, a->id);
    for (unsigned k = 0; k < n; k++) {
        unsigned i = account_place(a, leg[k].instrument);
        i128 amount = leg[k].qty;
        if (i == a->n_positions || amount <= 0)
            return err_set(e, "account %u: leg %u: no position in instrument %u, or no quantity", a->id, k,
                           leg[k].instrument);
        const char *why = liquidate(v, i, &amount);
        if (why)
            return err_set(e, "account %u: leg %u: %s: %s", a->id, k, m->instrument[leg[k].instrument].name,
                           why);
    }
    return 0;
}

// Cash as books count it: with what the remaining positions have cost.
static i256 cash_after(const struct market *m, const struct account *a, const struct view *v)
{
    i256 cash = v->sub.usdc;
    for (unsigned i = 0; i < a->n_positions; i++)
        cash = i256_add(cash, dydx_cost(m, &a->position[i], i256_to_i128(v->sub.at[i].quantums)));
    return cash;
}

// The chain settles every position's funding whenever it touches the subaccount.
static void write_back(const struct market *m, struct account *a, const struct view *v)
{
    unsigned n = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        struct position p = a->position[i];
        p.size = i256_to_i128(v->sub.at[i].quantums);
        p.funding = funding_now(&m->instrument[p.instrument]);
        if (p.size != 0)
            a->position[n++] = p;
    }
    memset(&a->position[n], 0, (a->n_positions - n) * sizeof a->position[0]);
    a->n_positions = (uint16_t)n;
    if (m->now_s != 0)
        a->rule_state[DYDX_BLOCK] = m->now_s;
}

static i256 add_flow(struct settlement *s, uint8_t party, i256 amount)
{
    if (i256_sign(amount) != 0)
        s->flow[s->n++] = (struct flow){.party = party, .instrument = -1, .amount = amount};
    return amount;
}

int dydx_v4_settle(const struct market *m, struct account *a, const int64_t *px, const struct order_leg *leg,
                   unsigned n, struct settlement *out, struct err *e)
{
    struct health h;
    struct view v;
    dydx_v4_health(m, a, px, &h);
    if (!h.liquidatable)
        return err_set(e, "account %u is not liquidatable at these prices, or was in this second", a->id);
    if (liquidate_legs(m, a, px, leg, n, &v, e))
        return -1;
    i256 cash = cash_after(m, a, &v);
    if (i256_bits(cash) > DYDX_QUOTE_BITS)
        return err_set(e, "account %u: cash after settlement out of range", a->id);
    out->n = 0;
    i256 sum = add_flow(out, PARTY_ACCOUNT, i256_sub(cash, i256_from_i128(a->cash)));
    sum = i256_add(sum, add_flow(out, PARTY_LIQUIDATOR, v.gain));
    sum = i256_add(sum, add_flow(out, PARTY_VENUE, v.fee));
    sum = i256_add(sum, add_flow(out, PARTY_DEFICIT, i256_neg(v.lack)));
    (void)add_flow(out, PARTY_POOL, i256_neg(sum)); // the other side of P&L and funding
    write_back(m, a, &v);
    a->cash = i256_to_i128(cash);
    return 0;
}

bool dydx_v4_takes(const struct market *m, const struct account *a, const int64_t *px,
                   const struct order_leg *leg, unsigned n, const struct order_size *exact)
{
    struct view v;
    (void)exact;
    return liquidate_legs(m, a, px, leg, n, &v, NULL) == 0 &&
           i256_bits(cash_after(m, a, &v)) <= DYDX_QUOTE_BITS;
}
