// SPDX-License-Identifier: Apache-2.0
// Ethernet frames around the generator's datagrams, and damaged ones. No allocation.
#ifndef TRIPLINE_FEED_GEN_FRAME_H
#define TRIPLINE_FEED_GEN_FRAME_H

#include "base/prng.h"
#include "feed/feed.h"

enum {
    FRAME_PAYLOAD_MAX = 1400,
    FRAME_ROOM = 1600, // headers with two tags and options, payload, and one more tag
    FRAME_MIN = 60,    // Ethernet's least, without its check sequence
    FRAME_HEADERS_MAX = 14 + 8 + 24 + 8,
};

struct gen_frame {
    uint8_t buf[FRAME_ROOM];
    size_t len;     // bytes present
    size_t wire;    // bytes on the wire
    size_t ip_at;   // offsets into buf
    size_t udp_at;  //
    size_t data_at; // UDP payload
    size_t data_len;
};

struct frame_options {
    unsigned vlans;    // 0..2
    bool router_alert; // a four-byte IP option
    uint16_t ip_id;
};

// Wraps `len` bytes of payload (at most FRAME_PAYLOAD_MAX), which the caller has put at frame_payload().
// Group 239.111.111.<group>.
uint8_t *frame_payload(struct gen_frame *f, const struct frame_options *o);
void frame_finish(struct gen_frame *f, const struct frame_options *o, uint8_t group, uint16_t port,
                  size_t len);
// Damages a finished frame in a way drawn from `rng` and returns the reason for which it must be ignored.
enum feed_drop frame_damage(struct gen_frame *f, struct prng *rng);

#endif
