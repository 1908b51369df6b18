// SPDX-License-Identifier: Apache-2.0
// maker-dog-1: vaults of Maker, each an account with one collateral and one debt. The contract's arithmetic
// is dog.h. The collateral's reserve is the type (ilk): its terms are mat, hole, dirt, dust, chop, chip and
// tip; its supply is ink. The debt's reserve is Dai at that type's rate (borrow_index): debt there is art,
// its terms are Hole and Dirt. A price is what Spotter.poke makes of p with 8 decimals and par 1:
//   spot = floor(p 1e46 / mat); liquidatable <=> ink spot < art rate, both in rad
// Row: a = floor(ink 1e46 / mat), c = -art rate, and ink spot > ink (p 1e46 / mat - 1) >= a p - ink: the
// slack is ink. The price of Dai has no weight in it, but its reserve's rate has: the row names its asset, so
// that a new rate reaches it.
// Liquidation is bark(): no amount is asked for, the room decides, and the penalty is the auction's business.
// Vault and debt go to the venue (the auction); who barks gets tip + chip tab, and pays nothing. Leg 0 tells
// what the bark is expected to take. Dirt stays as told: the next update tells what the auctions owe.
#include "accounts/moving.h"
#include "accounts/rules/credit_common.h"
#include "accounts/rules/maker/dog.h"
#include "accounts/rules/perp/perp_common.h"

enum {
    TOKEN_DECIMALS = 18,                       // wad, whatever the token's own are
    PRICE_TO_WAD = 18 - CREDIT_PRICE_DECIMALS, // digits
    PRICE_TO_SPOT = 46,                        // digits from a price to spot times mat: wad, ray and ray
    INK_BITS = 92,                             // times 1e46 / mat, mat at least a ray: a coefficient of 156
    OWED_BITS = 194,                           // of art rate; times chop, or tab times chip: below 2^255
    LIMIT_BITS = 105,                          // a hole in wad; in rad and times 1e18 below 2^255
};

static const enum term TERMS_KNOWN[] = {
    TERM_LIQUIDATION_RATIO, TERM_HOLE, TERM_DIRT, TERM_TOTAL_HOLE, TERM_TOTAL_DIRT,
    TERM_DEBT_DUST,         TERM_CHOP, TERM_CHIP, TERM_TIP};

struct urn {
    const struct position *debt, *coll; // coll NULL: none
    const struct instrument *dai, *ilk;
};

static u256 ray(void)
{
    return u256_pow10(DOG_RAY_DIGITS);
}

static u256 rad_term(const struct instrument *in, enum term key) // told in wad
{
    struct checked c = {0};
    return ck_mul(&c, credit_term(in, key), ray());
}

// False: nothing is owed.
static bool urn_of(const struct market *m, const struct account *a, struct urn *u)
{
    struct credit_pair x;
    bool owes = credit_pair_of(m, a, &x);
    *u = (struct urn){.debt = x.debt, .coll = x.coll, .dai = x.loan, .ilk = x.back};
    return owes;
}

static u256 rate_of(const struct urn *u)
{
    return u256_from_u128(borrow_index_now(u->dai));
}

static u256 owed_rad(const struct urn *u)
{
    struct checked c = {0};
    return ck_mul(&c, credit_amount(u->debt->debt), rate_of(u));
}

static u256 spot_of(const struct urn *u, const int64_t *px)
{
    struct checked c = {0};
    u256 val = ck_mul(&c, u256_from_u64((uint64_t)px[u->ilk->asset]), u256_pow10(PRICE_TO_WAD));
    return dog_spot(&c, val, ray(), credit_term(u->ilk, TERM_LIQUIDATION_RATIO));
}

// H >= 0 at eq times the collateral and req times the debt.
static void row_of(const struct urn *u, int64_t eq, int64_t req, struct affine *f)
{
    struct checked c = {0};
    f->n = 0;
    f->c = i256_neg(i256_mul_i64(credit_signed(owed_rad(u)), req));
    f->slack = I256_ZERO;
    (void)perp_row_add(f, u->dai->asset, u->coll ? I256_ZERO : i256_from_i64(-1)); // at most two assets
    if (!u->coll)
        return;
    u256 ink = credit_amount(u->coll->supply);
    u256 a = ck_mul_div(&c, ink, u256_pow10(PRICE_TO_SPOT), credit_term(u->ilk, TERM_LIQUIDATION_RATIO));
    (void)perp_row_add(f, u->ilk->asset, i256_mul_i64(credit_signed(a), eq));
    f->slack = i256_mul_i64(credit_signed(ink), eq);
}

static int maker_rows(const struct market *m, const struct account *a, const struct band *band,
                      uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    struct urn u;
    if (credit_bands(m, a, band, e))
        return -1;
    if (!urn_of(m, a, &u))
        return 0;
    out[0].level = LEVEL_LIQUIDATE;
    row_of(&u, 1, 1, &out[0]);
    if (warn_ppm == 0)
        return 1;
    out[1].level = LEVEL_WARN;
    row_of(&u, 1000000, 1000000 + (int64_t)warn_ppm, &out[1]);
    return 2;
}

static void maker_health(const struct market *m, const struct account *a, const int64_t *px,
                         struct health *out)
{
    struct checked c = {0};
    struct urn u;
    u256 worth = U256_ZERO, owed = U256_ZERO;
    if (urn_of(m, a, &u)) {
        owed = owed_rad(&u);
        worth = u.coll ? ck_mul(&c, credit_amount(u.coll->supply), spot_of(&u, px)) : U256_ZERO;
    }
    out->equity = credit_signed(worth);
    out->requirement = credit_signed(owed);
    out->liquidatable = ck_lt(worth, owed);
}

// What the contract would take now. NULL, or its words.
static const char *bark(const struct urn *u, const int64_t *px, struct dog_bark *out)
{
    struct checked c = {0};
    if (!u->coll)
        return "Dog/null-auction";
    struct dog_vault v = {.ink = credit_amount(u->coll->supply),
                          .art = credit_amount(u->debt->debt),
                          .rate = rate_of(u),
                          .spot = spot_of(u, px),
                          .dust = rad_term(u->ilk, TERM_DEBT_DUST),
                          .chop = credit_term(u->ilk, TERM_CHOP),
                          .live = true};
    struct dog_room room = {.total_hole = rad_term(u->dai, TERM_TOTAL_HOLE),
                            .total_dirt = rad_term(u->dai, TERM_TOTAL_DIRT),
                            .hole = rad_term(u->ilk, TERM_HOLE),
                            .dirt = rad_term(u->ilk, TERM_DIRT)};
    *out = dog_bark(&c, &v, &room);
    return c.why;
}

// Wad of Dai that who barks is paid.
static u256 paid_for(const struct urn *u, const struct dog_bark *b)
{
    struct checked c = {0};
    u256 coin = dog_incentive(&c, rad_term(u->ilk, TERM_TIP), credit_term(u->ilk, TERM_CHIP), b->tab);
    return ck_div(&c, coin, ray());
}

static u256 due_up(const struct dog_bark *b) // in wad
{
    struct checked c = {0};
    return ck_div_up(&c, b->due, ray());
}

static int maker_size(const struct market *m, const struct account *a, const int64_t *px,
                      const struct size_policy *policy, struct order_size *out)
{
    struct urn u;
    struct dog_bark b;
    (void)policy; // the contract knows no other part than its room
    if (!urn_of(m, a, &u) || bark(&u, px, &b))
        return -1;
    u256 due = due_up(&b);
    out->full = !b.partial;
    credit_order(out, u.debt, i256_to_i128(credit_signed(due)), u.coll);
    out->value = credit_worth_ceil(u.dai, due, px[u.dai->asset]);
    out->reward = credit_worth_floor(u.dai, paid_for(&u, &b), px[u.dai->asset]);
    return 0;
}

static i256 maker_holding(const struct market *m, const struct position *p)
{
    struct checked c = {0};
    u256 rate = u256_from_u128(borrow_index_now(&m->instrument[p->instrument]));
    u256 owed = ck_mul_div_up(&c, credit_amount(p->debt), rate, ray());
    return i256_sub(i256_from_i128(p->supply), credit_signed(owed));
}

static int maker_settle(const struct market *m, struct account *a, const int64_t *px,
                        const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct urn u;
    struct dog_bark b;
    if (credit_legs(a, leg, n, e) || !urn_of(m, a, &u))
        return -1;
    const char *why = bark(&u, px, &b);
    if (why)
        return err_set(e, "account %u: %s", a->id, why);
    struct position *d = &a->position[u.debt - a->position], *s = &a->position[u.coll - a->position];
    i256 before = maker_holding(m, d), ink = credit_signed(b.dink);
    i256 due = credit_signed(due_up(&b)), coin = credit_signed(paid_for(&u, &b));
    d->debt -= i256_to_i128(credit_signed(b.dart));
    s->supply -= i256_to_i128(ink);
    i256 relieved = i256_sub(maker_holding(m, d), before);
    out->n = 0;
    credit_flow(out, PARTY_ACCOUNT, d->instrument, relieved);
    credit_flow(out, PARTY_LIQUIDATOR, d->instrument, coin);
    credit_flow(out, PARTY_VENUE, d->instrument, i256_neg(i256_add(due, coin)));
    credit_flow(out, PARTY_POOL, d->instrument, i256_sub(due, relieved));
    credit_flow(out, PARTY_ACCOUNT, s->instrument, i256_neg(ink));
    credit_flow(out, PARTY_VENUE, s->instrument, ink);
    credit_drop_empty(a);
    return 0;
}

// What any reserve of the rule is.
static int check_reserve(const struct market *m, const struct account *a, const struct instrument *in,
                         struct err *e)
{
    if (credit_check_reserve(m, a, in, e) ||
        terms_fit(&in->terms, TERMS_KNOWN, sizeof TERMS_KNOWN / sizeof *TERMS_KNOWN, a->id, in->name, e))
        return -1;
    if (in->size_decimals != TOKEN_DECIMALS)
        return err_set(e, "account %u: reserve %s: Maker counts every token in %d decimals (wad)", a->id,
                       in->name, TOKEN_DECIMALS);
    if (in->lt_bps != 0)
        return err_set(e, "account %u: reserve %s: Maker's threshold is liquidation_ratio: lt_bps must be 0",
                       a->id, in->name);
    if (u256_cmp(u256_from_u128(in->liquidity_index), ray()) != 0)
        return err_set(e, "account %u: reserve %s: Maker's supply does not grow: liquidity_index must be 1",
                       a->id, in->name);
    return 0;
}

static bool limit_fits(const struct instrument *in, enum term key)
{
    return credit_bits(term_get(&in->terms, key)) <= LIMIT_BITS;
}

static int check_dai(const struct account *a, const struct instrument *in, unsigned debt_bits, struct err *e)
{
    if (term_get(&in->terms, TERM_TOTAL_HOLE) == 0 || !limit_fits(in, TERM_TOTAL_HOLE) ||
        !limit_fits(in, TERM_TOTAL_DIRT))
        return err_set(
            e,
            "account %u: reserve %s: a debt of Maker needs total_hole, above 0, it and total_dirt below 2^%d",
            a->id, in->name, LIMIT_BITS);
    if (debt_bits + credit_bits(in->borrow_index) > OWED_BITS)
        return err_set(e, "account %u: reserve %s: debt out of range", a->id, in->name);
    return 0;
}

static int check_ilk(const struct account *a, const struct instrument *in, unsigned supply_bits,
                     struct err *e)
{
    u128 chop = term_get(&in->terms, TERM_CHOP);
    if (u256_cmp(credit_term(in, TERM_LIQUIDATION_RATIO), ray()) < 0)
        return err_set(e, "account %u: reserve %s: Maker's collateral needs liquidation_ratio, 1 or more",
                       a->id, in->name);
    if (chop < CREDIT_ONE || chop > 2 * (u128)CREDIT_ONE || term_get(&in->terms, TERM_CHIP) > CREDIT_ONE)
        return err_set(e, "account %u: reserve %s: Maker's chop must be 1 to 2, its chip 0 to 1", a->id,
                       in->name);
    if (term_get(&in->terms, TERM_HOLE) == 0 || !limit_fits(in, TERM_HOLE) || !limit_fits(in, TERM_DIRT) ||
        !limit_fits(in, TERM_DEBT_DUST) || !limit_fits(in, TERM_TIP))
        return err_set(e,
                       "account %u: reserve %s: Maker's collateral needs hole, above 0; it, dirt, debt_dust "
                       "and tip below 2^%d",
                       a->id, in->name, LIMIT_BITS);
    if (supply_bits > INK_BITS)
        return err_set(e, "account %u: reserve %s: supply out of range", a->id, in->name);
    return 0;
}

static int maker_validate(const struct market *m, const struct account *a, struct err *e)
{
    struct credit_pair x = {.debt = NULL};
    if (credit_check_account(m, a, ACCOUNT_POSITIONS_MAX, e))
        return -1;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (check_reserve(m, a, in, e))
            return -1;
        if (credit_pair_add(a, p, in, "vault", &x, e) ||
            (p->debt != 0 && check_dai(a, in, credit_bits((u128)p->debt), e)) ||
            (credit_counts(p) && check_ilk(a, in, credit_bits((u128)p->supply), e)))
            return -1;
    }
    return 0;
}

static bool maker_within(const struct market *next, unsigned i, const struct reach *r)
{
    static const struct account any = {.id = 0}; // its number is all that the checks of a reserve read
    const struct instrument *in = &next->instrument[i];
    struct err e;
    if (in->kind != INST_RESERVE)
        return true;
    // A supply that is not enabled needs no terms: then every account is looked at.
    return check_reserve(next, &any, in, &e) == 0 &&
           (r->debt_bits == 0 || check_dai(&any, in, r->debt_bits, &e) == 0) &&
           (r->supply_bits == 0 || check_ilk(&any, in, r->supply_bits, &e) == 0);
}

// Reserves that serve as collateral and as Dai, of the size of Maker's own: 145 %, 13 %, holes of 40 and 100
// million, 250 Dai and 0.1 % for the bark; but a dust that lets generated vaults, which are small, be cut.
static void maker_terms(struct instrument *in)
{
    enum { HOLE = 40000000, TOTAL_HOLE = 100000000, DUST = 100, TIP = 250, GAIN_BPS = 10010 };
    const u128 one = CREDIT_ONE, rate = in->borrow_index;
    const struct {
        enum term key;
        u128 value;
    } list[] = {{TERM_LIQUIDATION_RATIO, one * 1000000000 / 100 * 145},
                {TERM_HOLE, one * HOLE},
                {TERM_TOTAL_HOLE, one * TOTAL_HOLE},
                {TERM_DEBT_DUST, one * DUST},
                {TERM_CHOP, one / 100 * 113},
                {TERM_CHIP, one / 1000},
                {TERM_TIP, one * TIP}};
    credit_plain(in);
    in->borrow_index = rate;
    in->size_decimals = TOKEN_DECIMALS;
    in->lt_bps = in->fee_bps = 0;
    in->lb_bps = GAIN_BPS;
    for (unsigned k = 0; k < sizeof list / sizeof *list; k++)
        (void)term_set(&in->terms, list[k].key, list[k].value);
}

static const struct borrowing BORROWING = {
    .debts = 1, .collaterals = 1, .paid = true, .dollars = true, .terms = maker_terms};

const struct rule rule_maker_dog_1 = {
    .name = "maker-dog-1",
    .borrowing = &BORROWING,
    .rows = maker_rows,
    .health = maker_health,
    .size = maker_size,
    .settle = maker_settle,
    .holding = maker_holding,
    .bends = credit_straight,
    .within = maker_within,
    .validate = maker_validate,
};
