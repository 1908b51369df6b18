// SPDX-License-Identifier: Apache-2.0
// What Coinbase Derivatives' protocol counts besides feed_counters: for reports and tests.
#ifndef TRIPLINE_FEED_CDE_H
#define TRIPLINE_FEED_CDE_H

#include "feed/frame24_book.h"
#include "feed/protocol.h"

const struct f24_book_counts *cde_counts(const struct protocol_ctx *c);

#endif
