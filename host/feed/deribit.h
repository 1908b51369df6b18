// SPDX-License-Identifier: Apache-2.0
// What the files of the Deribit decoder share: its state, and which layout a message has. Internal to it.
#ifndef TRIPLINE_FEED_DERIBIT_H
#define TRIPLINE_FEED_DERIBIT_H

#include "feed/deribit_book.h"
#include "feed/deribit_walk.h"
#include "feed/names.h"
#include "feed/protocol.h"

struct protocol_state {
    struct deribit_books *books;
    struct names *names; // for deribit_rows() only: grows
    struct feed_msg msg; // the one going out, see feed_msg on what it holds
};

enum deribit_layout {
    LAYOUT_OTHER, // not looked into
    LAYOUT_TICKER,
    LAYOUT_QUOTE,
    LAYOUT_INDEX,
    LAYOUT_INSTRUMENT,
    LAYOUT_BOOK,
    LAYOUT_SNAPSHOT,
    LAYOUT_TRADES,
    LAYOUT_BAD, // a known template whose block fits no known layout
};
enum deribit_layout deribit_layout(const struct deribit_message *m);

// Copies a name of at most n bytes, ended by NUL or n. False when it is empty, does not fit, or holds bytes
// that no symbol has: it ends up in files, logs and look-ups.
bool deribit_name(char out[static 64], const uint8_t *p, size_t n);

// feed_protocol.columns and .rows.
extern const char DERIBIT_COLUMNS[];
void deribit_rows(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip, FILE *out);

#endif
