// SPDX-License-Identifier: Apache-2.0
// The known rules, by name.
#include "accounts/rules/rule.h"

#include <string.h>

// In the order in which lists show them.
// clang-format off
static const struct rule *const RULES[] = {
    &rule_perp_linear_1,
    &rule_perp_inverse_1,
    &rule_perp_portfolio_1,
    &rule_aave_1_19,
    &rule_aave_3_3,
    &rule_aave_3_4,
    &rule_aave_3_5,
    &rule_aave_3_6,
    &rule_aave_3_7,
    &rule_aave_v4_1,
    &rule_morpho_blue_1,
    &rule_morpho_pre_1,
    &rule_comet_1,
    &rule_compound_v2_1,
    &rule_evk_1,
    &rule_maker_dog_1,
    &rule_liquity_1,
    &rule_binance_usdm_1,
    &rule_hyperliquid_1,
    &rule_dydx_v4_1,
    &rule_drift_v2_1,
    &rule_mango_v4_1,
};
// clang-format on

const struct rule *rule_at(size_t i)
{
    return i < sizeof RULES / sizeof RULES[0] ? RULES[i] : NULL;
}

const struct rule *rule_find(const char *name)
{
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++)
        if (strcmp(RULES[i]->name, name) == 0)
            return RULES[i];
    return NULL;
}

bool rule_linear(const struct rule *r)
{
    return r && r != &rule_perp_inverse_1 && (!r->borrowing || r->borrowing->perps);
}
