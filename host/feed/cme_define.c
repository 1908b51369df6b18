// SPDX-License-Identifier: Apache-2.0
// Definitions (DisplayFactor, names, depth) and trading status.
#include "feed/cme_state.h"

// Six characters as one number, so that they compare at once; padding is NUL or blank.
static uint64_t code6(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 6 && p[i] != 0 && p[i] != ' '; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

uint8_t cme_trading_state(uint8_t status)
{
    if (status == CME_STATUS_NO_CHANGE || status == CME_STATUS_NULL)
        return 0;
    return status == CME_STATUS_READY ? INSTRUMENT_OPEN : INSTRUMENT_NOT_OPEN;
}

// Symbols of options and strategies hold blanks; names must not. False when it is empty or holds what no
// symbol has.
static bool read_symbol(char out[static 64], const uint8_t *p)
{
    size_t len = 0;
    for (; len < CME_DEF_SYMBOL_SIZE && p[len] != 0; len++) {
        if (p[len] < ' ' || p[len] > '~' || p[len] == ',' || p[len] == '"')
            return false;
        out[len] = p[len] == ' ' ? '_' : (char)p[len];
    }
    while (len > 0 && out[len - 1] == '_')
        len--;
    out[len] = 0;
    return len != 0;
}

// Depth of the outright book ("GBX"; "GBI" is the implied one's); 0 = not said.
static unsigned read_depth(const struct cme_message *m)
{
    const uint8_t *e;
    uint16_t block;
    unsigned count;
    if (!cme_group(m, CME_DEF_GROUPS_FEEDS, &e, &block, &count) || block < CME_FEED_ENTRY)
        return 0;
    for (unsigned i = 0; i < count; i++, e += block)
        if (memcmp(e, "GBX", 3) == 0)
            return e[CME_FEED_DEPTH] <= CME_LEVELS ? e[CME_FEED_DEPTH] : CME_LEVELS;
    return 0;
}

// DisplayFactor is a power of ten almost always: then prices only change their exponent.
static bool read_factor(struct cme_instrument *n, int64_t factor, int8_t exp)
{
    if (factor <= 0 || factor == CME_PRICE_NULL)
        return false;
    int shift = exp;
    for (; factor % 10 == 0; factor /= 10)
        shift++;
    n->mul = factor;
    n->shift = (int8_t)shift;
    return true;
}

static struct feed_num decimal(int64_t mantissa, int8_t exp)
{
    if (mantissa == CME_PRICE_NULL)
        return (struct feed_num){.form = NUM_NONE};
    return (struct feed_num){.v.m = mantissa, .exp10 = exp, .form = NUM_DECIMAL};
}

static void forget_definition(struct cme_stream *st, struct cme_instrument *n)
{
    n->dead = true;
    n->state = INSTRUMENT_NOT_OPEN;
    cme_touch(st, n, CME_NEW_STATUS);
}

static void define_state(struct cme_instrument *n, uint8_t status, bool live)
{
    uint8_t state = cme_trading_state(status);
    // The replay feed's may be older than what was heard live.
    if (state == 0 || (n->state != 0 && n->state_sure && !live))
        return;
    n->state = state;
    n->state_sure = true;
}

// ---- what concerns all instruments of a channel

static unsigned status_slot(const struct cme_pending *p, uint64_t group, uint64_t asset)
{
    unsigned i = (unsigned)((group ^ asset * 3) * UINT64_C(0x9e3779b97f4a7c15) >> 52);
    for (; p->slot[i] != 0; i = (i + 1) % CME_STATUS_SLOTS)
        if (p->status[p->slot[i] - 1].group == group && p->status[p->slot[i] - 1].asset == asset)
            break;
    return i;
}

static void note(struct cme_pending *p, uint64_t group, uint64_t asset, uint8_t state)
{
    unsigned slot = status_slot(p, group, asset);
    if (p->slot[slot] == 0) {
        if (p->n == CME_STATUSES) // no datagram holds so many
            return;
        p->slot[slot] = ++p->n;
    }
    unsigned at = p->slot[slot] - 1u;
    p->status[at].group = group;
    p->status[at].asset = asset;
    p->status[at].slot = (uint16_t)slot;
    p->status[at].order = ++p->orders;
    p->status[at].state = state;
}

// What one instrument's own message has said stands against what was pending before it.
static void note_own(struct protocol_state *s, const struct cme_instrument *n)
{
    if (s->pending.due)
        note(&s->pending, (uint32_t)n->id, CME_OF_ONE, n->state);
}

static void set_state(struct cme_stream *st, struct cme_instrument *n, uint8_t state, bool sure)
{
    n->state = state;
    n->state_sure = sure;
    cme_touch(st, n, CME_NEW_STATUS);
}

// Order and state of what was said last about a group or one instrument.
static unsigned said(const struct cme_pending *p, uint64_t group, uint64_t asset, uint8_t *state)
{
    unsigned at = p->slot[status_slot(p, group, asset)];
    if (at == 0)
        return 0;
    *state = p->status[at - 1].state;
    return p->status[at - 1].order;
}

// A group's status reaches every instrument defined in it. An instrument without a definition may be in any
// group: a group that stops stops it, too, and its definition or its own status says when it goes on.
void cme_carry(struct protocol_state *s, struct cme_stream *st, struct cme_instrument *n)
{
    const struct cme_pending *p = &s->pending;
    uint8_t own = 0, whole = 0, part = 0;
    if (st->reset && n->life != st->life)
        cme_reset_book(s, st, n);
    if (p->n == 0)
        return;
    unsigned by_own = said(p, (uint32_t)n->id, CME_OF_ONE, &own);
    if (!n->defined) {
        if (p->stopped > by_own)
            set_state(st, n, INSTRUMENT_NOT_OPEN, false);
        return;
    }
    unsigned by_group = said(p, n->group, 0, &whole), by_asset = said(p, n->group, n->asset, &part);
    if (by_group > by_own || by_asset > by_own)
        set_state(st, n, by_asset > by_group ? part : whole, true);
}

// Of the datagram's first one, which mostly is the only one.
static void group_at_once(struct protocol_state *s, struct cme_stream *st, uint64_t group, uint64_t asset,
                          uint8_t state)
{
    s->pending.walked = true;
    s->stats.walked += s->used;
    for (unsigned i = 0; i < s->used; i++) {
        struct cme_instrument *n = &s->inst[i];
        if (n->stream != st->link)
            continue;
        if (!n->defined && state != INSTRUMENT_OPEN)
            set_state(st, n, state, false);
        else if (n->defined && n->group == group && (asset == 0 || n->asset == asset))
            set_state(st, n, state, true);
    }
}

static void group_status(struct protocol_state *s, struct cme_stream *st, const uint8_t *r, uint8_t state)
{
    struct cme_pending *p = &s->pending;
    uint64_t group = code6(r + CME_STATUS_GROUP), asset = code6(r + CME_STATUS_ASSET);
    if (!p->walked) {
        group_at_once(s, st, group, asset, state);
        return;
    }
    note(p, group, asset, state);
    if (state != INSTRUMENT_OPEN)
        p->stopped = p->orders;
    p->due = true;
}

bool cme_define(struct protocol_state *s, struct cme_stream *st, const struct cme_message *m, bool live,
                struct feed_msg *o)
{
    const struct cme_definition *d = cme_definition(m->template_id);
    const uint8_t *r = m->root;
    if (!d || !cme_layout_known(m) || !read_symbol(o->name, r + CME_DEF_SYMBOL))
        return false;
    int32_t id = (int32_t)le32_load(r + CME_DEF_ID);
    if (r[CME_DEF_UPDATE] == 'D') {
        struct cme_instrument *gone = cme_find(s, st, id);
        if (gone && live)
            forget_definition(st, gone);
        return false;
    }
    struct cme_instrument *n = cme_get(s, st, id, CME_BY_DEFINITION);
    if (!n) {
        s->stats.unknown_ids++;
        return false;
    }
    n->dead = false;
    n->recent = true;
    n->defined = read_factor(n, (int64_t)le64_load(r + d->factor), m->t->exp);
    if (!n->defined)
        return false;
    n->group = code6(r + CME_DEF_GROUP);
    n->asset = code6(r + CME_DEF_ASSET);
    unsigned depth = read_depth(m);
    if (depth != 0)
        cme_book_depth(&n->book, depth);
    define_state(n, r[CME_DEF_STATUS], live);
    note_own(s, n);
    o->kind = FEED_INSTRUMENT;
    o->instrument_id = (uint32_t)id;
    o->state = n->state;
    o->has = n->state ? HAS_STATE : 0;
    o->inst_kind = (uint8_t)(d->kind == 2 && r[CME_DEF_CFI] == 'O' ? 3 : d->kind);
    o->inst_type = d->type;
    int64_t tick = (int64_t)le64_load(r + d->tick);
    if (tick != CME_PRICE_NULL)
        (void)cme_human(n, tick, m->t->exp, &o->tick);
    if (d->unit_qty)
        o->contract_size = decimal((int64_t)le64_load(r + d->unit_qty), m->t->exp);
    return true;
}

void cme_walk_due(struct protocol_state *s, struct cme_stream *st)
{
    struct cme_pending *p = &s->pending;
    p->walked = true;
    s->stats.walked += s->used;
    for (unsigned i = 0; i < s->used; i++)
        if (s->inst[i].stream == st->link)
            cme_carry(s, st, &s->inst[i]);
    for (unsigned i = 0; i < p->n; i++)
        p->slot[p->status[i].slot] = 0;
    p->n = p->orders = 0;
    p->stopped = 0;
    p->due = false;
    st->reset = false;
}

void cme_status(struct protocol_state *s, struct cme_stream *st, const struct cme_message *m)
{
    uint8_t state = cme_trading_state(m->root[CME_STATUS_STATUS]);
    int64_t id;
    if (state == 0)
        return;
    if (!cme_field_get(&m->t->root[CME_F_ID], m->root, m->block, m->version, &id)) {
        group_status(s, st, m->root, state);
        return;
    }
    struct cme_instrument *n = cme_get(s, st, (int32_t)id, CME_BY_OTHER);
    if (!n) {
        s->stats.unknown_ids++;
        return;
    }
    set_state(st, n, state, true);
    note_own(s, n);
}
