// SPDX-License-Identifier: Apache-2.0
// compound-v2-1: accounts of Compound v2 and its forks. The contracts' arithmetic is compound_v2.h; supply is
// counted in cTokens, debts in the underlying (borrowBalanceStored, interest added).
//   k_i = floor(CF_i exchangeRate_i / 1e18)
//   collateral = sum floor(floor(k_i price_i / 1e18) cTokens_i / 1e18), borrows = sum floor(price_j borrow_j
//   / 1e18) price = p 10^(28 - decimals) of a dollar price p with 8 decimals; liquidatable <=> borrows >
//   collateral
// Rows are in 10^-(18 + w), w the widest token's decimals; each collateral's floors cost less than
// (cTokens / 1e18 + 1) 1e-18 dollars, which is the slack.
// Size: the debt of greatest value that has a legal order, for it the collateral with the greatest reward; of
// the close factor's most, what restores the target.
#include "accounts/rules/compound/compound_v2.h"
#include "accounts/rules/credit_common.h"
#include "accounts/rules/perp/perp_common.h"

#include <string.h>

enum {
    PRICE_DIGITS = 36 - CREDIT_PRICE_DECIMALS,
    VALUE_DIGITS = 10,
    ONE_BITS = 59, // 2^59 < 1e18
    WORD_BITS = 255,
    TOKENS_BITS = 120,
};

static const enum term TERMS_KNOWN[] = {TERM_EXCHANGE_RATE, TERM_CLOSE_FACTOR};

static u256 one(void)
{
    return u256_from_u64(CREDIT_ONE);
}

static u256 price_of(const struct instrument *in, const int64_t *px)
{
    struct checked c = {0};
    return ck_mul(&c, u256_pow10(PRICE_DIGITS - in->size_decimals), u256_from_u64((uint64_t)px[in->asset]));
}

static void fill(const struct market *m, const struct account *a, const int64_t *px, struct compound_v2 *c)
{
    c->n = a->n_positions;
    c->seize_paused = false;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        c->market[i] = (struct compound_v2_market){.name = in->name,
                                                   .price = price_of(in, px),
                                                   .collateral_factor = credit_factor(in->lt_bps),
                                                   .seize_share = credit_factor(in->fee_bps),
                                                   .exchange_rate = credit_term(in, TERM_EXCHANGE_RATE),
                                                   .tokens = credit_amount(p->supply),
                                                   .borrow = credit_amount(p->debt),
                                                   .listed = true,
                                                   .entered = credit_counts(p) || p->debt != 0};
    }
}

// The Comptroller's figures, of the pair in question.
static void pair_terms(const struct instrument *debt, const struct instrument *coll, struct compound_v2 *c)
{
    c->close_factor = credit_term(debt, TERM_CLOSE_FACTOR);
    c->incentive = credit_factor(coll->lb_bps);
}

static u256 per_token(const struct instrument *in) // k
{
    struct checked c = {0};
    return ck_mul_div(&c, credit_factor(in->lt_bps), credit_term(in, TERM_EXCHANGE_RATE), one());
}

// k cTokens 10^(10 + w - decimals) / 1e18, rounded down.
static i256 collateral_coef(const struct instrument *in, i128 tokens, unsigned w)
{
    struct checked c = {0};
    u256 weighed = ck_mul(&c, per_token(in), credit_amount(tokens));
    return credit_signed(ck_full_div(&c, weighed, u256_pow10(VALUE_DIGITS + w - in->size_decimals), one()));
}

static i256 debt_coef(const struct instrument *in, i128 debt, unsigned w)
{
    return i256_mul(i256_from_i128(debt), unit10(VALUE_DIGITS + w - in->size_decimals));
}

static int row_of(const struct market *m, const struct account *a, int64_t eq, int64_t req, struct affine *f)
{
    unsigned w = credit_widest(m, a);
    f->n = 0;
    f->c = f->slack = I256_ZERO;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        i256 coef = I256_ZERO;
        if (credit_counts(p)) {
            int64_t floors = (int64_t)((u128)p->supply / CREDIT_ONE + 2);
            coef = i256_mul_i64(collateral_coef(in, p->supply, w), eq);
            f->slack = i256_add(f->slack, i256_mul_i64(i256_mul_i64(unit10(w), floors), eq));
        }
        if (p->debt != 0)
            coef = i256_sub(coef, i256_mul_i64(debt_coef(in, p->debt, w), req));
        if (i256_sign(coef) != 0 && perp_row_add(f, in->asset, coef))
            return -1;
    }
    return 0;
}

static int compound_rows(const struct market *m, const struct account *a, const struct band *band,
                         uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    return credit_rows(m, a, band, warn_ppm, out, row_of, e);
}

static void compound_health(const struct market *m, const struct account *a, const int64_t *px,
                            struct health *out)
{
    struct compound_v2 c;
    u256 collateral, borrows;
    fill(m, a, px, &c);
    const char *why = compound_v2_liquidity(&c, &collateral, &borrows);
    out->equity = credit_signed(collateral);
    out->requirement = credit_signed(borrows);
    out->liquidatable = !why && ck_lt(collateral, borrows);
}

// The most units of debt j that the cTokens of i pay for: seize = floor(ratio amount / 1e18) <= tokens.
static u256 covered(const struct compound_v2 *c, unsigned j, unsigned i)
{
    struct checked k = {0};
    const struct compound_v2_market *s = &c->market[i];
    u256 above = ck_mul_div(&k, c->incentive, c->market[j].price, one());
    u256 below = ck_mul_div(&k, s->price, s->exchange_rate, one());
    u256 ratio = ck_mul_div(&k, above, one(), below);
    if (!ck_ok(&k) || u256_is_zero(ratio))
        return ck_ok(&k) ? U256_MAX : U256_ZERO;
    u256 top = ck_mul(&k, ck_add(&k, s->tokens, u256_from_u64(1)), one());
    return ck_div(&k, ck_sub(&k, top, u256_from_u64(1)), ratio);
}

// Of the debt j against the collateral i, units that leave the target; false: no amount does.
static bool target_amount(const struct account *a, const struct compound_v2 *c, const struct health *h,
                          unsigned j, unsigned i, int64_t target, u256 *amount)
{
    struct checked k = {0};
    const struct position *p = &a->position[i];
    u256 weight = ck_mul_div_up(&k, c->incentive, c->market[i].collateral_factor, one());
    // Floors of what collateral is left, and one unit of debt more than asked for.
    u256 unit = ck_add(&k, ck_div_up(&k, c->market[j].price, one()), u256_from_u64(2));
    u256 lost = ck_add(&k, ck_mul(&k, unit, u256_from_u64(4)),
                       ck_add(&k, ck_div(&k, credit_amount(p->supply), one()), u256_from_u64(4)));
    i256 x;
    if (!credit_repay(h->requirement, i256_sub(h->equity, credit_signed(lost)), weight, target, &x))
        return false;
    *amount = ck_full_div_up(&k, credit_unsigned(x), one(), c->market[j].price);
    return ck_ok(&k);
}

struct offer {
    u256 amount;
    bool full;
    i256 value, reward;
};

static i256 seized_worth(const struct instrument *in, u256 tokens, int64_t price)
{
    struct checked k = {0};
    return credit_worth_floor(in, ck_mul_div(&k, tokens, credit_term(in, TERM_EXCHANGE_RATE), one()), price);
}

static bool offer_of(const struct market *m, const struct account *a, const int64_t *px,
                     const struct size_policy *policy, const struct health *h, struct compound_v2 *c,
                     unsigned j, unsigned i, struct offer *out)
{
    struct checked k = {0};
    struct compound_v2_seized got;
    const struct instrument *debt = &m->instrument[a->position[j].instrument];
    const struct instrument *coll = &m->instrument[a->position[i].instrument];
    pair_terms(debt, coll, c);
    u256 amount, most = ck_min(compound_v2_most(c, j, &k), covered(c, j, i));
    if (!target_amount(a, c, h, j, i, credit_target(policy), &amount) || !ck_lt(amount, most))
        amount = most;
    i256 left = i256_sub(credit_signed(c->market[j].borrow), credit_signed(amount));
    if (u256_is_zero(amount) || credit_dusty(policy, debt, left, px[debt->asset]))
        amount = most;
    // A little may buy no token at all, which nobody repays for.
    if (compound_v2_liquidate(c, j, i, amount, &got) || u256_is_zero(got.tokens)) {
        amount = most;
        if (compound_v2_liquidate(c, j, i, amount, &got) || u256_is_zero(got.tokens))
            return false;
    }
    out->amount = amount;
    out->full = u256_cmp(amount, most) == 0;
    out->value = credit_worth_ceil(debt, amount, px[debt->asset]);
    out->reward = i256_sub(seized_worth(coll, got.liquidator, px[coll->asset]), out->value);
    return true;
}

static i256 owed_worth(const struct market *m, const struct position *p, const int64_t *px)
{
    const struct instrument *in = &m->instrument[p->instrument];
    return credit_worth_ceil(in, credit_amount(p->debt), px[in->asset]);
}

static int compound_size(const struct market *m, const struct account *a, const int64_t *px,
                         const struct size_policy *policy, struct order_size *out)
{
    struct compound_v2 c;
    struct health h;
    struct offer o;
    i256 worth = i256_from_i64(-1); // of the debt that is answered for so far
    compound_health(m, a, px, &h);
    if (!h.liquidatable)
        return -1;
    fill(m, a, px, &c);
    out->n = 0;
    for (unsigned j = 0; j < a->n_positions; j++) {
        if (a->position[j].debt == 0 || i256_cmp(owed_worth(m, &a->position[j], px), worth) <= 0)
            continue;
        bool found = false;
        for (unsigned i = 0; i < a->n_positions; i++) {
            if (!credit_counts(&a->position[i]) || !offer_of(m, a, px, policy, &h, &c, j, i, &o) ||
                !i256_fits_i128(credit_signed(o.amount)) || (found && i256_cmp(o.reward, out->reward) <= 0))
                continue;
            found = true;
            out->full = o.full;
            out->value = o.value;
            out->reward = o.reward;
            credit_order(out, &a->position[j], i256_to_i128(credit_signed(o.amount)), &a->position[i]);
        }
        if (found)
            worth = owed_worth(m, &a->position[j], px);
    }
    return out->n ? 0 : -1;
}

static i256 underlying(const struct instrument *in, u256 tokens)
{
    struct checked k = {0};
    return credit_signed(ck_mul_div(&k, tokens, credit_term(in, TERM_EXCHANGE_RATE), one()));
}

static i256 compound_holding(const struct market *m, const struct position *p)
{
    const struct instrument *in = &m->instrument[p->instrument];
    return i256_sub(underlying(in, credit_amount(p->supply)), i256_from_i128(p->debt));
}

static int compound_settle(const struct market *m, struct account *a, const int64_t *px,
                           const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct checked k = {0};
    struct compound_v2 c;
    struct compound_v2_seized got;
    if (credit_legs(a, leg, n, e))
        return -1;
    struct position *d = &a->position[account_position(a, leg[0].instrument) - a->position];
    struct position *s = &a->position[account_position(a, leg[1].instrument) - a->position];
    const struct instrument *coll = &m->instrument[s->instrument];
    unsigned j = (unsigned)(d - a->position), i = (unsigned)(s - a->position);
    fill(m, a, px, &c);
    pair_terms(&m->instrument[d->instrument], coll, &c);
    u256 amount = ck_min(credit_amount(leg[0].qty), compound_v2_most(&c, j, &k));
    const char *why = compound_v2_liquidate(&c, j, i, amount, &got);
    if (why)
        return err_set(e, "account %u: %s", a->id, why);
    i256 held = underlying(coll, c.market[i].tokens), paid = credit_signed(amount);
    d->debt -= i256_to_i128(paid);
    s->supply -= i256_to_i128(credit_signed(got.tokens));
    i256 given = i256_sub(held, underlying(coll, credit_amount(s->supply)));
    i256 taken = underlying(coll, got.liquidator), fee = credit_signed(got.protocol_amount);
    out->n = 0;
    credit_flow(out, PARTY_ACCOUNT, d->instrument, paid);
    credit_flow(out, PARTY_LIQUIDATOR, d->instrument, i256_neg(paid));
    credit_flow(out, PARTY_ACCOUNT, s->instrument, i256_neg(given));
    credit_flow(out, PARTY_LIQUIDATOR, s->instrument, taken);
    credit_flow(out, PARTY_VENUE, s->instrument, fee);
    credit_flow(out, PARTY_POOL, s->instrument, i256_sub(given, i256_add(taken, fee)));
    credit_drop_empty(a);
    return 0;
}

static int check_reserve(const struct market *m, const struct account *a, const struct instrument *in,
                         struct err *e)
{
    if (credit_check_reserve(m, a, in, e))
        return -1;
    u128 close = term_get(&in->terms, TERM_CLOSE_FACTOR);
    if (term_get(&in->terms, TERM_EXCHANGE_RATE) == 0 || close == 0 || close > CREDIT_ONE)
        return err_set(
            e, "account %u: reserve %s: Compound needs its exchange_rate, above 0, and close_factor, up to 1",
            a->id, in->name);
    return terms_fit(&in->terms, TERMS_KNOWN, sizeof TERMS_KNOWN / sizeof *TERMS_KNOWN, a->id, in->name, e);
}

// The contract's words and the row's coefficients hold so much; w: the widest decimals it can stand beside.
static bool fits(const struct instrument *in, unsigned supply_bits, unsigned debt_bits, unsigned w)
{
    unsigned scale = u256_bits(u256_pow10(VALUE_DIGITS + w - in->size_decimals));
    unsigned price = u256_bits(u256_pow10(PRICE_DIGITS - in->size_decimals)) + CREDIT_PRICE_BITS;
    unsigned k = u256_bits(per_token(in));
    return k + supply_bits + scale <= CREDIT_COEF_BITS + ONE_BITS && debt_bits + scale <= CREDIT_COEF_BITS &&
           k + price + supply_bits <= WORD_BITS + ONE_BITS && debt_bits + price <= WORD_BITS &&
           credit_bits(term_get(&in->terms, TERM_EXCHANGE_RATE)) + price <= WORD_BITS &&
           supply_bits <= TOKENS_BITS;
}

static int compound_validate(const struct market *m, const struct account *a, struct err *e)
{
    if (credit_check_account(m, a, COMPOUND_V2_MARKETS_MAX, e))
        return -1;
    unsigned w = credit_widest(m, a);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (check_reserve(m, a, in, e))
            return -1;
        if (p->debt != 0 && p->supply != 0 && !p->collateral)
            return err_set(e,
                           "account %u: reserve %s: a market is entered by a debt: its supply is collateral",
                           a->id, in->name);
        if (!fits(in, credit_bits((u128)p->supply), credit_bits((u128)p->debt), w))
            return err_set(e, "account %u: reserve %s: supply or debt out of range", a->id, in->name);
    }
    return 0;
}

static bool compound_within(const struct market *next, unsigned i, const struct reach *r)
{
    static const struct account any = {.id = 0}; // its number is all that the check of a reserve reads
    const struct instrument *in = &next->instrument[i];
    struct err e;
    if (in->kind != INST_RESERVE)
        return true;
    return check_reserve(next, &any, in, &e) == 0 &&
           fits(in, r->supply_bits, r->debt_bits, credit_widest_of(next));
}

static void compound_terms(struct instrument *in)
{
    enum {
        START_PER_TOKEN = 50,
        GROWTH_PPM = 1073219,
        CTOKEN_DECIMALS = 8,
        INCENTIVE_BPS = 10800,
        SHARE_BPS = 280
    };
    credit_plain(in);
    in->lb_bps = INCENTIVE_BPS;
    in->fee_bps = SHARE_BPS;
    (void)term_set(&in->terms, TERM_CLOSE_FACTOR, CREDIT_ONE / 2);
    (void)term_set(&in->terms, TERM_EXCHANGE_RATE,
                   (u128)i256_to_i128(unit10(18 + in->size_decimals - CTOKEN_DECIMALS)) / START_PER_TOKEN *
                       GROWTH_PPM / 1000000);
}

static const struct borrowing BORROWING = {.terms = compound_terms};

const struct rule rule_compound_v2_1 = {
    .name = "compound-v2-1",
    .borrowing = &BORROWING,
    .rows = compound_rows,
    .health = compound_health,
    .size = compound_size,
    .settle = compound_settle,
    .holding = compound_holding,
    .bends = credit_straight,
    .within = compound_within,
    .validate = compound_validate,
};
