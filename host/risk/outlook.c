// SPDX-License-Identifier: Apache-2.0
#include "risk/outlook.h"

#include "base/wide.h"
#include "risk/breach_math.h"
#include "risk/vol.h"

enum { PPM = 1000000, LOG_BITS = 48, MOST_ODDS = 12, MOST_BURST = 8, MOST_TOLD = 22, INVERSE_BITS = 100 };
static const int64_t LOG_ONE = INT64_C(1) << LOG_BITS;
static const u128 DAY_NS_E3 = (u128)86400 * 1000000000 * 1000;
static const int64_t DISTANCE_MOST = INT64_C(4096) * BREACH_SIGMA;

bool outlook_plain(const struct outlook_fit *f)
{
    return !f->fast_ppm && !f->long_ppm && !f->drift_ppm && !f->falls_e3 && !f->rises_e3 && !f->const_e6 &&
           !f->far_e6 && !f->burst_e6 && !f->trend_e6 && f->odds_e6 == OUTLOOK_ONE;
}

static int64_t clip(int64_t x, int64_t most)
{
    return x > most ? most : x < -most ? -most : x;
}

// How far all prices have to move together: H / |sum e_i v_i| is in units of their volatilities.
static void reach(const struct breach_form *f, const struct outlook_asset *a, struct outlook_look *out)
{
    i128 sum = 0;
    uint64_t most = 0;
    for (unsigned i = 0; i < f->n; i++) {
        const uint64_t v = a[i].vol_q48[OUTLOOK_LONG];
        sum += (i128)f->exposure[i] * (i128)v;
        most = f->exposure[i] && v > most ? v : most;
    }
    u128 need = f->health > 0 ? (u128)f->health * most : 0, has = sum < 0 ? -(u128)sum : (u128)sum;
    out->side = sum > 0 ? 1 : sum < 0 ? -1 : 0;
    out->reach_ppm = UINT32_MAX;
    for (; need >> 104; need >>= 1)
        has >>= 1;
    if (has && need * PPM / has < UINT32_MAX)
        out->reach_ppm = (uint32_t)(need * PPM / has);
}

void outlook_look(const struct breach_form *f, const struct outlook_asset *a, const struct breach_view *v,
                  struct outlook_look *out)
{
    struct breach_asset one[BREACH_ASSETS_MAX];
    *out = (struct outlook_look){0};
    for (unsigned k = 0; k < OUTLOOK_MEMORIES; k++) {
        for (unsigned i = 0; i < f->n; i++)
            one[i] = (struct breach_asset){.vol_q48 = a[i].vol_q48[k], .drift_q64 = a[i].drift_q64};
        out->distance[k] = breach_distance(f, one, v, k == OUTLOOK_MIDDLE ? &out->drift : NULL);
    }
    reach(f, a, out);
}

// Of 1 / d^2 by shares: variances mix, distances do not.
int64_t outlook_distance(const struct outlook_look *l, const struct outlook_fit *f, int64_t *drift)
{
    const uint32_t share[OUTLOOK_MEMORIES] = {f->fast_ppm, PPM - f->fast_ppm - f->long_ppm, f->long_ppm};
    const int64_t middle = l->distance[OUTLOOK_MIDDLE];
    u128 sum = 0;
    int64_t d = middle;
    for (unsigned k = 0; k < OUTLOOK_MEMORIES; k++) {
        if (l->distance[k] <= 0) {
            *drift = 0;
            return 0;
        }
        u128 square = (u128)l->distance[k] * (u128)l->distance[k];
        sum += ((u128)share[k] << INVERSE_BITS) / square;
    }
    if (share[OUTLOOK_MIDDLE] != PPM && sum) {
        u128 square = ((u128)PPM << INVERSE_BITS) / sum, r = 0;
        for (u128 bit = (u128)1 << 40; bit; bit >>= 1)
            if ((r | bit) * (r | bit) <= square)
                r |= bit;
        d = r > (u128)DISTANCE_MOST ? DISTANCE_MOST : r ? (int64_t)r : 1;
    }
    i128 m = (i128)l->drift * f->drift_ppm / PPM * d / middle;
    *drift = m > BREACH_DRIFT ? BREACH_DRIFT : m < -BREACH_DRIFT ? -BREACH_DRIFT : (int64_t)m;
    return d;
}

static int64_t log_odds(uint64_t p)
{
    if (p == 0)
        return -MOST_ODDS * LOG_ONE;
    if (p >= BREACH_CERTAIN)
        return MOST_ODDS * LOG_ONE;
    return clip(vol_ln(p) - vol_ln(BREACH_CERTAIN - p), MOST_ODDS * LOG_ONE);
}

void outlook_features(const struct outlook_look *l, const struct breach_tail_fit *tail,
                      const struct outlook_fit *f, struct outlook_features *out)
{
    int64_t drift, d = outlook_distance(l, f, &drift);
    const int64_t fast = l->distance[OUTLOOK_FAST], slow = l->distance[OUTLOOK_LONG];
    out->odds = log_odds(breach_probability_at(d, drift, tail));
    out->far = vol_ln((uint64_t)(BREACH_SIGMA + (d > 0 ? d : 0))) - vol_ln(BREACH_SIGMA);
    out->burst = fast > 0 && slow > 0
                     ? clip(vol_ln((uint64_t)slow) - vol_ln((uint64_t)fast), MOST_BURST * LOG_ONE)
                     : 0;
    out->trend = l->drift * (INT64_C(1) << (LOG_BITS - BREACH_SIGMA_BITS));
}

// 1 / (1 + e^-x) in 2^-32, rounded down.
static uint64_t chance_of(i128 x)
{
    const u128 one = (u128)1 << 64;
    const i128 most = (i128)MOST_TOLD * LOG_ONE;
    x = x > most ? most : x < -most ? -most : x;
    u128 e = vol_exp_neg((uint64_t)(x < 0 ? -x : x));
    return (uint64_t)(((x < 0 ? e : one) << 32) / (one + e));
}

static uint64_t calibrated(const struct outlook_look *l, const struct breach_tail_fit *tail,
                           const struct outlook_fit *f)
{
    struct outlook_features x;
    outlook_features(l, tail, f, &x);
    i128 sum = (i128)f->const_e6 * LOG_ONE + (i128)f->odds_e6 * x.odds + (i128)f->far_e6 * x.far +
               (i128)f->burst_e6 * x.burst + (i128)f->trend_e6 * x.trend;
    return chance_of(sum / OUTLOOK_ONE);
}

uint64_t outlook_jump(const struct outlook_look *l, uint64_t horizon_ns, const struct outlook_fit *f)
{
    const uint32_t rate = l->side > 0 ? f->falls_e3 : l->side < 0 ? f->rises_e3 : 0;
    if (rate == 0 || f->jump_ppm == 0 || l->reach_ppm == UINT32_MAX)
        return 0;
    u128 times = (((u128)rate * horizon_ns) << LOG_BITS) / DAY_NS_E3;
    u128 one = (u128)1 << 64,
         any = one - vol_exp_neg(times > INT64_MAX ? (uint64_t)INT64_MAX : (uint64_t)times);
    u128 far = ((u128)l->reach_ppm << LOG_BITS) / f->jump_ppm;
    u128 enough = vol_exp_neg(far > INT64_MAX ? (uint64_t)INT64_MAX : (uint64_t)far);
    return (uint64_t)(((any >> 32) * (enough >> 32)) >> 32);
}

uint64_t outlook_probability(const struct outlook_look *l, uint64_t horizon_ns,
                             const struct breach_tail_fit *tail, const struct outlook_fit *f)
{
    int64_t drift, d = outlook_distance(l, f, &drift);
    if (d <= 0)
        return BREACH_CERTAIN;
    bool as_is = !f->const_e6 && !f->far_e6 && !f->burst_e6 && !f->trend_e6 && f->odds_e6 == OUTLOOK_ONE;
    uint64_t p = as_is ? breach_probability_at(d, drift, tail) : calibrated(l, tail, f);
    uint64_t j = outlook_jump(l, horizon_ns, f);
    return p + (uint64_t)(((u128)(BREACH_CERTAIN - p) * j) >> 32);
}
