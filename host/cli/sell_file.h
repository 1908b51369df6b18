// SPDX-License-Identifier: Apache-2.0
// What `tripline lab sell` sells over: ways of a JSON file, and the bids of an instrument's book out of a
// capture (docs/worth.md, "tripline lab sell"). One at a time; one thread; nothing is allocated that outlives
// a call.
#ifndef TRIPLINE_CLI_SELL_FILE_H
#define TRIPLINE_CLI_SELL_FILE_H

#include "base/err.h"
#include "exec/exit/route.h"

enum { SELL_NAME = 48, SELL_DECIMALS_MAX = 18 };

struct sell {
    char from[SELL_NAME], into[SELL_NAME]; // names of the tokens
    uint8_t from_decimals, into_decimals;  // of their units
    double reference;                      // price of a token sold; 0: none was given
    unsigned n;
    char name[ROUTE_PATHS_MAX][SELL_NAME];
    struct depth book[ROUTE_PATHS_MAX][ROUTE_HOPS_MAX];
    struct route route; // path[0..n-1] filled; route_set is the caller's
};

// Tokens of 8 decimals, no ways.
void sell_init(struct sell *s);
// 0, or -1 with file, line and remedy in *e.
int sell_file(struct sell *s, const char *path, struct err *e);

struct sell_capture {
    const char *path;
    const char *instrument; // its name, or its number at the venue
    double at_s;            // the book as it was so long after the first frame; below 0: at the end
    uint32_t fee_ppm;       // of a taker
    const char *lot;        // decimal; NULL: 10^-8
};
// Adds the instrument's bids as one more way; prices are in whole tokens. 0, or -1 with the reason: no
// capture, no such instrument, no whole book at that moment.
int sell_capture(struct sell *s, const struct sell_capture *c, struct err *e);

#endif
