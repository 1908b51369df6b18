// SPDX-License-Identifier: Apache-2.0
// The line's second thread: follows what the protocol's oracle answers for every reserve's token and tells it
// by asset, beside what transactions that wait in the pool would make of it.
#include <inttypes.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "run/chain_line_inside.h"

enum {
    WAIT_MS = 50,
    // A block's prices count as told once the accounts are at most so many blocks behind: while they are not,
    // prices become too old, and hold what rests on them (P5).
    BEHIND_MAX = 4,
};

// ---- telling

static void begin_group(struct chain_line *l, enum told_kind kind, uint64_t block, uint64_t time)
{
    struct told_group *g = &l->quotes.group;
    g->kind = (uint8_t)kind;
    g->block = block;
    g->time = time;
    g->at_ns = clock_stream_ns();
    g->n = 0;
}

static void end_group(struct chain_line *l)
{
    struct told_group *g = &l->quotes.group;
    if (g->n == 0 && g->kind != TOLD_BLOCK)
        return;
    struct told_entry *t = line_told(l);
    if (!t)
        return;
    size_t n = told_encode(g, t->bytes, sizeof t->bytes);
    if (n == 0) {
        line_fail(l, "prices of block %" PRIu64 " do not fit a record", g->block);
        return;
    }
    t->n = (uint16_t)n;
    spsc_commit(&l->told);
}

// What is said of the asset of tokens first..last-1.
static struct told_price of_asset(const struct quotes *q, size_t first, size_t last)
{
    struct told_price t = q->now[first];
    for (size_t i = first + 1; i < last; i++) {
        if (t.hold == HOLD_NONE && q->now[i].hold != HOLD_NONE)
            t.hold = q->now[i].hold;
        else if (t.hold == HOLD_NONE && q->now[i].price != t.price)
            t.hold = HOLD_GUARD;
    }
    if (q->refused && t.hold == HOLD_NONE)
        t.hold = HOLD_GUARD;
    t.asset = q->asset[first];
    return t;
}

// Everything that differs from what was said last, as one group.
static void tell_prices(struct chain_line *l, uint64_t block, uint64_t time)
{
    struct quotes *q = &l->quotes;
    begin_group(l, TOLD_PRICES, block, time);
    for (size_t i = 0, last; i < q->n; i = last) {
        for (last = i + 1; last < q->n && q->asset[last] == q->asset[i]; last++)
            ;
        struct told_price t = of_asset(q, i, last), *said = &q->said[t.asset];
        if (t.hold == said->hold && t.price == said->price)
            continue;
        *said = t;
        q->group.change[q->group.n++] = t;
    }
    end_group(l);
}

static uint8_t hold_of(enum price_hold h)
{
    switch (h) {
    case PRICE_FREE:
        return HOLD_NONE;
    case PRICE_HELD_ABSENT:
        return HOLD_ABSENT;
    case PRICE_HELD_DIFFERS:
        return HOLD_GUARD;
    case PRICE_HELD_UNREAD:
        break;
    }
    return HOLD_GAP;
}

// 0: what the oracle says is no price that is understood here.
static int64_t price_of(i256 v)
{
    return i256_fits_i64(v) && i256_sign(v) > 0 ? i256_to_i64(v) : 0;
}

static void on_group(void *ctx, const struct price_group *g)
{
    struct chain_line *l = ctx;
    struct quotes *q = &l->quotes;
    q->late &= g->cause != PRICE_UNSURE;
    for (size_t i = 0; i < g->n; i++) {
        struct told_price *now = &q->now[g->change[i].asset];
        now->price = price_of(g->change[i].price);
        now->hold = hold_of(g->change[i].hold);
        if (now->hold == HOLD_NONE && now->price == 0)
            now->hold = HOLD_GUARD;
    }
    tell_prices(l, g->block.number, g->block.time);
}

static void note_counters(struct chain_line *l)
{
    if (!l->quotes.feed)
        return;
    const struct prices_counters *n = prices_counters(price_feed_prices(l->quotes.feed));
    (void)pthread_mutex_lock(&l->lock);
    l->n.price_groups = n->groups;
    l->n.price_audits = n->audits;
    l->n.price_differences = n->differences;
    l->n.candidates = n->candidates;
    (void)pthread_mutex_unlock(&l->lock);
}

void chain_quotes_block(struct chain_line *l, const struct price_block *b, enum price_sentinel sentinel)
{
    struct quotes *q = &l->quotes;
    bool refused = sentinel == SENTINEL_REFUSES;
    if (refused != q->refused) {
        q->refused = refused;
        line_notice(l, "prices: the price sentinel %s liquidations", refused ? "refuses" : "allows");
        tell_prices(l, b->number, b->time);
    }
    note_counters(l);
    q->late = true;
    q->late_block = *b;
    q->late_ns = clock_stream_ns();
    chain_quotes_late(l);
}

void chain_quotes_late(struct chain_line *l)
{
    struct quotes *q = &l->quotes;
    if (!q->late || __atomic_load_n(&l->block, __ATOMIC_ACQUIRE) + BEHIND_MAX < q->late_block.number)
        return;
    q->late = false;
    begin_group(l, TOLD_BLOCK, q->late_block.number, q->late_block.time);
    q->group.at_ns = q->late_ns; // it is as old as when it was heard
    end_group(l);
}

static void on_block_end(void *ctx, const struct price_block *b)
{
    struct chain_line *l = ctx;
    chain_quotes_block(l, b, prices_sentinel(price_feed_prices(l->quotes.feed)));
}

// ---- transactions that wait

// The newest word on each asset, where it is another than was said.
static void tell_waiting(struct chain_line *l)
{
    struct quotes *q = &l->quotes;
    begin_group(l, TOLD_CANDIDATE, __atomic_load_n(&l->block, __ATOMIC_ACQUIRE), 0);
    for (size_t i = 0, last; i < q->n; i = last) {
        const struct waiting *newest = NULL;
        for (last = i + 1; last < q->n && q->asset[last] == q->asset[i]; last++)
            ;
        for (size_t k = 0; k < PRICES_PENDING_MAX; k++) {
            const struct waiting *w = &q->waiting[k];
            if (w->on && w->price[i] && (!newest || w->order > newest->order))
                newest = w;
        }
        int64_t price = newest ? newest->price[i] : 0;
        if (price == q->expected[q->asset[i]])
            continue;
        q->expected[q->asset[i]] = price;
        q->group.change[q->group.n++] = (struct told_price){q->asset[i], HOLD_NONE, price};
    }
    end_group(l);
}

static struct waiting *find_waiting(struct quotes *q, const struct word *hash)
{
    for (size_t i = 0; i < PRICES_PENDING_MAX; i++)
        if (q->waiting[i].on && word_equal(&q->waiting[i].hash, hash))
            return &q->waiting[i];
    return NULL;
}

static struct waiting *free_waiting(struct quotes *q)
{
    for (size_t i = 0; i < PRICES_PENDING_MAX; i++)
        if (!q->waiting[i].on)
            return &q->waiting[i];
    return NULL;
}

static void on_candidate(void *ctx, const struct price_candidate *c)
{
    struct chain_line *l = ctx;
    struct quotes *q = &l->quotes;
    struct waiting *w = find_waiting(q, &c->tx_hash);
    if (!w)
        w = free_waiting(q); // as many as prices.h keeps: there is one
    if (!w)
        return;
    memset(w, 0, sizeof *w);
    w->on = true;
    w->hash = c->tx_hash;
    w->order = ++q->order;
    for (size_t i = 0; i < c->n; i++)
        w->price[c->change[i].asset] = price_of(c->change[i].price);
    tell_waiting(l);
}

static void on_withdrawn(void *ctx, const struct word *tx_hash, enum price_withdrawn why)
{
    struct chain_line *l = ctx;
    struct waiting *w = find_waiting(&l->quotes, tx_hash);
    (void)why;
    if (!w)
        return;
    w->on = false;
    tell_waiting(l);
}

static void on_notice(void *ctx, const char *text)
{
    line_notice(ctx, "prices: %.400s", text);
}

// ---- life

void chain_quotes_hooks(struct price_hooks *h)
{
    *h = (struct price_hooks){.group = on_group,
                              .block_end = on_block_end,
                              .candidate = on_candidate,
                              .withdrawn = on_withdrawn,
                              .notice = on_notice};
}

static bool add_token(struct chain_line *l, uint16_t asset, unsigned reserve)
{
    struct quotes *q = &l->quotes;
    if (q->n == PRICES_ASSETS_MAX)
        return false;
    q->token[q->n] = l->pool->reserve[reserve].asset;
    q->asset[q->n] = asset;
    q->now[q->n++] = (struct told_price){.asset = asset, .hold = HOLD_GAP};
    return true;
}

// Every token of each asset, assets ascending.
static bool add_tokens(struct chain_line *l, const struct market *store)
{
    for (uint16_t a = 0; a < store->n_assets; a++) {
        l->quotes.said[a] =
            (struct told_price){.asset = a, .hold = HOLD_ABSENT}; // what a session begins with
        for (unsigned r = 0; r < CHAIN_RESERVES_MAX; r++) {
            const struct chain_reserve *x = &l->pool->reserve[r];
            if (x->listed && x->instrument < store->n_instruments &&
                store->instrument[x->instrument].asset == a && !add_token(l, a, r))
                return false;
        }
    }
    return true;
}

int chain_quotes_open(struct chain_line *l, const struct market *store, struct err *e)
{
    struct price_feed_config cfg = {
        .node = l->cfg.node,
        .n = l->cfg.n_nodes < PRICE_FEED_NODES_MAX ? l->cfg.n_nodes : PRICE_FEED_NODES_MAX,
        .pending = l->cfg.pending,
        .prices = {.oracle = l->pool->oracle,
                   .provider = l->pool->provider,
                   .asset = l->quotes.token,
                   .verify_blocks = l->cfg.verify_blocks,
                   .ctx = l},
    };
    if (!add_tokens(l, store) || l->quotes.n == 0)
        return err_set(e, "%s: %s", l->cfg.db, l->quotes.n ? "too many reserves" : "the pool has no reserve");
    cfg.prices.n_assets = l->quotes.n;
    chain_quotes_hooks(&cfg.prices.hooks);
    l->quotes.feed = price_feed_new(&cfg, e);
    return l->quotes.feed ? 0 : -1;
}

void *chain_quotes_run(void *line)
{
    struct chain_line *l = line;
    char why[sizeof l->why.msg] = "";
    (void)prctl(PR_SET_NAME, "prices");
    while (!line_stopping(l)) {
        price_feed_step(l->quotes.feed, clock_stream_ns());
        if (strncmp(why, price_feed_why(l->quotes.feed), sizeof why - 1) != 0) {
            (void)snprintf(why, sizeof why, "%s", price_feed_why(l->quotes.feed));
            line_notice(l, "prices: %.400s; everything is read anew", why);
        }
        chain_quotes_late(l);
        price_feed_wait(l->quotes.feed, WAIT_MS);
    }
    note_counters(l);
    return NULL;
}
