// SPDX-License-Identifier: Apache-2.0
// The first two steps of CME's decoder (feed/protocol.h): whether a datagram is CME's, and which number of
// which channel, feed and line it is.
#ifndef TRIPLINE_FEED_CME_FRAME_H
#define TRIPLINE_FEED_CME_FRAME_H

#include "feed/protocol.h"

bool cme_probe(const uint8_t *p, size_t len);
// By the address alone.
enum feed_drop cme_frame(const uint8_t *p, size_t len, const struct packet_udp *u, struct frame_info *out);
// By what its source has sent, too.
enum feed_drop cme_place(struct protocol_state *s, const uint8_t *p, size_t len, const struct packet_udp *u,
                         struct frame_info *out);

#endif
