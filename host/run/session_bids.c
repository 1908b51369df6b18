// SPDX-License-Identifier: Apache-2.0
// Auctions in a session: what is told of them is an input, the moments of bids come with stream time.
#include "base/bytes.h"
#include "run/inside.h"

static uint64_t put(void *ctx, enum journal_type type, const void *data, size_t n)
{
    return session_put(ctx, type, data, n, NULL, 0);
}

static bool held(void *ctx, uint16_t asset)
{
    const struct session *s = ctx;
    uint64_t t = oracle_price_time(s->oracle, asset), most = s->cfg.desk.max_price_age_ns;
    return oracle_hold(s->oracle, asset, s->now_ns) != HOLD_NONE || (most && s->now_ns > t + most);
}

static bool killed(void *ctx)
{
    return desk_killed(((const struct session *)ctx)->desk);
}

static const struct exit_venue *way_out(void *ctx, uint16_t coll, uint16_t debt, const int64_t *px)
{
    return desk_way_out(((const struct session *)ctx)->desk, coll, debt, px);
}

static uint64_t book(void *ctx, uint16_t asset)
{
    return desk_book_version(((const struct session *)ctx)->desk, asset);
}

int session_bids_open(struct session *s, struct err *e)
{
    const struct bids_hooks h = {s, put, held, killed, way_out, book};
    if (s->cfg.bids.max == 0)
        return 0;
    s->bids = bids_new(&s->cfg.bids, s->cfg.desk.desk, &s->book->market, s->gw, &h, s->audited, e);
    return s->bids ? 0 : -1;
}

void session_bids_room(struct session *s)
{
    if (s->cfg.bids.max && s->cfg.desk.outstanding_max == 0)
        s->cfg.desk.outstanding_max = GATEWAY_OUTSTANDING_MAX - BIDS_OUTSTANDING_MAX;
}

void session_bids_resume(struct session *s)
{
    if (s->bids)
        bids_resume(s->bids);
}

void session_bids_run(struct session *s, const struct price_change *changed, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bids_price(s->bids, changed[i].asset);
    if (!s->failed)
        bids_run(s->bids, oracle_prices(s->oracle), s->now_ns);
}

int session_auction(struct session *s, const uint8_t *data, size_t n, struct err *e)
{
    struct auction a;
    if (auction_decode(data, n, &a) != 0)
        return err_set(e, "an auction of %zu bytes cannot be decoded", n);
    if (!s->bids || !bids_wants(s->bids, &a))
        return session_verdict(s, e);
    session_catch_up(s);
    if (s->failed)
        return session_verdict(s, e);
    session_put(s, J_AUCTION, data, n, NULL, 0);
    bids_told(s->bids, &a);
    session_bids_run(s, NULL, 0);
    return session_verdict(s, e);
}

bool session_bids_reply(struct session *s, const struct order_reply *r)
{
    bool bid = is_bid(&r->key);
    struct auction a;
    if (!s->bids || (!bid && !r->n_note))
        return bid;
    if (bid)
        bids_reply(s->bids, r, s->now_ns);
    else if (auction_decode(r->note, r->n_note, &a) == 0)
        bids_told(s->bids, &a);
    if (bid)
        session_bids_run(s, NULL, 0);
    return bid;
}

void session_budget(struct session *s, int64_t paid_e8)
{
    uint8_t rec[8];
    le64_store(rec, (uint64_t)paid_e8);
    session_put(s, J_BUDGET, rec, sizeof rec, NULL, 0);
    if (s->bids)
        bids_spent(s->bids, paid_e8);
}

uint64_t session_outstanding(const struct session *s)
{
    return desk_counters(s->desk)->outstanding + (s->bids ? bids_outstanding(s->bids) : 0);
}

const struct bids *session_bids(const struct session *s)
{
    return s->bids;
}
