// SPDX-License-Identifier: Apache-2.0
// What is told between prices: accounts' states that no order of ours brought, instruments' new parameters,
// and by a chain its oracle's prices and the ways out of its tokens. Each is an input in the journal and
// takes effect where it stands there.
#include "run/inside.h"

#include <string.h>

#include "accounts/book.h"
#include "accounts/moving.h"

void session_told(struct session *s, const struct account *a, size_t most)
{
    size_t account;
    enum desk_told t = desk_told(s->desk, a, most, &account);
    if (t != TOLD_TAKEN && t != TOLD_ADDED)
        return;
    (void)session_tell_time(s); // the next update looks at what is flagged
    if (s->failed)
        return;
    session_forget(s);
    session_account_changed(s, account);
}

void session_state(struct session *s, const struct account *a)
{
    if (s->paired)
        pairs_state(s, a);
    else
        session_told(s, a, s->accounts_max);
}

// Every account that holds a changed instrument has to be valid with its new parameters.
static int validate_all(struct session *s, const bool *changed, struct err *e)
{
    for (size_t i = 0; i < s->book->n_accounts; i++) {
        const struct account *a = book_account(s->book, i, &s->account);
        bool holds = a->rule->uses & USE_MARKET;
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
    if (s->paired && !market_mirrors(next))
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

// Stream time is not before it was heard; it is as old as that all the same.
static void take_told(struct session *s)
{
    struct price_change changed[MARKET_ASSETS_MAX];
    bool touched;
    session_advance(s, s->told.at_ns);
    if (s->heard_ns < s->told.at_ns)
        s->heard_ns = s->told.at_ns;
    size_t n = oracle_tell(s->oracle, &s->told, s->now_ns, changed, &touched);
    session_apply(s, changed, n, touched);
}

int session_input(struct session *s, enum journal_type type, const uint8_t *data, size_t n, struct err *e)
{
    if (type == J_AUCTION)
        return session_auction(s, data, n, e);
    if (type != J_TOLD && type != J_EXITS)
        return err_set(e, "record type %d is no input of its own", (int)type);
    if (type == J_TOLD && told_decode(data, n, &s->told) != 0)
        return err_set(e, "told prices of %zu bytes cannot be decoded", n);
    if (type == J_TOLD && !oracle_knows(s->oracle, &s->told))
        return err_set(e, "told prices name an asset that is not told");
    session_catch_up(s);
    if (s->failed)
        return session_verdict(s, e);
    session_put(s, type, data, n, NULL, 0);
    if (type == J_TOLD)
        take_told(s);
    else if (desk_exits(s->desk, data, n, e) == 0) {
        session_bids_resume(s);
        session_apply(s, NULL, 0, true); // what was not worth it may be now
    } else
        return -1;
    return session_verdict(s, e);
}

void session_book(struct session *s, const struct order_reply *r)
{
    struct session_money *m = &s->money;
    const struct order_mined *x = &r->mined;
    if (r->status != ORDER_MINED && r->status != ORDER_UNDONE)
        return;
    const int sign = r->status == ORDER_MINED ? 1 : -1;
    m->undone += sign < 0;
    *(x->success ? &m->mined : &m->reverted) += sign;
    // Unsigned: whatever is told wraps and comes back when it is undone.
    m->gas_wei = (i128)((u128)m->gas_wei + (u128)sign * x->gas_wei);
    m->paid_wei = (i128)((u128)m->paid_wei + (u128)sign * x->paid_wei);
    if (x->success && x->instrument < MARKET_INSTRUMENTS_MAX)
        m->profit[x->instrument] = (i128)((u128)m->profit[x->instrument] + (u128)sign * x->profit);
}

const struct session_money *session_money(const struct session *s)
{
    return &s->money;
}
