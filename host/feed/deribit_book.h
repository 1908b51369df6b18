// SPDX-License-Identifier: Apache-2.0
// Order books of Deribit's legacy feed, rebuilt from snapshots (1004, channel 100 + N) and changes (1001,
// channel N). Every change of a book's best bid or offer becomes a FEED_QUOTE. Internal to the Deribit
// decoder; bounded, no allocation after deribit_books_new(). docs/feeds.md, "Books".
//
// A change names the state it starts from (prev_change_id) and leads to (change_id); a book is whole when it
// stands on a snapshot and every change since then was its predecessor's successor. A book that is not whole
// collects changes all the same: levels are sent as they are afterwards, so what a snapshot of state C does
// not know are just the levels that were changed after C, and they win over it. The snapshot makes the book
// whole when the collected changes reach back to C without a hole. Live changes from before C are passed over
// until they have caught up; one that is younger than the snapshot, or comes DERIBIT_AHEAD_NS after it, says
// that C never was, and one that goes back without a snapshot is no better: the book is broken then, so no
// false number can keep it still. A book may come in several snapshot messages and packets; after a loss on
// the snapshot channel the rest of a book that had begun before it is not taken for a whole one.
#ifndef TRIPLINE_FEED_DERIBIT_BOOK_H
#define TRIPLINE_FEED_DERIBIT_BOOK_H

#include "feed/deribit_walk.h"
#include "feed/protocol.h"

enum { DERIBIT_BOOKS = 4096 };                // instruments
#define DERIBIT_AHEAD_NS UINT64_C(1000000000) // longest that live changes may lag behind a snapshot

struct deribit_books;
struct deribit_books *deribit_books_new(void); // NULL when out of memory
void deribit_books_free(struct deribit_books *s);

// What a message is taken with: its packet, the message header's part of a feed_msg, where quotes go.
struct deribit_at {
    const struct protocol_ctx *c;
    const struct feed_packet *p;
    const struct feed_msg *head; // only what feed_msg_begin() sets, and ts_ns, is read
    const struct feed_sink *sink;
};

// 1001 and 1004, whose root and group deribit_layout() has found right. What cannot be true (a price that is
// none, no room) breaks the book.
void deribit_book_change(struct deribit_books *s, const struct deribit_at *at,
                         const struct deribit_message *m);
void deribit_book_snapshot(struct deribit_books *s, const struct deribit_at *at,
                           const struct deribit_message *m);
// Before the messages of a packet: books that broke since the last one tell so by a FEED_QUOTE with neither
// side; snapshots that a loss has interrupted are given up. at.head: zero but for the venue.
void deribit_books_packet(struct deribit_books *s, const struct deribit_at *at);
// The live stream has lost packets: its books are not whole any more.
void deribit_books_broken(struct deribit_books *s, uint16_t stream);
// feed_book().
int deribit_book_levels(const struct deribit_books *s, uint64_t id, bool bid, struct feed_level *out,
                        unsigned max);
// The instrument is gone for good; its place is free.
void deribit_book_forget(struct deribit_books *s, uint32_t id);

#endif
