// SPDX-License-Identifier: Apache-2.0
// Five levels of 256 slots over ticks of 40 bits. A thing due at tick d stands on the level of the highest
// byte in which d differs from the wheel's tick `now`, in the slot that this byte of d names. So everything
// on a level is later than all of the levels below it, and the slot of a thing follows from d and `now`: it
// is not stored. When `now` reaches the start of a slot of level l > 0, its things move down; a slot of level
// 0 holds the things of one tick.
#include "engine/wheel.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEVELS = 5,
    SLOT_BITS = 8,
    SLOTS = 1 << SLOT_BITS,
    ID_BITS = 28,
    WORDS = SLOTS / 64,
    SORT_RUNS = ID_BITS
};
static const uint32_t NONE = WHEEL_IDS_MAX - 1; // no thing; n is at most this
static const uint64_t ABSENT = WHEEL_TICKS_MAX + 1, READY = WHEEL_TICKS_MAX + 2; // in place of a due tick

// Two links of 28 bits, and the due tick of 40 bits: its low word, and a half of its high byte above each
// link.
struct node {
    uint32_t next, prev, due;
};

struct wheel {
    uint64_t tick_ns, start_ns, now_ns;
    uint64_t now; // ticks since start_ns
    uint32_t n, count;
    uint32_t ready_first, ready_last;
    uint32_t head[LEVELS][SLOTS];
    uint64_t used[LEVELS][WORDS]; // bit a slot that is not empty
    struct node node[];
};

static uint32_t next_of(const struct wheel *w, uint32_t id)
{
    return w->node[id].next & NONE;
}

static uint32_t prev_of(const struct wheel *w, uint32_t id)
{
    return w->node[id].prev & NONE;
}

static void set_next(struct wheel *w, uint32_t id, uint32_t to)
{
    w->node[id].next = (w->node[id].next & ~NONE) | to;
}

static void set_prev(struct wheel *w, uint32_t id, uint32_t to)
{
    w->node[id].prev = (w->node[id].prev & ~NONE) | to;
}

static uint64_t due_of(const struct wheel *w, uint32_t id)
{
    const struct node *x = &w->node[id];
    return (uint64_t)(x->next >> ID_BITS) << 36 | (uint64_t)(x->prev >> ID_BITS) << 32 | x->due;
}

static void set_due(struct wheel *w, uint32_t id, uint64_t due)
{
    struct node *x = &w->node[id];
    x->next = (x->next & NONE) | (uint32_t)(due >> 36) << ID_BITS;
    x->prev = (x->prev & NONE) | (uint32_t)(due >> 32 & 15) << ID_BITS;
    x->due = (uint32_t)due;
}

struct wheel *wheel_new(uint32_t n, uint64_t tick_ns, uint64_t start_ns)
{
    if (n > NONE || tick_ns == 0)
        return NULL;
    struct wheel *w = malloc(sizeof *w + (size_t)n * sizeof w->node[0]);
    if (!w)
        return NULL;
    *w = (struct wheel){.tick_ns = tick_ns, .start_ns = start_ns, .now_ns = start_ns, .n = n};
    w->ready_first = w->ready_last = NONE;
    for (unsigned l = 0; l < LEVELS; l++)
        for (unsigned s = 0; s < SLOTS; s++)
            w->head[l][s] = NONE;
    for (uint32_t id = 0; id < n; id++) {
        w->node[id] = (struct node){NONE, NONE, 0};
        set_due(w, id, ABSENT);
    }
    return w;
}

void wheel_free(struct wheel *w)
{
    free(w);
}

// ---- lists

static unsigned level_of(const struct wheel *w, uint64_t due)
{
    return (unsigned)(63 - __builtin_clzll((due ^ w->now) | 1)) / SLOT_BITS;
}

static unsigned slot_at(uint64_t tick, unsigned level)
{
    return (unsigned)(tick >> (SLOT_BITS * level)) & (SLOTS - 1);
}

static void ready_append(struct wheel *w, uint32_t id)
{
    set_due(w, id, READY);
    set_prev(w, id, w->ready_last);
    set_next(w, id, NONE);
    if (w->ready_last == NONE)
        w->ready_first = id;
    else
        set_next(w, w->ready_last, id);
    w->ready_last = id;
}

// Into its slot; due >= now.
static void link_in(struct wheel *w, uint32_t id, uint64_t due)
{
    unsigned l = level_of(w, due), s = slot_at(due, l);
    uint32_t first = w->head[l][s];
    set_due(w, id, due);
    set_prev(w, id, NONE);
    set_next(w, id, first);
    if (first != NONE)
        set_prev(w, first, id);
    w->head[l][s] = id;
    w->used[l][s / 64] |= (uint64_t)1 << s % 64;
}

static void unlink_out(struct wheel *w, uint32_t id)
{
    uint64_t due = due_of(w, id);
    uint32_t next = next_of(w, id), prev = prev_of(w, id);
    if (next != NONE)
        set_prev(w, next, prev);
    else if (due == READY)
        w->ready_last = prev;
    if (prev != NONE) {
        set_next(w, prev, next);
    } else if (due == READY) {
        w->ready_first = next;
    } else {
        unsigned l = level_of(w, due), s = slot_at(due, l);
        w->head[l][s] = next;
        if (next == NONE)
            w->used[l][s / 64] &= ~((uint64_t)1 << s % 64);
    }
}

static uint32_t take_slot(struct wheel *w, unsigned l, unsigned s)
{
    uint32_t first = w->head[l][s];
    w->head[l][s] = NONE;
    w->used[l][s / 64] &= ~((uint64_t)1 << s % 64);
    return first;
}

// ---- order within a tick

// Merges two lists that ascend by id (forward links only).
static uint32_t merge(struct wheel *w, uint32_t a, uint32_t b)
{
    uint32_t first = NONE, last = NONE;
    while (a != NONE || b != NONE) {
        uint32_t id;
        if (b == NONE || (a != NONE && a < b)) {
            id = a;
            a = next_of(w, a);
        } else {
            id = b;
            b = next_of(w, b);
        }
        if (last == NONE)
            first = id;
        else
            set_next(w, last, id);
        last = id;
    }
    if (last != NONE)
        set_next(w, last, NONE);
    return first;
}

// Merge sort in place: run[k] holds a sorted list of 2^k, as a binary counter does.
static uint32_t sort_by_id(struct wheel *w, uint32_t list)
{
    uint32_t run[SORT_RUNS + 1], sorted = NONE;
    for (unsigned k = 0; k <= SORT_RUNS; k++)
        run[k] = NONE;
    while (list != NONE) {
        uint32_t one = list;
        list = next_of(w, list);
        set_next(w, one, NONE);
        unsigned k = 0;
        for (; run[k] != NONE; k++) {
            one = merge(w, run[k], one);
            run[k] = NONE;
        }
        run[k] = one;
    }
    for (unsigned k = 0; k <= SORT_RUNS; k++)
        sorted = merge(w, run[k], sorted);
    return sorted;
}

// ---- the clock

// Start of the first occupied slot, where something comes due or moves down; false when nothing waits.
static bool next_event(const struct wheel *w, unsigned *level, uint64_t *tick)
{
    for (unsigned l = 0; l < LEVELS; l++) {
        for (unsigned k = 0; k < WORDS; k++) {
            if (!w->used[l][k])
                continue;
            uint64_t s = 64 * k + (unsigned)__builtin_ctzll(w->used[l][k]);
            uint64_t above = w->now >> (SLOT_BITS * (l + 1)) << (SLOT_BITS * (l + 1));
            *level = l;
            *tick = above | s << (SLOT_BITS * l);
            return true;
        }
    }
    return false;
}

// The slot of level l that starts at `now` comes due, or moves down. What is due at the very start of a slot
// above level 0 moves to level 0, whose slot is then the next to open.
static void open_slot(struct wheel *w, unsigned l)
{
    uint32_t list = take_slot(w, l, slot_at(w->now, l));
    if (l == 0)
        list = sort_by_id(w, list);
    while (list != NONE) {
        uint32_t id = list;
        list = next_of(w, id);
        if (l == 0)
            ready_append(w, id);
        else
            link_in(w, id, due_of(w, id));
    }
}

static uint64_t ticks_at(const struct wheel *w, uint64_t ns, bool up)
{
    uint64_t past = ns > w->start_ns ? ns - w->start_ns : 0;
    uint64_t t = past / w->tick_ns + (up && past % w->tick_ns != 0);
    return t < WHEEL_TICKS_MAX ? t : WHEEL_TICKS_MAX;
}

void wheel_advance(struct wheel *w, uint64_t now_ns)
{
    unsigned level;
    uint64_t tick;
    if (now_ns <= w->now_ns)
        return;
    w->now_ns = now_ns;
    uint64_t to = ticks_at(w, now_ns, false);
    while (next_event(w, &level, &tick) && tick <= to) {
        w->now = tick;
        open_slot(w, level);
    }
    w->now = to;
}

bool wheel_take(struct wheel *w, uint32_t *id)
{
    if (w->ready_first == NONE)
        return false;
    *id = w->ready_first;
    wheel_remove(w, *id);
    return true;
}

uint64_t wheel_next(const struct wheel *w)
{
    unsigned level;
    uint64_t tick, past;
    if (w->ready_first != NONE)
        return w->now_ns;
    if (!next_event(w, &level, &tick))
        return UINT64_MAX;
    if (__builtin_mul_overflow(tick, w->tick_ns, &past) || past > UINT64_MAX - w->start_ns)
        return UINT64_MAX;
    return w->start_ns + past;
}

// ---- things

void wheel_put(struct wheel *w, uint32_t id, uint64_t due_ns)
{
    wheel_remove(w, id);
    w->count++;
    uint64_t due = ticks_at(w, due_ns, true);
    if (due_ns <= w->now_ns || due <= w->now)
        ready_append(w, id);
    else
        link_in(w, id, due);
}

void wheel_remove(struct wheel *w, uint32_t id)
{
    if (!wheel_has(w, id))
        return;
    unlink_out(w, id);
    set_due(w, id, ABSENT);
    w->count--;
}

bool wheel_has(const struct wheel *w, uint32_t id)
{
    return id < w->n && due_of(w, id) != ABSENT;
}

size_t wheel_count(const struct wheel *w)
{
    return w->count;
}

size_t wheel_bytes(const struct wheel *w)
{
    return sizeof *w + (size_t)w->n * sizeof w->node[0];
}
