// SPDX-License-Identifier: Apache-2.0
#include "exec/split.h"

#include "accounts/book.h"

enum { STEPS_MAX = 24, GALLOP = 4 };

// One repayment tried on a copy.
struct attempt {
    const struct market *m;
    const struct account *a;
    const int64_t *px;
    struct order_leg leg[2];
    struct account *after;
    struct settlement *settlement;
};

// Is it taken, and the account liquidatable after it? *short_of: by how much equity lies below the
// requirement then, negative when above.
static bool leaves_it(struct attempt *t, i128 qty, i256 *short_of)
{
    struct health h;
    *short_of = i256_from_i64(-1);
    account_copy(t->after, t->a);
    t->leg[0].qty = qty;
    if (t->a->rule->settle(t->m, t->after, t->px, t->leg, 2, t->settlement, NULL) != 0)
        return false; // leaves dust, as a rule: as good as too much
    t->a->rule->health(t->m, t->after, t->px, &h);
    *short_of = i256_sub(h.requirement, h.equity);
    return h.liquidatable;
}

// Where the shortage, `none` of it repaid and `most` of it (<= 0), comes to nothing on a straight line.
static i128 straight(i128 qty, i256 none, i256 most)
{
    enum { BITS = 100 };
    i256 fall = i256_sub(none, most);
    unsigned bits = i256_bits(fall), cut = bits > BITS ? bits - BITS : 0;
    i256 scale = i256_from_i64(1);
    for (unsigned i = 0; i < cut; i++)
        scale = i256_mul_i64(scale, 2);
    none = i256_div_floor(none, scale);
    fall = i256_div_floor(fall, scale);
    if (i256_sign(fall) <= 0)
        return qty;
    i256 at = i256_div_floor(i256_mul(i256_from_i128(qty), none), fall);
    return i256_fits_i128(at) ? i256_to_i128(at) : qty;
}

// The largest that leaves it between 0 and `most`, from a guess: in growing steps to the other side of it,
// then by halves, to within `grain`.
static i128 search(struct attempt *t, i128 guess, i128 most, i128 grain)
{
    i128 lo = 0, hi = most, at = guess < 1 ? 1 : guess >= most ? most - 1 : guess, step = grain;
    i256 ignored;
    for (int i = 0; i < STEPS_MAX && hi - lo > grain && at > lo && at < hi; i++) {
        bool leaves = leaves_it(t, at, &ignored);
        if (leaves)
            lo = at;
        else
            hi = at;
        bool bracketed = lo > 0 && hi < most;
        i128 next = leaves ? lo + step : hi - step;
        at = bracketed || next <= lo || next >= hi ? lo + (hi - lo) / 2 : next;
        step *= GALLOP;
    }
    return lo;
}

i128 split_first(const struct market *m, const struct account *a, const int64_t *px,
                 const struct order_size *all, struct account *scratch, struct settlement *settlement,
                 struct order_size *second)
{
    const struct size_policy most = {.target_ppm = 1000001, .dust = INT64_MAX};
    struct attempt t = {m, a, px, {all->leg[0], all->leg[1]}, scratch, settlement};
    struct health h;
    i256 left;
    i128 first = all->leg[0].qty;
    if (all->n != 2 || first <= 1)
        return 0;
    a->rule->health(m, a, px, &h);
    if (!leaves_it(&t, first, &left)) {
        i256 value = i256_sign(all->value) > 0 ? all->value : i256_from_i64(1);
        i256 grain = i256_div_floor(i256_from_i128(first), value);
        i128 guess = straight(first, i256_sub(h.requirement, h.equity), left);
        first = search(&t, guess, first, i256_sign(grain) > 0 ? i256_to_i128(grain) : 1);
        if (first == 0 || !leaves_it(&t, first, &left))
            return 0;
    }
    return a->rule->size(m, scratch, px, &most, second) == 0 ? first : 0;
}

// What a settlement's liquidator pays, and what is left of what he gets: 1e-8 units of account, each flow
// rounded against him.
static void earned(const struct market *m, const int64_t *px, const struct settlement *s,
                   struct order_size *out)
{
    enum { E8 = 100000000 };
    out->value = out->reward = I256_ZERO;
    for (unsigned i = 0; i < s->n; i++) {
        const struct flow *f = &s->flow[i];
        if (f->party != PARTY_LIQUIDATOR || f->instrument < 0)
            continue;
        const struct instrument *in = &m->instrument[f->instrument];
        i256 worth = i256_div10_floor(i256_mul_i64(i256_mul_i64(f->amount, px[in->asset]), E8),
                                      in->size_decimals + (unsigned)m->asset[in->asset].decimals);
        out->reward = i256_add(out->reward, worth);
        if (i256_sign(worth) < 0)
            out->value = i256_sub(out->value, worth);
    }
}

// Its share of what all earns.
static void share(const struct order_size *all, struct order_size *out)
{
    i256 part = i256_from_i128(out->leg[0].qty), whole = i256_from_i128(all->leg[0].qty);
    out->value = i256_div_ceil(i256_mul(all->value, part), whole);
    out->reward = i256_div_floor(i256_mul(all->reward, part), whole);
}

bool split_two(const struct market *m, const struct account *a, const int64_t *px,
               const struct order_size *all, enum split_by by, struct account *scratch,
               struct settlement *settlement, struct order_size *first)
{
    struct order_size second;
    i128 qty = split_first(m, a, px, all, scratch, settlement, &second);
    if (qty == 0)
        return false;
    *first = *all;
    first->full = false;
    first->leg[0].qty = qty;
    if (by == SPLIT_BY_SHARE)
        share(all, first);
    else
        earned(m, px, settlement, first);
    bool same = second.leg[0].instrument == all->leg[0].instrument;
    return i256_cmp(i256_add(first->reward, second.reward), all->reward) > 0 &&
           (!same || qty + second.leg[0].qty > all->leg[0].qty);
}
