// SPDX-License-Identifier: Apache-2.0
// Inside of the cascade: only host/lab/cascade*.c.
#ifndef TRIPLINE_LAB_CASCADE_INSIDE_H
#define TRIPLINE_LAB_CASCADE_INSIDE_H

#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "econ/auction_clip.h"
#include "econ/auction_discount.h"
#include "econ/staged.h"
#include "lab/cascade.h"

enum {
    NO_COIN = -1,
    BOX_TIERS = 7, // half widths 0.5 %, 1 %, ... 32 %
    TIER_HOT = BOX_TIERS,
    TIER_NEVER,        // no requirement at all: nothing to watch until its state changes
    ORDERS_A_STEP = 16 // of one account; beyond, it waits for the next step
};

struct cascade_account {
    struct staged_state staged;
    uint32_t due; // step of its order's execution
    uint8_t tier;
    uint32_t tried; // step + 1 of the last try: one a step
    uint8_t orders; // executed in this step
    bool asked;     // has an order that is not executed
    bool failed;    // its rule refuses every order: never asked again
    // A bankrupt side of it that the market did not get in this round: signed, 0: none.
    i128 left;
    uint16_t left_in; // its instrument
};
struct cascade_flows { // of a currency or a token: by party
    i256 party[PARTY_COUNT];
    i256 start; // of the accounts
};
// A side of an instrument that the market did not get: for deleveraging at the round's end.
struct cascade_left {
    i128 size; // quanta, > 0
    i128 loss; // cash quanta; below 0: over
};

// What gradual reduction knows of the marks.
struct cascade_reduce {
    int64_t mark[SCENARIO_COINS_MAX];                                       // at the last step's end
    uint64_t variance_q64[SCENARIO_COINS_MAX], vol_q48[SCENARIO_COINS_MAX]; // a step
    uint32_t seen;                                                          // steps
};

enum { CLIP_PICTURES = 12, CLIP_POINTS = 4096, HALVINGS = 7 }; // of what a keeper tries to take
struct cascade_lot {
    struct clip clip;
    size_t account;
    unsigned instrument, scale; // a token unit is 10^scale wad
    uint32_t resets;
    uint64_t began;
    u256 top, missing; // ray: its first; rad: what it ended without
    bool over;
};
struct cascade_auctions { // rad: kicked = raised + missing + tabs of what runs
    u256 kicked, raised, missing;
    uint32_t lots, takes;
    i128 returned; // money at the marks: what lots had left when all was raised
};
struct cascade_discounts {
    uint32_t takes;
    i128 repaid, received; // money at the marks
};
struct clip_point { // of the picture
    uint32_t lot;
    uint64_t at;
    uint32_t ppm; // of the first price
};

struct cascade {
    const struct lab_scenario *s;
    struct book *b;
    struct cascade_account *state;
    int coin[MARKET_ASSETS_MAX]; // of an asset, NO_COIN: its price stays
    int64_t start[MARKET_ASSETS_MAX], px[MARKET_ASSETS_MAX];
    int64_t prior[MARKET_ASSETS_MAX]; // px at the end of the step before
    int64_t outside[SCENARIO_COINS_MAX], mark[SCENARIO_COINS_MAX];
    i128 net[SCENARIO_COINS_MAX];
    struct band box[BOX_TIERS][MARKET_ASSETS_MAX];
    uint32_t *queue; // accounts with an order, in the order of asking
    size_t n_queue;
    struct staged_rule staged;
    struct fund fund;
    struct cascade_flows flows[MARKET_INSTRUMENTS_MAX];  // tokens
    struct cascade_flows cash[MARKET_INSTRUMENTS_MAX];   // a currency: by its first instrument
    struct cascade_left left[MARKET_INSTRUMENTS_MAX][2]; // short, long
    struct margin *was, *view;                           // of an instrument's holders; room for all, and one
    uint32_t *holder;                                    // their accounts
    struct adl_entry *rank;
    i128 *share;
    size_t burst_from; // accounts from here on begin with the burst's step
    uint32_t step, round;
    uint64_t adl_start;
    struct cascade_reduce reduce;
    struct cascade_lot *lot;
    size_t n_lots, room_lots;
    struct cascade_auctions auctions;
    struct cascade_discounts discounts;
    struct clip_point point[CLIP_POINTS];
    size_t n_points;
    struct cascade_step *steps;
    struct cascade_totals sum;
    void (*each)(void *ctx, const struct cascade_event *e);
    void *ctx;
};

// cascade_box.c: which accounts need no look.
void boxes_begin(struct cascade *c);
void boxes_place(struct cascade *c, size_t i); // after a change of its state
void boxes_follow(struct cascade *c);          // after a change of prices
// cascade_market.c: prices, quantities and depth.
int market_begin(struct cascade *c, struct err *e);
void market_prices(struct cascade *c);                         // px from outside, mark and net
int currency_of(const struct market *m, const char *currency); // its first instrument; -1
i128 money_of_cash(const struct cascade *c, int currency, i256 quanta, bool up);
i128 money_of_tokens(const struct cascade *c, unsigned instrument, i256 units, bool up);
// Sells (qty > 0) or buys a quantity of an instrument into the depth; what it brings (< 0: costs). `fair`:
// the same at the mark. *unsold: what finds nobody; a sale of it brings nothing, a purchase costs twice the
// price from outside, as it is owed.
i128 market_trade(struct cascade *c, i128 net[SCENARIO_COINS_MAX], unsigned instrument, i256 qty, i128 *fair,
                  i128 *unsold);
// cascade_size.c: what an order asks for; whether its legs are perpetuals', closed at the mark.
bool cascade_of_perps(const struct cascade *c, const struct account *a, const struct order_size *o);
int cascade_size(const struct cascade *c, const struct account *a, enum staged_at at, struct order_size *out);
void cascade_look(const struct cascade *c, const struct account *a, struct staged_view *v);
// cascade_loss.c: who bears what is missing.
void loss_take(struct cascade *c, unsigned currency, i128 quanta, i128 *left); // perpetuals: fund first
// What is left of a bankrupt account's loss waits for the round's end with the leg that is not sold; false:
// it is no linear perpetual of the account's.
bool loss_later(struct cascade *c, size_t i, const struct order_leg *leg, i128 quanta);
void loss_book(struct cascade *c, i128 money); // others: fund, then booked
void loss_round_end(struct cascade *c);
// Closes a part of a linear position at the mark; the account pays `pays` cash quanta to a party, of its last
// position at most what is left: *paid.
void cascade_close_part(struct cascade *c, size_t i, unsigned instrument, i128 qty, i128 pays, enum party to,
                        i128 *paid);
// cascade.c
i128 cascade_gas(const struct cascade *c);    // money an order, now
bool cascade_absent(const struct cascade *c); // is nobody there to liquidate or bid?
// cascade_clip.c: a lot of token units to raise `tab`, begun now; false: the auction refuses it.
bool clip_begin(struct cascade *c, size_t account, unsigned instrument, i256 units, i128 tab);
void clip_step(struct cascade *c); // at a step's beginning, after its first prices
bool clip_conserved(const struct cascade *c);
void clip_result(const struct cascade *c, struct lab_result *r);
void reduce_step(struct cascade *c); // cascade_reduce.c: at a step's end, before its last prices
// cascade_credit.c: token units that the liquidators have back to an account; false: it cannot take them.
bool credit_give(struct cascade *c, size_t i, unsigned instrument, i256 units);
bool discounted(const struct cascade *c, const struct account *a); // is it liquidated at a discount?
// The call that repays 1 / 2^halvings of the most, on *a. 0, or -1: there is none; *a may have changed.
int discount_settle(const struct cascade *c, struct account *a, unsigned halvings, struct settlement *t);
// After such a call was taken; repaid: money.
void discount_note(struct cascade *c, const struct account *a, const struct settlement *t, i128 repaid);
void discount_result(const struct cascade *c, struct lab_result *r);
bool cascade_add_flows(struct cascade *c, const struct account *a, const struct settlement *t);

static inline i128 money_a_quantum(const struct market *m, unsigned instrument) // of the quote currency
{
    i128 v = 1;
    for (unsigned k = m->instrument[instrument].cash_decimals; k < 8; k++)
        v *= 10;
    return v;
}

#endif
