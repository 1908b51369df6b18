// SPDX-License-Identifier: Apache-2.0
#include "risk/scaled.h"

enum { GAIN_UP = 20, GAIN_DOWN = 100 };
static const u128 IV_MASK = ((u128)1 << 104) - 1;

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
