// SPDX-License-Identifier: Apache-2.0
#include "scale_scan.h"

#include <stdlib.h>

#include "accounts/book.h"

struct holding {
    u128 balance; // token units
    uint64_t unit;
    uint32_t lt_bps; // of a collateral; a debt has none
    uint16_t asset;
    bool debt, last; // last of its account
};

struct scan {
    size_t accounts, n, room;
    struct holding *at;
};

static bool add(struct scan *s, const struct market *m, const struct position *p, u128 balance, bool debt)
{
    const struct instrument *in = &m->instrument[p->instrument];
    if (s->n == s->room) {
        size_t room = s->room ? 2 * s->room : 1 << 16;
        struct holding *at = realloc(s->at, room * sizeof *at);
        if (!at)
            return false;
        s->at = at;
        s->room = room;
    }
    uint64_t unit = 1;
    for (unsigned d = 0; d < in->size_decimals; d++)
        unit *= 10;
    s->at[s->n++] = (struct holding){
        .balance = balance, .unit = unit, .lt_bps = debt ? 0 : in->lt_bps, .asset = in->asset, .debt = debt};
    return balance >> 84 == 0; // a price of 44 bits more is 128
}

struct scan *scan_new(const struct book *b)
{
    static struct account scratch;
    struct scan *s = calloc(1, sizeof *s);
    bool ok = s != NULL;
    for (size_t i = 0; ok && i < b->n_accounts; i++) {
        const struct account *a = book_account(b, i, &scratch);
        for (unsigned k = 0; ok && k < a->n_positions; k++) {
            // The book's indexes are one, so scaled balances are balances.
            const struct position *p = &a->position[k];
            if (p->supply && p->collateral)
                ok = add(s, &b->market, p, (u128)p->supply, false);
            if (ok && p->debt)
                ok = add(s, &b->market, p, (u128)p->debt, true);
        }
        if (ok && s->n)
            s->at[s->n - 1].last = true;
        s->accounts += ok;
    }
    if (ok)
        return s;
    scan_free(s);
    return NULL;
}

void scan_free(struct scan *s)
{
    if (s)
        free(s->at);
    free(s);
}

size_t scan_count(const struct scan *s)
{
    return s->accounts;
}

size_t scan_all(const struct scan *s, const int64_t *px)
{
    size_t found = 0;
    u128 weighted = 0, debt = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct holding *h = &s->at[i];
        u128 value = h->balance * (uint64_t)px[h->asset];
        if (h->debt)
            debt += (value + h->unit - 1) / h->unit;
        else
            weighted += value / h->unit * h->lt_bps;
        if (!h->last)
            continue;
        found += weighted < debt * 10000; // HF < 1, its divisions taken to the other side (docs/rules.md)
        weighted = debt = 0;
    }
    return found;
}
