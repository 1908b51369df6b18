// SPDX-License-Identifier: Apache-2.0
// mango-v4-1: accounts of Mango v4, tokens and perps together. The program's arithmetic is mango_v4.h, bit
// for bit; here stands what an account of the book makes of it (mango_book.h has the representation).
//   not flagged: liquidatable <=> maintenance health < 0
//   flagged (rule_state[0]): liquidatable <=> liquidation-end health <= -1 native quote
// equity is the sum of the tokens' contributions above 0 (and of a flagged account 1 less one ulp), the
// requirement that of those below, in ulps. A liquidation sets the flag, and clears it when liquidation-end
// health is above -1 after it. Of an account that has recovered by prices alone the program clears it at the
// next instruction that touches it; until then it stays flagged here as there.
// Orders are the program's own instructions: one leg, a perpetual: perp_liq_base_or_positive_pnl, at most qty
// of its base (0: profit alone); two, reserves: token_liq_with_token, at most qty of the first's debt. The
// program takes only what liquidation-end health needs, whatever target is asked for. What is owed when an
// order has left nothing to take is resolved with it (perp_liq_negative_pnl_or_bankruptcy,
// token_liq_bankruptcy, which anybody may send next): fund and other users pay it (PARTY_DEFICIT). The
// fund's balance is not known here, nor how they share.
#include "accounts/rules/credit_common.h"
#include "accounts/rules/mango/mango_book.h"

#include <string.h>

static void mango_health_of(const struct market *m, const struct account *a, const int64_t *px,
                            struct health *out)
{
    struct mango_book b;
    struct mango_cache h;
    struct checked c = {0};
    fx balance[MANGO_TOKENS_MAX], sum = 0;
    *out = (struct health){.equity = I256_ZERO, .requirement = I256_ZERO};
    mango_book_set(&b, m, a, px);
    if (!b.owes)
        return;
    enum mango_type t = b.a.being_liquidated ? MANGO_LIQUIDATION_END : MANGO_MAINT;
    mango_cache_set(&h, &b.a, &c);
    mango_balances(&h, t, balance, &c);
    for (unsigned i = 0; i < h.n_tokens; i++) {
        fx part = mango_contribution(&h.token[i], t, balance[i], &c);
        sum = fx_add(&c, sum, part); // as the program adds: it stops where this does
        i256 *side = part < 0 ? &out->requirement : &out->equity;
        *side = i256_add(*side, i256_abs(fx_wide(part)));
    }
    if (b.a.being_liquidated)
        out->equity = i256_add(out->equity, fx_wide(FX_ONE - 1));
    if (!ck_ok(&c)) { // the program stops, and cannot liquidate
        out->equity = fx_wide(FX_MAX);
        out->requirement = I256_ZERO;
    }
    out->liquidatable = ck_ok(&c) && i256_cmp(out->equity, out->requirement) < 0;
}

// ---- orders

struct done {
    bool perp;
    unsigned debt, asset; // tokens; a perp's own number in `debt`
    struct mango_token_result t;
    struct mango_perp_result p;
};

static i256 times(i256 a, i256 b) // floor; a worth may leave the program's range, which knows none
{
    return i256_sar(i256_mul(a, b), FX_FRACTION);
}

static i256 to_e8(i256 quote, bool up) // of native quote
{
    i256 v = i256_mul_i64(quote, 100);
    return up ? i256_neg(i256_sar(i256_neg(v), FX_FRACTION)) : i256_sar(v, FX_FRACTION);
}

static i256 whole(fx v) // floor
{
    return i256_sar(fx_wide(v), FX_FRACTION);
}

static i256 whole_up(fx v)
{
    return i256_neg(whole(-v));
}

static fx most_of(i128 qty)
{
    return qty > FX_MAX / FX_ONE ? FX_MAX : qty * FX_ONE;
}

// perp_liq_force_cancel_orders of every perp that has some: anybody may call it first, and without it no
// other instruction goes through. It may be enough.
static void cancel_orders(struct mango_book *b, struct checked *c)
{
    struct mango_cache h;
    for (unsigned k = 0; k < b->a.n_perps && ck_ok(c); k++) {
        struct mango_perp *p = &b->a.perp[k];
        if (p->bids == 0 && p->asks == 0)
            continue;
        mango_cache_set(&h, &b->a, c);
        if (mango_check(&b->a, &h, c) != MANGO_LIQUIDATABLE)
            return;
        p->bids = p->asks = 0;
        mango_cache_set(&h, &b->a, c);
        mango_maybe_recover(&b->a, mango_health(&h, MANGO_LIQUIDATION_END, c));
    }
}

// The reason why nothing was moved, or NULL.
static const char *done_token(struct mango_book *b, unsigned debt, unsigned asset, i128 qty, struct done *d)
{
    struct checked c = {0};
    *d = (struct done){.debt = debt, .asset = asset};
    cancel_orders(b, &c);
    mango_token_liq(&b->a, asset, debt, most_of(qty), &d->t, &c);
    if (!ck_ok(&c))
        return c.why;
    if (d->t.status != MANGO_LIQUIDATABLE)
        return "not liquidatable";
    return d->t.liab == 0 ? "the program would move nothing" : NULL;
}

static const char *done_perp(struct mango_book *b, unsigned k, i128 qty, struct done *d)
{
    struct checked c = {0};
    struct mango_perp *p = &b->a.perp[k];
    *d = (struct done){.perp = true, .debt = k};
    i128 lots = qty / p->base_lot_size;
    cancel_orders(b, &c);
    mango_perp_liq(&b->a, k, (int64_t)(p->base_lots < 0 ? -lots : lots), UINT64_MAX, &d->p, &c);
    if (!ck_ok(&c))
        return c.why;
    if (d->p.status != MANGO_LIQUIDATABLE)
        return "not liquidatable";
    return d->p.base == 0 && d->p.pnl == 0 ? "the program would move nothing" : NULL;
}

// What the liquidator gains, and the worth that changes hands, in 1e-8 units of account.
static void worth_of(const struct mango_book *b, const struct done *d, i256 *value, i256 *reward)
{
    if (!d->perp) {
        i256 paid = times(fx_wide(d->t.liab), fx_wide(b->a.token[d->debt].bank.oracle));
        i256 got = times(fx_wide(d->t.asset_to_liqor), fx_wide(b->a.token[d->asset].bank.oracle));
        *value = to_e8(paid, true);
        *reward = i256_sub(to_e8(got, false), *value);
        return;
    }
    const struct mango_perp *p = &b->a.perp[d->debt];
    // All in the settle token, the base too: that is what its profit and loss are paid in.
    i256 unit = fx_wide(b->a.token[p->settle].bank.oracle), token = fx_wide(d->p.token);
    i256 base = times(fx_wide(fx_i64(d->p.base) * p->base_lot_size), fx_wide(p->oracle));
    i256 gain = i256_sub(i256_sub(fx_wide(d->p.quote_liqor + d->p.pnl), base), token);
    *value = to_e8(times(i256_add(i256_abs(base), token), unit), true);
    *reward = to_e8(times(gain, unit), false);
}

static i128 owed_of(const struct mango_token *t) // token units, up
{
    struct checked c = {0};
    return i256_to_i128(whole_up(-mango_native(&t->bank, &t->liqee, &c)));
}

static i128 base_of(const struct mango_perp *p)
{
    i128 base = (i128)p->base_lots * p->base_lot_size;
    return base < 0 ? -base : base;
}

// Is this order possible, and better than what *out has?
static void consider(const struct mango_book *b, unsigned k, unsigned asset, bool perp, bool *found,
                     struct order_size *out)
{
    struct mango_book trial = *b;
    struct done d;
    i256 value, reward;
    i128 qty = perp ? base_of(&b->a.perp[k]) : owed_of(&b->a.token[k]);
    if (perp ? done_perp(&trial, k, qty, &d) : done_token(&trial, k, asset, qty, &d))
        return;
    worth_of(b, &d, &value, &reward);
    if (*found && i256_cmp(reward, out->reward) <= 0)
        return;
    *found = true;
    out->value = value;
    out->reward = reward;
    out->n = perp ? 1 : 2;
    out->leg[0] =
        (struct order_leg){.instrument = perp ? b->a.perp[k].market : b->a.token[k].index, .qty = qty};
    if (!perp)
        out->leg[1] = (struct order_leg){.instrument = b->a.token[asset].index, .qty = 0};
}

// Perps before tokens, as the program's own liquidator has it; the greatest reward among them. The most
// that may be taken is named: how much health needs is known when the program runs.
static int mango_size(const struct market *m, const struct account *a, const int64_t *px,
                      const struct size_policy *policy, struct order_size *out)
{
    struct mango_book b;
    struct health h;
    bool found = false;
    (void)policy;
    mango_health_of(m, a, px, &h);
    if (!h.liquidatable)
        return -1;
    mango_book_set(&b, m, a, px);
    for (unsigned k = 0; k < b.a.n_perps; k++)
        consider(&b, k, 0, true, &found, out);
    bool perps = found;
    for (unsigned l = 0; !perps && l < b.a.n_tokens; l++)
        if (b.a.token[l].liqee.indexed < 0)
            for (unsigned x = 0; x < b.a.n_tokens; x++)
                if (b.a.token[x].liqee.indexed > 0)
                    consider(&b, l, x, false, &found, out);
    out->full = true;
    return found ? 0 : -1;
}

// ---- bankruptcy

struct losses { // by place of the perp or token; >= 0
    fx settled[MANGO_PERPS_MAX], perp[MANGO_PERPS_MAX], token[MANGO_TOKENS_MAX];
};

static bool perp_lost(struct mango_account *a, unsigned k, struct losses *l)
{
    struct mango_loss_result r;
    struct checked c = {0};
    mango_perp_loss(a, k, UINT64_MAX, &r, &c);
    l->settled[k] = r.settlement;
    l->perp[k] = r.socialized;
    return ck_ok(&c);
}

static bool token_lost(struct mango_account *a, unsigned t, struct losses *l)
{
    struct mango_bankruptcy_result r;
    struct checked c = {0};
    // What others owe and have is not known, and decides only how they share: more than this account owes.
    struct mango_bank *b = &a->token[t].bank;
    b->indexed_borrows = b->indexed_deposits = -2 * a->token[t].liqee.indexed;
    mango_token_bankruptcy(a, t, FX_MAX, &r, &c);
    l->token[t] = r.socialized;
    return ck_ok(&c);
}

// Perps before tokens, as the program's own liquidator has it. What the program refuses, all of it
// before phase 3, stays owed.
static void resolve(struct mango_account *a, struct losses *l)
{
    memset(l, 0, sizeof *l);
    for (unsigned i = 0; i < a->n_perps + a->n_tokens; i++) {
        struct mango_account trial = *a;
        struct losses more = *l;
        unsigned t = i - a->n_perps;
        bool perp = i < a->n_perps;
        if (!a->being_liquidated || (perp ? a->perp[i].quote : a->token[t].liqee.indexed) >= 0)
            continue;
        if (perp ? perp_lost(&trial, i, &more) : token_lost(&trial, t, &more)) {
            *a = trial;
            *l = more;
        }
    }
}

// ---- settlement

static i256 mango_holding(const struct market *m, const struct position *p)
{
    const struct instrument *in = &m->instrument[p->instrument];
    fx v = p->supply - p->debt;
    return whole(in->kind == INST_RESERVE ? mango_native_of(in, v) : v);
}

static i256 held(const struct market *m, const struct account *a, unsigned instrument)
{
    const struct position *p = account_position(a, (uint16_t)instrument);
    return p ? mango_holding(m, p) : I256_ZERO;
}

static void flow(struct settlement *s, uint8_t party, int32_t instrument, i256 amount)
{
    if (i256_sign(amount) == 0)
        return;
    unsigned i = 0;
    while (i < s->n && (s->flow[i].party != party || s->flow[i].instrument != instrument))
        i++;
    if (i < s->n)
        s->flow[i].amount = i256_add(s->flow[i].amount, amount);
    else
        s->flow[s->n++] = (struct flow){.party = party, .instrument = instrument, .amount = amount};
}

// lost: what fund and other users pay. The rest is what rounding to whole units leaves, and dust.
static void flows(struct settlement *s, int32_t instrument, i256 account, i256 liquidator, i256 venue,
                  i256 lost)
{
    flow(s, PARTY_ACCOUNT, instrument, account);
    flow(s, PARTY_LIQUIDATOR, instrument, liquidator);
    flow(s, PARTY_VENUE, instrument, venue);
    flow(s, PARTY_DEFICIT, instrument, i256_neg(lost));
    flow(s, PARTY_POOL, instrument, i256_sub(lost, i256_add(account, i256_add(liquidator, venue))));
}

static i256 moved(const struct market *m, const struct account *was, const struct account *is,
                  unsigned instrument)
{
    return i256_sub(held(m, is, instrument), held(m, was, instrument));
}

static void tell(const struct market *m, const struct account *was, const struct account *is,
                 const struct mango_book *b, const struct done *d, struct settlement *out)
{
    out->n = 0;
    if (!d->perp) {
        uint16_t debt = b->a.token[d->debt].index, asset = b->a.token[d->asset].index;
        flows(out, debt, moved(m, was, is, debt), i256_neg(whole_up(d->t.liab)), I256_ZERO, I256_ZERO);
        flows(out, asset, moved(m, was, is, asset), whole(d->t.asset_to_liqor), whole(d->t.platform_fee),
              I256_ZERO);
        return;
    }
    const struct mango_perp *p = &b->a.perp[d->debt];
    uint16_t token = b->a.token[p->settle].index;
    struct checked c = {0};
    // The base that he takes over counts at the oracle's price, against the pool of the other traders.
    fx base = fx_mul(&c, fx_i64(d->p.base) * p->base_lot_size, p->oracle);
    flows(out, -1, moved(m, was, is, p->market), whole(d->p.quote_liqor + d->p.pnl - base),
          whole(d->p.platform_fee), I256_ZERO);
    flows(out, token, moved(m, was, is, token), i256_neg(whole_up(d->p.token)), I256_ZERO, I256_ZERO);
}

// The liquidator takes a perp's loss over against the settle token; the rest of it, and debts, others pay.
static void tell_losses(const struct market *m, const struct account *was, const struct account *is,
                        const struct mango_book *b, const struct losses *l, struct settlement *out)
{
    fx settled[MANGO_TOKENS_MAX] = {0};
    for (unsigned k = 0; k < b->a.n_perps; k++) {
        const struct mango_perp *p = &b->a.perp[k];
        flows(out, -1, moved(m, was, is, p->market), i256_neg(whole_up(l->settled[k])), I256_ZERO,
              whole_up(l->perp[k]));
        settled[p->settle] += l->settled[k];
    }
    for (unsigned t = 0; t < b->a.n_tokens; t++) {
        uint16_t token = b->a.token[t].index;
        flows(out, token, moved(m, was, is, token), whole(settled[t]), I256_ZERO, whole_up(l->token[t]));
    }
}

static int token_at(const struct mango_book *b, uint16_t instrument)
{
    for (unsigned t = 0; t < b->a.n_tokens; t++)
        if (b->a.token[t].index == instrument)
            return (int)t;
    return -1;
}

static const char *execute(struct mango_book *b, const struct order_leg *leg, unsigned n, struct done *d)
{
    if (n == 2) {
        int debt = token_at(b, leg[0].instrument), asset = token_at(b, leg[1].instrument);
        if (debt < 0 || asset < 0)
            return "no position in that reserve";
        if (leg[0].qty <= 0 || leg[1].qty != 0)
            return "the debt leg needs a quantity, the collateral leg none";
        return done_token(b, (unsigned)debt, (unsigned)asset, leg[0].qty, d);
    }
    for (unsigned k = 0; n == 1 && k < b->a.n_perps; k++) {
        const struct mango_perp *p = &b->a.perp[k];
        if (p->market != leg[0].instrument)
            continue;
        if (leg[0].qty < 0 || leg[0].qty > base_of(p) || leg[0].qty % p->base_lot_size != 0)
            return "the leg must be whole lots of the position, at most all of it";
        return done_perp(b, k, leg[0].qty, d);
    }
    return "an order is one leg of a perpetual, or two of reserves, debt and collateral";
}

static int mango_settle(const struct market *m, struct account *a, const int64_t *px,
                        const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct mango_book b;
    struct done d;
    struct losses l;
    struct account was = *a, left = *a;
    mango_book_set(&b, m, a, px);
    const char *why = execute(&b, leg, n, &d);
    if (why)
        return err_set(e, "account %u: %s", a->id, why);
    mango_book_back(&b, m, &left);
    tell(m, &was, &left, &b, &d, out);
    resolve(&b.a, &l);
    mango_book_back(&b, m, a);
    tell_losses(m, &left, a, &b, &l, out);
    return 0;
}

static bool mango_bends(const struct market *m, const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++)
        if (m->instrument[a->position[i].instrument].kind != INST_RESERVE)
            return true;
    return false;
}

static const struct borrowing BORROWING = {.perps = true, .terms = mango_terms};

const struct rule rule_mango_v4_1 = {
    .name = "mango-v4-1",
    .uses = USE_QUOTE | USE_STATE | USE_BITS | USE_ORDERS,
    .borrowing = &BORROWING,
    .rows = mango_rows,
    .health = mango_health_of,
    .size = mango_size,
    .settle = mango_settle,
    .holding = mango_holding,
    .bends = mango_bends,
    .within = mango_within,
    .validate = mango_validate,
};
