// SPDX-License-Identifier: Apache-2.0
#include "run/audit.h"

#include "accounts/assets.h"
#include "accounts/book.h"

// Without all of its prices an account has no health; from then on the engine has to know it.
static bool priced(const struct market *m, const struct account *a, const int64_t *px)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    for (size_t k = account_assets(m, a, assets); k--;)
        if (px[assets[k]] <= 0)
            return false;
    return a->n_positions > 0;
}

void audit_update(struct audit *a, const struct book *b, const int64_t *px, const struct engine *g)
{
    a->updates++;
    for (size_t i = 0; i < b->n_accounts; i++) {
        const struct account *acct = book_account(b, i, &a->scratch);
        if (!priced(&b->market, acct, px))
            continue;
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
    const struct account *acct = book_account(b, account, &a->scratch);
    struct health h;
    acct->rule->health(&b->market, acct, px, &h);
    a->unconfirmed_orders += !h.liquidatable;
}
