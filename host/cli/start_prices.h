// SPDX-License-Identifier: Apache-2.0
// Prices that a user names on the command line, in a file, or by a capture: what `accounts gen` starts a
// market from and `accounts show` values accounts at. One thread; allocates.
#ifndef TRIPLINE_CLI_START_PRICES_H
#define TRIPLINE_CLI_START_PRICES_H

#include "accounts/store.h"

struct start_prices {
    struct gen_price *price; // malloc'ed; at most one entry a name
    size_t n, cap;
};
void start_prices_free(struct start_prices *s);

// Each adds to *s, replacing the price of a name that is there. 0, or -1 with *e set.
// "name=value": the kind is inferred from the name (see start_kind).
int start_prices_add(struct start_prices *s, const char *assignment, struct err *e);
// CSV lines name,price[,linear|inverse|index].
int start_prices_file(struct start_prices *s, const char *path, struct err *e);
// First mark of every perpetual and first value of every index in a capture, in the order of the definitions.
// Fails when it holds none.
int start_prices_capture(struct start_prices *s, const char *path, struct err *e);

// Fills px[] of every asset whose source is named (or which has that name), reciprocals of those included;
// others 0.
void start_prices_value(const struct start_prices *s, const struct market *m, int64_t px[MARKET_ASSETS_MAX]);

#endif
