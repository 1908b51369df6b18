// SPDX-License-Identifier: Apache-2.0
// Valuation, health and size of perpetual accounts in 128 bits, and which accounts fit.
#include "accounts/rules/perp/perp_common.h"

#include <assert.h>

typedef i128 amt;
#define P(name) perp_narrow_##name
#define LINKAGE static

struct perp_narrow_value {
    amt pnl, notional;
};

static inline amt amt_of(i128 v)
{
    return v;
}
static inline i256 amt_wide(amt v)
{
    return i256_from_i128(v);
}
static inline amt amt_add(amt a, amt b)
{
    return a + b;
}
static inline amt amt_sub(amt a, amt b)
{
    return a - b;
}
static inline amt amt_neg(amt a)
{
    return -a;
}
static inline amt amt_abs(amt a)
{
    return perp_abs(a);
}
static inline int amt_cmp(amt a, amt b)
{
    return (a > b) - (a < b);
}
static inline int amt_sign(amt a)
{
    return (a > 0) - (a < 0);
}
static inline amt amt_mul(amt a, amt b)
{
    return a * b;
}
static inline amt amt_mul_i64(amt a, int64_t b)
{
    return a * b;
}
static inline amt amt_scale(amt v, unsigned pow)
{
    return pow == 0 ? v : v * i256_to_i128(unit10(pow));
}
static inline amt amt_div_floor_px(amt v, int64_t px)
{
    return (amt)((u128)v / (uint64_t)px);
}
static inline amt amt_div_ceil_px(amt v, int64_t px)
{
    amt q = amt_div_floor_px(v, px);
    return q + (q * px != v);
}
static inline amt amt_div10_ceil(amt v, unsigned n)
{
    bool exact;
    u128 q = u128_div10((u128)perp_abs(v), n, &exact);
    return v < 0 ? -(amt)q : (amt)q + !exact;
}

#include "accounts/rules/perp/perp_sums.h"

// ---- who fits

// Bits of what is left of a value of `bits` bits when 10^digits is divided out, or multiplied in (< 0).
static int scaled_bits(unsigned bits, int digits)
{
    int d = (int)perp_bits10((unsigned)(digits < 0 ? -digits : digits));
    return digits < 0 ? (int)bits + d : (int)bits - d + 2; // rounded up
}

static unsigned bits_of(int64_t v) // of |v|, v not 0
{
    return 64 - (unsigned)__builtin_clzll(v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static bool position_fits(const struct market *m, const struct position *p, const int64_t *px, unsigned k,
                          unsigned cash_digits, int limit)
{
    enum { SIZE_BITS = 62, MOST = 126 };
    const struct instrument *in = &m->instrument[p->instrument];
    unsigned pd = m->asset[in->asset].decimals, size = bits_of((int64_t)p->size | 1);
    int64_t price = px[in->asset];
    i128 funding = funding_now(in) - p->funding;
    if (p->size != (int64_t)p->size || size > SIZE_BITS)
        return false;
    if (in->n_tiers > 1 && perp_bits(in->tier[in->n_tiers - 1].floor) + perp_bits10(cash_digits) > MOST)
        return false;
    if (in->kind == INST_LINEAR) {
        unsigned worth = size + bits_of(price | p->entry); // of either
        if (scaled_bits(worth, (int)(in->size_decimals + pd) - (int)k) > limit)
            return false;
    } else {
        unsigned num = size + perp_bits10(k + pd - in->size_decimals);
        if (num > MOST || (int)num - (int)bits_of(price < p->entry ? price : p->entry) + 2 > limit)
            return false;
    }
    if (funding == 0)
        return true;
    unsigned owed = size + perp_bits(funding);
    return owed <= MOST && scaled_bits(owed, (int)in->size_decimals + FUNDING_DECIMALS - (int)k) <= limit;
}

// The greatest that is worked out is a sum of some 4 n + 4 amounts times a rate; to size, times the target or
// a million as well.
bool perp_narrow_fits(const struct market *m, const struct account *a, const int64_t *px,
                      const struct size_policy *policy, uint8_t kind)
{
    enum { BITS = 124, RATE_BITS = 20, DIGITS_MAX = I256_DIV10_MAX - PPM_DIGITS };
    unsigned k = perp_scale(m, a, kind), digits = k - a->cash_decimals;
    int limit = BITS - RATE_BITS - (int)perp_bits(4 * a->n_positions + 4);
    if (policy) {
        limit -= (int)perp_bits(perp_target(policy));
        unsigned decimals = 0; // of a position's worth, at most
        for (unsigned i = 0; i < a->n_positions; i++) {
            const struct instrument *in = &m->instrument[a->position[i].instrument];
            unsigned d = (unsigned)in->size_decimals + m->asset[in->asset].decimals;
            decimals = d > decimals ? d : decimals;
        }
        if (perp_bits(perp_dust(policy)) + perp_bits10(decimals) > BITS)
            return false;
    }
    if (digits > DIGITS_MAX || (int)perp_bits10(digits) + 2 > limit ||
        (int)(perp_bits(a->cash) + perp_bits10(digits)) > limit)
        return false;
    for (unsigned i = 0; i < a->n_positions; i++)
        if (!position_fits(m, &a->position[i], px, k, digits, limit))
            return false;
    return true;
}
