// SPDX-License-Identifier: Apache-2.0
// Accounts that wait for their orders, the most valuable first: a bounded priority queue. Greater stake goes
// first, then greater depth, then what was put earlier. Putting and taking cost O(log n) and allocate nothing
// after rank_init(). The order depends on the calls alone. One thread.
#ifndef TRIPLINE_ENGINE_RANK_H
#define TRIPLINE_ENGINE_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rank_item {
    int64_t stake; // value at stake, any unit that is one for all
    uint64_t rest; // depth, then the order of putting, earlier being greater
    uint32_t id;
};

struct rank {
    struct rank_item *heap; // four children a node; beyond 32,768 items memory is taken as it is reached
    uint32_t *at;           // by id: place in the heap + 1, 0 = not in
    uint32_t n, ids, puts;
};

// For ids 0 .. ids-1, each in at most once. 0, or -1 when out of memory.
int rank_init(struct rank *r, uint32_t ids);
void rank_free(struct rank *r); // all zero is allowed
// Puts `id` in; one that is in already is judged anew, as if it had just come.
void rank_put(struct rank *r, uint32_t id, int64_t stake, uint32_t depth);
bool rank_take(struct rank *r, uint32_t *id);  // the first, taken out; false when nothing is in
void rank_remove(struct rank *r, uint32_t id); // nothing when it is not in
// `id` will be put or taken soon.
static inline void rank_fetch(const struct rank *r, uint32_t id)
{
    __builtin_prefetch(&r->at[id], 1);
}

#endif
