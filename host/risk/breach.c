// SPDX-License-Identifier: Apache-2.0
#include "risk/breach.h"

#include <string.h>

#include "base/wide.h"
#include "risk/breach_math.h"

enum {
    PPM = 1000000,
    SUM_BITS = 42, // of weighted exposures: their squares, times a correlation, of 64 assets fit 127 bits
    RHO_BITS = 30,
    VOL_BITS = 48,
    FAR_SIGMAS = 4096, // after the widest fit still above BREACH_FAR
    SCALED_BITS = 40,
    STEP_SHIFT = 9774358, // 0.5826 = -zeta(1/2) / sqrt(2 pi), in 2^-24
};
static const int64_t CAP_DISTANCE = (int64_t)FAR_SIGMAS * BREACH_SIGMA;
static const uint64_t SECOND_NS = 1000000000;

// ---- a positive number of 64 leading bits: m * 2^e, m's top bit set; m = 0 is zero

struct big {
    uint64_t m;
    int e;
};

static struct big big_of(u128 v, int e)
{
    if (v == 0)
        return (struct big){0};
    uint64_t hi = (uint64_t)(v >> 64);
    int bits = hi ? 128 - __builtin_clzll(hi) : 64 - __builtin_clzll((uint64_t)v);
    uint64_t m = bits > 64 ? (uint64_t)(v >> (bits - 64)) : (uint64_t)v << (64 - bits);
    return (struct big){m, e + bits - 64};
}

static struct big big_mul(struct big a, struct big b)
{
    return big_of((u128)a.m * b.m, a.e + b.e);
}

static uint64_t root(u128 v)
{
    u128 r = 0, bit = (u128)1 << 126;
    while (bit > v)
        bit >>= 2;
    for (; bit; bit >>= 2) {
        if (v >= r + bit) {
            v -= r + bit;
            r = (r >> 1) + bit;
        } else {
            r >>= 1;
        }
    }
    return (uint64_t)r;
}

static struct big big_root(struct big a)
{
    bool odd = (a.e - 64) & 1;
    return big_of(root((u128)a.m << (odd ? 63 : 64)), (a.e - (odd ? 63 : 64)) / 2);
}

// a / b in sigmas' bits, rounded down, at most `most`; b is not zero.
static int64_t big_quotient(struct big a, struct big b, int64_t most)
{
    u128 q = ((u128)a.m << 63) / b.m; // 2^62 .. 2^64
    int down = 63 - BREACH_SIGMA_BITS - (a.e - b.e);
    if (a.m == 0 || down >= 128)
        return 0;
    if (down < 20) // above 2^42 of a sigma's bits
        return most;
    q >>= down;
    return q > (u128)most ? most : (int64_t)q;
}

// ---- how health moves

uint64_t breach_vol_q48(uint64_t variance_q64)
{
    return root((u128)variance_q64 << (2 * VOL_BITS - 64));
}

static u128 size_of(i128 v)
{
    return v < 0 ? -(u128)v : (u128)v;
}

// Variance of H a second, in 2^-(RHO_BITS + 2 VOL_BITS) of the unit's square.
static struct big variance(const struct breach_form *f, const struct breach_asset *a,
                           const struct breach_view *v)
{
    i128 x[BREACH_ASSETS_MAX], sum = 0, all = 0;
    u128 most = 0, squares = 0;
    unsigned cut = 0;
    for (unsigned i = 0; i < f->n; i++) {
        x[i] = (i128)f->exposure[i] * (i128)a[i].vol_q48;
        sum += x[i];
        most = size_of(x[i]) > most ? size_of(x[i]) : most;
    }
    most = size_of(sum) > most ? size_of(sum) : most;
    while (most >> cut >> SUM_BITS)
        cut++;
    for (unsigned i = 0; i < f->n; i++) {
        x[i] = x[i] < 0 ? -(i128)(size_of(x[i]) >> cut) : x[i] >> cut;
        squares += (u128)(x[i] * x[i]);
    }
    for (unsigned i = 0; v->rho_q30 && i < f->n; i++)
        for (unsigned j = 0; j < f->n; j++)
            all += x[i] * x[j] * v->rho_q30[i * f->n + j];
    if (v->rho_q30)
        return big_of(all > 0 ? (u128)all : 0, 2 * (int)cut);
    // (1 - rho) sum x^2 + rho (sum x)^2
    u128 rho = ((u128)v->rho_ppm << RHO_BITS) / PPM, whole = size_of(sum) >> cut;
    return big_of((((u128)1 << RHO_BITS) - rho) * squares + rho * whole * whole, 2 * (int)cut);
}

// Health less what selling into the books takes of it.
static int64_t health_left(const struct breach_form *f, const struct breach_asset *a)
{
    i128 h = f->health;
    for (unsigned i = 0; i < f->n; i++)
        h -= (i128)((size_of(f->exposure[i]) * a[i].impact_ppm + PPM - 1) / PPM);
    return h < INT64_MIN ? INT64_MIN : (int64_t)h;
}

static int64_t drift_sigmas(const struct breach_form *f, const struct breach_asset *a, struct big time,
                            struct big sigma)
{
    i128 mu = 0;
    for (unsigned i = 0; i < f->n; i++)
        mu += (i128)f->exposure[i] * a[i].drift_q64;
    int64_t m = big_quotient(big_mul(big_of(size_of(mu), -64), time), sigma, BREACH_DRIFT);
    return mu < 0 ? -m : m;
}

// A second is 1, over so many nanoseconds.
static struct big seconds(uint64_t ns)
{
    // 2^119 / 10^9 rounded: of 64 bits, as all that it is multiplied with
    return big_mul(big_of(ns, 0), big_of((((u128)1 << 119) + SECOND_NS / 2) / SECOND_NS, -119));
}

int64_t breach_distance(const struct breach_form *f, const struct breach_asset *a,
                        const struct breach_view *v, int64_t *drift)
{
    const int64_t h = health_left(f, a);
    struct big second = variance(f, a, v), time = seconds(v->horizon_ns);
    second.e -= RHO_BITS + 2 * VOL_BITS;
    struct big sigma = big_root(big_mul(second, time));
    if (drift)
        *drift = 0;
    if (h <= 0)
        return 0;
    if (sigma.m == 0)
        return CAP_DISTANCE;
    if (drift)
        *drift = drift_sigmas(f, a, time, sigma);
    int64_t d = big_quotient(big_of((u128)h, 0), sigma, CAP_DISTANCE);
    if (v->step_ns && v->step_ns < v->horizon_ns) {
        struct big steps = big_root(seconds(v->step_ns)), whole = big_root(time);
        d += (STEP_SHIFT * big_quotient(steps, whole, BREACH_SIGMA)) >> BREACH_SIGMA_BITS;
    } else if (v->step_ns) {
        d += STEP_SHIFT;
    }
    return d > CAP_DISTANCE ? CAP_DISTANCE : d > 0 ? d : 1;
}

// ---- how likely

static uint64_t to_q32(u128 p)
{
    enum { DOWN = 28 };
    return (uint64_t)((p + (1 << (DOWN - 1))) >> DOWN);
}

uint64_t breach_probability_at(int64_t distance, int64_t drift, const struct breach_tail_fit *fit)
{
    const uint32_t scale = fit->scale_ppm ? fit->scale_ppm : PPM,
                   ratio = fit->ratio_ppm ? fit->ratio_ppm : PPM;
    if (distance <= 0)
        return BREACH_CERTAIN;
    if (distance >= CAP_DISTANCE) // as far as can be told: never
        return 0;
    int64_t d = distance * PPM / scale, m = drift * PPM / scale;
    if (d >> SCALED_BITS)
        return 0;
    uint64_t usual = breach_first_passage(d ? d : 1, m);
    if (fit->weight_ppm == 0)
        return to_q32(usual);
    d = d * PPM / ratio;
    uint64_t wild = breach_first_passage(d ? d : 1, m * PPM / ratio);
    return to_q32(((u128)usual * (PPM - fit->weight_ppm) + (u128)wild * fit->weight_ppm) / PPM);
}

uint64_t breach_probability(const struct breach_form *f, const struct breach_asset *a,
                            const struct breach_view *v)
{
    int64_t drift, d = breach_distance(f, a, v, &drift);
    return breach_probability_at(d, drift, &v->fit);
}

int64_t breach_value(uint64_t probability, int64_t reward, int64_t cost)
{
    i128 v = (((i128)probability * reward) >> 32) - cost;
    return v > INT64_MAX ? INT64_MAX : v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

uint32_t breach_reduction_ppm(const struct breach_form *f, const struct breach_asset *a,
                              const struct breach_view *v, uint64_t most)
{
    struct breach_form less = *f;
    uint32_t low = 0, high = PPM; // high is enough
    if (f->health <= 0)
        return PPM;
    if (breach_probability(f, a, v) <= most)
        return 0;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        for (unsigned i = 0; i < f->n; i++)
            less.exposure[i] = (int64_t)((i128)f->exposure[i] * (PPM - mid) / PPM);
        if (breach_probability(&less, a, v) <= most)
            high = mid;
        else
            low = mid;
    }
    return high;
}
