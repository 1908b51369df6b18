// SPDX-License-Identifier: Apache-2.0
// Datagrams made here, byte by byte from the schemas: enough of a market for the decoders to do what they do
// at a venue. Prices and sizes are arbitrary.
#include "load.h"

#include "base/prng.h"
#include "feed/wire.h"

#include <string.h>

enum { DATAGRAMS = 10000, INSTRUMENTS = 8, SPAN_NS = 100000, VENUE_CHANNEL = 44849, ORDERS = 64 };
#define T0 UINT64_C(1790000000000000000)

struct dgram {
    uint8_t b[2000];
    size_t len, msg; // whole; where the newest message begins
};

static uint8_t *grow(struct dgram *g, size_t n)
{
    uint8_t *p = g->b + g->len;
    memset(p, 0, n);
    g->len += n;
    return p;
}

// ---- CME

static void cme_begin(struct dgram *g, uint32_t seq, uint64_t ts)
{
    g->len = 0;
    uint8_t *h = grow(g, 12);
    le32_store(h, seq);
    le64_store(h + 4, ts);
}
static uint8_t *cme_message(struct dgram *g, uint16_t id, uint16_t version, uint16_t block)
{
    g->msg = g->len;
    uint8_t *h = grow(g, 10u + block);
    le16_store(h + 2, block);
    le16_store(h + 4, id);
    le16_store(h + 6, 1);
    le16_store(h + 8, version);
    return h + 10;
}
static uint8_t *cme_group(struct dgram *g, size_t header, uint16_t block, uint8_t n)
{
    uint8_t *p = grow(g, header + (size_t)block * n);
    le16_store(p, block);
    p[header - 1] = n;
    return p + header;
}
static void cme_end(struct dgram *g)
{
    le16_store(g->b + g->msg, (uint16_t)(g->len - g->msg));
}

void load_cme_define(struct load *out, uint64_t ts_ns, uint16_t port, int32_t id)
{
    struct dgram g;
    cme_begin(&g, 1, ts_ns);
    uint8_t *r = cme_message(&g, 54, 13, 224);
    r[0] = 0x80;
    le32_store(r + 1, 1); // TotNumReports: of the replay feed
    r[5] = 'A';
    r[14] = 17;
    memcpy(r + 23, "XX", 2);
    memcpy(r + 29, "XX", 2);
    memcpy(r + 35, "XXZ6", 4);
    le32_store(r + 55, (uint32_t)id);
    le64_store(r + 91, 5000000000);
    le64_store(r + 99, 1000000000);
    le64_store(r + 140, 5000000000);
    cme_group(&g, 3, 9, 2);
    memcpy(cme_group(&g, 3, 4, 1), "GBX\12", 4);
    cme_group(&g, 3, 4, 1);
    cme_group(&g, 3, 5, 0);
    cme_end(&g);
    load_udp(out, ts_ns, 0xef010101, port, g.b, g.len);
}

// Ten levels a side stand; then one to three changes a message, one message in eight followed by a trade.
static void cme_entry(uint8_t *e, int64_t px, int32_t size, int32_t id, uint32_t rpt)
{
    le64_store(e, (uint64_t)px);
    le32_store(e + 8, (uint32_t)size);
    le32_store(e + 12, (uint32_t)id);
    le32_store(e + 16, rpt);
    le32_store(e + 20, 1);
}

void load_made_cme(struct load *out)
{
    struct prng rng;
    uint32_t rpt[INSTRUMENTS] = {0};
    *out = (struct load){0};
    prng_seed(&rng, 1);
    for (int32_t i = 0; i < INSTRUMENTS; i++)
        load_cme_define(out, T0, 14310, i + 1);
    for (uint32_t k = 0; k < DATAGRAMS + INSTRUMENTS; k++) {
        struct dgram g;
        bool first = k < INSTRUMENTS;
        unsigned i = first ? k : (unsigned)prng_below(&rng, INSTRUMENTS), n = first ? 20 : 1 + k % 3;
        cme_begin(&g, k + 1, T0 + k * SPAN_NS);
        uint8_t *r = cme_message(&g, 46, 9, 11);
        le64_store(r, T0 + k * SPAN_NS);
        r[8] = 0x80;
        uint8_t *e = cme_group(&g, 3, 32, (uint8_t)n);
        for (unsigned j = 0; j < n; j++, e += 32) {
            unsigned at = first ? j / 2 : (unsigned)prng_below(&rng, 10), ask = first ? j & 1 : k & 1;
            int64_t px = (20000 + (ask ? 1 + (int64_t)at : -(int64_t)at)) * 5000000000;
            cme_entry(e, px, (int32_t)(1 + prng_below(&rng, 99)), (int32_t)i + 1, ++rpt[i]);
            e[24] = (uint8_t)(at + 1);
            e[25] = first ? 0 : 1;
            e[26] = ask ? '1' : '0';
        }
        cme_group(&g, 8, 24, 0);
        cme_end(&g);
        if (!first && k % 8 == 0) {
            r = cme_message(&g, 48, 9, 11);
            le64_store(r, T0 + k * SPAN_NS);
            r[8] = 0x80;
            cme_entry(cme_group(&g, 3, 32, 1), INT64_C(20000) * 5000000000, 3, (int32_t)i + 1, ++rpt[i]);
            cme_group(&g, 8, 16, 2);
            cme_end(&g);
        }
        load_udp(out, T0 + k * SPAN_NS, 0xe0001f01, 14310, g.b, g.len);
        out->prelude += first;
    }
    out->prelude += INSTRUMENTS;
}

// ---- Deribit Starbase

struct starbase {
    struct dgram g;
    uint64_t seq, ts;
};

static void starbase_begin(struct starbase *s, uint16_t type, uint64_t seq, uint64_t ts)
{
    s->g.len = 0;
    s->seq = seq;
    s->ts = ts;
    uint8_t *h = grow(&s->g, 24);
    le64_store(h, ts);
    le64_store(h + 8, seq);
    le32_store(h + 16, VENUE_CHANNEL);
    le16_store(h + 20, type);
}
static uint8_t *starbase_message(struct starbase *s, uint16_t id, uint16_t len)
{
    uint8_t *m = grow(&s->g, len);
    le16_store(m, len);
    le16_store(m + 2, id);
    le16_store(m + 4, 1);
    le16_store(m + 6, 3); // a transaction of its own
    le64_store(m + 8, s->ts);
    le16_store(s->g.b + 22, (uint16_t)(le16_load(s->g.b + 22) + 1));
    return m;
}
static void starbase_order(struct starbase *s, uint16_t id, uint64_t order, unsigned inst, int64_t price)
{
    uint8_t *m = starbase_message(s, id, id <= 21 ? 56 : 32);
    le64_store(m + 16, order);
    le64_store(m + 24, inst);
    if (id <= 21) {
        le64_store(m + 32, 5);
        le64_store(m + 40, (uint64_t)price);
    }
}

static void starbase_snapshot(struct starbase *s, unsigned inst)
{
    for (unsigned half = 0; half < 2; half++) {
        uint8_t *m = starbase_message(s, half ? 101 : 100, 40);
        le64_store(m + 16, inst);
        le64_store(m + 24, T0);
        le64_store(m + 32, 999);
        if (half)
            return;
        m = starbase_message(s, 10, 284);
        le64_store(m + 16, inst);
        memcpy(m + 24, "ANY-PERPETUAL", 13);
        m[24] = (uint8_t)('A' + inst);
        le64_store(m + 152, 77);
        le64_store(m + 264, 500000000);
        m[272] = (uint8_t)-1;
        m[274] = 5;
        le16_store(m + 276, 16);
        le16_store(m + 280, 9);
        starbase_order(s, 20, inst * 2, inst, INT64_C(100) * 500000000);
        starbase_order(s, 21, inst * 2 + 1, inst, INT64_C(200) * 500000000);
    }
}

// Orders that rest for ORDERS datagrams; in one datagram of four a mark price, in one of eight an index.
void load_made_starbase(struct load *out)
{
    struct starbase s;
    struct prng rng;
    uint64_t seq = 1000, snapshots = 1;
    *out = (struct load){0};
    prng_seed(&rng, 2);
    for (unsigned i = 1; i <= INSTRUMENTS; i++) {
        starbase_begin(&s, 2, snapshots, T0);
        starbase_snapshot(&s, i);
        snapshots += 5;
        load_udp(out, T0, 0xe0000cc0, 4230, s.g.b, s.g.len);
    }
    out->prelude = out->n;
    for (unsigned k = 0; k < DATAGRAMS; k++) {
        starbase_begin(&s, 1, seq, T0 + k * SPAN_NS);
        uint16_t side = k & 1;
        int64_t px = (side ? 151 + (int64_t)prng_below(&rng, 20) : 149 - (int64_t)prng_below(&rng, 20));
        starbase_order(&s, (uint16_t)(20 + side), 1000 + k, 1 + k % INSTRUMENTS, px * 500000000);
        if (k >= ORDERS)
            starbase_order(&s, (uint16_t)(24 + side), 1000 + k - ORDERS, 1 + k % INSTRUMENTS, 0);
        if (k % 4 == 0) {
            uint8_t *m = starbase_message(&s, 14, 48);
            le64_store(m + 16, 1 + k % INSTRUMENTS);
            le64_store(m + 40, 150 * UINT64_C(500000000));
        }
        if (k % 8 == 0) {
            uint8_t *m = starbase_message(&s, 12, 32);
            le64_store(m + 16, 77);
            le64_store(m + 24, 150 * UINT64_C(500000000));
        }
        seq += le16_load(s.g.b + 22);
        load_udp(out, s.ts, 0xe0000cc1, 4220, s.g.b, s.g.len);
    }
}

// ---- Coinbase Derivatives

struct cde {
    struct dgram g;
    uint64_t ts;
    uint32_t own[INSTRUMENTS + 1];
};

static void cde_begin(struct cde *c, uint8_t bits, uint64_t seq, uint32_t inst)
{
    c->g.len = 0;
    uint8_t *h = grow(&c->g, 24);
    le64_store(h, c->ts);
    le64_store(h + 8, seq);
    le16_store(h + 16, VENUE_CHANNEL);
    h[18] = bits;
    le32_store(h + 20, inst);
}
static uint8_t *cde_message(struct cde *c, uint16_t id, uint16_t block)
{
    uint16_t len = (uint16_t)((10 + block + 7) & ~7);
    uint8_t *m = grow(&c->g, len);
    le16_store(m, len);
    le16_store(m + 2, block);
    le16_store(m + 4, id);
    le16_store(m + 6, 1201);
    le16_store(m + 8, 7);
    c->g.b[19]++;
    return m;
}
static uint8_t *cde_live(struct cde *c, uint16_t id, uint16_t block, int side, uint32_t inst)
{
    uint8_t *m = cde_message(c, id, block);
    m[10] = 3;
    m[11] = (uint8_t)side;
    le32_store(m + 12, inst);
    le32_store(m + 16, ++c->own[inst]);
    le16_store(m + 20, 18806);
    le64_store(m + 24, c->ts);
    return m;
}

static void cde_snapshot(struct cde *c, uint32_t inst)
{
    cde_begin(c, 2, 999, inst);
    uint8_t *m = cde_message(c, 110, 130);
    le32_store(m + 12, c->own[inst]);
    memcpy(m + 16, "XITZ26", 6);
    m[16] = (uint8_t)('A' + inst);
    le64_store(m + 80, 5000000000);
    le32_store(m + 108, 1);
    le32_store(m + 112, 2);
    m[123] = 1;
    le64_store(m + 124, 1000000);
    for (unsigned k = 1; k <= 2; k++) {
        m = cde_message(c, 120, 30);
        le16_store(m + 10, (uint16_t)k);
        le32_store(m + 12, (uint32_t)(k == 1 ? 5 : -7));
        le64_store(m + 24, inst * 2 + k);
        le64_store(m + 32, (k == 1 ? 100 : 200) * UINT64_C(5000000000));
    }
    m = cde_message(c, 122, 160);
    le16_store(m + 10, 3);
}

// As above: orders that rest for ORDERS datagrams, a funding message (mark and index) in one of eight.
void load_made_cde(struct load *out)
{
    struct cde c = {.ts = T0};
    struct prng rng;
    uint64_t seq = 1000;
    *out = (struct load){0};
    prng_seed(&rng, 3);
    for (uint32_t i = 1; i <= INSTRUMENTS; i++) {
        cde_snapshot(&c, i);
        load_udp(out, T0, 0xe0000cc0, 4230, c.g.b, c.g.len);
    }
    out->prelude = out->n;
    for (unsigned k = 0; k < DATAGRAMS; k++) {
        uint32_t inst = 1 + k % INSTRUMENTS;
        int side = k & 1 ? -1 : 1;
        c.ts = T0 + k * SPAN_NS;
        cde_begin(&c, 1, seq, 0);
        uint8_t *m = cde_live(&c, 20, 42, side, inst);
        int64_t px = (k & 1 ? 151 + (int64_t)prng_below(&rng, 20) : 149 - (int64_t)prng_below(&rng, 20));
        le64_store(m + 32, 1000 + k);
        le64_store(m + 40, (uint64_t)px * 5000000000);
        le32_store(m + 48, 5);
        if (k >= ORDERS) {
            m = cde_live(&c, 21, 30, side, inst);
            le64_store(m + 32, 1000 + k - ORDERS);
        }
        if (k % 8 == 0) {
            m = cde_live(&c, 43, 71, -128, inst);
            le64_store(m + 40, 150 * UINT64_C(5000000000));
            le64_store(m + 48, 150 * UINT64_C(5000000000));
        }
        seq += c.g.b[19];
        load_udp(out, c.ts, 0xe0000cc1, 4220, c.g.b, c.g.len);
    }
}
