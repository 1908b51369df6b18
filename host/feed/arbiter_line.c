// SPDX-License-Identifier: Apache-2.0
#include "feed/arbiter_line.h"

#include <string.h>

static uint64_t low_bits(uint64_t n)
{
    return n >= ARBITER_SEEN ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}
static uint64_t shift(uint64_t v, uint64_t n)
{
    return n >= ARBITER_SEEN ? 0 : v << n;
}

// Moves `next` on by n numbers, brought or not.
static void move_on(struct line *l, uint64_t n, bool brought)
{
    l->seen = shift(l->seen, n) | (brought ? low_bits(n) : 0);
    l->next += n;
}

void line_brought_odd(struct line *l, uint64_t half, uint64_t seq, uint32_t count)
{
    if (!l->counted) {
        l->counted = true;
        l->next = seq;
        l->seen = UINT64_MAX;
    }
    uint64_t gap = seq_distance(half, l->next, seq);
    if (seq_is_ahead(half, gap)) {
        l->n.gaps++;
        l->n.lost += gap;
        move_on(l, gap, false);
    }
    uint64_t behind = seq_distance(half, seq, l->next);
    uint64_t fresh = count > behind ? count - behind : 0;
    move_on(l, fresh, true);
    if (behind == 0 || behind > ARBITER_SEEN)
        return;
    uint64_t old = count - fresh; // [seq, seq + old) was passed before; seq has bit behind + fresh - 1
    uint64_t mask = shift(low_bits(old), behind + fresh - old);
    l->n.lost -= (uint64_t)__builtin_popcountll(mask & ~l->seen);
    l->seen |= mask;
}

void line_lead(struct line *l, uint64_t first_ns, uint64_t ts_ns)
{
    int64_t lead = (int64_t)(ts_ns - first_ns);
    bool first = l->n.copies == 0; // a copy too old to be measured leaves 0, which is as good
    if (first || lead < l->n.lead_ns_min)
        l->n.lead_ns_min = lead;
    if (first || lead > l->n.lead_ns_max)
        l->n.lead_ns_max = lead;
}

// Finaliser of splitmix64 (Steele, Lea, Flood 2014).
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t line_digest(const uint8_t *payload, size_t len)
{
    uint64_t h = len, word = 0;
    for (size_t i = 0; i < len; i += sizeof word) {
        size_t left = len - i;
        word = 0;
        memcpy(&word, payload + i, left < sizeof word ? left : sizeof word);
        h = mix(h ^ word);
    }
    return h | 1;
}
