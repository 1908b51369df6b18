// SPDX-License-Identifier: Apache-2.0
// Two orders where one leaves money on the table (docs/econ/staged.md, section 4): the first repays what
// leaves the account just liquidatable, so that the close factor applies once more. The closed form there is
// for affine rules; a straight line between nothing and everything is where the search begins here, and the
// rule's own settlement decides. Pure functions over caller's memory; any thread.
#ifndef TRIPLINE_EXEC_SPLIT_H
#define TRIPLINE_EXEC_SPLIT_H

#include "accounts/rules/rule.h"

// The largest repayment within the order `all` that the lending account is still liquidatable after at px, to
// within what 1e-8 units of account buy, debt token units; 0: none. all: what the rule would have repaid at
// most, legal at px. *second: the rule's largest order after it. scratch, settlement: for trying, at most
// some thirty times.
i128 split_first(const struct market *m, const struct account *a, const int64_t *px,
                 const struct order_size *all, struct account *scratch, struct settlement *settlement,
                 struct order_size *second);
// How the first of two is weighed: by its share of what one order for all would earn, as in journals from
// before there was the difference (too low where the collateral does not cover what `all` names); or by what
// it settles for.
enum split_by { SPLIT_BY_SHARE, SPLIT_BY_FLOWS };
// The first of two into *first, its value and reward told at px, where together they repay and
// earn more than `all` alone; false: not, and *first is of no use.
bool split_two(const struct market *m, const struct account *a, const int64_t *px,
               const struct order_size *all, enum split_by by, struct account *scratch,
               struct settlement *settlement, struct order_size *first);

#endif
