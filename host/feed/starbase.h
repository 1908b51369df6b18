// SPDX-License-Identifier: Apache-2.0
// Deribit Starbase: what its protocol counts besides feed_counters, for reports and tests; what its files
// share.
#ifndef TRIPLINE_FEED_STARBASE_H
#define TRIPLINE_FEED_STARBASE_H

#include "feed/frame24_book.h"
#include "feed/protocol.h"

const struct f24_book_counts *starbase_counts(const struct protocol_ctx *c);

// protocol.h says what they do.
bool starbase_probe(const uint8_t *p, size_t len);
enum feed_drop starbase_frame(const uint8_t *p, size_t len, const struct packet_udp *u,
                              struct frame_info *out);

#endif
