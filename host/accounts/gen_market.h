// SPDX-License-Identifier: Apache-2.0
// Inside of the generator: the market that a list of start prices makes. Only generate.c and gen_market.c.
#ifndef TRIPLINE_ACCOUNTS_GEN_MARKET_H
#define TRIPLINE_ACCOUNTS_GEN_MARKET_H

#include "accounts/store.h"

enum { GEN_EMODE = 1 }; // the one eMode category of a generated market

// Fills *m and the start price px[] (quanta) of each asset. 0, or -1 with *e set.
int gen_market(const struct gen_options *o, struct market *m, int64_t px[MARKET_ASSETS_MAX], struct err *e);
// An asset whose price no market move changes (a dollar coin).
bool gen_is_stable(const struct asset *a);
// Token units that one of what a reserve counts supply and debts in is worth; for drawing sizes only.
double gen_supply_unit(const struct instrument *s);
double gen_debt_unit(const struct instrument *s);

#endif
