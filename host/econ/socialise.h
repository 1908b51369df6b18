// SPDX-License-Identifier: Apache-2.0
// A loss that nobody covers is spread, or booked as a deficit. Each protocol's own way:
//   Drift perpetuals  a funding rate on both sides, ceil(loss * 1e9 / open interest) * 1e3; each account then
//   pays
//                     rate * |size| / 1e12 towards zero (math/liquidation.rs, math/funding.rs)
//   Drift spot        the deposit index falls by ceil(index * loss / deposits) (math/liquidation.rs)
//   Mango             the deposit index falls by loss / indexed deposits in I80F48 (token_liq_bankruptcy.rs)
//   Morpho            supply assets and borrow assets both fall by the bad debt, at once (Morpho.sol,
//   liquidate) Aave >= 3.3       nothing is spread: the debt is burned and booked as the reserve's deficit,
//   which is covered
//                     later from outside (LiquidationLogic.sol _burnBadDebt; eliminateReserveDeficit)
// Pure functions over the caller's memory; no allocation; any thread. Amounts in smallest units, < 2^100.
#ifndef TRIPLINE_ECON_SOCIALISE_H
#define TRIPLINE_ECON_SOCIALISE_H

#include <stddef.h>

#include "econ/fund.h"

// Shares by weight that sum to `loss` exactly: share i is ceil(loss * W_i / W) - ceil(loss * W_(i-1) / W) of
// the running sums W_i, so each is its exact share rounded down or up. weight[i] >= 0. False: all weights are
// 0.
bool socialise_exact(i128 loss, const i128 *weight, size_t n, i128 *share);

// Drift's funding rate, in 1e-9 quote unit (1e-6) for a base unit (1e-9). False: no open interest.
bool socialise_rate(i128 loss, i128 open_interest, i128 *rate);
i128 socialise_rate_pay(i128 rate, i128 size); // what an account of this size pays
// By how much Drift's deposit index falls; 0 without deposits. `capped`: at most index - 1 (newer releases).
i128 socialise_drift_index(i128 index, i128 loss, i128 deposits, bool capped);
// Mango's deposit index after it, all three as the bits of I80F48. False: no deposits, or it does not fit.
bool socialise_mango_index(i128 index, i128 loss, i128 indexed_deposits, i128 *after);

// A lending pool. cash + borrowed + deficit == supplied, always.
struct lend_pool {
    i128 cash;
    i128 borrowed; // what borrowers owe
    i128 supplied; // what suppliers may claim
    i128 deficit;  // claims that nobody owes
};
enum pool_loss { POOL_SUPPLIERS, POOL_DEFICIT };
struct pool_result {
    i128 from_fund, from_suppliers, booked; // they sum to the bad debt
};
// A borrower with no collateral left owes `bad` (0 <= bad <= borrowed): the fund first (NULL: none), then as
// told.
struct pool_result pool_bad_debt(struct lend_pool *p, struct fund *f, i128 bad, enum pool_loss how);
// Pays off deficit with money from outside, at most all of it. Returns what was taken.
i128 pool_cover(struct lend_pool *p, i128 amount);

#endif
