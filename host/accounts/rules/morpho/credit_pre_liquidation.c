// SPDX-License-Identifier: Apache-2.0
// morpho-pre-liquidation-1: positions of Morpho Blue whose owners have authorised a pre-liquidation contract.
// The contract's arithmetic is morpho_pre_liquidation.h; its parameters are the collateral's PRE_ terms, its
// oracle is the market's (docs/rules.md, "Pre-liquidation").
//   liquidatable <=> maxBorrow(P, preLltv) < borrowed, as morpho-blue-1 with preLltv: the row is as exact
// From preLltv to the market's LLTV an order is the contract's: a part of the shares, at factors that rise
// with the position's LTV. Above the LLTV the contract refuses and Morpho itself takes over: size and settle
// are morpho-blue-1's there.
#include "accounts/rules/credit_common.h"
#include "accounts/rules/morpho/credit_morpho.h"
#include "accounts/rules/morpho/morpho_pre_liquidation.h"

static struct morpho_pre pre_of(const struct instrument *back)
{
    return (struct morpho_pre){.lltv = credit_term(back, TERM_PRE_LLTV),
                               .lcf1 = credit_term(back, TERM_PRE_LCF1),
                               .lcf2 = credit_term(back, TERM_PRE_LCF2),
                               .lif1 = credit_term(back, TERM_PRE_LIF1),
                               .lif2 = credit_term(back, TERM_PRE_LIF2)};
}

// The position as the contract sees it: liquidatable from preLltv on. False: nothing is owed.
static bool seen_by_contract(const struct market *m, const struct account *a, struct loan *l)
{
    if (!morpho_loan_of(m, a, l))
        return false;
    if (l->back)
        l->market.lltv = credit_term(l->back, TERM_PRE_LLTV);
    return true;
}

static int pre_rows(const struct market *m, const struct account *a, const struct band *band,
                    uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    struct loan l;
    if (credit_bands(m, a, band, e))
        return -1;
    return seen_by_contract(m, a, &l) ? morpho_loan_rows(&l, warn_ppm, out) : 0;
}

static void pre_health(const struct market *m, const struct account *a, const int64_t *px, struct health *out)
{
    struct loan l;
    *out = (struct health){.equity = I256_ZERO, .requirement = I256_ZERO};
    if (seen_by_contract(m, a, &l))
        morpho_loan_health(&l, px, out);
}

// Is it above the market's own LLTV?
static bool morphos_own(const struct loan *l, const int64_t *px)
{
    struct health h;
    morpho_loan_health(l, px, &h);
    return h.liquidatable;
}

// At most qty loan units, and no more shares than the contract lets go at once.
static const char *execute(const struct loan *l, const int64_t *px, u256 qty,
                           struct morpho_pre_liquidation *x)
{
    struct checked c = {0};
    struct morpho_pre_terms t;
    const struct morpho_pre pre = pre_of(l->back);
    u256 price = morpho_price_of(l, px);
    const char *why = morpho_pre_terms(&pre, &l->market, &l->at, price, &t);
    if (why)
        return why;
    u256 shares = l->at.borrow_shares;
    if (ck_lt(qty, t.borrowed))
        shares = morpho_shares_down(&c, qty, l->market.borrow_assets, l->market.borrow_shares);
    shares = ck_min(shares, t.repayable_shares);
    struct morpho_order order = {.repay_shares = shares};
    return morpho_pre_liquidate(&pre, &l->market, &l->at, price, price, true, order, x);
}

// Loan units that leave the target, or the most that the contract lets go.
static i256 units_of(const struct market *m, const struct account *a, const int64_t *px,
                     const struct size_policy *policy, const struct morpho_pre_liquidation *most)
{
    struct loan l;
    (void)seen_by_contract(m, a, &l);
    i256 x = morpho_target_debt(&l, px, policy, most->terms.lif), all = credit_signed(most->repaid_assets);
    return i256_cmp(x, all) < 0 ? x : all;
}

static int pre_size(const struct market *m, const struct account *a, const int64_t *px,
                    const struct size_policy *policy, struct order_size *out)
{
    struct loan l;
    struct morpho_pre_liquidation most, x;
    if (!morpho_loan_of(m, a, &l) || !l.coll)
        return -1;
    if (morphos_own(&l, px))
        return rule_morpho_blue_1.size(m, a, px, policy, out);
    if (execute(&l, px, U256_MAX, &most))
        return -1;
    i256 qty = units_of(m, a, px, policy, &most);
    if (execute(&l, px, credit_unsigned(qty), &x)) { // a little may seize nothing
        qty = credit_signed(most.repaid_assets);
        x = most;
    }
    if (!i256_fits_i128(qty))
        return -1;
    i256 paid = credit_worth_ceil(l.loan, x.repaid_assets, px[l.loan->asset]);
    out->full = u256_cmp(x.repaid_shares, most.repaid_shares) == 0;
    credit_order(out, l.debt, i256_to_i128(qty), l.coll);
    out->value = paid;
    out->reward = i256_sub(credit_worth_floor(l.back, x.seized, px[l.back->asset]), paid);
    return 0;
}

static int pre_settle(const struct market *m, struct account *a, const int64_t *px,
                      const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct loan l;
    struct morpho_pre_liquidation x;
    if (credit_legs(a, leg, n, e) || !morpho_loan_of(m, a, &l))
        return -1;
    if (morphos_own(&l, px))
        return rule_morpho_blue_1.settle(m, a, px, leg, n, out, e);
    const char *why = execute(&l, px, credit_amount(leg[0].qty), &x);
    if (why)
        return err_set(e, "account %u: %s", a->id, why);
    struct morpho_moved moved = {
        .repaid = x.repaid_assets, .seized = x.seized, .lost = U256_ZERO, .left = x.left};
    morpho_book(m, a, &l, &moved, out);
    return 0;
}

// NULL: there is such a contract beside the market.
static const char *wrong_contract(const struct instrument *back)
{
    struct morpho_pre pre = pre_of(back);
    if (u256_is_zero(pre.lltv))
        return "no pre_lltv";
    return morpho_pre_refused(&pre, credit_factor(back->lt_bps));
}

static int pre_validate(const struct market *m, const struct account *a, struct err *e)
{
    if (morpho_validate(m, a, e))
        return -1;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        const char *why = credit_counts(&a->position[i]) ? wrong_contract(in) : NULL;
        if (why)
            return err_set(e,
                           "account %u: reserve %s: no pre-liquidation contract has these terms: %s; "
                           "morpho-blue-1 is the rule without one",
                           a->id, in->name, why);
    }
    return 0;
}

static bool pre_within(const struct market *next, unsigned i, const struct reach *r)
{
    const struct instrument *in = &next->instrument[i];
    return morpho_reserve_within(&rule_morpho_pre_1, next, i, r) &&
           (in->kind != INST_RESERVE || r->supply_bits == 0 || wrong_contract(in) == NULL);
}

static void pre_terms(struct instrument *in)
{
    enum { BEFORE_BPS = 400 };
    const uint64_t percent = CREDIT_ONE / 100;
    morpho_terms(in);
    (void)term_set(&in->terms, TERM_PRE_LLTV, (in->lt_bps - BEFORE_BPS) * (CREDIT_ONE / CREDIT_BPS));
    (void)term_set(&in->terms, TERM_PRE_LCF1, 10 * percent);
    (void)term_set(&in->terms, TERM_PRE_LCF2, 50 * percent);
    (void)term_set(&in->terms, TERM_PRE_LIF1, 101 * percent);
    (void)term_set(&in->terms, TERM_PRE_LIF2, 104 * percent);
}

static const struct borrowing BORROWING = {.debts = 1, .collaterals = 1, .terms = pre_terms};

const struct rule rule_morpho_pre_1 = {
    .name = "morpho-pre-liquidation-1",
    .borrowing = &BORROWING,
    .rows = pre_rows,
    .health = pre_health,
    .size = pre_size,
    .settle = pre_settle,
    .holding = morpho_holding,
    .bends = credit_straight,
    .within = pre_within,
    .validate = pre_validate,
};
