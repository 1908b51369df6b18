// SPDX-License-Identifier: Apache-2.0
// Inside the back end `vector`: rows as a structure of arrays, and the kernels that move and judge them.
// vector.c knows commands and events, vector_rows.c which blocks of rows a tick has to visit,
// vector_scalar.c, vector_avx2.c and vector_avx512.c what is done with a block. One thread; nothing allocates
// after vector_rows_open. Sums are modulo 2^64, as in the model.
#ifndef TRIPLINE_DRIVERS_VECTOR_H
#define TRIPLINE_DRIVERS_VECTOR_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    VECTOR_BLOCK = 64,  // rows of a block: one word of the armed bits
    VECTOR_COLUMNS = 8, // assets of one kind, with a list or without, that are moved in one pass
    VECTOR_NEAR = 4,    // blocks that are judged before all others
    VECTOR_SPARSE = 16, // an asset that at most one row in so many has is moved by its list
};

// Where a row's h is. Of 16 rows the even ones come first, so that vector units can multiply a column as it
// lies in memory: they take the even 32-bit words, and the odd ones after a shift.
static inline uint32_t vector_at(uint32_t row)
{
    return (row & ~15u) | (row & 1) << 3 | (row >> 1 & 7);
}
static inline uint32_t vector_row_at(uint32_t at)
{
    return (at & ~15u) | (at & 7) << 1 | (at >> 3 & 1);
}
// Bits by place of h to bits by row, of a block.
static inline uint64_t vector_by_row(uint64_t x)
{
    uint64_t t = (x ^ x >> 4) & UINT64_C(0x00f000f000f000f0);
    x ^= t ^ t << 4;
    t = (x ^ x >> 2) & UINT64_C(0x0c0c0c0c0c0c0c0c);
    x ^= t ^ t << 2;
    t = (x ^ x >> 1) & UINT64_C(0x2222222222222222);
    return x ^ t ^ t << 1;
}

// What an asset's rows are moved by: h += coef * delta.
struct vector_column {
    const int32_t *coef;  // [row]
    const uint64_t *used; // bit b % 64 of word b / 64: block b has a coefficient that is not 0
    uint64_t delta;       // modulo 2^64
    uint32_t asset;
};

struct vector_pass {
    uint64_t *h;           // [vector_at(row)], 64-byte aligned, whole blocks
    const uint64_t *armed; // [block], bit i: row 64 * block + i
    struct vector_column column[VECTOR_COLUMNS];
    unsigned columns;
    bool wide; // some delta needs more than 32 bits
};

// Works the blocks 64 * word + b for each bit b of *pending, in ascending order: moves their rows, and stops
// behind the first block with an armed row below zero. Returns that block's such rows as bits, with the block
// in *at and the blocks that are left in *pending; 0 when none is left.
typedef uint64_t vector_kernel(const struct vector_pass *p, uint32_t word, uint64_t *pending, uint32_t *at);

struct vector_isa {
    const char *name;
    vector_kernel *kernel;
};
extern vector_kernel vector_scalar, vector_avx2, vector_avx512;
// The one of that name, or for "auto" and NULL the fastest that this processor has. NULL with *e set: there
// is none of that name, or this processor lacks it.
const struct vector_isa *vector_isa_find(const char *name, struct err *e);

// Memory of zeros, 64-byte aligned; in huge pages where it is large and the system has some.
struct vector_memory {
    void *base;
    size_t bytes; // mapped; 0: from the heap
};
void *vector_memory_zeros(struct vector_memory *m, size_t bytes); // NULL: out of memory
void vector_memory_free(struct vector_memory *m);

// The rows that have an asset, in the order of their h, while they are few: moving these alone is faster than
// whole blocks.
struct vector_entry {
    uint32_t at;  // vector_at(row)
    int32_t coef; // not 0
};
static_assert(sizeof(struct vector_entry) == 8, "eight entries of a list to a cache line");
static_assert(VECTOR_BLOCK * sizeof(int32_t) % 64 == 0,
              "a block's coefficients begin on a line of their own");
struct vector_list {
    struct vector_entry *entry; // room for vector_rows.list_max
    uint32_t n;                 // in the list
    uint32_t nonzero;           // coefficients that are not 0
    bool whole;                 // n == nonzero; else there are too many for a list
};
// A list's share in a pass.
struct vector_moves {
    const struct vector_list *list;
    uint32_t asset;
    uint64_t delta;
};
// Where a thread is in its blocks.
struct vector_walk {
    uint32_t from, end; // blocks that it has not looked at
    uint32_t word;
    uint64_t pending;            // blocks of this word that it has looked at but not worked
    uint32_t at[VECTOR_COLUMNS]; // entries before it have been moved
};
struct vector_team;

struct vector_rows {
    uint32_t rows, assets;
    uint32_t blocks, words; // of all rows; words of a bit map of blocks
    uint32_t reach;  // words that hold a block with a coefficient that is not 0: no other is ever visited
    int32_t *coef;   // [asset * 64 * blocks + row]
    uint8_t *count;  // [asset * blocks + block]: coefficients that are not 0
    uint64_t *used;  // [asset * words + word]: bits of blocks whose count is not 0
    uint64_t *h;     // [vector_at(row)]
    uint64_t *armed; // [block]
    uint64_t *dirty; // [word]: bits of blocks that may have an armed row below zero
    struct vector_list *list; // [asset]
    uint32_t list_max;
    struct vector_pass pass; // what is to be moved: columns
    struct vector_moves moves[VECTOR_COLUMNS];
    unsigned n_moves; // and lists
    const struct vector_isa *isa;
    bool walking;      // between vector_rows_judge and the end of vector_rows_next
    bool team_at_work; // on this pass
    struct vector_walk walk;
    struct vector_team *team; // NULL: none
    struct vector_memory memory[8];
};

// 0, or -1 with *e set (out of memory, no threads); vector_rows_close either way. rows and assets from 1 on;
// threads: 0 and 1 are the caller's alone. *v must not move from then on.
int vector_rows_open(struct vector_rows *v, uint32_t rows, uint32_t assets, unsigned threads,
                     const struct vector_isa *isa, struct err *e);
void vector_rows_close(struct vector_rows *v);

static inline bool vector_rows_armed(const struct vector_rows *v, uint32_t row)
{
    return v->armed[row / VECTOR_BLOCK] >> row % VECTOR_BLOCK & 1;
}
static inline void vector_rows_arm(struct vector_rows *v, uint32_t row, bool armed)
{
    uint64_t bit = UINT64_C(1) << row % VECTOR_BLOCK;
    uint64_t *word = &v->armed[row / VECTOR_BLOCK];
    *word = armed ? *word | bit : *word & ~bit;
}
static inline int32_t vector_rows_coef(const struct vector_rows *v, uint32_t asset, uint32_t row)
{
    return v->coef[(size_t)asset * v->blocks * VECTOR_BLOCK + row];
}
void vector_rows_set_coef(struct vector_rows *v, uint32_t asset, uint32_t row, int32_t coef);

// Prices move by delta. What rows make of it is put off until they are judged, or looked at: call
// vector_rows_settle before reading or writing h, arming, or changing a coefficient.
void vector_rows_move(struct vector_rows *v, uint32_t asset, uint64_t delta);
void vector_rows_settle_moves(struct vector_rows *v);
static inline void vector_rows_settle(struct vector_rows *v)
{
    if (v->pass.columns || v->n_moves)
        vector_rows_settle_moves(v);
}
// Begins to judge all rows. vector_rows_next until it returns 0 has to follow, and nothing else but
// vector_rows_arm of the rows it named, and reading their h.
void vector_rows_judge(struct vector_rows *v);
// Goes on, in ascending order of rows, to the next block with armed rows below zero: these as bits, *block
// its number. 0: all rows have been judged. The caller disarms them.
uint64_t vector_rows_next(struct vector_rows *v, uint32_t *block);

// ---- among these files
// The asset's coefficient of the row has changed from `before` to what vector_rows_coef says.
void vector_list_change(struct vector_rows *v, uint32_t asset, uint32_t row, int32_t before);
// Index of the first entry whose place is not below `at`.
uint32_t vector_list_find(const struct vector_list *l, uint32_t at);
// Moves the entries from *next on of places below `end`, and notes in dirty what is below zero then.
void vector_list_move(struct vector_rows *v, const struct vector_moves *m, uint32_t *next, uint32_t end);

// Begins a walk over the blocks of words [first, end) in the present pass.
void vector_walk_begin(const struct vector_rows *v, struct vector_walk *w, uint32_t first, uint32_t end);
// As vector_rows_next, for these blocks.
uint64_t vector_walk_next(struct vector_rows *v, struct vector_walk *w, uint32_t *block);

// Threads beside the caller's, each on a processor of its own where there are enough; they never sleep. NULL
// with *e set.
struct vector_team *vector_team_open(struct vector_rows *v, unsigned threads, struct err *e);
void vector_team_close(struct vector_team *t); // t may be NULL
// Sets the others to work on the present pass; returns the first word that is theirs, 0 when it is not worth
// it.
uint32_t vector_team_go(struct vector_team *t);
// What they found, as vector_rows_next; waits for them. 0: nothing is left, and they are idle.
uint64_t vector_team_next(struct vector_team *t, uint32_t *block);

#endif
