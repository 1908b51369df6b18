// SPDX-License-Identifier: Apache-2.0
#include "exec/marks.h"

#include <string.h>

#include "accounts/reciprocal.h"

enum {
    PPM = 1000000,
    PROBE_PPM = 1000,                      // price step that shows the sign of an exposure
    FIRST_STEP_PPM = 64,                   // the search doubles from here
    BREACH_MAX_PPM = FIRST_STEP_PPM << 13, // 52 %
};

int marks_of(const struct market *m, const struct account *a, struct marks_assets *out)
{
    bool seen[MARKET_ASSETS_MAX] = {false};
    out->n = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        if (a->position[i].instrument >= m->n_instruments)
            return -1;
        uint16_t asset = m->instrument[a->position[i].instrument].asset;
        if (asset >= m->n_assets)
            return -1;
        if (seen[asset])
            continue;
        if (out->n == ROW_ASSETS_MAX)
            return -1;
        seen[asset] = true;
        out->asset[out->n++] = asset;
    }
    return 0;
}

void marks_derive(const struct market *m, const struct account *a, int64_t *px)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        if (in->kind != INST_INVERSE || in->inverse >= m->n_assets)
            continue;
        const struct asset *r = &m->asset[in->inverse];
        if (r->kind == ASSET_RECIPROCAL && r->base < m->n_assets)
            px[in->inverse] = reciprocal_price(px[r->base], m->asset[r->base].decimals, r->decimals);
    }
}

// price * (1e6 + ppm) / 1e6, at least 1, clipped; always moved by at least one quantum when ppm != 0.
static int64_t moved(int64_t price, int64_t ppm)
{
    i128 v = (i128)price * (PPM + ppm) / PPM;
    if (ppm > 0 && v == price)
        v++;
    if (ppm < 0 && v == price)
        v--;
    if (v < 1)
        return 1;
    return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static i256 excess(const struct market *m, const struct account *a, const int64_t *px, bool *liquidatable)
{
    struct health h;
    a->rule->health(m, a, px, &h);
    *liquidatable = h.liquidatable;
    return i256_sub(h.equity, h.requirement);
}

// Sign of the account's exposure to each of its assets: +1 when a higher price raises its health.
static void exposures(const struct market *m, const struct account *a, const struct marks_assets *s,
                      const int64_t *px, int64_t *scratch, i256 base, int8_t *sign)
{
    bool ignored;
    for (unsigned i = 0; i < s->n; i++) {
        uint16_t asset = s->asset[i];
        scratch[asset] = moved(px[asset], PROBE_PPM);
        marks_derive(m, a, scratch);
        i256 up = excess(m, a, scratch, &ignored);
        sign[i] = (int8_t)i256_sign(i256_sub(up, base));
        scratch[asset] = px[asset];
    }
    marks_derive(m, a, scratch);
}

static bool breached_at(const struct market *m, const struct account *a, const struct marks_assets *s,
                        const int64_t *px, const int8_t *sign, int32_t ppm, int64_t *out)
{
    for (unsigned i = 0; i < s->n; i++)
        out[s->asset[i]] = moved(px[s->asset[i]], (int64_t)-sign[i] * ppm);
    marks_derive(m, a, out);
    bool liquidatable;
    (void)excess(m, a, out, &liquidatable);
    return liquidatable;
}

int32_t marks_breach(const struct market *m, const struct account *a, const struct marks_assets *s,
                     const int64_t *px, int64_t *out)
{
    int8_t sign[ROW_ASSETS_MAX];
    bool liquidatable;
    memcpy(out, px, m->n_assets * sizeof *px);
    i256 base = excess(m, a, px, &liquidatable);
    if (liquidatable)
        return 0;
    exposures(m, a, s, px, out, base, sign);
    // Health is concave along the line, so it crosses once: double outward, then halve the bracket.
    int32_t lo = 0, hi = FIRST_STEP_PPM;
    while (!breached_at(m, a, s, px, sign, hi, out)) {
        lo = hi;
        hi *= 2;
        if (hi > BREACH_MAX_PPM)
            return -1;
    }
    while (hi - lo > 1) {
        int32_t mid = lo + (hi - lo) / 2;
        if (breached_at(m, a, s, px, sign, mid, out))
            hi = mid;
        else
            lo = mid;
    }
    (void)breached_at(m, a, s, px, sign, hi, out);
    return hi;
}
