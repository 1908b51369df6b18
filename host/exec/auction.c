// SPDX-License-Identifier: Apache-2.0
#include "exec/auction.h"

#include "base/cursor.h"
#include "journal/journal.h"

enum { AUCTION_VERSION = 1, BID_VERSION = 0xb1, LOT_BITS = 120, TAB_BITS = 240, E8_DIGITS = 8 };
#define TIME_BITS 48

static void put_u256(struct wcur *c, u256 v)
{
    for (unsigned i = 0; i < 4; i++)
        put_u64(c, v.w[i]);
}

static u256 get_u256(struct rcur *c)
{
    u256 v;
    for (unsigned i = 0; i < 4; i++)
        v.w[i] = get_u64(c);
    return v;
}

static void put_key(struct wcur *c, const struct order_key *k)
{
    uint8_t *at = wcur_take(c, ORDER_KEY_BYTES);
    if (at)
        order_key_encode(k, at);
}

static bool sound_clip(const struct clip *k)
{
    const u256 ray = u256_pow10(RAY_DIGITS);
    if (k->calc.kind >= CURVE_KINDS || u256_cmp(k->calc.cut, ray) > 0 || k->locked || k->stopped)
        return false;
    if (k->calc.kind == CURVE_STAIRSTEP && k->calc.step == 0)
        return false;
    if (k->tail >> TIME_BITS || k->tic >> TIME_BITS || u256_bits(k->lot) > LOT_BITS ||
        u256_bits(k->tab) > TAB_BITS)
        return false;
    bool left = !u256_is_zero(k->tab) && !u256_is_zero(k->lot) && !u256_is_zero(k->top);
    bool none = u256_is_zero(k->tab) && u256_is_zero(k->lot) && u256_is_zero(k->top) && k->tic == 0;
    return k->running ? left : none;
}

static bool sound(const struct auction *a)
{
    bool taken = a->event == AUCTION_TAKEN;
    if (a->id == 0 || a->version == 0 || a->event >= AUCTION_EVENTS || a->second >> TIME_BITS)
        return false;
    if (a->coll >= MARKET_INSTRUMENTS_MAX || a->debt >= MARKET_INSTRUMENTS_MAX)
        return false;
    if (taken ? a->slice == 0 : a->slice != 0 || !u256_is_zero(a->owe))
        return false;
    return sound_clip(&a->k) && (a->k.running || taken);
}

size_t auction_encode(const struct auction *a, uint8_t *buf, size_t size)
{
    const struct clip *k = &a->k;
    struct wcur c = wcur_of(buf, size);
    if (!sound(a))
        return 0;
    put_u8(&c, AUCTION_VERSION);
    put_u32(&c, a->id);
    put_u32(&c, a->version);
    put_u32(&c, a->account);
    put_u16(&c, a->coll);
    put_u16(&c, a->debt);
    put_u8(&c, a->event);
    put_u32(&c, a->by);
    put_u64(&c, a->second);
    put_i128(&c, (i128)a->slice);
    put_u256(&c, a->owe);
    put_u8(&c, (uint8_t)k->calc.kind);
    put_u64(&c, k->calc.tau);
    put_u64(&c, k->calc.step);
    const u256 terms[] = {k->calc.cut, k->buf, k->cusp, k->chip, k->tip, k->chost};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        put_u256(&c, terms[i]);
    put_u64(&c, k->tail);
    put_u8(&c, k->running);
    put_u256(&c, k->tab);
    put_u256(&c, k->lot);
    put_u256(&c, k->top);
    put_u64(&c, k->tic);
    return wcur_done(&c);
}

void auction_input(const uint8_t *bytes, size_t n, struct order_reply *r)
{
    memset(r, 0, offsetof(struct order_reply, account));
    r->status = ORDER_INPUT;
    r->market = NULL;
    r->sent_after_ns = 0;
    r->input.type = J_AUCTION;
    r->input.data = r->note;
    r->input.n = n;
    memcpy(r->note, bytes, n);
}

static void get_clip(struct rcur *c, struct clip *k, uint8_t *running)
{
    k->calc.kind = (enum curve_kind)get_u8(c);
    k->calc.tau = get_u64(c);
    k->calc.step = get_u64(c);
    u256 *const terms[] = {&k->calc.cut, &k->buf, &k->cusp, &k->chip, &k->tip, &k->chost};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        *terms[i] = get_u256(c);
    k->tail = get_u64(c);
    *running = get_u8(c);
    k->running = *running == 1;
    k->tab = get_u256(c);
    k->lot = get_u256(c);
    k->top = get_u256(c);
    k->tic = get_u64(c);
}

int auction_decode(const uint8_t *buf, size_t len, struct auction *a)
{
    struct rcur c = rcur_of(buf, len);
    uint8_t version = get_u8(&c), running;
    *a = (struct auction){.id = get_u32(&c)};
    a->version = get_u32(&c);
    a->account = get_u32(&c);
    a->coll = get_u16(&c);
    a->debt = get_u16(&c);
    a->event = get_u8(&c);
    a->by = get_u32(&c);
    a->second = get_u64(&c);
    a->slice = (u128)get_i128(&c);
    a->owe = get_u256(&c);
    get_clip(&c, &a->k, &running);
    return rcur_end(&c) && version == AUCTION_VERSION && running <= 1 && sound(a) ? 0 : -1;
}

static bool sound_bid(const struct bid *b)
{
    bool zero = u256_is_zero(b->amt) && u256_is_zero(b->max);
    if (!is_bid(&b->key) || b->key.account == 0 || b->version == 0 || b->value_e8 < 0)
        return false;
    return b->what == BID_TAKE ? !u256_is_zero(b->amt) : b->what == BID_RESET && zero;
}

size_t bid_encode(const struct bid *b, uint8_t *buf, size_t size)
{
    struct wcur c = wcur_of(buf, size);
    if (!sound_bid(b))
        return 0;
    put_u8(&c, BID_VERSION);
    put_key(&c, &b->key);
    put_u8(&c, b->what);
    put_u32(&c, b->version);
    put_u256(&c, b->amt);
    put_u256(&c, b->max);
    put_i64(&c, b->value_e8);
    return wcur_done(&c);
}

int bid_decode(const uint8_t *buf, size_t len, struct bid *b)
{
    struct rcur c = rcur_of(buf, len);
    uint8_t version = get_u8(&c);
    const uint8_t *key = rcur_take(&c, ORDER_KEY_BYTES);
    *b = (struct bid){.what = get_u8(&c)};
    if (key)
        order_key_decode(key, &b->key);
    b->version = get_u32(&c);
    b->amt = get_u256(&c);
    b->max = get_u256(&c);
    b->value_e8 = get_i64(&c);
    return rcur_end(&c) && version == BID_VERSION && sound_bid(b) ? 0 : -1;
}

// ---- money

// Decimal places of a price that is told as a whole number of quanta, of one unit of the token.
static unsigned places(const struct market *m, const struct instrument *in)
{
    return (unsigned)m->asset[in->asset].decimals + in->size_decimals;
}

struct clip_feed auction_feed(const struct market *m, uint16_t coll, uint16_t debt, const int64_t *px)
{
    enum { PAR_DIGITS = 9 }; // what clip_feed_price() multiplies the price by
    const struct instrument *c = &m->instrument[coll], *d = &m->instrument[debt];
    struct checked ck = {0};
    struct clip_feed f = {.has = px[c->asset] > 0 && px[d->asset] > 0, .par = ck_u64(1)};
    if (!f.has)
        return f;
    unsigned pc = places(m, c), pd = places(m, d);
    f.val = ck_mul(&ck, ck_u64((uint64_t)px[c->asset]), u256_pow10(pd > pc ? pd - pc : 0));
    f.par = ck_mul(&ck, ck_u64((uint64_t)px[d->asset]), u256_pow10((pc > pd ? pc - pd : 0) + PAR_DIGITS));
    (void)clip_feed_price(&ck, &f);
    f.has = ck_ok(&ck);
    return f;
}

bool auction_rad(const struct market *m, uint16_t debt, const int64_t *px, int64_t e8, bool up, u256 *out)
{
    const struct instrument *d = &m->instrument[debt];
    struct checked ck = {0};
    *out = U256_ZERO;
    if (px[d->asset] <= 0)
        return false;
    if (e8 <= 0)
        return true;
    u256 scale = u256_pow10(places(m, d) + RAY_DIGITS - E8_DIGITS), price = ck_u64((uint64_t)px[d->asset]);
    u256 all = ck_mul(&ck, ck_u64((uint64_t)e8), scale);
    *out = up ? ck_div_up(&ck, all, price) : ck_div(&ck, all, price);
    return ck_ok(&ck);
}

int64_t auction_e8(const struct market *m, uint16_t debt, const int64_t *px, u256 rad)
{
    const struct instrument *d = &m->instrument[debt];
    struct checked ck = {0};
    if (px[d->asset] <= 0)
        return INT64_MAX;
    u256 e8 = ck_full_div_up(&ck, rad, ck_u64((uint64_t)px[d->asset]),
                             u256_pow10(places(m, d) + RAY_DIGITS - E8_DIGITS));
    return !ck_ok(&ck) || u256_bits(e8) > 63 ? INT64_MAX : (int64_t)e8.w[0];
}

int64_t auction_sum_e8(int64_t a, int64_t b)
{
    int64_t sum;
    return !__builtin_add_overflow(a, b, &sum) ? sum : b < 0 ? INT64_MIN : INT64_MAX;
}

u128 auction_units_up(u256 rad)
{
    struct checked ck = {0};
    u256 units = ck_div_up(&ck, rad, u256_pow10(RAY_DIGITS));
    return u256_bits(units) > 127 ? ((u128)1 << 127) - 1 : u256_to_u128(units);
}
