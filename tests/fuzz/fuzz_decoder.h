// SPDX-License-Identifier: Apache-2.0
// Body of the libFuzzer targets of single decoders: probe, frame, deliver and rows of one protocol with its
// state, without the arbiter's waiting. The including file defines
//   DECODER            the protocol (protocol.h)
//   DECODER_ADDRESSES  four {group, port} whose meaning to it differs
// An input is a sequence of datagrams for one state:
//   { u8 flags, u16 length (little-endian), bytes } ...
// flags: bits 0-1 address; bit 2 numbers were lost before it; bit 3 the sequence begins anew; bits 4-5 so
// many of its messages were delivered before (if it has more). A length beyond the input takes what is there.
// As the contract promises, a stream's datagrams come in order: one behind the stream's newest is passed
// over, one ahead has a gap. make_corpus.py writes the seeds.
#ifndef TRIPLINE_FUZZ_DECODER_H
#define TRIPLINE_FUZZ_DECODER_H

#include "base/bytes.h"
#include "feed/protocol.h"
#include "feed_checks.h"

enum { STREAMS = 64, ADDRESS = 3, LOST = 4, RESTART = 8, SKIP_SHIFT = 4, SKIP_MASK = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct address {
    uint32_t group;
    uint16_t port;
} ADDRESSES[] = {DECODER_ADDRESSES};

struct order {
    size_t n;
    struct {
        uint16_t channel;
        bool snapshot;
        uint64_t next;
    } stream[STREAMS];
};

struct delivered {
    unsigned idx; // of the newest message of the packet
    bool any;
};

static void on_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct delivered *d = ctx;
    check_msg(p, m);
    REQUIRE(!d->any || m->msg_idx >= d->idx);
    d->idx = m->msg_idx;
    d->any = true;
}

// The end of a packet is the feed's to call, not a decoder's.
static void on_end(void *ctx, const struct feed_packet *p)
{
    (void)ctx;
    (void)p;
    abort();
}

// Puts the datagram into its stream's order; false: it is behind, or there are too many streams.
static bool place(struct order *o, const struct frame_info *f, unsigned flags, struct feed_packet *p,
                  uint32_t *skip)
{
    uint64_t mask = f->seq_bits == 64 ? UINT64_MAX : UINT32_MAX, half = mask / 2 + 1;
    size_t i = 0;
    *skip = 0;
    if (f->unordered)
        return true;
    while (i < o->n && (o->stream[i].channel != f->channel || o->stream[i].snapshot != f->snapshot))
        i++;
    if (i == STREAMS)
        return false;
    if (i == o->n) {
        o->stream[o->n++].channel = f->channel;
        o->stream[i].snapshot = f->snapshot;
        o->stream[i].next = f->seq;
    }
    uint64_t ahead = (f->seq - o->stream[i].next) & mask, behind = (0 - ahead) & mask;
    p->restart = (flags & RESTART) != 0;
    p->gap = ahead != 0 && ahead < half ? ahead : (flags & LOST) != 0;
    if (!p->restart && ahead >= half) {
        if (behind >= f->count)
            return false;
        *skip = (uint32_t)behind;
    } else if (f->count > (flags >> SKIP_SHIFT & SKIP_MASK)) {
        *skip = flags >> SKIP_SHIFT & SKIP_MASK;
    }
    o->stream[i].next = (f->seq + f->count) & mask;
    return true;
}

static void take(const struct protocol_ctx *c, struct order *o, unsigned flags, const uint8_t *bytes,
                 size_t len, FILE *rows)
{
    static const struct feed_protocol *const P = &DECODER;
    const struct address *a = &ADDRESSES[flags & ADDRESS];
    struct packet_udp u = {.dst_ip = a->group, .dst_port = a->port, .payload = bytes, .len = len};
    struct frame_info f = {0};
    struct delivered d = {0};
    const struct feed_sink sink = {&d, on_msg, on_end};
    uint32_t skip;
    if (!P->probe(bytes, len))
        return;
    enum feed_drop why = P->place ? P->place(c->state, bytes, len, &u, &f) : P->frame(bytes, len, &u, &f);
    REQUIRE((unsigned)why < DROP_COUNT);
    if (why != DROP_NONE)
        return;
    REQUIRE(f.addressed && (f.seq_bits == 32 || f.seq_bits == 64) && f.heartbeat == (f.count == 0));
    struct feed_packet p = {.ts_ns = 1000000000,
                            .dst_ip = a->group,
                            .dst_port = a->port,
                            .channel = f.channel,
                            .stream = f.stream,
                            .snapshot = f.snapshot,
                            .venue = (uint8_t)P->venue,
                            .line = f.line,
                            .seq = f.seq,
                            .count = f.count,
                            .heartbeat = f.count == 0,
                            .payload = bytes,
                            .len = len};
    if (!place(o, &f, flags, &p, &skip))
        return;
    check_payload(&p);
    if ((p.gap || p.restart) && !p.snapshot && P->broken)
        P->broken(c, p.stream);
    if (p.heartbeat)
        return;
    P->rows(c, &p, skip, rows);
    P->deliver(c, &p, skip, &sink);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *rows;
    struct feed_counters n = {0};
    struct protocol_ctx c = {DECODER.state_new ? DECODER.state_new() : NULL, &n};
    struct order o = {0};
    if (!rows)
        rows = fopen("/dev/null", "w");
    REQUIRE(rows != NULL && (c.state || !DECODER.state_new));
    while (size > 3) {
        unsigned flags = data[0];
        size_t len = le16_load(data + 1);
        data += 3;
        size -= 3;
        if (len > size)
            len = size;
        // An exact-size copy, so that the sanitizer sees every byte read beyond the datagram.
        uint8_t *copy = malloc(len ? len : 1);
        REQUIRE(copy != NULL);
        memcpy(copy, data, len);
        take(&c, &o, flags, copy, len, rows);
        free(copy);
        data += len;
        size -= len;
    }
    if (c.state)
        DECODER.state_free(c.state);
    return 0;
}

#endif
