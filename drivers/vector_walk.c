// SPDX-License-Identifier: Apache-2.0
// Which blocks the back end `vector` visits, and when.
//
// A tick takes what it may cost off its asset's blocks' slack (vector_bound.c); a block is visited, its rows
// moved and looked at, only where nothing is left of that, and those whose rows were loaded or armed since.
// Why judging may leave out all others: outside of a pass every armed row with H < 0 is in a block of
// `dirty`. ROW and ARM fire such a row at once, which disarms it, and put their block into `dirty`; BAND
// moves no H; a tick puts each block into `dirty` whose bound does not hold any more, or has it visited at
// once.
#include "vector.h"

// The asset's price is the one that changed last.
static void newest(struct vector_rows *v, uint32_t asset)
{
    struct vector_recent *r = v->recent, *x = &r[asset], *end = &r[v->assets];
    x->change = ++v->changes;
    if (end->older == asset)
        return;
    r[x->newer].older = x->older; // out ...
    r[x->older].newer = x->newer;
    x->newer = v->assets; // ... and in behind the end
    x->older = end->older;
    r[x->older].newer = asset;
    end->older = asset;
}

static inline bool fits32(uint64_t delta)
{
    return (int64_t)delta == (int32_t)delta;
}

// Of a block, the columns that prices moved since it was visited: at most VECTOR_COLUMNS from *from on, and
// in *from where to go on, v->assets when that is all.
static unsigned columns(struct vector_rows *v, uint32_t block, uint32_t *from,
                        struct vector_column col[VECTOR_COLUMNS], bool *wide)
{
    const uint64_t *has = v->has + (size_t)block * v->asset_words;
    unsigned n = 0;
    uint32_t a = *from;
    for (; v->recent[a].change > v->visited[block] && n < VECTOR_COLUMNS; a = v->recent[a].older) {
        if (!(has[a / 64] >> a % 64 & 1))
            continue;
        uint64_t *settled = &v->settled[(size_t)a * v->stride + block];
        uint64_t delta = v->price[a] - *settled;
        if (!delta)
            continue;
        *settled = v->price[a];
        col[n++] = (struct vector_column){v->coef + ((size_t)a * v->blocks + block) * VECTOR_BLOCK, delta};
        *wide |= !fits32(delta);
    }
    *from = v->recent[a].change > v->visited[block] ? a : v->assets;
    return n;
}

static uint64_t visit(struct vector_rows *v, uint32_t block, uint64_t armed, struct vector_seen *seen)
{
    uint64_t *h = v->h + (size_t)block * VECTOR_BLOCK;
    uint32_t from = v->recent[v->assets].older;
    struct vector_column col[VECTOR_COLUMNS];
    bool wide = false;
    unsigned n = columns(v, block, &from, col, &wide);
    while (from != v->assets) { // there may be more
        (void)v->isa->visit(h, col, n, wide, 0, seen);
        wide = false;
        n = columns(v, block, &from, col, &wide);
    }
    v->visited[block] = v->changes;
    return v->isa->visit(h, col, n, wide, armed, seen);
}

uint64_t vector_visit_block(struct vector_rows *v, uint32_t block)
{
    struct vector_seen seen;
    uint64_t below = visit(v, block, v->armed[block], &seen);
    vector_bound_seen(v, block, &seen);
    return below;
}

void vector_settle_block(struct vector_rows *v, uint32_t block)
{
    struct vector_seen seen;
    if (v->visited[block] == v->changes)
        return;
    (void)visit(v, block, 0, &seen);
    v->dirty[block / 64] |= UINT64_C(1) << block % 64; // its bound is of the prices before
}

void vector_rows_tick(struct vector_rows *v, uint32_t asset, uint64_t price, bool last)
{
    const struct vector_pass p = {true, asset, v->price[asset], price};
    v->price[asset] = price;
    newest(v, asset);
    if (last) {
        v->pass = p; // looked at word by word, so that the first flag waits for no other
        return;
    }
    for (uint32_t w = 0; w < v->reach; w++)
        if (v->used[(size_t)asset * v->words + w]) {
            uint32_t left = v->stride - w * 64;
            v->dirty[w] |= vector_bound_check(v, &p, w * 64, left < 64 ? left : 64);
        }
}

void vector_rows_reprice(struct vector_rows *v, uint32_t asset, uint64_t price)
{
    uint64_t *settled = v->settled + (size_t)asset * v->stride;
    for (uint32_t b = 0; b < v->reach * 64 && b < v->stride; b++)
        settled[b] += price - v->price[asset]; // how far the price has moved is as before
    v->price[asset] = price;
}

void vector_walk_begin(struct vector_walk *w, uint32_t first, uint32_t end)
{
    *w = (struct vector_walk){.from = first * 64, .end = end * 64};
}

// Looks at the next blocks: the nearest few first, so that their flags wait for nothing, then word by word.
static bool look_on(struct vector_rows *v, struct vector_walk *w)
{
    if (w->from >= w->end || w->from >= v->stride)
        return false;
    uint32_t word = w->from / 64, end = w->from == 0 ? VECTOR_NEAR : (word + 1) * 64;
    end = end < v->stride ? end : v->stride;
    uint64_t blocks = UINT64_MAX >> (63 - (end - 1) % 64) & UINT64_MAX << w->from % 64;
    uint64_t pending = v->dirty[word] & blocks;
    if (v->pass.open && v->used[(size_t)v->pass.asset * v->words + word] & blocks)
        pending |= vector_bound_check(v, &v->pass, w->from, end - w->from);
    v->dirty[word] &= ~blocks;
    w->pending = pending;
    w->word = word;
    w->from = end;
    return true;
}

uint64_t vector_walk_next(struct vector_rows *v, struct vector_walk *w, uint32_t *block)
{
    do {
        while (w->pending) {
            *block = w->word * 64 + (uint32_t)__builtin_ctzll(w->pending);
            w->pending &= w->pending - 1;
            w->visits++;
            uint64_t below = vector_visit_block(v, *block);
            if (below)
                return below;
        }
    } while (look_on(v, w));
    return 0;
}

void vector_rows_judge(struct vector_rows *v)
{
    uint32_t theirs = v->team ? vector_team_go(v->team) : 0;
    v->walking = true;
    v->team_at_work = theirs > 0;
    vector_walk_begin(&v->walk, 0, theirs ? theirs : v->reach);
}

uint64_t vector_rows_next(struct vector_rows *v, uint32_t *block)
{
    uint64_t below = vector_walk_next(v, &v->walk, block);
    if (!below && v->team_at_work)
        below = vector_team_next(v->team, block);
    if (below)
        return below;
    v->walking = v->pass.open = false;
    v->visits = v->walk.visits;
    return 0;
}
