// SPDX-License-Identifier: Apache-2.0
// Aave v3: size and settlement of a liquidation. Source: LiquidationLogic of each version
// (executeLiquidationCall, _calculateAvailableCollateralToLiquidate, _burnDebtTokens, _burnBadDebt), the
// variant that hands the underlying to the liquidator (receiveAToken = false); restated in docs/rules.md.
//
// Size. Repaying debt of value x and seizing LB x of a collateral with threshold LT gives health
// (S - LB LT x) / (D - x); equal to T for x = (T D - S) / (T - LB LT), everything allowed when the
// denominator is not positive. x is computed with an allowance for the rounding of balances, so that an
// unclipped order meets the target exactly. Then clipped by what the contract allows (close factor, balances,
// dust rule). Choice of reserves, deterministic: the debt of greatest value that has a legal order; for it
// the collateral with the greatest reward; ties by the lower instrument.
#include "accounts/rules/aave/aave_common.h"

#include <string.h>

static const uint32_t CLOSE_FACTOR_BPS = 5000;
static const int64_t CLOSE_FACTOR_HF = 950000000000000000;     // 0.95e18
static const int64_t MIN_BASE_MAX_CLOSE_FACTOR = 200000000000; // 2000e8
static const int64_t MIN_LEFTOVER_BASE = 100000000000;         // 1000e8

// One side of a liquidation call.
struct side {
    const struct position *p;
    const struct instrument *in;
    i256 balance; // token units
    i256 unit;    // 10^decimals
    i256 value;   // base, debt ceiled, collateral floored
    int64_t price;
    unsigned decimals;
};

struct call {
    enum aave_version v;
    struct side debt, coll;
    uint32_t lt, lb;
};

struct amounts {
    i256 debt;  // repaid
    i256 coll;  // to the liquidator
    i256 fee;   // to the treasury
    i256 value; // of coll + fee, base
};

static struct side debt_side(enum aave_version v, const struct market *m, const struct position *p,
                             const int64_t *px)
{
    struct side s = {.p = p, .in = &m->instrument[p->instrument]};
    s.price = px[s.in->asset];
    s.decimals = s.in->size_decimals;
    s.unit = unit10(s.decimals);
    s.balance = vtoken_balance(v, p->debt, aave_borrow_index(v, s.in));
    s.value = debt_value(v, s.balance, s.price, s.decimals);
    return s;
}

static struct side coll_side(enum aave_version v, const struct market *m, const struct position *p,
                             const int64_t *px)
{
    struct side s = {.p = p, .in = &m->instrument[p->instrument]};
    s.price = px[s.in->asset];
    s.decimals = s.in->size_decimals;
    s.unit = unit10(s.decimals);
    s.balance = atoken_balance(v, p->supply, liquidity_index_now(s.in));
    s.value = value_floor(s.balance, s.price, s.decimals);
    return s;
}

// Largest amount of the debt reserve that one call may repay.
static i256 max_debt(const struct call *c, const struct aave_account *d)
{
    if (c->v < AAVE_3_3) // half of the reserve's debt
        return aave_health_factor_within(d, CLOSE_FACTOR_HF) ? c->debt.balance
                                                             : percent_mul(c->debt.balance, CLOSE_FACTOR_BPS);
    i256 least = i256_from_i64(MIN_BASE_MAX_CLOSE_FACTOR);
    if (i256_cmp(c->coll.value, least) < 0 || i256_cmp(c->debt.value, least) < 0 ||
        aave_health_factor_within(d, CLOSE_FACTOR_HF))
        return c->debt.balance;
    i256 cap = percent_mul(d->debt, CLOSE_FACTOR_BPS); // half of the account's total debt
    if (i256_cmp(c->debt.value, cap) <= 0)
        return c->debt.balance;
    return i256_div_floor(i256_mul(cap, c->debt.unit), i256_from_i64(c->debt.price));
}

// _calculateAvailableCollateralToLiquidate. From 3.7 on no rounding favours the liquidator; the debt needed
// was ceiled in 3.5 already.
static void calculate(const struct call *c, i256 to_cover, struct amounts *out)
{
    bool directed = c->v >= AAVE_3_7;
    i256 debt_scale = i256_mul_i64(c->coll.unit, c->debt.price); // debtPrice * collUnit
    i256 coll_scale = i256_mul_i64(c->debt.unit, c->coll.price); // collPrice * debtUnit
    i256 base = i256_div_floor(i256_mul(to_cover, debt_scale), coll_scale);
    out->coll = directed ? percent_mul_floor(base, c->lb) : percent_mul(base, c->lb);
    out->debt = to_cover;
    if (i256_cmp(out->coll, c->coll.balance) > 0) {
        out->coll = c->coll.balance;
        base = i256_div_floor(i256_mul(out->coll, coll_scale), debt_scale);
        out->debt = c->v >= AAVE_3_5 ? percent_div_ceil(base, c->lb) : percent_div(base, c->lb);
    }
    out->value = value_floor(out->coll, c->coll.price, c->coll.decimals);
    out->fee = i256_from_i64(0);
    if (c->coll.in->fee_bps != 0 && c->lb != 0) {
        i256 paid = directed ? percent_div_floor(out->coll, c->lb) : percent_div(out->coll, c->lb);
        i256 bonus = i256_sub(out->coll, paid);
        out->fee =
            directed ? percent_mul_ceil(bonus, c->coll.in->fee_bps) : percent_mul(bonus, c->coll.in->fee_bps);
        out->coll = i256_sub(out->coll, out->fee);
    }
}

// What seizure and fee burn of the scaled collateral, each rounded by itself; at most all of it.
static i256 scaled_consumed(const struct call *c, const struct amounts *x)
{
    u128 index = liquidity_index_now(c->coll.in);
    i256 sum = i256_add(atoken_burn_scaled(c->v, x->coll, index), atoken_burn_scaled(c->v, x->fee, index));
    return i256_min(sum, i256_from_i128(c->coll.p->supply));
}

// Nothing backs the account any more once this is seized: the contract (from 3.3 on) then burns all its
// debts.
static bool takes_everything(const struct call *c, const struct aave_account *d, const struct amounts *x)
{
    if (c->v < AAVE_3_3)
        return false;
    if (c->v < AAVE_3_7)
        return i256_cmp(d->collateral, x->value) == 0;
    i256 scaled = scaled_consumed(c, x);
    i256 burnt = atoken_balance(c->v, i256_to_i128(scaled), liquidity_index_now(c->coll.in));
    return i256_cmp(d->collateral, value_floor(burnt, c->coll.price, c->coll.decimals)) == 0;
}

static bool leaves_dust(const struct call *c, const struct amounts *x)
{
    i256 seized = i256_add(x->coll, x->fee), least = i256_from_i64(MIN_LEFTOVER_BASE);
    if (c->v < AAVE_3_3 || i256_cmp(x->debt, c->debt.balance) >= 0 || i256_cmp(seized, c->coll.balance) >= 0)
        return false;
    i256 debt_left = debt_value(c->v, i256_sub(c->debt.balance, x->debt), c->debt.price, c->debt.decimals);
    i256 coll_left = value_floor(i256_sub(c->coll.balance, seized), c->coll.price, c->coll.decimals);
    return i256_cmp(debt_left, least) < 0 || i256_cmp(coll_left, least) < 0;
}

// In the contract's order.
static const char *refusal(const struct call *c, const struct aave_account *d, const struct amounts *x)
{
    if (leaves_dust(c, x))
        return "it would leave dust (MustNotLeaveDust)";
    i256 burn = takes_everything(c, d, x) ? c->debt.balance : x->debt;
    u128 coll_index = liquidity_index_now(c->coll.in), debt_index = aave_borrow_index(c->v, c->debt.in);
    bool nothing =
        atoken_burns_nothing(c->v, x->coll, coll_index) || vtoken_burns_nothing(c->v, burn, debt_index);
    return nothing ? "the amount rounds to nothing (InvalidBurnAmount)" : NULL;
}

// ceil(index / ray) + 1: token units that one scaled unit of rounding can be worth.
static int64_t scaled_unit(u128 index)
{
    u128 one = (u128)1000000000 * 1000000000 * 1000000000;
    return (int64_t)(index / one) + 2;
}

// Debt tokens to repay for health `target` ppm; the reserve's whole debt when no amount gives it.
static i256 target_debt(const struct call *c, const struct aave_account *d, int64_t target)
{
    // An average of different thresholds is floored: S - C bounds what it makes of them (docs/rules.md).
    bool floored = aave_averages(c->v) && d->mixed;
    int64_t lt = floored && c->lt > 0 ? c->lt - 1 : c->lt;
    int64_t den = 100 * target - c->lb * lt;
    if (den <= 0)
        return c->debt.balance;
    // Rounding that can follow: one scaled unit of debt left over and the ceil of its value; two scaled units
    // and two token units of collateral (seizure and fee) and the floor of its value.
    i256 du = i256_from_i64(scaled_unit(aave_borrow_index(c->v, c->debt.in)));
    i256 cu = i256_from_i64(2 * scaled_unit(liquidity_index_now(c->coll.in)) + 2);
    i256 one = i256_from_i64(1);
    i256 debt = i256_add(d->debt, i256_add(value_ceil(du, c->debt.price, c->debt.decimals), one));
    i256 lost = i256_add(value_ceil(cu, c->coll.price, c->coll.decimals), one);
    i256 weighted = i256_sub(d->weighted, i256_mul_i64(lost, lt));
    if (floored)
        weighted = i256_sub(weighted, d->collateral);
    if (aave_averages(c->v)) // percentMul
        weighted = i256_sub(weighted, i256_from_i64(BPS / 2));
    i256 num = i256_sub(i256_mul_i64(debt, 100 * target), i256_mul_i64(weighted, BPS));
    i256 x = i256_div_ceil(num, i256_from_i64(den));
    if (i256_cmp(x, c->debt.value) >= 0) // also keeps x * unit below 2^255
        return c->debt.balance;
    return i256_div_ceil(i256_mul(x, c->debt.unit), i256_from_i64(c->debt.price));
}

// Largest amount that leaves MIN_LEFTOVER_BASE on both sides; may be <= 0.
static i256 leaving_debt(const struct call *c)
{
    i256 one = i256_from_i64(1), least = i256_from_i64(MIN_LEFTOVER_BASE);
    i256 price = i256_from_i64(c->debt.price);
    i256 keep = c->v < AAVE_3_5 // the value of what is left is floored, or ceiled
                    ? i256_div_ceil(i256_mul(least, c->debt.unit), price)
                    : i256_add(i256_div_floor(i256_mul(i256_sub(least, one), c->debt.unit), price), one);
    i256 by_debt = i256_sub(c->debt.balance, keep);
    i256 coll_keep = i256_div_ceil(i256_mul(least, c->coll.unit), i256_from_i64(c->coll.price));
    i256 seize = i256_sub(c->coll.balance, coll_keep);
    if (i256_sign(seize) <= 0)
        return i256_from_i64(0);
    // percentMul(base, LB) <= seize for base <= floor(seize 1e4 / LB); base is a floor, so one more, less
    // one.
    i256 base = i256_div_floor(i256_mul_i64(seize, BPS), i256_from_i64(c->lb));
    i256 top = i256_mul(i256_add(base, one), i256_mul_i64(c->debt.unit, c->coll.price));
    i256 by_coll = i256_div_floor(i256_sub(top, one), i256_mul_i64(c->coll.unit, c->debt.price));
    return i256_min(by_debt, by_coll);
}

// Amount to cover for this pair of reserves; false when the contract allows none.
static bool choose_amount(const struct call *c, const struct aave_account *d,
                          const struct size_policy *policy, i256 *cover, i256 *max, struct amounts *x)
{
    if (c->lb == 0) // collateral in an eMode alone, and the account in none: nothing is given for it
        return false;
    int64_t target = policy->target_ppm > 1000000 ? policy->target_ppm : 1000000;
    i256 dust = i256_mul_i64(i256_from_i64(policy->dust > 0 ? policy->dust : 0), 100000000);
    *max = max_debt(c, d);
    *cover = i256_min(target_debt(c, d, target), *max);
    i256 left = value_ceil(i256_sub(c->debt.balance, *cover), c->debt.price, c->debt.decimals);
    if (i256_cmp(left, dust) < 0)
        *cover = *max;
    calculate(c, *cover, x);
    if (i256_cmp(i256_add(x->coll, x->fee), c->coll.balance) == 0) {
        *cover = *max; // takes all the collateral anyway: say so, and leave no unit of it to rounding
        calculate(c, *cover, x);
    }
    if (!refusal(c, d, x))
        return true;
    *cover = *max; // clearing a side, or as much as is allowed, may be legal where the target is not
    calculate(c, *cover, x);
    if (!refusal(c, d, x))
        return true;
    if (!leaves_dust(c, x))
        return false;
    *cover = i256_min(leaving_debt(c), *max);
    if (i256_sign(*cover) <= 0)
        return false;
    calculate(c, *cover, x);
    return !refusal(c, d, x);
}

// Every position's sides, worked out once.
struct sides {
    struct side debt[ACCOUNT_POSITIONS_MAX],
        coll[ACCOUNT_POSITIONS_MAX]; // by position, where it has that side
};

// The sides and, of the same values, what aave_account_data() gives.
static void look_at(enum aave_version v, const struct market *m, const struct account *a, const int64_t *px,
                    struct sides *s, struct aave_account *d)
{
    *d = (struct aave_account){0};
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (p->supply != 0 && aave_counts(v, in, p)) {
            s->coll[i] = coll_side(v, m, p, px);
            aave_add_collateral(d, s->coll[i].value, aave_lt(in, a));
        }
        if (p->debt != 0) {
            s->debt[i] = debt_side(v, m, p, px);
            d->debt = i256_add(d->debt, s->debt[i].value);
        }
    }
    aave_account_close(v, d);
}

static bool best_collateral(const struct market *m, const struct account *a, const struct sides *s,
                            const struct size_policy *policy, const struct aave_account *d, struct call *c,
                            struct order_size *out)
{
    bool found = false;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (p->supply == 0 || !aave_counts(c->v, in, p) || grace_now(in))
            continue;
        c->coll = s->coll[i];
        c->lt = aave_lt(in, a);
        c->lb = aave_lb(in, a);
        i256 cover, max;
        struct amounts x;
        if (!choose_amount(c, d, policy, &cover, &max, &x) || !i256_fits_i128(cover))
            continue;
        i256 paid = value_ceil(x.debt, c->debt.price, c->debt.decimals);
        i256 reward = i256_sub(value_floor(x.coll, c->coll.price, c->coll.decimals), paid);
        if (found && i256_cmp(reward, out->reward) <= 0)
            continue;
        found = true;
        out->full = i256_cmp(cover, max) == 0;
        out->n = 2;
        out->leg[0] = (struct order_leg){.instrument = c->debt.p->instrument, .qty = i256_to_i128(cover)};
        out->leg[1] = (struct order_leg){.instrument = p->instrument, .qty = 0};
        out->value = paid;
        out->reward = reward;
    }
    return found;
}

int aave_size(enum aave_version v, const struct market *m, const struct account *a, const int64_t *px,
              const struct size_policy *policy, struct order_size *out)
{
    struct aave_account d;
    struct sides s;
    i256 equity, requirement;
    look_at(v, m, a, px, &s, &d);
    aave_compare(&d, &equity, &requirement);
    if (i256_cmp(equity, requirement) >= 0)
        return -1;
    uint64_t tried = 0; // bit a position
    for (;;) {
        unsigned best = ACCOUNT_POSITIONS_MAX;
        for (unsigned i = 0; i < a->n_positions; i++) {
            if (a->position[i].debt == 0 || (tried >> i & 1) != 0 ||
                grace_now(&m->instrument[a->position[i].instrument]))
                continue;
            if (best == ACCOUNT_POSITIONS_MAX || i256_cmp(s.debt[i].value, s.debt[best].value) > 0)
                best = i;
        }
        if (best == ACCOUNT_POSITIONS_MAX)
            return -1;
        struct call c = {.v = v, .debt = s.debt[best]};
        if (best_collateral(m, a, &s, policy, &d, &c, out))
            return 0;
        tried |= (uint64_t)1 << best;
    }
}

static void add_flow(struct settlement *s, uint8_t party, uint16_t instrument, i256 amount)
{
    if (i256_sign(amount) != 0)
        s->flow[s->n++] = (struct flow){.party = party, .instrument = instrument, .amount = amount};
}

// Burns `burn` of the debt and books what of it nobody paid. Token units; the pool's flow is rounding only.
static void burn_debt(enum aave_version v, const struct market *m, struct position *p, i256 burn, i256 paid,
                      bool deficit, struct settlement *out)
{
    const struct instrument *in = &m->instrument[p->instrument];
    u128 index = aave_borrow_index(v, in);
    i256 before = vtoken_balance(v, p->debt, index);
    p->debt -= i256_to_i128(vtoken_burn_scaled(v, burn, index));
    i256 relieved = i256_sub(before, vtoken_balance(v, p->debt, index));
    i256 lost = deficit ? i256_sub(before, paid) : i256_from_i64(0);
    add_flow(out, PARTY_ACCOUNT, p->instrument, relieved);
    add_flow(out, PARTY_LIQUIDATOR, p->instrument, i256_neg(paid));
    add_flow(out, PARTY_DEFICIT, p->instrument, i256_neg(lost));
    add_flow(out, PARTY_POOL, p->instrument, i256_sub(i256_add(paid, lost), relieved));
}

static void seize(const struct call *c, struct position *p, const struct amounts *x, bool nothing_left,
                  struct settlement *out)
{
    u128 index = liquidity_index_now(c->coll.in);
    bool all = c->v < AAVE_3_7 // of this collateral
                   ? i256_cmp(i256_add(x->coll, x->fee), c->coll.balance) == 0
                   : nothing_left || i256_cmp(scaled_consumed(c, x), i256_from_i128(p->supply)) == 0;
    if (all)
        p->collateral = false;
    p->supply -= i256_to_i128(atoken_burn_scaled(c->v, x->coll, index));
    i256 fee = x->fee;
    i256 fee_scaled = atoken_burn_scaled(c->v, fee, index);
    if (i256_cmp(fee_scaled, i256_from_i128(p->supply)) > 0) { // the contract caps it at what is left
        fee_scaled = i256_from_i128(p->supply);
        fee = atoken_balance(c->v, p->supply, index);
    }
    p->supply -= i256_to_i128(fee_scaled);
    i256 given = i256_sub(c->coll.balance, atoken_balance(c->v, p->supply, index));
    add_flow(out, PARTY_ACCOUNT, p->instrument, i256_neg(given));
    add_flow(out, PARTY_LIQUIDATOR, p->instrument, x->coll);
    add_flow(out, PARTY_VENUE, p->instrument, fee);
    add_flow(out, PARTY_POOL, p->instrument, i256_sub(given, i256_add(x->coll, fee)));
}

static void drop_empty(struct account *a)
{
    unsigned n = 0;
    for (unsigned i = 0; i < a->n_positions; i++)
        if (a->position[i].supply != 0 || a->position[i].debt != 0)
            a->position[n++] = a->position[i];
    memset(&a->position[n], 0, (a->n_positions - n) * sizeof a->position[0]);
    a->n_positions = (uint16_t)n;
}

// validateLiquidationCall, as far as an account knows: prices and pauses are the caller's.
static int check_call(enum aave_version v, const struct market *m, const struct account *a,
                      const struct order_leg *leg, unsigned n, const struct aave_account *d, struct err *e)
{
    i256 equity, requirement;
    aave_compare(d, &equity, &requirement);
    if (i256_cmp(equity, requirement) >= 0)
        return err_set(e, "account %u is not liquidatable at these prices", a->id);
    if (n != 2)
        return err_set(e, "account %u: a lending liquidation has two legs, debt and collateral", a->id);
    const struct position *dp = account_position(a, leg[0].instrument),
                          *cp = account_position(a, leg[1].instrument);
    if (!dp || dp->debt == 0)
        return err_set(e, "account %u: no debt in instrument %u", a->id, leg[0].instrument);
    if (!cp || cp->supply == 0 || !aave_counts(v, &m->instrument[leg[1].instrument], cp))
        return err_set(e, "account %u: no enabled collateral in instrument %u", a->id, leg[1].instrument);
    if (grace_now(&m->instrument[leg[0].instrument]) || grace_now(&m->instrument[leg[1].instrument]))
        return err_set(e, "account %u: a reserve of this pair is in its grace period", a->id);
    if (leg[0].qty <= 0 || leg[1].qty != 0)
        return err_set(e, "account %u: the debt leg needs a quantity, the collateral leg none", a->id);
    return 0;
}

// What the contract makes of the legs before anything moves. 0, or -1 where it reverts.
static int make_call(enum aave_version v, const struct market *m, const struct account *a, const int64_t *px,
                     const struct order_leg *leg, unsigned n, struct aave_account *d, struct call *c,
                     struct amounts *x, struct err *e)
{
    aave_account_data(v, m, a, px, d);
    if (check_call(v, m, a, leg, n, d, e))
        return -1;
    *c = (struct call){.v = v,
                       .debt = debt_side(v, m, account_position(a, leg[0].instrument), px),
                       .coll = coll_side(v, m, account_position(a, leg[1].instrument), px)};
    c->lt = aave_lt(c->coll.in, a);
    c->lb = aave_lb(c->coll.in, a);
    calculate(c, i256_min(i256_from_i128(leg[0].qty), max_debt(c, d)), x);
    const char *why = refusal(c, d, x);
    return why ? err_set(e, "account %u: %s", a->id, why) : 0;
}

int aave_settle(enum aave_version v, const struct market *m, struct account *a, const int64_t *px,
                const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    struct aave_account d;
    struct call c;
    struct amounts x;
    if (make_call(v, m, a, px, leg, n, &d, &c, &x, e))
        return -1;
    struct position *dp = &a->position[c.debt.p - a->position], *cp = &a->position[c.coll.p - a->position];
    bool nothing_left = takes_everything(&c, &d, &x);
    out->n = 0;
    burn_debt(v, m, dp, nothing_left ? c.debt.balance : x.debt, x.debt, nothing_left, out);
    seize(&c, cp, &x, nothing_left, out);
    for (unsigned i = 0; nothing_left && i < a->n_positions; i++) { // bad debt: nothing backs it any more
        struct position *p = &a->position[i];
        u128 index = aave_borrow_index(v, &m->instrument[p->instrument]);
        if (p->debt != 0)
            burn_debt(v, m, p, vtoken_balance(v, p->debt, index), i256_from_i64(0), true, out);
    }
    drop_empty(a);
    return 0;
}

// The exact size is a call that was tried.
static bool same_call(const struct order_leg *leg, unsigned n, const struct order_size *exact)
{
    return n == 2 && exact->n == 2 && leg[0].instrument == exact->leg[0].instrument &&
           leg[1].instrument == exact->leg[1].instrument && leg[0].qty == exact->leg[0].qty &&
           leg[1].qty == exact->leg[1].qty;
}

bool aave_takes(enum aave_version v, const struct market *m, const struct account *a, const int64_t *px,
                const struct order_leg *leg, unsigned n, const struct order_size *exact)
{
    struct aave_account d;
    struct call c;
    struct amounts x;
    return (exact && same_call(leg, n, exact)) || make_call(v, m, a, px, leg, n, &d, &c, &x, NULL) == 0;
}
