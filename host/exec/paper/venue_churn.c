// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/venue_churn.h"

#include "accounts/book.h"

enum { MONEY_PPM = 20000, TRADE_PPM = 50000, PPM = 1000000 };

static i128 share(struct prng *rnd, i128 of, int64_t ppm)
{
    return of / PPM * prng_between(rnd, -ppm, ppm);
}

bool churn_change(struct prng *rnd, const struct market *m, const struct account *before,
                  struct account *after)
{
    struct err why;
    *after = *before;
    if (before->n_positions == 0)
        return false;
    struct position *p = &after->position[prng_below(rnd, before->n_positions)];
    if (m->instrument[p->instrument].kind == INST_RESERVE) {
        p->supply += share(rnd, p->supply, MONEY_PPM);
        p->debt += share(rnd, p->debt, MONEY_PPM);
    } else if (prng_chance(rnd, 1, 2)) {
        after->cash += share(rnd, after->cash, MONEY_PPM);
    } else { // at the price of the position: nothing is realised
        p->size += p->size * prng_between(rnd, -TRADE_PPM, TRADE_PPM) / PPM;
    }
    return account_validate(m, after, &why) == 0;
}
