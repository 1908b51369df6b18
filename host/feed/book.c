// SPDX-License-Identifier: Apache-2.0
#include "feed/book.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct chunk {
    uint16_t next; // index + 1
    uint16_t n;
    struct level level[BOOK_CHUNK_LEVELS];
};

struct levels {
    uint16_t free;   // given back: index + 1
    uint16_t unused; // never given out: index of the next one
    struct chunk chunk[BOOK_CHUNKS];
};
static_assert((int)BOOK_CHUNKS < (int)UINT16_MAX, "indexes must fit");

struct levels *levels_new(void)
{
    return calloc(1, sizeof(struct levels));
}

void levels_free(struct levels *s)
{
    free(s);
}

static uint16_t take_chunk(struct levels *s)
{
    uint16_t k = s->free;
    if (k)
        s->free = s->chunk[k - 1].next;
    else if (s->unused < BOOK_CHUNKS)
        k = ++s->unused;
    if (k)
        s->chunk[k - 1].n = s->chunk[k - 1].next = 0;
    return k;
}

static void drop_chunk(struct levels *s, struct side *at, uint16_t *link)
{
    uint16_t k = *link;
    *link = s->chunk[k - 1].next;
    s->chunk[k - 1].next = s->free;
    s->free = k;
    at->chunks--;
}

// The link to the chunk in which the key is or belongs: the first that ends at or behind it, or the last one.
static uint16_t *link_of(struct levels *s, struct side *at, int64_t key)
{
    uint16_t *link = &at->first;
    while (*link) {
        struct chunk *c = &s->chunk[*link - 1];
        if (!c->next || c->level[c->n - 1].key >= key)
            break;
        link = &c->next;
    }
    return link;
}

static unsigned place_in(const struct chunk *c, int64_t key)
{
    unsigned i = 0;
    while (i < c->n && c->level[i].key < key)
        i++;
    return i;
}

// Moves the upper half into a new chunk behind it.
static bool split(struct levels *s, struct side *at, struct chunk *c)
{
    uint16_t k = at->chunks < BOOK_SIDE_CHUNKS ? take_chunk(s) : 0;
    if (!k)
        return false;
    struct chunk *d = &s->chunk[k - 1];
    d->n = (uint16_t)(c->n / 2);
    c->n = (uint16_t)(c->n - d->n);
    memcpy(d->level, c->level + c->n, d->n * sizeof d->level[0]);
    d->next = c->next;
    c->next = k;
    at->chunks++;
    return true;
}

bool level_put(struct levels *s, struct side *at, int64_t key, double amount, uint64_t change)
{
    if (!at->first) {
        at->first = take_chunk(s);
        if (!at->first)
            return false;
        at->chunks = 1;
    }
    struct chunk *c = &s->chunk[*link_of(s, at, key) - 1];
    unsigned i = place_in(c, key);
    if (i == c->n || c->level[i].key != key) {
        if (c->n == BOOK_CHUNK_LEVELS) {
            if (!split(s, at, c))
                return false;
            if (i > c->n) {
                i -= c->n;
                c = &s->chunk[c->next - 1];
            }
        }
        memmove(c->level + i + 1, c->level + i, (c->n - i) * sizeof c->level[0]);
        c->n++;
    }
    c->level[i] = (struct level){key, change, amount};
    return true;
}

// Two neighbours that fit into one become one, so that a book in motion does not crumble.
static void join(struct levels *s, struct side *at, struct chunk *c)
{
    if (!c->next || c->n + s->chunk[c->next - 1].n > BOOK_CHUNK_LEVELS / 2)
        return;
    const struct chunk *d = &s->chunk[c->next - 1];
    memcpy(c->level + c->n, d->level, d->n * sizeof d->level[0]);
    c->n = (uint16_t)(c->n + d->n);
    drop_chunk(s, at, &c->next);
}

void level_remove(struct levels *s, struct side *at, int64_t key)
{
    uint16_t *link = link_of(s, at, key);
    if (!*link)
        return;
    struct chunk *c = &s->chunk[*link - 1];
    unsigned i = place_in(c, key);
    if (i == c->n || c->level[i].key != key)
        return;
    c->n--;
    memmove(c->level + i, c->level + i + 1, (c->n - i) * sizeof c->level[0]);
    if (c->n == 0)
        drop_chunk(s, at, link);
    else
        join(s, at, c);
}

const struct level *level_find(const struct levels *s, const struct side *at, int64_t key)
{
    for (uint16_t k = at->first; k; k = s->chunk[k - 1].next) {
        const struct chunk *c = &s->chunk[k - 1];
        if (c->level[c->n - 1].key < key)
            continue;
        unsigned i = place_in(c, key);
        return c->level[i].key == key ? &c->level[i] : NULL;
    }
    return NULL;
}

const struct level *level_best(const struct levels *s, const struct side *at)
{
    return at->first ? &s->chunk[at->first - 1].level[0] : NULL;
}

unsigned levels_read(const struct levels *s, const struct side *at, unsigned skip, struct level *out,
                     unsigned max)
{
    unsigned n = 0, here;
    for (uint16_t k = at->first; k && n < max; k = s->chunk[k - 1].next) {
        here = s->chunk[k - 1].n;
        for (unsigned i = skip < here ? skip : here; i < here && n < max; i++)
            out[n++] = s->chunk[k - 1].level[i];
        skip -= skip < here ? skip : here;
    }
    return n;
}

void levels_sift(struct levels *s, struct side *at, bool (*gone)(const struct level *l, uint64_t arg),
                 uint64_t arg)
{
    for (uint16_t *link = &at->first; *link;) {
        struct chunk *c = &s->chunk[*link - 1];
        unsigned n = 0;
        for (unsigned i = 0; i < c->n; i++)
            if (!gone(&c->level[i], arg))
                c->level[n++] = c->level[i];
        c->n = (uint16_t)n;
        if (n == 0)
            drop_chunk(s, at, link);
        else
            link = &c->next;
    }
}

void levels_clear(struct levels *s, struct side *at)
{
    while (at->first)
        drop_chunk(s, at, &at->first);
}

// A double's bits order like a sign and magnitude; this makes them two's complement.
static int64_t ordered(int64_t bits)
{
    return bits < 0 ? (int64_t)(~(uint64_t)bits | UINT64_C(1) << 63) : bits;
}

bool level_key(double price, bool bid, int64_t *key)
{
    int64_t bits;
    if (!isfinite(price))
        return false;
    price += 0.0; // -0.0 becomes 0.0
    memcpy(&bits, &price, sizeof bits);
    bits = ordered(bits);
    *key = bid ? ~bits : bits;
    return true;
}

double level_price(int64_t key, bool bid)
{
    int64_t bits = ordered(bid ? ~key : key);
    double price;
    memcpy(&price, &bits, sizeof price);
    return price;
}
