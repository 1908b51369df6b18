// SPDX-License-Identifier: Apache-2.0
// aave-v4-1: accounts of one spoke of Aave V4. The contract's arithmetic is aave_v4.h (docs/rules.md, "Aave
// V4", has what each field means). Supply is in shares of the hub, debt in drawn shares; what both are in
// tokens depends on no price, and a token's unit divides 1e18, so nothing of the test is rounded:
//   floor(floor(weighted 1e18 / debt) / 1e4) < 1e18  <=>  weighted < 1e4 debt
// health is told in 1e-30 dollars, rows in 1e-12 dollars times 10^-w, w the widest token's decimals; their
// slack is 0.
// A position's size is its premiumShares, its funding the premiumOffset in 1e-18 of a token: 10^(9 +
// decimals) of the contract's rays, of which there is at most one too much of premium for each position.
// Size: the debt of greatest value that has a legal order, for it the collateral with the greatest reward; of
// what the contract lets repay, to its own target at most, what restores the policy's target.
#include "accounts/moving.h"
#include "accounts/rules/aave_v4/aave_v4.h"
#include "accounts/rules/credit_common.h"
#include "accounts/rules/perp/perp_common.h"

enum {
    SHARE_BITS = 120,   // of the contract's storage
    OFFSET_DIGITS = 9,  // of rays in 1e-18 of a unit of 0 decimals
    OFFSET_TOKENS = 18, // funding's decimals
    VALUE_DIGITS = 22,  // 1e-30 dollars of a price's 1e-8
    RAY_BITS = 90,
    FACTOR_BITS = 14,
    TERMS_BITS = 6,
    VIRTUAL = 1000000,
    SUM_BITS = 195, // of 1e-30 dollars, times 1e18 below 2^255
};

static const enum term TERMS_KNOWN[] = {TERM_ADDED_ASSETS, TERM_ADDED_SHARES, TERM_TARGET_HEALTH,
                                        TERM_MAX_BONUS_HEALTH, TERM_BONUS_FACTOR};

struct spoke {
    struct aave_v4_state s;
    struct aave_v4_account d;
    struct health h;
};

static u256 ray(void)
{
    return u256_pow10(27);
}

// An offset above what the index told makes of the shares belongs to a later index: no premium is known yet.
static void premium_of(const struct instrument *in, const struct position *p, struct aave_v4_reserve *r)
{
    struct checked c = {0};
    i256 offset = i256_mul(i256_from_i128(p->funding), unit10(OFFSET_DIGITS + in->size_decimals));
    i256 grown = credit_signed(ck_mul(&c, credit_amount(p->size), r->drawn_index));
    bool known = i256_cmp(offset, grown) <= 0;
    r->premium_shares = known ? credit_amount(p->size) : U256_ZERO;
    r->premium_offset = known ? offset : I256_ZERO;
}

static void reserve_of(const struct instrument *in, const struct position *p, int64_t price,
                       struct aave_v4_reserve *r)
{
    *r = (struct aave_v4_reserve){.price = u256_from_u64((uint64_t)price),
                                  .decimals = in->size_decimals,
                                  .added_assets = credit_term(in, TERM_ADDED_ASSETS),
                                  .added_shares = credit_term(in, TERM_ADDED_SHARES),
                                  .drawn_index = u256_from_u128(borrow_index_now(in)),
                                  .liquidity = U256_MAX,
                                  .collateral_factor = ck_u64(in->lt_bps),
                                  .max_bonus = ck_u64(in->lb_bps),
                                  .fee = ck_u64(in->fee_bps),
                                  .collateral = p->collateral,
                                  .supplied_shares = credit_amount(p->supply),
                                  .drawn_shares = credit_amount(p->debt)};
    premium_of(in, p, r);
}

static void spoke_of(const struct market *m, const struct account *a, const int64_t *px, struct spoke *x)
{
    struct checked c = {0};
    x->s.n = a->n_positions;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        reserve_of(in, &a->position[i], px[in->asset], &x->s.reserve[i]);
    }
    aave_v4_account_data(&c, &x->s, &x->d);
    x->h.equity = credit_signed(x->d.weighted);
    x->h.requirement = credit_signed(ck_mul(&c, x->d.debt_value, ck_u64(CREDIT_BPS)));
    x->h.liquidatable = ck_ok(&c) && ck_lt(x->d.health, u256_from_u64(CREDIT_ONE));
}

static u256 supplied(const struct instrument *in, const struct position *p)
{
    struct checked c = {0};
    struct aave_v4_reserve r;
    reserve_of(in, p, 1, &r);
    return aave_v4_supplied(&c, &r);
}

static u256 owed(const struct instrument *in, const struct position *p)
{
    struct checked c = {0};
    struct aave_v4_reserve r;
    if (p->debt == 0)
        return U256_ZERO;
    reserve_of(in, p, 1, &r);
    return aave_v4_owed(&c, &r);
}

// A collateral's asset is named whatever its factor: parameters of its reserve may raise it.
static int row_of(const struct market *m, const struct account *a, int64_t eq, int64_t req, struct affine *f)
{
    unsigned w = credit_widest(m, a);
    f->n = 0;
    f->c = f->slack = I256_ZERO;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        i256 coef = I256_ZERO, up = unit10(w - in->size_decimals);
        if (credit_counts(p))
            coef = i256_mul_i64(i256_mul(credit_signed(supplied(in, p)), up), eq * in->lt_bps);
        if (p->debt != 0)
            coef = i256_sub(coef, i256_mul_i64(i256_mul(credit_signed(owed(in, p)), up), req * CREDIT_BPS));
        if ((credit_counts(p) || p->debt != 0) && perp_row_add(f, in->asset, coef))
            return -1;
    }
    return 0;
}

static int aave_v4_rows(const struct market *m, const struct account *a, const struct band *band,
                        uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    return credit_rows(m, a, band, warn_ppm, out, row_of, e);
}

static void aave_v4_health(const struct market *m, const struct account *a, const int64_t *px,
                           struct health *out)
{
    struct spoke x;
    spoke_of(m, a, px, &x);
    *out = x.h;
}

// The spoke's configuration is the one that stands with the debt's reserve.
static const char *execute(struct spoke *x, const struct instrument *debt, unsigned j, unsigned i, u256 cover,
                           struct aave_v4_call *got)
{
    struct checked c = {0};
    struct aave_v4_order o = {.collateral = i, .debt = j, .debt_to_cover = cover};
    x->s.target_health = credit_term(debt, TERM_TARGET_HEALTH);
    x->s.max_bonus_health = credit_term(debt, TERM_MAX_BONUS_HEALTH);
    x->s.bonus_factor = credit_term(debt, TERM_BONUS_FACTOR);
    return aave_v4_liquidate(&c, &x->s, &x->d, &o, got);
}

static u256 unit_value(const struct aave_v4_reserve *r) // of a token's unit, 1e-30 dollars
{
    struct checked c = {0};
    return ck_mul(&c, r->price, u256_pow10(VALUE_DIGITS - r->decimals));
}

// Units of the debt that leave the target; false: no amount does. What is lost to rounding: a share and two
// units of the collateral, a drawn share and two units of the debt.
static bool target_amount(const struct spoke *x, const struct instrument *coll, unsigned j, unsigned i,
                          u256 bonus, int64_t target, u256 *amount)
{
    struct checked c = {0};
    const struct aave_v4_reserve *d = &x->s.reserve[j], *k = &x->s.reserve[i];
    struct position one = {.supply = 1};
    u256 held = ck_mul(&c, ck_mul(&c, ck_add(&c, supplied(coll, &one), ck_u64(3)), unit_value(k)),
                       k->collateral_factor);
    u256 still = ck_mul(&c, ck_add(&c, ck_div_up(&c, d->drawn_index, ray()), ck_u64(2)), unit_value(d));
    u256 weight = ck_mul(&c, ck_mul(&c, bonus, k->collateral_factor), u256_pow10(10));
    i256 part, have = i256_sub(x->h.equity, credit_signed(ck_div_up(&c, held, ck_u64(CREDIT_BPS))));
    if (!ck_ok(&c) ||
        !credit_repay(i256_add(x->h.requirement, credit_signed(still)), have, weight, target, &part))
        return false;
    *amount = ck_div_up(&c, credit_unsigned(part), unit_value(d));
    return ck_ok(&c);
}

struct offer {
    u256 amount;
    bool full;
    i256 value, reward;
};

static bool offer_of(const struct market *m, const struct account *a, const int64_t *px,
                     const struct size_policy *policy, struct spoke *x, unsigned j, unsigned i,
                     struct offer *out)
{
    struct aave_v4_call got;
    const struct instrument *debt = &m->instrument[a->position[j].instrument];
    const struct instrument *coll = &m->instrument[a->position[i].instrument];
    u256 amount;
    if (execute(x, debt, j, i, U256_MAX, &got)[0] || u256_is_zero(got.received))
        return false;
    u256 most = got.debt;
    if (!target_amount(x, coll, j, i, got.bonus, credit_target(policy), &amount) || !ck_lt(amount, most))
        amount = most;
    i256 left = i256_sub(credit_signed(got.owed), credit_signed(amount));
    if (u256_is_zero(amount) || credit_dusty(policy, debt, left, px[debt->asset]))
        amount = most;
    // A part may leave dust, which the contract refuses, or buy nothing.
    if (execute(x, debt, j, i, amount, &got)[0] || u256_is_zero(got.received)) {
        amount = most;
        if (execute(x, debt, j, i, amount, &got)[0] || u256_is_zero(got.received))
            return false;
    }
    out->amount = amount;
    out->full = u256_cmp(amount, most) == 0;
    out->value = credit_worth_ceil(debt, amount, px[debt->asset]);
    out->reward = i256_sub(credit_worth_floor(coll, got.received, px[coll->asset]), out->value);
    return true;
}

static i256 owed_worth(const struct market *m, const struct position *p, const int64_t *px)
{
    const struct instrument *in = &m->instrument[p->instrument];
    return credit_worth_ceil(in, owed(in, p), px[in->asset]);
}

static int aave_v4_size(const struct market *m, const struct account *a, const int64_t *px,
                        const struct size_policy *policy, struct order_size *out)
{
    struct spoke x;
    struct offer o;
    i256 worth = i256_from_i64(-1); // of the debt that is answered for so far
    spoke_of(m, a, px, &x);
    if (!x.h.liquidatable)
        return -1;
    out->n = 0;
    for (unsigned j = 0; j < a->n_positions; j++) {
        if (a->position[j].debt == 0 || i256_cmp(owed_worth(m, &a->position[j], px), worth) <= 0)
            continue;
        bool found = false;
        for (unsigned i = 0; i < a->n_positions; i++) {
            if (!credit_counts(&a->position[i]) || !offer_of(m, a, px, policy, &x, j, i, &o) ||
                (found && i256_cmp(o.reward, out->reward) <= 0))
                continue;
            found = true;
            out->full = o.full;
            out->n = 2;
            out->value = o.value;
            out->reward = o.reward;
            out->leg[0] = (struct order_leg){.instrument = a->position[j].instrument,
                                             .qty = i256_to_i128(credit_signed(o.amount))};
            out->leg[1] = (struct order_leg){.instrument = a->position[i].instrument, .qty = 0};
        }
        if (found)
            worth = owed_worth(m, &a->position[j], px);
    }
    return out->n ? 0 : -1;
}

static i256 aave_v4_holding(const struct market *m, const struct position *p)
{
    const struct instrument *in = &m->instrument[p->instrument];
    return i256_sub(credit_signed(supplied(in, p)), credit_signed(owed(in, p)));
}

// The premium is repaid first. Once all of it is, the contract starts it anew at the account's own risk,
// which is told with its next state.
static void repay(const struct instrument *in, struct position *p, const struct aave_v4_call *got)
{
    struct checked c = {0};
    struct aave_v4_reserve r;
    u256 premium;
    reserve_of(in, p, 1, &r);
    (void)aave_v4_drawn(&c, &r, &premium);
    p->debt -= i256_to_i128(credit_signed(got->drawn_shares));
    if (p->debt == 0 || u256_cmp(got->premium_ray, premium) == 0) {
        p->size = p->funding = 0;
        return;
    }
    p->funding += i256_to_i128(i256_mul(credit_signed(got->debt), unit10(OFFSET_TOKENS - in->size_decimals)));
}

static void settle_debt(const struct instrument *in, struct position *p, const struct aave_v4_call *got,
                        struct settlement *out)
{
    i256 before = credit_signed(owed(in, p)), paid = credit_signed(got->debt);
    repay(in, p, got);
    i256 moved = i256_sub(before, credit_signed(owed(in, p)));
    credit_flow(out, PARTY_ACCOUNT, p->instrument, moved);
    credit_flow(out, PARTY_LIQUIDATOR, p->instrument, i256_neg(paid));
    credit_flow(out, PARTY_POOL, p->instrument, i256_sub(paid, moved));
}

static void settle_collateral(const struct instrument *in, struct position *p, const struct aave_v4_call *got,
                              struct settlement *out)
{
    i256 before = credit_signed(supplied(in, p)), taken = credit_signed(got->received);
    i256 fee = i256_sub(credit_signed(got->collateral), taken);
    p->supply -= i256_to_i128(credit_signed(got->shares_taken));
    i256 given = i256_sub(before, credit_signed(supplied(in, p)));
    credit_flow(out, PARTY_ACCOUNT, p->instrument, i256_neg(given));
    credit_flow(out, PARTY_LIQUIDATOR, p->instrument, taken);
    credit_flow(out, PARTY_VENUE, p->instrument, fee);
    credit_flow(out, PARTY_POOL, p->instrument, i256_sub(given, i256_add(taken, fee)));
}

// _reportDeficit: every debt of the account is written off.
static void settle_deficit(const struct market *m, struct account *a, struct settlement *out)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        struct position *p = &a->position[i];
        i256 lost = credit_signed(owed(&m->instrument[p->instrument], p));
        credit_flow(out, PARTY_ACCOUNT, p->instrument, lost);
        credit_flow(out, PARTY_DEFICIT, p->instrument, i256_neg(lost));
        p->debt = p->size = p->funding = 0;
    }
}

static int aave_v4_settle(const struct market *m, struct account *a, const int64_t *px,
                          const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct spoke x;
    struct aave_v4_call got;
    if (credit_legs(a, leg, n, e))
        return -1;
    unsigned j = (unsigned)(account_position(a, leg[0].instrument) - a->position);
    unsigned i = (unsigned)(account_position(a, leg[1].instrument) - a->position);
    const struct instrument *debt = &m->instrument[leg[0].instrument];
    spoke_of(m, a, px, &x);
    const char *why = execute(&x, debt, j, i, credit_amount(leg[0].qty), &got);
    if (why[0])
        return err_set(e, "account %u: %s", a->id, why);
    out->n = 0;
    settle_debt(debt, &a->position[j], &got, out);
    settle_collateral(&m->instrument[leg[1].instrument], &a->position[i], &got, out);
    if (got.deficit)
        settle_deficit(m, a, out);
    credit_drop_empty(a);
    return 0;
}

static int check_terms(const struct account *a, const struct instrument *in, struct err *e)
{
    const struct terms *t = &in->terms;
    if (term_get(t, TERM_TARGET_HEALTH) < CREDIT_ONE || term_get(t, TERM_MAX_BONUS_HEALTH) >= CREDIT_ONE ||
        term_get(t, TERM_BONUS_FACTOR) > CREDIT_BPS)
        return err_set(
            e,
            "account %u: reserve %s: Aave V4 needs its target_health, at least 1, max_bonus_health "
            "below 1, bonus_factor_bps up to %d (InvalidLiquidationConfig)",
            a->id, in->name, CREDIT_BPS);
    if ((term_get(t, TERM_ADDED_ASSETS) == 0) != (term_get(t, TERM_ADDED_SHARES) == 0))
        return err_set(e, "account %u: reserve %s: added_assets and added_shares go together", a->id,
                       in->name);
    return terms_fit(t, TERMS_KNOWN, sizeof TERMS_KNOWN / sizeof *TERMS_KNOWN, a->id, in->name, e);
}

static int check_reserve(const struct market *m, const struct account *a, const struct instrument *in,
                         struct err *e)
{
    if (credit_check_reserve(m, a, in, e))
        return -1;
    if (in->liquidity_index != (u128)CREDIT_ONE * 1000000000)
        return err_set(
            e,
            "account %u: reserve %s: liquidity_index must be 1: what a share is worth follows from "
            "added_assets and added_shares",
            a->id, in->name);
    if (in->lt_bps >= CREDIT_BPS ||
        (in->lt_bps != 0 &&
         (in->lb_bps < CREDIT_BPS || in->lb_bps * in->lt_bps > CREDIT_BPS * (CREDIT_BPS - 1))))
        return err_set(
            e,
            "account %u: reserve %s: lb_bps must be %d (no bonus) or more, and lb_bps times lt_bps "
            "below 1 (InvalidCollateralFactorAndMaxLiquidationBonus)",
            a->id, in->name, CREDIT_BPS);
    return check_terms(a, in, e);
}

static unsigned most3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a > b ? a : b;
    return ab > c ? ab : c;
}

static unsigned above(unsigned bits, unsigned less) // of a quotient, roughly: its divisor has `less` + 1
{
    return bits > less ? bits - less : 0;
}

// Sums and products in range at every int64 price, whatever the offset; coefficients of rows are then below
// 2^126, beside whatever decimals.
static bool fits(const struct instrument *in, unsigned supply, unsigned debt, unsigned size)
{
    unsigned unit = u256_bits(u256_pow10(in->size_decimals));
    unsigned index = credit_bits(borrow_index_last(in));
    unsigned value = u256_bits(u256_pow10(OFFSET_TOKENS - in->size_decimals)) + CREDIT_PRICE_BITS;
    bool told = term_get(&in->terms, TERM_ADDED_SHARES) != 0;
    unsigned assets = credit_bits(term_get(&in->terms, TERM_ADDED_ASSETS) + VIRTUAL),
             shares = credit_bits(term_get(&in->terms, TERM_ADDED_SHARES) + VIRTUAL);
    unsigned tokens = told && supply ? above(supply + assets, shares - 1) : supply;
    unsigned offset = size ? above(MOVING_FUNDING_BITS, u256_bits(u256_pow10(OFFSET_TOKENS)) - unit) + 1 : 0;
    unsigned owes = debt ? most3(above(debt + index, RAY_BITS - 1), size + index - RAY_BITS + 1, offset) + 2
                         : 0; // drawn, premium and an offset below 0 together
    unsigned most = tokens > owes ? tokens : owes;
    // The offset goes up by what is repaid, and stays in its range.
    unsigned paid = above(size + index, u256_bits(u256_pow10(OFFSET_DIGITS + in->size_decimals)) - 1);
    return supply <= SHARE_BITS && debt <= SHARE_BITS && size <= SHARE_BITS && paid <= MOVING_FUNDING_BITS &&
           most + value + FACTOR_BITS + TERMS_BITS <= SUM_BITS;
}

static int check_position(const struct market *m, const struct account *a, const struct position *p,
                          struct err *e)
{
    const struct instrument *in = &m->instrument[p->instrument];
    if (check_reserve(m, a, in, e))
        return -1;
    if (p->size < 0 || (p->debt == 0 && (p->size != 0 || p->funding != 0)) ||
        (p->size == 0 && p->funding > 0))
        return err_set(e,
                       "account %u: reserve %s: size is premium shares, funding their offset: none without "
                       "debt, no offset above 0 without shares",
                       a->id, in->name);
    unsigned size = credit_bits((u128)p->size), premium = p->funding != 0 && size == 0 ? 1 : size;
    if (!fits(in, credit_bits((u128)p->supply), credit_bits((u128)p->debt), premium))
        return err_set(e, "account %u: reserve %s: supply, debt or premium out of range", a->id, in->name);
    return 0;
}

static int aave_v4_validate(const struct market *m, const struct account *a, struct err *e)
{
    if (credit_check_account(m, a, AAVE_V4_RESERVES_MAX, e))
        return -1;
    for (unsigned i = 0; i < a->n_positions; i++)
        if (check_position(m, a, &a->position[i], e))
            return -1;
    return 0;
}

static bool aave_v4_within(const struct market *next, unsigned i, const struct reach *r)
{
    static const struct account any = {.id = 0}; // its number is all that the check of a reserve reads
    const struct instrument *in = &next->instrument[i];
    struct err e;
    if (in->kind != INST_RESERVE)
        return true;
    bool offset = r->funding_least != 0 || r->funding_most != 0;
    unsigned size = offset && r->size_bits == 0 ? 1 : r->size_bits;
    return check_reserve(next, &any, in, &e) == 0 && fits(in, r->supply_bits, r->debt_bits, size);
}

static void aave_v4_terms(struct instrument *in)
{
    enum { GROWTH_PPM = 1031870, TOKENS = 1000000, BONUS_FACTOR_BPS = 8000 };
    u128 all = (u128)i256_to_i128(unit10(in->size_decimals)) * TOKENS, drawn = in->borrow_index;
    credit_plain(in);
    in->borrow_index = drawn;
    (void)term_set(&in->terms, TERM_ADDED_SHARES, all);
    (void)term_set(&in->terms, TERM_ADDED_ASSETS, all / 1000000 * GROWTH_PPM);
    (void)term_set(&in->terms, TERM_TARGET_HEALTH, CREDIT_ONE / 100 * 105);
    (void)term_set(&in->terms, TERM_MAX_BONUS_HEALTH, CREDIT_ONE / 100 * 95);
    (void)term_set(&in->terms, TERM_BONUS_FACTOR, BONUS_FACTOR_BPS);
}

static const struct borrowing BORROWING = {.terms = aave_v4_terms};

const struct rule rule_aave_v4_1 = {
    .name = "aave-v4-1",
    .uses = USE_PREMIUM,
    .borrowing = &BORROWING,
    .rows = aave_v4_rows,
    .health = aave_v4_health,
    .size = aave_v4_size,
    .settle = aave_v4_settle,
    .holding = aave_v4_holding,
    .bends = credit_straight,
    .within = aave_v4_within,
    .validate = aave_v4_validate,
};
