// SPDX-License-Identifier: Apache-2.0
// Orders hang on their price level; a side's levels are a treap (binary tree by price, heap by a hash of it),
// so that no order of messages can make it deep but one that was made for the hash. Index 0 of each pool
// means "none".
#include "feed/frame24_book.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ORDER_BUCKET_BITS = 18,
    INST_SLOT_BITS = 17, // twice the instruments
};

struct order {
    int64_t id;
    uint64_t qty;
    uint32_t inst, level;
    uint32_t prev, next; // on its level; next: also of the free list
    uint32_t chain;      // of its bucket
    uint8_t side;
};

struct level {
    int64_t price;
    uint64_t qty;
    uint32_t left, right, prio;
    uint32_t first; // order; of the free list: next level
};

struct ringed {
    struct f24_event event;
    uint32_t inst;
};

struct f24_books {
    struct f24_book_counts counts;
    uint32_t insts, chans, orders_used, levels_used, order_free, level_free;
    struct f24_chan chan[F24_CHANNELS];
    uint32_t slot[1 << INST_SLOT_BITS]; // instrument + 1
    struct f24_inst inst[F24_INSTRUMENTS];
    uint32_t bucket[1 << ORDER_BUCKET_BITS];
    struct order order[F24_ORDERS + 1];
    struct level level[F24_LEVELS + 1];
    struct ringed ring[F24_CHANNELS][F24_RING];
};

struct f24_books *f24_books_new(void)
{
    // Zeroed pages come from the system when they are first used: a quiet venue costs little.
    return calloc(1, sizeof(struct f24_books));
}

void f24_books_free(struct f24_books *b)
{
    free(b);
}

struct f24_book_counts *f24_counts(struct f24_books *b)
{
    return &b->counts;
}

size_t f24_named_counts(const struct f24_book_counts *n, struct feed_count out[FEED_COUNTS])
{
    const struct feed_count named[] = {{"joined", n->joined},   {"unjoined", n->unjoined},
                                       {"broken", n->broken},   {"own_gaps", n->own_gaps},
                                       {"no_room", n->no_room}, {"unmatched", n->unmatched},
                                       {"visited", n->visited}};
    static_assert(sizeof named <= FEED_COUNTS * sizeof *named, "as many as there is room for");
    memcpy(out, named, sizeof named);
    return sizeof named / sizeof *named;
}

static uint64_t mix(uint64_t v)
{
    v ^= v >> 32;
    v *= UINT64_C(0xd6e8feb86659fd93);
    v ^= v >> 32;
    v *= UINT64_C(0xd6e8feb86659fd93);
    return v ^ v >> 32;
}

static uint32_t index_of(const struct f24_books *b, const struct f24_inst *i)
{
    return (uint32_t)(i - b->inst);
}

// ---- levels

static uint32_t *level_link(struct f24_books *b, uint32_t *root, int64_t price)
{
    while (*root && b->level[*root].price != price)
        root = price < b->level[*root].price ? &b->level[*root].left : &b->level[*root].right;
    return root;
}

// What is below `at` goes to *low where its price is below `price`, else to *high.
static void level_split(struct f24_books *b, uint32_t at, int64_t price, uint32_t *low, uint32_t *high)
{
    while (at) {
        struct level *l = &b->level[at];
        if (l->price < price) {
            *low = at;
            low = &l->right;
            at = l->right;
        } else {
            *high = at;
            high = &l->left;
            at = l->left;
        }
    }
    *low = *high = 0;
}

static void level_remove(struct f24_books *b, uint32_t *link)
{
    uint32_t gone = *link;
    uint32_t low = b->level[gone].left, high = b->level[gone].right;
    while (low && high) {
        bool take_low = b->level[low].prio > b->level[high].prio;
        *link = take_low ? low : high;
        if (take_low) {
            link = &b->level[low].right;
            low = *link;
        } else {
            link = &b->level[high].left;
            high = *link;
        }
    }
    *link = low ? low : high;
    b->level[gone].first = b->level_free;
    b->level_free = gone;
}

// The side's level of that price, made when there is none; 0 when the pool is empty.
static uint32_t level_get(struct f24_books *b, uint32_t *root, int64_t price)
{
    uint32_t found = *level_link(b, root, price);
    if (found)
        return found;
    uint32_t at = b->level_free;
    if (at)
        b->level_free = b->level[at].first;
    else if (b->levels_used < F24_LEVELS)
        at = ++b->levels_used;
    else
        return 0;
    struct level *l = &b->level[at];
    *l = (struct level){.price = price, .prio = (uint32_t)mix((uint64_t)price)};
    while (*root && b->level[*root].prio >= l->prio)
        root = price < b->level[*root].price ? &b->level[*root].left : &b->level[*root].right;
    level_split(b, *root, price, &l->left, &l->right);
    *root = at;
    return at;
}

// ---- orders

static uint32_t *order_bucket(struct f24_books *b, uint32_t inst, int64_t id)
{
    uint64_t h = mix((uint64_t)id ^ (uint64_t)inst << 48);
    return &b->bucket[h >> (64 - ORDER_BUCKET_BITS)];
}

// The link to the order, which is 0 when there is none.
static uint32_t *order_link(struct f24_books *b, uint32_t inst, int64_t id)
{
    uint32_t *link = order_bucket(b, inst, id);
    while (*link && (b->order[*link].id != id || b->order[*link].inst != inst))
        link = &b->order[*link].chain;
    return link;
}

// Out of its bucket and into the free list; its level is the caller's business.
static void order_release(struct f24_books *b, uint32_t *link)
{
    uint32_t gone = *link;
    struct order *o = &b->order[gone];
    *link = o->chain;
    b->inst[o->inst].orders--;
    o->next = b->order_free;
    b->order_free = gone;
}

static void order_remove(struct f24_books *b, uint32_t *link)
{
    struct order *o = &b->order[*link];
    struct level *l = &b->level[o->level];
    l->qty -= o->qty;
    if (o->next)
        b->order[o->next].prev = o->prev;
    if (o->prev)
        b->order[o->prev].next = o->next;
    else
        l->first = o->next;
    if (!l->first)
        level_remove(b, level_link(b, &b->inst[o->inst].root[o->side], l->price));
    order_release(b, link);
}

static uint32_t order_take(struct f24_books *b)
{
    uint32_t at = b->order_free;
    if (at)
        b->order_free = b->order[at].next;
    else if (b->orders_used < F24_ORDERS)
        at = ++b->orders_used;
    return at;
}

// False when it cannot be an order or there is no room.
static bool order_add(struct f24_books *b, struct f24_inst *i, enum f24_side side, int64_t id, int64_t price,
                      int64_t qty)
{
    if (qty <= 0 || price == INT64_MIN)
        return false;
    uint32_t level = level_get(b, &i->root[side], price);
    uint32_t at = level ? order_take(b) : 0;
    if (!at) {
        b->counts.no_room++;
        if (level && !b->level[level].first)
            level_remove(b, level_link(b, &i->root[side], price));
        return false;
    }
    struct level *l = &b->level[level];
    uint32_t *bucket = order_bucket(b, index_of(b, i), id);
    b->order[at] = (struct order){.id = id,
                                  .qty = (uint64_t)qty,
                                  .inst = index_of(b, i),
                                  .level = level,
                                  .next = l->first,
                                  .chain = *bucket,
                                  .side = (uint8_t)side};
    if (l->first)
        b->order[l->first].prev = at;
    l->first = at;
    *bucket = at;
    i->orders++;
    l->qty += (uint64_t)qty;
    return l->qty <= INT64_MAX;
}

static void book_clear(struct f24_books *b, struct f24_inst *i)
{
    for (unsigned side = 0; side < 2; side++)
        while (i->root[side]) {
            for (uint32_t at = b->level[i->root[side]].first, next; at; at = next) {
                next = b->order[at].next;
                order_release(b, order_link(b, b->order[at].inst, b->order[at].id));
            }
            level_remove(b, &i->root[side]);
        }
}

// ---- tables

struct f24_chan *f24_chan(struct f24_books *b, uint16_t id)
{
    for (uint32_t k = 0; k < b->chans; k++)
        if (b->chan[k].id == id)
            return &b->chan[k];
    if (b->chans == F24_CHANNELS) {
        b->counts.no_room++;
        return NULL;
    }
    b->chan[b->chans] = (struct f24_chan){.id = id};
    return &b->chan[b->chans++];
}

struct f24_inst *f24_inst(struct f24_books *b, struct f24_chan *c, int64_t id)
{
    uint16_t chan = (uint16_t)(c - b->chan);
    uint32_t mask = (1u << INST_SLOT_BITS) - 1;
    uint32_t at = (uint32_t)(mix((uint64_t)id ^ (uint64_t)chan << 48) >> (64 - INST_SLOT_BITS));
    for (; b->slot[at]; at = (at + 1) & mask) {
        struct f24_inst *i = &b->inst[b->slot[at] - 1];
        if (i->id == id && i->chan == chan)
            return i;
    }
    if (b->insts == F24_INSTRUMENTS) {
        b->counts.no_room++;
        return NULL;
    }
    struct f24_inst *i = &b->inst[b->insts++];
    b->slot[at] = b->insts;
    *i = (struct f24_inst){.id = id, .chan = chan};
    return i;
}

static void touch(struct f24_books *b, struct f24_inst *i)
{
    if (i->dirty)
        return;
    struct f24_chan *c = &b->chan[i->chan];
    i->dirty = true;
    i->dirty_next = c->dirty;
    c->dirty = index_of(b, i) + 1;
}

struct f24_inst *f24_touched(struct f24_books *b, struct f24_chan *c)
{
    if (!c->dirty)
        return NULL;
    struct f24_inst *i = &b->inst[c->dirty - 1];
    c->dirty = i->dirty_next;
    i->dirty = false;
    return i;
}

// ---- whole books of a channel

static void whole_add(struct f24_books *b, struct f24_inst *i)
{
    struct f24_chan *c = &b->chan[i->chan];
    i->state = F24_WHOLE;
    i->whole_prev = 0;
    i->whole_next = c->whole;
    if (c->whole)
        b->inst[c->whole - 1].whole_prev = index_of(b, i) + 1;
    c->whole = index_of(b, i) + 1;
}

static void whole_remove(struct f24_books *b, struct f24_inst *i)
{
    if (i->whole_next)
        b->inst[i->whole_next - 1].whole_prev = i->whole_prev;
    if (i->whole_prev)
        b->inst[i->whole_prev - 1].whole_next = i->whole_next;
    else
        b->chan[i->chan].whole = i->whole_next;
    i->state = F24_NOT_WHOLE;
    b->counts.broken++;
}

// ---- live

void f24_cover_from(struct f24_books *b, struct f24_inst *i, uint64_t seq)
{
    i->cover_from = seq;
    i->epoch = b->chan[i->chan].epoch;
}

void f24_break(struct f24_books *b, struct f24_inst *i, uint64_t seq)
{
    if (i->state == F24_WHOLE)
        whole_remove(b, i);
    book_clear(b, i);
    i->state = F24_NOT_WHOLE;
    f24_cover_from(b, i, seq + 1);
    touch(b, i);
}

// The first of the channel's whole books that are not looked at yet; *at: where to go on.
static struct f24_inst *visit(struct f24_books *b, uint32_t *at)
{
    struct f24_inst *i = &b->inst[*at - 1];
    *at = i->whole_next;
    b->counts.visited++;
    return i;
}

void f24_break_channel(struct f24_books *b, struct f24_chan *c)
{
    for (struct f24_inst *i; (i = f24_touched(b, c));)
        i->shown = false;
    // A snapshot under way comes by a stream of its own: it goes on.
    for (uint32_t at = c->whole; at;) {
        struct f24_inst *i = visit(b, &at);
        whole_remove(b, i);
        book_clear(b, i);
        i->shown = false;
    }
    if (c->heard)
        c->lost_at = c->live_next;
    c->epoch++;
    c->heard = c->open = false;
    c->ring_n = 0;
    c->lost_before = 0;
}

void f24_restart(struct f24_books *b, struct f24_chan *c)
{
    uint16_t chan = (uint16_t)(c - b->chan);
    f24_break_channel(b, c);
    for (uint32_t k = 0; k < b->insts; k++, b->counts.visited++)
        if (b->inst[k].chan == chan) {
            f24_load_abandon(b, &b->inst[k]);
            b->inst[k].status = 0;
            b->inst[k].status_from = 0;
        }
    c->loading = NULL;
    c->snap_id = 0;
}

void f24_unsure(struct f24_books *b, struct f24_chan *c, uint64_t seq)
{
    for (uint32_t at = c->whole; at;)
        f24_break(b, visit(b, &at), seq);
    c->live_from = seq + 1;
}

// First message after a break, or ever: what came before it is not known.
static void live_first(struct f24_books *b, struct f24_chan *c, uint64_t first)
{
    for (uint32_t at = c->whole; at;) {
        struct f24_inst *i = visit(b, &at);
        if (first > i->anchor + 1 || f24_too_far(i->anchor, first))
            f24_break(b, i, first - 1);
    }
    c->heard = true;
    c->live_from = c->status_from = first;
}

void f24_live(struct f24_books *b, struct f24_chan *c, uint64_t first, uint64_t next)
{
    if (c->heard && first != c->live_next)
        f24_break_channel(b, c);
    if (!c->heard)
        live_first(b, c, first);
    c->live_next = next;
}

// False when the change contradicts the book.
static bool apply(struct f24_books *b, struct f24_inst *i, const struct f24_event *e)
{
    uint32_t inst = index_of(b, i);
    uint32_t *link;
    switch (e->op) {
    case F24_PUT:
        link = order_link(b, inst, e->order);
        if (*link)
            order_remove(b, link);
        return order_add(b, i, (enum f24_side)e->side, e->order, e->price, e->qty);
    case F24_CLEAR:
        book_clear(b, i);
        return true;
    default:
        break;
    }
    link = order_link(b, inst, e->order);
    if (!*link || (e->side <= F24_ASK && b->order[*link].side != e->side)) {
        b->counts.unmatched++;
        return true;
    }
    if (e->op == F24_DELETE) {
        order_remove(b, link);
        return true;
    }
    struct order *o = &b->order[*link];
    if (e->qty <= 0)
        return false;
    b->level[o->level].qty += (uint64_t)e->qty - o->qty;
    o->qty = (uint64_t)e->qty;
    return b->level[o->level].qty <= INT64_MAX;
}

void f24_change(struct f24_books *b, struct f24_inst *i, const struct f24_event *e)
{
    if (i->state == F24_WHOLE) {
        if (e->seq <= i->anchor)
            return;
        if (!apply(b, i, e))
            f24_break(b, i, e->seq);
        touch(b, i);
        return;
    }
    struct f24_chan *c = &b->chan[i->chan];
    struct ringed *r = &b->ring[i->chan][c->ring_n & (F24_RING - 1)];
    if (c->ring_n >= F24_RING)
        c->lost_before = r->event.seq + 1;
    *r = (struct ringed){*e, index_of(b, i)};
    c->ring_n++;
}

// ---- snapshots

bool f24_load_begin(struct f24_books *b, struct f24_inst *i, uint64_t anchor)
{
    const struct f24_chan *c = &b->chan[i->chan];
    if (i->state == F24_WHOLE)
        return false;
    if (!f24_anchor_possible(c, anchor)) {
        b->counts.unjoined++;
        return false;
    }
    f24_load_abandon(b, i);
    i->state = F24_LOADING;
    i->anchor = anchor;
    return true;
}

void f24_load_abandon(struct f24_books *b, struct f24_inst *i)
{
    if (i->state != F24_LOADING)
        return;
    b->counts.unjoined++;
    book_clear(b, i);
    i->state = F24_NOT_WHOLE;
}

bool f24_loading(struct f24_books *b, struct f24_inst *i)
{
    if (i->state == F24_LOADING && !f24_anchor_possible(&b->chan[i->chan], i->anchor))
        f24_load_abandon(b, i);
    return i->state == F24_LOADING;
}

void f24_load_order(struct f24_books *b, struct f24_inst *i, enum f24_side side, int64_t order, int64_t price,
                    int64_t qty)
{
    if (i->state != F24_LOADING)
        return;
    if (*order_link(b, index_of(b, i), order) || !order_add(b, i, side, order, price, qty))
        f24_load_abandon(b, i);
}

// Applies what the ring has of this book after the anchor. False when the ring does not reach back to it.
static bool catch_up(struct f24_books *b, struct f24_inst *i)
{
    const struct f24_chan *c = &b->chan[i->chan];
    if (!c->heard)
        return true; // live_first() will see whether the live messages meet the anchor
    if (i->anchor + 1 < c->live_from || i->anchor + 1 < c->lost_before ||
        (i->epoch == c->epoch && i->anchor + 1 < i->cover_from))
        return false;
    for (uint64_t k = c->ring_n > F24_RING ? c->ring_n - F24_RING : 0; k < c->ring_n; k++) {
        const struct ringed *r = &b->ring[i->chan][k & (F24_RING - 1)];
        if (r->inst == index_of(b, i) && r->event.seq > i->anchor && !apply(b, i, &r->event))
            return false;
    }
    return true;
}

bool f24_load_end(struct f24_books *b, struct f24_inst *i)
{
    if (!f24_loading(b, i))
        return false;
    if (!catch_up(b, i)) {
        f24_load_abandon(b, i);
        return false;
    }
    whole_add(b, i);
    b->counts.joined++;
    touch(b, i);
    return true;
}

bool f24_best(const struct f24_books *b, const struct f24_inst *i, enum f24_side side, int64_t *price,
              int64_t *qty)
{
    uint32_t at = i->state == F24_WHOLE ? i->root[side] : 0;
    if (!at)
        return false;
    for (uint32_t next = at; next; next = side == F24_BID ? b->level[at].right : b->level[at].left)
        at = next;
    *price = b->level[at].price;
    *qty = (int64_t)b->level[at].qty;
    return true;
}

const struct f24_inst *f24_whole(const struct f24_books *b, int64_t id)
{
    for (uint32_t k = 0; k < b->insts; k++)
        if (b->inst[k].id == id && b->inst[k].state == F24_WHOLE && !b->chan[b->inst[k].chan].open)
            return &b->inst[k];
    return NULL;
}

bool f24_next(const struct f24_books *b, const struct f24_inst *i, enum f24_side side, bool first,
              int64_t *price, int64_t *qty)
{
    uint32_t found = 0;
    for (uint32_t at = i->state == F24_WHOLE ? i->root[side] : 0; at;) {
        const struct level *l = &b->level[at];
        bool worse = first || (side == F24_BID ? l->price < *price : l->price > *price);
        if (worse)
            found = at;
        at = worse == (side == F24_BID) ? l->right : l->left;
    }
    if (!found)
        return false;
    *price = b->level[found].price;
    *qty = (int64_t)b->level[found].qty;
    return true;
}
