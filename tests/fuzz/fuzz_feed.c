// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the feed: frame walk, protocol recognition, decoder and channel state.
// An input is a sequence of frames for one context, so that state from one frame meets the next:
//   { u8 flags, u16 length (little-endian), bytes } ...
// flags: bits 0-1 link type; bit 2 the bytes are only a UDP payload and get correct headers; bit 3 the frame
// was longer on the wire than captured, or, with bit 2, goes to another group; bits 4-7 time since the frame
// before, in 0.1 ms. A length beyond the input takes what is there. The corpus is written by
// tests/fuzz/make_corpus.py.
#include "base/bytes.h"
#include "feed/feed.h"
#include "feed/gen_frame.h"
#include "feed_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct state {
    unsigned msgs, ends;
    unsigned idx; // of the newest message of the open packet
    uint64_t all, all_ends;
};

static uint64_t now;

static void on_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct state *s = ctx;
    check_payload(p);
    check_msg(p, m);
    REQUIRE(m->msg_idx >= s->idx); // indexes rise, counting what is not delivered
    s->idx = m->msg_idx;
    s->msgs++;
}

static void on_end(void *ctx, const struct feed_packet *p)
{
    struct state *s = ctx;
    (void)p;
    s->ends++;
    s->idx = 0;
}

// An exact-size copy, so that the sanitizer sees every byte read beyond the frame.
static void decode(struct feed *f, struct state *s, unsigned flags, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    REQUIRE(copy != NULL);
    memcpy(copy, bytes, len);
    struct feed_sink sink = {s, on_msg, on_end};
    size_t wire = flags & 8 ? len + 1 + (flags >> 4) : len;
    s->msgs = s->ends = 0;
    now += (uint64_t)(flags >> 4) * 100000; // ns
    enum feed_drop why = feed_link_frame(f, (enum feed_link)(flags & 3), now, copy, len, wire, &sink);
    REQUIRE((unsigned)why < DROP_COUNT);
    REQUIRE(why == DROP_NONE || s->msgs + s->ends == 0);
    s->all_ends += s->ends;
    free(copy);
}

static void decode_payload(struct feed *f, struct state *s, unsigned flags, const uint8_t *bytes, size_t len)
{
    struct gen_frame g;
    struct frame_options o = {0};
    if (len > FRAME_PAYLOAD_MAX)
        len = FRAME_PAYLOAD_MAX;
    memcpy(frame_payload(&g, &o), bytes, len);
    frame_finish(&g, &o, flags & 8 ? 2 : 1, 6100, len);
    decode(f, s, (flags & ~15u) | LINK_ETHERNET, g.buf, g.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed *f = feed_new();
    REQUIRE(f != NULL);
    uint64_t frames = 0;
    struct state s = {0};
    struct feed_sink sink = {&s, on_msg, on_end};
    now = 1000000000;
    while (size > 3) {
        unsigned flags = data[0];
        size_t len = le16_load(data + 1);
        data += 3;
        size -= 3;
        if (len > size)
            len = size;
        if (flags & 4)
            decode_payload(f, &s, flags, data, len);
        else
            decode(f, &s, flags, data, len);
        data += len;
        size -= len;
        frames++;
    }
    const struct feed_counters *n = feed_counters(f);
    uint64_t dropped = 0;
    for (unsigned d = 0; d < DROP_COUNT; d++)
        dropped += n->drop[d];
    REQUIRE(n->frames == frames && n->packets + dropped == frames);
    s.ends = 0;
    feed_time(f, UINT64_MAX, &sink); // what still waits
    REQUIRE(!feed_due(f, UINT64_MAX));
    REQUIRE(s.all_ends + s.ends + n->duplicates <= n->packets + n->packets); // nothing is made up
    feed_free(f);
    return 0;
}
