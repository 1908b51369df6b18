// SPDX-License-Identifier: Apache-2.0
// What CME's decoder keeps between datagrams: instruments with their books, and per channel the market event
// under way. All of it is allocated once; every table has a bound, and what finds no room is counted and not
// published. One thread. Rules of recovery: docs/feeds-cme.md.
#ifndef TRIPLINE_FEED_CME_STATE_H
#define TRIPLINE_FEED_CME_STATE_H

#include "feed/cme_book.h"
#include "feed/cme_source.h"
#include "feed/cme_wire.h"
#include "feed/protocol.h"

#include <assert.h>
#include <stdalign.h>

enum {
    CME_INSTRUMENTS = 4096,
    CME_SLOTS = 8192, // of the id table, a power of two
    CME_SLOT_BITS = 13,
    CME_STREAMS = 256,   // a power of two
    CME_TRADES = 1024,   // of unfinished events, all channels together
    CME_RECORDS = 8192,  // updates kept for books that wait for a snapshot
    CME_AHEAD = 4096,    // datagrams that a snapshot may be ahead of the live line
    CME_STATUSES = 2048, // of groups, in one datagram: more do not fit into one
    CME_STATUS_SLOTS = 4096,
    CME_BY_PORT = 1000, // channels below are those that CME's ports tell
    CME_HOMELESS = 8,   // recovery feeds that have defined instruments of no known channel
};
#define CME_OF_ONE UINT64_MAX // in place of an asset
#define CME_IDLE_NS                                                                                          \
    UINT64_C(90000000000) // a channel silent for so long (three heartbeats) may give way to another

// An update of an instrument whose book is not whole, kept to be applied after a snapshot that is older.
struct cme_record {
    int64_t px, size;
    uint32_t rpt;
    uint8_t action, level;
    uint8_t type; // CME_TYPE_BID, CME_TYPE_OFFER; 0: not about the book, only its number counts
    uint16_t next;
};

// Why an instrument is in the list of what the event has touched.
enum cme_touched { CME_LISTED = 1, CME_NEW_QUOTE = 2, CME_NEW_STATUS = 4 };

// What an update touches stands together, in one cache line before the levels. Links of records are indices +
// 1; 0 ends a list.
struct cme_instrument {
    alignas(64) int32_t id;
    uint16_t stream;             // index + 1 of its channel; 0 = a free entry
    bool heard;                  // rpt means something
    uint8_t touched;             // enum cme_touched, bits; 0 = not in the channel's list
    uint32_t rpt;                // RptSeq of the last entry that was applied
    uint32_t epoch, life;        // the channel's, when rpt was last known to be without a hole
    bool defined, dead;          // by a definition; deleted by one
    bool recent;                 // was heard since the last search for a place
    bool published;              // the last quote that went out had a price
    struct cme_instrument *next; // in the channel's list of what the event has touched, or of free entries
    uint8_t state;               // enum instrument_state, 0 = not known
    bool state_sure : 1;         // not only by a status of some group
    bool anchored : 1;           // anchor means something
    int8_t exp;                  // of the book's prices; 0 = no book yet
    int8_t shift;                // human price = wire price * mul * 10^shift (DisplayFactor)
    uint16_t first, last;        // records
    int64_t mul;
    uint64_t ts_ns;
    struct cme_book book;
    uint64_t group, asset; // SecurityGroup, Asset: six characters each
    uint32_t anchor;       // MsgSeqNum that a snapshot included
};
static_assert(offsetof(struct cme_instrument, book.level) == 64, "in front of the levels");

struct cme_trade {
    int64_t px, size;
    uint64_t ts_ns;
    int32_t id;
    int8_t exp;
    uint16_t template_id, version, next;
};

struct cme_stream {
    uint16_t key;  // feed_packet.stream
    uint16_t link; // index + 1, once used
    bool used, heard;
    bool open;                          // a market event is under way: its end has not been seen
    uint32_t epoch;                     // counts losses
    uint32_t life;                      // counts beginnings of the sequence
    uint32_t since;                     // first MsgSeqNum behind the last loss
    uint32_t newest;                    // MsgSeqNum of the newest live datagram
    bool fresh;                         // since is not known yet
    bool reset;                         // a reset has not reached every instrument yet
    uint16_t trade, last;               // trades
    struct cme_instrument *head, *tail; // touched by the event
    uint64_t heard_ns;                  // receive time of its newest datagram
    uint16_t home;                      // key of the live channel that this recovery feed is of,
    bool has_home;                      // where its port does not say so
};

// Statuses of groups and resets concern all instruments of the channel. A datagram may hold hundreds of them,
// so that only the first one walks the table at once; what the others have said is carried to the instruments
// when they are published, or by one more walk when the datagram ends.
struct cme_pending {
    bool walked; // by the datagram at work
    bool due;    // another walk is
    uint16_t
        stopped;     // when a group last stopped, by the order of statuses: so did whatever has no definition
    uint16_t n;      // statuses
    uint16_t orders; // said so far
    uint16_t slot[CME_STATUS_SLOTS]; // index + 1
    struct {
        uint64_t group,
            asset; // asset 0: all of the group; CME_OF_ONE: the group is an id, and 0 its own state
        uint16_t order, slot; // newest wins
        uint8_t state;
    } status[CME_STATUSES];
};

struct cme_stats {
    uint64_t unknown_ids;    // entries of instruments without a definition, or without room
    uint64_t rpt_gaps;       // holes in an instrument's RptSeq
    uint64_t contradictions; // updates that showed a book to be wrong
    uint64_t joins;          // books made whole by a snapshot
    uint64_t trades_lost;    // an event with more trades than there is room for
    uint64_t streams_lost;   // datagrams of channels that found no room
    uint64_t walked;         // instruments visited because something concerned all of a channel
    uint64_t replayed;       // kept updates visited by snapshots
};

// The first message (mostly the only one) of the datagram that was placed last, so that it is not read twice
// when the datagram is delivered at once, which is the rule. What the arbiter keeps is a copy, elsewhere.
struct cme_parsed {
    const uint8_t *payload; // NULL: none
    struct cme_message m;
};

struct protocol_state {
    struct cme_instrument inst[CME_INSTRUMENTS];
    struct cme_stream stream[CME_STREAMS];
    struct cme_trade trade[CME_TRADES];
    struct cme_record record[CME_RECORDS];
    uint16_t slot[CME_SLOTS]; // instrument index + 1
    uint16_t used;            // instruments, from the front; released ones are in free_inst
    uint16_t free_trade, free_record;
    struct cme_instrument *free_inst;
    uint16_t hand; // of the search for an instrument to give away
    uint16_t homeless[CME_HOMELESS], homeless_hand, home_hand;
    unsigned budget; // kept updates that the datagram at work may still visit
    uint64_t now_ns; // newest receive time
    struct cme_pending pending;
    struct cme_parsed parsed;
    struct cme_sources sources;
    struct cme_book scratch; // a snapshot being read
    struct feed_msg quote;   // the one going out
    struct cme_stats stats;
};

struct protocol_state *cme_state_new(void);
void cme_state_free(struct protocol_state *s);
// For tests and reports.
const struct cme_stats *cme_stats(const struct protocol_state *s);
// What feed_counters does not have of them, by name; returns how many.
size_t cme_named_counts(const struct protocol_ctx *c, struct feed_count out[FEED_COUNTS]);

struct cme_stream *cme_stream_seek(struct protocol_state *s, uint16_t key);
static inline struct cme_stream *cme_stream_get(struct protocol_state *s, uint16_t key) // NULL: no room
{
    struct cme_stream *st = &s->stream[key % CME_STREAMS];
    return st->used && st->key == key ? st : cme_stream_seek(s, key);
}
// The channel's books are doubtful; nothing where it is not known.
void cme_stream_doubt(struct protocol_state *s, uint16_t key);
// The channel is no more: its instruments are let go.
void cme_stream_forget(struct protocol_state *s, uint16_t key);
// The live channel that a message about `id` of a recovery feed belongs to. Where ports do not say it,
// instruments do: their ids are the venue's, so the live channel that knows one is the feed's.
struct cme_stream *cme_home(struct protocol_state *s, struct cme_stream *st, int32_t id);
// Who asks for an instrument, when there is no room: a live update may have the place of one without a
// definition, or that was defined and never heard; a definition that of one without; others none. Nobody has
// the place of one that was heard lately.
enum cme_claim { CME_BY_OTHER, CME_BY_UPDATE, CME_BY_DEFINITION };
// id of a channel's instrument; NULL when not known (find), or there is no room (get).
struct cme_instrument *cme_find(struct protocol_state *s, const struct cme_stream *st, int32_t id);
struct cme_instrument *cme_seek(struct protocol_state *s, const struct cme_stream *st, int32_t id,
                                enum cme_claim claim);
// Ids run in steps and clusters: the multiplier spreads them, its top bits are the slot.
static inline unsigned cme_slot(uint16_t stream, int32_t id)
{
    uint64_t key = (uint64_t)stream << 32 | (uint32_t)id;
    return (unsigned)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - CME_SLOT_BITS));
}
// Mostly it is in its first slot; cme_seek() is for the rest.
static inline struct cme_instrument *cme_get(struct protocol_state *s, const struct cme_stream *st,
                                             int32_t id, enum cme_claim claim)
{
    uint16_t at = s->slot[cme_slot(st->link, id)];
    struct cme_instrument *n = &s->inst[at - (at != 0)];
    return at != 0 && n->id == id && n->stream == st->link ? n : cme_seek(s, st, id, claim);
}
void cme_release(struct protocol_state *s, struct cme_instrument *n);

// Puts it on its channel's list of what the event has touched. why: enum cme_touched.
static inline void cme_touch(struct cme_stream *st, struct cme_instrument *n, unsigned why)
{
    bool listed = n->touched != 0;
    n->touched |= (uint8_t)(why | CME_LISTED);
    if (listed)
        return;
    n->next = NULL;
    if (st->tail)
        st->tail->next = n;
    else
        st->head = n;
    st->tail = n;
}
// Keeps a trade until the event ends.
void cme_keep_trade(struct protocol_state *s, struct cme_stream *st, const struct cme_trade *t);

// The channel has lost datagrams: every book is doubtful until its RptSeq shows that it missed nothing.
static inline void cme_stream_lost(struct cme_stream *st)
{
    st->epoch++;
    st->fresh = true;
}

// True while nothing of the instrument can have been missed.
static inline bool cme_current(const struct cme_stream *st, const struct cme_instrument *n)
{
    return n->heard && n->epoch == st->epoch && n->life == st->life;
}

// cme_recover.c. RptSeq of an entry in the datagram `seq`: true when the entry is to be applied.
bool cme_rpt_odd(struct protocol_state *s, struct cme_stream *st, struct cme_instrument *n, uint32_t rpt,
                 uint32_t seq);
static inline bool cme_rpt(struct protocol_state *s, struct cme_stream *st, struct cme_instrument *n,
                           uint32_t rpt, uint32_t seq)
{
    if (n->heard && rpt == n->rpt + 1 && n->life == st->life) {
        n->rpt = rpt;
        n->epoch = st->epoch;
        n->recent = true;
        return true;
    }
    return cme_rpt_odd(s, st, n, rpt, seq);
}
void cme_drop_records(struct protocol_state *s, struct cme_instrument *n);
// Out of room: what was kept of this instrument is dropped, so that it joins with a later snapshot.
static inline void cme_keep(struct protocol_state *s, struct cme_instrument *n, const struct cme_record *u)
{
    if (s->free_record == 0)
        cme_drop_records(s, n);
    uint16_t link = s->free_record;
    if (link == 0)
        return;
    struct cme_record *at = &s->record[link - 1];
    s->free_record = at->next;
    *at = *u;
    at->next = 0;
    if (n->last != 0)
        s->record[n->last - 1].next = link;
    else
        n->first = link;
    n->last = link;
}
// False when it contradicts the book.
static inline bool cme_apply(struct cme_book *b, const struct cme_record *u)
{
    return cme_book_apply(b, u->type == CME_TYPE_BID ? CME_BID : CME_ASK, u->action, u->level, u->px,
                          u->size);
}
void cme_rescale(struct protocol_state *s, struct cme_instrument *n, int8_t exp);
void cme_contradicted(struct protocol_state *s, struct cme_instrument *n, struct cme_record u);
// Applies an update to the book, and keeps it where the book waits for a snapshot. Here, and the rare cases
// not, so that the record never goes through memory.
static inline void cme_update(struct protocol_state *s, struct cme_instrument *n, const struct cme_record *u,
                              int8_t exp)
{
    if (u->type != 0) {
        if (n->exp != exp)
            cme_rescale(s, n, exp);
        if (!cme_apply(&n->book, u))
            cme_contradicted(s, n, *u);
    }
    if (!n->book.whole)
        cme_keep(s, n, u);
}
// A snapshot message (38, 52, 69) of the channel: makes the book whole when it is not and can be.
void cme_join(struct protocol_state *s, struct cme_stream *st, const struct cme_message *m);
// ChannelReset: every book is empty, RptSeq starts at 1.
void cme_reset_books(struct protocol_state *s, struct cme_stream *st);
// The reset's part for one instrument, where it has not begun anew by itself.
void cme_reset_book(struct protocol_state *s, struct cme_stream *st, struct cme_instrument *n);

// cme_define.c. Fills *o and returns true when it is to be published.
bool cme_define(struct protocol_state *s, struct cme_stream *st, const struct cme_message *m, bool live,
                struct feed_msg *o);
// SecurityStatus (30).
void cme_status(struct protocol_state *s, struct cme_stream *st, const struct cme_message *m);
// What is pending: nothing when a datagram begins; carried to an instrument that is published before, and to
// all by cme_walk_due() when the datagram ends.
static inline void cme_pending_begin(struct protocol_state *s)
{
    s->pending.walked = s->pending.due = false;
}
void cme_carry(struct protocol_state *s, struct cme_stream *st, struct cme_instrument *n);
void cme_walk_due(struct protocol_state *s, struct cme_stream *st);
// What a SecurityTradingStatus means: enum instrument_state, 0 = says nothing.
uint8_t cme_trading_state(uint8_t status);
// Wire price to human price; false when it does not fit.
static inline bool cme_human(const struct cme_instrument *n, int64_t px, int8_t exp, struct feed_num *out)
{
    int64_t m;
    if (__builtin_mul_overflow(px, n->mul, &m))
        return false;
    *out = (struct feed_num){.v.m = m, .exp10 = (int8_t)(exp + n->shift), .form = NUM_DECIMAL};
    return true;
}

#endif
