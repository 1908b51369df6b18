// SPDX-License-Identifier: Apache-2.0
// Order-by-order books of Deribit Starbase and Coinbase Derivatives: orders in, best bid and ask out, and the
// join of a snapshot with the live messages around it.
//
// A book is whole when every live message up to the newest one is in it. It becomes whole by a snapshot,
// whose anchor A is the number of the last live message in it: messages up to A are passed over, those after
// A that came before the snapshot's end are taken from a ring that keeps the channel's newest book events of
// books that are not whole. It stops being whole when its channel or its own sequence has a gap, when a
// message contradicts it, or when there is no room; its orders are then let go, and what it says until the
// next snapshot is nothing.
//
// Prices and quantities are the wire's integers. Bounds are the constants below; nothing is allocated after
// f24_books_new(). An order costs O(log levels) expected. One thread.
#ifndef TRIPLINE_FEED_FRAME24_BOOK_H
#define TRIPLINE_FEED_FRAME24_BOOK_H

#include "feed/feed.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    F24_ORDERS = 1 << 18, // of a venue, all books together
    F24_LEVELS = 1 << 17,
    F24_INSTRUMENTS = 1 << 16, // ever heard: the venues list some hundred new ones a day
    F24_CHANNELS = 32,
    F24_RING =
        4096, // events of one channel kept for joins, power of two; and how far a snapshot may be ahead
};

enum f24_side { F24_BID, F24_ASK };
enum f24_op { F24_PUT, F24_REDUCE, F24_DELETE, F24_CLEAR };
enum f24_state { F24_NOT_WHOLE, F24_LOADING, F24_WHOLE };

// One change of a book. PUT adds an order or replaces the one of that id; REDUCE sets its quantity.
struct f24_event {
    uint64_t seq; // of the live message
    uint8_t op;   // enum f24_op
    uint8_t side; // enum f24_side
    int64_t order, price, qty;
};

struct f24_inst {
    int64_t id;
    uint64_t anchor;     // LOADING, WHOLE: live messages up to this number are in the book
    uint64_t cover_from; // while not whole, and of the channel's present epoch: every live event from this
                         // number on went into the ring
    uint32_t root[2];    // levels by side
    uint32_t orders;
    uint16_t chan;
    uint8_t state; // enum f24_state
    int8_t qty_exp;
    bool qty_exp_known;
    bool dirty, shown; // touched since the last quote; a quote was given since it is whole
    uint32_t dirty_next;
    uint32_t whole_prev, whole_next; // of the channel's list of whole books: instrument + 1
    uint32_t epoch;                  // of the channel when cover_from was set
    // Trading status, see frame24_status.h.
    uint64_t status_seq;  // live message as of which it is true
    uint64_t status_from; // as that of the channel, for this instrument alone
    uint8_t status;       // enum instrument_state; 0 = not told, or in doubt until it is told again
    bool doubted;         // it was told to be unknown
    // Coinbase Derivatives: own sequence of the day, and the snapshot under way.
    bool own_known;
    uint16_t own_day;
    uint32_t own_seq, own_epoch; // newest; the channel's epoch then
    uint32_t load_next;          // snapshotSeqNum to come
    int64_t load_want;           // orders that it announces
};

struct f24_chan {
    uint16_t id;
    bool heard;     // live messages were heard, without a gap since live_from
    bool open;      // amid a transaction
    uint32_t epoch; // up by one with each break
    uint64_t live_from, live_next;
    uint64_t lost_at;         // not heard: the newest break lost this number at least; 0 = none before
    uint64_t status_from;     // a change of status before this number was not heard, or could not be read
    uint64_t lost_before;     // the ring has let go of events before this number
    uint64_t ring_n;          // events ever put into the ring
    uint32_t dirty;           // first touched instrument + 1
    uint32_t whole;           // first instrument with a whole book + 1
    struct f24_inst *loading; // Starbase: whose snapshot is under way
    int64_t snap_id; // Starbase: instrument and anchor of the snapshot whose header came last; 0 = none
    uint64_t snap_anchor;
};

// Counted since f24_books_new(); for reports and tests.
struct f24_book_counts {
    uint64_t joined;    // books made whole by a snapshot
    uint64_t unjoined;  // snapshots that did not meet the live messages, or were not whole themselves
    uint64_t broken;    // books that stopped being whole, channel gaps included
    uint64_t own_gaps;  // of them: gaps of an instrument's own sequence
    uint64_t no_room;   // of them: pool full; and instruments or channels beyond the tables
    uint64_t unmatched; // changes of orders that the book does not have; they change nothing
    uint64_t visited;   // books looked at because of breaks, restarts and changes that could not be read
};

// The same by name; returns how many.
size_t f24_named_counts(const struct f24_book_counts *n, struct feed_count out[FEED_COUNTS]);

struct f24_books;
struct f24_books *f24_books_new(void); // NULL when out of memory
void f24_books_free(struct f24_books *b);
struct f24_book_counts *f24_counts(struct f24_books *b);

// Found or made; NULL when the table is full (counted). Valid until f24_books_free.
struct f24_chan *f24_chan(struct f24_books *b, uint16_t id);
struct f24_inst *f24_inst(struct f24_books *b, struct f24_chan *c, int64_t id);

// Live messages first, first + 1, ... next - 1 follow. A jump from what was heard before breaks the channel.
void f24_live(struct f24_books *b, struct f24_chan *c, uint64_t first, uint64_t next);
void f24_break_channel(struct f24_books *b, struct f24_chan *c);
// The same when the sequence began anew: snapshots under way have numbers of the old one.
void f24_restart(struct f24_books *b, struct f24_chan *c);
// This one book is no longer whole, from live message `seq` on.
void f24_break(struct f24_books *b, struct f24_inst *i, uint64_t seq);
// Of a book that is not whole: live messages before `seq` were lost, a join must not reach back behind them.
void f24_cover_from(struct f24_books *b, struct f24_inst *i, uint64_t seq);
// Live message `seq` changed a book, but it cannot be told which, or how: none of the channel is whole from
// there on. Like a break it visits the books that are whole, so the work is no more than the joins before it.
void f24_unsure(struct f24_books *b, struct f24_chan *c, uint64_t seq);
// A live change: applied, passed over, or kept for the join.
void f24_change(struct f24_books *b, struct f24_inst *i, const struct f24_event *e);

// A snapshot: begin (false: the book is whole and needs none, or the anchor cannot be), its orders, end
// (true: the book is whole now). Orders that contradict abandon it.
bool f24_load_begin(struct f24_books *b, struct f24_inst *i, uint64_t anchor);
void f24_load_order(struct f24_books *b, struct f24_inst *i, enum f24_side side, int64_t order, int64_t price,
                    int64_t qty);
void f24_load_abandon(struct f24_books *b, struct f24_inst *i);
// Whether a snapshot is under way. One whose anchor the live messages have shown to be impossible is
// abandoned.
bool f24_loading(struct f24_books *b, struct f24_inst *i);
bool f24_load_end(struct f24_books *b, struct f24_inst *i);

// Whether a snapshot's anchor is so far ahead of live message `next` that it cannot be of this sequence.
// Taken for true, it would keep the book still, and whole, until the live messages had come so far.
static inline bool f24_too_far(uint64_t anchor, uint64_t next)
{
    return anchor >= next && anchor - next >= F24_RING;
}

// Whether number `anchor` of a snapshot can be one that the live messages have been at or will come to soon,
// and has in it whatever a break has lost so far.
static inline bool f24_anchor_possible(const struct f24_chan *c, uint64_t anchor)
{
    return c->heard ? !f24_too_far(anchor, c->live_next) : anchor >= c->lost_at;
}

// Takes one instrument off the channel's list of touched ones; NULL when it is empty.
struct f24_inst *f24_touched(struct f24_books *b, struct f24_chan *c);
// The whole book of that instrument, on whatever channel that is not amid a transaction; NULL: there is none.
const struct f24_inst *f24_whole(const struct f24_books *b, int64_t id);
// The next level of a whole book, best first: *price is that of the one before and becomes its own; first:
// none before. False when there is no further one.
bool f24_next(const struct f24_books *b, const struct f24_inst *i, enum f24_side side, bool first,
              int64_t *price, int64_t *qty);
// False when that side is empty or the book is not whole.
bool f24_best(const struct f24_books *b, const struct f24_inst *i, enum f24_side side, int64_t *price,
              int64_t *qty);

#endif
