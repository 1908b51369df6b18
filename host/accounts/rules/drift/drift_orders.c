// SPDX-License-Identifier: Apache-2.0
// drift-v2-1: orders and their settlement, by the program's own liquidation (drift_v2.h). What a leg says:
//   one perpetual                     liquidate_perp: at most qty of size is taken over
//   [0] borrow, [1] deposit           liquidate_spot: at most qty of the borrow, in 1e-9 tokens
//   [0] borrow, [1] perpetual         liquidate_borrow_for_perp_pnl: for its profit
//   [0] perpetual, [1] deposit        liquidate_perp_pnl_for_deposit: at most qty of its loss, cash quanta
// How much goes at once is the program's word (ramp, fees, position limits), not the policy's. A position
// taken over is closed at the oracle's price against the pool, as other rules' are: the liquidator has its
// fee. Who is found healthy again leaves liquidation. Who has nothing but debts left is bankrupt, and that is
// resolved at once (resolve_perp_bankruptcy, resolve_spot_bankruptcy, which anybody may send next): fund and
// other users pay all that is owed (PARTY_DEFICIT). The fund's balance is not known here, nor how they share.
#include "accounts/rules/credit_common.h"
#include "accounts/rules/drift/drift_account.h"

enum { TOKEN_DIGITS_MAX = 9, E8_OF_E6 = 100, PRICE_UNIT = 1000000, LARGEST = 63 };

static int64_t token_scale(const struct drift_spot *s) // 1e-9 tokens of a token unit
{
    return drift_unit_of(TOKEN_DIGITS_MAX - s->decimals);
}

// ---- the order of legs

static struct drift_perp *perp_of(struct drift_account *x, uint16_t instrument)
{
    for (unsigned i = 0; i < x->user.perps; i++)
        if (x->user.perp[i].index == instrument)
            return &x->user.perp[i];
    return NULL;
}

static struct drift_spot *spot_of(const struct account *a, struct drift_account *x, uint16_t instrument)
{
    for (unsigned i = 0; i < x->user.spots; i++)
        if (x->spot_at[i] != DRIFT_NOT_HELD && a->position[x->spot_at[i]].instrument == instrument)
            return &x->user.spot[i];
    return NULL;
}

struct parties { // of an order
    struct drift_perp *perp;
    struct drift_spot *asset, *liability;
    struct drift_order order;
};

static int read_legs(const struct account *a, struct drift_account *x, const struct order_leg *leg,
                     unsigned n, struct parties *out, struct err *e)
{
    if (n < 1 || n > 2 || leg[0].qty <= 0 || (n == 2 && leg[1].qty != 0))
        return err_set(e,
                       "account %u: an order has one perpetual, or what is owed with a quantity and what is"
                       " given for it without",
                       a->id);
    struct drift_perp *p0 = perp_of(x, leg[0].instrument),
                      *p1 = n == 2 ? perp_of(x, leg[1].instrument) : NULL;
    out->liability = n == 2 ? spot_of(a, x, leg[0].instrument) : NULL;
    out->asset = n == 2 ? spot_of(a, x, leg[1].instrument) : NULL;
    out->perp = p0 ? p0 : p1;
    if (n == 1 ? !p0 : (!p0 && !out->liability) || (!p1 && !out->asset) || (p0 && p1))
        return err_set(e, "account %u: no such position to liquidate", a->id);
    struct drift_order *o = &out->order;
    *o = (struct drift_order){.most = (u128)leg[0].qty};
    if (n == 1) {
        o->kind = DRIFT_ORDER_PERP;
        u128 largest = INT64_MAX / out->perp->step;
        o->most = (o->most < largest ? o->most : largest) * out->perp->step;
    } else if (p0) {
        o->kind = DRIFT_ORDER_PNL_FOR_DEPOSIT;
    } else {
        o->kind = p1 ? DRIFT_ORDER_BORROW_FOR_PNL : DRIFT_ORDER_SPOT;
        o->most /= (uint64_t)token_scale(out->liability);
    }
    o->perp = out->perp ? out->perp->index : 0;
    o->asset = out->asset ? out->asset->index : 0;
    o->liability = out->liability ? out->liability->index : 0;
    return 0;
}

// ---- size

struct best {
    struct order_size *out;
    bool found;
};

static i256 worth_e8(const struct drift_spot *s, u128 tokens, bool up)
{
    i256 v = i256_mul_i64(i256_mul_i64(i256_from_u128(tokens), s->price), E8_OF_E6);
    return up ? i256_div10_ceil(v, s->decimals) : i256_div10_floor(v, s->decimals);
}

static i256 quote_e8(const struct drift_account *x, u128 quote, bool up)
{
    i256 v = i256_mul_i64(i256_mul_i64(i256_from_u128(quote), x->user.spot[0].price), E8_OF_E6);
    return up ? i256_div10_ceil(v, DRIFT_PRICE_DIGITS) : i256_div10_floor(v, DRIFT_PRICE_DIGITS);
}

static void worth_of(const struct drift_account *x, const struct parties *p, const struct drift_fill *f,
                     i256 *value, i256 *reward)
{
    if (p->order.kind == DRIFT_ORDER_PERP) {
        *value = quote_e8(x, f->received, false);
        *reward = quote_e8(x, f->fee, false);
        return;
    }
    *value = p->liability ? worth_e8(p->liability, f->transfer, true) : quote_e8(x, f->transfer, true);
    i256 got = p->asset ? worth_e8(p->asset, f->received, false) : quote_e8(x, f->received, false);
    *reward = i256_sub(got, *value);
}

// What the program makes of the order without a limit of its own; kept when it earns the most so far.
static void consider(const struct account *a, const struct drift_account *x, const struct order_leg *leg,
                     unsigned n, struct best *b)
{
    struct drift_account y = *x;
    struct parties p;
    struct checked c = {NULL};
    struct drift_fill f;
    i256 value, reward;
    if (read_legs(a, &y, leg, n, &p, NULL))
        return;
    i128 before = a->position[n == 1 ? x->perp_at[p.perp - y.user.perp] : 0].size;
    u128 owed = p.liability ? drift_tokens(&c, p.liability, p.liability->balance, true)
                : n == 2    ? ci_abs(p.perp->quote)
                            : 0;
    drift_liquidate(&c, &y.user, &y.rules, &p.order, &f);
    if (!ck_ok(&c) || f.end != DRIFT_LIQUIDATED || f.transfer == 0)
        return;
    worth_of(x, &p, &f, &value, &reward);
    if (b->found && i256_cmp(reward, b->out->reward) <= 0)
        return;
    b->found = true;
    b->out->n = (uint16_t)n;
    b->out->leg[0] = leg[0];
    b->out->leg[1] = leg[n - 1];
    i128 taken = (i128)f.transfer;
    b->out->leg[0].qty = n == 1        ? taken / (int64_t)p.perp->step
                         : p.liability ? taken * token_scale(p.liability)
                                       : taken;
    b->out->full = n == 1 ? b->out->leg[0].qty == (before < 0 ? -before : before) : f.transfer == owed;
    b->out->value = value;
    b->out->reward = reward;
}

static void consider_pairs(const struct account *a, const struct drift_account *x, uint16_t owed, bool loss,
                           struct best *b)
{
    struct order_leg leg[2] = {{.instrument = owed, .qty = (i128)1 << LARGEST}, {.qty = 0}};
    for (unsigned i = 0; i < x->user.spots; i++) {
        if (x->spot_at[i] == DRIFT_NOT_HELD || x->user.spot[i].borrow || x->user.spot[i].balance == 0)
            continue;
        leg[1].instrument = a->position[x->spot_at[i]].instrument;
        consider(a, x, leg, 2, b);
    }
    for (unsigned i = 0; i < x->user.perps && !loss; i++) {
        leg[1].instrument = x->user.perp[i].index;
        if (x->user.perp[i].base == 0 && x->user.perp[i].quote > 0)
            consider(a, x, leg, 2, b);
    }
}

int drift_size(const struct market *m, const struct account *a, const int64_t *px,
               const struct size_policy *policy, struct order_size *out)
{
    struct drift_account x;
    struct best b = {.out = out};
    (void)policy; // the program's ramp says how much
    drift_fill(m, a, px, &x);
    for (unsigned i = 0; i < x.user.perps; i++) {
        struct order_leg leg = {.instrument = x.user.perp[i].index, .qty = (i128)1 << LARGEST};
        if (x.user.perp[i].base != 0)
            consider(a, &x, &leg, 1, &b);
        else if (x.user.perp[i].quote < 0)
            consider_pairs(a, &x, x.user.perp[i].index, true, &b);
    }
    for (unsigned i = 0; i < x.user.spots; i++)
        if (x.user.spot[i].borrow)
            consider_pairs(a, &x, a->position[x.spot_at[i]].instrument, false, &b);
    return b.found ? 0 : -1;
}

// ---- settlement

// The account's flow is what its holding moved; what the parties named do not make up for is the pool's.
// lost: of that, what a bankrupt account is let off.
static void flows(struct settlement *s, int32_t instrument, i256 moved, i256 liquidator, i256 venue,
                  i256 lost)
{
    i256 pool = i256_sub(lost, i256_add(moved, i256_add(liquidator, venue)));
    const struct flow f[] = {{PARTY_ACCOUNT, instrument, moved},
                             {PARTY_LIQUIDATOR, instrument, liquidator},
                             {PARTY_VENUE, instrument, venue},
                             {PARTY_POOL, instrument, pool},
                             {PARTY_DEFICIT, instrument, i256_neg(lost)}};
    for (unsigned i = 0; i < sizeof f / sizeof f[0]; i++)
        if (i256_sign(f[i].amount) != 0)
            s->flow[s->n++] = f[i];
}

static i256 quotes(const struct drift_account *x)
{
    i256 sum = I256_ZERO;
    for (unsigned i = 0; i < x->user.perps; i++)
        sum = i256_add(sum, i256_from_i64(x->user.perp[i].quote));
    return sum;
}

static i256 held(const struct drift_spot *s)
{
    struct checked c = {NULL};
    i256 v = i256_mul_i64(i256_from_u128(drift_tokens(&c, s, s->balance, s->borrow)), token_scale(s));
    return s->borrow ? i256_neg(v) : v;
}

static i256 tokens_e9(const struct drift_spot *s, u128 tokens)
{
    return i256_mul_i64(i256_from_u128(tokens), token_scale(s));
}

static void tell(const struct account *a, const struct drift_account *was, const struct drift_account *is,
                 const struct parties *p, const struct drift_fill *f, struct settlement *out)
{
    const bool bankrupt = is->user.bankrupt; // all that is left is owed
    i256 liquidator = I256_ZERO, venue = I256_ZERO, lost = bankrupt ? i256_neg(quotes(is)) : I256_ZERO;
    i256 moved = i256_sub(i256_add(quotes(is), lost), quotes(was));
    out->n = 0;
    for (unsigned i = 0; i < is->user.spots; i++) {
        const struct drift_spot *s = &is->user.spot[i];
        i256 own = I256_ZERO, fee = I256_ZERO, off = bankrupt ? i256_neg(held(s)) : I256_ZERO;
        if (is->spot_at[i] == DRIFT_NOT_HELD)
            continue;
        if (f->end == DRIFT_LIQUIDATED && s == p->liability) {
            own = i256_neg(tokens_e9(s, f->transfer));
            fee = tokens_e9(s, f->if_fee);
        } else if (f->end == DRIFT_LIQUIDATED && s == p->asset) {
            own = tokens_e9(s, f->received);
        }
        i256 more = i256_sub(i256_add(held(s), off), held(&was->user.spot[i]));
        flows(out, a->position[is->spot_at[i]].instrument, more, own, fee, off);
    }
    if (f->end == DRIFT_LIQUIDATED && p->order.kind == DRIFT_ORDER_PERP) {
        liquidator = i256_from_u128(f->fee);
        venue = i256_from_u128(f->if_fee);
    } else if (f->end == DRIFT_LIQUIDATED && p->perp) {
        liquidator = p->liability ? i256_from_u128(f->received) : i256_neg(i256_from_u128(f->transfer));
    }
    flows(out, -1, moved, liquidator, venue, lost);
}

// What is owed has been paid; the user is an empty one.
static void resolve(struct drift_user *u)
{
    for (unsigned i = 0; i < u->spots; i++)
        u->spot[i].balance = 0;
    for (unsigned i = 0; i < u->perps; i++)
        u->perp[i].quote = 0;
    u->bankrupt = false;
    u->margin_freed = 0;
}

int drift_settle(const struct market *m, struct account *a, const int64_t *px, const struct order_leg *leg,
                 unsigned n, struct settlement *out, struct err *e)
{
    struct drift_account x, was;
    struct parties p;
    struct checked c = {NULL};
    struct drift_fill f;
    drift_fill(m, a, px, &x);
    was = x;
    if (read_legs(a, &x, leg, n, &p, e))
        return -1;
    drift_liquidate(&c, &x.user, &x.rules, &p.order, &f);
    if (!ck_ok(&c))
        return err_set(e, "account %u: %s", a->id, c.why);
    if (x.user.margin_freed >> RULE_STATE_BITS)
        return err_set(e, "account %u: margin freed out of range", a->id);
    tell(a, &was, &x, &p, &f, out);
    if (x.user.bankrupt)
        resolve(&x.user);
    drift_put_back(m, &x, a);
    return 0;
}
