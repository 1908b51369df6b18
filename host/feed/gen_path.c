// SPDX-License-Identifier: Apache-2.0
#include "feed/gen_path.h"

#include "base/wide.h"

static const uint64_t SEED_PATH = 0x70617468; // keeps the parts of the generator independent
static const int64_t LEVEL_ONE = INT64_C(1000000000000000);
static const int64_t E9 = 1000000000;
static const int64_t MARKET_SIGMA_E12 = 100000000; // 1e-4 per square-root second
static const int64_t TREND_E9 = -120000000;
static const int64_t CRASH_E9 = -250000000;
static const int64_t CRASH_BACK_E9 = 100000000;
static const int64_t GAP_E9 = -120000000;
enum { FALL_SECONDS = 3, FALL_SHARE = 10, RECOVERY_FALLS = 4, STABLE_PULL = 4096 };

// Percent of the market's move; own noise in percent of the market's.
static const int BETA[ASSET_COUNT] = {100, 115, 140, 120, 140, 160, 0};
static const int NOISE[ASSET_COUNT] = {30, 40, 70, 60, 80, 120, 5};

static uint64_t isqrt(uint64_t v)
{
    uint64_t r = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((r + bit) * (r + bit) <= v)
            r += bit;
    return r;
}

// Nearly normal: twelve uniform 16-bit numbers have a variance of 2^32, so this has a deviation of 2^16.
static int64_t normal(struct prng *rng)
{
    int64_t sum = -6 * 65535;
    for (int i = 0; i < 3; i++) {
        uint64_t r = prng_u64(rng);
        for (int k = 0; k < 4; k++, r >>= 16)
            sum += (int64_t)(r & 0xffff);
    }
    return sum;
}

static int64_t scaled_normal(struct prng *rng, int64_t sigma_e12)
{
    return sigma_e12 * normal(rng) / 65536;
}

void path_init(struct path *p, uint64_t seed, enum gen_path kind, int64_t steps, uint64_t step_ns)
{
    uint64_t capped_ns = step_ns < UINT64_C(1000000000000) ? step_ns : UINT64_C(1000000000000);
    *p = (struct path){.shape_kind = kind, .steps = steps};
    p->sigma_e12 =
        MARKET_SIGMA_E12 * (int64_t)isqrt(capped_ns * 1000000) / (int64_t)isqrt((uint64_t)E9 * 1000000);
    prng_seed(&p->rng, seed ^ SEED_PATH);
    int64_t fall_max = (int64_t)(FALL_SECONDS * (uint64_t)E9 / (step_ns ? step_ns : 1));
    p->fall_steps = fall_max < steps / FALL_SHARE ? fall_max : steps / FALL_SHARE;
    for (int a = 0; a < ASSET_COUNT; a++)
        p->level[a] = LEVEL_ONE;
}

// Linear from one value to another while `at` goes from 0 to `over`; flat outside.
static int64_t ramp(int64_t from, int64_t to, int64_t at, int64_t over)
{
    if (at <= 0)
        return from;
    if (at >= over)
        return to;
    return from + (int64_t)((i128)(to - from) * at / over);
}

static int64_t shape(const struct path *p)
{
    int64_t since = p->step - p->steps / 2;
    switch (p->shape_kind) {
    case GEN_TREND:
        return ramp(0, TREND_E9, p->step, p->steps);
    case GEN_CRASH:
        return ramp(0, CRASH_E9, since, p->fall_steps) +
               ramp(0, CRASH_BACK_E9, since - p->fall_steps, p->fall_steps * RECOVERY_FALLS);
    case GEN_GAP:
        return since > 0 ? GAP_E9 : 0;
    case GEN_CALM:
        break;
    }
    return 0;
}

static int64_t clamp_level(int64_t v)
{
    // A walk of any length keeps prices that are prices.
    int64_t low = LEVEL_ONE / 5, high = LEVEL_ONE * 5;
    return v < low ? low : v > high ? high : v;
}

void path_step(struct path *p)
{
    int64_t market = scaled_normal(&p->rng, p->sigma_e12);
    for (int a = 0; a < ASSET_COUNT; a++) {
        int64_t move = market * BETA[a] / 100 + scaled_normal(&p->rng, p->sigma_e12 * NOISE[a] / 100);
        int64_t v = p->level[a] + (int64_t)((i128)p->level[a] * move / INT64_C(1000000000000));
        if (a == ASSET_USDC)
            v -= (v - LEVEL_ONE) / STABLE_PULL; // a stablecoin returns to its peg
        p->level[a] = clamp_level(v);
    }
    p->step++;
    p->shape_e9 = shape(p);
}

int64_t path_price(const struct path *p, enum path_asset asset, int64_t start, int in_usdc)
{
    i128 level = (i128)p->level[asset] * (E9 + p->shape_e9 * BETA[asset] / 100) / E9;
    if (in_usdc)
        level = level * LEVEL_ONE / p->level[ASSET_USDC];
    i128 v = (start * level + LEVEL_ONE / 2) / LEVEL_ONE;
    return v < 1 ? 1 : (int64_t)v;
}
