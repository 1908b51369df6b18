// SPDX-License-Identifier: Apache-2.0
// What morpho-blue-1 and morpho-pre-liquidation-1 make of an account: one debt in shares, one collateral, one
// price. Internal to the two rules. Pure functions over caller's memory; no allocation; any thread.
#ifndef TRIPLINE_ACCOUNTS_RULES_CREDIT_MORPHO_H
#define TRIPLINE_ACCOUNTS_RULES_CREDIT_MORPHO_H

#include "accounts/rules/morpho/morpho_blue.h"
#include "accounts/rules/rule.h"

struct loan {
    const struct position *debt, *coll; // coll NULL: none
    const struct instrument *loan, *back;
    struct morpho_market market;
    struct morpho_position at;
};

// False: nothing is owed.
bool morpho_loan_of(const struct market *m, const struct account *a, struct loan *l);
u256 morpho_price_of(const struct loan *l, const int64_t *px); // loan units for one of the collateral, 1e36
// Rows of an account at l->market.lltv, LEVEL_WARN where warn_ppm is not 0; how many.
int morpho_loan_rows(const struct loan *l, uint32_t warn_ppm, struct affine out[2]);
void morpho_loan_health(const struct loan *l, const int64_t *px, struct health *out); // at l->market.lltv
// Loan units whose repayment at incentive factor `lif` (WAD) leaves the target against l->market.lltv; the
// whole debt when none does, or when what it leaves is dust.
i256 morpho_target_debt(const struct loan *l, const int64_t *px, const struct size_policy *policy, u256 lif);
i256 morpho_holding(const struct market *m, const struct position *p); // rule->holding
int morpho_validate(const struct market *m, const struct account *a, struct err *e);
// rule->within for accounts of `rule`, but for what the rule has beyond Morpho's own.
bool morpho_reserve_within(const struct rule *rule, const struct market *next, unsigned i,
                           const struct reach *r);
void morpho_terms(struct instrument *in); // borrowing.terms
// What a liquidation has done, into positions and flows; lost: assets that nobody repays.
struct morpho_moved {
    u256 repaid, seized, lost;
    struct morpho_position left;
};
void morpho_book(const struct market *m, struct account *a, const struct loan *l,
                 const struct morpho_moved *x, struct settlement *out);

#endif
