// SPDX-License-Identifier: Apache-2.0
// dydx-v4-1: a book's account as the chain's subaccount (dydx_v4.h). Internal to the rule. Pure functions
// over the caller's memory; no allocation; any thread.
//
// A size quantum is a base quantum, a cash quantum a quote quantum (1e-6 USDC), a price quantum the oracle's.
// A book has entry prices, the chain has none: it counts what a position has cost in the USDC balance (or in
// the position's quote balance). So, exactly, with the notional N rounded towards zero:
//   the chain's USDC and quote balances = cash - sum N(size at entry) - funding
// and who imports a subaccount may take any entry price e, with cash = USDC + quote balances + sum N(e).
// Accounts have passed validate: at most DYDX_POSITIONS_MAX positions, within the ranges of margin_dydx.c.
#ifndef TRIPLINE_ACCOUNTS_RULES_DYDX_ACCOUNT_H
#define TRIPLINE_ACCOUNTS_RULES_DYDX_ACCOUNT_H

#include "accounts/rules/dydx/dydx_v4.h"
#include "accounts/rules/rule.h"

enum {
    DYDX_CASH_DECIMALS = 6,
    DYDX_BLOCK = 0, // rule_state[DYDX_BLOCK]: second of the last liquidation, 0 for never
};

// The instrument at a price (quanta), with what health needs of it.
void dydx_market(const struct market *m, const struct instrument *in, int64_t px, struct dydx_perpetual *out);
// N of a position of `size` that came about at its entry price, signed, quote quantums.
i256 dydx_cost(const struct market *m, const struct position *p, i128 size);
// What funding takes from the account, quote quantums: all positions together are rounded up, once. span: at
// its worst within the span of market_window, else now.
i256 dydx_funding(const struct market *m, const struct account *a, bool span);

void dydx_v4_health(const struct market *m, const struct account *a, const int64_t *px, struct health *out);
// As struct rule has them.
int dydx_v4_size(const struct market *m, const struct account *a, const int64_t *px,
                 const struct size_policy *policy, struct order_size *out);
int dydx_v4_settle(const struct market *m, struct account *a, const int64_t *px, const struct order_leg *leg,
                   unsigned n, struct settlement *out, struct err *e);
bool dydx_v4_takes(const struct market *m, const struct account *a, const int64_t *px,
                   const struct order_leg *leg, unsigned n, const struct order_size *exact);

#endif
