// SPDX-License-Identifier: Apache-2.0
#include "run/audit.h"

void audit_update(struct audit *a, const struct book *b, const int64_t *px, const struct engine *g)
{
    a->updates++;
    for (size_t i = 0; i < b->n_accounts; i++) {
        const struct account *acct = &b->account[i];
        if (acct->n_positions == 0 || !engine_placed(g, i))
            continue; // without all of its prices an account has no health
        struct health h;
        acct->rule->health(&b->market, acct, px, &h);
        a->evaluations++;
        if (!h.liquidatable)
            continue;
        a->breaches++;
        if (!engine_flagged(g, i)) {
            a->missed++;
            if (!a->first_missed)
                a->first_missed = acct->id;
        }
    }
}

void audit_order(struct audit *a, const struct book *b, size_t account, const int64_t *px)
{
    const struct account *acct = &b->account[account];
    struct health h;
    acct->rule->health(&b->market, acct, px, &h);
    a->unconfirmed_orders += !h.liquidatable;
}
