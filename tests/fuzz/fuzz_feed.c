// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the feed: frame walk, protocol recognition, decoder and channel state.
//   clang -fsanitize=fuzzer,address,undefined -Ihost tests/fuzz/fuzz_feed.c <feed and base sources> -o
//   fuzz_feed
//   ./fuzz_feed -max_len=4096 tests/fuzz/corpus/feed
// An input is a sequence of frames for one context, so that state from one frame meets the next:
//   { u8 flags, u16 length (little-endian), bytes } ...
// flags: bits 0-1 link type; bit 2 the bytes are only a UDP payload and get correct headers; bit 3 the frame
// was longer on the wire than captured. A length beyond the input takes what is there.
// The corpus is written by tests/fuzz/make_corpus.py from `tripline gen`.
#include "base/bytes.h"
#include "feed/feed.h"
#include "feed/gen_frame.h"
#include "feed/price.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct state {
    const uint8_t *frame; // the frame being decoded
    size_t len;
    unsigned msgs, ends;
};

static void require(int ok)
{
    if (!ok)
        abort();
}

static void on_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct state *s = ctx;
    int64_t out = 0;
    require(s->ends == 0 && !p->duplicate);
    require(p->payload >= s->frame && p->payload + p->len <= s->frame + s->len);
    require(m->kind >= FEED_TICKER && m->kind <= FEED_INSTRUMENT);
    require(memchr(m->name, 0, sizeof m->name) != NULL);
    require((m->kind == FEED_TICKER) == (m->name[0] == 0));
    require(s->msgs == 0 || m->msg_idx >= s->msgs); // indexes rise, counting what is not delivered
    if (price_from_double(m->mark, 9, &out) == 0)
        require(out > 0 && (m->has & HAS_MARK || m->kind != FEED_TICKER));
    s->msgs++;
}

static void on_end(void *ctx, const struct feed_packet *p)
{
    struct state *s = ctx;
    (void)p;
    s->ends++;
}

// An exact-size copy, so that the sanitizer sees every byte read beyond the frame.
static void decode(struct feed *f, unsigned flags, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    require(copy != NULL);
    memcpy(copy, bytes, len);
    struct state s = {copy, len, 0, 0};
    struct feed_sink sink = {&s, on_msg, on_end};
    size_t wire = flags & 8 ? len + 1 + (flags >> 4) : len;
    enum feed_drop why = feed_link_frame(f, (enum feed_link)(flags & 3), 1, copy, len, wire, &sink);
    require((unsigned)why < DROP_COUNT);
    require(s.ends == (why == DROP_NONE) && (why == DROP_NONE || s.msgs == 0));
    free(copy);
}

static void decode_payload(struct feed *f, const uint8_t *bytes, size_t len)
{
    struct gen_frame g;
    struct frame_options o = {0};
    if (len > FRAME_PAYLOAD_MAX)
        len = FRAME_PAYLOAD_MAX;
    memcpy(frame_payload(&g, &o), bytes, len);
    frame_finish(&g, &o, 1, 6100, len);
    decode(f, LINK_ETHERNET, g.buf, g.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed *f = feed_new();
    require(f != NULL);
    uint64_t frames = 0;
    while (size > 3) {
        unsigned flags = data[0];
        size_t len = le16_load(data + 1);
        data += 3;
        size -= 3;
        if (len > size)
            len = size;
        if (flags & 4)
            decode_payload(f, data, len);
        else
            decode(f, flags, data, len);
        data += len;
        size -= len;
        frames++;
    }
    const struct feed_counters *n = feed_counters(f);
    uint64_t dropped = 0;
    for (unsigned d = 0; d < DROP_COUNT; d++)
        dropped += n->drop[d];
    require(n->frames == frames && n->packets + dropped == frames);
    require(n->messages == n->tickers + n->indexes + n->instruments + n->other_messages + n->bad_layouts);
    feed_free(f);
    return 0;
}
