// SPDX-License-Identifier: Apache-2.0
// Drift v2: margin of an account, when it may be liquidated, how much, and what a liquidation leaves. In the
// program's own integers and rounding; source and formulas: docs/protocols/drift-v2.md. Pure functions over
// the caller's memory; errors are the program's own names, in struct checked; any thread.
//
// Units. Prices, quote amounts and values: 1e-6 (of a dollar, of quote). Base amounts of perps: 1e-9. Token
// amounts: 10^-decimals. Scaled balances: 1e-9, times cumulative interest (1e10) over 10^(19 - decimals)
// gives tokens. Margin ratios and weights: 1e-4. IMF factors, liquidation fees and divergence: 1e-6. Shares
// of what may be liquidated: 1e-4. Cumulative funding: 1e-9 quote for one base.
#ifndef TRIPLINE_PROTOCOLS_DRIFT_V2_H
#define TRIPLINE_PROTOCOLS_DRIFT_V2_H

#include "base/i128_checked.h"

enum { DRIFT_SPOT_MAX = 8, DRIFT_PERP_MAX = 8 }; // positions of one account

enum drift_type { DRIFT_MAINTENANCE, DRIFT_INITIAL };

// What the program thinks of a price. Only NON_POSITIVE and TOO_VOLATILE keep a liquidation from happening.
enum drift_oracle {
    DRIFT_ORACLE_VALID,
    DRIFT_ORACLE_NON_POSITIVE,
    DRIFT_ORACLE_TOO_VOLATILE,
    DRIFT_ORACLE_TOO_UNCERTAIN,
    DRIFT_ORACLE_STALE_FOR_MARGIN,
    DRIFT_ORACLE_INSUFFICIENT,
    DRIFT_ORACLE_STALE_FOR_AMM,
};

enum drift_asset_tier { DRIFT_COLLATERAL, DRIFT_PROTECTED, DRIFT_CROSS, DRIFT_ISOLATED, DRIFT_UNLISTED };
enum drift_contract_tier {
    DRIFT_TIER_A,
    DRIFT_TIER_B,
    DRIFT_TIER_C,
    DRIFT_TIER_SPECULATIVE,
    DRIFT_TIER_HIGHLY_SPECULATIVE,
    DRIFT_TIER_ISOLATED,
};

// A spot market and the account's balance in it. Markets after interest has been accrued.
struct drift_spot {
    uint16_t index; // 0: the quote token
    uint8_t decimals;
    bool paused; // liquidation
    enum drift_oracle oracle;
    enum drift_asset_tier tier;
    int64_t price, twap; // twap: 5 minutes
    u128 deposit_interest, borrow_interest;
    u128 deposit_balance; // of the whole market, scaled; only for the initial weight's scaling
    uint64_t scale_start; // value of deposits from which the initial asset weight shrinks; 0: never
    uint32_t asset_weight[2], liability_weight[2]; // by enum drift_type
    uint32_t imf, liquidator_fee, if_fee;
    // the account's
    uint64_t balance; // scaled
    bool borrow;
    uint8_t orders;
    int64_t bids, asks; // bids >= 0, asks <= 0
};

// A perpetual market and the account's position in it.
struct drift_perp {
    uint16_t index;
    bool paused, settlement, prediction;
    enum drift_oracle oracle;
    enum drift_contract_tier tier;
    int64_t price, twap, expiry_price; // expiry_price counts in settlement
    i128 funding_long, funding_short;
    uint32_t ratio[2], pnl_weight[2]; // by enum drift_type
    uint16_t high_leverage[2];        // ratios of that mode; it is on when both are above 0
    uint32_t imf, pnl_imf, liquidator_fee, if_fee;
    uint64_t pnl_max_imbalance, step;
    i128 net_pnl; // of all users of the market; only for the initial weight of pnl
    // the account's
    int64_t base, quote, funding, bids, asks;
    uint8_t orders;
    uint16_t max_margin_ratio;
    bool isolated, being_liquidated, bankrupt; // the last two only for an isolated position
    uint64_t isolated_balance;                 // scaled, of the quote token
};

enum drift_leverage { DRIFT_LEVERAGE_DEFAULT, DRIFT_LEVERAGE_HIGH, DRIFT_LEVERAGE_HIGH_MAINTENANCE };

struct drift_user {
    bool being_liquidated, bankrupt; // of the cross margin
    uint64_t margin_freed, last_active_slot;
    uint32_t max_margin_ratio;
    enum drift_leverage leverage;
    unsigned spots, perps;
    struct drift_spot spot[DRIFT_SPOT_MAX]; // spot[0] is the quote market, held or not
    struct drift_perp perp[DRIFT_PERP_MAX];
};

struct drift_rules {
    uint32_t buffer;      // liquidation_margin_buffer_ratio
    uint16_t initial_pct; // initial_pct_to_liquidate
    uint8_t duration;     // liquidation_duration, slots
    uint64_t slot;
    uint64_t divergence; // oracle_twap_5min_percent_divergence
};

// One margin account: the cross one, or an isolated position's.
struct drift_side {
    i128 collateral, collateral_buffer;
    u128 requirement, requirement_buffered;
};

struct drift_margin {
    struct drift_side cross, isolated[DRIFT_PERP_MAX]; // isolated[i] of perp[i], when that is isolated
    bool counted[DRIFT_PERP_MAX];                      // perp[i] is isolated and not empty
    u128 tracked;                                      // requirement of the market that was asked about
    unsigned spot_liabilities, perp_liabilities;
};

enum drift_track { DRIFT_TRACK_NONE, DRIFT_TRACK_SPOT, DRIFT_TRACK_PERP };
struct drift_context {
    enum drift_type type;
    bool strict;     // the worse of price and twap
    uint32_t buffer; // 0 outside liquidations
    enum drift_track track;
    uint16_t market; // tracked
};

// drift_v2_weight.c: what positions are worth.
u128 drift_tokens(struct checked *c, const struct drift_spot *m, u128 balance, bool borrow);
u128 drift_balance(struct checked *c, const struct drift_spot *m, u128 tokens, bool borrow, bool up);
i128 drift_value(struct checked *c, i128 tokens, unsigned decimals, int64_t price); // floor
uint32_t drift_size_premium(struct checked *c, u128 size, uint32_t imf, uint32_t weight);
uint32_t drift_size_discount(struct checked *c, u128 size, uint32_t imf, uint32_t weight);
uint32_t drift_asset_weight(struct checked *c, const struct drift_spot *m, u128 size, enum drift_type t);
uint32_t drift_liability_weight(struct checked *c, const struct drift_spot *m, u128 size, enum drift_type t);
uint32_t drift_margin_ratio(struct checked *c, const struct drift_perp *m, u128 size, enum drift_type t,
                            enum drift_leverage leverage);
uint32_t drift_pnl_weight(struct checked *c, const struct drift_perp *m, i128 pnl, enum drift_type t);
i128 drift_funding(struct checked *c, const struct drift_perp *p); // quote, 64 bits
u128 drift_base_value(struct checked *c, i128 base, int64_t price);
bool drift_spot_empty(const struct drift_spot *p);
bool drift_perp_empty(const struct drift_perp *p);

// drift_v2_margin.c
void drift_margin_of(struct checked *c, const struct drift_user *u, const struct drift_context *x,
                     struct drift_margin *out);
bool drift_meets(const struct drift_side *s);
bool drift_can_exit(const struct drift_side *s);
u128 drift_shortage(struct checked *c, const struct drift_side *s, uint32_t buffer);
bool drift_should_be_bankrupt(const struct drift_user *u, const struct drift_perp *isolated); // NULL: cross

// drift_v2_size.c: how much. Amounts as the program's functions of the same purpose have them.
u128 drift_base_to_cover(struct checked *c, u128 shortage, uint32_t ratio, uint32_t fee, uint32_t if_fee,
                         int64_t price, int64_t quote_price); // UINT64_MAX: all
struct drift_leg {
    u128 amount;
    unsigned decimals;
    int64_t price;
    uint32_t weight, multiplier; // the liability's weight with the buffer
};
u128 drift_liability_to_cover(struct checked *c, u128 shortage, const struct drift_leg *asset,
                              const struct drift_leg *liability, uint32_t if_fee); // U128_MAX: all
u128 drift_liability_implied(struct checked *c, const struct drift_leg *asset,
                             const struct drift_leg *liability);
u128 drift_asset_for_liability(struct checked *c, const struct drift_leg *asset,
                               const struct drift_leg *liability, u128 transfer);
uint32_t drift_perp_if_fee(struct checked *c, u128 shortage, uint64_t base, uint32_t ratio, uint32_t fee,
                           int64_t price, int64_t quote_price, uint32_t most);
uint32_t drift_spot_if_fee(struct checked *c, u128 shortage, const struct drift_leg *asset,
                           const struct drift_leg *liability, uint32_t most);
u128 drift_max_pct(struct checked *c, u128 shortage, uint64_t freed, uint64_t last_active_slot,
                   const struct drift_rules *r);
uint32_t drift_liquidation_fee(struct checked *c, const struct drift_perp *m, enum drift_leverage leverage,
                               uint64_t last_active_slot, uint64_t slot);
bool drift_too_divergent(struct checked *c, int64_t price, int64_t twap, uint64_t most);
u128 drift_step_up(struct checked *c, u128 base, uint64_t step); // u64 in, u64 out

// drift_v2_order.c, drift_v2_transfer.c: an order as the program carries it out.
enum drift_kind {
    DRIFT_ORDER_PERP,
    DRIFT_ORDER_SPOT,
    DRIFT_ORDER_BORROW_FOR_PNL,
    DRIFT_ORDER_PNL_FOR_DEPOSIT
};
struct drift_order {
    enum drift_kind kind;
    uint16_t perp, asset, liability; // market indices, as far as the kind has them
    u128 most;                       // base, liability or pnl that the liquidator takes at most
    bool limited;
    uint64_t limit;
};

// How an order that was not refused ended.
enum drift_end {
    DRIFT_LIQUIDATED,
    DRIFT_EXITED,           // the account had recovered: it left liquidation, nothing else happened
    DRIFT_EXITED_BY_ORDERS, // cancelling its orders was enough
    DRIFT_ORDERS_ONLY,      // orders cancelled; the pnl's tier forbids more
    DRIFT_NO_BASE,          // orders cancelled; there is no position
    DRIFT_NOTHING,          // time allows nothing yet
};

struct drift_fill {
    enum drift_end end;
    u128 shortage; // with the orders cancelled
    u128 max_pct;
    u128 to_cover; // base, liability or pnl that would end the shortage
    u128 transfer; // base, liability or pnl taken over
    u128 received; // perp: quote value; else: asset or pnl the liquidator gets
    uint32_t fee_rate, if_fee_rate;
    u128 fee, if_fee; // perp: quote; spot: if_fee in liability tokens
    u128 freed;       // margin, by this order
};

// Changes u to what it is after the order. When c says why it was refused, u and out hold nothing.
void drift_liquidate(struct checked *c, struct drift_user *u, const struct drift_rules *r,
                     const struct drift_order *o, struct drift_fill *out);

// What the two files of orders share.
struct drift_run {
    struct checked *c;
    struct drift_user *u;
    const struct drift_rules *r;
    const struct drift_order *o;
    struct drift_fill *out;
    struct drift_perp *isolated; // the margin account that is liquidated; NULL: cross
    struct drift_margin margin;  // with the orders cancelled
};
struct drift_perp *drift_find_perp(struct drift_run *x, uint16_t index);
void drift_settle_funding(struct checked *c, struct drift_perp *p);
bool drift_begin(struct drift_run *x, enum drift_track track, uint16_t market); // false: ended, or refused
bool drift_cancel(struct drift_run *x, enum drift_track track, uint16_t market, bool tier_violation);
u128 drift_tracked_shortage(struct drift_run *x, u128 shortage);
void drift_finish(struct drift_run *x);
void drift_liquidate_transfer(struct drift_run *x);

#endif
