// SPDX-License-Identifier: Apache-2.0
#include "accounts/gen_quote.h"

#include <string.h>

#include "accounts/rules/rule.h"

enum {
    FILL_DIGITS = 1000, // quanta of a balance a quantum of cash: no balance so small that it is nothing
    FX_BITS = 48,       // of an I80F48's fraction (USE_BITS)
};

static struct position *place(struct account *a, uint16_t instrument)
{
    unsigned at = 0;
    while (at < a->n_positions && a->position[at].instrument < instrument)
        at++;
    if (at == a->n_positions || a->position[at].instrument != instrument) {
        memmove(&a->position[at + 1], &a->position[at], (a->n_positions - at) * sizeof a->position[0]);
        a->position[at] = (struct position){.instrument = instrument};
        a->n_positions++;
    }
    return &a->position[at];
}

static void set_balance(struct position *p, i128 v, bool reserve)
{
    p->supply = v > 0 ? v : 0;
    p->debt = v < 0 ? -v : 0;
    p->collateral = reserve && v > 0;
}

const struct account *gen_quoted(const struct market *m, int dollar, const struct account *a,
                                 struct account *copy)
{
    if (!(a->rule->uses & USE_QUOTE) || !a->currency[0] || dollar < 0)
        return a;
    *copy = *a;
    const i128 quanta = a->rule->uses & USE_BITS ? (i128)1 << FX_BITS : 1; // of a quote, in one of cash
    for (unsigned i = 0; i < copy->n_positions; i++) {
        struct position *p = &copy->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (in->kind == INST_RESERVE)
            continue;
        int digits = in->size_decimals + m->asset[in->asset].decimals - in->cash_decimals;
        i128 quote = -p->size * p->entry;
        for (; digits > 0; digits--)
            quote /= 10;
        set_balance(p, quote * quanta, false);
        p->entry = 0;
    }
    set_balance(place(copy, (uint16_t)dollar), copy->cash * (quanta > 1 ? quanta : FILL_DIGITS), true);
    copy->cash = 0;
    return copy;
}

void gen_deposit(struct account *a, uint16_t i, i128 supply)
{
    set_balance(place(a, i), supply, true);
}
