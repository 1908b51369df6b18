// SPDX-License-Identifier: Apache-2.0
#include "exec/order.h"

#include <assert.h>
#include <stdio.h>

#include "accounts/store.h"
#include "base/cursor.h"
#include "exec/auction.h"

// States, what a chain says, and what tells of an auction have versions of their own: a program that does not
// know them refuses them by their first byte, and the replies in journals and venues from before stay what
// they are.
enum { ORDER_VERSION = 1, REPLY_VERSION = 1, STATE_VERSION = 2, MINED_VERSION = 3, NOTE_VERSION = 4 };

static int cmp_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

int order_key_cmp(const struct order_key *a, const struct order_key *b)
{
    int c = cmp_u32(a->desk, b->desk);
    if (!c)
        c = cmp_u32(a->account, b->account);
    if (!c)
        c = cmp_u32(a->epoch, b->epoch);
    return c ? c : cmp_u32(a->revision, b->revision);
}

char *order_key_format(const struct order_key *k, char *buf, size_t size)
{
    (void)snprintf(buf, size, "d%u-a%u-e%u-r%u", k->desk, k->account, k->epoch, k->revision);
    return buf;
}

static void get_key(struct rcur *c, struct order_key *k)
{
    k->desk = get_u32(c);
    k->account = get_u32(c);
    k->epoch = get_u32(c);
    k->revision = get_u32(c);
}

void order_key_encode(const struct order_key *k, uint8_t buf[ORDER_KEY_BYTES])
{
    le32_store(buf, k->desk);
    le32_store(buf + 4, k->account);
    le32_store(buf + 8, k->epoch);
    le32_store(buf + 12, k->revision);
}

static void put_key(struct wcur *c, const struct order_key *k)
{
    uint8_t *at = wcur_take(c, ORDER_KEY_BYTES);
    if (at)
        order_key_encode(k, at);
}

void order_key_decode(const uint8_t buf[ORDER_KEY_BYTES], struct order_key *k)
{
    struct rcur c = rcur_of(buf, ORDER_KEY_BYTES);
    get_key(&c, k);
}

size_t order_encode(const struct order *o, uint8_t *buf, size_t size)
{
    if (o->n == 0 || o->n > ORDER_LEGS_MAX)
        return 0;
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, ORDER_VERSION);
    put_u8(&c, o->full);
    put_u16(&c, o->n);
    put_key(&c, &o->key);
    put_i64(&c, o->value_e8);
    put_i64(&c, o->reward_e8);
    for (unsigned i = 0; i < o->n; i++) {
        put_u16(&c, o->leg[i].instrument);
        put_i128(&c, o->leg[i].qty);
    }
    return wcur_done(&c);
}

int order_decode(const uint8_t *buf, size_t len, struct order *o)
{
    struct rcur c = rcur_of(buf, len);
    uint8_t version = get_u8(&c), full = get_u8(&c);
    o->n = get_u16(&c);
    get_key(&c, &o->key);
    o->value_e8 = get_i64(&c);
    o->reward_e8 = get_i64(&c);
    if (c.bad || version != ORDER_VERSION || full > 1 || o->n == 0 || o->n > ORDER_LEGS_MAX)
        return -1;
    o->full = full;
    for (unsigned i = 0; i < o->n; i++) {
        o->leg[i].instrument = get_u16(&c);
        o->leg[i].qty = get_i128(&c);
        // Zero is a reserve's "what the rule gives"; which legs may be zero is the rule's to say.
        if (o->leg[i].instrument >= MARKET_INSTRUMENTS_MAX || o->leg[i].qty < 0)
            return -1;
    }
    return rcur_end(&c) ? 0 : -1;
}

const char *order_status_name(uint8_t status)
{
    switch (status) {
    case ORDER_FILLED:
        return "filled";
    case ORDER_REFUSED:
        return "refused";
    case ORDER_UNKNOWN:
        return "unknown (fenced)";
    case ORDER_STATE:
        return "state";
    case ORDER_MARKET:
        return "market";
    case ORDER_MINED:
        return "mined";
    case ORDER_UNDONE:
        return "undone";
    case ORDER_INPUT:
        return "input";
    case ORDER_TAKEN:
        return "taken";
    default:
        return "?";
    }
}

static bool is_mined(uint8_t status)
{
    return status == ORDER_MINED || status == ORDER_UNDONE;
}

static bool may_note(uint8_t status)
{
    return status == ORDER_FILLED || status == ORDER_REFUSED || status == ORDER_TAKEN;
}

static uint8_t version_of(uint8_t status, bool note)
{
    if (is_mined(status))
        return MINED_VERSION;
    if (note)
        return NOTE_VERSION;
    return status == ORDER_STATE ? STATE_VERSION : REPLY_VERSION;
}

static bool mined_sound(const struct order_reply *r)
{
    const struct order_mined *m = &r->mined;
    const struct order_key none = {0};
    if (m->instrument >= MARKET_INSTRUMENTS_MAX)
        return false;
    if (m->success)
        return order_key_cmp(&r->key, &none) != 0;
    return m->instrument == 0 && m->profit == 0;
}

static bool reply_sound(const struct order_reply *r)
{
    const struct order_key *k = &r->key;
    bool state = r->status == ORDER_STATE;
    if (is_mined(r->status))
        return !r->has_account && mined_sound(r);
    bool taken = r->status == ORDER_TAKEN;
    if (r->n_note > NOTE_BYTES || (r->n_note && !may_note(r->status)) || (taken && !r->n_note))
        return false;
    if (!taken && (r->status < ORDER_FILLED || r->status > ORDER_STATE))
        return false;
    if (r->has_account != (state || r->status == ORDER_FILLED))
        return false;
    if (state && (k->desk || k->epoch || k->revision || r->reason[0]))
        return false;
    return !r->has_account || r->account.id == r->key.account;
}

static void put_mined(struct wcur *c, const struct order_mined *m)
{
    put_u8(c, m->success);
    put_u16(c, m->instrument);
    put_u64(c, m->block);
    put_bytes(c, m->hash, sizeof m->hash);
    put_i128(c, (i128)m->profit);
    put_i128(c, (i128)m->gas_wei);
    put_i128(c, (i128)m->paid_wei);
}

static int get_mined(struct rcur *c, struct order_mined *m)
{
    uint8_t success = get_u8(c);
    m->success = success == 1;
    m->instrument = get_u16(c);
    m->block = get_u64(c);
    const uint8_t *hash = rcur_take(c, sizeof m->hash);
    if (!hash || success > 1)
        return -1;
    memcpy(m->hash, hash, sizeof m->hash);
    m->profit = (u128)get_i128(c);
    m->gas_wei = (u128)get_i128(c);
    m->paid_wei = (u128)get_i128(c);
    return 0;
}

size_t reply_encode(const struct order_reply *r, uint8_t *buf, size_t size)
{
    size_t n = strnlen(r->reason, REASON_LEN);
    if (!reply_sound(r) || n >= REASON_LEN)
        return 0;
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, version_of(r->status, r->n_note != 0));
    put_u8(&c, r->status);
    put_key(&c, &r->key);
    put_u8(&c, (uint8_t)n);
    put_bytes(&c, r->reason, n);
    if (is_mined(r->status))
        put_mined(&c, &r->mined);
    if (r->n_note) {
        put_u16(&c, r->n_note);
        put_bytes(&c, r->note, r->n_note);
    }
    if (c.bad)
        return 0;
    if (!r->has_account)
        return wcur_done(&c);
    size_t m = account_encode(&r->account, c.p, c.left);
    return m ? c.done + m : 0;
}

// What the encoding does not carry.
static void leave_out(struct order_reply *r)
{
    r->sent_after_ns = 0; // nobody has measured it
    r->waited = false;
    r->market = NULL;
    r->n_note = 0;
    r->mined = (struct order_mined){0};
    r->input.type = 0;
    r->input.data = NULL;
    r->input.n = 0;
}

static int get_note(struct rcur *c, struct order_reply *r)
{
    static_assert((int)AUCTION_BYTES <= (int)NOTE_BYTES, "an auction fits");
    struct auction a;
    uint16_t n = get_u16(c);
    const uint8_t *at = n <= NOTE_BYTES ? rcur_take(c, n) : NULL;
    if (!at || auction_decode(at, n, &a))
        return -1;
    memcpy(r->note, at, n);
    r->n_note = n;
    return 0;
}

int reply_decode(const uint8_t *buf, size_t len, struct order_reply *r)
{
    leave_out(r);
    struct rcur c = rcur_of(buf, len);
    uint8_t version = get_u8(&c);
    r->status = get_u8(&c);
    get_key(&c, &r->key);
    uint8_t n = get_u8(&c);
    bool note = version == NOTE_VERSION && may_note(r->status);
    if (c.bad || version != version_of(r->status, note) || n >= REASON_LEN)
        return -1;
    const uint8_t *text = rcur_take(&c, n);
    if (!text || memchr(text, 0, n))
        return -1;
    memcpy(r->reason, text, n);
    memset(r->reason + n, 0, REASON_LEN - n);
    if ((is_mined(r->status) && get_mined(&c, &r->mined)) || (note && get_note(&c, r)))
        return -1;
    r->has_account = r->status == ORDER_FILLED || r->status == ORDER_STATE;
    if (r->has_account) {
        size_t m = account_decode(c.p, c.left, &r->account);
        if (m == 0 || m != c.left || !r->account.rule)
            return -1;
    } else if (!rcur_end(&c)) {
        return -1;
    }
    return reply_sound(r) ? 0 : -1;
}

size_t ready_record_encode(const struct order_key *k, const uint8_t *bytes, size_t n, uint8_t *buf,
                           size_t size)
{
    struct wcur c = wcur_of(buf, size);
    put_key(&c, k);
    put_bytes(&c, bytes, n);
    return wcur_done(&c);
}

int ready_record_decode(const uint8_t *buf, size_t len, struct order_key *k, const uint8_t **bytes, size_t *n)
{
    if (len <= ORDER_KEY_BYTES || len > READY_RECORD_MAX)
        return -1;
    struct order o;
    order_key_decode(buf, k);
    *bytes = buf + ORDER_KEY_BYTES;
    *n = len - ORDER_KEY_BYTES;
    if (order_decode(*bytes, *n, &o) || order_key_cmp(k, &o.key) != 0)
        return -1;
    return 0;
}

enum { FLAG_READY = 1, FLAG_PREDICTED = 2, FLAG_SLIP = 4, FLAG_SLIP_KNOWN = 8, FLAGS = 16 };

size_t order_record_encode(const struct order_record *r, uint8_t buf[ORDER_RECORD_BYTES])
{
    uint8_t *at = buf + ORDER_KEY_BYTES;
    order_key_encode(&r->key, buf);
    at[0] = r->full;
    at[1] = (uint8_t)((r->ready ? FLAG_READY : 0) | (r->predicted ? FLAG_PREDICTED : 0) |
                      (r->has_slip ? FLAG_SLIP : 0) | (r->has_slip && r->slip_known ? FLAG_SLIP_KNOWN : 0));
    at[2] = r->answer;
    le64_store(at + 3, (uint64_t)r->value_e8);
    le64_store(at + 11, (uint64_t)r->reward_e8);
    if (r->has_slip)
        le64_store(at + 19, (uint64_t)r->slip_e8);
    return r->has_slip ? ORDER_RECORD_BYTES : ORDER_RECORD_SHORT;
}

int order_record_decode(const uint8_t *buf, size_t len, struct order_record *r)
{
    struct rcur c = rcur_of(buf, len);
    get_key(&c, &r->key);
    uint8_t full = get_u8(&c), flags = get_u8(&c);
    r->answer = get_u8(&c);
    r->value_e8 = get_i64(&c);
    r->reward_e8 = get_i64(&c);
    r->has_slip = flags & FLAG_SLIP;
    r->slip_known = flags & FLAG_SLIP_KNOWN;
    r->slip_e8 = r->has_slip ? get_i64(&c) : 0;
    if (!rcur_end(&c) || full > 1 || flags >= FLAGS || (r->slip_known && !r->has_slip))
        return -1;
    r->full = full;
    r->ready = flags & FLAG_READY;
    r->predicted = flags & FLAG_PREDICTED;
    return 0;
}
