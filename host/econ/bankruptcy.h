// SPDX-License-Identifier: Apache-2.0
// The bankruptcy price and what a fill above or below it means for the insurance fund. Source: dYdX v4,
// protocol/x/clob/keeper/liquidations.go (GetBankruptcyPriceInQuoteQuantums,
// GetLiquidationInsuranceFundDelta). Units: the quote's smallest unit; all amounts below 2^100 in size. Pure
// functions; any thread.
#ifndef TRIPLINE_ECON_BANKRUPTCY_H
#define TRIPLINE_ECON_BANKRUPTCY_H

#include "econ/margin.h"

// Quote received (> 0: a long is sold) for a part of a position such that the account would end with nothing
// were all of it closed so:
//     -dvalue - floor(equity * |dneed| / need)
// dvalue: value after less value before; equity: of the account; dneed: the requirement it frees, |dneed|;
// need: all of the account's requirement. Rounded up, towards the account, so that closing at it needs no
// fund. False: need is not above 0 or dneed is not in [0, need].
bool bankruptcy_quote(i128 dvalue, i128 equity, i128 dneed, i128 need, i128 *quote);
// The same for `d` of an account of one market (d against its position, no larger). The requirement is
// maintenance_ppm of the value, up; where it is 0 (a value that rounds to 0) the parts go by size, the rule
// having no answer there.
i128 bankruptcy_of(const struct margin *a, i128 d, i128 price, i128 per, uint32_t maintenance_ppm);
// > 0: the account pays the fund, at most fee_ppm of |fill| (down); < 0: the fund pays the account.
i128 insurance_delta(i128 fill, i128 bankrupt, uint32_t fee_ppm);

#endif
