// SPDX-License-Identifier: Apache-2.0
// Inside the back end `vector`: rows as a structure of arrays, and the kernels that move and judge them.
// vector.c knows commands and events, vector_rows.c rows and blocks of them, vector_walk.c which blocks a
// tick has to visit, vector_bound.c the bound that spares it the others, vector_scalar.c, vector_avx2.c and
// vector_avx512.c what is done with blocks. One thread; nothing allocates after vector_rows_open. Sums are
// modulo 2^64, as in the model.
#ifndef TRIPLINE_DRIVERS_VECTOR_H
#define TRIPLINE_DRIVERS_VECTOR_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    VECTOR_BLOCK = 64,  // rows of a block: one word of the armed bits
    VECTOR_COLUMNS = 8, // assets that a block is moved by at once
    VECTOR_NEAR = 8,    // blocks that are judged before all others
    VECTOR_EIGHT = 8,   // blocks whose bounds are looked at together
};

// Where a row's h is. Of 16 rows the even ones come first, so that vector units can multiply a column as it
// lies in memory: they take the even 32-bit words, and the odd ones after a shift.
static inline uint32_t vector_at(uint32_t row)
{
    return (row & ~15u) | (row & 1) << 3 | (row >> 1 & 7);
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
// What a block's rows are moved by: h += coef * delta.
struct vector_column {
    const int32_t *coef; // of the block's first row
    uint64_t delta;      // modulo 2^64
};

// Of a block's armed rows at or above zero, bounds of the least h, which lies less than 2^32 above it, and of
// the greatest: no h is above, and VECTOR_USUAL says nothing more. INT64_MAX or VECTOR_USUAL and 0 or
// VECTOR_USUAL where there is no such row.
#define VECTOR_USUAL ((INT64_C(1) << 62) - 1)
struct vector_seen {
    int64_t least, most;
};
// Bounds that are always true. A kernel that found rows below zero may leave it at them: the next change of a
// price has the block visited again.
#define VECTOR_UNSEEN ((struct vector_seen){0, INT64_MAX})

// Moves a block's rows by n columns; `wide`: some delta needs more than 32 bits. Which of its armed rows are
// below zero then: bits by place of h, as `armed` has them. h: [vector_at(row)], 64-byte aligned.
typedef uint64_t vector_visit(uint64_t *h, const struct vector_column *c, unsigned n, bool wide,
                              uint64_t armed, struct vector_seen *seen);

// Bounds of blocks, from one block on that a multiple of VECTOR_EIGHT is the number of (vector_bound.c).
struct vector_bounds {
    const uint64_t *settled; // price of the asset that is in h
    const uint32_t *pos, *neg;
    int64_t *slack;
    const int64_t *far;
};
// An asset's price has changed: takes what the armed rows of n blocks (a multiple of VECTOR_EIGHT, at most
// 64) may lose by it off their slack. Bits of the blocks whose bound says nothing any more.
typedef uint64_t vector_bound(const struct vector_bounds *b, unsigned n, uint64_t old, uint64_t new);

struct vector_isa {
    const char *name;
    vector_visit *visit;
    vector_bound *bound;
};
extern vector_visit vector_visit_scalar, vector_visit_avx2, vector_visit_avx512;
extern vector_bound vector_bound_scalar, vector_bound_avx2, vector_bound_avx512;
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

static_assert(VECTOR_BLOCK * sizeof(int32_t) % 64 == 0,
              "a block's coefficients begin on a line of their own");

// An asset in the order in which prices last changed, the newest first.
struct vector_recent {
    uint64_t change; // its number, from 1; 0: none yet
    uint32_t newer, older;
};
// The tick that is judged, where it changed a price.
struct vector_pass {
    bool open;
    uint32_t asset;
    uint64_t old, new;
};
// Where a thread is in its blocks.
struct vector_walk {
    uint32_t from, end; // blocks that it has not looked at
    uint32_t word;
    uint64_t pending; // blocks of this word that it has to visit
    uint32_t visits;
};
struct vector_team;

struct vector_rows {
    uint32_t rows, assets;
    uint32_t blocks, words; // of all rows; words of a bit map of blocks
    uint32_t stride;        // blocks, up to a multiple of VECTOR_EIGHT
    uint32_t asset_words;   // of a bit map of assets
    uint32_t reach;         // words that hold a block with a coefficient that is not 0: no other is looked at
    int32_t *coef;          // [asset * 64 * blocks + row]
    uint8_t *count;         // [asset * blocks + block]: coefficients that are not 0
    uint64_t *used;         // [asset * words + word]: bits of blocks whose count is not 0
    uint64_t *has;          // [block * asset_words + word]: the same by block, bits of assets
    uint64_t *h;            // [vector_at(row)], at the prices in `settled`
    uint64_t *armed;        // [block], bit i: row 64 * block + i
    uint64_t *dirty;        // [word]: bits of blocks that the next judgement visits whatever their bound says
    uint64_t *price;        // [asset]
    struct vector_recent *recent; // [asset], and [assets]: both ends of the list

    // The bound, by asset and block [asset * stride + block] (vector_bound.c).
    uint64_t *settled;   // price of the asset that is in the block's h
    uint32_t *pos, *neg; // no coefficient of the block is above pos or below -neg
    // By block.
    int64_t *slack;    // no armed row is nearer to zero than this, where no price is farther than `far` ...
    int64_t *far;      // ... from the settled one; at most INT32_MAX
    uint64_t *sum;     // of the greater of pos and neg, over all assets
    uint64_t *visited; // changes of prices that its h may be without
    uint8_t *loads;    // coefficients set since pos and neg were its rows' own rather than bounds

    uint64_t changes; // of prices
    struct vector_pass pass;
    const struct vector_isa *isa;
    bool walking;      // between vector_rows_judge and the end of vector_rows_next
    bool team_at_work; // on this pass
    uint32_t visits;   // of the last judgement
    struct vector_walk walk;
    struct vector_team *team; // NULL: none
    struct vector_memory memory[17];
};

// 0, or -1 with *e set (out of memory, no threads); vector_rows_close either way. rows and assets from 1 on;
// threads: 0 and 1 are the caller's alone. *v must not move from then on.
int vector_rows_open(struct vector_rows *v, uint32_t rows, uint32_t assets, unsigned threads,
                     const struct vector_isa *isa, struct err *e);
void vector_rows_close(struct vector_rows *v);

static inline bool vector_rows_armed(const struct vector_rows *v, uint32_t row)
{
    return v->armed[row / VECTOR_BLOCK] >> vector_at(row) % VECTOR_BLOCK & 1;
}
static inline void vector_rows_arm(struct vector_rows *v, uint32_t row, bool armed)
{
    uint64_t bit = UINT64_C(1) << vector_at(row) % VECTOR_BLOCK;
    uint64_t *word = &v->armed[row / VECTOR_BLOCK];
    *word = armed ? *word | bit : *word & ~bit;
}
static inline int32_t vector_rows_coef(const struct vector_rows *v, uint32_t asset, uint32_t row)
{
    return v->coef[(size_t)asset * v->blocks * VECTOR_BLOCK + row];
}
// Before a row of this block is loaded: brings its h up to date, and has the block visited by the next
// judgement. vector_rows_arm and vector_rows_set_coef may follow.
void vector_rows_touch(struct vector_rows *v, uint32_t row);
// Before a row's h is read.
void vector_rows_settle(struct vector_rows *v, uint32_t row);
void vector_rows_set_coef(struct vector_rows *v, uint32_t asset, uint32_t row, int32_t coef);

// The asset's price becomes this, and rows move by it once they are visited. `last`: vector_rows_judge
// follows.
void vector_rows_tick(struct vector_rows *v, uint32_t asset, uint64_t price, bool last);
// Likewise, but no row moves.
void vector_rows_reprice(struct vector_rows *v, uint32_t asset, uint64_t price);
// Begins to judge all rows. vector_rows_next until it returns 0 has to follow, and nothing else but
// vector_rows_arm of the rows it named, and reading their h.
void vector_rows_judge(struct vector_rows *v);
// Goes on, in ascending order of blocks, to the next with armed rows below zero: these as bits by place of h,
// *block its number. 0: all rows have been judged. The caller disarms them.
uint64_t vector_rows_next(struct vector_rows *v, uint32_t *block);

// ---- among these files
// Brings a block's h up to date and says which of its armed rows are below zero; anew its bound.
uint64_t vector_visit_block(struct vector_rows *v, uint32_t block);
// Moves a block's rows to the prices as they are.
void vector_settle_block(struct vector_rows *v, uint32_t block);
// The coefficient of a row in the block was `before`, and its bound shall hold with `now`.
void vector_bound_coef(struct vector_rows *v, uint32_t asset, uint32_t block, int32_t before, int32_t now);
// pos and neg as the block's rows have them.
void vector_bound_tighten(struct vector_rows *v, uint32_t block);
// Its armed rows were seen at or above zero, and h is up to date.
void vector_bound_seen(struct vector_rows *v, uint32_t block, const struct vector_seen *seen);
// For the price change of a pass, blocks [first, first + n): bits by block of the word that are to be
// visited.
uint64_t vector_bound_check(struct vector_rows *v, const struct vector_pass *p, uint32_t first, unsigned n);

// Begins a walk over the blocks of words [first, end) in the present pass.
void vector_walk_begin(struct vector_walk *w, uint32_t first, uint32_t end);
// As vector_rows_next, for these blocks.
uint64_t vector_walk_next(struct vector_rows *v, struct vector_walk *w, uint32_t *block);

// Threads beside the caller's, each on a processor of its own where there are enough; they never sleep. NULL
// with *e set.
struct vector_team *vector_team_open(struct vector_rows *v, unsigned threads, struct err *e);
void vector_team_close(struct vector_team *t); // t may be NULL
// Sets the others to work on the present pass; returns the first word that is theirs, 0 when it is not worth
// it.
uint32_t vector_team_go(struct vector_team *t);
// What they found, as vector_rows_next; waits for them. 0: nothing is left, they are idle, and rows.walk
// counts their visits too.
uint64_t vector_team_next(struct vector_team *t, uint32_t *block);

#endif
