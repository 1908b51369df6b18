// SPDX-License-Identifier: Apache-2.0
// What is told between prices: accounts' states that no order of ours brought, instruments' new parameters.
// Each is an input in the journal and takes effect where it stands there.
#include "run/inside.h"

#include <string.h>

#include "accounts/book.h"
#include "accounts/moving.h"

void session_state(struct session *s, const struct account *a)
{
    size_t account;
    enum desk_told t = desk_told(s->desk, a, s->accounts_max, &account);
    if (t != TOLD_TAKEN && t != TOLD_ADDED)
        return;
    (void)session_tell_time(s); // the next update looks at what is flagged
    if (s->failed)
        return;
    session_forget(s);
    session_check(s, engine_account_changed(s->engine, account, &s->why));
}

// Every account that holds a changed instrument has to be valid with its new parameters.
static int validate_all(struct session *s, const bool *changed, struct err *e)
{
    for (size_t i = 0; i < s->book->n_accounts; i++) {
        const struct account *a = book_account(s->book, i, &s->account);
        bool holds = false;
        for (unsigned k = 0; k < a->n_positions && !holds; k++)
            holds = changed[a->position[k].instrument];
        if (holds && account_validate(&s->next, a, e) != 0)
            return -1;
    }
    return 0;
}

// Marks changed instruments and lists the assets whose rows they are in; their number.
static size_t compare(const struct market *m, const struct market *next, bool *changed, uint16_t *asset)
{
    bool listed[MARKET_ASSETS_MAX] = {false};
    size_t n = 0;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        const struct instrument *in = &m->instrument[i];
        uint16_t in_rows = in->kind == INST_INVERSE ? in->inverse : in->asset;
        changed[i] = instrument_differs(in, &next->instrument[i]);
        if (changed[i] && !listed[in_rows])
            asset[n++] = in_rows;
        listed[in_rows] |= changed[i];
    }
    return n;
}

// Whether the new parameters can be taken; then the changed instruments, and the assets of their rows.
static bool judge(struct session *s, const struct market *next, bool *changed, uint16_t *asset, size_t *n)
{
    struct err why;
    if (market_follows(&s->book->market, next, &why) != 0)
        return false;
    s->next = *next;
    *n = compare(&s->book->market, next, changed, asset);
    return *n == 0 || market_within(s->book, next, changed) || validate_all(s, changed, &why) == 0;
}

int session_market(struct session *s, const struct market *next, struct err *e)
{
    struct market *m = &s->book->market;
    bool changed[MARKET_INSTRUMENTS_MAX];
    uint16_t asset[MARKET_ASSETS_MAX];
    size_t n = 0;
    bool good = judge(s, next, changed, asset, &n);
    s->count.markets[!good]++;
    if (!good || n == 0)
        return session_verdict(s, e); // nothing that a replay would have to know
    session_catch_up(s);
    if (s->failed)
        return session_verdict(s, e);
    size_t bytes = market_encode(next, s->scratch, sizeof s->scratch);
    session_put(s, J_MARKET, s->scratch, bytes, NULL, 0);
    (void)session_tell_time(s);
    if (s->failed)
        return session_verdict(s, e);
    for (unsigned i = 0; i < m->n_instruments; i++)
        if (changed[i]) {
            struct instrument was = m->instrument[i];
            m->instrument[i] = next->instrument[i];
            market_told(m, i);
            s->next.instrument[i] = was;
        }
    session_forget(s);
    session_check(s, engine_market_changed(s->engine, &s->next, asset, n, &s->why));
    return session_verdict(s, e);
}
