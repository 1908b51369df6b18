// SPDX-License-Identifier: Apache-2.0
// Rows of the back end `vector`: which of them a tick has to visit.
//
// A row without a coefficient of the asset is not moved by it. So a tick moves the rows in its asset's list,
// or where there are too many for one the blocks that have a coefficient of it (used). Why judging may leave
// out all other rows: outside of a pass every armed row with H < 0 is in a block of `dirty`. Nothing else
// makes one: ROW and ARM fire such a row at once, which disarms it; BAND moves no H; lists, and blocks whose
// moves are settled without a judgement, put the block of each such row into `dirty`, and other rows have not
// moved. A judgement visits the blocks in `dirty` and those of columns, and names all such rows there; the
// caller disarms them, and `dirty` is empty.
#include "vector.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/resident.h"

enum {
    ALIGN = 64,
    TAKEN_AT_ONCE = 64 << 20, // memory up to this many bytes has its pages from the start, see resident.h
};
static const size_t huge = (size_t)2 << 20;

// ------------------------------------------------------------------------------------------------- kernels
static const struct vector_isa isas[] = {
    {"avx512", vector_avx512}, {"avx2", vector_avx2}, {"scalar", vector_scalar}};
enum { ISAS = sizeof isas / sizeof *isas };

static bool here(const struct vector_isa *isa)
{
#if defined(__x86_64__)
    if (isa->kernel == vector_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
    if (isa->kernel == vector_avx2)
        return __builtin_cpu_supports("avx2");
#endif
    return isa->kernel == vector_scalar;
}

const struct vector_isa *vector_isa_find(const char *name, struct err *e)
{
    bool any = !name || strcmp(name, "auto") == 0;
    for (unsigned i = 0; i < ISAS; i++) {
        if (!any && strcmp(name, isas[i].name) != 0)
            continue;
        if (here(&isas[i]))
            return &isas[i];
        if (!any) {
            err_set(e, "device vector: this processor has no %s; use auto, or scalar", name);
            return NULL;
        }
    }
    err_set(e, "device vector: no instruction set '%s'; it knows auto, avx512, avx2, scalar", name);
    return NULL;
}

// ------------------------------------------------------------------------------------------------- memory
void *vector_memory_zeros(struct vector_memory *m, size_t bytes)
{
    *m = (struct vector_memory){0};
    if (bytes < huge) {
        if (posix_memalign(&m->base, ALIGN, bytes) != 0) {
            m->base = NULL;
            return NULL;
        }
        return memset(m->base, 0, bytes);
    }
    size_t mapped = bytes + huge;
    void *base =
        mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    *m = (struct vector_memory){.base = base, .bytes = mapped};
    char *at = (char *)base + (huge - (uintptr_t)base % huge) % huge;
    (void)madvise(at, bytes, MADV_HUGEPAGE); // a wish
    resident_take(at, bytes, TAKEN_AT_ONCE);
    return at;
}

void vector_memory_free(struct vector_memory *m)
{
    if (m->bytes)
        munmap(m->base, m->bytes);
    else
        free(m->base);
}

int vector_rows_open(struct vector_rows *v, uint32_t rows, uint32_t assets, unsigned threads,
                     const struct vector_isa *isa, struct err *e)
{
    size_t blocks = ((size_t)rows + VECTOR_BLOCK - 1) / VECTOR_BLOCK, words = (blocks + 63) / 64;
    *v = (struct vector_rows){
        .rows = rows, .assets = assets, .blocks = (uint32_t)blocks, .words = (uint32_t)words, .isa = isa};
    v->coef = vector_memory_zeros(&v->memory[0], assets * blocks * VECTOR_BLOCK * sizeof *v->coef);
    v->count = vector_memory_zeros(&v->memory[1], assets * blocks * sizeof *v->count);
    v->used = vector_memory_zeros(&v->memory[2], assets * words * sizeof *v->used);
    v->h = vector_memory_zeros(&v->memory[3], blocks * VECTOR_BLOCK * sizeof *v->h);
    v->armed = vector_memory_zeros(&v->memory[4], blocks * sizeof *v->armed);
    v->dirty = vector_memory_zeros(&v->memory[5], words * sizeof *v->dirty);
    if (!v->coef || !v->count || !v->used || !v->h || !v->armed || !v->dirty)
        return err_set(e, "device vector: out of memory for %u rows x %u assets", rows, assets);
    v->list_max = rows / VECTOR_SPARSE;
    v->list = vector_memory_zeros(&v->memory[6], assets * sizeof *v->list);
    struct vector_entry *entry =
        vector_memory_zeros(&v->memory[7], (size_t)assets * (v->list_max + 1) * sizeof *entry);
    if (!v->list || !entry)
        return err_set(e, "device vector: out of memory for the lists of %u rows x %u assets", rows, assets);
    for (uint32_t a = 0; a < assets; a++)
        v->list[a] = (struct vector_list){.entry = entry + (size_t)a * v->list_max, .whole = true};
    v->pass.h = v->h;
    v->pass.armed = v->armed;
    if (threads > 1)
        v->team = vector_team_open(v, threads, e);
    return threads > 1 && !v->team ? -1 : 0;
}

void vector_rows_close(struct vector_rows *v)
{
    vector_team_close(v->team);
    for (size_t i = 0; i < sizeof v->memory / sizeof *v->memory; i++)
        vector_memory_free(&v->memory[i]);
}

// ------------------------------------------------------------------------------------------------- rows
void vector_rows_set_coef(struct vector_rows *v, uint32_t asset, uint32_t row, int32_t coef)
{
    uint32_t block = row / VECTOR_BLOCK;
    int32_t *at = &v->coef[(size_t)asset * v->blocks * VECTOR_BLOCK + row];
    uint8_t *count = &v->count[(size_t)asset * v->blocks + block];
    uint64_t *used = &v->used[(size_t)asset * v->words + block / 64], bit = UINT64_C(1) << block % 64;
    *count = (uint8_t)(*count + (coef != 0) - (*at != 0));
    *used = *count ? *used | bit : *used & ~bit;
    if (coef && v->reach <= block / 64)
        v->reach = block / 64 + 1;
    int32_t before = *at;
    *at = coef;
    vector_list_change(v, asset, row, before);
}

// Blocks of a word that some column of the pass moves.
static uint64_t moved(const struct vector_pass *p, uint32_t word)
{
    uint64_t blocks = 0;
    for (unsigned i = 0; i < p->columns; i++)
        blocks |= p->column[i].used[word];
    return blocks;
}

static void pass_done(struct vector_rows *v)
{
    v->pass.columns = 0;
    v->pass.wide = false;
    v->n_moves = 0;
}

void vector_rows_settle_moves(struct vector_rows *v)
{
    for (unsigned i = 0; i < v->n_moves; i++)
        vector_list_move(v, &v->moves[i], &(uint32_t){0}, v->blocks * VECTOR_BLOCK);
    for (uint32_t w = 0; w < v->reach && v->pass.columns; w++) {
        uint64_t pending = moved(&v->pass, w);
        uint32_t block;
        while (v->isa->kernel(&v->pass, w, &pending, &block))
            v->dirty[w] |= UINT64_C(1) << block % 64;
    }
    pass_done(v);
}

static void move_list(struct vector_rows *v, uint32_t asset, uint64_t delta)
{
    unsigned i = 0;
    while (i < v->n_moves && v->moves[i].asset != asset)
        i++;
    if (i == VECTOR_COLUMNS) {
        vector_rows_settle_moves(v);
        i = 0;
    }
    if (i == v->n_moves)
        v->moves[v->n_moves++] = (struct vector_moves){.list = &v->list[asset], .asset = asset};
    v->moves[i].delta += delta;
}

static void move_column(struct vector_rows *v, uint32_t asset, uint64_t delta)
{
    struct vector_pass *p = &v->pass;
    unsigned i = 0;
    while (i < p->columns && p->column[i].asset != asset)
        i++;
    if (i == VECTOR_COLUMNS) {
        vector_rows_settle_moves(v);
        i = 0;
    }
    if (i == p->columns)
        p->column[p->columns++] =
            (struct vector_column){.coef = v->coef + (size_t)asset * v->blocks * VECTOR_BLOCK,
                                   .used = v->used + (size_t)asset * v->words,
                                   .asset = asset};
    p->column[i].delta += delta;
    int64_t sum = (int64_t)p->column[i].delta;
    p->wide = p->wide || sum != (int32_t)sum;
}

void vector_rows_move(struct vector_rows *v, uint32_t asset, uint64_t delta)
{
    if (v->list[asset].whole)
        move_list(v, asset, delta);
    else
        move_column(v, asset, delta);
}

void vector_walk_begin(const struct vector_rows *v, struct vector_walk *w, uint32_t first, uint32_t end)
{
    w->from = first * 64;
    w->end = end * 64;
    w->pending = 0;
    for (unsigned i = 0; i < v->n_moves; i++)
        w->at[i] = first ? vector_list_find(v->moves[i].list, first * 64 * VECTOR_BLOCK) : 0;
}

// Looks at the next blocks: the nearest few first, so that their flags wait for nothing, then word by word.
static bool look_on(struct vector_rows *v, struct vector_walk *w)
{
    if (w->from >= w->end)
        return false;
    uint32_t word = w->from / 64, end = w->from == 0 ? VECTOR_NEAR : (word + 1) * 64;
    uint64_t blocks = UINT64_MAX >> (63 - (end - 1) % 64) & UINT64_MAX << w->from % 64;
    for (unsigned i = 0; i < v->n_moves; i++)
        vector_list_move(v, &v->moves[i], &w->at[i], end * VECTOR_BLOCK);
    w->pending = (v->dirty[word] | moved(&v->pass, word)) & blocks;
    v->dirty[word] &= ~blocks;
    w->word = word;
    w->from = end;
    return true;
}

uint64_t vector_walk_next(struct vector_rows *v, struct vector_walk *w, uint32_t *block)
{
    do {
        uint64_t below = w->pending ? v->isa->kernel(&v->pass, w->word, &w->pending, block) : 0;
        if (below)
            return below;
    } while (look_on(v, w));
    return 0;
}

void vector_rows_judge(struct vector_rows *v)
{
    uint32_t theirs = v->team && v->pass.columns ? vector_team_go(v->team) : 0;
    v->walking = true;
    v->team_at_work = theirs > 0;
    vector_walk_begin(v, &v->walk, 0, theirs ? theirs : v->reach);
}

uint64_t vector_rows_next(struct vector_rows *v, uint32_t *block)
{
    uint64_t below = vector_walk_next(v, &v->walk, block);
    if (!below && v->team_at_work)
        below = vector_team_next(v->team, block);
    if (below)
        return below;
    v->walking = false;
    pass_done(v);
    return 0;
}
