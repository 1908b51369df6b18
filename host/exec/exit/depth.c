// SPDX-License-Identifier: Apache-2.0
#include "exec/exit/depth.h"

enum { PPM = 1000000, PPM_DIGITS = 6 };
#define E(n) UINT64_C(1##n)
static const uint64_t POW10[] = {E(),
                                 E(0),
                                 E(00),
                                 E(000),
                                 E(0000),
                                 E(00000),
                                 E(000000),
                                 E(0000000),
                                 E(00000000),
                                 E(000000000),
                                 E(0000000000),
                                 E(00000000000),
                                 E(000000000000),
                                 E(0000000000000),
                                 E(00000000000000),
                                 E(000000000000000),
                                 E(0000000000000000),
                                 E(00000000000000000),
                                 E(000000000000000000)};

int depth_begin(struct depth *d, u128 lot, uint64_t unit, uint8_t unit_decimals, uint32_t fee_ppm,
                struct err *e)
{
    if (lot == 0 || lot > UINT64_MAX || unit == 0 || unit > INT64_MAX || unit_decimals > 18)
        return err_set(e, "lot and unit must be 1 or more, below 2^63, decimals 0 to 18");
    if (fee_ppm >= PPM)
        return err_set(e, "the fee must be below 1000000 ppm");
    d->n = 0;
    d->lot = lot;
    d->unit = unit;
    d->unit_decimals = unit_decimals;
    d->fee_ppm = fee_ppm;
    return 0;
}

int depth_add(struct depth *d, int64_t price, int64_t tick, int64_t size, int64_t size_lot, struct err *e)
{
    if (tick <= 0 || size_lot <= 0 || price < 0 || size < 0)
        return err_set(e, "tick and lot must be positive, price and size not negative");
    int64_t ticks = price / tick, lots = size / size_lot;
    struct depth_level *last = d->n ? &d->level[d->n - 1] : NULL;
    if (last && ticks > last->ticks)
        return err_set(e, "levels must come best first");
    if (ticks == 0 || lots == 0)
        return 0;
    if (last && ticks == last->ticks)
        last->lots += (uint64_t)lots <= (uint64_t)INT64_MAX - last->lots ? (uint64_t)lots : 0;
    else if (d->n < DEPTH_LEVELS_MAX)
        d->level[d->n++] = (struct depth_level){.ticks = ticks, .lots = (uint64_t)lots};
    return 0;
}

// The same in 128 bits; false where that is not certain to be enough.
static bool level_out_narrow(const struct depth *d, int64_t ticks, uint64_t lots, u128 *out)
{
    u128 notional = (u128)lots * (u128)ticks;
    if (notional >> 64 != 0)
        return false;
    notional *= d->unit;
    if (notional >> (128 - 20) != 0) // a fee is below 2^20
        return false;
    u128 gross = d->unit_decimals ? notional / POW10[d->unit_decimals] : notional;
    *out = d->fee_ppm ? gross - (gross * d->fee_ppm + PPM - 1) / PPM : gross;
    return true;
}

// lots (< 2^63) of one level: notional floor, fee ceil. At most 2^112 - 1, where no token goes.
static u128 level_out(const struct depth *d, int64_t ticks, uint64_t lots)
{
    u128 narrow;
    if (level_out_narrow(d, ticks, lots, &narrow))
        return narrow;
    i256 gross = i256_mul_i64(i256_mul_u128((u128)lots, (u128)ticks), (int64_t)d->unit);
    gross = i256_min(i256_div10_floor(gross, d->unit_decimals), i256_from_u128(EXIT_AMOUNT_MAX));
    i256 fee = i256_div10_ceil(i256_mul_i64(gross, d->fee_ppm), PPM_DIGITS);
    return i256_lo(i256_sub(gross, fee));
}

static u128 add_up(u128 a, u128 b)
{
    return a + b < EXIT_AMOUNT_MAX ? a + b : EXIT_AMOUNT_MAX;
}

static u128 lots_of(const struct depth *d, u128 q) // the largest lots_upto is below 2^69
{
    u128 all = d->n ? d->level[d->n - 1].lots_upto : 0;
    i256 most = i256_mul_u128(all, d->lot);
    return i256_cmp(i256_from_u128(q), most) >= 0 ? all : q / d->lot;
}

// The level in which the last of `lots` (1..all) is sold.
static unsigned level_of(const struct depth *d, u128 lots)
{
    unsigned lo = 0, hi = d->n - 1u;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (d->level[mid].lots_upto < lots)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static u128 venue_out(const struct exit_venue *v, u128 q)
{
    const struct depth *d = (const struct depth *)v;
    u128 lots = lots_of(d, q);
    if (lots == 0)
        return 0;
    unsigned i = level_of(d, lots);
    const struct depth_level *l = &d->level[i];
    u128 before = i ? l[-1].lots_upto : 0;
    return add_up(i ? l[-1].out_upto : 0, level_out(d, l->ticks, (uint64_t)(lots - before)));
}

static u128 units_of(const struct depth *d, u128 lots)
{
    i256 q = i256_mul_u128(lots, d->lot);
    return i256_cmp(q, i256_from_u128(EXIT_AMOUNT_MAX)) < 0 ? i256_lo(q) : EXIT_AMOUNT_MAX;
}

// Is a lot of this level, fee taken and before rounding, worth at least the rate?
// ticks unit (1e6 - fee) / (10^decimals 1e6 lot) >= out / in
static bool pays(const struct depth *d, int64_t ticks, struct exit_rate rate)
{
    i256 net = i256_mul_i64(i256_mul_u128((u128)ticks, d->unit), (int64_t)(PPM - d->fee_ppm));
    i256 want = i256_mul(i256_mul_u128(d->lot, rate.out), i256_pow10(d->unit_decimals + PPM_DIGITS));
    // Below 2^146 and 2^208: the one multiplies by 2^64 and keeps inside 2^255.
    return i256_cmp(i256_mul(net, i256_from_u128(rate.in)), want) >= 0;
}

static u128 venue_upto(const struct exit_venue *v, struct exit_rate rate)
{
    const struct depth *d = (const struct depth *)v;
    unsigned lo = 0, hi = d->n; // prices fall with the levels
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (pays(d, d->level[mid].ticks, rate))
            lo = mid + 1;
        else
            hi = mid;
    }
    return units_of(d, lo ? d->level[lo - 1].lots_upto : 0);
}

void depth_end(struct depth *d)
{
    u128 lots = 0, out = 0;
    for (unsigned i = 0; i < d->n; i++) {
        struct depth_level *l = &d->level[i];
        out = add_up(out, level_out(d, l->ticks, l->lots));
        lots += l->lots;
        l->lots_upto = lots;
        l->out_upto = out;
    }
    // Two roundings a level, and up to a lot that stays unsold.
    u128 lot = d->n ? level_out(d, d->level[0].ticks, 1) + 2 : 0;
    d->venue.out = venue_out;
    d->venue.upto = venue_upto;
    d->venue.version++;
    d->venue.slop = lot + 2u * d->n + 1;
}

u128 depth_units(const struct depth *d, unsigned i)
{
    return units_of(d, d->level[i].lots_upto);
}

struct exit_rate depth_rate(const struct depth *d, unsigned i)
{
    i256 net = i256_mul_i64(i256_mul_u128((u128)d->level[i].ticks, d->unit), (int64_t)(PPM - d->fee_ppm));
    i256 per = i256_mul(i256_from_u128(d->lot), i256_pow10(d->unit_decimals + PPM_DIGITS));
    return exit_rate_near(net, per);
}

// A level's price is that of a tick times its ticks: one long division for all of them. m 2^-e, m of 63 or 64
// bits.
void depth_rates(const struct depth *d, struct exit_rate rate[DEPTH_LEVELS_MAX])
{
    i256 net = i256_mul_i64(i256_from_u128(d->unit), (int64_t)(PPM - d->fee_ppm));
    i256 per = i256_mul(i256_from_u128(d->lot), i256_pow10(d->unit_decimals + PPM_DIGITS));
    unsigned e = 63 + i256_bits(per) - i256_bits(net); // per is above 2^19, net below 2^83
    uint64_t m = (uint64_t)i256_lo(i256_div_floor(i256_shl(net, e), per));
    for (unsigned i = 0; i < d->n; i++) {
        u128 all = (u128)m * (u128)d->level[i].ticks;
        unsigned up = all >> 64 ? 64 - (unsigned)__builtin_clzll((uint64_t)(all >> 64)) : 0;
        uint64_t top = (uint64_t)(all >> up);
        unsigned low = e - up; // up may pass e: then e - up is negative
        if (up > e)
            rate[i] = (struct exit_rate){UINT64_MAX, 1};
        else if (low <= 63)
            rate[i] = (struct exit_rate){top, UINT64_C(1) << low};
        else if (low <= 126)
            rate[i] = (struct exit_rate){UINT64_C(1) << (126 - low), (uint64_t)(((u128)1 << 126) / top)};
        else
            rate[i] = (struct exit_rate){1, UINT64_MAX};
    }
}

bool depth_least(const struct depth *d, u128 out, u128 *q)
{
    *q = 0;
    if (out == 0)
        return true;
    if (d->n == 0 || d->level[d->n - 1].out_upto < out)
        return false;
    unsigned i = 0;
    while (d->level[i].out_upto < out)
        i++;
    u128 out_before = i ? d->level[i - 1].out_upto : 0, lots_before = i ? d->level[i - 1].lots_upto : 0;
    uint64_t lo = 1, hi = d->level[i].lots;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (add_up(out_before, level_out(d, d->level[i].ticks, mid)) < out)
            lo = mid + 1;
        else
            hi = mid;
    }
    i256 all = i256_mul_u128(lots_before + lo, d->lot);
    *q = i256_lo(all);
    return i256_cmp(all, i256_from_u128(EXIT_AMOUNT_MAX)) <= 0;
}
