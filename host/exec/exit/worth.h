// SPDX-License-Identifier: Apache-2.0
// Is a liquidation worth its transaction, and of which size? Formulas, proofs and what is left out:
// docs/worth.md. Money is in 1e-8 units of account, amounts are token units below 2^112, gas prices are wei
// (1e-18 of the native coin) a unit of gas; all exact integers, rounded against us.
//   worth_best   at prepare time: every pair, the best size (some 10 us a pair and more)
//   worth_value  at prepare time, or when worth_again is not sure: given amounts (below 1 us)
//   worth_again  at the trigger: multiplications only (below 300 ns)
// Lending rules only (a call names a debt and a collateral). Pure functions over caller's memory; no
// allocation; any thread while nobody changes what they read.
#ifndef TRIPLINE_EXEC_EXIT_WORTH_H
#define TRIPLINE_EXEC_EXIT_WORTH_H

#include "accounts/rules/rule.h"
#include "exec/exit/exit.h"

enum { WORTH_LEVELS_MAX = 8, WORTH_ROUNDING = 3 };

// In the order in which they are found: the first that applies.
enum worth_reason {
    WORTH_YES,
    WORTH_NO_PAIR,  // the rule lets no amount of any pair
    WORTH_NO_EXIT,  // pairs, but no way out of a collateral into its debt
    WORTH_RANGE,    // an amount or a value does not fit
    WORTH_BONUS,    // bonus less the protocol's fee is nothing at the protocol's own prices
    WORTH_PREMIUM,  // the flash loan's premium eats that
    WORTH_SLIPPAGE, // the sale does
    WORTH_GAS,      // gas at the lowest tip does
    WORTH_MINIMUM,  // something is left, less than the least profit or the least expected value
    WORTH_DUST,     // a size that is worth it would leave dust, and no size that may be asked for is
    WORTH_REASONS,
};
const char *worth_reason_name(enum worth_reason r); // "worth it", "no pair", ...

// How the order reaches the protocol; what it costs is a parameter.
enum worth_way {
    WORTH_DIRECT, // own money in, collateral out
    WORTH_FLASH,  // flash loan, call, sale, repayment
    WORTH_ITEM,   // one more of these in a batch
    WORTH_WAYS,
};
struct worth_cost {
    uint32_t gas;         // without the sale's own (exit_venue.gas)
    uint32_t revert_gas;  // burnt when the race is lost; 0 where a revert is free
    uint16_t premium_bps; // of the debt borrowed, rounded up; 0 with own money
};

// One way to bid: this share of what is left after gas at the base fee goes into the tip.
struct worth_level {
    uint32_t share_ppm; // 0..1000000
    uint32_t win_ppm;   // how often that wins, 0..1000000
};

struct worth_params {
    struct worth_cost way[WORTH_WAYS];
    uint8_t n_levels; // 1..WORTH_LEVELS_MAX, shares ascending, chances not descending
    struct worth_level level[WORTH_LEVELS_MAX];
    uint64_t tip_floor, tip_cap; // wei
    int64_t min_profit;          // > 0: when won, after everything
    int64_t min_expected;        // >= 0: expected value
    uint16_t scan;               // amounts tried on each side of the best (docs/worth.md); 0: none
};
int worth_check(const struct worth_params *p, struct err *e); // 0, or -1 with the reason

struct worth_gas {
    uint64_t base_fee; // wei, < 2^63
    int64_t native;    // price of a native coin in 1e-8 units of account, > 0
};

// A token at the protocol's price: what the account is charged and paid by.
struct worth_token {
    int64_t px;
    uint8_t decimals, px_decimals; // <= 18 each
};

// What a legal call moves.
struct worth_amounts {
    u128 paid; // debt repaid
    u128 got;  // collateral to the liquidator
    u128 fee;  // collateral to the protocol
};
// The token of instrument i at px.
struct worth_token worth_token_of(const struct market *m, uint16_t i, const int64_t *px);
// What a call for qty of this debt against this collateral moves at px; false when the rule refuses it, or it
// moves nothing.
bool worth_call(const struct market *m, const struct account *a, const int64_t *px, uint16_t debt,
                uint16_t coll, i128 qty, struct worth_amounts *x);
// Units of a token as money, rounded up.
i256 worth_money(u128 units, const struct worth_token *t);
// The least units of a token that are worth so much (>= 0), EXIT_AMOUNT_MAX when that is more.
u128 worth_units(int64_t money, const struct worth_token *t);

struct worth {
    enum worth_reason reason;
    uint16_t debt, coll; // instruments
    bool full;           // all that the rule lets this pair repay
    i128 qty;            // what to name in the debt leg; when full, more than any debt
    struct worth_amounts x;
    u128 premium; // debt units
    u128 out;     // debt units that the sale brings
    // bonus - fee - premium - slippage - gas = profit, exactly.
    i128 bonus, fee, premium_value, slippage, gas_cost, profit;
    i128 expected;
    uint8_t level;
    uint64_t tip;
    uint32_t gas;
    uint32_t version; // of the venue
    u128 slack;       // debt units by which another amount may be better; 0: none is
};

// The money of a call with these amounts. Fills *out but for debt, coll, full, qty and slack; reason is
// WORTH_YES or one of RANGE..MINIMUM. The level is the one of greatest expected value.
void worth_value(const struct worth_params *p, enum worth_way way, const struct worth_gas *gas,
                 const struct worth_token *debt, const struct worth_token *coll, const struct exit_venue *v,
                 const struct worth_amounts *x, struct worth *out);

// Ways out by pair; NULL: none. Asked only for different tokens.
struct worth_exits {
    const struct exit_venue *(*find)(void *ctx, uint16_t coll, uint16_t debt);
    void *ctx;
};

// The best call on this account at px: over all pairs, the size of greatest profit, chosen among pairs by
// expected value. 0, or -1 and out->reason says why not; the figures are then those of the pair and size
// that come nearest (zero for NO_PAIR and NO_EXIT).
int worth_best(const struct worth_params *p, enum worth_way way, const struct worth_gas *gas,
               const struct market *m, const struct account *a, const int64_t *px,
               const struct worth_exits *exits, struct worth *out);

// Does the prepared order still earn at least min_profit at its own tip, with these amounts (the desk's
// settlement of the moment), this price of the debt and these gas prices? True is certain. False is not: the
// venue has changed or it is close; ask worth_value.
bool worth_again(const struct worth *w, const struct worth_params *p, enum worth_way way,
                 const struct worth_gas *gas, const struct worth_token *debt, const struct exit_venue *v,
                 u128 paid, u128 got);

#endif
