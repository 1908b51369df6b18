// SPDX-License-Identifier: Apache-2.0
#include "feed/cde_seen.h"

#include "feed/cde_wire.h"

#include <stdlib.h>
#include <string.h>

enum { SEEN_SETS = 1 << 15, SEEN_WAYS = 8 };
#define SEEN_NS UINT64_C(500000000) // lines lag less behind each other, cycles of snapshots more

struct seen {
    uint64_t key;        // of the message; 0 = none
    uint64_t sending_ns; // of the newest packet that brought it
    uint8_t lines;       // that have brought it since, bits
};

struct cde_seen {
    struct seen at[SEEN_SETS][SEEN_WAYS]; // newest first
};

struct cde_seen *cde_seen_new(void)
{
    // Zeroed pages come from the system when they are first used.
    return calloc(1, sizeof(struct cde_seen));
}

void cde_seen_free(struct cde_seen *s)
{
    free(s);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

// Of instrument, snapshot and content.
static uint64_t key_of(const struct feed_packet *p, const uint8_t *m, size_t len)
{
    uint64_t h = mix(mix(p->stream, le32_load(p->payload + CDE_INSTRUMENT_ID)), p->seq);
    for (; len >= 8; m += 8, len -= 8)
        h = mix(h, le64_load(m));
    for (; len; m++, len--)
        h = mix(h, *m);
    return h | 1;
}

bool cde_seen_first(struct cde_seen *s, const struct feed_packet *p, const uint8_t *message, size_t len)
{
    struct seen now = {key_of(p, message, len), le64_load(p->payload + F24_SENDING),
                       (uint8_t)(1u << p->line)};
    struct seen *set = s->at[now.key >> 32 & (SEEN_SETS - 1)];
    unsigned k = 0;
    while (k < SEEN_WAYS - 1 && set[k].key != now.key)
        k++;
    bool copy = set[k].key == now.key && !(set[k].lines & now.lines) &&
                now.sending_ns - set[k].sending_ns + SEEN_NS <= 2 * SEEN_NS;
    if (copy)
        now.lines |= set[k].lines;
    memmove(set + 1, set, k * sizeof *set);
    set[0] = now;
    return !copy;
}
