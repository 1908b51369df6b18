// SPDX-License-Identifier: Apache-2.0
#include "risk/scaled.h"

enum { FACTOR = 20000, PRICE_BITS = 96, GAIN_UP = 20, GAIN_DOWN = 100 };
static const u128 IV_MASK = ((u128)1 << 104) - 1;

// Modulo 2^256, as the contract's unchecked arithmetic.
static u256 less(u256 a, u256 b)
{
    u256 out;
    (void)u256_sub(a, b, &out);
    return out;
}

static u256 plus(u256 a, u256 b)
{
    u256 out;
    (void)u256_add(a, b, &out);
    return out;
}

static u256 times(u256 a, uint64_t b)
{
    u256 out;
    (void)u256_mul(a, u256_from_u64(b), &out);
    return out;
}

// floor(2^n * 10^6 / 10^24)
static u256 per_1e18(unsigned n)
{
    return u256_div(times(u256_shl(u256_from_u64(1), n), 1000000), u256_pow10(24), NULL);
}

u256 aloe_estimate(struct checked *c, const struct aloe_pool *p, const struct aloe_growth *a,
                   const struct aloe_growth *b, uint32_t scale)
{
    uint32_t dt = b->at - a->at;
    if (dt == 0)
        return U256_ZERO;
    if (p->tick_spacing <= 0)
        ck_fail(c, "the tick spacing is not above 0");
    u256 by_price = ck_full_div(c, less(b->fees0, a->fees0), times(p->sqrt_price, p->gamma1), per_1e18(224));
    u256 price = ck_mul(c, p->sqrt_price, per_1e18(128)); // 160 and 69 bits
    u256 over_price =
        ck_full_div(c, less(b->fees1, a->fees1), u256_shl(u256_from_u64(p->gamma0), PRICE_BITS), price);
    if (!ck_ok(c))
        return U256_ZERO;
    u256 most = u256_div(u256_shl(u256_from_u64(1), 224), u256_from_u64(FACTOR), NULL);
    u256 inner = ck_min(plus(by_price, over_price), most);
    u256 scaled = times(times(inner, FACTOR), scale); // below 2^256
    u256 square =
        u256_div(u256_div(scaled, u256_from_u64(dt), NULL), u256_from_u64((uint64_t)p->tick_spacing), NULL);
    return times(u256_sqrt(square), 2);
}

static u128 averaged(u128 before, u256 estimate)
{
    i256 old = i256_from_u128(before);
    i256 gap = i256_sub((i256){{estimate.w[0], estimate.w[1], estimate.w[2], estimate.w[3]}}, old);
    i256 gain = i256_from_i64(i256_sign(gap) > 0 ? GAIN_UP : GAIN_DOWN);
    return i256_lo(i256_add(old, i256_div_trunc(gap, gain))) & IV_MASK;
}

bool aloe_update(struct aloe_iv *v, u256 estimate, uint32_t dt, uint64_t at)
{
    if (at < v->at || at - v->at < ALOE_SAMPLE_PERIOD)
        return false;
    v->at = at;
    v->before = v->now;
    if (dt < ALOE_AVERAGE_WINDOW - ALOE_SAMPLE_PERIOD / 2 ||
        dt > ALOE_AVERAGE_WINDOW + ALOE_SAMPLE_PERIOD / 2)
        return true;
    v->now = averaged(v->before, estimate);
    if (v->now > ((v->before + ALOE_IV_CHANGE) & IV_MASK))
        v->now = (v->before + ALOE_IV_CHANGE) & IV_MASK;
    else if (((v->now + ALOE_IV_CHANGE) & IV_MASK) < v->before)
        v->now = v->before - ALOE_IV_CHANGE;
    return true;
}

u128 aloe_at(const struct aloe_iv *v, uint64_t at)
{
    uint64_t gone = at > v->at ? at - v->at : 0;
    if (gone >= ALOE_SAMPLE_PERIOD)
        return v->now;
    i128 old = (i128)v->before, change = (i128)v->now - old; // 104 bits and 14
    return (u128)(old + change * (i128)gone / (i128)ALOE_SAMPLE_PERIOD);
}
