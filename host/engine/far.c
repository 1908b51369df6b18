// SPDX-License-Identifier: Apache-2.0
#include "engine/far.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/resident.h"

enum {
    IN_BLOCK = 62,
    FIRST = 2, // of a block's entries
    SLOT_BITS = 6,
    UNIT = 64,  // bytes of the wide arena's unit
    AHEAD = 12, // entries between the one given and the one whose line is fetched
    CLASSES = 17,
    TAKEN_AT_ONCE = 16 << 20, // reservations up to this many bytes have their pages from the start
    WIDE_BYTES = 1024,        // reserved an account: 64 assets and a row, or 4 assets and 32 rows
};
static_assert(sizeof(struct far_line) == 64, "one cache line an account");
static_assert(MARKET_ASSETS_MAX <= 256, "assets are kept in a byte");
static_assert(IN_BLOCK + FIRST == 1 << SLOT_BITS, "a block's entries are numbered by six bits");

// An account of more assets, or of several rows: this header, its assets, their slots, then for each row Ĉ
// and the coefficients, each part aligned to what it holds.
struct wide {
    _Alignas(8) uint16_t n;
    uint16_t rows;
    uint8_t class; // log2 of its size in units
};

// ---- memory

// Reserved; taken where it is small, else the kernel gives pages as they are touched.
static void *reserve(size_t bytes, bool huge)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (huge)
        (void)madvise(p, bytes, MADV_HUGEPAGE); // where there are none, small pages do
    resident_take(p, bytes, TAKEN_AT_ONCE);
    return p;
}

int far_open(struct far *f, uint32_t accounts, struct err *e)
{
    memset(f, 0, sizeof *f);
    size_t n = accounts ? accounts : 1;
    size_t lists = (size_t)MARKET_ASSETS_MAX * TIER_LISTS;
    size_t blocks = n * ROW_ASSETS_MAX / IN_BLOCK + lists + 1;
    size_t slots_max = (size_t)1 << (32 - SLOT_BITS);
    if (blocks > slots_max - 1)
        blocks = slots_max - 1;
    f->accounts = accounts;
    f->blocks_max = (uint32_t)blocks;
    f->wide_max = (uint32_t)(n * (WIDE_BYTES / UNIT) + 65536);
    f->line = reserve(n * sizeof *f->line, true);
    f->block = reserve(blocks * sizeof *f->block, true);
    f->wide = reserve((size_t)f->wide_max * UNIT, false);
    if (!f->line || !f->block || !f->wide) {
        far_close(f);
        return err_set(e, "out of memory for the rows of %u accounts", (unsigned)accounts);
    }
    f->free_block = FAR_NONE;
    for (unsigned a = 0; a < MARKET_ASSETS_MAX; a++)
        for (unsigned t = 0; t < TIER_LISTS; t++)
            f->list[a][t] = (struct far_list){.tail = FAR_NONE, .at = FAR_NONE};
    for (unsigned c = 0; c < CLASSES; c++)
        f->wide_free[c] = FAR_NONE;
    for (uint32_t i = 0; i < accounts; i++) {
        f->line[i].wide = FAR_NONE;
        f->line[i].tier = TIER_NONE;
    }
    f->in_tier[TIER_NONE] = accounts;
    return 0;
}

void far_close(struct far *f)
{
    size_t n = f->accounts ? f->accounts : 1;
    if (f->line)
        munmap(f->line, n * sizeof *f->line);
    if (f->block)
        munmap(f->block, (size_t)f->blocks_max * sizeof *f->block);
    if (f->wide)
        munmap(f->wide, (size_t)f->wide_max * UNIT);
    *f = (struct far){0};
}

size_t far_bytes(const struct far *f)
{
    return sizeof *f + (size_t)f->accounts * sizeof *f->line + (size_t)f->n_blocks * sizeof *f->block +
           (size_t)f->wide_used * UNIT;
}

// ---- wide accounts

static size_t up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static size_t row_bytes(unsigned n)
{
    return 8 + up((size_t)n * 4, 8);
}

static size_t rows_at(unsigned n)
{
    return up(sizeof(struct wide) + up(n, 4) + (size_t)n * 4, 8);
}

static struct wide *wide_of(const struct far *f, uint32_t at)
{
    return (struct wide *)(void *)((uint8_t *)f->wide + (size_t)at * UNIT);
}

static uint8_t *wide_assets(struct wide *w)
{
    return (uint8_t *)(w + 1);
}

static uint32_t *wide_slots(struct wide *w)
{
    return (uint32_t *)(void *)((uint8_t *)(w + 1) + up(w->n, 4));
}

static int64_t *wide_row(struct wide *w, unsigned r)
{
    return (int64_t *)(void *)((uint8_t *)w + rows_at(w->n) + r * row_bytes(w->n));
}

static void wide_give_at(struct far *f, uint32_t at, unsigned class)
{
    *(uint32_t *)(void *)wide_of(f, at) = f->wide_free[class];
    f->wide_free[class] = at;
}

// A free block of the class, or half of a larger one; FAR_NONE when there is none.
static uint32_t wide_split(struct far *f, unsigned class)
{
    unsigned c = class;
    while (c < CLASSES && f->wide_free[c] == FAR_NONE)
        c++;
    if (c == CLASSES)
        return FAR_NONE;
    uint32_t at = f->wide_free[c];
    f->wide_free[c] = *(uint32_t *)(void *)wide_of(f, at);
    while (c-- > class)
        wide_give_at(f, at + (1u << c), c);
    return at;
}

static uint32_t wide_take(struct far *f, unsigned n, unsigned rows)
{
    size_t units = (rows_at(n) + rows * row_bytes(n) + UNIT - 1) / UNIT;
    uint8_t class = 0;
    while ((size_t)1 << class < units)
        class ++;
    assert(class < CLASSES);
    uint32_t at = wide_split(f, class);
    if (at == FAR_NONE) {
        if (f->wide_max - f->wide_used < (uint32_t)1 << class)
            return FAR_NONE;
        at = f->wide_used;
        f->wide_used += (uint32_t)1 << class;
    }
    *wide_of(f, at) = (struct wide){.n = (uint16_t)n, .rows = (uint16_t)rows, .class = class};
    return at;
}

static void wide_give(struct far *f, uint32_t at)
{
    wide_give_at(f, at, wide_of(f, at)->class);
}

// ---- an account's rows

static unsigned merge_assets(const struct row *rows, unsigned n_rows, uint8_t *asset)
{
    uint8_t place[MARKET_ASSETS_MAX] = {0}; // + 1
    unsigned n = 0;
    for (unsigned r = 0; r < n_rows; r++)
        for (unsigned i = 0; i < rows[r].n; i++)
            if (!place[rows[r].asset[i]]) {
                asset[n] = (uint8_t)rows[r].asset[i];
                place[rows[r].asset[i]] = (uint8_t)++n;
            }
    return n;
}

static int set_wide(struct far *f, struct far_line *l, const struct row *rows, unsigned n_rows,
                    const uint8_t *asset, unsigned n)
{
    uint32_t at = wide_take(f, n, n_rows);
    if (at == FAR_NONE)
        return -1;
    struct wide *w = wide_of(f, at);
    memcpy(wide_assets(w), asset, n);
    for (unsigned r = 0; r < n_rows; r++) {
        int64_t *chat = wide_row(w, r);
        int32_t *coef = (int32_t *)(void *)(chat + 1);
        *chat = rows[r].chat;
        memset(coef, 0, n * sizeof *coef);
        for (unsigned i = 0; i < rows[r].n; i++)
            coef[(const uint8_t *)memchr(asset, rows[r].asset[i], n) - asset] = rows[r].coef[i];
    }
    l->wide = at;
    return 0;
}

int far_set(struct far *f, uint32_t account, const struct row *rows, unsigned n_rows, bool bent)
{
    struct far_line *l = &f->line[account];
    uint8_t asset[MARKET_ASSETS_MAX];
    assert(n_rows >= 1 && n_rows <= FAR_ROWS_MAX && l->tier >= TIER_LISTS);
    if (l->wide != FAR_NONE)
        wide_give(f, l->wide);
    l->wide = FAR_NONE;
    l->bent = bent;
    unsigned n = n_rows == 1 ? rows->n : merge_assets(rows, n_rows, asset);
    l->n = (uint8_t)n;
    if (n_rows == 1 && n <= FAR_ASSETS) {
        l->chat = rows->chat;
        for (unsigned i = 0; i < n; i++) {
            l->asset[i] = (uint8_t)rows->asset[i];
            l->coef[i] = rows->coef[i];
        }
        return 0;
    }
    if (n_rows == 1)
        (void)merge_assets(rows, 1, asset);
    return set_wide(f, l, rows, n_rows, asset, n);
}

static int64_t row_at(int64_t chat, const int32_t *coef, const uint8_t *asset, unsigned n,
                      const uint64_t *phat)
{
    uint64_t h = (uint64_t)chat;
    for (unsigned i = 0; i < n; i++)
        h += (uint64_t)(int64_t)coef[i] * phat[asset[i]];
    return (int64_t)h;
}

// At the adverse corner of a box. |Ĥ| < 2^63 for all prices of 34 bits, so nothing wraps.
static int64_t row_least(int64_t chat, const int32_t *coef, const uint8_t *asset, unsigned n,
                         const struct boxes *b, unsigned level)
{
    uint64_t h = (uint64_t)chat;
    for (unsigned i = 0; i < n; i++) {
        const struct box_asset *x = &b->asset[asset[i]];
        h += (uint64_t)(int64_t)coef[i] * (coef[i] < 0 ? x->hi[level] : x->lo[level]);
    }
    return (int64_t)h;
}

unsigned far_assets(const struct far *f, uint32_t account, const uint8_t **asset)
{
    const struct far_line *l = &f->line[account];
    *asset = l->wide == FAR_NONE ? l->asset : wide_assets(wide_of(f, l->wide));
    return l->n;
}

unsigned far_rows(const struct far *f, uint32_t account)
{
    const struct far_line *l = &f->line[account];
    return l->wide == FAR_NONE ? 1 : wide_of(f, l->wide)->rows;
}

int64_t far_eval(const struct far *f, uint32_t account, const uint64_t *phat)
{
    const struct far_line *l = &f->line[account];
    if (l->wide == FAR_NONE)
        return row_at(l->chat, l->coef, l->asset, l->n, phat);
    struct wide *w = wide_of(f, l->wide);
    int64_t least = INT64_MAX;
    for (unsigned r = 0; r < w->rows; r++) {
        const int64_t *chat = wide_row(w, r);
        int64_t h = row_at(*chat, (const int32_t *)(chat + 1), wide_assets(w), w->n, phat);
        least = h < least ? h : least;
    }
    return least;
}

int64_t far_least(const struct far *f, uint32_t account, const struct boxes *b, unsigned level)
{
    const struct far_line *l = &f->line[account];
    if (l->wide == FAR_NONE)
        return row_least(l->chat, l->coef, l->asset, l->n, b, level);
    struct wide *w = wide_of(f, l->wide);
    int64_t least = INT64_MAX;
    for (unsigned r = 0; r < w->rows; r++) {
        const int64_t *chat = wide_row(w, r);
        int64_t h = row_least(*chat, (const int32_t *)(chat + 1), wide_assets(w), w->n, b, level);
        least = h < least ? h : least;
    }
    return least;
}

unsigned far_tier(const struct far *f, uint32_t account, const struct boxes *b)
{
    unsigned t = f->line[account].tier;
    if (t < 1 || t > TIER_FARTHEST)
        t = 1;
    if (far_least(f, account, b, t - 1) >= 0) {
        while (t < TIER_FARTHEST && far_least(f, account, b, t) >= 0)
            t++;
        return t;
    }
    while (--t > 0 && far_least(f, account, b, t - 1) < 0)
        ;
    return t;
}

static double row_radius(int64_t chat, const int32_t *coef, const uint8_t *asset, unsigned n,
                         const uint64_t *phat, const double *spread)
{
    double h = (double)chat, gross = 1.0;
    for (unsigned i = 0; i < n; i++) {
        double v = (double)coef[i] * (double)phat[asset[i]];
        h += v;
        gross += (v < 0 ? -v : v) * spread[asset[i]];
    }
    return h / gross;
}

double far_radius(const struct far *f, uint32_t account, const uint64_t *phat, const double *spread)
{
    const struct far_line *l = &f->line[account];
    if (l->wide == FAR_NONE)
        return row_radius(l->chat, l->coef, l->asset, l->n, phat, spread);
    struct wide *w = wide_of(f, l->wide);
    double least = 1e300;
    for (unsigned r = 0; r < w->rows; r++) {
        const int64_t *chat = wide_row(w, r);
        double x = row_radius(*chat, (const int32_t *)(chat + 1), wide_assets(w), w->n, phat, spread);
        least = x < least ? x : least;
    }
    return least;
}

// ---- lists

static void list_add(struct far *f, struct far_list *l, uint32_t account, uint32_t *slot)
{
    uint32_t in = l->n % IN_BLOCK;
    if (in == 0) {
        uint32_t b = f->free_block;
        if (b != FAR_NONE) {
            f->free_block = f->block[b][0];
        } else {
            assert(f->n_blocks < f->blocks_max); // as many as all accounts with all assets can fill
            b = f->n_blocks++;
        }
        f->block[b][0] = l->tail;
        l->tail = b;
    }
    f->block[l->tail][FIRST + in] = account;
    *slot = l->tail << SLOT_BITS | (FIRST + in);
    l->n++;
}

static uint32_t *slot_of(const struct far *f, uint32_t account, unsigned asset)
{
    struct far_line *l = &f->line[account];
    if (l->wide == FAR_NONE) {
        for (unsigned i = 0; i < l->n; i++)
            if (l->asset[i] == asset)
                return &l->slot[i];
    } else {
        struct wide *w = wide_of(f, l->wide);
        const uint8_t *at = memchr(wide_assets(w), (int)asset, w->n);
        if (at)
            return &wide_slots(w)[at - wide_assets(w)];
    }
    assert(false && "in the list of an asset that the account does not hold");
    return NULL;
}

// The last entry takes the place. A walk comes from the end, so what moves has been given already, unless the
// end was not reached yet: then it moves in front of the walk.
static void list_remove(struct far *f, struct far_list *l, unsigned asset, uint32_t slot)
{
    uint32_t in = (l->n - 1) % IN_BLOCK;
    uint32_t last = f->block[l->tail][FIRST + in], last_slot = l->tail << SLOT_BITS | (FIRST + in);
    if (last_slot != slot) {
        f->block[slot >> SLOT_BITS][slot & ((1u << SLOT_BITS) - 1)] = last;
        *slot_of(f, last, asset) = slot;
    }
    l->n--;
    if (in == 0) {
        uint32_t b = l->tail;
        l->tail = f->block[b][0];
        f->block[b][0] = f->free_block;
        f->free_block = b;
    }
    if (l->left > l->n) {
        l->left = l->n;
        l->at = l->tail;
    }
}

static unsigned members(struct far *f, struct far_line *l, const uint8_t **asset, uint32_t **slot)
{
    if (l->wide == FAR_NONE) {
        *asset = l->asset;
        *slot = l->slot;
    } else {
        struct wide *w = wide_of(f, l->wide);
        *asset = wide_assets(w);
        *slot = wide_slots(w);
    }
    return l->n;
}

void far_take(struct far *f, uint32_t account)
{
    struct far_line *l = &f->line[account];
    const uint8_t *asset;
    uint32_t *slot;
    f->in_tier[l->tier]--;
    if (l->tier < TIER_LISTS)
        for (unsigned n = members(f, l, &asset, &slot), i = 0; i < n; i++)
            list_remove(f, &f->list[asset[i]][l->tier], asset[i], slot[i]);
    l->tier = TIER_NONE;
    f->in_tier[TIER_NONE]++;
}

void far_put(struct far *f, uint32_t account, unsigned tier)
{
    struct far_line *l = &f->line[account];
    const uint8_t *asset;
    uint32_t *slot;
    if (l->tier == tier)
        return;
    far_take(f, account);
    f->in_tier[TIER_NONE]--;
    f->in_tier[tier]++;
    l->tier = (uint8_t)tier;
    if (tier < TIER_LISTS)
        for (unsigned n = members(f, l, &asset, &slot), i = 0; i < n; i++)
            list_add(f, &f->list[asset[i]][tier], account, &slot[i]);
}

void far_walk(struct far *f, uint16_t asset, unsigned tier)
{
    struct far_list *l = &f->list[asset][tier];
    l->left = l->n;
    l->at = l->tail;
}

bool far_walking(const struct far *f, uint16_t asset, unsigned tier)
{
    return f->list[asset][tier].left != 0;
}

bool far_next(struct far *f, uint16_t asset, unsigned tier, uint32_t *account)
{
    struct far_list *l = &f->list[asset][tier];
    if (l->left == 0)
        return false;
    uint32_t in = --l->left % IN_BLOCK;
    const uint32_t *b = f->block[l->at];
    *account = b[FIRST + in];
    if (in >= AHEAD)
        __builtin_prefetch(&f->line[b[FIRST + in - AHEAD]], 1);
    if (in == 0)
        l->at = b[0];
    return true;
}
