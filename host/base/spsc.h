// SPDX-License-Identifier: Apache-2.0
// Bounded queue of fixed-size elements between exactly one producer thread and one consumer thread, over
// memory that the caller owns. No lock, allocation or system call; each side works on its own cache lines and
// looks at the other's index only when its last known value no longer suffices. Ordering: an element's bytes
// are visible to the consumer once spsc_pop returns it (release/acquire on the indices). The atomics are the
// compiler's __atomic builtins, which have C11 semantics in C and in C++ alike, and distance is kept by plain
// padding, so the layout is the same in both and any allocation's alignment will do.
#ifndef TRIPLINE_BASE_SPSC_H
#define TRIPLINE_BASE_SPSC_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Two lines: the adjacent-line prefetcher fetches lines in pairs.
enum { SPSC_GAP = 128 };

struct spsc {
    unsigned char *mem; // set once by spsc_init
    size_t elem;
    uint64_t mask;
    unsigned char gap0[SPSC_GAP];
    uint64_t head;      // elements pushed so far; written by the producer
    uint64_t tail_seen; // the producer's last look at tail
    unsigned char gap1[SPSC_GAP];
    uint64_t tail;      // elements popped so far; written by the consumer
    uint64_t head_seen; // the consumer's last look at head
    unsigned char gap2[SPSC_GAP];
};
// Two things more than SPSC_GAP apart share neither a line nor a pair of lines, wherever the queue lies.
static_assert(offsetof(struct spsc, head) >= offsetof(struct spsc, mask) + sizeof(uint64_t) + SPSC_GAP,
              "both sides read what is set once: nobody's index beside it");
static_assert(offsetof(struct spsc, tail) >= offsetof(struct spsc, tail_seen) + sizeof(uint64_t) + SPSC_GAP,
              "the consumer writes nothing on the producer's lines, nor the producer on the consumer's");
static_assert(sizeof(struct spsc) >= offsetof(struct spsc, head_seen) + sizeof(uint64_t) + SPSC_GAP,
              "what follows the queue is not on the consumer's lines");

// mem holds elem * count bytes and outlives the queue; elem > 0; count is a power of two. Before either
// thread starts.
static inline void spsc_init(struct spsc *q, void *mem, size_t elem, size_t count_pow2)
{
    assert(mem && elem > 0 && count_pow2 > 0 && (count_pow2 & (count_pow2 - 1)) == 0);
    assert(count_pow2 <= SIZE_MAX / elem);
    memset(q, 0, sizeof *q);
    q->mem = (unsigned char *)mem;
    q->elem = elem;
    q->mask = count_pow2 - 1;
}

// Producer: room for the next element, to be filled in place, or NULL when the queue is full. spsc_commit
// publishes it.
static inline void *spsc_reserve(struct spsc *q)
{
    uint64_t head = q->head; // only this thread writes it
    if (head - q->tail_seen > q->mask) {
        q->tail_seen = __atomic_load_n(&q->tail, __ATOMIC_ACQUIRE);
        if (head - q->tail_seen > q->mask)
            return NULL;
    }
    return q->mem + (size_t)(head & q->mask) * q->elem;
}

// Producer: where the next element will be, whether there is room or not: to have it in the cache by then.
static inline void *spsc_next(const struct spsc *q)
{
    return q->mem + (size_t)(q->head & q->mask) * q->elem;
}

static inline void spsc_commit(struct spsc *q)
{
    __atomic_store_n(&q->head, q->head + 1, __ATOMIC_RELEASE);
}

// Producer: copies one element in; false when the queue is full.
static inline bool spsc_push(struct spsc *q, const void *from)
{
    void *slot = spsc_reserve(q);
    if (!slot)
        return false;
    memcpy(slot, from, q->elem);
    spsc_commit(q);
    return true;
}

// Consumer: the oldest element, in place, or NULL when the queue is empty. Stays valid until spsc_release.
static inline const void *spsc_peek(struct spsc *q)
{
    uint64_t tail = q->tail; // only this thread writes it
    if (tail == q->head_seen) {
        q->head_seen = __atomic_load_n(&q->head, __ATOMIC_ACQUIRE);
        if (tail == q->head_seen)
            return NULL;
    }
    return q->mem + (size_t)(tail & q->mask) * q->elem;
}

static inline void spsc_release(struct spsc *q)
{
    __atomic_store_n(&q->tail, q->tail + 1, __ATOMIC_RELEASE);
}

// Consumer: copies the oldest element out and frees its place; false when the queue is empty.
static inline bool spsc_pop(struct spsc *q, void *to)
{
    const void *slot = spsc_peek(q);
    if (!slot)
        return false;
    memcpy(to, slot, q->elem);
    spsc_release(q);
    return true;
}

// Elements in the queue, at most the capacity. Exact while neither side is at work, else a moment's view that
// may be out of date by the time the caller has it. Any thread.
static inline size_t spsc_count(const struct spsc *q)
{
    // tail first: it never passes head, so the difference cannot wrap below zero.
    uint64_t tail = __atomic_load_n(&q->tail, __ATOMIC_ACQUIRE);
    uint64_t n = __atomic_load_n(&q->head, __ATOMIC_ACQUIRE) - tail;
    return (size_t)(n <= q->mask + 1 ? n : q->mask + 1);
}

#endif
