// SPDX-License-Identifier: Apache-2.0
// RptSeq as the second gap check, and how a book becomes whole again.
#include "feed/cme_state.h"

void cme_drop_records(struct protocol_state *s, struct cme_instrument *n)
{
    if (n->first == 0)
        return;
    s->record[n->last - 1].next = s->free_record;
    s->free_record = n->first;
    n->first = n->last = 0;
}

static void start_empty(struct protocol_state *s, const struct cme_stream *st, struct cme_instrument *n,
                        uint32_t rpt)
{
    cme_drop_records(s, n);
    cme_book_clear(&n->book);
    n->rpt = rpt;
    n->heard = true;
    n->anchored = false;
    n->epoch = st->epoch;
    n->life = st->life;
}

bool cme_rpt_odd(struct protocol_state *s, struct cme_stream *st, struct cme_instrument *n, uint32_t rpt,
                 uint32_t seq)
{
    n->recent = true;
    // Numbers start at 1 each week and after a reset, with nothing in the book: not to be taken for that
    // while the old ones go on unbroken.
    if (rpt == 1 && !cme_current(st, n)) {
        start_empty(s, st, n, rpt);
        return true;
    }
    // A snapshot may be ahead of the live line.
    if (cme_current(st, n) && n->anchored && rpt <= n->rpt && (int32_t)(seq - n->anchor) <= 0)
        return false;
    s->stats.rpt_gaps += n->heard;
    cme_drop_records(s, n);
    cme_book_forget(&n->book);
    n->rpt = rpt;
    n->heard = true;
    n->anchored = false;
    n->epoch = st->epoch;
    n->life = st->life;
    cme_touch(st, n, CME_NEW_QUOTE); // what was published is not to be relied upon any more
    return true;
}

// Prices of two scales do not meet in one book.
void cme_rescale(struct protocol_state *s, struct cme_instrument *n, int8_t exp)
{
    if (n->exp != 0) {
        cme_book_forget(&n->book);
        cme_drop_records(s, n);
    }
    n->exp = exp;
}

void cme_contradicted(struct protocol_state *s, struct cme_instrument *n, struct cme_record u)
{
    s->stats.contradictions++;
    cme_book_forget(&n->book);
    cme_drop_records(s, n);
    if (!cme_apply(&n->book, &u))
        cme_book_forget(&n->book);
}

// Reads the snapshot's levels into the scratch book. False when it is no book.
static bool read_snapshot(struct protocol_state *s, const struct cme_instrument *n,
                          const struct cme_message *m)
{
    const struct cme_field *f = m->t->in;
    struct cme_book *b = &s->scratch;
    b->depth = n->book.depth;
    b->depth_known = n->book.depth_known;
    cme_book_clear(b);
    for (unsigned i = 0; i < m->count; i++) {
        const uint8_t *e = m->entries + (size_t)i * m->entry_block;
        int64_t type = 0, level = 0, px = 0, size = 0;
        (void)cme_field_get(&f[CME_F_TYPE], e, m->entry_block, m->version, &type);
        if (type == CME_TYPE_RESET) // an empty book says so by this one entry
            continue;
        if (type != CME_TYPE_BID && type != CME_TYPE_OFFER)
            continue;
        if (!cme_field_get(&f[CME_F_LEVEL], e, m->entry_block, m->version, &level) || level < 1 ||
            !cme_field_get(&f[CME_F_PX], e, m->entry_block, m->version, &px))
            return false;
        (void)cme_field_get(&f[CME_F_SIZE], e, m->entry_block, m->version, &size);
        if (!cme_book_set(b, type == CME_TYPE_BID ? CME_BID : CME_ASK, (unsigned)level, px, size))
            return false;
    }
    return cme_book_sorted(b);
}

// Brings the scratch book from RptSeq r to what has been heard. False when what was kept does not reach back
// to r.
static bool catch_up(struct protocol_state *s, const struct cme_stream *st, const struct cme_instrument *n,
                     uint32_t r, uint32_t *rpt)
{
    *rpt = r;
    // Nothing of it heard behind the last loss, or all of that is in the snapshot.
    if (!cme_current(st, n) || r >= n->rpt)
        return true;
    if (n->first == 0 || s->record[n->first - 1].rpt > r + 1)
        return false;
    for (uint16_t i = n->first; i != 0; i = s->record[i - 1].next) {
        const struct cme_record *u = &s->record[i - 1];
        if (s->budget == 0) // the datagram repeats itself: a later one will do
            return false;
        s->budget--;
        s->stats.replayed++;
        if (u->rpt <= r)
            continue;
        if (u->rpt != *rpt + 1 || (u->type != 0 && !cme_apply(&s->scratch, u)))
            return false;
        *rpt = u->rpt;
    }
    return *rpt == n->rpt;
}

void cme_join(struct protocol_state *s, struct cme_stream *st, const struct cme_message *m)
{
    uint32_t last_seq = le32_load(m->root + CME_SNAP_LAST_SEQ);
    int32_t id = (int32_t)le32_load(m->root + m->t->root[CME_F_ID].at);
    uint32_t r = le32_load(m->root + m->t->root[CME_F_RPT].at), rpt;
    struct cme_instrument *n = cme_get(s, st, id, CME_BY_OTHER);
    if (!n) {
        s->stats.unknown_ids++;
        return;
    }
    if (cme_current(st, n) && n->book.whole)
        return;
    // Taken before the last loss ended: what was lost may be missing from it too. Without a live line nothing
    // would keep the book up to date.
    if (!st->heard || st->fresh || (int32_t)(last_seq + 1 - st->since) < 0)
        return;
    // So far ahead it is of a sequence that has ended (last week's): the book would pass over all that is
    // live.
    if ((int32_t)(last_seq - st->newest) > CME_AHEAD)
        return;
    if (n->exp != 0 && n->exp != m->t->exp && n->first != 0)
        return;
    if (!read_snapshot(s, n, m) || !catch_up(s, st, n, r, &rpt))
        return;
    cme_drop_records(s, n);
    n->book = s->scratch;
    n->exp = m->t->exp;
    n->rpt = rpt;
    n->heard = true;
    n->anchored = true;
    n->anchor = last_seq;
    n->epoch = st->epoch;
    n->life = st->life;
    n->ts_ns = le64_load(m->root + m->t->root[CME_F_TRANSACT].at);
    unsigned why = CME_NEW_QUOTE;
    s->stats.joins++;
    uint8_t state = cme_trading_state(m->root[CME_SNAP_STATUS]);
    if (state != 0 && state != n->state) {
        n->state = state;
        n->state_sure = true;
        why |= CME_NEW_STATUS;
    }
    cme_touch(st, n, why);
}

void cme_reset_book(struct protocol_state *s, struct cme_stream *st, struct cme_instrument *n)
{
    start_empty(s, st, n, 0);
    cme_touch(st, n, CME_NEW_QUOTE);
}

void cme_reset_books(struct protocol_state *s, struct cme_stream *st)
{
    st->life++; // nobody is current until its own numbers begin anew, or a walk comes by
    st->reset = s->pending.due = true;
    if (!s->pending.walked)
        cme_walk_due(s, st);
}
