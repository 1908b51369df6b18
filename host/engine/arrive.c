// SPDX-License-Identifier: Apache-2.0
// Nested boxes: accounts that are placed for the first time, and accounts whose state is new.
#include <math.h>

#include "accounts/assets.h"
#include "engine/internal.h"

enum { EPS_MIN_PPM = 50, EPS_MAX_PPM = 500000 }; // of a width chosen here

static void note_unplaced(struct engine *g, uint32_t account, bool on)
{
    struct account_state *s = &g->acct[account];
    s->placed = !on;
    if (s->missing == on)
        return;
    s->missing = on;
    if (on)
        g->unplaced++;
    else
        g->unplaced--;
}

// An asset of the account that has no price yet, in *asset. False: all have one.
static bool lacks_price(struct engine *g, uint32_t account, uint16_t *asset)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    const struct account *a = book_account(g->book, account, &g->other);
    for (size_t k = account_assets(&g->book->market, a, assets); k--;)
        if (!g->tracked[assets[k]]) {
            *asset = assets[k];
            return true;
        }
    return false;
}

// An account that waits is in the chain of one asset without a price.
static void chain(struct engine *g, uint32_t account, uint16_t asset)
{
    struct far_line *l = &g->far.line[account];
    l->waits = true;
    l->awaits = asset;
    l->next = g->waiting[asset];
    g->waiting[asset] = account;
}

static void unchain(struct engine *g, uint32_t account)
{
    struct far_line *l = &g->far.line[account];
    if (!l->waits)
        return;
    uint32_t *at = &g->waiting[l->awaits];
    while (*at != account)
        at = &g->far.line[*at].next;
    *at = l->next;
    l->waits = false;
}

void arrive_wait(struct engine *g, uint32_t account)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    const struct account *a = book_account(g->book, account, &g->other);
    size_t n = account_assets(&g->book->market, a, assets);
    for (size_t k = 0; k < n; k++)
        g->used[assets[k]] = true;
    if (n == 0)
        return;
    note_unplaced(g, account, true);
    chain(g, account, assets[0]);
}

// Takes the chain of a priced asset apart: accounts that lack another price wait for that, the others are
// compiled and put before *batch.
static int take_chain(struct engine *g, uint16_t asset, uint32_t *batch, struct err *e)
{
    uint32_t i = g->waiting[asset];
    g->waiting[asset] = NO_ACCOUNT;
    while (i != NO_ACCOUNT) {
        struct far_line *l = &g->far.line[i];
        uint32_t next = l->next;
        uint16_t other;
        bool any = false;
        l->waits = false;
        if (lacks_price(g, i, &other)) {
            chain(g, i, other);
        } else {
            if (tiers_compile(g, i, TIER_FARTHEST, &any, e) != 0)
                return -1;
            note_unplaced(g, i, false);
            if (any) {
                l->next = *batch;
                *batch = i;
            }
        }
        i = next;
    }
    return 0;
}

// ---- width of the boxes

// Every octave of distances in equal parts: exact in binary, so that the width is the same on every platform
// (libm's logarithms are not).
enum { PER_OCTAVE = 16, OCTAVES = 24, NEAREST = -22 }; // the first octave: from 2^(NEAREST-1)

static int bucket_of(double radius)
{
    int octave;
    double part = frexp(radius, &octave); // in [1/2, 1)
    int b = (octave - NEAREST) * PER_OCTAVE + (int)((part - 0.5) * 2 * PER_OCTAVE);
    return b < 0 ? 0 : b < OCTAVES * PER_OCTAVE ? b : OCTAVES * PER_OCTAVE - 1;
}

static double bucket_start(int b)
{
    return ldexp(0.5 + (double)(b % PER_OCTAVE) / (2 * PER_OCTAVE), b / PER_OCTAVE + NEAREST);
}

// A quarter of the device for those inside of the innermost box; `n` of all accounts are in the batch, the
// others are taken to be like them.
static void choose_width(struct engine *g, uint32_t batch, size_t n)
{
    uint64_t rows[OCTAVES * PER_OCTAVE] = {0}, sum = 0;
    for (uint32_t i = batch; i != NO_ACCOUNT; i = g->far.line[i].next) {
        double r = far_radius(&g->far, i, g->phat, g->spread);
        if (r > 0)
            rows[bucket_of(r)] += far_rows(&g->far, i) + (g->cfg.warn_ppm != 0);
    }
    uint64_t want = (uint64_t)((u128)(g->rows_max / 4) * n / (g->unplaced + n));
    int b = 0;
    while (b < OCTAVES * PER_OCTAVE && sum + rows[b] <= want)
        sum += rows[b++];
    double eps = bucket_start(b) * 1e6;
    g->box.eps_ppm = eps < EPS_MIN_PPM ? EPS_MIN_PPM : eps > EPS_MAX_PPM ? EPS_MAX_PPM : (uint32_t)eps;
    g->box.inner_ppm = g->box.eps_ppm;
    for (uint16_t a = 0; a < g->book->market.n_assets; a++)
        if (g->tracked[a]) {
            tiers_centre_all(g, a);
            move_band(g, a);
        }
}

// ---- batches

int arrive_priced(struct engine *g, const bool *fresh, struct err *e)
{
    uint32_t batch = NO_ACCOUNT, near = 0;
    size_t n = 0;
    for (uint16_t a = 0; a < g->book->market.n_assets; a++)
        if (fresh[a] && take_chain(g, a, &batch, e) != 0)
            return -1;
    for (uint32_t i = batch; i != NO_ACCOUNT; i = g->far.line[i].next)
        n++;
    if (n && g->box.eps_ppm == 0)
        choose_width(g, batch, n);
    for (uint32_t i = batch, next; i != NO_ACCOUNT; i = next) {
        next = g->far.line[i].next;
        if (!g->far.line[i].bent && far_tier(&g->far, i, &g->box) == TIER_HOT) {
            g->radius[i] = far_radius(&g->far, i, g->phat, g->spread);
            g->order[near++] = i;
        } else if (tiers_arrive(g, i, e) != 0) {
            return -1;
        }
    }
    hot_sort(g, near);
    for (uint32_t k = 0; k < near; k++)
        if (tiers_arrive(g, g->order[k], e) != 0)
            return -1;
    return 0;
}

int arrive_changed(struct engine *g, uint32_t account, struct err *e)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX], other;
    bool any;
    const struct account *a = book_account(g->book, account, &g->other);
    size_t n = account_assets(&g->book->market, a, assets);
    if (g->acct[account].placed && g->far.line[account].tier == TIER_HOT)
        hot_leave(g, account);
    far_take(&g->far, account);
    unchain(g, account);
    for (size_t k = 0; k < n; k++) {
        g->used[assets[k]] = true;
        if (!g->tracked[assets[k]] && g->px[assets[k]] > 0 && tiers_track(g, assets[k], e) != 0)
            return -1;
    }
    if (lacks_price(g, account, &other)) {
        note_unplaced(g, account, true);
        chain(g, account, other);
        return 0;
    }
    note_unplaced(g, account, false);
    if (tiers_compile(g, account, TIER_FARTHEST, &any, e) != 0)
        return -1;
    if (!any)
        return 0;
    if (g->box.eps_ppm == 0) { // the first of all: before anything is placed by boxes without a width
        g->far.line[account].next = NO_ACCOUNT;
        choose_width(g, account, 1);
    }
    return tiers_arrive(g, account, e);
}
