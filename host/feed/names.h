// SPDX-License-Identifier: Apache-2.0
// Instrument names by id, as definitions deliver them, for output to people. Allocates as it grows, so it is
// not for the hot path. One thread per object.
#ifndef TRIPLINE_FEED_NAMES_H
#define TRIPLINE_FEED_NAMES_H

#include <stdint.h>

enum { NAMES_MAX = 1 << 20 }; // more instruments than any venue has; a damaged file must not take all memory

struct names;
struct names *names_new(void); // NULL when out of memory
void names_free(struct names *n);
// The newest name of an id wins. 0, or -1 when out of memory or full (the table stays as it was).
int names_put(struct names *n, uint64_t id, const char *name);
// "" for an id that has not been defined. Valid until the next names_put.
const char *names_get(const struct names *n, uint64_t id);

#endif
