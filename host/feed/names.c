// SPDX-License-Identifier: Apache-2.0
#include "feed/names.h"

#include "base/prng.h"
#include "feed/feed.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 256 };

struct entry {
    uint64_t id;
    char name[sizeof((struct feed_msg *)0)->name]; // "" = free slot
};

struct names {
    struct entry *slot;
    size_t slots, used; // slots is a power of two, never full
};

struct names *names_new(void)
{
    struct names *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->slots = FIRST_SLOTS;
    n->slot = calloc(n->slots, sizeof *n->slot);
    if (!n->slot) {
        free(n);
        return NULL;
    }
    return n;
}

void names_free(struct names *n)
{
    if (n)
        free(n->slot);
    free(n);
}

// The id's slot, or the free one where it belongs.
static struct entry *find(struct entry *slot, size_t slots, uint64_t id)
{
    uint64_t hash = id;
    size_t i = (size_t)splitmix64(&hash) & (slots - 1);
    while (slot[i].name[0] && slot[i].id != id)
        i = (i + 1) & (slots - 1);
    return &slot[i];
}

static bool grow(struct names *n)
{
    size_t slots = n->slots * 2;
    struct entry *slot = calloc(slots, sizeof *slot);
    if (!slot)
        return false;
    for (size_t i = 0; i < n->slots; i++)
        if (n->slot[i].name[0])
            *find(slot, slots, n->slot[i].id) = n->slot[i];
    free(n->slot);
    n->slot = slot;
    n->slots = slots;
    return true;
}

int names_put(struct names *n, uint64_t id, const char *name)
{
    size_t len = strnlen(name, sizeof n->slot->name);
    if (len == 0 || len == sizeof n->slot->name)
        return -1;
    struct entry *e = find(n->slot, n->slots, id);
    if (!e->name[0]) {
        if (n->used == NAMES_MAX || (n->used * 2 >= n->slots && !grow(n)))
            return -1;
        e = find(n->slot, n->slots, id);
        e->id = id;
        n->used++;
    }
    memcpy(e->name, name, len + 1);
    return 0;
}

const char *names_get(const struct names *n, uint64_t id)
{
    return find(n->slot, n->slots, id)->name;
}
