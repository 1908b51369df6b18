// SPDX-License-Identifier: Apache-2.0
// One interface for every protocol rule: account -> affine rows, exact health, size of a liquidation,
// settlement. A rule is named with its version ("aave-3.5"); its arithmetic is the protocol's own, in exact
// integers with the protocol's own rounding. Pure functions over caller's memory; no allocation; any thread.
#ifndef TRIPLINE_ACCOUNTS_RULES_RULE_H
#define TRIPLINE_ACCOUNTS_RULES_RULE_H

#include "accounts/account.h"
#include "base/err.h"

enum {
    ROW_ASSETS_MAX = 64,               // coefficients of one row
    RULE_ROWS_MAX = SCENARIOS_MAX + 2, // rows a rule may give for one account
    ORDER_LEGS_MAX = ACCOUNT_POSITIONS_MAX,
};

// Levels of rows: siblings over the same assets with other coefficients.
enum row_level {
    LEVEL_LIQUIDATE = 0, // H < 0 exactly when the account may be liquidated
    LEVEL_WARN = 1,      // H < 0 when it is within `warn_ppm` of that: make its order ready
    ROW_LEVELS,
};

// Closed interval of prices (quanta) in which a row must be right.
struct band {
    int64_t lo, hi; // 0 < lo <= hi
};

// H(p) = c + sum a[i] * p[asset[i]], in a value quantum of the rule's choice, for prices p inside the bands.
// Contract (P1): for all p in the bands, c + sum a*p - slack <= the rule's exact H, and the exact rule is
// "liquidatable" only where that lower bound is < 0.
struct affine {
    uint8_t level; // enum row_level
    uint16_t n;
    uint16_t asset[ROW_ASSETS_MAX]; // distinct
    i256 a[ROW_ASSETS_MAX];
    i256 c;
    i256 slack; // >= 0: contract rounding, chords, reciprocals
};

struct health {
    bool liquidatable; // equity < requirement, and no grace period forbids it at the market's present moment
    i256 equity;       // collateral side, rule's value quantum
    i256 requirement;  // debt or maintenance side, same quantum
};

// What the planner asks of a rule.
// The unit of account is the quote currency (the dollar of a USD, USDC or 8-decimal Aave price) for every
// rule, inverse perpetuals included.
struct size_policy {
    uint32_t target_ppm; // health to restore: equity / requirement * 1e6, > 1e6
    int64_t dust;        // positions or remainders worth less than this (whole units of account) go entirely
};

// One leg. Perpetuals: close |qty| of the position (always reduces). Reserves: exactly two legs,
// [0] debt to repay in the debt token (at most qty token units: the rule may take less), [1] the collateral
// reserve (qty 0: what the rule gives).
struct order_leg {
    uint16_t instrument;
    i128 qty; // > 0
};

struct order_size {
    bool full; // perpetuals: every position is closed; lending: all that the contract lets this pair repay
    uint16_t n;
    struct order_leg leg[ORDER_LEGS_MAX];
    i256 value;  // liquidated notional or repaid debt, in 1e-8 units of account
    i256 reward; // what the liquidator earns by it, same unit; lending without a bonus: may be negative
};

// Money moved by a settlement. Perpetuals: cash quanta, instrument -1. Lending: token units of the reserve
// `instrument`; PARTY_ACCOUNT's flow is the change of its (balance - debt), PARTY_POOL's is rounding only.
// The sum of all flows of one currency or token is zero. A deficit is a negative flow of PARTY_DEFICIT, which
// pays it. Not of a rule's: PARTY_AUCTION has what is for sale in auctions and owes what was repaid with it;
// PARTY_OTHERS are other keepers, and owners outside of their accounts.
enum party {
    PARTY_ACCOUNT,
    PARTY_LIQUIDATOR,
    PARTY_VENUE,
    PARTY_POOL,
    PARTY_DEFICIT,
    PARTY_AUCTION,
    PARTY_OTHERS,
    PARTY_COUNT
};
struct flow {
    uint8_t party;      // enum party
    int32_t instrument; // reserve whose token moves, or -1 for settlement cash
    i256 amount;        // signed, token units or cash quanta
};
enum { FLOWS_MAX = 4 * ACCOUNT_POSITIONS_MAX + 8 };
struct settlement {
    uint16_t n;
    struct flow flow[FLOWS_MAX];
};

// Parameters have changed: how far below an older row the health may be now, as a move of the price of the
// instrument's asset (docs/scale.md, "Updates"). In parts of 2^SHIFT_BITS, each below one.
enum {
    SHIFT_BITS = 60,
    SHIFT_SPARE_BITS = 17, // of a lasting row's coefficients, 7.6 ppm
};
// Shifts add up to so much before they use up the spare: m - m^2, as changes multiply.
#define SHIFT_SPARE                                                                                          \
    ((UINT64_C(1) << (SHIFT_BITS - SHIFT_SPARE_BITS)) - (1 << (SHIFT_BITS - 2 * SHIFT_SPARE_BITS)))
struct shift {
    uint64_t down, up;
};

// What borrowers under a lending rule look like, for whoever makes some.
struct borrowing {
    uint8_t debts, collaterals; // reserves at most, of each; 0: any number
    bool perps;                 // its accounts may hold perpetuals too, by their quote (USE_QUOTE)
    bool emodes;                // eMode categories, interest rates and ramps are known
    bool paid;                  // who liquidates spends nothing and is paid: no way out is looked for
    bool dollars;               // only dollars are borrowed, and against coins
    void (*terms)(
        struct instrument *in); // turns a generated reserve of Aave's into one of this rule's; NULL: it is
    void (*totals)(struct instrument *in, int64_t price); // then what the protocol has in all of it, at a
                                                          // start price (quanta); NULL: nothing
};

// The same of a rule for perpetuals.
struct trading {
    void (*terms)(struct instrument *in); // turns a generated linear perpetual into one of this rule's
};

// What a rule keeps in fields of a position that its kind has no other use for.
enum rule_use {
    USE_QUOTE = 1,   // perpetuals: what the position is owed in cash, beyond size * price, is supply - debt;
                     // entry is 0 then
    USE_PREMIUM = 2, // reserves: size and funding, as the rule says
    USE_STATE = 4,   // account's rule_state
    USE_BITS = 8,    // supply and debt are I80F48: files have them as whole numbers, their bits
    USE_RAMPS = 16,  // reserves: thresholds may ramp; of the rules that credit_common.h checks
    USE_MARKET = 32, // accounts depend on terms of an instrument that they need not hold
    USE_ORDERS = 64, // open orders (orders, bids, asks); perpetuals then have no entry (USE_QUOTE)
};

struct rule {
    const char *name;                  // with version
    uint8_t uses;                      // bits of enum rule_use
    const struct borrowing *borrowing; // lending; NULL: perpetuals
    const struct trading *trading;     // perpetuals that are not as they are generated; else NULL
    // Rows of the account, valid inside band[asset] for every asset it uses and within the span of
    // market_window. The LEVEL_LIQUIDATE ones come first; of several (scenarios) the least counts, H is their
    // minimum. warn_ppm > 0 adds one LEVEL_WARN sibling. Returns the number of rows, which does not depend on
    // the bands and the span, or -1 (too many assets, out of range) with *e set.
    int (*rows)(const struct market *m, const struct account *a, const struct band *band, uint32_t warn_ppm,
                struct affine out[RULE_ROWS_MAX], struct err *e);
    // Rows of the same contract, marked LEVEL_LIQUIDATE, of equity * 1e6 < requirement * (1e6 + ppm) instead.
    // NULL: the LEVEL_WARN row that rows() gives for ppm is that; where it is not NULL that one only says
    // when to make an order ready.
    int (*rows_at)(const struct market *m, const struct account *a, const struct band *band, uint32_t ppm,
                   struct affine out[RULE_ROWS_MAX], struct err *e);
    // Exact health at prices px[asset] (quanta, > 0 for every asset the account uses) at the moment of
    // market_now.
    void (*health)(const struct market *m, const struct account *a, const int64_t *px, struct health *out);
    // Closed-form size that restores target health; full when the rule or dust says so. 0, or -1 when the
    // account cannot be liquidated at px.
    int (*size)(const struct market *m, const struct account *a, const int64_t *px,
                const struct size_policy *policy, struct order_size *out);
    // Executes legs at px on *a: debt repaid first, penalty and fee, remainder returned to the account, a
    // deficit booked openly. Rechecks that the account is liquidatable and each leg is legal. 0, or -1 with
    // the reason in *e and *a unchanged. Does not touch a->epoch.
    int (*settle)(const struct market *m, struct account *a, const int64_t *px, const struct order_leg *leg,
                  unsigned n, struct settlement *out, struct err *e);
    // Would settle take these legs at px? The same answer without its work, for an account that is
    // liquidatable at px. exact: what size has just given for it at px, NULL when it was not asked. NULL: ask
    // settle.
    bool (*takes)(const struct market *m, const struct account *a, const int64_t *px,
                  const struct order_leg *leg, unsigned n, const struct order_size *exact);
    // Lending: what the account has in one of its reserves as the contract reads it now, balance less debt,
    // in token units; a settlement's PARTY_ACCOUNT flows are its changes. Of a perpetual (USE_QUOTE): its
    // quote balance in cash quanta, which counts as cash in the flows. NULL: perpetuals.
    i256 (*holding)(const struct market *m, const struct position *p);
    // Whether the rows' form may depend on the bands (a margin tier inside, a weight that depends on a sign),
    // beyond their slack. NULL: it may.
    bool (*bends)(const struct market *m, const struct account *a);
    // The most LEVEL_LIQUIDATE rows that an account can have in this market. NULL: 1.
    unsigned (*most_rows)(const struct market *m);
    // Instrument `was` is `is` now, at second m->now_s. For each of n moments until_s[k] >= now_s in out[k]:
    // at every moment from now to that one, H at prices p is at or above what any lasting row from before,
    // whose span ends by then, has promised with the price of the instrument's asset moved: to p (1 - down)
    // where the account's coefficient is > 0, to p (1 + up) where it is < 0; several changes multiply. That
    // holds for accounts that are not `crossed`. *spared: lasting rows are right without any move, crossed
    // ones too, while the greater of down and up of all changes since they were made add up to at most
    // SHIFT_SPARE. False, or NULL: no such bound is known. until_s ascends. Lending rules (`borrowing`): it
    // also holds for rows at a warning level, as these scale coefficients only.
    bool (*shift)(const struct market *m, const struct instrument *was, const struct instrument *is,
                  const uint64_t *until_s, unsigned n, struct shift *out, bool *spared);
    // Do two terms over one asset stand against each other, so that its coefficient hides how large they are?
    // NULL: never.
    bool (*crossed)(const struct market *m, const struct account *a);
    // Is every account that is valid, and has no more of instrument i than r, valid with the parameters of i
    // in `next` too? (Names, kinds and units are the same.) NULL: all are. USE_MARKET, which has it: also
    // asked with a reach of nothing, about what its accounts need not hold.
    bool (*within)(const struct market *next, unsigned i, const struct reach *r);
    // Checks that a loaded account fits the rule (kinds, currencies, ranges). 0, or -1 with the reason.
    int (*validate)(const struct market *m, const struct account *a, struct err *e);
};

extern const struct rule rule_perp_linear_1;    // "perp-linear-1"
extern const struct rule rule_perp_inverse_1;   // "perp-inverse-1"
extern const struct rule rule_perp_portfolio_1; // "perp-portfolio-1"
extern const struct rule rule_aave_1_19;        // "aave-1.19": core 1.19, v3.0 to v3.2
extern const struct rule rule_aave_3_3;         // "aave-3.3"
extern const struct rule rule_aave_3_4;         // "aave-3.4"
extern const struct rule rule_aave_3_5;         // "aave-3.5"
extern const struct rule rule_aave_3_6;         // "aave-3.6"
extern const struct rule rule_aave_3_7;         // "aave-3.7"

extern const struct rule rule_morpho_blue_1; // "morpho-blue-1"
extern const struct rule rule_comet_1;       // "comet-1"
extern const struct rule rule_compound_v2_1; // "compound-v2-1"
extern const struct rule rule_drift_v2_1;    // "drift-v2-1"

extern const struct rule rule_binance_usdm_1; // "binance-usdm-1"
extern const struct rule rule_hyperliquid_1;  // "hyperliquid-1"
extern const struct rule rule_mango_v4_1;     // "mango-v4-1"
extern const struct rule rule_maker_dog_1;    // "maker-dog-1"
extern const struct rule rule_liquity_1;      // "liquity-1"
extern const struct rule rule_evk_1;          // "evk-1"
extern const struct rule rule_morpho_pre_1;   // "morpho-pre-liquidation-1"
extern const struct rule rule_dydx_v4_1;      // "dydx-v4-1"
extern const struct rule rule_aave_v4_1;      // "aave-v4-1"

const struct rule *rule_find(const char *name); // NULL when unknown
const struct rule *rule_at(size_t i);           // i-th known rule, NULL past the end
bool rule_linear(const struct rule *r);         // may its accounts hold linear perpetuals? NULL: no

#endif
