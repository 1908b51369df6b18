// SPDX-License-Identifier: Apache-2.0
#include "lab/edge.h"

#include "accounts/assets.h"
#include "accounts/rules/rule.h"

enum { KEPT_BITS = 56, PPM = 1000000 };

static i256 health_at(const struct affine *f, const int64_t *px)
{
    i256 h = f->c;
    for (unsigned i = 0; i < f->n; i++)
        h = i256_add(h, i256_mul_i64(f->a[i], px[f->asset[i]]));
    return h;
}

static unsigned bits_of(i256 v)
{
    i256 a = i256_abs(v);
    unsigned n = 0;
    while (n < 256 && i256_sign(i256_sar(a, n)) > 0)
        n += 8;
    return n;
}

static void scaled(const struct affine *f, const int64_t *px, struct edge *out)
{
    i256 h = health_at(f, px);
    unsigned bits = bits_of(h), cut;
    u128 gross = 0;
    for (unsigned i = 0; i < f->n; i++) {
        unsigned b = bits_of(i256_mul_i64(f->a[i], px[f->asset[i]]));
        bits = b > bits ? b : bits;
    }
    cut = bits > KEPT_BITS ? bits - KEPT_BITS : 0;
    out->form = (struct breach_form){.health = i256_to_i64(i256_sar(h, cut)), .n = f->n};
    for (unsigned i = 0; i < f->n; i++) {
        int64_t e = i256_to_i64(i256_sar(i256_mul_i64(f->a[i], px[f->asset[i]]), cut));
        out->form.exposure[i] = e;
        out->asset[i] = f->asset[i];
        u128 size = e < 0 ? -(u128)e : (u128)e;
        gross += size;
    }
    out->ppm = UINT32_MAX;
    if (out->form.health <= 0)
        out->ppm = 0;
    else if (gross && (u128)out->form.health * PPM / gross < UINT32_MAX)
        out->ppm = (uint32_t)((u128)out->form.health * PPM / gross);
}

bool edge_of(const struct market *m, const struct account *a, const int64_t *px, struct edge *out)
{
    static struct affine rows[RULE_ROWS_MAX];
    static struct band band[MARKET_ASSETS_MAX];
    uint16_t asset[ACCOUNT_ASSETS_MAX];
    struct err e;
    size_t n = account_assets(m, a, asset);
    int least = 0;
    for (size_t i = 0; i < n; i++) {
        if (px[asset[i]] <= 0)
            return false;
        band[asset[i]] = (struct band){px[asset[i]], px[asset[i]]};
    }
    int got = n ? a->rule->rows(m, a, band, 0, rows, &e) : 0;
    if (got <= 0)
        return false;
    for (int i = 1; i < got; i++)
        if (i256_cmp(health_at(&rows[i], px), health_at(&rows[least], px)) < 0)
            least = i;
    scaled(&rows[least], px, out);
    return true;
}
