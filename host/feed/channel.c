// SPDX-License-Identifier: Apache-2.0
#include "feed/channel.h"

#include <assert.h>
#include <stddef.h>

static_assert((CHANNEL_SLOTS & (CHANNEL_SLOTS - 1)) == 0 && CHANNEL_MAX < CHANNEL_SLOTS, "probing must end");

// Finaliser of splitmix64 (Steele, Lea, Flood 2014): neighbouring groups and ports spread over the table.
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

struct channel *channel_get(struct channel_table *t, uint32_t ip, uint16_t port, uint16_t id)
{
    uint64_t key = (uint64_t)ip << 32 | (uint64_t)port << 16 | id;
    size_t i = (size_t)mix(key) & (CHANNEL_SLOTS - 1);
    while (t->slot[i].used) {
        if (t->slot[i].key == key)
            return &t->slot[i];
        i = (i + 1) & (CHANNEL_SLOTS - 1);
    }
    if (t->count == CHANNEL_MAX)
        return NULL;
    t->count++;
    t->slot[i] = (struct channel){.key = key, .used = true};
    return &t->slot[i];
}

static enum channel_verdict accept(struct channel *c, uint32_t seq, uint64_t newest_ms,
                                   enum channel_verdict v)
{
    c->last = seq;
    c->run = 0;
    if (newest_ms > c->newest_ms || v == CHANNEL_RESTART)
        c->newest_ms = newest_ms;
    return v;
}

enum channel_verdict channel_step(struct channel *c, uint32_t seq, uint64_t newest_ms, uint32_t *missing)
{
    *missing = 0;
    if (!c->started) {
        c->started = true;
        return accept(c, seq, newest_ms, CHANNEL_NEXT);
    }
    uint32_t ahead = seq - c->last;
    if (ahead == 1)
        return accept(c, seq, newest_ms, CHANNEL_NEXT);
    if (ahead != 0 && ahead <= INT32_MAX) {
        *missing = ahead - 1;
        return accept(c, seq, newest_ms, CHANNEL_GAP);
    }
    c->run = c->run != 0 && seq == c->back + 1 ? c->run + 1 : 1;
    c->back = seq;
    bool fresh = newest_ms > c->newest_ms && c->run >= CHANNEL_RESTART_RUN;
    if (!fresh && c->run < CHANNEL_WEDGE_RUN)
        return CHANNEL_DUPLICATE;
    *missing = c->run - 1;
    return accept(c, seq, newest_ms, CHANNEL_RESTART);
}
