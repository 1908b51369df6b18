// SPDX-License-Identifier: Apache-2.0
#include "feed/deribit_book.h"

#include "feed/book.h"
#include "feed/deribit_wire.h"
#include "feed/wire.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 8192, ASK = 0, BID = 1 }; // sides as on the wire

struct quote {
    bool has[2];
    int64_t key[2];
    double amount[2];
};

struct dbook {
    uint32_t id;
    uint16_t next;   // in its bucket or the free list: index + 1
    uint16_t stream; // live channel
    bool used;
    bool whole;
    bool chained;          // not whole: changes have been collected from first_prev to change
    bool open;             // the newest change has more messages to come
    bool loading;          // snapshot `loading_change` has begun
    bool skip_tail;        // the next snapshot messages are the rest of one whose start was not seen
    bool tell_broken;      // was whole; nobody has been told yet
    bool tell;             // whole anew: the next live change is told whatever it is
    bool ahead;            // a snapshot said so of a state that the live changes have not come to yet
    uint64_t change, prev; // state it is in; where the newest change started from
    uint64_t first_prev;
    uint64_t loading_change;
    uint64_t ahead_ns, ahead_ms; // of that snapshot: receive time, exchange time
    struct side side[2];
    struct quote told;
};

struct deribit_books {
    struct levels *levels;
    uint16_t bucket[BUCKETS]; // index + 1
    uint16_t free, unused;
    uint16_t to_tell; // books with tell_broken
    struct dbook book[DERIBIT_BOOKS];
    uint64_t heard[(UINT16_MAX + 1) / 64]; // bit: snapshot channels heard
};

struct deribit_books *deribit_books_new(void)
{
    struct deribit_books *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->levels = levels_new();
    if (s->levels)
        return s;
    free(s);
    return NULL;
}

void deribit_books_free(struct deribit_books *s)
{
    if (s)
        levels_free(s->levels);
    free(s);
}

// ---- the table

static unsigned slot_of(uint32_t id)
{
    return (id * 0x9e3779b1u) >> 19 & (BUCKETS - 1);
}

static uint16_t *bucket_of(struct deribit_books *s, uint32_t id)
{
    return &s->bucket[slot_of(id)];
}

static struct dbook *find(struct deribit_books *s, uint32_t id)
{
    for (uint16_t k = *bucket_of(s, id); k; k = s->book[k - 1].next)
        if (s->book[k - 1].id == id)
            return &s->book[k - 1];
    return NULL;
}

static struct dbook *find_or_add(struct deribit_books *s, const struct deribit_at *at, uint32_t id)
{
    struct dbook *b = find(s, id);
    if (b)
        return b;
    uint16_t k = s->free;
    if (k)
        s->free = s->book[k - 1].next;
    else if (s->unused < DERIBIT_BOOKS)
        k = ++s->unused;
    if (!k) {
        at->c->counters->unknown_ids++;
        return NULL;
    }
    uint16_t *bucket = bucket_of(s, id);
    b = &s->book[k - 1];
    *b = (struct dbook){.id = id, .next = *bucket, .stream = at->p->stream, .used = true};
    *bucket = k;
    return b;
}

static void clear(struct deribit_books *s, struct dbook *b)
{
    levels_clear(s->levels, &b->side[ASK]);
    levels_clear(s->levels, &b->side[BID]);
    b->skip_tail |= b->loading; // its beginning is gone
    b->chained = b->loading = b->open = false;
}

static void not_whole(struct deribit_books *s, struct dbook *b)
{
    clear(s, b);
    if (!b->whole)
        return;
    b->whole = false;
    s->to_tell += !b->tell_broken;
    b->tell_broken = true;
}

void deribit_book_forget(struct deribit_books *s, uint32_t id)
{
    uint16_t *link = bucket_of(s, id);
    while (*link && s->book[*link - 1].id != id)
        link = &s->book[*link - 1].next;
    if (!*link)
        return;
    uint16_t k = *link;
    struct dbook *b = &s->book[k - 1];
    clear(s, b);
    s->to_tell = (uint16_t)(s->to_tell - b->tell_broken);
    b->used = b->whole = b->tell_broken = false;
    *link = b->next;
    b->next = s->free;
    s->free = k;
}

void deribit_books_broken(struct deribit_books *s, uint16_t stream)
{
    for (uint16_t k = 0; k < s->unused; k++)
        if (s->book[k].used && s->book[k].stream == stream)
            not_whole(s, &s->book[k]);
}

// ---- quotes

static void tell_quote(const struct deribit_at *at, struct dbook *b, const struct quote *q, uint64_t ts_ns)
{
    struct feed_msg o;
    feed_msg_begin(&o, VENUE_DERIBIT, at->head->template_id, at->head->version, at->head->msg_idx);
    o.kind = FEED_QUOTE;
    o.instrument_id = b->id;
    o.ts_ns = ts_ns;
    o.has = (q->has[BID] ? HAS_BID : 0u) | (q->has[ASK] ? HAS_ASK : 0u);
    if (q->has[BID]) {
        o.bid = (struct feed_num){.v.f = level_price(q->key[BID], true), .form = NUM_DOUBLE};
        o.bid_amount = (struct feed_num){.v.f = q->amount[BID], .form = NUM_DOUBLE};
    }
    if (q->has[ASK]) {
        o.ask = (struct feed_num){.v.f = level_price(q->key[ASK], false), .form = NUM_DOUBLE};
        o.ask_amount = (struct feed_num){.v.f = q->amount[ASK], .form = NUM_DOUBLE};
    }
    b->told = *q;
    at->c->counters->quotes++;
    at->sink->on_msg(at->sink->ctx, at->p, &o);
}

static bool same_quote(const struct quote *a, const struct quote *b)
{
    for (int i = 0; i < 2; i++)
        if (a->has[i] != b->has[i] || (a->has[i] && (a->key[i] != b->key[i] || a->amount[i] != b->amount[i])))
            return false;
    return true;
}

static void tell_best(struct deribit_books *s, const struct deribit_at *at, struct dbook *b, uint64_t ts_ns,
                      bool always)
{
    struct quote q = {0};
    for (int i = 0; i < 2; i++) {
        const struct level *l = level_best(s->levels, &b->side[i]);
        if (!l)
            continue;
        q.has[i] = true;
        q.key[i] = l->key;
        q.amount[i] = l->amount;
    }
    if (always || !same_quote(&q, &b->told))
        tell_quote(at, b, &q, ts_ns);
}

static void tell_broken(struct deribit_books *s, const struct deribit_at *at, struct dbook *b)
{
    static const struct quote none = {0};
    b->tell_broken = false;
    s->to_tell--;
    at->c->counters->books_broken++;
    tell_quote(at, b, &none, 0);
}

// ---- changes

struct change {
    uint64_t prev, id, ms;
    bool last;
};

// One level as it is after `change`. In a book that is not whole a level that is gone leaves a mark: a
// snapshot from before may still have it.
static bool put_level(struct deribit_books *s, struct dbook *b, unsigned side, double price, double amount,
                      uint64_t change)
{
    int64_t key;
    if (side > BID || !level_key(price, side == BID, &key) || !(amount >= 0))
        return false;
    if (amount > 0 || !b->whole)
        return level_put(s->levels, &b->side[side], key, amount, change);
    level_remove(s->levels, &b->side[side], key);
    return true;
}

static bool apply(struct deribit_books *s, struct dbook *b, const struct deribit_message *m, uint64_t change)
{
    const uint8_t *group = m->block + m->block_len;
    unsigned block = le16_load(group + GROUP_BLOCK), n = le16_load(group + GROUP_COUNT);
    const uint8_t *e = group + GROUP_HEADER;
    for (unsigned i = 0; i < n; i++, e += block) {
        bool gone = e[BOOK_ENTRY_CHANGE] == BOOK_DELETED;
        double amount = gone ? 0.0 : le_double_load(e + BOOK_ENTRY_AMOUNT);
        if (!put_level(s, b, e[BOOK_ENTRY_SIDE], le_double_load(e + BOOK_ENTRY_PRICE), amount, change))
            return false;
    }
    return true;
}

// Whether a change from before the book's state is one that a snapshot was ahead of. Live changes come in
// order, so they are never old but after a snapshot, and soon catch up with it: one that is younger than the
// snapshot shows that the state which the book stands on never was, and would keep it still.
static bool is_behind(const struct dbook *b, const struct deribit_at *at, const struct change *g)
{
    return b->ahead && g->ms <= b->ahead_ms &&
           (at->p->ts_ns <= b->ahead_ns || at->p->ts_ns - b->ahead_ns <= DERIBIT_AHEAD_NS);
}

// Whether the change says something new. One that does not follow the newest breaks the book, which then
// collects from there.
static bool is_news(struct deribit_books *s, struct dbook *b, const struct deribit_at *at,
                    const struct change *g)
{
    if (b->open && g->id == b->change && g->prev == b->prev)
        return true; // more of the newest change
    if (b->whole && g->id <= b->change && is_behind(b, at, g))
        return false;
    if ((b->whole || b->chained) && g->prev == b->change && g->id > g->prev && !b->open)
        return true;
    not_whole(s, b);
    b->first_prev = g->prev;
    return true;
}

void deribit_book_change(struct deribit_books *s, const struct deribit_at *at,
                         const struct deribit_message *m)
{
    const struct change g = {le64_load(m->block + BOOK_PREV_CHANGE), le64_load(m->block + BOOK_CHANGE),
                             le64_load(m->block + BOOK_TS), m->block[BOOK_LAST] != 0};
    struct dbook *b = find_or_add(s, at, le32_load(m->block + BOOK_ID));
    if (!b)
        return;
    b->stream = at->p->stream;
    if (!is_news(s, b, at, &g))
        return;
    if (!apply(s, b, m, g.id)) {
        not_whole(s, b);
    } else {
        b->prev = g.prev;
        b->change = g.id;
        b->open = !g.last;
        b->chained = true;
        b->ahead = false;
    }
    if (b->tell_broken)
        tell_broken(s, at, b);
    if (b->whole && g.last) {
        tell_best(s, at, b, at->head->ts_ns, b->tell);
        b->tell = false;
    }
}

// ---- snapshots

static bool load(struct deribit_books *s, struct dbook *b, const struct deribit_message *m, uint64_t change)
{
    const uint8_t *group = m->block + m->block_len;
    unsigned block = le16_load(group + GROUP_BLOCK), n = le16_load(group + GROUP_COUNT);
    const uint8_t *e = group + GROUP_HEADER;
    for (unsigned i = 0; i < n; i++, e += block) {
        int64_t key;
        unsigned side = e[SNAPSHOT_ENTRY_SIDE];
        double amount = le_double_load(e + SNAPSHOT_ENTRY_AMOUNT);
        if (side > BID || !level_key(le_double_load(e + SNAPSHOT_ENTRY_PRICE), side == BID, &key) ||
            !(amount > 0))
            return false;
        const struct level *l = level_find(s->levels, &b->side[side], key);
        if (!(l && l->change > change) && !level_put(s->levels, &b->side[side], key, amount, change))
            return false;
    }
    return true;
}

// Levels that the snapshot of state `change` does not have, and marks of those that are gone.
static bool outdated(const struct level *l, uint64_t change)
{
    return l->change < change || !(l->amount > 0);
}

static bool is_of(const struct level *l, uint64_t change)
{
    return l->change == change;
}

// The rest of the snapshot will not come: what it put there goes. (A level that a change of that very number
// put there goes too; whatever snapshot comes next has it.)
static void give_up_loading(struct deribit_books *s, struct dbook *b)
{
    for (int i = 0; i < 2 && b->loading && !b->whole; i++)
        levels_sift(s->levels, &b->side[i], is_of, b->loading_change);
    b->loading = false;
}

// All messages of the snapshot are in. Its state must not lie before the collected changes.
static void stand_on(struct deribit_books *s, const struct deribit_at *at, struct dbook *b, uint64_t change,
                     uint64_t ms)
{
    b->loading = false;
    if (b->chained && (change < b->first_prev || b->open))
        return; // the next snapshot may do
    for (int i = 0; i < 2; i++)
        levels_sift(s->levels, &b->side[i], outdated, change);
    if (!b->chained || b->change < change) {
        b->change = change;
        b->open = false;
        b->ahead = true;
        b->ahead_ns = at->p->ts_ns;
        b->ahead_ms = ms;
    }
    b->whole = b->tell = true;
    at->c->counters->books_whole++;
    tell_best(s, at, b, at->head->ts_ns, true);
}

void deribit_book_snapshot(struct deribit_books *s, const struct deribit_at *at,
                           const struct deribit_message *m)
{
    uint64_t change = le64_load(m->block + SNAPSHOT_CHANGE);
    bool last = m->block[SNAPSHOT_LAST] != 0;
    struct dbook *b = find_or_add(s, at, le32_load(m->block + BOOK_ID));
    if (!b)
        return;
    b->stream = at->p->stream;
    if (b->skip_tail) {
        b->skip_tail = !last;
        return;
    }
    if (b->whole) { // nothing new; but should it break before the rest comes, that is no beginning
        b->loading = !last;
        b->loading_change = change;
        return;
    }
    if (b->loading && b->loading_change != change)
        give_up_loading(s, b);
    b->loading = true;
    b->loading_change = change;
    if (!m->block[SNAPSHOT_COMPLETE] || !load(s, b, m, change)) {
        clear(s, b); // not a book to stand on
        b->skip_tail = !last;
        return;
    }
    if (last)
        stand_on(s, at, b, change, le64_load(m->block + SNAPSHOT_TS));
}

// ---- packets

// The first message of the first packet after a loss, when it is a book's, may be the rest of one.
static void doubt_first(struct deribit_books *s, const struct deribit_at *at)
{
    struct deribit_message m;
    const struct feed_packet *p = at->p;
    for (uint16_t k = 0; k < s->unused; k++)
        if (s->book[k].used && s->book[k].stream == p->stream) {
            give_up_loading(s, &s->book[k]);
            s->book[k].skip_tail = false;
        }
    if (!deribit_walk(p->payload + FRAME_HEADER, p->len - FRAME_HEADER, &m) || m.template_id != T_SNAPSHOT ||
        m.block_len < SNAPSHOT_BLOCK)
        return;
    struct dbook *b = find_or_add(s, at, le32_load(m.block + BOOK_ID));
    if (b)
        b->skip_tail = true;
}

void deribit_books_packet(struct deribit_books *s, const struct deribit_at *at)
{
    const struct feed_packet *p = at->p;
    for (uint16_t k = 0; s->to_tell && k < s->unused; k++)
        if (s->book[k].tell_broken)
            tell_broken(s, at, &s->book[k]);
    if (!p->snapshot)
        return;
    uint64_t *word = &s->heard[p->channel / 64], bit = UINT64_C(1) << p->channel % 64;
    if (p->gap || p->restart || !(*word & bit))
        doubt_first(s, at);
    *word |= bit;
}

// ---- for whoever asks

static struct feed_num as_num(double v)
{
    return (struct feed_num){.v.f = v, .form = NUM_DOUBLE};
}

int deribit_book_levels(const struct deribit_books *s, uint64_t id, bool bid, struct feed_level *out,
                        unsigned max)
{
    uint16_t k = id <= UINT32_MAX ? s->bucket[slot_of((uint32_t)id)] : 0;
    while (k && s->book[k - 1].id != id)
        k = s->book[k - 1].next;
    const struct dbook *b = k ? &s->book[k - 1] : NULL;
    if (!b || !b->whole || b->open)
        return -1;
    struct level some[BOOK_CHUNK_LEVELS];
    unsigned n = 0, got;
    do {
        unsigned room = max - n < BOOK_CHUNK_LEVELS ? max - n : BOOK_CHUNK_LEVELS;
        got = levels_read(s->levels, &b->side[bid ? BID : ASK], n, some, room);
        for (unsigned i = 0; i < got; i++, n++)
            out[n] = (struct feed_level){as_num(level_price(some[i].key, bid)), as_num(some[i].amount)};
    } while (got > 0 && n < max);
    return (int)n;
}
