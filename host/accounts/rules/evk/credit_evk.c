// SPDX-License-Identifier: Apache-2.0
// evk-1: accounts of Euler's vault kit. The contract's arithmetic is evk.h; an account owes to one vault, its
// controller, and its collaterals are shares of others (docs/rules.md, "Euler").
//   tokens_i = floor(shares_i (assets_i + 1e6) / (shares of all_i + 1e6)), convertToAssets
//   value_i = floor(tokens_i p_i 1e10 / 10^dec), 1e-18 dollars: a feed of 8 decimals by Euler's adapters
//   adjusted = sum floor(value_i ltv_i / 1e4), liquidatable <=> adjusted <= liability value, which is not 0
// health adds one to the liability's value, as the contract's test has equality. LTVs are lt_now's, whose
// ramp is LTVConfig's. Rows are in 1e-12 dollars times 10^-w, w the widest token's decimals: the two floors
// of a collateral and the one unit added to the debt (whose own floor is on the safe side) cost less than
// (2 n + 1) 1e-18 dollars, which is the slack.
// Size: of the collateral with the greatest reward, x of the debt's value with adjusted - (ltv / factor) x >=
// T (liability - x), factor one less the discount, at most the contract's own maximum.
// rule_state[0] is the second at which the account was last found healthy by its vault (0: never told); a
// liquidation leaves it, as the contract forgives the violator's status check.
#include "accounts/moving.h"
#include "accounts/rules/credit_common.h"
#include "accounts/rules/evk/evk.h"
#include "accounts/rules/perp/perp_common.h"

enum {
    VALUE_DIGITS = 10, // 1e-18 dollars of a price's 1e-8
    ROW_DIGITS = 6,    // 1e-18 dollars in a row's quanta: 10^(w - 6)
    AMOUNT_BITS = 112, // MAX_SANE_AMOUNT
    LTV_BITS = 14,
    ONE_BITS = 60,
    WORD_BITS = 255,
    VIRTUAL = 1000000, // VIRTUAL_DEPOSIT_AMOUNT
};

static const enum term TERMS_KNOWN[] = {TERM_MAX_DISCOUNT, TERM_COOL_OFF, TERM_KEEP_DEBT, TERM_VAULT_ASSETS,
                                        TERM_VAULT_SHARES};

struct owing {
    struct evk_state s;
    struct evk_health h;
    const char *why; // sums leave the contract's word: no call succeeds
    const struct instrument *loan;
    const struct position *debt, *of[EVK_COLLATERALS_MAX]; // by collateral
    const struct instrument *in[EVK_COLLATERALS_MAX];
};

static u256 tokens_of(const struct instrument *in, u256 shares)
{
    struct checked c = {0};
    if (term_get(&in->terms, TERM_VAULT_SHARES) == 0)
        return shares;
    return ck_mul_div(&c, shares, ck_add(&c, credit_term(in, TERM_VAULT_ASSETS), ck_u64(VIRTUAL)),
                      ck_add(&c, credit_term(in, TERM_VAULT_SHARES), ck_u64(VIRTUAL)));
}

static u256 quote(const struct instrument *in, u256 tokens, const int64_t *px)
{
    struct checked c = {0};
    u256 price = ck_mul(&c, u256_from_u64((uint64_t)px[in->asset]), u256_pow10(VALUE_DIGITS));
    return ck_mul_div(&c, tokens, price, u256_pow10(in->size_decimals));
}

// An LTV of 0 with no bonus told is one that the vault has never been given.
static bool configured(const struct instrument *in)
{
    return in->lt_bps != 0 || in->ramp_from_bps != 0 || in->lb_bps != 0;
}

static void add_collateral(struct owing *x, const struct instrument *in, const struct position *p,
                           const int64_t *px)
{
    u256 shares = credit_amount(p->supply);
    x->of[x->s.n] = p;
    x->in[x->s.n] = in;
    x->s.collateral[x->s.n++] = (struct evk_collateral){.balance = shares,
                                                        .value = quote(in, tokens_of(in, shares), px),
                                                        .liquidation_ltv = lt_now(in),
                                                        .target_timestamp = configured(in),
                                                        .enabled = true};
}

// False: nothing is owed.
static bool owing_of(const struct market *m, const struct account *a, const int64_t *px, struct owing *x)
{
    struct checked c = {0};
    x->debt = NULL;
    x->s = (struct evk_state){.now = m->now_s, .oracle = true, .controller = EVK_THIS};
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (p->debt != 0) {
            x->debt = p;
            x->loan = in;
        } else if (credit_counts(p)) {
            add_collateral(x, in, p, px);
        }
    }
    if (!x->debt)
        return false;
    x->s.liability = credit_amount(x->debt->debt);
    x->s.liability_value = quote(x->loan, x->s.liability, px);
    x->s.max_discount = (uint64_t)term_get(&x->loan->terms, TERM_MAX_DISCOUNT);
    x->s.keep_debt = term_get(&x->loan->terms, TERM_KEEP_DEBT) != 0;
    x->s.last_status_check = a->rule_state[0];
    // Before it was ever told healthy nothing cools off: so it is on a chain, whose clock is far from 0.
    x->s.cool_off = a->rule_state[0] ? (uint64_t)term_get(&x->loan->terms, TERM_COOL_OFF) : 0;
    evk_health_at(&c, &x->s, x->s.now, &x->h);
    x->why = c.why;
    return true;
}

static int row_of(const struct market *m, const struct account *a, int64_t eq, int64_t req, struct affine *f)
{
    unsigned w = credit_widest(m, a);
    i256 unit = unit10(w > ROW_DIGITS ? w - ROW_DIGITS : 0);
    f->n = 0;
    f->c = I256_ZERO;
    f->slack = i256_mul_i64(unit, req);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        i256 coef = I256_ZERO, up = unit10(w - in->size_decimals);
        if (p->debt != 0) {
            coef = i256_neg(i256_mul_i64(i256_mul(i256_from_i128(p->debt), up), req * CREDIT_BPS));
        } else if (credit_counts(p)) {
            i256 tokens = credit_signed(tokens_of(in, credit_amount(p->supply)));
            coef = i256_mul_i64(i256_mul(tokens, up), eq * lt_span(in));
            f->slack = i256_add(f->slack, i256_mul_i64(unit, 2 * eq));
        }
        if (i256_sign(coef) != 0 && perp_row_add(f, in->asset, coef))
            return -1;
    }
    return 0;
}

static int evk_rows(const struct market *m, const struct account *a, const struct band *band,
                    uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    return credit_rows(m, a, band, warn_ppm, out, row_of, e);
}

static void health_of(const struct owing *x, struct health *out)
{
    struct checked c = {0};
    bool owed = !u256_is_zero(x->h.liability);
    out->equity = credit_signed(x->h.adjusted);
    out->requirement = credit_signed(owed ? ck_add(&c, x->h.liability, ck_u64(1)) : U256_ZERO);
    out->liquidatable = !x->why && x->h.violation && !evk_cooling(&x->s);
}

static void evk_health(const struct market *m, const struct account *a, const int64_t *px, struct health *out)
{
    struct owing x;
    *out = (struct health){.equity = I256_ZERO, .requirement = I256_ZERO};
    if (owing_of(m, a, px, &x))
        health_of(&x, out);
}

// At most qty of the debt; false: the contract refuses. What exceeds the contract's own maximum is that.
static const char *execute(const struct owing *x, unsigned k, u256 qty, struct evk_call *got)
{
    struct checked c = {0};
    struct evk_order o = {.collateral = k, .repay = qty, .min_yield = U256_ZERO, .liquidator_enabled = true};
    const char *why = evk_liquidate(&c, &x->s, &x->h, &o, got);
    if (ck_ok(&c) && why[0] && ck_lt(got->max_repay, qty)) {
        o.repay = U256_MAX;
        why = evk_liquidate(&c, &x->s, &x->h, &o, got);
    }
    return why;
}

// Units of the debt that leave the target; false: no amount does. What is lost to rounding: of the collateral
// two tokens and the yield of two units of debt more, for each value a unit.
static bool target_amount(const struct owing *x, const int64_t *px, unsigned k, u256 factor, int64_t target,
                          u256 *amount)
{
    struct checked c = {0};
    struct health h;
    i256 part;
    const u256 one = u256_from_u64(CREDIT_ONE);
    u256 token = tokens_of(x->in[k], ck_u64(1)); // of a share
    u256 owed_unit = ck_add(&c, quote(x->loan, ck_u64(1), px), ck_u64(1));
    u256 held_unit = ck_add(&c, quote(x->in[k], ck_add(&c, token, ck_u64(2)), px), ck_u64(1));
    u256 yield =
        ck_mul_div_up(&c, ck_add(&c, ck_mul(&c, owed_unit, ck_u64(2)), ck_u64(VALUE_DIGITS)), one, factor);
    u256 lost = ck_add(&c, yield, ck_add(&c, ck_mul(&c, held_unit, ck_u64(2)), ck_u64(VALUE_DIGITS)));
    u256 weight = ck_full_div_up(&c, ck_u64(x->s.collateral[k].liquidation_ltv * (CREDIT_ONE / CREDIT_BPS)),
                                 one, factor);
    health_of(x, &h);
    if (!ck_ok(&c) || !credit_repay(i256_add(h.requirement, i256_from_i64(1)),
                                    i256_sub(h.equity, credit_signed(lost)), weight, target, &part))
        return false;
    *amount = ck_full_div_up(&c, credit_unsigned(part), x->s.liability, x->h.liability);
    return ck_ok(&c);
}

struct offer {
    u256 amount;
    bool full;
    i256 value, reward;
};

static bool offer_of(const struct owing *x, const int64_t *px, const struct size_policy *policy, unsigned k,
                     struct offer *out)
{
    struct evk_call got;
    u256 amount;
    if (execute(x, k, U256_MAX, &got)[0])
        return false;
    u256 most = got.max_repay;
    if (!target_amount(x, px, k, got.discount_factor, credit_target(policy), &amount) || !ck_lt(amount, most))
        amount = most;
    i256 left = i256_sub(credit_signed(x->s.liability), credit_signed(amount));
    if (credit_dusty(policy, x->loan, left, px[x->loan->asset]))
        amount = most;
    // A little may buy no share at all, which nobody repays for.
    if (execute(x, k, amount, &got)[0] || u256_is_zero(got.yield)) {
        amount = most;
        if (execute(x, k, amount, &got)[0] || u256_is_zero(got.yield))
            return false;
    }
    out->amount = ck_max(amount, ck_u64(1)); // what is worth nothing is taken for nothing
    out->full = u256_cmp(amount, most) == 0;
    out->value = credit_worth_ceil(x->loan, got.repay, px[x->loan->asset]);
    out->reward = i256_sub(credit_worth_floor(x->in[k], tokens_of(x->in[k], got.yield), px[x->in[k]->asset]),
                           out->value);
    return true;
}

static int evk_size(const struct market *m, const struct account *a, const int64_t *px,
                    const struct size_policy *policy, struct order_size *out)
{
    struct owing x;
    struct health h;
    struct offer o;
    if (!owing_of(m, a, px, &x))
        return -1;
    health_of(&x, &h);
    if (!h.liquidatable)
        return -1;
    out->n = 0;
    for (unsigned k = 0; k < x.s.n; k++) {
        if (!offer_of(&x, px, policy, k, &o) || (out->n && i256_cmp(o.reward, out->reward) <= 0))
            continue;
        out->full = o.full;
        out->value = o.value;
        out->reward = o.reward;
        credit_order(out, x.debt, i256_to_i128(credit_signed(o.amount)), x.of[k]);
    }
    return out->n ? 0 : -1;
}

static i256 evk_holding(const struct market *m, const struct position *p)
{
    const struct instrument *in = &m->instrument[p->instrument];
    return i256_sub(credit_signed(tokens_of(in, credit_amount(p->supply))), i256_from_i128(p->debt));
}

static int evk_settle(const struct market *m, struct account *a, const int64_t *px,
                      const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct owing x;
    struct health h;
    struct evk_call got;
    unsigned k = 0;
    if (credit_legs(a, leg, n, e) || !owing_of(m, a, px, &x))
        return -1;
    while (x.of[k]->instrument != leg[1].instrument)
        k++;
    const char *why = x.why ? x.why : execute(&x, k, credit_amount(leg[0].qty), &got);
    if (why[0])
        return err_set(e, "account %u: %s", a->id, why);
    health_of(&x, &h);
    if (!h.liquidatable) // the contract takes such a call, and moves nothing
        return err_set(e, "account %u: not in violation", a->id);
    struct position *d = &a->position[x.debt - a->position], *s = &a->position[x.of[k] - a->position];
    i256 paid = credit_signed(got.repay), lost = credit_signed(got.socialised), held = evk_holding(m, s);
    d->debt -= i256_to_i128(i256_add(paid, lost));
    s->supply -= i256_to_i128(credit_signed(got.yield));
    i256 given = i256_sub(held, evk_holding(m, s)), taken = credit_signed(tokens_of(x.in[k], got.yield));
    out->n = 0;
    credit_flow(out, PARTY_ACCOUNT, d->instrument, i256_add(paid, lost));
    credit_flow(out, PARTY_LIQUIDATOR, d->instrument, i256_neg(paid));
    credit_flow(out, PARTY_DEFICIT, d->instrument, i256_neg(lost));
    credit_flow(out, PARTY_ACCOUNT, s->instrument, i256_neg(given));
    credit_flow(out, PARTY_LIQUIDATOR, s->instrument, taken);
    credit_flow(out, PARTY_POOL, s->instrument, i256_sub(given, taken));
    credit_drop_empty(a);
    return 0;
}

static int check_terms(const struct account *a, const struct instrument *in, struct err *e)
{
    u128 assets = term_get(&in->terms, TERM_VAULT_ASSETS), shares = term_get(&in->terms, TERM_VAULT_SHARES);
    if (term_get(&in->terms, TERM_MAX_DISCOUNT) >= CREDIT_BPS)
        return err_set(e, "account %u: reserve %s: max_discount_bps must be below %d", a->id, in->name,
                       CREDIT_BPS);
    if (term_get(&in->terms, TERM_COOL_OFF) > MOVING_TIME_MAX || term_get(&in->terms, TERM_KEEP_DEBT) > 1)
        return err_set(e, "account %u: reserve %s: cool_off_s is in seconds, keep_debt 0 or 1", a->id,
                       in->name);
    if ((assets == 0) != (shares == 0) || credit_bits(assets) > AMOUNT_BITS ||
        credit_bits(shares) > AMOUNT_BITS)
        return err_set(e, "account %u: reserve %s: vault_assets and vault_shares go together, below 2^%d",
                       a->id, in->name, AMOUNT_BITS);
    return terms_fit(&in->terms, TERMS_KNOWN, sizeof TERMS_KNOWN / sizeof *TERMS_KNOWN, a->id, in->name, e);
}

static int check_reserve(const struct market *m, const struct account *a, const struct instrument *in,
                         struct err *e)
{
    const u128 ray = (u128)CREDIT_ONE * 1000000000;
    if (credit_check_reserve(m, a, in, e))
        return -1;
    if (in->liquidity_index != ray || in->borrow_index != ray)
        return err_set(e,
                       "account %u: reserve %s: indexes must be 1: debts are told with their interest, a "
                       "vault's rate by vault_assets and vault_shares",
                       a->id, in->name);
    if ((in->lb_bps != 0 && in->lb_bps != CREDIT_BPS) || in->fee_bps != 0)
        return err_set(e,
                       "account %u: reserve %s: Euler's discount follows from health: lb_bps is %d (0 for a "
                       "collateral without an LTV), fee_bps 0",
                       a->id, in->name, CREDIT_BPS);
    return check_terms(a, in, e);
}

// Every product of the contract below 2^255 at every int64 price, every coefficient of a row in its range; w:
// the widest decimals it can stand beside.
static bool fits(const struct instrument *in, unsigned supply_bits, unsigned debt_bits, unsigned w)
{
    unsigned scale = u256_bits(u256_pow10(w - in->size_decimals));
    unsigned price = CREDIT_PRICE_BITS + u256_bits(u256_pow10(VALUE_DIGITS)) + 1 -
                     u256_bits(u256_pow10(in->size_decimals)); // value of an amount of one bit less
    unsigned above = credit_bits(term_get(&in->terms, TERM_VAULT_ASSETS) + VIRTUAL),
             below = credit_bits(term_get(&in->terms, TERM_VAULT_SHARES) + VIRTUAL);
    bool told = term_get(&in->terms, TERM_VAULT_SHARES) != 0;
    unsigned tokens = !told || supply_bits == 0 ? supply_bits : supply_bits + above + 1;
    tokens = told && supply_bits ? (tokens > below ? tokens - below : 1) : tokens;
    unsigned most = tokens > debt_bits ? tokens : debt_bits;
    unsigned counted = supply_bits > debt_bits ? supply_bits : debt_bits;
    return most + price + ONE_BITS <= WORD_BITS && most + price + counted <= WORD_BITS &&
           most + LTV_BITS + scale <= CREDIT_COEF_BITS;
}

static int check_positions(const struct market *m, const struct account *a, struct err *e)
{
    const struct position *debt = NULL;
    unsigned enabled = 0, w = credit_widest(m, a);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (check_reserve(m, a, in, e))
            return -1;
        if (p->debt != 0 && (debt || p->supply != 0))
            return err_set(
                e, "account %u: reserve %s: an account owes to one vault, whose shares are no collateral",
                a->id, in->name);
        if (!fits(in, credit_bits((u128)p->supply), credit_bits((u128)p->debt), w))
            return err_set(e, "account %u: reserve %s: supply or debt out of range", a->id, in->name);
        debt = p->debt != 0 ? p : debt;
        enabled += credit_counts(p);
    }
    return enabled <= EVK_ENABLED_MAX
               ? 0
               : err_set(e, "account %u: more than %d collaterals enabled", a->id, EVK_ENABLED_MAX);
}

static int evk_validate(const struct market *m, const struct account *a, struct err *e)
{
    if (credit_check_account(m, a, ACCOUNT_POSITIONS_MAX, e))
        return -1;
    if (a->rule_state[0] > MOVING_TIME_MAX || a->rule_state[1] != 0)
        return err_set(e, "account %u: rule_state is the second of its last status check, of the Unix epoch",
                       a->id);
    return check_positions(m, a, e);
}

static bool evk_within(const struct market *next, unsigned i, const struct reach *r)
{
    // Its number and rule are all that the check of a reserve reads.
    static const struct account any = {.id = 0, .rule = &rule_evk_1};
    const struct instrument *in = &next->instrument[i];
    struct err e;
    if (in->kind != INST_RESERVE)
        return true;
    return check_reserve(next, &any, in, &e) == 0 &&
           fits(in, r->supply_bits, r->debt_bits, credit_widest_of(next));
}

static void evk_terms(struct instrument *in)
{
    enum { MAX_DISCOUNT_BPS = 1500, GROWTH_PPM = 1073219, TOKENS = 1000000 };
    u128 all = (u128)i256_to_i128(unit10(in->size_decimals)) * TOKENS;
    credit_plain(in);
    in->lb_bps = CREDIT_BPS;
    in->fee_bps = 0;
    (void)term_set(&in->terms, TERM_MAX_DISCOUNT, MAX_DISCOUNT_BPS);
    (void)term_set(&in->terms, TERM_VAULT_SHARES, all);
    (void)term_set(&in->terms, TERM_VAULT_ASSETS, all / 1000000 * GROWTH_PPM);
}

static const struct borrowing BORROWING = {.debts = 1, .terms = evk_terms};

const struct rule rule_evk_1 = {
    .name = "evk-1",
    .uses = USE_STATE | USE_RAMPS,
    .borrowing = &BORROWING,
    .rows = evk_rows,
    .health = evk_health,
    .size = evk_size,
    .settle = evk_settle,
    .holding = evk_holding,
    .bends = credit_straight,
    .within = evk_within,
    .validate = evk_validate,
};
