// SPDX-License-Identifier: Apache-2.0
// Everything here is monotone in time between two tellings: indexes rise, thresholds fall, funding goes one
// way. So the worst of a span is at one of its ends.
#include "accounts/moving.h"

static const uint64_t NS_PER_SECOND = 1000000000, SECONDS_PER_YEAR = 31536000; // Aave: no leap years
static const u128 RAY = (u128)1000000000000000000ull * 1000000000ull;

// ---- Aave's MathUtils and WadRayMath

static i256 ray_mul(i256 a, i256 b) // half up
{
    i256 ray = i256_from_u128(RAY);
    return i256_div_floor(i256_add(i256_mul(a, b), i256_from_u128(RAY / 2)), ray);
}

// floor(rate * seconds / year): rate <= 10 RAY < 2^94, seconds < 2^32.
static i256 grown(u128 rate, uint64_t seconds)
{
    return i256_from_u128(rate * seconds / SECONDS_PER_YEAR);
}

static i256 linear(u128 index, u128 rate, uint64_t seconds)
{
    i256 factor = i256_add(i256_from_u128(RAY), grown(rate, seconds));
    return ray_mul(factor, i256_from_u128(index));
}

static i256 compounded(u128 index, u128 rate, uint64_t seconds)
{
    i256 x = grown(rate, seconds);
    i256 half = i256_div_floor(x, i256_from_i64(2)), sixth = i256_div_floor(x, i256_from_i64(6));
    i256 higher = ray_mul(x, i256_add(half, ray_mul(x, sixth)));
    i256 factor = i256_add(i256_add(i256_from_u128(RAY), x), higher);
    return ray_mul(factor, i256_from_u128(index));
}

// calculateCompoundedInterest up to 3.3: (1 + rate/year)^n to the third order, each power floored to a
// second.
static i256 binomial(u128 index, u128 rate, uint64_t seconds)
{
    i256 n = i256_from_u128(seconds), n1 = i256_from_u128(seconds ? seconds - 1 : 0);
    i256 n2 = i256_from_u128(seconds > 2 ? seconds - 2 : 0);
    i256 year = i256_from_u128(SECONDS_PER_YEAR), r = i256_from_u128(rate);
    i256 two = i256_div_floor(ray_mul(r, r), i256_mul(year, year));
    i256 three = i256_div_floor(ray_mul(two, r), year);
    i256 pairs = i256_mul(n, n1);
    i256 second = i256_div_floor(i256_mul(pairs, two), i256_from_i64(2));
    i256 third = i256_div_floor(i256_mul(i256_mul(pairs, n2), three), i256_from_i64(6));
    i256 factor = i256_add(i256_add(i256_from_u128(RAY), grown(rate, seconds)), i256_add(second, third));
    return ray_mul(factor, i256_from_u128(index));
}

u128 index_linear(u128 index, u128 rate, uint64_t seconds)
{
    return i256_lo(linear(index, rate, seconds));
}

u128 index_compounded(u128 index, u128 rate, uint64_t seconds)
{
    return i256_lo(compounded(index, rate, seconds));
}

u128 index_binomial(u128 index, u128 rate, uint64_t seconds)
{
    return i256_lo(binomial(index, rate, seconds));
}

// ---- one instrument at one moment

uint64_t interest_seconds(const struct instrument *in, uint64_t at)
{
    uint64_t t = at > in->told_at ? at - in->told_at : 0;
    return t < MOVING_SECONDS_MAX ? t : MOVING_SECONDS_MAX;
}

u128 liquidity_index_at(const struct instrument *in, uint64_t at)
{
    return in->liquidity_rate
               ? index_linear(in->liquidity_index, in->liquidity_rate, interest_seconds(in, at))
               : in->liquidity_index;
}

u128 borrow_index_at(const struct instrument *in, uint64_t at)
{
    return in->borrow_rate ? index_compounded(in->borrow_index, in->borrow_rate, interest_seconds(in, at))
                           : in->borrow_index;
}

static u128 borrow_index_binomial_at(const struct instrument *in, uint64_t at)
{
    return in->borrow_rate ? index_binomial(in->borrow_index, in->borrow_rate, interest_seconds(in, at))
                           : in->borrow_index;
}

static i128 funding_at(const struct instrument *in, uint64_t at)
{
    return in->funding_index + (i128)in->funding_rate * (i128)interest_seconds(in, at);
}

// Euler v2's getLTV: to + floor((from - to) * time remaining / duration).
static uint32_t ramp_at(const struct instrument *in, uint32_t from, uint32_t to, uint64_t at)
{
    if (from == 0 || at >= in->ramp_end)
        return to;
    if (at <= in->ramp_start)
        return from;
    return to + (uint32_t)((from - to) * (in->ramp_end - at) / (in->ramp_end - in->ramp_start));
}

uint32_t lt_at(const struct instrument *in, uint64_t at)
{
    return ramp_at(in, in->ramp_from_bps, in->lt_bps, at);
}

uint32_t emode_lt_at(const struct instrument *in, uint64_t at)
{
    return ramp_at(in, in->emode_ramp_from_bps, in->emode_lt_bps, at);
}

// ---- markets

// Does it ever differ from what was told?
static bool told_to_move(const struct instrument *in)
{
    return in->liquidity_rate || in->borrow_rate || in->funding_rate || in->ramp_end || in->grace_until;
}

void market_now(struct market *m, uint64_t now_ns)
{
    uint64_t at = now_ns / NS_PER_SECOND;
    if (at == m->now_s)
        return;
    m->now_s = at;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        struct instrument *in = &m->instrument[i];
        if (!told_to_move(in))
            continue;
        i128 funding = funding_at(in, at);
        in->now = (struct instrument_at){.set = true,
                                         .grace = in->grace_until && at <= in->grace_until,
                                         .lt_bps = lt_at(in, at),
                                         .emode_lt_bps = emode_lt_at(in, at),
                                         .liquidity_index = liquidity_index_at(in, at),
                                         .liquidity_index_most = liquidity_index_at(in, at),
                                         .borrow_index = borrow_index_at(in, at),
                                         .borrow_index_binomial = borrow_index_binomial_at(in, at),
                                         .funding_least = funding,
                                         .funding_greatest = funding};
    }
}

void market_window(struct market *m, uint64_t from_ns, uint64_t until_ns)
{
    uint64_t from = from_ns / NS_PER_SECOND, until = until_ns / NS_PER_SECOND;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        struct instrument *in = &m->instrument[i];
        if (!told_to_move(in))
            continue;
        i128 f = funding_at(in, from), g = funding_at(in, until);
        in->span = (struct instrument_at){.set = true,
                                          .lt_bps = lt_at(in, until),
                                          .emode_lt_bps = emode_lt_at(in, until),
                                          .liquidity_index = liquidity_index_at(in, from),
                                          .liquidity_index_most = liquidity_index_at(in, until),
                                          .borrow_index = borrow_index_at(in, until),
                                          .borrow_index_binomial = borrow_index_binomial_at(in, until),
                                          .funding_least = f < g ? f : g,
                                          .funding_greatest = f < g ? g : f};
    }
}

void market_told(struct market *m, unsigned i)
{
    m->instrument[i].now = m->instrument[i].span = (struct instrument_at){0};
    m->now_s = 0;
}

static bool moves_after(const struct instrument *in, uint64_t now_s)
{
    return in->liquidity_rate || in->borrow_rate || in->funding_rate || in->ramp_end > now_s;
}

bool market_moves(const struct market *m)
{
    for (unsigned i = 0; i < m->n_instruments; i++)
        if (moves_after(&m->instrument[i], m->now_s))
            return true;
    return false;
}

bool account_moves(const struct market *m, const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        bool supply = p->supply && p->collateral && (in->liquidity_rate || in->ramp_end > m->now_s);
        if (supply || (p->debt && in->borrow_rate) || (p->size && in->funding_rate))
            return true;
    }
    return false;
}

// ---- ranges

u128 liquidity_index_last(const struct instrument *in)
{
    return in->liquidity_rate ? index_linear(in->liquidity_index, in->liquidity_rate, MOVING_SECONDS_MAX)
                              : in->liquidity_index;
}

u128 borrow_index_last(const struct instrument *in)
{
    return in->borrow_rate ? index_compounded(in->borrow_index, in->borrow_rate, MOVING_SECONDS_MAX)
                           : in->borrow_index;
}

u128 borrow_index_binomial_last(const struct instrument *in)
{
    return in->borrow_rate ? index_binomial(in->borrow_index, in->borrow_rate, MOVING_SECONDS_MAX)
                           : in->borrow_index;
}

static u128 distance(i128 a, i128 b)
{
    return a < b ? (u128)b - (u128)a : (u128)a - (u128)b;
}

u128 funding_spread_last(const struct instrument *in, i128 settled)
{
    i128 last = in->funding_index + (i128)in->funding_rate * (i128)MOVING_SECONDS_MAX;
    u128 x = distance(in->funding_index, settled), y = distance(last, settled);
    return x > y ? x : y;
}

static int ramp_check(const struct instrument *in, struct err *e)
{
    bool ramp = in->ramp_from_bps || in->emode_ramp_from_bps;
    if (in->ramp_from_bps > 10000 || in->emode_ramp_from_bps > 10000 ||
        (in->ramp_from_bps && in->ramp_from_bps <= in->lt_bps) ||
        (in->emode_ramp_from_bps && (!in->emode || in->emode_ramp_from_bps <= in->emode_lt_bps)))
        return err_set(
            e,
            "instrument %s: a ramp goes down to its threshold, from at most 10000 bps: ramp_from_bps"
            " above lt_bps, emode_ramp_from_bps above emode_lt_bps",
            in->name);
    if (ramp ? in->ramp_start >= in->ramp_end || in->ramp_end > MOVING_TIME_MAX
             : in->ramp_start || in->ramp_end)
        return err_set(e,
                       "instrument %s: a ramp needs ramp_start before ramp_end, in seconds of the Unix epoch",
                       in->name);
    return 0;
}

static int reserve_moving_check(const struct instrument *in, struct err *e)
{
    if (in->funding_index || in->funding_rate)
        return err_set(e, "instrument %s: a reserve has no funding", in->name);
    if (in->liquidity_rate > RAY * MOVING_RATE_MAX || in->borrow_rate > RAY * MOVING_RATE_MAX)
        return err_set(e, "instrument %s: liquidity_rate and borrow_rate must be 0 to %d a year", in->name,
                       MOVING_RATE_MAX);
    // index <= 1e6 RAY (book.c), the factor below 1.7e8 RAY: below 2^228 on the way
    if (i256_bits(linear(in->liquidity_index, in->liquidity_rate, MOVING_SECONDS_MAX)) > MOVING_INDEX_BITS ||
        i256_bits(compounded(in->borrow_index, in->borrow_rate, MOVING_SECONDS_MAX)) > MOVING_INDEX_BITS ||
        i256_bits(binomial(in->borrow_index, in->borrow_rate, MOVING_SECONDS_MAX)) > MOVING_INDEX_BITS)
        return err_set(e, "instrument %s: 100 years at these rates would bring an index out of range",
                       in->name);
    return ramp_check(in, e);
}

int instrument_moving_check(const struct instrument *in, struct err *e)
{
    bool reserve = in->kind == INST_RESERVE;
    if (in->told_at > MOVING_TIME_MAX || in->grace_until > MOVING_TIME_MAX)
        return err_set(e, "instrument %s: told_at and grace_until are seconds of the Unix epoch", in->name);
    if ((in->liquidity_rate || in->borrow_rate || in->funding_rate) && in->told_at == 0)
        return err_set(e, "instrument %s: rates without told_at, the moment from which they count", in->name);
    if (reserve)
        return reserve_moving_check(in, e);
    if (in->liquidity_rate || in->borrow_rate || in->ramp_from_bps || in->emode_ramp_from_bps ||
        in->ramp_start || in->ramp_end || in->grace_until)
        return err_set(e, "instrument %s: interest rates, ramps and grace periods apply to reserves",
                       in->name);
    if (i256_bits(i256_from_i128(in->funding_index)) > MOVING_FUNDING_BITS)
        return err_set(e, "instrument %s: funding_index out of range", in->name);
    return 0;
}
