// SPDX-License-Identifier: Apache-2.0
#include "risk/vol.h"

#include "base/u256.h"

enum {
    LOG_BITS = 56,  // of a binary logarithm's fraction
    LN_BITS = 48,   // of a logarithm
    VAR_BITS = 64,  // of a variance
    EXP_TERMS = 22, // ln(2)^22 / 22! < 2^-81
    MILLION = 1000000,
};
static const uint64_t LN2 = UINT64_C(0xb17217f7d1cf79ab); // floor(ln 2 * 2^64)

// Digits by squaring: each truncation is below 2^-62 of the value and weighs half of the one before, so all
// of them cost less than 2^-60, beside the 2^-56 of the digits not taken.
int64_t vol_ln(uint64_t x)
{
    if (x < 2)
        return 0;
    unsigned whole = 63u - (unsigned)__builtin_clzll(x);
    uint64_t m = x << (63u - whole); // in [1, 2), 63 bits behind the point
    uint64_t digits = 0;
    for (unsigned i = 0; i < LOG_BITS; i++) {
        u128 square = (u128)m * m >> 63;
        bool two = square >> 64 != 0;
        m = (uint64_t)(two ? square >> 1 : square);
        digits = digits << 1 | two;
    }
    u128 log2 = (u128)whole << LOG_BITS | digits; // < 2^62
    return (int64_t)(log2 * LN2 >> (LOG_BITS + 64 - LN_BITS));
}

int64_t vol_return(uint64_t from, uint64_t to)
{
    return vol_ln(to) - vol_ln(from);
}

// x = k ln 2 + f: the series of e^-f in Horner's form, 2^-k by a shift. Every factor is below 1 and every
// division rounds, so a term costs two units at most and each is scaled down by the next.
u128 vol_exp_neg(uint64_t x)
{
    u128 wide = (u128)x << (64 - LN_BITS);
    uint64_t k = (uint64_t)(wide / LN2);
    uint64_t f = (uint64_t)(wide % LN2);
    if (k > 64)
        return 0;
    u128 sum = (u128)1 << 64;
    for (unsigned i = EXP_TERMS; i > 0; i--) {
        u128 part = i256_lo(i256_sar(i256_mul_u128(sum, f), 64)) / i;
        sum = ((u128)1 << 64) - part;
    }
    return sum >> k;
}

static u128 exact_square(int64_t r)
{
    return (u128)((i128)r * r);
}

u128 vol_square(int64_t r)
{
    return exact_square(r) >> (2 * LN_BITS - VAR_BITS);
}

static u128 at_most(u128 v)
{
    return v > VOL_VAR_MAX ? VOL_VAR_MAX : v;
}

// A sum of squares over `span` as the variance of `period`: floor(squares * period / span), at most
// VOL_VAR_MAX
static u128 variance(u128 squares, uint64_t period, uint64_t span)
{
    u256 product; // 2^128 * 2^40
    (void)u256_mul(u256_from_u128(squares), u256_from_u64(period), &product);
    u256 v = u256_shr(u256_div(product, u256_from_u64(span), NULL), 2 * LN_BITS - VAR_BITS);
    return u256_bits(v) > 96 ? VOL_VAR_MAX : u256_to_u128(v);
}

// ---- exponentially weighted

u128 vol_ewma_step(u128 var, int64_t r, uint32_t lambda_ppm)
{
    u128 sum = at_most(var) * lambda_ppm + vol_square(r) * (MILLION - lambda_ppm); // < 2^117
    return sum / MILLION;                                                          // between the two
}

// w * a + (1 - w) * b, w in 2^-64: below 2^96 * 2^64 twice
static u128 mixed(u128 a, u128 b, u128 w)
{
    i256 sum = i256_add(i256_mul_u128(a, w), i256_mul_u128(b, ((u128)1 << 64) - w));
    return i256_lo(i256_sar(sum, 64));
}

u128 vol_ewma_step_dt(u128 var, int64_t r, uint64_t dt_ms, uint32_t lambda_ppm, uint64_t period_ms)
{
    if (dt_ms == period_ms)
        return vol_ewma_step(var, r, lambda_ppm);
    uint64_t rate = (uint64_t)vol_return(lambda_ppm, MILLION); // of a period; > 0
    u128 x = (u128)rate * dt_ms / period_ms;
    u128 w = x >> 60 ? 0 : vol_exp_neg((uint64_t)x);
    return mixed(at_most(var), variance(exact_square(r), period_ms, dt_ms), w);
}

bool vol_ewma_price(struct vol_ewma *v, uint64_t price, uint64_t at_ms)
{
    if (price == 0 || price >> 63 || (v->price && at_ms < v->at_ms))
        return false;
    uint64_t dt = at_ms - v->at_ms;
    bool first = v->price == 0;
    if (!first && dt == 0)
        return false; // the first of a millisecond counts: the next return begins there
    if (!first) {
        int64_t r = vol_return(v->price, price);
        if (v->cap_ms && dt > v->cap_ms)
            dt = v->cap_ms;
        if (dt > VOL_MS_MAX)
            dt = VOL_MS_MAX;
        v->var = v->n ? vol_ewma_step_dt(v->var, r, dt, v->lambda_ppm, v->period_ms)
                      : variance(exact_square(r), v->period_ms, dt);
        v->n++;
    }
    v->price = price;
    v->at_ms = at_ms;
    return !first;
}

// ---- realised

static void drop_oldest(struct vol_window *w)
{
    const struct vol_sample *s = &w->sample[w->first];
    w->squares -= exact_square(s->r);
    w->span_ms -= s->dt_ms;
    w->first = (w->first + 1) % w->room;
    w->n--;
}

void vol_window_add(struct vol_window *w, int64_t r, uint64_t dt_ms)
{
    if (w->n == w->room)
        drop_oldest(w);
    w->sample[(w->first + w->n) % w->room] = (struct vol_sample){r, dt_ms};
    w->n++;
    w->squares += exact_square(r);
    w->span_ms += dt_ms;
    while (w->n > 1 && w->span_ms > w->window_ms)
        drop_oldest(w);
}

u128 vol_window_var(const struct vol_window *w, uint64_t period_ms)
{
    return w->span_ms == 0 ? 0 : variance(w->squares, period_ms, w->span_ms);
}

// ---- from the range of a bar

bool vol_bar_good(const struct vol_bar *b)
{
    return b->low > 0 && b->low <= b->open && b->low <= b->close && b->open <= b->high &&
           b->close <= b->high && b->high >> 63 == 0;
}

// Squares of what is below 2^54, in 2^-96: below 2^109. Times a constant below 1 in 2^-32 they would lose
// what a calm bar has; in 2^-64 they need 256 bits.
static u128 weighted(u128 square, uint64_t weight)
{
    return i256_lo(i256_sar(i256_mul_u128(square, weight), 64));
}

u128 vol_bar_var(const struct vol_bar *b, enum vol_range how)
{
    static const uint64_t PARKINSON = UINT64_C(0x5c551d94ae0bf85d);    // floor(2^64 / (4 ln 2))
    static const uint64_t GARMAN_KLASS = UINT64_C(0x62e42fefa39ef357); // floor(2^64 (2 ln 2 - 1))
    if (!vol_bar_good(b))
        return 0;
    i128 u = vol_return(b->open, b->high), d = vol_return(b->open, b->low), c = vol_return(b->open, b->close);
    u128 range = (u128)((u - d) * (u - d)), q = 0;
    switch (how) {
    case VOL_CLOSE:
        q = (u128)(c * c);
        break;
    case VOL_PARKINSON:
        q = weighted(range, PARKINSON);
        break;
    case VOL_GARMAN_KLASS:
        q = range / 2 - weighted((u128)(c * c), GARMAN_KLASS); // |c| <= u - d: at least 0.11 of the range's
        break;
    case VOL_ROGERS_SATCHELL:
        q = (u128)(u * (u - c) + d * (d - c)); // u >= 0, u >= c, d <= 0, d <= c
        break;
    }
    return q >> (2 * LN_BITS - VAR_BITS);
}

void vol_bar_add(struct vol_bar *b, uint64_t *n, uint64_t price)
{
    if ((*n)++ == 0) {
        *b = (struct vol_bar){price, price, price, price};
        return;
    }
    b->high = price > b->high ? price : b->high;
    b->low = price < b->low ? price : b->low;
    b->close = price;
}

// ---- deviation

uint64_t vol_sigma_ppm(u128 var, uint64_t period_ms, uint64_t horizon_ms)
{
    u256 v = u256_from_u128(at_most(var)), x; // 2^96 * 2^40 * 2^40: below 2^178
    (void)u256_mul(v, u256_from_u64((uint64_t)MILLION * MILLION), &x);
    (void)u256_mul(x, u256_from_u64(horizon_ms), &x);
    x = u256_shr(u256_div(x, u256_from_u64(period_ms), NULL), VAR_BITS);
    return (uint64_t)u256_to_u128(u256_sqrt(x)); // below 2^57
}
