// SPDX-License-Identifier: Apache-2.0
// What starting an auction brings (docs/execution.md, "Auctions"): where the venue sells the collateral of
// lending accounts, who sends the order gets tip and chip (dss src/clip.sol, kick), and the rule's bonus is
// for who buys the lot. Pure functions, any thread.
#ifndef TRIPLINE_EXEC_KICK_H
#define TRIPLINE_EXEC_KICK_H

#include "accounts/rules/rule.h"

struct kick_terms {
    uint32_t chop_bps; // tab: the debt repaid times this, >= 10000; 0: nothing is sold by auction
    uint32_t chip_bps; // of the tab
    uint32_t rule;     // kick_rule() of the only rule whose accounts' collateral is; 0: of all lending rules
    int64_t tip_e8;    // 1e-8 units of account, >= 0
};
uint32_t kick_rule(const char *name); // a rule's name as a number that lasts; 0 of an empty one, else > 0
// Is collateral of the rule's accounts sold by auction, and does the rule not pay the incentive itself?
bool kick_of(const struct kick_terms *k, const struct rule *r);
// What who starts it gets for repaid debt of value_e8 >= 0, 1e-8 units of account, rounded down.
i256 kick_reward(const struct kick_terms *k, i256 value_e8);
// What `party` gets and pays by the settlement, of one token each; false: else, and that is settled at once.
bool kick_sides(struct settlement *s, uint8_t party, struct flow **gets, struct flow **pays);

#endif
