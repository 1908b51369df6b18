// SPDX-License-Identifier: Apache-2.0
#include "exec/estimate.h"

#include "accounts/rules/rule.h"

enum { E8 = 8, PPM = 1000000, BPS = 10000 };

// |v| / 10^decimals in 1e-8 units, rounded down.
static i256 to_e8(i256 v, unsigned decimals)
{
    v = i256_abs(v);
    return decimals < E8 ? i256_mul(v, i256_pow10(E8 - decimals)) : i256_div10_floor(v, decimals - E8);
}

static int64_t saturate(i256 v)
{
    return i256_fits_i64(v) ? i256_to_i64(v) : INT64_MAX;
}

static i256 share(i256 v, uint32_t part, int64_t of)
{
    return i256_div_floor(i256_mul_i64(v, part), i256_from_i64(of));
}

// Rules whose liquidators earn a spread, or nothing, tell no penalty: what the venue takes stands for it,
// else the least there is, so that the largest accounts still come first, behind all that pay.
static uint32_t rate_of(const struct instrument *in)
{
    return in->penalty_ppm ? in->penalty_ppm : in->fee_ppm ? in->fee_ppm : 1;
}

static i256 perpetual(const struct market *m, const struct position *p, const int64_t *px)
{
    const struct instrument *in = &m->instrument[p->instrument];
    i256 size = i256_from_i128(p->size);
    if (px[in->asset] <= 0)
        return I256_ZERO;
    if (in->kind == INST_LINEAR)
        size = to_e8(i256_mul_i64(size, px[in->asset]), in->size_decimals + m->asset[in->asset].decimals);
    else
        size = to_e8(size, in->size_decimals); // sized in the quote
    return share(size, rate_of(in), PPM);
}

static i256 lending(const struct market *m, const struct account *a, const int64_t *px,
                    const struct kick_terms *kick)
{
    i256 debt = I256_ZERO, most = I256_ZERO, reward = I256_ZERO;
    uint32_t bonus_bps = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (in->kind != INST_RESERVE) { // a quote balance beside it moves nothing
            reward = i256_add(reward, perpetual(m, p, px));
            continue;
        }
        if (px[in->asset] <= 0)
            continue;
        i256 has = a->rule->holding(m, p);
        i256 value =
            to_e8(i256_mul_i64(has, px[in->asset]), in->size_decimals + m->asset[in->asset].decimals);
        bool emode = a->emode && a->emode == in->emode;
        if (i256_sign(has) < 0) {
            debt = i256_add(debt, value);
        } else if (p->collateral && i256_cmp(value, most) > 0) {
            most = value;
            bonus_bps = emode ? in->emode_lb_bps : in->lb_bps;
        }
    }
    if (kick_of(kick, a->rule))
        return kick_reward(kick, i256_min(debt, most));
    if (bonus_bps > BPS)
        reward = i256_add(reward, share(i256_min(debt, most), bonus_bps - BPS, BPS));
    return reward;
}

int64_t estimate_reward_e8(const struct market *m, const struct account *a, const int64_t *px,
                           const struct kick_terms *kick)
{
    i256 sum = I256_ZERO;
    if (a->rule->holding)
        return saturate(lending(m, a, px, kick));
    for (unsigned i = 0; i < a->n_positions; i++)
        sum = i256_add(sum, perpetual(m, &a->position[i], px));
    return saturate(sum);
}
