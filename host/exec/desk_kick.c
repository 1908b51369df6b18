// SPDX-License-Identifier: Apache-2.0
// Orders that start an auction: their reward is what the venue pays for that, whatever the rule's bonus is.
#include "exec/desk_inside.h"

void desk_kick_reward(struct desk *d, const struct account *a, const int64_t *px)
{
    struct flow *gets, *pays;
    if (!desk_kicks(d, a))
        return;
    account_copy(&d->account, a);
    if (a->rule->settle(&d->book->market, &d->account, px, d->size.leg, d->size.n, &d->settlement, NULL) ==
            0 &&
        kick_sides(&d->settlement, PARTY_LIQUIDATOR, &gets, &pays))
        d->size.reward = kick_reward(&d->cfg.kick, d->size.value);
}
