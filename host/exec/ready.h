// SPDX-License-Identifier: Apache-2.0
// Pool of ready orders: made near the breach, their bytes already on their way to disk, used at the trigger
// when the exact size is close enough. One thread; no allocation after ready_init.
#ifndef TRIPLINE_EXEC_READY_H
#define TRIPLINE_EXEC_READY_H

#include "exec/exit/worth.h"
#include "exec/marks.h"
#include "exec/order.h"

enum { READY_NONE = 0, READY_MAX_DEFAULT = 4096 };

// What the trigger reads lies at the front and where `bytes` begin: few lines of memory of an order of few
// legs.
struct ready {
    uint64_t lsn; // of its J_READY record
    uint16_t n_bytes;
    bool imminent;       // offered before all others (desk_imminent)
    uint32_t radius_ppm; // how far a price may be from sized_px and the order still stands; 0: sized anew
    struct gateway_terms terms; // as offered; zero without
    struct order order;
    uint8_t bytes[ORDER_BYTES_MAX];
    struct marks_assets assets;
    int64_t sized_px[ROW_ASSETS_MAX];   // prices that radius_ppm is about
    int64_t checked_px[ROW_ASSETS_MAX]; // prices at which its size was last compared
    // Of orders that are asked whether they are worth it: at the prices that it was made for, by its own tip.
    struct worth worth;
};

struct ready_pool {
    struct ready *slot; // named by index + 1, so that 0 is none
    uint32_t *free_slot;
    uint32_t n, n_free;
};

int ready_init(struct ready_pool *p, uint32_t n); // 0 or -1
void ready_free_all(struct ready_pool *p);
uint32_t ready_take(struct ready_pool *p); // READY_NONE when the pool is empty
void ready_give(struct ready_pool *p, uint32_t name);
static inline struct ready *ready_at(struct ready_pool *p, uint32_t name)
{
    return &p->slot[name - 1];
}

// To be used soon: what of it the trigger reads is fetched.
static inline void ready_fetch(const struct ready_pool *p, uint32_t name)
{
    enum { LINE_BYTES = 64, HEAD = 4, BYTES = 2 };
    const struct ready *r = &p->slot[name ? name - 1 : 0];
    for (int i = 0; i < HEAD; i++)
        __builtin_prefetch((const char *)r + i * LINE_BYTES);
    for (int i = 0; i < BYTES; i++)
        __builtin_prefetch(r->bytes + i * LINE_BYTES);
    __builtin_prefetch(&r->assets);
    __builtin_prefetch(r->sized_px);
}

// Has some price moved from the last comparison by more than half of tolerance_ppm?
bool ready_moved(const struct ready *r, const int64_t *px, uint32_t tolerance_ppm);
// Are all its prices within radius_ppm of those it was sized at? Then *near is such that none has moved by
// more than 2^-*near of what it was; at most 16 (15 ppm, more than what rounding and interest make of it).
bool ready_stands(const struct ready *r, const int64_t *px, unsigned *near);
// What the order liquidates at most, and brings at least, when no price has moved by more than 2^-near: both
// are sums of terms that go with one price each, and a leg's rounding is within two units.
static inline int64_t ready_value(const struct order *o, unsigned near)
{
    int64_t v;
    return __builtin_add_overflow(o->value_e8, (o->value_e8 >> near) + 2 * o->n, &v) ? INT64_MAX : v;
}
static inline int64_t ready_reward(const struct order *o, unsigned near)
{
    int64_t r = o->reward_e8, v;
    if (r == 0) // of a rule under which nobody earns anything, at any price
        return 0;
    int64_t less = (r < 0 ? -(r + 1) : r) >> near;
    return __builtin_sub_overflow(r, less + 2 * o->n, &v) ? INT64_MIN : v;
}
// Same kind, same legs, and every quantity within tolerance_ppm of the exact one; a full order must be equal.
bool ready_close(const struct order *o, const struct order_size *exact, uint32_t tolerance_ppm);
// Both partial, same legs, and no quantity above the exact one.
bool ready_below(const struct order *o, const struct order_size *exact);

#endif
