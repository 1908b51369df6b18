// SPDX-License-Identifier: Apache-2.0
// Between the parts of `tripline lab auction`: what a file has in common, whatever the kind. Each kind reads
// its fields, then fills the sheet; a fault of the file is kept in the state, a contract's refusal is a cell.
#ifndef TRIPLINE_CLI_LAB_AUCTION_INSIDE_H
#define TRIPLINE_CLI_LAB_AUCTION_INSIDE_H

#include "cli/lab_auction_sheet.h"
#include "econ/bidder.h"
#include "protocols/state.h"

enum { AUCTION_TIME_BITS = 48, AUCTION_MONEY_BITS = 200, AUCTION_LOT_BITS = 128, AUCTION_STEPS = 999 };

// The keeper's side: where it sells, and what it wants.
struct keeper_sale {
    struct bidder_sale sale; // first
    u256 kept;               // the price in 1e-6, slippage off
};
struct keeper {
    bool there; // the file names any of it
    struct keeper_sale flat;
    struct bidder_pool pool;
    bool in_pool;
    u256 gas, profit; // profit at least 1
    uint32_t keep_ppm;
    struct bidder_budget budget;
    uint64_t lead_ns;
};
// gas, profit, slippage_ppm. A price of the keeper's own is the kind's.
struct keeper keeper_read(struct state *s);
// The same with value (ray) or pool_collateral, pool_coin, pool_fee_ppm, and once, total, lead_ns.
struct keeper keeper_read_market(struct state *s);
struct bidder_terms keeper_terms(const struct keeper *k); // points into *k
// A keeper's result where it pays cost to get what is worth `worth`: slippage off, then gas. Columns out,
// net, pays; returns whether it pays. c failed: nothing.
bool keeper_pays(const struct keeper *k, struct checked *c, u256 worth, u256 cost, u256 *out, u256 *all);

struct span { // rows of the table over time
    bool has_from, has_until, has_every;
    uint64_t from, until, every;
};
struct span span_read(struct state *s);
// Fills in what was absent; a fault where the rows are too many or begin before `begins`.
void span_settle(struct state *s, struct span *p, uint64_t begins, uint64_t from, uint64_t until);

uint64_t auction_second(struct state *s, const char *name, uint64_t absent);

int auction_clip(struct state *s, struct sheet *out);
int auction_english(struct state *s, struct sheet *out);
int auction_discount(struct state *s, struct sheet *out);
int auction_time(struct state *s, struct sheet *out);
extern const char auction_clip_example[], auction_english_example[], auction_discount_example[],
    auction_time_example[];

#endif
