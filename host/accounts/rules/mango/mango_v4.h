// SPDX-License-Identifier: Apache-2.0
// Mango v4: health of an account and the four instructions that liquidate, bit for bit in I80F48
// (docs/protocols/mango-v4.md). Amounts are native token units, prices native quote per native unit, health
// native quote; all I80F48 (fx) unless the type is an integer. Pure functions over caller's memory, no
// allocation; any thread. The first thing on which the program would fail is in c->why, named as the program
// names it ("HasOpenPerpOrders") or as "panic: ..."; what was written before that does not count.
#ifndef TRIPLINE_PROTOCOLS_MANGO_V4_H
#define TRIPLINE_PROTOCOLS_MANGO_V4_H

#include "accounts/rules/mango/i80f48.h"

enum { MANGO_TOKENS_MAX = 16, MANGO_SPOTS_MAX = 8, MANGO_PERPS_MAX = 8, MANGO_INSURANCE_TOKEN = 0 };
enum mango_type { MANGO_INIT, MANGO_MAINT, MANGO_LIQUIDATION_END, MANGO_TYPES };
enum mango_status { MANGO_HEALTHY, MANGO_RECOVERED, MANGO_LIQUIDATABLE };

struct mango_bank {
    fx oracle, stable; // prices
    fx deposit_index, borrow_index, indexed_deposits, indexed_borrows;
    fx maint_asset, maint_liab, init_asset, init_liab; // weights
    uint64_t shift_start, shift_end;                   // seconds: maintenance weights move to their targets
    fx shift_duration_inv, shift_asset, shift_liab;
    struct soft deposit_scale_start, borrow_scale_start; // quote; above it the init weights are scaled
    bool deposit_unscaled, borrow_unscaled;              // the start is f64::MAX
    uint64_t potential_serum_tokens;
    fx liquidation_fee, platform_liquidation_fee, loan_origination_fee_rate;
    bool no_asset_liquidation, insured;
    fx dust, collected_fees; // since the state was given
};

// A position in units of the bank's index: deposit_index when positive, borrow_index when not.
struct mango_position {
    fx indexed;
    bool in_use; // by open orders or a perp: keeps less than one native unit
};

struct mango_token {
    uint16_t index;
    bool active; // the account has a position in it, be it of 0
    struct mango_bank bank;
    struct mango_position liqee, liqor;
};

struct mango_spot {       // open orders account of a serum or openbook market
    unsigned base, quote; // of mango_account.token
    uint64_t base_total, base_free, quote_total, quote_free, rebates;
    fx lowest_ask, highest_bid_inv; // of the orders placed; 0: not known
};

struct mango_perp {
    uint16_t market;
    unsigned settle; // of mango_account.token
    fx oracle, stable;
    int64_t base_lot_size, quote_lot_size, open_interest;
    fx maint_base_asset, init_base_asset, maint_base_liab, init_base_liab, maint_overall,
        init_overall; // weights
    fx base_liquidation_fee, platform_liquidation_fee, positive_pnl_liquidation_fee;
    fx long_funding, short_funding;
    struct soft settle_limit_factor; // negative: no limit
    uint64_t window_size;            // seconds
    bool insured;
    // the account's position
    int64_t base_lots, bids, asks, taker_base_lots, taker_quote_lots;
    fx quote, long_settled, short_settled;
    fx oneshot;
    int64_t recurring, settled_in_window;
    uint32_t window;
    // the liquidator's, its funding settled
    int64_t liqor_base_lots;
    fx liqor_quote;
    fx fees_accrued; // since the state was given
};

struct mango_account {
    uint64_t now;
    bool being_liquidated;
    uint64_t insurance_vault; // native units of token 0
    bool fund_unknown;        // what the fund has, and in what: the vault is 0, token 0 need not be there
    unsigned n_tokens, n_spots, n_perps;
    struct mango_token token[MANGO_TOKENS_MAX];
    struct mango_spot spot[MANGO_SPOTS_MAX];
    struct mango_perp perp[MANGO_PERPS_MAX];
};

// What the program extracts once and calculates every health from. Tokens keep their place in the account.
struct mango_info {
    bool active, allow_asset_liquidation;
    fx asset_weight[MANGO_TYPES], liab_weight[MANGO_TYPES], asset_price[MANGO_TYPES], liab_price[MANGO_TYPES];
    fx balance_spot; // with what is free in open orders
};
struct mango_spot_info {
    unsigned base, quote;
    fx reserved_base, reserved_quote, base_at_ask, quote_at_bid;
    bool zero_funds;
};
struct mango_perp_info {
    unsigned settle;
    fx base_asset[MANGO_TYPES], base_liab[MANGO_TYPES], overall[MANGO_TYPES];
    fx asset_price[MANGO_TYPES], liab_price[MANGO_TYPES];
    int64_t base_lot_size, base_lots, bids, asks;
    fx quote;
    bool open_orders, open_fills;
};
struct mango_cache {
    unsigned n_tokens, n_spots, n_perps;
    struct mango_info token[MANGO_TOKENS_MAX];
    struct mango_spot_info spot[MANGO_SPOTS_MAX];
    struct mango_perp_info perp[MANGO_PERPS_MAX];
};

// ---- mango_v4_bank.c
struct mango_token *mango_fund(struct mango_account *a); // the insurance fund's token; NULL: not there
fx mango_native(const struct mango_bank *b, const struct mango_position *p, struct checked *c);
void mango_deposit(struct mango_bank *b, struct mango_position *p, fx native, bool dusting,
                   struct checked *c);
// fee: the loan's origination fee is taken of what is borrowed; returns it.
fx mango_withdraw(struct mango_bank *b, struct mango_position *p, fx native, bool fee, bool dusting,
                  struct checked *c);
fx mango_scaled_asset_weight(const struct mango_bank *b, fx price, struct checked *c);
fx mango_scaled_liab_weight(const struct mango_bank *b, fx price, struct checked *c);
void mango_maint_weights(const struct mango_bank *b, uint64_t now, fx *asset, fx *liab, struct checked *c);

// ---- mango_v4_cache.c
void mango_cache_set(struct mango_cache *h, const struct mango_account *a, struct checked *c);
void mango_cache_perp(struct mango_perp_info *i, const struct mango_perp *p, struct checked *c);
fx mango_unsettled_funding(const struct mango_perp *p, struct checked *c);
fx mango_health(const struct mango_cache *h, enum mango_type t, struct checked *c);
// Spot balances with the perps' weighted unsettled profit or loss, one for each token.
void mango_balances(const struct mango_cache *h, enum mango_type t, fx balance[MANGO_TOKENS_MAX],
                    struct checked *c);
fx mango_unweighted_pnl(const struct mango_perp_info *p, enum mango_type t, struct checked *c);
fx mango_max_settle(const struct mango_cache *h, unsigned token, struct checked *c);
fx mango_contribution(const struct mango_info *i, enum mango_type t, fx balance, struct checked *c);
// How much of a token may be gained until health is 0.
fx mango_given_for_zero(fx health, fx spot, fx asset_weighted_price, fx liab_weighted_price,
                        struct checked *c);
// 1 orders to cancel, 2 positions to liquidate, 3 bankruptcy, 0 none of them.
unsigned mango_phase(const struct mango_cache *h, struct checked *c);
void mango_require_after_phase2(const struct mango_cache *h, struct checked *c);
// What every liquidation but bankruptcy begins with: the cache, the health at the end of liquidation, what
// the phases before this one (1 or 2 of them) must have left nothing of, the status. False: nothing is to be
// liquidated, or *c has failed.
bool mango_begin(struct mango_account *a, struct mango_cache *h, unsigned phases, fx *health,
                 enum mango_status *status, struct checked *c);
// Sets or clears being_liquidated as every liquidation begins with.
enum mango_status mango_check(struct mango_account *a, const struct mango_cache *h, struct checked *c);
void mango_maybe_recover(struct mango_account *a, fx liquidation_end);

// ---- The instructions. *a becomes the state after it. When the status is not MANGO_LIQUIDATABLE nothing is
// moved, which the program does not call an error.
struct mango_token_result { // mango_v4_token.c
    enum mango_status status;
    fx needed, possible, liab, asset_base, asset_to_liqor, asset_from_liqee, platform_fee, loan_fee;
    fx health; // liquidation end, after
};
void mango_token_liq(struct mango_account *a, unsigned asset, unsigned liab, fx max_liab,
                     struct mango_token_result *r, struct checked *c);

struct mango_bankruptcy_result {
    fx loss, liab, socialized, loan_fee;
    uint64_t insurance;
    fx health;
};
void mango_token_bankruptcy(struct mango_account *a, unsigned liab, fx max_liab,
                            struct mango_bankruptcy_result *r, struct checked *c);

struct mango_perp_result { // mango_v4_perp.c
    enum mango_status status;
    int64_t base;
    fx quote_liqee, quote_liqor, platform_fee, pnl, token;
    int64_t limit_recurring, limit_oneshot; // settle limits that go to the liquidator
    fx health;
};
void mango_perp_liq(struct mango_account *a, unsigned perp, int64_t max_base, uint64_t max_pnl,
                    struct mango_perp_result *r, struct checked *c);
// The least and the most that may be settled in a window.
void mango_settle_limit(const struct mango_perp *p, int64_t limit[2], struct checked *c);
void mango_update_window(struct mango_perp *p, uint64_t now, struct checked *c);
void mango_settle_funding(struct mango_perp *p, struct checked *c);

struct mango_loss_result { // mango_v4_loss.c
    enum mango_status status;
    fx max_settle, settlement, insured, socialized;
    uint64_t insurance;
    fx health;
};
void mango_perp_loss(struct mango_account *a, unsigned perp, uint64_t max_liab, struct mango_loss_result *r,
                     struct checked *c);

#endif
