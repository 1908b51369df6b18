// SPDX-License-Identifier: Apache-2.0
// Which sources of which assets a message speaks to. Policies name instruments and indexes; messages carry
// ids, which definitions tie to names. An instrument or index that some policy names is a subject; the
// sources that listen to it are chained behind it, so one message may feed several fields of several assets.
//
// Bounded: all tables have room for every source that a market can have, and for SOURCES_IDS ids (an
// instrument may come under a new one). Only names that a policy has take room, so a venue with any number of
// instruments is fine. Filled at start-up and by definitions; no allocation after sources_new(); one thread.
#ifndef TRIPLINE_ORACLE_SOURCES_H
#define TRIPLINE_ORACLE_SOURCES_H

#include "oracle/policy.h"

enum {
    SOURCES_MAX = MARKET_ASSETS_MAX * POLICY_SOURCES,
    SOURCES_IDS = 2 * SOURCES_MAX,
    NOBODY = 0xffff, // end of a chain
};
static const uint32_t NO_STREAM = UINT32_MAX;

// One source of one asset's policy.
struct listener {
    uint16_t asset, next; // next of the same subject, or NOBODY
    uint8_t source;       // its place in the policy
    uint8_t field;        // enum policy_field
};

struct subject {
    char name[SOURCE_NAME_LEN];
    uint64_t id;           // as defined last, 0 = not yet
    uint64_t index_id;     // of its index (Starbase), 0 = none known
    uint64_t state_ts;     // exchange time of what told its state, 0 = none
    uint64_t gap_ns;       // its state is not sure since its stream lost something, then; 0 = it is sure
    uint32_t stream;       // last heard on; NO_STREAM before
    uint32_t state_stream; // its state was last told on; NO_STREAM before: its venue may not tell it at all
    uint16_t first;        // listener
    uint8_t venue;         // enum feed_venue
    uint8_t state;         // enum instrument_state
    bool heard;            // its state was told by more than a snapshot's definition
    bool inverse;          // a future whose amounts are in its quote, as defined last
};

struct sources {
    size_t n, n_listeners, n_indexed, n_ids;
    struct subject subject[SOURCES_MAX];
    struct listener listener[SOURCES_MAX];
    uint16_t indexed[SOURCES_MAX]; // subjects of which some source wants the index
    uint16_t by_name[2 * SOURCES_MAX];
    struct source_id {
        uint64_t id; // 0 = empty: no instrument has it
        uint16_t subject;
        uint8_t venue;
    } by_id[2 * SOURCES_IDS];
};

struct sources *sources_new(void); // NULL when out of memory
void sources_free(struct sources *s);
// Has subjects and listeners fetched into the cache, the first of them.
void sources_warm(const struct sources *s);
// Start-up: source `i` of this asset's policy listens. At most SOURCES_MAX calls.
void sources_add(struct sources *s, uint16_t asset, uint8_t i, const struct policy_source *c);
// NULL: no policy names it.
struct subject *sources_find(struct sources *s, uint8_t venue, const char *name);
// NULL: no policy names it, or it has not been defined yet.
struct subject *sources_by_id(struct sources *s, uint8_t venue, uint64_t id);
// A definition: from now on the id stands for this name. The subject, or NULL.
struct subject *sources_define(struct sources *s, uint8_t venue, uint64_t id, const char *name);

#endif
