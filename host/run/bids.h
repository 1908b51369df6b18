// SPDX-License-Identifier: Apache-2.0
// The keeper's side of the venue's auctions (docs/execution.md, "Auctions"): for each auction that is told,
// the second at which its price becomes profitable after gas and slippage (econ/bidder.h) goes into a timing
// wheel. When it comes due, an order to take leaves, of an amount within the limits of bidding; nothing is
// polled. A change of the auction or of a price that it depends on has it planned anew, so many at a time.
// All of it follows from told auctions, prices and stream time: nothing but the bids themselves has to
// survive a crash. One thread; no lock, allocation or system call after bids_new(). Given the same calls in
// the same order it writes the same records (replay).
#ifndef TRIPLINE_RUN_BIDS_H
#define TRIPLINE_RUN_BIDS_H

#include "exec/auction.h"
#include "exec/exit/exit.h"
#include "exec/gateway.h"

struct bids_config {
    uint32_t max;          // auctions followed at once; 0: none is, and what is told of them has no effect
    uint32_t slippage_ppm; // of the sale of what is bought, and its fee
    uint32_t lead_ms;      // an order leaves so long before the second that it is for
    int64_t depth_e8; // collateral in the pool that it is sold to, 1e-8 units of account; 0: any amount sells
    int64_t gas_e8;   // cost of a purchase and its sale, or of a reset
    int64_t profit_e8; // least profit after all that
    int64_t once_e8;   // most to pay in one purchase; 0: no limit
    int64_t total_e8;  // and in all sessions of a journal; 0: no limit
    uint32_t by;       // enum bids_by
};
// What a bid's collateral sells for: the book or pool whole for each, as in journals from before there was
// the difference; or what the keeper's own bids leave of it.
enum bids_by { BIDS_BY_WHOLE, BIDS_BY_REST };
enum {
    BIDS_MAX = 65536,
    BIDS_OUTSTANDING_MAX = 64, // that await their replies; so many fewer orders may
    BIDS_A_SECOND = 16,        // purchases of one auction at one second of stream time
    BIDS_PLANS_A_CALL = 4,     // full plans, each some hundred microseconds
    BIDS_LOOKS_A_CALL = 64, // what is due, each some microseconds where its bound says that it is too early
};

struct bids_hooks {
    void *ctx;
    uint64_t (*put)(void *ctx, enum journal_type type, const void *data, size_t n); // as desk_log
    bool (*held)(void *ctx, uint16_t asset); // its price must not be acted on (P5)
    bool (*killed)(void *ctx);
    // Where the collateral is sold for the debt's token at px; NULL: not known, slippage_ppm and depth_e8
    // say.
    const struct exit_venue *(*way_out)(void *ctx, uint16_t coll, uint16_t debt, const int64_t *px);
    // Another with every change of the asset's book that way_out() depends on.
    uint64_t (*book)(void *ctx, uint16_t asset);
};

struct bids_counters {
    uint64_t told, ended;            // auctions followed; of these over
    uint64_t old, full, strange;     // told and not taken: known already; no room; of another market
    uint64_t wakes;                  // came due at the moment that they were put down for
    uint64_t replans;                // looked at for a change of the auction, of a price, or of the limits
    uint64_t plans;                  // of both, worked out in full: the others were too early by their bound
    uint64_t held, waits;            // not planned for a hold; for a pause
    uint64_t takes, resets;          // orders that left
    uint64_t taken, reset;           // of these, by their reply
    uint64_t refused, fenced, stray; // came to nothing; a reply to no bid in flight
    uint64_t limited, left;          // profitable but beyond the limits; due for a reset that does not pay
    uint64_t not_logged, ring_full;  // did not leave
    uint64_t missed;                 // audit: paid by the rule, within the limits, and no order left
    uint64_t judged;                 // audit: questions asked
    int64_t paid_e8, net_e8;         // of purchases: price; profit after gas as planned
};

struct bids;
// market, gw stay the caller's. NULL with *e set: out of memory, or out of range.
struct bids *bids_new(const struct bids_config *c, uint32_t desk, const struct market *m, struct gateway *gw,
                      const struct bids_hooks *h, bool audit, struct err *e);
void bids_free(struct bids *b);
// Is this news? (Else it need not be logged.)
bool bids_wants(const struct bids *b, const struct auction *a);
void bids_told(struct bids *b, const struct auction *a);
void bids_price(struct bids *b, uint16_t asset); // it has changed
void bids_resume(struct bids *b);                // the kill switch is off, or exits are new
// What is due at stream time now_ns: plans and orders, as many as the limits above say, the rest with
// the next call; then the audit.
void bids_run(struct bids *b, const int64_t *px, uint64_t now_ns);
void bids_reply(struct bids *b, const struct order_reply *r, uint64_t now_ns); // is_bid(&r->key)
// Of earlier sessions: keys up to this revision are used up; so much was paid, open bids included.
void bids_restore(struct bids *b, uint32_t revision);
void bids_spent(struct bids *b, int64_t e8);
uint64_t bids_outstanding(const struct bids *b);
size_t bids_followed(const struct bids *b);
const struct bids_counters *bids_counters(const struct bids *b);

#endif
