// SPDX-License-Identifier: Apache-2.0
#include "feed/cme_state.h"

#include <stdlib.h>
#include <string.h>

struct protocol_state *cme_state_new(void)
{
    struct protocol_state *s = aligned_alloc(alignof(struct protocol_state), sizeof *s);
    if (!s)
        return NULL;
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < CME_TRADES; i++)
        s->trade[i].next = (uint16_t)(i + 1 < CME_TRADES ? i + 2 : 0);
    for (unsigned i = 0; i < CME_RECORDS; i++)
        s->record[i].next = (uint16_t)(i + 1 < CME_RECORDS ? i + 2 : 0);
    s->free_trade = s->free_record = 1;
    return s;
}

void cme_state_free(struct protocol_state *s)
{
    free(s);
}

const struct cme_stats *cme_stats(const struct protocol_state *s)
{
    return &s->stats;
}

size_t cme_named_counts(const struct protocol_ctx *c, struct feed_count out[FEED_COUNTS])
{
    const struct cme_stats *n = cme_stats(c->state);
    const struct feed_count named[] = {{"joins", n->joins},
                                       {"rpt_gaps", n->rpt_gaps},
                                       {"contradictions", n->contradictions},
                                       {"trades_lost", n->trades_lost},
                                       {"streams_lost", n->streams_lost}};
    static_assert(sizeof named <= FEED_COUNTS * sizeof *named, "as many as there is room for");
    memcpy(out, named, sizeof named);
    return sizeof named / sizeof *named;
}

struct cme_stream *cme_stream_seek(struct protocol_state *s, uint16_t key)
{
    unsigned i = key % CME_STREAMS;
    for (unsigned n = 0; n < CME_STREAMS; n++, i = (i + 1) % CME_STREAMS) {
        struct cme_stream *st = &s->stream[i];
        if (st->used && st->key == key)
            return st;
        if (!st->used) {
            *st = (struct cme_stream){.key = key, .used = true, .fresh = true};
            return st;
        }
    }
    s->stats.streams_lost++;
    return NULL;
}

// The slot that holds it, or the empty one where it would go. There is always an empty one: slots are twice
// as many.
static unsigned seek(const struct protocol_state *s, uint16_t stream, int32_t id)
{
    unsigned i = cme_slot(stream, id);
    for (; s->slot[i] != 0; i = (i + 1) % CME_SLOTS) {
        const struct cme_instrument *n = &s->inst[s->slot[i] - 1];
        if (n->id == id && n->stream == stream)
            break;
    }
    return i;
}

struct cme_instrument *cme_find(struct protocol_state *s, const struct cme_stream *st, int32_t id)
{
    uint16_t at = s->slot[seek(s, cme_link(s, st), id)];
    return at ? &s->inst[at - 1] : NULL;
}

static struct cme_instrument *take(struct protocol_state *s)
{
    struct cme_instrument *n = NULL;
    if (s->free_inst != 0) {
        n = &s->inst[s->free_inst - 1];
        s->free_inst = n->next;
    } else if (s->used < CME_INSTRUMENTS) {
        n = &s->inst[s->used++];
    }
    return n;
}

struct cme_instrument *cme_seek(struct protocol_state *s, const struct cme_stream *st, int32_t id)
{
    uint16_t stream = cme_link(s, st);
    unsigned at = seek(s, stream, id);
    if (s->slot[at] != 0)
        return &s->inst[s->slot[at] - 1];
    if (id == 0) // not an id: 0 means every instrument in feed_msg
        return NULL;
    struct cme_instrument *n = take(s);
    if (!n)
        return NULL;
    *n = (struct cme_instrument){.id = id, .stream = stream};
    cme_book_forget(&n->book);
    s->slot[at] = (uint16_t)(n - s->inst + 1);
    return n;
}

// Closes the hole in the probe sequence by moving back what would no longer be found.
static void unslot(struct protocol_state *s, unsigned hole)
{
    for (unsigned i = (hole + 1) % CME_SLOTS; s->slot[i] != 0; i = (i + 1) % CME_SLOTS) {
        const struct cme_instrument *n = &s->inst[s->slot[i] - 1];
        unsigned home = cme_slot(n->stream, n->id);
        if ((i - home) % CME_SLOTS >= (i - hole) % CME_SLOTS) {
            s->slot[hole] = s->slot[i];
            hole = i;
        }
    }
    s->slot[hole] = 0;
}

void cme_release(struct protocol_state *s, struct cme_instrument *n)
{
    cme_drop_records(s, n);
    unslot(s, seek(s, n->stream, n->id));
    n->stream = 0;
    n->next = s->free_inst;
    s->free_inst = (uint16_t)(n - s->inst + 1);
}

void cme_keep_trade(struct protocol_state *s, struct cme_stream *st, const struct cme_trade *t)
{
    uint16_t link = s->free_trade;
    if (link == 0) {
        s->stats.trades_lost++;
        return;
    }
    struct cme_trade *at = &s->trade[link - 1];
    s->free_trade = at->next;
    *at = *t;
    at->next = 0;
    if (st->last != 0)
        s->trade[st->last - 1].next = link;
    else
        st->trade = link;
    st->last = link;
}
