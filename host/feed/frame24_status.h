// SPDX-License-Identifier: Apache-2.0
// Trading status of the instruments of Deribit Starbase and Coinbase Derivatives, by live number: neither
// venue repeats it with its prices, so a loss may have taken a halt with it. A status is known as of the live
// message that told it, or of a snapshot's anchor, and stays known while every live message after that was
// heard and read. Else it is unknown, which is told as not open (P5), until
//   a live status or definition tells it,
//   a snapshot does whose anchor is not before what was lost,
//   or the instrument's own sequence shows that nothing of it was lost (f24_status_vouch).
// docs/feeds-starbase.md, "Trading status". c is the instrument's channel. Work: O(1) each, losses included.
// One thread.
#ifndef TRIPLINE_FEED_FRAME24_STATUS_H
#define TRIPLINE_FEED_FRAME24_STATUS_H

#include "feed/feed.h"
#include "feed/frame24_book.h"

static inline bool f24_status_known(const struct f24_chan *c, const struct f24_inst *i)
{
    uint64_t next = i->status_seq + 1;
    return i->status && next >= i->status_from && (!c->heard || next >= c->status_from) &&
           f24_anchor_possible(c, i->status_seq);
}

// What to tell: not open where it is unknown, also when i is NULL (no room to follow it).
static inline uint8_t f24_status(const struct f24_chan *c, struct f24_inst *i)
{
    if (i && f24_status_known(c, i))
        return i->status;
    if (i)
        i->doubted = true;
    return INSTRUMENT_NOT_OPEN;
}

// state: enum instrument_state.
static inline void f24_status_live(struct f24_inst *i, uint64_t seq, uint8_t state)
{
    i->status = state;
    i->status_seq = seq;
    i->doubted = false;
}

// Passed over where a newer one was told.
static inline void f24_status_snapshot(const struct f24_chan *c, struct f24_inst *i, uint64_t anchor,
                                       uint8_t state)
{
    bool newer = i->status && i->status_seq > anchor && f24_anchor_possible(c, i->status_seq);
    if (newer || !f24_anchor_possible(c, anchor))
        return;
    i->status = state;
    i->status_seq = anchor;
}

// Each live message of the instrument before `seq` was heard: what was known of it still is.
static inline void f24_status_vouch(struct f24_inst *i, uint64_t seq)
{
    if (i->status_seq + 1 < seq)
        i->status_seq = seq - 1;
}

// Live message `seq` may have changed the status: it was lost or could not be read.
static inline void f24_status_doubt(struct f24_inst *i, uint64_t seq)
{
    i->status = 0;
    i->status_from = seq + 1;
}

// The same of any instrument of the channel, it cannot be told which.
static inline void f24_status_unsure(struct f24_chan *c, uint64_t seq)
{
    c->status_from = seq + 1;
}

// Whether a snapshot has just made known what was told to be unknown: it is to be told again. True once.
static inline bool f24_status_found(const struct f24_chan *c, struct f24_inst *i)
{
    if (!i->doubted || !f24_status_known(c, i))
        return false;
    i->doubted = false;
    return true;
}

#endif
