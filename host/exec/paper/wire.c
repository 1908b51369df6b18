// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/wire.h"

#include <assert.h>

#include "accounts/moving.h"
#include "accounts/store.h"
#include "base/cursor.h"
#include "exec/auction.h"

#define WIRE_MAGIC UINT32_C(0x56504c54) // "TLPV"

static void put_key(struct wcur *c, const struct order_key *k)
{
    uint8_t *at = wcur_take(c, ORDER_KEY_BYTES);
    if (at)
        order_key_encode(k, at);
}

static void get_key(struct rcur *c, struct order_key *k)
{
    const uint8_t *at = rcur_take(c, ORDER_KEY_BYTES);
    if (at)
        order_key_decode(at, k);
}

// ---- encoders

size_t wire_put_hello(uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_HELLO);
    put_u32(&c, WIRE_MAGIC);
    put_u16(&c, WIRE_VERSION);
    return wcur_done(&c);
}

size_t wire_put_welcome(const struct wire_welcome *w, uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_WELCOME);
    put_u32(&c, WIRE_MAGIC);
    put_u16(&c, w->version);
    put_u64(&c, w->instance);
    put_u32(&c, w->n_accounts);
    put_u64(&c, w->told);
    put_u8(&c, w->does);
    put_u32(&c, w->kick.chop_bps);
    put_u32(&c, w->kick.chip_bps);
    put_u32(&c, w->kick.rule);
    put_i64(&c, w->kick.tip_e8);
    return wcur_done(&c);
}

size_t wire_put_order(const struct gateway_order *o, uint8_t *buf, size_t size)
{
    if (o->n_marks > ROW_ASSETS_MAX || o->n_bytes > ORDER_BYTES_MAX)
        return 0;
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_ORDER);
    put_u64(&c, o->second);
    put_u16(&c, o->n_marks);
    for (unsigned i = 0; i < o->n_marks; i++) {
        put_u16(&c, o->mark[i].asset);
        put_i64(&c, o->mark[i].price);
    }
    put_u16(&c, o->n_bytes);
    put_bytes(&c, o->bytes, o->n_bytes);
    return wcur_done(&c);
}

size_t wire_put_lookup(uint8_t mode, const struct order_key *key, size_t n, uint8_t *buf, size_t size)
{
    if (n == 0 || n > WIRE_KEYS_MAX)
        return 0;
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_LOOKUP);
    put_u8(&c, mode);
    put_u16(&c, (uint16_t)n);
    for (size_t i = 0; i < n; i++)
        put_key(&c, &key[i]);
    return wcur_done(&c);
}

static size_t put_type_u32(uint8_t type, uint32_t v, uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, type);
    put_u32(&c, v);
    return wcur_done(&c);
}

size_t wire_put_state(uint32_t first_id, uint8_t *buf, size_t size)
{
    return put_type_u32(WIRE_STATE, first_id, buf, size);
}

size_t wire_put_ledger(uint32_t first_row, uint8_t *buf, size_t size)
{
    return put_type_u32(WIRE_LEDGER, first_row, buf, size);
}

size_t wire_put_reply(const uint8_t *reply, size_t n, uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_REPLY);
    put_bytes(&c, reply, n);
    return wcur_done(&c);
}

size_t wire_put_watch(uint64_t after, uint32_t room, uint8_t market, uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_WATCH);
    put_u64(&c, after);
    put_u32(&c, room);
    put_u8(&c, market);
    return wcur_done(&c);
}

size_t wire_put_set(const struct account *a, uint8_t *buf, size_t size)
{
    size_t n = size ? account_encode(a, buf + 1, size - 1) : 0;
    if (n == 0)
        return 0;
    buf[0] = WIRE_SET;
    return n + 1;
}

size_t wire_put_told(uint64_t seq, const uint8_t *reply, size_t n, uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_TOLD);
    put_u64(&c, seq);
    put_bytes(&c, reply, n);
    return wcur_done(&c);
}

size_t wire_put_auction(const uint8_t *auction, size_t n, uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_AUCTION);
    put_bytes(&c, auction, n);
    return wcur_done(&c);
}

size_t wire_put_is_set(uint32_t id, uint32_t epoch, uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_IS_SET);
    put_u32(&c, id);
    put_u32(&c, epoch);
    return wcur_done(&c);
}

size_t wire_put_market(uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_MARKET);
    return wcur_done(&c);
}

size_t wire_put_part(uint8_t type, const struct wire_part *p, uint8_t *buf, size_t size, uint32_t *sent)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, type);
    put_u32(&c, p->version);
    put_u64(&c, p->seq);
    put_u32(&c, p->total);
    put_u32(&c, p->offset);
    *sent = p->len < c.left ? p->len : (uint32_t)c.left;
    put_bytes(&c, p->p, *sent);
    return *sent ? wcur_done(&c) : 0;
}

size_t wire_put_absent(const struct order_key *key, uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_ABSENT);
    put_key(&c, key);
    return wcur_done(&c);
}

static void put_text(struct wcur *c, const char *text, size_t max) // max with terminator
{
    size_t n = strnlen(text, max - 1);
    put_u8(c, (uint8_t)n);
    put_bytes(c, text, n);
}

size_t wire_put_balances(const struct wire_balances *b, uint8_t *buf, size_t size)
{
    if (b->n > WIRE_BALANCES_MAX)
        return 0;
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_BALANCES);
    put_u8(&c, b->last);
    put_u64(&c, b->orders);
    put_u64(&c, b->filled);
    put_u64(&c, b->refused);
    put_u64(&c, b->fenced);
    put_u64(&c, b->violations);
    put_u16(&c, b->n);
    for (unsigned i = 0; i < b->n; i++) {
        put_text(&c, b->row[i].currency, LEDGER_NAME_LEN);
        put_u8(&c, b->row[i].party);
        for (unsigned w = 0; w < 4; w++)
            put_u64(&c, b->row[i].amount.w[w]);
    }
    return wcur_done(&c);
}

size_t wire_put_error(uint8_t code, const struct order_key *key, const char *text, uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, WIRE_ERROR);
    put_u8(&c, code);
    put_key(&c, key);
    put_text(&c, text, WIRE_TEXT_MAX);
    return wcur_done(&c);
}

enum { STATES_HEAD = 4 }; // type, last, count

size_t wire_begin_states(uint8_t *buf, size_t size)
{
    if (size < STATES_HEAD)
        return 0;
    buf[0] = WIRE_STATES;
    return STATES_HEAD;
}

size_t wire_add_state(const struct account *a, uint8_t *buf, size_t size, size_t used)
{
    assert(used >= STATES_HEAD && used <= size);
    if (size - used < 2)
        return 0;
    size_t n = account_encode(a, buf + used + 2, size - used - 2);
    if (n == 0 || n > UINT16_MAX)
        return 0;
    buf[used] = (uint8_t)n;
    buf[used + 1] = (uint8_t)(n >> 8);
    return used + 2 + n;
}

void wire_end_states(bool last, uint16_t n, uint8_t *buf)
{
    buf[1] = last;
    buf[2] = (uint8_t)n;
    buf[3] = (uint8_t)(n >> 8);
}

// ---- decoder

static int get_text(struct rcur *c, char *text, size_t max)
{
    uint8_t n = get_u8(c);
    if (c->bad || n >= max)
        return -1;
    const uint8_t *at = rcur_take(c, n);
    if (!at || memchr(at, 0, n))
        return -1;
    memcpy(text, at, n);
    text[n] = 0;
    return 0;
}

static int get_order(struct rcur *c, struct wire_order *o)
{
    o->second = get_u64(c);
    o->n_marks = get_u16(c);
    if (c->bad || o->second > MOVING_TIME_MAX || o->n_marks > ROW_ASSETS_MAX)
        return -1;
    for (unsigned i = 0; i < o->n_marks; i++) {
        o->mark[i].asset = get_u16(c);
        o->mark[i].price = get_i64(c);
        if (o->mark[i].asset >= MARKET_ASSETS_MAX || o->mark[i].price <= 0)
            return -1;
    }
    o->n_bytes = get_u16(c);
    if (o->n_bytes > ORDER_BYTES_MAX)
        return -1;
    o->bytes = rcur_take(c, o->n_bytes);
    return o->bytes ? 0 : -1;
}

static int get_lookup(struct rcur *c, struct wire_lookup *l)
{
    l->mode = get_u8(c);
    l->n = get_u16(c);
    if (c->bad || l->mode > WIRE_FENCE || l->n == 0 || l->n > WIRE_KEYS_MAX)
        return -1;
    for (unsigned i = 0; i < l->n; i++)
        get_key(c, &l->key[i]);
    return c->bad ? -1 : 0;
}

static int get_balances(struct rcur *c, struct wire_balances *b)
{
    uint8_t last = get_u8(c);
    b->last = last;
    b->orders = get_u64(c);
    b->filled = get_u64(c);
    b->refused = get_u64(c);
    b->fenced = get_u64(c);
    b->violations = get_u64(c);
    b->n = get_u16(c);
    if (c->bad || last > 1 || b->n > WIRE_BALANCES_MAX)
        return -1;
    for (unsigned i = 0; i < b->n; i++) {
        if (get_text(c, b->row[i].currency, LEDGER_NAME_LEN))
            return -1;
        b->row[i].party = get_u8(c);
        for (unsigned w = 0; w < 4; w++)
            b->row[i].amount.w[w] = get_u64(c);
        if (c->bad || b->row[i].party >= PARTY_COUNT)
            return -1;
    }
    return 0;
}

static int get_states(struct rcur *c, struct wire_states *s)
{
    uint8_t last = get_u8(c);
    s->last = last;
    s->n = get_u16(c);
    if (c->bad || last > 1)
        return -1;
    s->len = c->left;
    s->p = rcur_take(c, c->left);
    return 0;
}

static int get_part(struct rcur *c, uint8_t type, struct wire_part *p)
{
    p->version = get_u32(c);
    p->seq = get_u64(c);
    p->total = get_u32(c);
    p->offset = get_u32(c);
    p->len = (uint32_t)c->left; // of a packet
    p->p = rcur_take(c, c->left);
    bool sound = p->version && p->len && p->total <= MARKET_BYTES_MAX && p->offset < p->total &&
                 p->len <= p->total - p->offset;
    return sound && (type == WIRE_MARKET_PART || p->seq == 0) ? 0 : -1;
}

static int get_auction(struct rcur *c, struct wire_msg *m)
{
    struct auction a;
    m->u.auction.len = c->left;
    m->u.auction.p = rcur_take(c, c->left);
    return auction_decode(m->u.auction.p, m->u.auction.len, &a);
}

static int get_welcome(struct rcur *c, struct wire_welcome *w)
{
    if (get_u32(c) != WIRE_MAGIC)
        return -1;
    w->version = get_u16(c);
    w->instance = get_u64(c);
    w->n_accounts = get_u32(c);
    w->told = get_u64(c);
    w->does = get_u8(c);
    w->kick.chop_bps = get_u32(c);
    w->kick.chip_bps = get_u32(c);
    w->kick.rule = get_u32(c);
    w->kick.tip_e8 = get_i64(c);
    return 0;
}

static int get_body(struct rcur *c, struct wire_msg *m)
{
    switch (m->type) {
    case WIRE_HELLO:
        if (get_u32(c) != WIRE_MAGIC)
            return -1;
        m->u.version = get_u16(c);
        return 0;
    case WIRE_ORDER:
        return get_order(c, &m->u.order);
    case WIRE_LOOKUP:
        return get_lookup(c, &m->u.lookup);
    case WIRE_STATE:
        m->u.first_id = get_u32(c);
        return 0;
    case WIRE_LEDGER:
        m->u.first_row = get_u32(c);
        return 0;
    case WIRE_WELCOME:
        return get_welcome(c, &m->u.welcome);
    case WIRE_REPLY:
        m->u.reply.len = c->left;
        m->u.reply.p = rcur_take(c, c->left);
        return m->u.reply.len ? 0 : -1;
    case WIRE_WATCH:
        m->u.watch.after = get_u64(c);
        m->u.watch.room = get_u32(c);
        m->u.watch.market = get_u8(c);
        return m->u.watch.market <= 1 ? 0 : -1;
    case WIRE_SET:
        m->u.set.len = c->left;
        m->u.set.p = rcur_take(c, c->left);
        return m->u.set.len ? 0 : -1;
    case WIRE_TOLD:
        m->u.told.seq = get_u64(c);
        m->u.told.len = c->left;
        m->u.told.p = rcur_take(c, c->left);
        return m->u.told.len ? 0 : -1;
    case WIRE_MARKET:
        return 0;
    case WIRE_SET_MARKET:
    case WIRE_MARKET_PART:
        return get_part(c, m->type, &m->u.part);
    case WIRE_IS_SET:
        m->u.is_set.id = get_u32(c);
        m->u.is_set.epoch = get_u32(c);
        return 0;
    case WIRE_ABSENT:
        get_key(c, &m->u.absent);
        return 0;
    case WIRE_STATES:
        return get_states(c, &m->u.states);
    case WIRE_AUCTION:
        return get_auction(c, m);
    case WIRE_BALANCES:
        return get_balances(c, &m->u.balances);
    case WIRE_ERROR:
        m->u.error.code = get_u8(c);
        get_key(c, &m->u.error.key);
        return get_text(c, m->u.error.text, WIRE_TEXT_MAX);
    default:
        return -1;
    }
}

int wire_decode(const uint8_t *buf, size_t len, struct wire_msg *m)
{
    if (len > WIRE_MAX)
        return -1;
    struct rcur c = rcur_of(buf, len);
    m->type = get_u8(&c);
    if (c.bad || get_body(&c, m))
        return -1;
    return rcur_end(&c) ? 0 : -1;
}

int wire_next_state(struct wire_states *s, struct account *a)
{
    if (s->n == 0)
        return s->len == 0 ? 0 : -1;
    struct rcur c = rcur_of(s->p, s->len);
    size_t n = get_u16(&c);
    const uint8_t *at = rcur_take(&c, n);
    if (!at || account_decode(at, n, a) != n || !a->rule)
        return -1;
    s->n--;
    s->p = c.p;
    s->len = c.left;
    return 1;
}
