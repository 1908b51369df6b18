// SPDX-License-Identifier: Apache-2.0
// Helpers of the tests of the two protocols with 24-byte packet headers: packets byte by byte, a sink that
// keeps what it is given, and the program's other life as a tool for tests/e2e/test_decode_{starbase,cde}.py:
//   --tables    the schema tables
//   --rows      rows, and --messages: feed_msg, of the datagrams on standard input, one a line:
//               <destination address> <port> <skip> <gap> <restart> <payload in hex>
// No arbiter is at work: each datagram is taken as it comes.
#ifndef TRIPLINE_TEST_FRAME24TEST_H
#define TRIPLINE_TEST_FRAME24TEST_H

#include "base/prng.h"
#include "base/test_seed.h"
#include "feed/frame24.h"
#include "feed/frame24_book.h"
#include "feed/protocol.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP = 256, PAYLOAD = 2048 };

struct kept {
    struct feed_msg msg[KEEP];
    unsigned n;
};

static inline void keep(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct kept *k = ctx;
    (void)p;
    if (k->n < KEEP)
        k->msg[k->n] = *m;
    k->n++;
}

// A datagram under construction. Offsets of a message count from its start.
struct packet {
    uint8_t bytes[PAYLOAD];
    size_t len, msg; // whole; start of the newest message
};

static inline void put64(struct packet *p, size_t at, int64_t v)
{
    le64_store(p->bytes + p->msg + at, (uint64_t)v);
}
static inline void put32(struct packet *p, size_t at, int64_t v)
{
    le32_store(p->bytes + p->msg + at, (uint32_t)v);
}
static inline void put16(struct packet *p, size_t at, int64_t v)
{
    le16_store(p->bytes + p->msg + at, (uint16_t)v);
}
static inline void put8(struct packet *p, size_t at, int64_t v)
{
    p->bytes[p->msg + at] = (uint8_t)v;
}

// One context of a protocol under test.
struct rig {
    const struct feed_protocol *proto;
    struct feed_counters n;
    struct protocol_ctx c;
    struct kept kept;
    struct feed_sink sink;
    uint32_t ip;
    enum feed_drop why; // of the newest datagram
    struct frame_info info;
};

static inline void rig_open(struct rig *r, const struct feed_protocol *proto)
{
    memset(r, 0, sizeof *r);
    r->proto = proto;
    r->c = (struct protocol_ctx){proto->state_new(), &r->n};
    r->sink = (struct feed_sink){&r->kept, keep, NULL};
    r->ip = 0xe0000cc1;
    if (!r->c.state)
        abort();
}

static inline void rig_close(struct rig *r)
{
    r->proto->state_free(r->c.state);
}

struct taking {
    uint16_t port;
    uint32_t skip;
    uint64_t gap;
    bool restart;
    FILE *rows;
};

// Takes a copy that is exactly as long as the datagram, so that a sanitizer sees any read beyond it. False
// when the probe says that it is not this protocol's.
static inline bool rig_take(struct rig *r, const uint8_t *bytes, size_t len, const struct taking *t)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    if (len)
        memcpy(copy, bytes, len);
    r->kept.n = 0;
    r->why = DROP_UNKNOWN;
    struct packet_udp u = {.dst_ip = r->ip, .dst_port = t->port, .payload = copy, .len = len};
    memset(&r->info, 0, sizeof r->info);
    bool mine = r->proto->probe(copy, len);
    if (mine)
        r->why = r->proto->frame(copy, len, &u, &r->info);
    if (r->why == DROP_NONE && !r->info.heartbeat) {
        struct feed_packet p = {.ts_ns = 1700000000000000000,
                                .dst_ip = r->ip,
                                .dst_port = t->port,
                                .channel = r->info.channel,
                                .stream = r->info.stream,
                                .snapshot = r->info.snapshot,
                                .venue = (uint8_t)r->proto->venue,
                                .line = r->info.line,
                                .seq = r->info.seq,
                                .count = r->info.count,
                                .restart = t->restart,
                                .gap = t->gap,
                                .payload = copy,
                                .len = len};
        if ((t->gap || t->restart) && !p.snapshot)
            r->proto->broken(&r->c, p.stream);
        r->proto->deliver(&r->c, &p, t->skip, &r->sink);
        if (t->rows)
            r->proto->rows(&r->c, &p, t->skip, t->rows);
    }
    free(copy);
    return mine;
}

static inline enum feed_drop rig_send(struct rig *r, const struct packet *p)
{
    rig_take(r, p->bytes, p->len, &(struct taking){.port = 4220});
    return r->why;
}

// ---- of the tests: one context, the datagram under construction

static struct rig rig;
static struct packet pk;

static inline const struct feed_msg *only(enum feed_kind kind)
{
    const struct feed_msg *found = NULL;
    for (unsigned i = 0; i < rig.kept.n; i++)
        if (rig.kept.msg[i].kind == kind) {
            ck_assert_ptr_null(found);
            found = &rig.kept.msg[i];
        }
    ck_assert_ptr_nonnull(found);
    return found;
}

static inline unsigned count(enum feed_kind kind)
{
    unsigned n = 0;
    for (unsigned i = 0; i < rig.kept.n; i++)
        n += rig.kept.msg[i].kind == kind;
    return n;
}

static inline void ck_num(const struct feed_num *n, int64_t m, int exp10)
{
    ck_assert_uint_eq(n->form, NUM_DECIMAL);
    ck_assert_int_eq(n->v.m, m);
    ck_assert_int_eq(n->exp10, exp10);
}

// Whatever single byte of pk is damaged, and wherever it is cut short: nothing is read outside the datagram
// (sanitizers), and the context goes on.
static inline void damage_each_byte(struct prng *g)
{
    struct packet good = pk;
    for (size_t at = 0; at < good.len; at++) {
        pk = good;
        pk.bytes[at] = (uint8_t)prng_u64(g);
        rig_send(&rig, &pk);
        rig_take(&rig, good.bytes, at, &(struct taking){0});
        ck_assert_int_ne(rig.why, DROP_NONE);
    }
}

// The rows of `tripline decode` have every field of every layout, but for those named reserved.
static inline void check_columns(const char *columns, const struct f24_layout *l, unsigned n)
{
    char all[4096];
    ck_assert_uint_lt((size_t)snprintf(all, sizeof all, ",%s,", columns), sizeof all);
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < l[i].fields; k++) {
            char name[64];
            snprintf(name, sizeof name, ",%s,", l[i].field[k].name);
            ck_assert_msg(strcmp(name, ",reserved,") == 0 || strstr(all, name) != NULL, "%s", name);
        }
}

// ---- the tool

static inline void tool_names(const struct f24_names *e)
{
    for (unsigned i = 0; i < e->n; i++)
        printf("E %s %d %d %s\n", e->type, e->set, e->value[i].value, e->value[i].name);
}

static inline void tool_layouts(const struct f24_layout *l, size_t n)
{
    static const char *const kinds[] = {"int8",   "uint8", "int16",  "uint16",   "int32", "uint32", "int64",
                                        "uint64", "price", "double", "charenum", "text",  "expiry"};
    for (size_t i = 0; i < n; i++) {
        printf("L %s %u %u %u %u %u\n", l[i].name, l[i].template_id, l[i].version_min, l[i].version_max,
               l[i].used, l[i].groups);
        for (unsigned k = 0; k < l[i].fields; k++) {
            const struct f24_field *f = &l[i].field[k];
            printf("F %s %u %u %s %u %s\n", f->name, f->at, f->size, kinds[f->type], f->since,
                   f->names ? f->names->type : "-");
        }
    }
}

static inline void tool_num(const char *name, const struct feed_num *n)
{
    if (n->form == NUM_DECIMAL)
        printf(" %s=%" PRId64 "e%d", name, n->v.m, n->exp10);
}

static inline void tool_message(const struct feed_msg *m)
{
    static const char *const bits[] = {"mark", "index", "bid",    "ask",
                                       "last", "state", "amount", "liquidation"};
    printf("kind=%u id=%" PRIu64 " template=%u version=%u idx=%u ts=%" PRIu64 " has=", m->kind,
           m->instrument_id, m->template_id, m->version, m->msg_idx, m->ts_ns);
    for (unsigned i = 0; i < 8; i++)
        if (m->has >> i & 1)
            printf("%s,", bits[i]);
    // What has does not say is not defined.
    const struct feed_num *const nums[] = {&m->mark, &m->index, &m->bid, &m->ask, &m->last, NULL, &m->amount};
    for (unsigned i = 0; i < 7; i++)
        if (nums[i] && m->has >> i & 1)
            tool_num(bits[i], nums[i]);
    if (m->has & HAS_BID)
        tool_num("bid_amount", &m->bid_amount);
    if (m->has & HAS_ASK)
        tool_num("ask_amount", &m->ask_amount);
    if (m->has & HAS_STATE)
        printf(" state=%u", m->state);
    if (m->kind == FEED_INSTRUMENT) {
        printf(" inst_kind=%u inst_type=%u index_id=%" PRIu64, m->inst_kind, m->inst_type, m->index_id);
        tool_num("tick", &m->tick);
        tool_num("contract_size", &m->contract_size);
    }
    printf(" name=%s\n", m->name);
}

static inline size_t tool_hex(const char *text, uint8_t *out, size_t max)
{
    size_t n = 0;
    for (unsigned v; n < max && sscanf(text + 2 * n, "%2x", &v) == 1; n++)
        out[n] = (uint8_t)v;
    return n;
}

static inline int tool_packets(const struct feed_protocol *proto, bool rows)
{
    static struct rig r;
    static char line[3 * 65536], hex[3 * 65536];
    static uint8_t bytes[65536];
    rig_open(&r, proto);
    if (rows)
        printf("%s\n", proto->columns);
    while (fgets(line, sizeof line, stdin)) {
        struct taking t = {.rows = rows ? stdout : NULL};
        unsigned ip, port, skip, restart;
        hex[0] = 0;
        if (sscanf(line, "%u %u %u %" SCNu64 " %u %s", &ip, &port, &skip, &t.gap, &restart, hex) < 5)
            return EXIT_FAILURE;
        t.port = (uint16_t)port;
        t.skip = skip;
        t.restart = restart != 0;
        r.ip = ip;
        bool mine = rig_take(&r, bytes, tool_hex(hex, bytes, sizeof bytes), &t);
        for (unsigned i = 0; !rows && i < r.kept.n && i < KEEP; i++)
            tool_message(&r.kept.msg[i]);
        printf("#%s drop=%d channel=%u snapshot=%d line=%u seq=%" PRIu64
               " count=%u heartbeat=%d unordered=%d time=%" PRIu64 " bad=%" PRIu64 " other=%" PRIu64
               " unknown=%" PRIu64 "\n",
               mine ? "mine" : "foreign", (int)r.why, r.info.channel, r.info.snapshot, r.info.line,
               r.info.seq, r.info.count, r.info.heartbeat, r.info.unordered, r.info.exchange_ns,
               r.n.bad_layouts, r.n.other_messages, r.n.unknown_templates);
    }
    rig_close(&r);
    return EXIT_SUCCESS;
}

#endif
