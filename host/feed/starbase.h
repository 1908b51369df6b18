// SPDX-License-Identifier: Apache-2.0
// What Deribit Starbase's protocol counts besides feed_counters: for reports and tests.
#ifndef TRIPLINE_FEED_STARBASE_H
#define TRIPLINE_FEED_STARBASE_H

#include "feed/frame24_book.h"
#include "feed/protocol.h"

const struct f24_book_counts *starbase_counts(const struct protocol_ctx *c);

#endif
