// SPDX-License-Identifier: Apache-2.0
// Rows of the back end `vector`: where they are, and how they change.
#include "vector.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/resident.h"

enum {
    LOADS_MAX = 64, // coefficients of a block set, after which its pos and neg are made anew
    ALIGN = 64,
    TAKEN_AT_ONCE = 64 << 20, // memory up to this many bytes has its pages from the start, see resident.h
};
static const size_t huge = (size_t)2 << 20;

// ------------------------------------------------------------------------------------------------- kernels
static const struct vector_isa isas[] = {{"avx512", vector_visit_avx512, vector_bound_avx512},
                                         {"avx2", vector_visit_avx2, vector_bound_avx2},
                                         {"scalar", vector_visit_scalar, vector_bound_scalar}};
enum { ISAS = sizeof isas / sizeof *isas };

static bool here(const struct vector_isa *isa)
{
#if defined(__x86_64__)
    if (isa->visit == vector_visit_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
    if (isa->visit == vector_visit_avx2)
        return __builtin_cpu_supports("avx2");
#endif
    return isa->visit == vector_visit_scalar;
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

// Every array that grows with the rows or the assets, in vector_rows.memory[].
static bool allocate(struct vector_rows *v)
{
    size_t all = (size_t)v->assets * v->stride, n = 0;
#define TAKE(field, count)                                                                                   \
    ((v->field = vector_memory_zeros(&v->memory[n++], (size_t)(count) * sizeof *v->field)) != NULL)
    return TAKE(coef, (size_t)v->assets * v->blocks * VECTOR_BLOCK) &&
           TAKE(count, (size_t)v->assets * v->blocks) && TAKE(used, (size_t)v->assets * v->words) &&
           TAKE(has, (size_t)v->blocks * v->asset_words) && TAKE(h, (size_t)v->blocks * VECTOR_BLOCK) &&
           TAKE(armed, v->blocks) && TAKE(dirty, v->words) && TAKE(price, v->assets) &&
           TAKE(recent, v->assets + 1) && TAKE(settled, all) && TAKE(pos, all) && TAKE(neg, all) &&
           TAKE(slack, v->stride) && TAKE(far, v->stride) && TAKE(sum, v->blocks) &&
           TAKE(visited, v->blocks) && TAKE(loads, v->blocks);
#undef TAKE
}

int vector_rows_open(struct vector_rows *v, uint32_t rows, uint32_t assets, unsigned threads,
                     const struct vector_isa *isa, struct err *e)
{
    uint32_t blocks = (rows + VECTOR_BLOCK - 1) / VECTOR_BLOCK;
    *v = (struct vector_rows){.rows = rows,
                              .assets = assets,
                              .blocks = blocks,
                              .words = (blocks + 63) / 64,
                              .stride = (blocks + VECTOR_EIGHT - 1) / VECTOR_EIGHT * VECTOR_EIGHT,
                              .asset_words = (assets + 63) / 64,
                              .isa = isa};
    if (!allocate(v))
        return err_set(e, "device vector: out of memory for %u rows x %u assets", rows, assets);
    for (uint32_t a = 0; a <= assets; a++) // a ring, its ends at [assets]
        v->recent[a] = (struct vector_recent){.newer = a ? a - 1 : assets, .older = a < assets ? a + 1 : 0};
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
void vector_rows_settle(struct vector_rows *v, uint32_t row)
{
    vector_settle_block(v, row / VECTOR_BLOCK);
}

void vector_rows_touch(struct vector_rows *v, uint32_t row)
{
    uint32_t block = row / VECTOR_BLOCK;
    vector_settle_block(v, block);
    if (v->loads[block] >= LOADS_MAX) // here, where no price waits
        vector_bound_tighten(v, block);
    v->dirty[block / 64] |= UINT64_C(1) << block % 64;
}

void vector_rows_set_coef(struct vector_rows *v, uint32_t asset, uint32_t row, int32_t coef)
{
    uint32_t block = row / VECTOR_BLOCK;
    int32_t *at = &v->coef[(size_t)asset * v->blocks * VECTOR_BLOCK + row], before = *at;
    if (coef && v->reach <= block / 64)
        v->reach = block / 64 + 1;
    *at = coef;
    vector_bound_coef(v, asset, block, before, coef);
    v->loads[block] = (uint8_t)(v->loads[block] + (v->loads[block] < UINT8_MAX));
}
