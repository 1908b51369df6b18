// SPDX-License-Identifier: Apache-2.0
// What CME's decoder keeps between datagrams: instruments with their books, and per channel the market event
// under way. All of it is allocated once; every table has a bound, and what finds no room is counted and not
// published. One thread. Rules of recovery: docs/feeds-cme.md.
#ifndef TRIPLINE_FEED_CME_STATE_H
#define TRIPLINE_FEED_CME_STATE_H

#include "feed/cme_book.h"
#include "feed/cme_wire.h"
#include "feed/protocol.h"

#include <assert.h>
#include <stdalign.h>

enum {
    CME_INSTRUMENTS = 4096,
    CME_SLOTS = 8192, // of the id table, a power of two
    CME_SLOT_BITS = 13,
    CME_STREAMS = 256,  // a power of two
    CME_TRADES = 1024,  // of unfinished events, all channels together
    CME_RECORDS = 8192, // updates kept for books that wait for a snapshot
    CME_AHEAD = 4096,   // datagrams that a snapshot may be ahead of the live line
};

// An update of an instrument whose book is not whole, kept to be applied after a snapshot that is older.
struct cme_record {
    int64_t px, size;
    uint32_t rpt;
    uint8_t action, level;
    uint8_t type; // CME_TYPE_BID, CME_TYPE_OFFER; 0: not about the book, only its number counts
    uint16_t next;
};

// Links are indices + 1; 0 ends a list. What an update touches stands together, in one cache line before the
// levels.
struct cme_instrument {
    alignas(64) int32_t id;
    uint16_t stream;            // index + 1 of its channel; 0 = a free entry
    uint16_t next;              // in the channel's list of what the event has touched, or of free entries
    uint32_t rpt;               // RptSeq of the last entry that was applied
    uint32_t epoch, life;       // the channel's, when rpt was last known to be without a hole
    uint32_t anchor;            // MsgSeqNum that a snapshot included
    bool heard;                 // rpt means something
    bool anchored;              // anchor does
    bool defined, dead;         // by a definition; deleted by one
    bool listed, quote, status; // in the list; and why
    bool published;             // the last quote that went out had a price
    bool state_sure;            // not only by a status of some group
    uint8_t state;              // enum instrument_state, 0 = not known
    int8_t exp;                 // of the book's prices; 0 = no book yet
    int8_t shift;               // human price = wire price * mul * 10^shift (DisplayFactor)
    uint16_t first, last;       // records
    int64_t mul;
    uint64_t ts_ns;
    struct cme_book book;
    uint64_t group, asset; // SecurityGroup, Asset: six characters each
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
    uint16_t key; // feed_packet.stream
    bool used, heard;
    bool open;            // a market event is under way: its end has not been seen
    uint32_t epoch;       // counts losses
    uint32_t life;        // counts beginnings of the sequence
    uint32_t since;       // first MsgSeqNum behind the last loss
    uint32_t newest;      // MsgSeqNum of the newest live datagram
    bool fresh;           // since is not known yet
    uint16_t head, tail;  // instruments touched
    uint16_t trade, last; // trades
};

struct cme_stats {
    uint64_t unknown_ids;    // entries of instruments without a definition, or without room
    uint64_t rpt_gaps;       // holes in an instrument's RptSeq
    uint64_t contradictions; // updates that showed a book to be wrong
    uint64_t joins;          // books made whole by a snapshot
    uint64_t trades_lost;    // an event with more trades than there is room for
    uint64_t streams_lost;   // datagrams of channels that found no room
};

struct protocol_state {
    struct cme_instrument inst[CME_INSTRUMENTS];
    struct cme_stream stream[CME_STREAMS];
    struct cme_trade trade[CME_TRADES];
    struct cme_record record[CME_RECORDS];
    uint16_t slot[CME_SLOTS]; // instrument index + 1
    uint16_t used;            // instruments, from the front; released ones are in free_inst
    uint16_t free_inst, free_trade, free_record;
    uint16_t streams;
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
// id of a channel's instrument; NULL when not known (find), or there is no room (get).
struct cme_instrument *cme_find(struct protocol_state *s, const struct cme_stream *st, int32_t id);
struct cme_instrument *cme_seek(struct protocol_state *s, const struct cme_stream *st, int32_t id);
static inline uint16_t cme_link(const struct protocol_state *s, const struct cme_stream *st)
{
    return (uint16_t)(st - s->stream + 1);
}

// Ids run in steps and clusters: the multiplier spreads them, its top bits are the slot.
static inline unsigned cme_slot(uint16_t stream, int32_t id)
{
    uint64_t key = (uint64_t)stream << 32 | (uint32_t)id;
    return (unsigned)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - CME_SLOT_BITS));
}
// Mostly it is in its first slot; cme_seek() is for the rest.
static inline struct cme_instrument *cme_get(struct protocol_state *s, const struct cme_stream *st,
                                             int32_t id)
{
    uint16_t stream = cme_link(s, st), at = s->slot[cme_slot(stream, id)];
    struct cme_instrument *n = &s->inst[at - (at != 0)];
    return at != 0 && n->id == id && n->stream == stream ? n : cme_seek(s, st, id);
}
void cme_release(struct protocol_state *s, struct cme_instrument *n);

// Puts it on its channel's list of what the event has touched.
static inline void cme_touch(struct protocol_state *s, struct cme_stream *st, struct cme_instrument *n)
{
    if (n->listed)
        return;
    uint16_t link = (uint16_t)(n - s->inst + 1);
    n->listed = true;
    n->next = 0;
    if (st->tail != 0)
        s->inst[st->tail - 1].next = link;
    else
        st->head = link;
    st->tail = link;
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

// cme_define.c. Fills *o and returns true when it is to be published.
bool cme_define(struct protocol_state *s, struct cme_stream *st, const struct cme_message *m, bool live,
                struct feed_msg *o);
// SecurityStatus (30).
void cme_status(struct protocol_state *s, struct cme_stream *st, const struct cme_message *m);
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
