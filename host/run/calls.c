// SPDX-License-Identifier: Apache-2.0
#include "run/calls.h"

#include <stdlib.h>

#include "accounts/assets.h"
#include "base/pages.h"

struct calls {
    struct calls_config cfg;
    uint8_t *level;  // by account
    uint64_t *round; // by account: of its last look
    uint32_t *list;  // accounts with a level
    size_t n;
    uint64_t rounds;
    struct calls_counters count;
    struct account scratch;
};

struct calls *calls_new(const struct calls_config *c, size_t room)
{
    struct calls *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->cfg = *c;
    x->level = pages_new(room + 1, sizeof *x->level);
    x->round = pages_new(room + 1, sizeof *x->round);
    x->list = pages_new(room + 1, sizeof *x->list);
    if (x->level && x->round && x->list)
        return x;
    calls_free(x);
    return NULL;
}

void calls_free(struct calls *c)
{
    if (!c)
        return;
    free(c->level);
    free(c->round);
    free(c->list);
    free(c);
}

void calls_restore(struct calls *c, size_t account, unsigned level)
{
    unsigned most = 0;
    while (most < CALL_LEVELS && c->cfg.level_ppm[most])
        most++;
    level = level < most ? level : most; // fewer levels than before
    if (level == 0 || c->level[account])
        return;
    c->level[account] = (uint8_t)level;
    c->list[c->n++] = (uint32_t)account;
    c->count.restored++;
    for (unsigned k = 0; k < level; k++)
        c->count.standing[k]++;
}

// Without all of its prices an account has no health; without positions it owes nothing.
static bool priced(const struct market *m, const struct account *a, const int64_t *px)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    for (size_t k = account_assets(m, a, assets); k--;)
        if (px[assets[k]] <= 0)
            return false;
    return true;
}

struct sink {
    void (*put)(void *ctx, const uint8_t *data, size_t n);
    void *ctx;
};

static void cross(struct calls *c, uint32_t id, unsigned level, bool entered, uint64_t ns,
                  const struct sink *to)
{
    const struct call_record rec = {.account = id, .level = (uint8_t)level, .entered = entered, .ns = ns};
    uint8_t buf[CALL_BYTES];
    call_encode(&rec, buf);
    to->put(to->ctx, buf, sizeof buf);
    c->count.entered[level - 1] += entered;
    c->count.left[level - 1] += !entered;
    if (entered)
        c->count.standing[level - 1]++;
    else
        c->count.standing[level - 1]--;
}

static void look(struct calls *c, const struct book *b, uint32_t i, const int64_t *px, uint64_t ns,
                 const struct sink *to)
{
    struct health h = {.liquidatable = false};
    if (c->round[i] == c->rounds)
        return;
    c->round[i] = c->rounds;
    const struct account *a = book_account(b, i, &c->scratch);
    if (!priced(&b->market, a, px))
        return;
    unsigned was = c->level[i], is = 0;
    if (a->n_positions) {
        c->count.looks++;
        a->rule->health(&b->market, a, px, &h);
        is = calls_level(&c->cfg, &h, was);
    }
    for (unsigned k = was; k < is; k++)
        cross(c, a->id, k + 1, true, ns, to);
    for (unsigned k = was; k > is; k--)
        cross(c, a->id, k, false, ns, to);
    c->level[i] = (uint8_t)is;
    if (was == 0 && is)
        c->list[c->n++] = i;
}

void calls_update(struct calls *c, const struct book *b, const struct engine *g, const int64_t *px, bool skip,
                  uint64_t now_ns, void (*put)(void *ctx, const uint8_t *data, size_t n), void *ctx)
{
    const struct sink to = {put, ctx};
    const uint32_t *near;
    size_t n = engine_near(g, &near), kept = 0, called = c->n;
    c->rounds++;
    for (size_t i = 0; i < called; i++)
        look(c, b, c->list[i], px, now_ns, &to);
    for (size_t i = 0; i < n; i++)
        if (!skip || near[i] % 2 == 0)
            look(c, b, near[i], px, now_ns, &to);
    for (size_t i = 0; i < c->n; i++)
        if (c->level[c->list[i]])
            c->list[kept++] = c->list[i];
    c->n = kept;
}

void calls_audit(struct calls *c, const struct book *b, const int64_t *px, bool skip)
{
    for (size_t i = 0; i < b->n_accounts; i += skip ? 2 : 1) {
        const struct account *a = book_account(b, i, &c->scratch);
        struct health h;
        if (!a->n_positions || !priced(&b->market, a, px))
            continue;
        a->rule->health(&b->market, a, px, &h);
        for (unsigned k = 0; k < CALL_LEVELS && c->cfg.level_ppm[k]; k++) {
            bool out = c->level[i] > k;
            bool missed = !out && calls_below(&h, c->cfg.level_ppm[k]);
            c->count.missed += missed;
            c->count.unfounded += out && !calls_below(&h, c->cfg.level_ppm[k] + c->cfg.clear_ppm);
            if (missed && !c->count.first_missed)
                c->count.first_missed = a->id;
        }
    }
}

const struct calls_config *calls_settings(const struct calls *c)
{
    return &c->cfg;
}
const struct calls_counters *calls_counters(const struct calls *c)
{
    return &c->count;
}
