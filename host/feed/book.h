// SPDX-License-Identifier: Apache-2.0
// Price levels of many books in one bounded store: a side is a sorted list of chunks of levels. What happens
// near the best price touches one chunk; a level deep in the book costs a step for each chunk before it, at
// most BOOK_SIDE_CHUNKS. No allocation after levels_new(). One thread per store.
#ifndef TRIPLINE_FEED_BOOK_H
#define TRIPLINE_FEED_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BOOK_CHUNK_LEVELS = 21,
    BOOK_CHUNKS = 12288,    // of the store
    BOOK_SIDE_CHUNKS = 512, // of one side: at least 5,000 levels
};

struct level {
    int64_t key;     // lower is nearer to the best; see level_key()
    uint64_t change; // whatever the protocol says that wrote it
    double amount;
};

// Zeroed: empty.
struct side {
    uint16_t first, chunks; // chunk index + 1; 0 = none
};

struct levels;
struct levels *levels_new(void); // NULL when out of memory
void levels_free(struct levels *s);
// Puts the level there or replaces it. False when there is no room: the side stays as it was.
bool level_put(struct levels *s, struct side *at, int64_t key, double amount, uint64_t change);
void level_remove(struct levels *s, struct side *at, int64_t key);
// The level of this key, or NULL.
const struct level *level_find(const struct levels *s, const struct side *at, int64_t key);
// The best level, or NULL. Valid until the next change.
const struct level *level_best(const struct levels *s, const struct side *at);
// Levels best first, without the first `skip`, at most max of them; returns how many.
unsigned levels_read(const struct levels *s, const struct side *at, unsigned skip, struct level *out,
                     unsigned max);
// Removes each level that `gone` says so of.
void levels_sift(struct levels *s, struct side *at, bool (*gone)(const struct level *l, uint64_t arg),
                 uint64_t arg);
void levels_clear(struct levels *s, struct side *at);

// Order of doubles as integers: lower price, lower key; for bids the other way round. -0.0 is 0.0. False for
// NaN and infinities.
bool level_key(double price, bool bid, int64_t *key);
double level_price(int64_t key, bool bid);

#endif
