// SPDX-License-Identifier: Apache-2.0
// Row compiler (docs/numerics.md has the formulas' names, the widths and the proofs).
// Everything is an integer times a power of two, so nothing is lost before the two roundings that are meant:
// â = round(α), and the floor of Ĉ.
#include "accounts/rowc.h"

#include <assert.h>
#include <math.h>

enum {
    SHIFT_MIN = -31, // price 1      -> P̂ = 2^31
    SHIFT_MAX = 32,  // price 2^63-1 -> P̂ = 2^31
    SCALE_MAX = 61,  // binds only rows without assets
    // Below this every row inside the accepted ranges fits (numerics.md, "Widths"); the search ends before.
    SCALE_MIN = -171,
};
static const uint64_t PHAT_MAX = ((uint64_t)1 << PHAT_BITS) - 1;

// ---- grid

uint64_t grid_phat(const struct grid *g, int64_t price, bool *fits)
{
    uint64_t phat = 0;
    bool ok = price >= 0;
    if (ok) {
        uint64_t p = (uint64_t)price;
        if (g->shift > 0)
            phat = (p + ((uint64_t)1 << (g->shift - 1))) >> g->shift;
        else
            phat = p > PHAT_MAX >> -g->shift ? PHAT_MAX + 1 : p << -g->shift;
        ok = phat <= PHAT_MAX;
        if (!ok)
            phat = PHAT_MAX;
    }
    if (fits)
        *fits = ok;
    return phat;
}

// The band becomes the set of all prices whose P̂ is within the edges.
static void band_of(struct grid *g, uint64_t phat_lo, uint64_t phat_hi)
{
    u128 first, last;
    if (g->shift > 0) {
        u128 half = (u128)1 << (g->shift - 1);
        first = (u128)phat_lo << g->shift;
        first = first > half ? first - half : 1;
        last = ((u128)phat_hi << g->shift) + half - 1;
    } else {
        first = phat_lo >> -g->shift;
        last = phat_hi >> -g->shift;
        phat_hi = (uint64_t)last << -g->shift; // clipping may have left it between two prices
    }
    g->band.lo = (int64_t)first;
    g->band.hi = last > INT64_MAX ? INT64_MAX : (int64_t)last;
    g->phat_lo = phat_lo;
    g->phat_hi = phat_hi;
}

int grid_set_band(struct grid *g, int64_t lo, int64_t hi)
{
    if (lo > hi || hi < 1)
        return -1;
    bool fits;
    uint64_t phat_lo = grid_phat(g, lo < 1 ? 1 : lo, &fits);
    if (!fits)
        return -1;
    band_of(g, phat_lo, grid_phat(g, hi, NULL));
    return 0;
}

int grid_set_phat(struct grid *g, uint64_t lo, uint64_t hi)
{
    uint64_t least = grid_phat(g, 1, NULL), step = g->shift < 0 ? (uint64_t)1 << -g->shift : 1;
    uint64_t from = lo < least ? least : (lo + step - 1) / step * step;
    if (hi > PHAT_MAX)
        hi = PHAT_MAX;
    if (from > hi)
        return -1;
    band_of(g, from, hi);
    return 0;
}

int grid_centre(int64_t ref, uint32_t half_ppm, struct grid *g)
{
    if (ref <= 0)
        return -1;
    int shift = 64 - __builtin_clzll((uint64_t)ref) - 32;
    g->shift = (int8_t)shift;
    if (grid_phat(g, ref, NULL) >> 32) // rounded up to 2^32
        g->shift = (int8_t)(shift + 1);
    u128 half = (u128)(uint64_t)ref * half_ppm / 1000000;
    u128 room_up = (u128)(INT64_MAX - ref);
    int64_t lo = half < (u128)(uint64_t)ref ? ref - (int64_t)half : 1;
    int64_t hi = half < room_up ? ref + (int64_t)half : INT64_MAX;
    return grid_set_band(g, lo, hi);
}

// ---- compiler

static bool grid_valid(const struct grid *g)
{
    return g->shift >= SHIFT_MIN && g->shift <= SHIFT_MAX && g->phat_lo <= g->phat_hi && g->phat_hi > 0 &&
           g->phat_hi <= PHAT_MAX;
}

static int check_input(const struct affine *f, const struct grid *grids, struct err *e)
{
    if (f->n > ROW_ASSETS_MAX)
        return err_set(e, "row has %u assets, the limit is %d: split the account", (unsigned)f->n,
                       ROW_ASSETS_MAX);
    if (i256_sign(f->slack) < 0)
        return err_set(e, "row has a negative slack: its rule is at fault");
    if (i256_bits(f->c) > AFFINE_CONST_BITS || i256_bits(f->slack) > AFFINE_CONST_BITS)
        return err_set(e, "row's constant or slack exceeds %d bits: use a coarser value quantum",
                       AFFINE_CONST_BITS);
    uint64_t seen[MARKET_ASSETS_MAX / 64] = {0};
    for (unsigned i = 0; i < f->n; i++) {
        unsigned k = f->asset[i];
        if (k >= MARKET_ASSETS_MAX)
            return err_set(e, "row names asset %u, there are at most %d", k, MARKET_ASSETS_MAX);
        if (seen[k / 64] >> k % 64 & 1)
            return err_set(e, "row names asset %u twice: its rule must add the coefficients", k);
        seen[k / 64] |= (uint64_t)1 << k % 64;
        if (i256_bits(f->a[i]) > AFFINE_COEF_BITS)
            return err_set(e, "coefficient of asset %u exceeds %d bits: use a coarser value quantum", k,
                           AFFINE_COEF_BITS);
        if (i256_sign(f->a[i]) != 0 && !grid_valid(&grids[k]))
            return err_set(e, "asset %u has no price yet: rows need a reference price for each asset", k);
    }
    return 0;
}

// â = round(a * 2^exp), half up. False when it needs more than COEF_BITS. |a * 2^exp| < 2^26 by the start of
// the search, so one bit more than that fits int64; flooring in two steps is exact: floor(x + ½) =
// floor((floor(2x) + 1) / 2).
static bool quantise(i256 a, int exp, int32_t *coef)
{
    int64_t q;
    if (exp >= 0)
        q = i256_to_i64(i256_shl(a, (unsigned)exp));
    else
        q = (i256_to_i64(i256_sar(a, (unsigned)(-exp - 1))) + 1) >> 1;
    if (q >= (int64_t)1 << (COEF_BITS - 1) || q <= -((int64_t)1 << (COEF_BITS - 1)))
        return false;
    *coef = (int32_t)q;
    return true;
}

// Coefficients at scale k; false when a width is exceeded. coef[i] is parallel to f->a and may hold zeros.
static bool coefs_at(const struct affine *f, const struct grid *grids, int k, int32_t *coef)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < f->n; i++) {
        coef[i] = 0;
        if (i256_sign(f->a[i]) == 0)
            continue;
        if (!quantise(f->a[i], k + grids[f->asset[i]].shift, &coef[i]))
            return false;
        sum += (uint64_t)(coef[i] < 0 ? -coef[i] : coef[i]);
    }
    return sum <= (uint64_t)1 << SUM_BITS;
}

// min over the band of ρ·P̂, less ½|α| when the price is rounded; in units of 2^(exp-1), α = a * 2^exp.
static i256 residue(i256 a, int exp, int32_t coef, const struct grid *g)
{
    i256 t = I256_ZERO;
    if (exp < 0) { // else α is an integer and ρ = 0
        i256 r = i256_sub(a, i256_shl(i256_from_i64(coef), (unsigned)-exp)); // ρ in units of 2^exp
        uint64_t worst = i256_sign(r) < 0 ? g->phat_hi : g->phat_lo;
        t = i256_shl(i256_mul_i64(r, (int64_t)worst), 1);
    }
    return g->shift > 0 ? i256_sub(t, i256_abs(a)) : t;
}

// Ĉ = floor(σ(c - slack) + Σ (min ρP̂ - ½|α|)) at scale k. The integer part of the first term is taken out
// (exact inside a floor), so that only fractions and residues, below 2^41 in all, are brought to the common
// denominator 2^-low; low >= SCALE_MIN + SHIFT_MIN - 1 = -203, so 244 bits are enough.
static i256 chat_at(const struct affine *f, const struct grid *grids, int k, const int32_t *coef)
{
    int low = k < 0 ? k : 0;
    for (unsigned i = 0; i < f->n; i++) {
        int exp = k + grids[f->asset[i]].shift - 1;
        if (i256_sign(f->a[i]) != 0 && exp < low)
            low = exp;
    }
    i256 c = i256_sub(f->c, f->slack), whole, sum = I256_ZERO;
    if (k >= 0) {
        whole = i256_shl(c, (unsigned)k);
    } else {
        whole = i256_sar(c, (unsigned)-k);
        i256 fraction = i256_sub(c, i256_shl(whole, (unsigned)-k));
        sum = i256_shl(fraction, (unsigned)(k - low));
    }
    for (unsigned i = 0; i < f->n; i++) {
        if (i256_sign(f->a[i]) == 0)
            continue;
        const struct grid *g = &grids[f->asset[i]];
        int exp = k + g->shift;
        i256 t = residue(f->a[i], exp, coef[i], g);
        sum = i256_add(sum, i256_shl(t, (unsigned)(exp - 1 - low)));
    }
    return i256_add(whole, i256_sar(sum, (unsigned)-low));
}

// No scale above this satisfies the widths: |α| < 2^26 needs bits(a) + k + s <= 26; and |Ĉ| < 2^62, with
// residues far below 2^62, needs |σ(c - slack)| < 2^63.
static int scale_start(const struct affine *f, const struct grid *grids)
{
    int k = SCALE_MAX;
    i256 c = i256_sub(f->c, f->slack);
    if (i256_sign(c) != 0) {
        int by_c = CHAT_BITS + 1 - (int)i256_bits(c);
        k = by_c < k ? by_c : k;
    }
    for (unsigned i = 0; i < f->n; i++) {
        if (i256_sign(f->a[i]) == 0)
            continue;
        int by_a = COEF_BITS - 1 - (int)i256_bits(f->a[i]) - grids[f->asset[i]].shift;
        k = by_a < k ? by_a : k;
    }
    return k;
}

int row_compile(const struct affine *f, const struct grid *grids, struct row *out, struct err *e)
{
    if (check_input(f, grids, e) != 0)
        return -1;
    int32_t coef[ROW_ASSETS_MAX];
    for (int k = scale_start(f, grids);; k--) {
        assert(k >= SCALE_MIN);
        if (!coefs_at(f, grids, k, coef))
            continue;
        i256 chat = chat_at(f, grids, k, coef);
        if (i256_bits(chat) > CHAT_BITS)
            continue;
        out->chat = i256_to_i64(chat);
        out->scale = (int16_t)k;
        break;
    }
    out->level = f->level;
    out->n = 0;
    for (unsigned i = 0; i < f->n; i++) {
        if (coef[i] == 0)
            continue; // its whole α is residue and already in Ĉ
        out->asset[out->n] = f->asset[i];
        out->coef[out->n++] = coef[i];
    }
    return 0;
}

int64_t row_eval(const struct row *r, const uint64_t *phat)
{
    uint64_t h = (uint64_t)r->chat; // unsigned: modulo 2^64 like the device
    for (unsigned i = 0; i < r->n; i++)
        h += (uint64_t)(int64_t)r->coef[i] * phat[r->asset[i]];
    return (int64_t)h;
}

void row_margin(const struct affine *f, const struct row *r, const struct grid *grids, const int64_t *px,
                double *quantisation, double *slack)
{
    uint64_t phat[MARKET_ASSETS_MAX] = {0};
    i256 h = i256_sub(f->c, f->slack), gross = i256_abs(f->c);
    for (unsigned i = 0; i < f->n; i++) {
        unsigned k = f->asset[i];
        i256 v = i256_mul_i64(f->a[i], px[k]);
        h = i256_add(h, v);
        gross = i256_add(gross, i256_abs(v));
        phat[k] = i256_sign(f->a[i]) != 0 ? grid_phat(&grids[k], px[k], NULL) : 0;
    }
    *quantisation = *slack = 0;
    if (i256_sign(gross) == 0)
        return;
    // (σ(H - slack) - Ĥ) in integers: either H (< 2^232) is multiplied, by a positive scale that coefficients
    // and constant have allowed, or Ĥ (< 2^63), by at most 2^171.
    i256 hhat = i256_from_i64(row_eval(r, phat));
    unsigned up = r->scale > 0 ? (unsigned)r->scale : 0, down = r->scale < 0 ? (unsigned)-r->scale : 0;
    i256 early = i256_sub(i256_shl(h, up), i256_shl(hhat, down));
    double g = i256_to_double(gross);
    *quantisation = i256_to_double(early) / ldexp(g, (int)up);
    *slack = i256_to_double(f->slack) / g;
}
