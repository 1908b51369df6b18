// SPDX-License-Identifier: Apache-2.0
// One call: each trove in turn against running totals, then the pools once, with the sums.
#include "accounts/rules/liquity/liquity_v1.h"

struct call {
    const struct liquity_request *q;
    struct checked c;
    struct liquity_result *out;
    u256 left;       // of the pool
    u256 coll, debt; // of the whole system as the call sees it on its way; recovery mode only
    bool normal;     // the rules of normal mode hold for the next trove
};

static u256 unit(void)
{
    return u256_from_u64(LIQUITY_UNIT);
}

static u256 gas_lusd(void)
{
    return u256_from_u128((u128)200 * LIQUITY_UNIT);
}

u256 liquity_ratio(struct checked *c, u256 coll, u256 debt, u256 price)
{
    return u256_is_zero(debt) ? U256_MAX : ck_mul_div(c, coll, price, debt);
}

// The entire amounts of a trove, with its share of what was spread since its snapshots.
static void liquity_entire(struct checked *c, const struct liquity_system *s, const struct liquity_trove *t,
                           u256 *coll, u256 *debt)
{
    *coll = t->coll;
    *debt = t->debt;
    if (!t->active)
        return;
    u256 coll_since = ck_sub(c, s->l_coll, t->coll_snapshot);
    u256 debt_since = ck_sub(c, s->l_debt, t->debt_snapshot);
    *coll = ck_add(c, t->coll, ck_mul_div(c, t->stake, coll_since, unit()));
    *debt = ck_add(c, t->debt, ck_mul_div(c, t->stake, debt_since, unit()));
}

bool liquity_threshold(u256 coll, u256 debt, uint64_t ratio, u256 *at)
{
    // floor(coll p / debt) >= ratio  <=>  coll p >= ratio debt
    *at = U256_ZERO;
    if (u256_is_zero(debt))
        return true;
    u256 rest;
    if (u256_mul_div(u256_from_u64(ratio), debt, coll, at, &rest))
        return false;
    return u256_is_zero(rest) || !u256_add(*at, u256_from_u64(1), at);
}

static bool below(u256 ratio, uint64_t level)
{
    return ck_lt(ratio, u256_from_u64(level));
}

static bool recovery(struct checked *c, u256 coll, u256 debt, u256 price)
{
    return below(liquity_ratio(c, coll, debt, price), LIQUITY_CCR);
}

// As much as the pool has against it, the rest to the other troves.
static void mixed(struct call *k, struct liquity_part *p, u256 coll)
{
    struct checked *c = &k->c;
    p->spread_debt = p->debt;
    p->spread_coll = coll;
    p->branch = LIQUITY_SPREAD;
    if (u256_is_zero(k->left))
        return;
    p->offset_debt = ck_min(p->debt, k->left);
    p->offset_coll = ck_mul_div(c, coll, p->offset_debt, p->debt);
    p->spread_debt = ck_sub(c, p->debt, p->offset_debt);
    p->spread_coll = ck_sub(c, coll, p->offset_coll);
    p->branch = u256_is_zero(p->spread_debt) ? LIQUITY_OFFSET : LIQUITY_MIXED;
}

static void capped(struct call *k, struct liquity_part *p)
{
    struct checked *c = &k->c;
    u256 cap = ck_mul_div(c, p->debt, u256_from_u64(LIQUITY_MCR), k->q->price);
    p->gas_coll = ck_div(c, cap, u256_from_u64(200));
    p->offset_debt = p->debt;
    p->offset_coll = ck_sub(c, cap, p->gas_coll);
    p->surplus = ck_sub(c, p->coll, cap);
    p->branch = LIQUITY_CAPPED;
}

// The trove leaves the books: its stake, and what was spread to it moves to the active pool.
static void close(struct call *k, const struct liquity_trove *t, const struct liquity_part *p)
{
    struct checked *c = &k->c;
    struct liquity_system *s = &k->out->system;
    u256 debt = ck_sub(c, p->debt, t->debt), coll = ck_sub(c, p->coll, t->coll);
    s->default_debt = ck_sub(c, s->default_debt, debt);
    s->active_debt = ck_add(c, s->active_debt, debt);
    s->default_coll = ck_sub(c, s->default_coll, coll);
    s->active_coll = ck_add(c, s->active_coll, coll);
    s->total_stakes = ck_sub(c, s->total_stakes, t->stake);
    if (s->troves <= 1)
        ck_fail(c, "TroveManager: Only one trove in the system");
    else
        s->troves--;
}

// The rules of recovery mode; false: this trove stays.
static bool in_recovery(struct call *k, struct liquity_part *p)
{
    struct checked *c = &k->c;
    u256 tcr = liquity_ratio(c, k->coll, k->debt, k->q->price);
    if (k->out->system.troves <= 1)
        return false;
    u256 coll = ck_sub(c, p->coll, p->gas_coll);
    if (!ck_lt(unit(), p->icr)) {
        p->spread_debt = p->debt;
        p->spread_coll = coll;
        p->branch = LIQUITY_SPREAD;
    } else if (below(p->icr, LIQUITY_MCR)) {
        mixed(k, p, coll);
    } else if (ck_lt(p->icr, tcr) && !ck_lt(k->left, p->debt)) {
        capped(k, p);
    } else {
        return false;
    }
    return true;
}

static void add(struct call *k, const struct liquity_part *p)
{
    struct liquity_part *sum = &k->out->sum;
    struct checked *c = &k->c;
    sum->debt = ck_add(c, sum->debt, p->debt);
    sum->coll = ck_add(c, sum->coll, p->coll);
    sum->gas_coll = ck_add(c, sum->gas_coll, p->gas_coll);
    sum->gas_lusd = ck_add(c, sum->gas_lusd, p->gas_lusd);
    sum->offset_debt = ck_add(c, sum->offset_debt, p->offset_debt);
    sum->offset_coll = ck_add(c, sum->offset_coll, p->offset_coll);
    sum->spread_debt = ck_add(c, sum->spread_debt, p->spread_debt);
    sum->spread_coll = ck_add(c, sum->spread_coll, p->spread_coll);
    sum->surplus = ck_add(c, sum->surplus, p->surplus);
}

// What leaves the system at once. What is spread stays in it.
static void lower_totals(struct call *k, const struct liquity_part *p)
{
    struct checked *c = &k->c;
    k->debt = ck_sub(c, k->debt, p->offset_debt);
    k->coll = ck_sub(c, ck_sub(c, ck_sub(c, k->coll, p->offset_coll), p->gas_coll), p->surplus);
    k->normal = !recovery(c, k->coll, k->debt, k->q->price);
    k->out->back_to_normal = k->normal;
}

// False: a sequence ends here.
static bool one(struct call *k, const struct liquity_trove *t, struct liquity_part *p)
{
    struct checked *c = &k->c;
    const bool normal = k->normal, low = below(p->icr, LIQUITY_MCR);
    if (normal ? !low : !low && u256_is_zero(k->left))
        return false;
    p->gas_coll = ck_div(c, p->coll, u256_from_u64(200));
    bool taken = true;
    if (normal)
        mixed(k, p, ck_sub(c, p->coll, p->gas_coll));
    else
        taken = in_recovery(k, p);
    if (taken) {
        p->gas_lusd = gas_lusd();
        close(k, t, p);
        k->left = ck_sub(c, k->left, p->offset_debt);
        add(k, p);
    } else {
        p->gas_coll = U256_ZERO;
    }
    if (!normal)
        lower_totals(k, p);
    return true;
}

static void walk(struct call *k, struct liquity_part part[])
{
    const struct liquity_request *q = k->q;
    const bool sequence = q->call == LIQUITY_SEQUENCE, started_normal = k->normal;
    for (size_t i = 0; i < q->n; i++) {
        struct liquity_part *p = &part[i];
        // The sorted list's other end is never reached by a sequence of recovery mode.
        if (!ck_ok(&k->c) || (sequence && !started_normal && i + 1 >= q->system.troves))
            return;
        p->branch = LIQUITY_LEFT;
        liquity_entire(&k->c, &q->system, &q->trove[i], &p->coll, &p->debt);
        p->icr = liquity_ratio(&k->c, p->coll, p->debt, q->price);
        if (q->trove[i].active && !one(k, &q->trove[i], p) && sequence)
            return;
    }
}

static void spread(struct checked *c, struct liquity_system *s, u256 debt, u256 coll)
{
    if (u256_is_zero(debt))
        return;
    u256 colls = ck_add(c, ck_mul(c, coll, unit()), s->coll_error);
    u256 debts = ck_add(c, ck_mul(c, debt, unit()), s->debt_error);
    u256 coll_each = ck_div(c, colls, s->total_stakes), debt_each = ck_div(c, debts, s->total_stakes);
    s->coll_error = ck_sub(c, colls, ck_mul(c, coll_each, s->total_stakes));
    s->debt_error = ck_sub(c, debts, ck_mul(c, debt_each, s->total_stakes));
    s->l_coll = ck_add(c, s->l_coll, coll_each);
    s->l_debt = ck_add(c, s->l_debt, debt_each);
    s->active_debt = ck_sub(c, s->active_debt, debt);
    s->default_debt = ck_add(c, s->default_debt, debt);
    s->active_coll = ck_sub(c, s->active_coll, coll);
    s->default_coll = ck_add(c, s->default_coll, coll);
}

static void settle(struct call *k)
{
    struct checked *c = &k->c;
    struct liquity_result *out = k->out;
    struct liquity_system *s = &out->system;
    const struct liquity_part *sum = &out->sum;
    if (!u256_is_zero(sum->offset_debt) && !u256_is_zero(out->pool.deposits)) {
        liquity_offset(c, k->q->version, &out->pool, sum->offset_debt, sum->offset_coll);
        s->active_debt = ck_sub(c, s->active_debt, sum->offset_debt);
        s->active_coll = ck_sub(c, s->active_coll, sum->offset_coll);
    }
    spread(c, s, sum->spread_debt, sum->spread_coll);
    s->active_coll = ck_sub(c, s->active_coll, sum->surplus);
    out->stakes_snapshot = s->total_stakes;
    // The liquidator's collateral is still in the active pool when the contract takes the snapshot.
    s->active_coll = ck_sub(c, s->active_coll, sum->gas_coll);
    out->coll_snapshot = ck_add(c, s->active_coll, s->default_coll);
}

const char *liquity_liquidate(const struct liquity_request *q, struct liquity_part part[],
                              struct liquity_result *out)
{
    struct call k = {.q = q, .out = out};
    const struct liquity_system *s = &q->system;
    *out = (struct liquity_result){.system = *s, .pool = q->pool};
    for (size_t i = 0; i < q->n; i++)
        part[i] = (struct liquity_part){.branch = LIQUITY_NOT_SEEN};
    if (q->n == 0 && q->call == LIQUITY_BATCH)
        return "TroveManager: Calldata address array must not be empty";
    k.left = liquity_available(&k.c, q->version, &q->pool);
    k.coll = ck_add(&k.c, s->active_coll, s->default_coll);
    k.debt = ck_add(&k.c, s->active_debt, s->default_debt);
    out->tcr = liquity_ratio(&k.c, k.coll, k.debt, q->price);
    out->recovery = below(out->tcr, LIQUITY_CCR);
    k.normal = !out->recovery;
    walk(&k, part);
    if (ck_ok(&k.c) && u256_is_zero(out->sum.debt))
        return "TroveManager: nothing to liquidate";
    settle(&k);
    return k.c.why;
}
