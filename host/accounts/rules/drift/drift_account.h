// SPDX-License-Identifier: Apache-2.0
// drift-v2-1: a book's account as the program's user (drift_v2.h) and back. Internal to the rule. Pure
// functions over the caller's memory; no allocation; any thread.
//
// What stands where (docs/rules.md, "Drift"):
//   reserve     a spot market; the one with liquidation_buffer is the quote's (market 0), its other terms
//               hold for the whole program. size_decimals is 9: supply and debt are scaled balances (1e-9),
//               indexes the cumulative interest (1e-10), so that both are the program's integers.
//   perpetual   base = size 10^(9 - size_decimals), the quantum of size being the market's order step;
//               quote = supply - debt in cash quanta (1e-6); funding indexes have 9 decimals.
//   open orders of both; a reserve's in tokens of 9 decimals, whole units of the token.
//   rule_state  [0]: flags below, and from DRIFT_SLOT_SHIFT on the slot of the last activity; [1]: margin
//               that this liquidation has freed. A slot is 0.4 s of the market's clock.
#ifndef TRIPLINE_ACCOUNTS_RULES_DRIFT_ACCOUNT_H
#define TRIPLINE_ACCOUNTS_RULES_DRIFT_ACCOUNT_H

#include "accounts/rules/drift/drift_v2.h"
#include "accounts/rules/rule.h"

enum {
    DRIFT_PRICE_DIGITS = 6,    // the program's prices; an asset's may have more, up to
    DRIFT_PRICE_DECIMALS = 12, // these: cut off
    DRIFT_BASE_DIGITS = 9,
    DRIFT_BPS = 10000,
    DRIFT_NOT_HELD = 255,
    DRIFT_BEING_LIQUIDATED = 1,
    DRIFT_BANKRUPT = 2,
    DRIFT_HIGH_LEVERAGE = 4,
    DRIFT_SLOT_SHIFT = 3,
};

struct drift_account {
    struct drift_user user; // spot[0]: the quote's market, held or not; other indexes: instrument + 1
    struct drift_rules rules;
    uint8_t spot_at[DRIFT_SPOT_MAX], perp_at[DRIFT_PERP_MAX]; // places of their positions
};

// Prices in quanta of the assets; NULL: all prices are 0. The account is one that validate accepts.
void drift_fill(const struct market *m, const struct account *a, const int64_t *px,
                struct drift_account *out);
// Balances, positions and state as the program has left them. Closed positions go; the quote's balance stays
// while there are perpetuals.
void drift_put_back(const struct market *m, const struct drift_account *x, struct account *a);
// Token units of a reserve's position in 1e-9, as the program reads it now, below 0: a borrow. Of a
// perpetual: its quote, in cash quanta.
i256 drift_holding(const struct market *m, const struct position *p);
bool drift_is_quote(const struct instrument *in); // reserves
int64_t drift_unit_of(unsigned digits);           // 10^digits, digits <= 18

// drift_rows.c, drift_orders.c: see struct rule.
int drift_rows(const struct market *m, const struct account *a, const struct band *band, uint32_t warn_ppm,
               struct affine out[RULE_ROWS_MAX], struct err *e);
bool drift_bends(const struct market *m, const struct account *a);
int drift_size(const struct market *m, const struct account *a, const int64_t *px,
               const struct size_policy *policy, struct order_size *out);
int drift_settle(const struct market *m, struct account *a, const int64_t *px, const struct order_leg *leg,
                 unsigned n, struct settlement *out, struct err *e);

#endif
