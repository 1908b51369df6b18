// SPDX-License-Identifier: Apache-2.0
// What a protocol is to the feed: one file that recognises its datagrams by content and decodes them. A new
// one is added to the list in feed.c and needs nothing else.
#ifndef TRIPLINE_FEED_PROTOCOL_H
#define TRIPLINE_FEED_PROTOCOL_H

#include "feed/channel.h"
#include "feed/feed.h"

struct protocol_ctx {
    struct channel_table *channels;
    struct feed_counters *counters; // everything but frames, packets, bytes and drop[], which feed.c counts
};

struct feed_protocol {
    const char *name;
    // True when the payload can only be this protocol's. Cheap, and so strict that random bytes do not pass;
    // damage behind the first headers is left to decode.
    bool (*probe)(const uint8_t *payload, size_t len);
    // Decodes p->payload, fills p's channel fields and calls the sink. A packet is used whole or not at all:
    // on any return but DROP_NONE nothing was delivered and the channel's sequence did not move, so the next
    // packet shows the loss as a gap.
    enum feed_drop (*decode)(const struct protocol_ctx *c, struct feed_packet *p,
                             const struct feed_sink *sink);
};

extern const struct feed_protocol deribit_protocol;

#endif
