// SPDX-License-Identifier: Apache-2.0
// morpho-blue-1: positions of Morpho Blue, each an account with one collateral and one debt in shares of the
// loan token's market. The contract's arithmetic is morpho_blue.h; here stands what an account makes of it.
//   P = floor(10^(36 + dL - dC) p_C / p_L), as MorphoChainlinkOracleV2 has it of two feeds of 8 decimals
//   liquidatable <=> maxBorrow(P) < borrowed  <=>  P < p*  <=>  10^(36 + dL - dC) p_C - p* p_L < 0
// with p* an integer (mechanics: threshold price), so the row is exact: no slack.
// Size: repaying x of the debt takes LIF x of the collateral's worth: (C - LIF LLTV x) >= T (B - x), with an
// allowance for every rounding; more than the position has: all of it, and what stays owed is written off.
#include "accounts/rules/morpho/credit_morpho.h"
#include "accounts/rules/credit_common.h"
#include "accounts/rules/perp/perp_common.h"

enum { SCALE_DIGITS = 36, ASSETS_BITS = 112 };

// Those of the markets; a pre-liquidation contract's are behind them.
enum { MARKET_TERMS = 2 };
static const enum term TERMS_KNOWN[] = {TERM_BORROW_ASSETS, TERM_BORROW_SHARES, TERM_PRE_LLTV, TERM_PRE_LCF1,
                                        TERM_PRE_LCF2,      TERM_PRE_LIF1,      TERM_PRE_LIF2};

static unsigned scale_digits(const struct loan *l)
{
    return (unsigned)SCALE_DIGITS + l->loan->size_decimals - (l->back ? l->back->size_decimals : 0);
}

bool morpho_loan_of(const struct market *m, const struct account *a, struct loan *l)
{
    struct credit_pair x;
    bool owes = credit_pair_of(m, a, &x);
    *l = (struct loan){.debt = x.debt, .coll = x.coll, .loan = x.loan, .back = x.back};
    if (!owes)
        return false;
    l->at.borrow_shares = credit_amount(l->debt->debt);
    l->market.borrow_assets = l->market.supply_assets = credit_term(l->loan, TERM_BORROW_ASSETS);
    l->market.borrow_shares = credit_term(l->loan, TERM_BORROW_SHARES);
    if (l->coll) {
        l->at.collateral = credit_amount(l->coll->supply);
        l->market.lltv = credit_factor(l->back->lt_bps);
    }
    return true;
}

u256 morpho_price_of(const struct loan *l, const int64_t *px)
{
    struct checked c = {0};
    if (!l->back)
        return U256_ZERO;
    return ck_mul_div(&c, u256_pow10(scale_digits(l)), u256_from_u64((uint64_t)px[l->back->asset]),
                      u256_from_u64((uint64_t)px[l->loan->asset]));
}

static u256 borrowed_of(const struct loan *l)
{
    struct checked c = {0};
    return morpho_borrowed(&c, &l->market, l->at.borrow_shares);
}

// H >= 0 from p* = least price on: a shift keeps the coefficients small and the lower bound a lower bound.
static int row_of(const struct loan *l, u256 needed, uint8_t level, struct affine *f)
{
    u256 at, rest;
    i256 gain = I256_ZERO, loss = i256_from_i64(-1);
    f->level = level;
    f->n = 0;
    f->c = f->slack = I256_ZERO;
    if (l->back && morpho_threshold(needed, l->at.collateral, l->market.lltv, &at)) {
        u256 scale = u256_pow10(scale_digits(l));
        unsigned bits = u256_bits(ck_max(at, scale)),
                 down = bits > CREDIT_COEF_BITS ? bits - CREDIT_COEF_BITS : 0;
        u256 unit = u256_shl(u256_from_u64(1), down);
        gain = credit_signed(u256_shr(scale, down));
        at = u256_div(at, unit, &rest);
        loss = i256_neg(i256_add(credit_signed(at), i256_from_i64(!u256_is_zero(rest))));
    }
    if (perp_row_add(f, l->loan->asset, loss))
        return -1;
    return i256_sign(gain) != 0 ? perp_row_add(f, l->back->asset, gain) : 0;
}

int morpho_loan_rows(const struct loan *l, uint32_t warn_ppm, struct affine out[2])
{
    struct checked c = {0};
    u256 borrowed = borrowed_of(l);
    (void)row_of(l, borrowed, LEVEL_LIQUIDATE, &out[0]);
    if (warn_ppm == 0)
        return 1;
    u256 scaled =
        ck_mul_div_up(&c, borrowed, u256_from_u64(1000000 + (uint64_t)warn_ppm), u256_from_u64(1000000));
    (void)row_of(l, scaled, LEVEL_WARN, &out[1]);
    return 2;
}

static int morpho_rows(const struct market *m, const struct account *a, const struct band *band,
                       uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    struct loan l;
    if (credit_bands(m, a, band, e))
        return -1;
    return morpho_loan_of(m, a, &l) ? morpho_loan_rows(&l, warn_ppm, out) : 0;
}

static void sums(const struct loan *l, const int64_t *px, u256 *most, u256 *borrowed)
{
    struct checked c = {0};
    *borrowed = borrowed_of(l);
    *most =
        l->back ? morpho_max_borrow(&c, l->at.collateral, morpho_price_of(l, px), l->market.lltv) : U256_ZERO;
    if (!ck_ok(&c)) // collateral * price leaves the word: the contract reverts, and cannot liquidate
        *most = u256_shr(U256_MAX, 1);
}

void morpho_loan_health(const struct loan *l, const int64_t *px, struct health *out)
{
    u256 most, borrowed;
    sums(l, px, &most, &borrowed);
    out->equity = credit_signed(most);
    out->requirement = credit_signed(borrowed);
    out->liquidatable = ck_lt(most, borrowed);
}

static void morpho_health(const struct market *m, const struct account *a, const int64_t *px,
                          struct health *out)
{
    struct loan l;
    *out = (struct health){.equity = I256_ZERO, .requirement = I256_ZERO};
    if (morpho_loan_of(m, a, &l))
        morpho_loan_health(&l, px, out);
}

// What to ask the contract for when at most `qty` loan units may be spent: shares, or, where those would take
// more collateral than there is, all of it.
static struct morpho_order order_for(const struct loan *l, u256 price, u256 qty)
{
    struct checked c = {0};
    const struct morpho_market *m = &l->market;
    if (!ck_lt(qty, borrowed_of(l)))
        return morpho_whole(m, &l->at, price);
    u256 shares = morpho_shares_down(&c, qty, m->borrow_assets, m->borrow_shares);
    u256 assets = morpho_assets_down(&c, shares, m->borrow_assets, m->borrow_shares);
    u256 worth = morpho_wmul_down(&c, assets, morpho_lif(&c, m->lltv));
    u256 seized = morpho_down(&c, worth, morpho_price_scale(), price);
    if (!ck_ok(&c) || ck_lt(l->at.collateral, seized))
        return (struct morpho_order){.seize = l->at.collateral};
    return (struct morpho_order){.repay_shares = shares};
}

static const char *execute(const struct loan *l, const int64_t *px, i128 qty, struct morpho_liquidation *x)
{
    u256 price = morpho_price_of(l, px);
    const char *why = morpho_liquidate(&l->market, &l->at, price, order_for(l, price, credit_amount(qty)), x);
    if (!why && ck_lt(credit_amount(qty), x->repaid_assets))
        why = "the collateral costs more than the debt leg has";
    return why;
}

i256 morpho_target_debt(const struct loan *l, const int64_t *px, const struct size_policy *policy, u256 lif)
{
    struct checked c = {0};
    u256 most, borrowed;
    i256 x, one = i256_from_i64(1);
    sums(l, px, &most, &borrowed);
    u256 weight = ck_mul_div_up(&c, lif, l->market.lltv, u256_from_u64(CREDIT_ONE));
    // A share is worth up to this; a debt is rounded up once more. Two floors of the collateral's worth.
    u256 share =
        ck_add(&c, morpho_assets_up(&c, u256_from_u64(1), l->market.borrow_assets, l->market.borrow_shares),
               u256_from_u64(1));
    i256 owed = i256_add(credit_signed(borrowed), credit_signed(share));
    i256 have = i256_sub(credit_signed(most), i256_from_i64(2));
    i256 all = credit_signed(borrowed);
    if (!credit_repay(owed, have, weight, credit_target(policy), &x) || i256_cmp(x, all) >= 0)
        return all;
    x = i256_max(x, one);
    return credit_dusty(policy, l->loan, i256_sub(all, x), px[l->loan->asset]) ? all : x;
}

static int morpho_size(const struct market *m, const struct account *a, const int64_t *px,
                       const struct size_policy *policy, struct order_size *out)
{
    struct loan l;
    struct morpho_liquidation x;
    struct health h;
    morpho_health(m, a, px, &h);
    if (!h.liquidatable || !morpho_loan_of(m, a, &l) || !l.coll)
        return -1;
    struct checked c = {0};
    i256 qty = morpho_target_debt(&l, px, policy, morpho_lif(&c, l.market.lltv));
    if (!i256_fits_i128(qty) || !i256_fits_i128(h.requirement))
        return -1;
    if (execute(&l, px, i256_to_i128(qty), &x) || u256_is_zero(x.left.collateral)) {
        qty = h.requirement; // takes all there is anyway: leave no unit of it to rounding
        if (execute(&l, px, i256_to_i128(qty), &x))
            return -1;
    }
    i256 paid = credit_worth_ceil(l.loan, x.repaid_assets, px[l.loan->asset]);
    out->full = u256_is_zero(x.left.borrow_shares);
    credit_order(out, l.debt, i256_to_i128(qty), l.coll);
    out->value = paid;
    out->reward = i256_sub(credit_worth_floor(l.back, x.seized, px[l.back->asset]), paid);
    return 0;
}

i256 morpho_holding(const struct market *m, const struct position *p)
{
    struct checked c = {0};
    const struct instrument *in = &m->instrument[p->instrument];
    u256 owed = morpho_assets_up(&c, credit_amount(p->debt), credit_term(in, TERM_BORROW_ASSETS),
                                 credit_term(in, TERM_BORROW_SHARES));
    return i256_sub(i256_from_i128(p->supply), credit_signed(owed));
}

void morpho_book(const struct market *m, struct account *a, const struct loan *l,
                 const struct morpho_moved *x, struct settlement *out)
{
    struct position *d = &a->position[l->debt - a->position], *s = &a->position[l->coll - a->position];
    i256 before = morpho_holding(m, d), paid = credit_signed(x->repaid), lost = credit_signed(x->lost);
    d->debt = i256_to_i128(credit_signed(x->left.borrow_shares));
    s->supply = i256_to_i128(credit_signed(x->left.collateral));
    i256 relieved = i256_sub(morpho_holding(m, d), before), seized = credit_signed(x->seized);
    out->n = 0;
    credit_flow(out, PARTY_ACCOUNT, d->instrument, relieved);
    credit_flow(out, PARTY_LIQUIDATOR, d->instrument, i256_neg(paid));
    credit_flow(out, PARTY_DEFICIT, d->instrument, i256_neg(lost));
    credit_flow(out, PARTY_POOL, d->instrument, i256_sub(i256_add(paid, lost), relieved));
    credit_flow(out, PARTY_ACCOUNT, s->instrument, i256_neg(seized));
    credit_flow(out, PARTY_LIQUIDATOR, s->instrument, seized);
    credit_drop_empty(a);
}

static int morpho_settle(const struct market *m, struct account *a, const int64_t *px,
                         const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct loan l;
    struct morpho_liquidation x;
    if (credit_legs(a, leg, n, e) || !morpho_loan_of(m, a, &l))
        return -1;
    const char *why = execute(&l, px, leg[0].qty, &x);
    if (why)
        return err_set(e, "account %u: %s", a->id, why);
    struct morpho_moved moved = {
        .repaid = x.repaid_assets, .seized = x.seized, .lost = x.bad_debt_assets, .left = x.left};
    morpho_book(m, a, &l, &moved, out);
    return 0;
}

static int check_reserve(const struct market *m, const struct account *a, const struct instrument *in,
                         struct err *e)
{
    if (credit_check_reserve(m, a, in, e))
        return -1;
    if (in->lt_bps >= CREDIT_BPS)
        return err_set(e, "account %u: reserve %s: lt_bps, the market's LLTV, must be below %d", a->id,
                       in->name, CREDIT_BPS);
    if (credit_bits(term_get(&in->terms, TERM_BORROW_ASSETS)) > ASSETS_BITS)
        return err_set(e, "account %u: reserve %s: borrow_assets out of range", a->id, in->name);
    unsigned known = a->rule == &rule_morpho_pre_1 ? sizeof TERMS_KNOWN / sizeof *TERMS_KNOWN : MARKET_TERMS;
    return terms_fit(&in->terms, TERMS_KNOWN, known, a->id, in->name, e);
}

int morpho_validate(const struct market *m, const struct account *a, struct err *e)
{
    struct credit_pair x = {.debt = NULL};
    if (credit_check_account(m, a, ACCOUNT_POSITIONS_MAX, e))
        return -1;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (check_reserve(m, a, in, e))
            return -1;
        if (credit_pair_add(a, p, in, "position", &x, e))
            return -1;
        if ((u128)p->debt > term_get(&in->terms, TERM_BORROW_SHARES))
            return err_set(e, "account %u: reserve %s: more shares of debt than the market's borrow_shares",
                           a->id, in->name);
    }
    return 0;
}

bool morpho_reserve_within(const struct rule *rule, const struct market *next, unsigned i,
                           const struct reach *r)
{
    struct account any; // its number and rule are all that the check of a reserve reads
    const struct instrument *in = &next->instrument[i];
    struct err e;
    any.id = 0;
    any.rule = rule;
    if (in->kind != INST_RESERVE)
        return true;
    u128 most = r->debt_bits >= 127 ? (u128)-1 >> 1 : ((u128)1 << r->debt_bits) - 1;
    return check_reserve(next, &any, in, &e) == 0 && most <= term_get(&in->terms, TERM_BORROW_SHARES);
}

static bool morpho_within(const struct market *next, unsigned i, const struct reach *r)
{
    return morpho_reserve_within(&rule_morpho_blue_1, next, i, r);
}

void morpho_terms(struct instrument *in)
{
    const uint64_t tokens = 1000000000, growth_ppm = 1042718; // what a share has grown by
    u128 unit = (u128)i256_to_i128(unit10(in->size_decimals));
    credit_plain(in);
    (void)term_set(&in->terms, TERM_BORROW_SHARES, unit * 1000000 * tokens);
    (void)term_set(&in->terms, TERM_BORROW_ASSETS, unit * tokens / 1000000 * growth_ppm);
}

static const struct borrowing BORROWING = {.debts = 1, .collaterals = 1, .terms = morpho_terms};

const struct rule rule_morpho_blue_1 = {
    .name = "morpho-blue-1",
    .borrowing = &BORROWING,
    .rows = morpho_rows,
    .health = morpho_health,
    .size = morpho_size,
    .settle = morpho_settle,
    .holding = morpho_holding,
    .bends = credit_straight,
    .within = morpho_within,
    .validate = morpho_validate,
};
