// SPDX-License-Identifier: Apache-2.0
// Days played for `tripline lab predict`: forecasts with their outcome, and sessions with their ready orders.
#include <stdlib.h>
#include <string.h>

#include "accounts/assets.h"
#include "accounts/book.h"
#include "accounts/moving.h"
#include "cli/lab_predict_inside.h"
#include "cli/session_options.h"
#include "lab/edge.h"
#include "run/expect.h"
#include "run/session.h"

static const uint64_t SECOND_NS = 1000000000;
enum { IDLE_ACCOUNTS = 64 }; // looked at between two frames, as live

struct play {
    const struct predict_options *o;
    struct book *book;
    struct feed *feed;
    struct oracle *oracle;
    struct expect expect;
    struct predict_day *day;
    uint64_t *breach_ns; // by account, 0: none yet
    uint64_t now_ns, next_ns;
    struct account scratch;
    bool priced, failed;
};

static void on_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct play *y = ctx;
    if (oracle_msg(y->oracle, p, m) && !p->used)
        feed_use(y->feed, p);
}

// Every account that has its prices, by the exact rule: who breaches now for the first time.
static void find_breaches(struct play *y)
{
    const int64_t *px = oracle_prices(y->oracle);
    for (size_t i = 0; i < y->book->n_accounts; i++) {
        uint16_t asset[ACCOUNT_ASSETS_MAX];
        const struct account *a = y->breach_ns[i] ? NULL : book_account(y->book, i, &y->scratch);
        size_t n = a ? account_assets(&y->book->market, a, asset) : 0;
        bool priced = n > 0;
        struct health h;
        for (size_t k = 0; k < n; k++)
            priced &= px[asset[k]] > 0;
        if (!priced)
            continue;
        a->rule->health(&y->book->market, a, px, &h);
        if (!h.liquidatable)
            continue;
        y->breach_ns[i] = y->now_ns;
        y->day->breached++;
        y->day->began += y->next_ns == 0;
    }
}

static bool keep(struct play *y, const struct predict_sample *s)
{
    struct predict_day *d = y->day;
    if (d->n == d->cap) {
        size_t cap = d->cap ? 2 * d->cap : 4096;
        struct predict_sample *p = realloc(d->sample, cap * sizeof *p);
        if (!p)
            return false;
        d->sample = p;
        d->cap = cap;
    }
    d->sample[d->n++] = *s;
    return true;
}

static void forecast(struct play *y)
{
    const int64_t *px = oracle_prices(y->oracle);
    for (size_t i = 0; i < y->book->n_accounts && !y->failed; i++) {
        struct edge g;
        if (y->breach_ns[i] || !edge_of(&y->book->market, book_account(y->book, i, &y->scratch), px, &g) ||
            g.ppm > y->o->within_ppm)
            continue;
        struct predict_sample s = {.at_ns = y->now_ns, .account = (uint32_t)i};
        expect_look(&y->expect, &g.form, g.asset, NULL, &s.seen.look);
        y->failed = !keep(y, &s);
    }
}

static void on_end(void *ctx, const struct feed_packet *p)
{
    struct play *y = ctx;
    struct price_change changed[MARKET_ASSETS_MAX];
    bool touched;
    size_t n = oracle_end(y->oracle, p, y->now_ns, changed, &touched);
    if (n == 0 || y->failed)
        return;
    market_now(&y->book->market, y->now_ns);
    find_breaches(y);
    if (y->now_ns < y->next_ns)
        return;
    expect_sample(&y->expect, oracle_prices(y->oracle), y->book->market.n_assets, y->now_ns);
    if (y->next_ns) // the first look only has prices to begin with
        forecast(y);
    y->next_ns = y->now_ns + y->o->every_s * SECOND_NS;
}

// Forecasts whose horizon ends after the day, and that have not come true by then, are of no use.
static void settle(struct play *y, uint64_t end_ns)
{
    struct predict_day *d = y->day;
    size_t kept = 0;
    for (size_t i = 0; i < d->n; i++) {
        struct predict_sample s = d->sample[i];
        uint64_t until = s.at_ns + y->o->horizon_s * SECOND_NS, at = y->breach_ns[s.account];
        if (until > end_ns)
            continue;
        s.seen.happened = at && at <= until;
        d->sample[kept++] = s;
    }
    d->n = kept;
}

static int play_frames(struct play *y, const struct load *l, const volatile sig_atomic_t *stop, struct err *e)
{
    const struct feed_sink sink = {y, on_msg, on_end};
    for (size_t i = 0; i < l->n; i++) {
        const struct load_frame *f = &l->frame[i];
        if (*stop)
            return err_set(e, "interrupted");
        y->now_ns = f->ts_ns;
        (void)feed_frame(y->feed, f->ts_ns, l->bytes + f->at, f->caplen, f->wirelen, &sink);
        if (y->failed)
            return err_set(e, "out of memory for forecasts: take a longer --every or fewer accounts");
    }
    settle(y, l->n ? l->frame[l->n - 1].ts_ns : 0);
    return 0;
}

int predict_collect(const struct predict_options *o, struct book *b, const struct load *l,
                    struct predict_day *out, const volatile sig_atomic_t *stop, struct err *e)
{
    const struct oracle_config oc = {.rules = ORACLE_RULES_NOW};
    struct play *y = calloc(1, sizeof *y);
    int rc = -1;
    if (!y)
        return err_set(e, "out of memory for a day");
    *y = (struct play){.o = o, .book = b, .day = out, .feed = feed_new(), .expect.cfg = o->config.expect};
    y->expect.cfg.horizon_ms = (uint32_t)(o->horizon_s * 1000);
    y->breach_ns = calloc(b->n_accounts + 1, sizeof *y->breach_ns);
    y->oracle = oracle_new(&b->market, &oc, e);
    if (y->oracle && (!y->feed || !y->breach_ns))
        err_set(e, "out of memory for a day");
    else if (y->oracle)
        rc = play_frames(y, l, stop, e);
    oracle_free(y->oracle);
    feed_free(y->feed);
    free(y->breach_ns);
    free(y);
    return rc;
}

// ---- sessions

// What was known of an account before the update that is played.
struct prepared {
    bool warned, made, full; // an order made, a full one
    i128 qty;                // of its first leg
};
struct counting {
    struct gateway base;
    struct session *session;
    const struct book *book;
    struct prepared *prepared; // by account
    uint64_t ready, unfit;     // used, and found not to fit, so far
    struct predict_orders *to;
};

static struct prepared *prepared_of(const struct counting *c, const struct order_key *k)
{
    return &c->prepared[book_find(c->book, k->account)];
}

static void note_offer(struct gateway *g, const struct gateway_order *o)
{
    struct counting *c = (struct counting *)g;
    struct prepared *p = prepared_of(c, &o->key);
    struct order made;
    if (order_decode(o->bytes, o->n_bytes, &made) != 0)
        return;
    p->made = true;
    p->full = made.full;
    p->qty = made.leg[0].qty;
}

static void no_drop(struct gateway *g, const struct order_key *k)
{
    (void)g, (void)k;
}

static enum predict_cold cold_by(const struct prepared *p, const struct order *o, bool unfit)
{
    if (!p->warned)
        return COLD_SUDDEN;
    if (!unfit)
        return p->made ? COLD_GIVEN_UP : COLD_UNMADE;
    const i128 is = o->leg[0].qty;
    const bool more = p->qty < 0 ? is < p->qty : is > p->qty;
    return more || (o->full && !p->full) ? COLD_DEEPER : COLD_OTHER;
}

static int count_order(struct gateway *g, const struct gateway_order *o)
{
    struct counting *c = (struct counting *)g;
    const struct desk_counters *d = desk_counters(session_desk(c->session));
    struct order made = {0};
    int64_t reward = order_decode(o->bytes, o->n_bytes, &made) == 0 ? made.reward_e8 : 0;
    c->to->orders++;
    c->to->reward_e8 += reward;
    if (d->ready_used != c->ready) {
        c->to->ready++;
        c->to->ready_e8 += reward;
    } else {
        c->to->cold[cold_by(prepared_of(c, &o->key), &made, d->ready_unfit != c->unfit)]++;
    }
    c->ready = d->ready_used;
    c->unfit = d->ready_unfit;
    return 0;
}

static void no_counters(const struct gateway *g, struct gateway_counters *out)
{
    (void)g;
    memset(out, 0, sizeof *out);
}

static uint64_t number_record(void *ctx, enum journal_type type, const void *a, size_t na, const void *b,
                              size_t nb)
{
    (void)type, (void)a, (void)na, (void)b, (void)nb;
    return ++*(uint64_t *)ctx;
}

static void note_warned(struct counting *c)
{
    const uint32_t *near;
    for (size_t n = engine_near(session_engine(c->session), &near); n--;)
        c->prepared[near[n]].warned = true;
}

static int feed_session(struct counting *c, const struct load *l, const volatile sig_atomic_t *stop,
                        struct err *e)
{
    struct session *s = c->session;
    if (session_begin(s, e) != 0)
        return -1;
    for (size_t i = 0; i < l->n; i++) {
        const struct load_frame *f = &l->frame[i];
        if (*stop)
            return err_set(e, "interrupted");
        if (session_frame(s, f->ts_ns, l->bytes + f->at, f->caplen, f->wirelen, e) != 0 ||
            session_idle(s, IDLE_ACCOUNTS, e) != 0)
            return -1;
        note_warned(c);
    }
    return 0;
}

int predict_session(const struct predict_options *o, bool predict, struct book *b, const struct load *l,
                    struct predict_orders *out, const volatile sig_atomic_t *stop, struct err *e)
{
    static const struct gateway_ops ops = {
        .submit = count_order, .counters = no_counters, .offer = note_offer, .drop = no_drop};
    struct device_config dc = {.backend = o->backend};
    struct session_config cfg = o->config;
    struct counting gw = {.base.ops = &ops, .to = out, .book = b};
    struct device *dev;
    uint64_t records = 0;
    const struct session_log log = {&records, number_record};
    *out = (struct predict_orders){0};
    cfg.engine.predict = predict;
    cfg.expect.horizon_ms = (uint32_t)(o->horizon_s * 1000);
    cfg.desk.outstanding_max = (uint32_t)b->n_accounts + 1;
    session_geometry(&dc);
    if (device_open(&dc, &dev, e) != 0)
        return -1;
    gw.prepared = calloc(book_room(b) + 1, sizeof *gw.prepared);
    if (gw.prepared)
        gw.session = session_new(&cfg, b, dev, &gw.base, &log, false, e);
    else
        err_set(e, "out of memory for a session");
    int rc = gw.session ? feed_session(&gw, l, stop, e) : -1;
    session_free(gw.session);
    free(gw.prepared);
    device_close(dev);
    return rc;
}
