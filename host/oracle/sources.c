// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources.h"

#include "base/warm.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BUCKETS = 2 * SOURCES_MAX, ID_BUCKETS = 2 * SOURCES_IDS };
static_assert(SOURCES_MAX < NOBODY, "a subject's number fits 16 bits, and one is left for nobody");

static uint32_t hash_name(uint8_t venue, const char *name)
{
    uint32_t h = 2166136261u ^ venue; // FNV-1a
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h;
}

static uint32_t hash_id(uint8_t venue, uint64_t id)
{
    return (uint32_t)(((id ^ (uint64_t)venue << 56) * 0x9e3779b97f4a7c15u) >> 40);
}

struct sources *sources_new(void)
{
    struct sources *s = calloc(1, sizeof *s);
    if (s)
        memset(s->by_name, 0xff, sizeof s->by_name); // NOBODY
    return s;
}

void sources_free(struct sources *s)
{
    free(s);
}

void sources_warm(const struct sources *s)
{
    enum { SUBJECTS = 16 };
    size_t n = s->n < SUBJECTS ? s->n : SUBJECTS;
    warm(s->subject, n * sizeof *s->subject);
    warm(s->listener, n * sizeof *s->listener);
}

// The bucket that holds the name, or the empty one where it belongs. Half of them stay empty.
static uint16_t *name_bucket(struct sources *s, uint8_t venue, const char *name)
{
    for (uint32_t h = hash_name(venue, name);; h++) {
        uint16_t *b = &s->by_name[h % NAME_BUCKETS];
        if (*b == NOBODY)
            return b;
        const struct subject *x = &s->subject[*b];
        if (x->venue == venue && strcmp(x->name, name) == 0)
            return b;
    }
}

static struct source_id *id_bucket(struct sources *s, uint8_t venue, uint64_t id)
{
    for (uint32_t h = hash_id(venue, id);; h++) {
        struct source_id *b = &s->by_id[h % ID_BUCKETS];
        if (b->id == 0 || (b->id == id && b->venue == venue))
            return b;
    }
}

static void want_index(struct sources *s, uint16_t subject)
{
    for (size_t i = 0; i < s->n_indexed; i++)
        if (s->indexed[i] == subject)
            return;
    s->indexed[s->n_indexed++] = subject;
}

void sources_add(struct sources *s, uint16_t asset, uint8_t i, const struct policy_source *c)
{
    assert(s->n_listeners < SOURCES_MAX);
    uint16_t *b = name_bucket(s, c->venue, c->name);
    if (*b == NOBODY) {
        struct subject *x = &s->subject[s->n];
        *x = (struct subject){.venue = c->venue,
                              .state = INSTRUMENT_OPEN,
                              .stream = NO_STREAM,
                              .state_stream = NO_STREAM,
                              .first = NOBODY};
        memcpy(x->name, c->name, sizeof x->name);
        *b = (uint16_t)s->n++;
    }
    struct subject *x = &s->subject[*b];
    s->listener[s->n_listeners] =
        (struct listener){.asset = asset, .next = x->first, .source = i, .field = c->field};
    x->first = (uint16_t)s->n_listeners++;
    if (c->field == FIELD_INDEX)
        want_index(s, *b);
}

struct subject *sources_find(struct sources *s, uint8_t venue, const char *name)
{
    uint16_t i = *name_bucket(s, venue, name);
    return i == NOBODY ? NULL : &s->subject[i];
}

struct subject *sources_by_id(struct sources *s, uint8_t venue, uint64_t id)
{
    const struct source_id *b = id_bucket(s, venue, id);
    return b->id == 0 || b->subject == NOBODY ? NULL : &s->subject[b->subject];
}

struct subject *sources_define(struct sources *s, uint8_t venue, uint64_t id, const char *name)
{
    uint16_t subject = *name_bucket(s, venue, name);
    if (id == 0)
        return NULL;
    struct source_id *b = id_bucket(s, venue, id);
    if (b->id == 0) {
        if (subject == NOBODY || s->n_ids >= SOURCES_IDS)
            return NULL; // the table stays half empty, so that a look-up always ends
        s->n_ids++;
    }
    *b = (struct source_id){.id = id, .subject = subject, .venue = venue};
    if (subject != NOBODY)
        s->subject[subject].id = id;
    return subject == NOBODY ? NULL : &s->subject[subject];
}
