// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include "feed/gen.h"
#include "feed/packet.h"
#include "feed/wire.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what)
{
    (void)fprintf(stderr, "feed bench: %s\n", what);
    exit(2);
}

static void *need(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

static void push(struct load *l, uint64_t ts_ns, const uint8_t *bytes, size_t caplen, size_t wirelen)
{
    if (l->n == l->room) {
        l->room = l->room ? l->room * 2 : 1024;
        l->frame = need(realloc(l->frame, l->room * sizeof *l->frame));
    }
    uint8_t *copy = need(malloc(caplen + 1));
    memcpy(copy, bytes, caplen);
    l->frame[l->n++] = (struct frame){ts_ns, copy, (uint32_t)caplen, (uint32_t)wirelen};
}

void load_free(struct load *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->frame[i].bytes);
    free(l->frame);
    *l = (struct load){0};
}

bool load_capture(struct load *l, const char *path)
{
    char why[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *h;
    const u_char *data;
    *l = (struct load){0};
    pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!p)
        return false;
    if (pcap_datalink(p) != DLT_EN10MB)
        die("a capture without Ethernet frames");
    while (pcap_next_ex(p, &h, &data) == 1)
        push(l, (uint64_t)h->ts.tv_sec * 1000000000u + (uint64_t)h->ts.tv_usec, data, h->caplen, h->len);
    pcap_close(p);
    return true;
}

// Of a frame that is whole; no checks beyond that.
uint8_t *load_payload(const struct frame *f, size_t *len, uint16_t *port)
{
    size_t at = 12;
    while (at + 4 < f->caplen && packet_vlan_type(be16_load(f->bytes + at)))
        at += 4;
    if (at + 2 + 28 > f->caplen || be16_load(f->bytes + at) != 0x0800 || f->bytes[at + 2 + 9] != 17)
        return NULL;
    uint8_t *ip = f->bytes + at + 2, *udp = ip + (ip[0] & 15) * 4;
    size_t end = (size_t)(ip - f->bytes) + be16_load(ip + 2), begin = (size_t)(udp - f->bytes) + 8;
    if (end > f->caplen || begin > end)
        return NULL;
    *port = be16_load(udp + 2);
    *len = end - begin;
    return udp + 8;
}

void load_udp(struct load *l, uint64_t ts_ns, uint32_t dst_ip, uint16_t port, const uint8_t *payload,
              size_t len)
{
    uint8_t b[2048] = {0x01, 0x00, 0x5e, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45};
    if (len > sizeof b - 42)
        die("a datagram that is too long");
    be16_store(b + 16, (uint16_t)(len + 28));
    b[22] = 16;
    b[23] = 17;
    be32_store(b + 26, 0x0a000001);
    be32_store(b + 30, dst_ip);
    be16_store(b + 36, port);
    be16_store(b + 38, (uint16_t)(len + 8));
    memcpy(b + 42, payload, len);
    push(l, ts_ns, b, len + 42, len + 42);
}

// ---- parts of captures

static bool only_tickers(const uint8_t *p, size_t len)
{
    enum { FRAME = 8, MESSAGE = 12 + 133, TICKER = 1003 };
    if (len < FRAME + MESSAGE || (len - FRAME) % MESSAGE != 0)
        return false;
    for (size_t at = FRAME; at < len; at += MESSAGE)
        if (le16_load(p + at) != 133 || le16_load(p + at + 2) != TICKER || le32_load(p + at + 8) != 0)
            return false;
    return true;
}

void load_tickers(struct load *out, const struct load *all)
{
    static uint32_t seq[UINT16_MAX + 1];
    *out = (struct load){0};
    for (size_t i = 0; i < all->n; i++) {
        const struct frame *f = &all->frame[i];
        size_t len;
        uint16_t port;
        const uint8_t *p = load_payload(f, &len, &port);
        if (!p || !only_tickers(p, len) || le16_load(p + 2) >= 100)
            continue;
        push(out, f->ts_ns, f->bytes, f->caplen, f->wirelen);
        le32_store(load_payload(&out->frame[out->n - 1], &len, &port) + 4, ++seq[le16_load(p + 2)]);
    }
}

struct seen {
    uint32_t key[16384]; // id + 1 of the channel; open addressing
    size_t n;
};

static bool is_new(struct seen *s, uint16_t port, uint32_t id)
{
    uint32_t key = id * 1000 + port % 1000 + 1;
    for (uint32_t h = key * 0x9e3779b1u >> 16;; h++) {
        uint32_t *at = &s->key[h % 16384];
        if (*at == key)
            return false;
        if (*at == 0) {
            if (++s->n == 16384)
                die("a capture with too many instruments");
            *at = key;
            return true;
        }
    }
}

// Instruments of book messages and trades, schema versions up to 8 and from 9 on.
static void define_all(struct load *out, struct seen *s, const struct frame *f)
{
    size_t len;
    uint16_t port;
    const uint8_t *p = load_payload(f, &len, &port);
    for (size_t at = 12; p && at + 24 <= len && le16_load(p + at) >= 10; at += le16_load(p + at)) {
        unsigned id = le16_load(p + at + 4);
        const uint8_t *g = p + at + 10 + le16_load(p + at + 2);
        if (id != 32 && id != 42 && id != 46 && id != 48)
            continue;
        for (unsigned i = 0; i < g[2]; i++) {
            const uint8_t *e = g + 3 + i * le16_load(g);
            if (is_new(s, port, le32_load(e + 12)))
                load_cme_define(out, f->ts_ns, port, (int32_t)le32_load(e + 12));
        }
    }
}

void load_cme(struct load *out, const struct load *all, bool both_lines)
{
    struct seen *s = need(calloc(1, sizeof *s));
    *out = (struct load){0};
    for (size_t i = 0; i < all->n; i++)
        define_all(out, s, &all->frame[i]);
    for (size_t i = 0; i < out->n; i++)
        out->frame[i].ts_ns = all->frame[0].ts_ns;
    out->prelude = out->n;
    for (size_t i = 0; i < all->n; i++) {
        const struct frame *f = &all->frame[i];
        size_t len;
        uint16_t port;
        if (load_payload(f, &len, &port) && (both_lines || port / 1000 == 14))
            push(out, f->ts_ns, f->bytes, f->caplen, f->wirelen);
    }
    free(s);
}

// ---- the generator

void load_gen(struct load *out)
{
    struct gen_config c;
    struct err e = {0};
    const uint8_t *frame;
    uint64_t ts_ns;
    size_t len;
    gen_config_default(&c);
    c.packets = 10000;
    struct gen *g = gen_open(&c, &e);
    if (!g)
        die("the generator does not start");
    *out = (struct load){0};
    while (gen_next(g, &ts_ns, &frame, &len))
        push(out, ts_ns, frame, len, gen_wire_len(g));
    gen_close(g);
}
