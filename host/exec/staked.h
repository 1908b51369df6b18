// SPDX-License-Identifier: Apache-2.0
// Pool of sizes: what an order was sized at for the ranking, kept until its turn comes, so that it is not
// sized twice. Small orders only, so that a burst of them stays in the cache. One thread; no allocation after
// staked_init.
#ifndef TRIPLINE_EXEC_STAKED_H
#define TRIPLINE_EXEC_STAKED_H

#include "exec/marks.h"

enum {
    STAKED_NONE = 0,
    STAKED_MAX = 32768, // sizes kept at once
    STAKED_LEGS = 4,    // an order with more legs or assets is not kept
};

struct staked {
    i128 qty[STAKED_LEGS];
    int64_t px[STAKED_LEGS]; // by place in asset[]
    int64_t value, reward;   // 1e-8 units of account
    uint32_t epoch;
    uint16_t instrument[STAKED_LEGS], asset[STAKED_LEGS];
    uint8_t n_legs, n_assets;
    bool full;
};

struct staked_pool {
    struct staked *slot; // named by index + 1, so that 0 is none
    uint32_t *free_slot;
    uint32_t n, n_free;
};

// One size by itself: filled, false when it is too large; and read, as staked_read does.
bool staked_fill(struct staked *s, uint32_t epoch, const struct order_size *size,
                 const struct marks_assets *assets, const int64_t *px);
bool staked_copy(const struct staked *s, uint32_t epoch, const int64_t *px, struct order_size *size,
                 struct marks_assets *assets);

int staked_init(struct staked_pool *p, uint32_t n); // 0 or -1
void staked_free(struct staked_pool *p);
// Keeps the size of an account's order at this epoch and px[] of these assets. Its name, STAKED_NONE when the
// pool is full or the size is too large for it.
uint32_t staked_keep(struct staked_pool *p, uint32_t epoch, const struct order_size *size,
                     const struct marks_assets *assets, const int64_t *px);
// What was kept. False when it was made for another epoch or at other prices.
bool staked_read(const struct staked_pool *p, uint32_t name, uint32_t epoch, const int64_t *px,
                 struct order_size *size, struct marks_assets *assets);
// Address of what is kept under the name, or of nothing in use: to be prefetched only.
static inline const void *staked_at(const struct staked_pool *p, uint32_t name)
{
    return &p->slot[name ? name - 1 : 0];
}
void staked_give(struct staked_pool *p, uint32_t name); // forgets it

#endif
