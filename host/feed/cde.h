// SPDX-License-Identifier: Apache-2.0
// Coinbase Derivatives: what its protocol counts besides feed_counters, for reports and tests; what its files
// share.
#ifndef TRIPLINE_FEED_CDE_H
#define TRIPLINE_FEED_CDE_H

#include "feed/frame24_book.h"
#include "feed/protocol.h"

const struct f24_book_counts *cde_counts(const struct protocol_ctx *c);

// protocol.h says what they do.
bool cde_probe(const uint8_t *p, size_t len);
enum feed_drop cde_frame(const uint8_t *p, size_t len, const struct packet_udp *u, struct frame_info *out);
// Exchange time of a whole live message, ns; 0 where it is too short to have one.
uint64_t cde_live_time(const uint8_t *m);

#endif
