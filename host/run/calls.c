// SPDX-License-Identifier: Apache-2.0
#include "run/calls.h"

#include <stdlib.h>

#include "accounts/assets.h"
#include "base/pages.h"

// Guarded: accounts called whose calls may be taken back, looked at after each update.
enum { RETURNS = 64 };

enum { LISTED = 1, OPEN = 2 };

struct calls {
    struct calls_config cfg;
    bool guarded;    // by the engine (engine_config.call_ppm)
    uint8_t *level;  // by account
    uint8_t *in;     // by account: LISTED, OPEN
    uint64_t *round; // by account: of its last look
    uint32_t *list;  // accounts with a level; guarded: and some that have had one
    size_t n;
    // Guarded: accounts that the engine has flagged, for which no row stands; whose turn in the list it is;
    // the most that it has held.
    uint32_t *open;
    size_t n_open, next, most;
    uint64_t rounds;
    struct calls_counters count;
    struct account scratch;
};

struct calls *calls_new(const struct calls_config *c, bool guarded, size_t room)
{
    struct calls *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->cfg = *c;
    x->guarded = guarded;
    x->level = pages_new(room + 1, sizeof *x->level);
    x->in = pages_new(room + 1, sizeof *x->in);
    x->round = pages_new(room + 1, sizeof *x->round);
    x->list = pages_new(room + 1, sizeof *x->list);
    x->open = pages_new(room + 1, sizeof *x->open);
    if (x->level && x->in && x->round && x->list && x->open)
        return x;
    calls_free(x);
    return NULL;
}

void calls_free(struct calls *c)
{
    if (!c)
        return;
    free(c->level);
    free(c->in);
    free(c->round);
    free(c->list);
    free(c->open);
    free(c);
}

static unsigned deepest(const struct calls *c)
{
    unsigned most = 0;
    while (most < CALL_LEVELS && c->cfg.level_ppm[most])
        most++;
    return most;
}

static void list_add(struct calls *c, uint32_t account)
{
    if (c->in[account] & LISTED)
        return;
    c->in[account] |= LISTED;
    c->list[c->n++] = account;
    c->most = c->n > c->most ? c->n : c->most;
}

void calls_note(struct calls *c, size_t account)
{
    if (!c->guarded || c->in[account] & OPEN)
        return;
    c->in[account] |= OPEN;
    c->open[c->n_open++] = (uint32_t)account;
}

unsigned calls_restore(struct calls *c, size_t account, unsigned level)
{
    unsigned most = deepest(c);
    level = level < most ? level : most; // fewer levels than before
    if (level == 0 || c->level[account])
        return c->level[account];
    c->level[account] = (uint8_t)level;
    list_add(c, (uint32_t)account);
    c->count.restored++;
    for (unsigned k = 0; k < level; k++)
        c->count.standing[k]++;
    return level;
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
    struct engine *engine;
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
    if (is == was)
        return;
    c->level[i] = (uint8_t)is;
    if (is)
        list_add(c, i);
    engine_called(to->engine, i, is);
    calls_note(c, i); // flagged by that
}

// Who was called, and all within the warning distance.
static void update_near(struct calls *c, const struct book *b, const int64_t *px, bool skip, uint64_t now_ns,
                        const struct sink *to)
{
    const uint32_t *near;
    size_t n = engine_near(to->engine, &near), kept = 0, called = c->n;
    for (size_t i = 0; i < called; i++)
        look(c, b, c->list[i], px, now_ns, to);
    for (size_t i = 0; i < n; i++)
        if (!skip || near[i] % 2 == 0)
            look(c, b, near[i], px, now_ns, to);
    for (size_t i = 0; i < c->n; i++)
        if (c->level[c->list[i]])
            c->list[kept++] = c->list[i];
        else
            c->in[c->list[i]] &= (uint8_t)~LISTED;
    c->n = kept;
}

// Who is flagged, unless called at all levels, and in turn some of those whose calls may be taken back:
// deeper they cannot go unflagged.
static void update_guarded(struct calls *c, const struct book *b, const int64_t *px, bool skip,
                           uint64_t now_ns, const struct sink *to)
{
    const unsigned most = deepest(c);
    size_t open = c->n_open, n = c->n < RETURNS ? c->n : RETURNS, kept = 0;
    for (size_t k = 0; k < open; k++) {
        uint32_t i = c->open[k];
        bool waits = c->level[i] == most && engine_flagged(to->engine, i);
        if (!waits && !(skip && i % 2))
            look(c, b, i, px, now_ns, to);
    }
    while (n-- && c->n) {
        c->next = c->next < c->n ? c->next : 0;
        uint32_t i = c->list[c->next];
        look(c, b, i, px, now_ns, to);
        if (c->level[i]) {
            c->next++;
            continue;
        }
        c->in[i] &= (uint8_t)~LISTED;
        c->list[c->next] = c->list[--c->n];
    }
    for (size_t i = 0; i < c->n_open; i++)
        if (engine_flagged(to->engine, c->open[i]))
            c->open[kept++] = c->open[i];
        else
            c->in[c->open[i]] &= (uint8_t)~OPEN;
    c->n_open = kept;
}

void calls_update(struct calls *c, const struct book *b, struct engine *g, const int64_t *px, bool skip,
                  uint64_t now_ns, void (*put)(void *ctx, const uint8_t *data, size_t n), void *ctx)
{
    const struct sink to = {put, ctx, g};
    c->rounds++;
    if (c->guarded)
        update_guarded(c, b, px, skip, now_ns, &to);
    else
        update_near(c, b, px, skip, now_ns, &to);
}

// How many updates ago a call may have been looked at last, this one 0. A turn is over when all in the list
// have been looked at once; one's look may be the first of a turn and then the last.
static uint64_t lap(const struct calls *c)
{
    return c->guarded ? 2 * c->most / RETURNS + 2 : 0;
}

void calls_audit(struct calls *c, const struct book *b, const int64_t *px, bool skip)
{
    for (size_t i = 0; i < b->n_accounts; i += skip ? 2 : 1) {
        const struct account *a = book_account(b, i, &c->scratch);
        struct health h;
        if (!a->n_positions || !priced(&b->market, a, px))
            continue;
        a->rule->health(&b->market, a, px, &h);
        bool late = c->rounds - c->round[i] > lap(c);
        for (unsigned k = 0; k < CALL_LEVELS && c->cfg.level_ppm[k]; k++) {
            bool out = c->level[i] > k;
            bool missed = !out && calls_below(&h, c->cfg.level_ppm[k]);
            c->count.missed += missed;
            c->count.unfounded += out && late && !calls_below(&h, c->cfg.level_ppm[k] + c->cfg.clear_ppm);
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
