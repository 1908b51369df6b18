// SPDX-License-Identifier: Apache-2.0
// liquity-1: troves of Liquity v1 as deployed, each an account with one collateral and one debt, entire (what
// was spread to it included). The contract's arithmetic is liquity_v1.h. The collateral's reserve tells the
// system: system_coll, system_debt and pool_deposits. The contract's price is p 1e10, p with 8 decimals; for
// integers floor(x / d) < r <=> x < r d, so
//   ICR < 110 %  <=>  coll p < 1.1e8 debt                TCR < 150 %  <=>  C p < 1.5e8 D
// A trove is closed when ICR < 110 %, and in recovery mode (TCR < 150 %) also when ICR < TCR and the pool has
// its whole debt. Unrounded, ICR < TCR <=> coll D < C debt: prices do not matter, so such a trove is closed
// below the greater of two prices, of its own ratio and of the system's. That one is the row, exact and
// without slack. Only where ICR and TCR are the same when rounded (1e-18) health is above it.
// Liquidation is whole and needs no money: liquidate() pays 200 LUSD and 0.5 % of the collateral. Debt and
// collateral go to the venue: pool, other troves, and the gas pool that pays the LUSD. What recovery mode
// leaves to the owner stays as supply that is no collateral. Totals stay as told: the next update tells them.
#include "accounts/rules/credit_common.h"
#include "accounts/rules/liquity/liquity_v1.h"
#include "accounts/rules/perp/perp_common.h"

enum {
    TOKEN_DECIMALS = 18,
    PRICE_TO_WAD = 18 - CREDIT_PRICE_DECIMALS, // digits
    AMOUNT_BITS = 112,                         // two and a level multiplied: 252
    MCR_E8 = 110000000,
    CCR_E8 = 150000000,
};

static const enum term TERMS_KNOWN[] = {TERM_SYSTEM_COLL, TERM_SYSTEM_DEBT, TERM_POOL_DEPOSITS};

struct trove {
    const struct position *debt, *coll; // coll NULL: none
    const struct instrument *lusd, *eth;
};

// One side of a test: amount p against level_e8 owed.
struct test {
    i128 amount, owed;
    int64_t level_e8;
};

// False: nothing is owed.
static bool trove_of(const struct market *m, const struct account *a, struct trove *t)
{
    struct credit_pair x;
    bool owes = credit_pair_of(m, a, &x);
    *t = (struct trove){.debt = x.debt, .coll = x.coll, .lusd = x.loan, .eth = x.back};
    return owes;
}

static i128 total(const struct trove *t, enum term key)
{
    return (i128)term_get(&t->eth->terms, key);
}

static struct test own_test(const struct trove *t)
{
    return (struct test){t->coll ? t->coll->supply : 0, t->debt->debt, MCR_E8};
}

// x y < z w
static bool less(i128 x, i128 y, i128 z, i128 w)
{
    return i256_cmp(i256_mul(i256_from_i128(x), i256_from_i128(y)),
                    i256_mul(i256_from_i128(z), i256_from_i128(w))) < 0;
}

// The test that decides first as the price falls: the system's where recovery mode closes this trove, and
// where that begins at a greater price.
static struct test first_test(const struct trove *t)
{
    struct test own = own_test(t);
    if (!t->coll || total(t, TERM_POOL_DEPOSITS) < own.owed)
        return own;
    struct test all = {total(t, TERM_SYSTEM_COLL), total(t, TERM_SYSTEM_DEBT), CCR_E8};
    bool below_tcr = less(own.amount, all.owed, all.amount, own.owed);
    i256 mine = i256_mul_i64(i256_mul(i256_from_i128(own.owed), i256_from_i128(all.amount)), own.level_e8);
    i256 system = i256_mul_i64(i256_mul(i256_from_i128(all.owed), i256_from_i128(own.amount)), all.level_e8);
    return below_tcr && i256_cmp(system, mine) > 0 ? all : own;
}

static i256 side(i128 amount, int64_t factor)
{
    return i256_mul_i64(i256_from_i128(amount), factor);
}

static void row_of(const struct trove *t, int64_t eq, int64_t req, struct affine *f)
{
    struct test x = first_test(t);
    f->n = 0;
    f->slack = I256_ZERO;
    f->c = i256_neg(i256_mul_i64(side(x.owed, x.level_e8), req));
    if (t->coll)
        (void)perp_row_add(f, t->eth->asset, side(x.amount, eq));
    else
        (void)perp_row_add(f, t->lusd->asset, i256_from_i64(-1)); // negative at every price
}

static int liquity_rows(const struct market *m, const struct account *a, const struct band *band,
                        uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    struct trove t;
    if (credit_bands(m, a, band, e))
        return -1;
    if (!trove_of(m, a, &t))
        return 0;
    out[0].level = LEVEL_LIQUIDATE;
    row_of(&t, 1, 1, &out[0]);
    if (warn_ppm == 0)
        return 1;
    out[1].level = LEVEL_WARN;
    row_of(&t, 1000000, 1000000 + (int64_t)warn_ppm, &out[1]);
    return 2;
}

static u256 price_of(const struct trove *t, const int64_t *px)
{
    struct checked c = {0};
    return ck_mul(&c, u256_from_u64((uint64_t)px[t->eth->asset]), u256_pow10(PRICE_TO_WAD));
}

// ICR < TCR, as the contract rounds both.
static bool below_system(const struct trove *t, const int64_t *px)
{
    struct checked c = {0};
    u256 p = price_of(t, px);
    u256 icr = liquity_ratio(&c, credit_amount(t->coll->supply), credit_amount(t->debt->debt), p);
    return ck_lt(icr, liquity_ratio(&c, credit_term(t->eth, TERM_SYSTEM_COLL),
                                    credit_term(t->eth, TERM_SYSTEM_DEBT), p));
}

static bool fails(const struct test *x, int64_t price)
{
    return i256_cmp(side(x->amount, price), side(x->owed, x->level_e8)) < 0;
}

static void liquity_health(const struct market *m, const struct account *a, const int64_t *px,
                           struct health *out)
{
    struct trove t;
    *out = (struct health){.equity = I256_ZERO, .requirement = I256_ZERO};
    if (!trove_of(m, a, &t))
        return;
    struct test own = own_test(&t), x = first_test(&t);
    int64_t price = t.coll ? px[t.eth->asset] : 0;
    // In recovery mode, but not below the system's ratio as rounded: its own ratio alone counts.
    if (x.level_e8 == CCR_E8 && fails(&x, price) && !fails(&own, price) && !below_system(&t, px))
        x = own;
    out->equity = side(x.amount, price);
    out->requirement = side(x.owed, x.level_e8);
    out->liquidatable = fails(&x, price);
}

// liquidate() of this trove. NULL, or the contract's words.
static const char *close_trove(const struct trove *t, const int64_t *px, struct liquity_part *part)
{
    struct liquity_result r;
    if (!t->coll)
        return "a trove without collateral";
    struct liquity_trove x = {.coll = credit_amount(t->coll->supply),
                              .debt = credit_amount(t->debt->debt),
                              .stake = credit_amount(t->coll->supply),
                              .active = true};
    u256 coll = credit_term(t->eth, TERM_SYSTEM_COLL);
    struct liquity_request q = {
        .version = LIQUITY_DEPLOYED, .call = LIQUITY_BATCH, .price = price_of(t, px), .trove = &x, .n = 1};
    q.system.active_coll = q.system.total_stakes = coll;
    q.system.active_debt = credit_term(t->eth, TERM_SYSTEM_DEBT);
    q.system.troves = ck_lt(x.coll, coll) ? 2 : 1; // it alone, or it and others
    q.pool.deposits = credit_term(t->eth, TERM_POOL_DEPOSITS);
    q.pool.p = u256_from_u64(LIQUITY_UNIT);
    return liquity_liquidate(&q, part, &r);
}

static int liquity_size(const struct market *m, const struct account *a, const int64_t *px,
                        const struct size_policy *policy, struct order_size *out)
{
    struct trove t;
    struct liquity_part x;
    (void)policy; // the contract knows no part
    if (!trove_of(m, a, &t) || close_trove(&t, px, &x))
        return -1;
    out->full = true;
    credit_order(out, t.debt, t.debt->debt, t.coll);
    out->value = credit_worth_ceil(t.lusd, x.debt, px[t.lusd->asset]);
    out->reward = i256_add(credit_worth_floor(t.lusd, x.gas_lusd, px[t.lusd->asset]),
                           credit_worth_floor(t.eth, x.gas_coll, px[t.eth->asset]));
    return 0;
}

static i256 liquity_holding(const struct market *m, const struct position *p)
{
    (void)m;
    return i256_sub(i256_from_i128(p->supply), i256_from_i128(p->debt));
}

static int liquity_settle(const struct market *m, struct account *a, const int64_t *px,
                          const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct trove t;
    struct liquity_part x;
    if (credit_legs(a, leg, n, e) || !trove_of(m, a, &t))
        return -1;
    const char *why = close_trove(&t, px, &x);
    if (why)
        return err_set(e, "account %u: %s", a->id, why);
    struct position *d = &a->position[t.debt - a->position], *s = &a->position[t.coll - a->position];
    i256 owed = credit_signed(x.debt), pay = credit_signed(x.gas_lusd), gas = credit_signed(x.gas_coll);
    i256 taken = i256_sub(credit_signed(x.coll), credit_signed(x.surplus));
    d->debt = 0;
    s->supply = i256_to_i128(credit_signed(x.surplus));
    s->collateral = false; // the owner may claim it
    out->n = 0;
    credit_flow(out, PARTY_ACCOUNT, d->instrument, owed);
    credit_flow(out, PARTY_LIQUIDATOR, d->instrument, pay);
    credit_flow(out, PARTY_VENUE, d->instrument, i256_neg(i256_add(owed, pay)));
    credit_flow(out, PARTY_ACCOUNT, s->instrument, i256_neg(taken));
    credit_flow(out, PARTY_LIQUIDATOR, s->instrument, gas);
    credit_flow(out, PARTY_VENUE, s->instrument, i256_sub(taken, gas));
    credit_drop_empty(a);
    return 0;
}

static int check_reserve(const struct market *m, const struct account *a, const struct instrument *in,
                         struct err *e)
{
    u256 ray = u256_pow10(27);
    if (credit_check_reserve(m, a, in, e) ||
        terms_fit(&in->terms, TERMS_KNOWN, sizeof TERMS_KNOWN / sizeof *TERMS_KNOWN, a->id, in->name, e))
        return -1;
    if (in->size_decimals != TOKEN_DECIMALS)
        return err_set(e, "account %u: reserve %s: Liquity's tokens have %d decimals", a->id, in->name,
                       TOKEN_DECIMALS);
    if (in->lt_bps != 0)
        return err_set(e, "account %u: reserve %s: Liquity's ratios are fixed: lt_bps must be 0", a->id,
                       in->name);
    if (u256_cmp(u256_from_u128(in->liquidity_index), ray) != 0 ||
        u256_cmp(u256_from_u128(in->borrow_index), ray) != 0)
        return err_set(e, "account %u: reserve %s: Liquity knows no interest: indexes must be 1", a->id,
                       in->name);
    return 0;
}

static int check_system(const struct account *a, const struct instrument *in, struct err *e)
{
    bool fits = true;
    for (unsigned k = 0; k < sizeof TERMS_KNOWN / sizeof *TERMS_KNOWN; k++)
        fits = fits && credit_bits(term_get(&in->terms, TERMS_KNOWN[k])) <= AMOUNT_BITS;
    if (!fits)
        return err_set(e, "account %u: reserve %s: totals of the system must be below 2^%d", a->id, in->name,
                       AMOUNT_BITS);
    if (term_get(&in->terms, TERM_SYSTEM_COLL) != 0 && term_get(&in->terms, TERM_SYSTEM_DEBT) != 0)
        return 0;
    return err_set(e,
                   "account %u: reserve %s: Liquity's collateral needs the totals of its troves, system_coll "
                   "and system_debt, and pool_deposits",
                   a->id, in->name);
}

static int liquity_validate(const struct market *m, const struct account *a, struct err *e)
{
    struct credit_pair x = {.debt = NULL};
    if (credit_check_account(m, a, ACCOUNT_POSITIONS_MAX, e))
        return -1;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (check_reserve(m, a, in, e))
            return -1;
        if (credit_pair_add(a, p, in, "trove", &x, e))
            return -1;
        if (credit_counts(p) && check_system(a, in, e))
            return -1;
        if (credit_bits((u128)p->supply) > AMOUNT_BITS || credit_bits((u128)p->debt) > AMOUNT_BITS)
            return err_set(e, "account %u: reserve %s: supply or debt out of range", a->id, in->name);
    }
    return 0;
}

static bool liquity_within(const struct market *next, unsigned i, const struct reach *r)
{
    static const struct account any = {.id = 0}; // its number is all that the checks of a reserve read
    const struct instrument *in = &next->instrument[i];
    struct err e;
    if (in->kind != INST_RESERVE)
        return true;
    // A supply that is not enabled needs no totals: then every account is looked at.
    return check_reserve(next, &any, in, &e) == 0 && r->supply_bits <= AMOUNT_BITS &&
           r->debt_bits <= AMOUNT_BITS && (r->supply_bits == 0 || check_system(&any, in, &e) == 0);
}

static void liquity_terms(struct instrument *in)
{
    enum { GAIN_BPS = 10050 };
    credit_plain(in);
    in->size_decimals = TOKEN_DECIMALS;
    in->lt_bps = in->fee_bps = 0;
    in->lb_bps = GAIN_BPS;
}

// A system of a billion in debts, of which the pool has two thirds, at 165 %: a fall of a tenth is recovery
// mode.
static void liquity_totals(struct instrument *in, int64_t price)
{
    const u128 debt = (u128)CREDIT_ONE * 1000000000, e8 = 100000000;
    (void)term_set(&in->terms, TERM_SYSTEM_DEBT, debt);
    (void)term_set(&in->terms, TERM_SYSTEM_COLL, debt / 100 * 165 / (uint64_t)price * e8);
    (void)term_set(&in->terms, TERM_POOL_DEPOSITS, debt / 3 * 2);
}

static const struct borrowing BORROWING = {.debts = 1,
                                           .collaterals = 1,
                                           .paid = true,
                                           .dollars = true,
                                           .terms = liquity_terms,
                                           .totals = liquity_totals};

const struct rule rule_liquity_1 = {
    .name = "liquity-1",
    .borrowing = &BORROWING,
    .rows = liquity_rows,
    .health = liquity_health,
    .size = liquity_size,
    .settle = liquity_settle,
    .holding = liquity_holding,
    .bends = credit_straight,
    .within = liquity_within,
    .validate = liquity_validate,
};
