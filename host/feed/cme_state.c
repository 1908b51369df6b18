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
                                       {"streams_lost", n->streams_lost},
                                       {"walked", n->walked},
                                       {"replayed", n->replayed}};
    static_assert(sizeof named <= FEED_COUNTS * sizeof *named, "as many as there is room for");
    memcpy(out, named, sizeof named);
    return sizeof named / sizeof *named;
}

// The channel's entry, or the one where it would go; NULL: all are other channels'.
static struct cme_stream *stream_at(struct protocol_state *s, uint16_t key)
{
    unsigned i = key % CME_STREAMS;
    for (unsigned n = 0; n < CME_STREAMS; n++, i = (i + 1) % CME_STREAMS)
        if (!s->stream[i].used || s->stream[i].key == key)
            return &s->stream[i];
    return NULL;
}

// Lets go of its instruments and of the event under way.
static void empty_stream(struct protocol_state *s, struct cme_stream *st)
{
    s->stats.walked += s->used;
    for (unsigned i = 0; i < s->used; i++)
        if (s->inst[i].stream == st->link)
            cme_release(s, &s->inst[i]);
    if (st->last != 0) {
        s->trade[st->last - 1].next = s->free_trade;
        s->free_trade = st->trade;
    }
    *st = (struct cme_stream){.key = st->key, .link = st->link, .used = true, .fresh = true};
}

// The longest silent one, when it has been silent for long.
static struct cme_stream *idle_stream(struct protocol_state *s)
{
    struct cme_stream *idle = &s->stream[0];
    for (unsigned i = 1; i < CME_STREAMS; i++)
        if (s->stream[i].heard_ns < idle->heard_ns)
            idle = &s->stream[i];
    return s->now_ns > idle->heard_ns && s->now_ns - idle->heard_ns > CME_IDLE_NS ? idle : NULL;
}

struct cme_stream *cme_stream_seek(struct protocol_state *s, uint16_t key)
{
    struct cme_stream *st = stream_at(s, key);
    if (st && st->used)
        return st;
    if (!st) {
        st = idle_stream(s);
        if (!st) {
            s->stats.streams_lost++;
            s->sources.room.refused++;
            return NULL;
        }
        empty_stream(s, st);
        s->sources.room.evicted++;
    }
    *st = (struct cme_stream){.key = key,
                              .link = (uint16_t)(st - s->stream + 1),
                              .used = true,
                              .fresh = true,
                              .heard_ns = s->now_ns};
    return st;
}

void cme_stream_doubt(struct protocol_state *s, uint16_t key)
{
    struct cme_stream *st = stream_at(s, key);
    if (st && st->used)
        cme_stream_lost(st);
}

void cme_stream_forget(struct protocol_state *s, uint16_t key)
{
    struct cme_stream *st = stream_at(s, key);
    if (st && st->used)
        empty_stream(s, st);
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
    uint16_t at = s->slot[seek(s, st->link, id)];
    return at ? &s->inst[at - 1] : NULL;
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

// What an instrument's definition has said, for one of the same id that has none.
static void define_as(struct cme_instrument *n, const struct cme_instrument *from)
{
    n->defined = true;
    n->mul = from->mul;
    n->shift = from->shift;
    n->group = from->group;
    n->asset = from->asset;
    if (from->book.depth_known)
        cme_book_depth(&n->book, from->book.depth);
    if (n->state == 0) {
        n->state = from->state;
        n->state_sure = from->state_sure;
    }
}

// A recovery feed's channel is found: what the feed has defined until now is that channel's.
static void adopt(struct protocol_state *s, struct cme_stream *from, const struct cme_stream *home)
{
    from->home = home->key;
    from->has_home = true;
    s->stats.walked += s->used;
    for (unsigned i = 0; i < s->used; i++) {
        struct cme_instrument *n = &s->inst[i], *have;
        if (n->stream != from->link || n->touched != 0)
            continue;
        have = cme_find(s, home, n->id);
        if (have) {
            if (n->defined && !have->defined)
                define_as(have, n);
            cme_release(s, n);
            continue;
        }
        unslot(s, seek(s, n->stream, n->id));
        n->stream = home->link;
        n->life = home->life;
        s->slot[seek(s, n->stream, n->id)] = (uint16_t)(i + 1);
    }
}

// A channel whose number is a port that says nothing of what it is.
static bool is_homeless(const struct cme_stream *st)
{
    return st->used && !st->heard && st->key >= CME_BY_PORT;
}

// Until a live channel is heard of one of its instruments, what it defines is kept with it.
static void remember_homeless(struct protocol_state *s, const struct cme_stream *st)
{
    for (unsigned i = 0; i < CME_HOMELESS; i++)
        if (s->homeless[i] == st->key)
            return;
    s->homeless[s->homeless_hand++ % CME_HOMELESS] = st->key;
}

struct cme_stream *cme_home(struct protocol_state *s, struct cme_stream *st, int32_t id)
{
    enum { SEARCH = 16 };
    if (!is_homeless(st))
        return st;
    struct cme_stream *home = st->has_home ? stream_at(s, st->home) : NULL;
    if (home && home->used && home->heard)
        return home;
    for (unsigned i = 0; i < SEARCH; i++) {
        home = &s->stream[s->home_hand++ % CME_STREAMS];
        if (home->used && home->heard && cme_find(s, home, id)) {
            adopt(s, st, home);
            return home;
        }
    }
    s->home_hand++; // so that a loop of definitions does not look for the same one at the same places again
    remember_homeless(s, st);
    return st;
}

// A live channel hears of an instrument for the first time: a recovery feed that no channel is known of may
// have defined it.
static struct cme_instrument *adopted(struct protocol_state *s, const struct cme_stream *st, int32_t id)
{
    for (unsigned i = 0; st->heard && i < CME_HOMELESS; i++) {
        struct cme_stream *from = s->homeless[i] != 0 ? stream_at(s, s->homeless[i]) : NULL;
        if (!from || !is_homeless(from) || !cme_find(s, from, id))
            continue;
        adopt(s, from, st);
        s->homeless[i] = 0;
        return cme_find(s, st, id);
    }
    return NULL;
}

static bool gives_way(const struct protocol_state *s, const struct cme_instrument *n, enum cme_claim claim)
{
    if (n->recent || n->touched != 0)
        return false;
    if (!n->defined || n->life != s->stream[n->stream - 1].life) // never published, or not since the restart
        return true;
    return claim == CME_BY_UPDATE && !n->heard;
}

// The next one that gives way, of a few: the search goes round the table, and who was heard since it last
// came by stays.
static struct cme_instrument *evict(struct protocol_state *s, enum cme_claim claim)
{
    enum { SEARCH = 64 };
    for (unsigned i = 0; claim != CME_BY_OTHER && i < SEARCH; i++) {
        struct cme_instrument *n = &s->inst[s->hand];
        s->hand = (uint16_t)((s->hand + 1) % CME_INSTRUMENTS);
        if (gives_way(s, n, claim)) {
            cme_release(s, n);
            s->sources.room.evicted++;
            return n;
        }
        n->recent = false;
    }
    return NULL;
}

static struct cme_instrument *take(struct protocol_state *s, enum cme_claim claim)
{
    struct cme_instrument *n = NULL;
    if (!s->free_inst && s->used == CME_INSTRUMENTS && !evict(s, claim))
        return NULL;
    if (s->free_inst) {
        n = s->free_inst;
        s->free_inst = n->next;
    } else {
        n = &s->inst[s->used++];
    }
    return n;
}

struct cme_instrument *cme_seek(struct protocol_state *s, const struct cme_stream *st, int32_t id,
                                enum cme_claim claim)
{
    uint16_t stream = st->link;
    unsigned at = seek(s, stream, id);
    if (s->slot[at] != 0)
        return &s->inst[s->slot[at] - 1];
    if (id == 0) // not an id: 0 means every instrument in feed_msg
        return NULL;
    struct cme_instrument *n = adopted(s, st, id);
    if (n)
        return n;
    n = take(s, claim);
    if (!n) {
        s->sources.room.refused++;
        return NULL;
    }
    *n = (struct cme_instrument){.id = id, .stream = stream, .recent = true};
    cme_book_forget(&n->book);
    s->slot[seek(s, stream, id)] = (uint16_t)(n - s->inst + 1); // one that went may have moved others
    return n;
}

void cme_release(struct protocol_state *s, struct cme_instrument *n)
{
    cme_drop_records(s, n);
    unslot(s, seek(s, n->stream, n->id));
    n->stream = 0;
    n->next = s->free_inst;
    s->free_inst = n;
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
