// SPDX-License-Identifier: Apache-2.0
#include "accounts/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"

#define ID_END (UINT32_C(1) << 31) // first id that has no double

static const char *name_at(const struct market *m, bool instruments, unsigned i)
{
    return instruments ? m->instrument[i].name : m->asset[i].name;
}

static bool name_taken(const struct market *m, bool instruments, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(name_at(m, instruments, i), name) == 0)
            return true;
    return false;
}

// The name of the second half's i-th: that of the first half's, cut to fit, with '~' behind it, and a number
// where that is taken by what stands before it.
static void pair_name(const struct market *m, bool instruments, unsigned half, unsigned i, char out[NAME_LEN])
{
    const char *name = name_at(m, instruments, i);
    (void)snprintf(out, NAME_LEN, "%.*s~", NAME_LEN - 2, name);
    for (unsigned k = 2; name_taken(m, instruments, half + i, out); k++) {
        char tail[16];
        int n = snprintf(tail, sizeof tail, "~%u", k);
        (void)snprintf(out, NAME_LEN, "%.*s%s", NAME_LEN - 1 - n, name, tail);
    }
}

static int pairable(const struct market *m, struct err *e)
{
    if (m->n_assets == 0 || m->n_instruments == 0)
        return err_set(e, "pairs: the market has no reserves");
    if (m->n_assets > MARKET_ASSETS_MAX / 2 || m->n_instruments > MARKET_INSTRUMENTS_MAX / 2)
        return err_set(e, "pairs: %u assets and %u instruments; there is room for %d and %d", m->n_assets,
                       m->n_instruments, MARKET_ASSETS_MAX / 2, MARKET_INSTRUMENTS_MAX / 2);
    for (unsigned i = 0; i < m->n_instruments; i++)
        if (m->instrument[i].kind != INST_RESERVE)
            return err_set(e, "pairs: instrument %s is no lending reserve", m->instrument[i].name);
    for (unsigned i = 0; i < m->n_assets; i++)
        if (m->asset[i].kind != ASSET_MARK && m->asset[i].kind != ASSET_INDEX)
            return err_set(e, "pairs: asset %s is no mark or index", m->asset[i].name);
    return 0;
}

int market_pair(struct market *m, struct err *e)
{
    if (pairable(m, e) != 0)
        return -1;
    const uint16_t assets = m->n_assets, instruments = m->n_instruments;
    for (unsigned i = 0; i < assets; i++) {
        struct asset *told = &m->asset[i], *market = &m->asset[assets + i];
        *market = *told;
        pair_name(m, false, assets, i, market->name);
        memset(told->source, 0, sizeof told->source);
        told->kind = ASSET_TOLD;
        told->guard_ppm = 0;
        told->stale_ms = PAIR_STALE_MS;
    }
    for (unsigned i = 0; i < instruments; i++) {
        struct instrument *copy = &m->instrument[instruments + i];
        *copy = m->instrument[i];
        copy->asset = (uint16_t)(copy->asset + assets);
        pair_name(m, true, instruments, i, copy->name);
    }
    m->n_assets = (uint16_t)(2 * assets);
    m->n_instruments = (uint16_t)(2 * instruments);
    return 0;
}

bool market_mirrors(const struct market *m)
{
    const unsigned assets = m->n_assets / 2, half = m->n_instruments / 2;
    for (unsigned i = 0; i < half; i++) {
        struct instrument expected = m->instrument[i];
        const struct instrument *copy = &m->instrument[half + i];
        memcpy(expected.name, copy->name, NAME_LEN);
        expected.asset = (uint16_t)(expected.asset + assets);
        if (instrument_differs(&expected, copy))
            return false;
    }
    return true;
}

static bool asset_predicts(const struct asset *told, const struct asset *market)
{
    return told->kind == ASSET_TOLD && (market->kind == ASSET_MARK || market->kind == ASSET_INDEX) &&
           told->decimals == market->decimals && told->spread_ppm == market->spread_ppm;
}

bool market_pairing(const struct market *m, struct pairing *p)
{
    const unsigned assets = m->n_assets / 2, half = m->n_instruments / 2;
    char name[NAME_LEN];
    if (m->n_assets == 0 || m->n_instruments == 0 || m->n_assets % 2 || m->n_instruments % 2)
        return false;
    for (unsigned i = 0; i < assets; i++) {
        pair_name(m, false, assets, i, name);
        if (!asset_predicts(&m->asset[i], &m->asset[assets + i]) ||
            strcmp(name, m->asset[assets + i].name) != 0)
            return false;
    }
    for (unsigned i = 0; i < half; i++) {
        pair_name(m, true, half, i, name);
        if (m->instrument[i].kind != INST_RESERVE || strcmp(name, m->instrument[half + i].name) != 0)
            return false;
    }
    if (!market_mirrors(m))
        return false;
    *p = (struct pairing){.instruments = (uint16_t)half, .assets = (uint16_t)assets};
    for (unsigned i = 0; i < assets; i++)
        p->predicts[i] = (uint16_t)(assets + i);
    return true;
}

int account_even(struct account *a)
{
    if (a->id >= ID_END)
        return -1;
    a->id *= 2;
    return 0;
}

void account_odd(const struct pairing *p, const struct account *even, struct account *odd)
{
    account_copy(odd, even);
    odd->id = even->id + 1;
    for (unsigned i = 0; i < odd->n_positions; i++)
        odd->position[i].instrument = (uint16_t)(odd->position[i].instrument + p->instruments);
}

static int pair_accounts(const struct book *b, const struct pairing *p, struct book *out, struct err *e)
{
    struct account a, odd;
    if (book_packed(out, 0, e) != 0 || book_reserve(out, 2 * b->n_accounts, 0, e) != 0)
        return -1;
    for (size_t i = 0; i < b->n_accounts; i++) {
        account_copy(&a, book_account(b, i, &odd));
        if (account_even(&a) != 0)
            return err_set(e, "account %u: its id must be below %u to be paired", a.id, ID_END);
        account_odd(p, &a, &odd);
        if (book_append(out, &a, e) != 0 || book_append(out, &odd, e) != 0)
            return -1;
    }
    return 0;
}

int book_pair(struct book *b, struct err *e)
{
    if (!b->packed)
        return err_set(e, "pairs: only a packed book is paired");
    struct book *out = calloc(1, sizeof *out);
    if (!out)
        return err_set(e, "out of memory for a market");
    struct pairing p;
    out->market = b->market;
    int rc = market_pair(&out->market, e);
    if (rc == 0 && market_pairing(&out->market, &p))
        rc = pair_accounts(b, &p, out, e);
    if (rc == 0) {
        book_free(b);
        *b = *out;
    } else {
        book_free(out);
    }
    free(out);
    return rc;
}
