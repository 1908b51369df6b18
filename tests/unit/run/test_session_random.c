// SPDX-License-Identifier: Apache-2.0
// Random sessions against a referee that knows only what was sent: gaps, halts, guards, silence, clocks that
// step back, frames of no interest, the kill switch, and a venue that fills, refuses and forgets in its own
// time. No order leaves that the referee would not let go (P2, P5, P6), none that should leave is missing
// once what waits was looked at (P4), and the journal of each session replays identically. Half the sessions
// are in nested boxes.
#include <check.h>
#include <math.h>

#include "accounts/rules/rule.h"
#include "base/bytes.h"
#include "base/test_seed.h"
#include "feed/arbiter.h"
#include "run/random_rig.h"

enum { MARKETS = 3, ACCOUNTS = 24, STEPS = 6000, ROUNDS = 6, STALE_MS = 5000, STEP_MS = 100 };
static const uint16_t CHANNEL[MARKETS] = {10, 10, 11}; // two share one, so that a gap hits both

// What has been said of one market, by the sender.
struct told {
    double mark;
    int64_t px;
    uint64_t ns;    // receive time of the newest price that is newer by the venue's clock
    uint64_t ts_ms; // that clock
    bool gapped, open, off_guard;
};

static struct {
    struct prng rnd;
    struct told told[MARKETS];
    uint32_t seq[2];
    uint64_t venue;       // its clock, which never steps back
    uint64_t now, stream; // sender's clock; the latest time any frame or clock input carried
    bool killed, defined;
    struct rig rig;
    struct account account[ACCOUNTS], truth[ACCOUNTS],
        first[ACCOUNTS]; // the session's; the venue's; at the start
    // the venue: orders it has not answered yet
    struct gateway_order open[ACCOUNTS];
    size_t n_open;
    bool in_flight[ACCOUNTS];
    uint64_t fired[ACCOUNTS], retry[ACCOUNTS]; // stream time: of the last order; before which none follows it
    unsigned refusals[ACCOUNTS];
    bool refused_now[ACCOUNTS]; // refused since the last look: evaluated again with the next one
    uint64_t looked[ACCOUNTS];  // stream time of the last look
    uint64_t logged;            // the latest time in the log
    size_t orders;
    // What the input at work says. It counts from its place in the log on: the session may log the time first
    // that it heard before, and look at what waits on what it knew until then.
    struct {
        uint16_t lost_on; // channel, 0: none
        struct told *told;
        const struct deribit_ticker *ticker;
        const struct order_reply *reply;
    } work;
} t;

// ---- referee

static int64_t quanta(double mark)
{
    return llround(mark * 1e9);
}

static void prices(int64_t px[MARKET_ASSETS_MAX])
{
    memset(px, 0, MARKET_ASSETS_MAX * sizeof *px);
    for (int i = 0; i < MARKETS; i++)
        px[i] = t.told[i].px;
}

static bool breached(size_t i)
{
    int64_t px[MARKET_ASSETS_MAX];
    struct health h;
    prices(px);
    for (uint16_t k = 0; k < t.truth[i].n_positions; k++)
        if (px[t.truth[i].position[k].instrument] == 0)
            return false;
    if (t.truth[i].n_positions == 0)
        return false;
    t.truth[i].rule->health(&t.rig.book.market, &t.truth[i], px, &h);
    return h.liquidatable;
}

// At stream time `at`.
static bool may_act(size_t i, uint64_t at)
{
    for (uint16_t k = 0; k < t.truth[i].n_positions; k++) {
        const struct told *w = &t.told[t.truth[i].position[k].instrument];
        if (!w->px || w->gapped || !w->open || w->off_guard ||
            (at > w->ns && at - w->ns > STALE_MS * UINT64_C(1000000)))
            return false;
    }
    return !t.killed && at >= t.retry[i];
}

// Prices that were taken, the same again included, a clock input, and the end of the kill switch have all
// that waits evaluated. A message that says nothing does not, though time passes with it.
static void look(void)
{
    for (size_t i = 0; i < ACCOUNTS; i++)
        t.looked[i] = t.stream;
    memset(t.refused_now, 0, sizeof t.refused_now);
}

static void tell(struct told *w, const struct deribit_ticker *d)
{
    w->mark = d->mark;
    w->px = quanta(d->mark);
    if (d->ts_ms > w->ts_ms)
        w->ns = t.now; // the same time again makes a price no younger
    w->ts_ms = d->ts_ms;
    w->gapped = false;
    w->open = d->state == INSTRUMENT_OPEN;
    w->off_guard = d->index != d->mark;
    look();
}

static void frame_counts(void)
{
    for (int i = 0; i < MARKETS; i++)
        if (CHANNEL[i] == t.work.lost_on && t.told[i].ns)
            t.told[i].gapped = true;
    if (t.work.told)
        tell(t.work.told, t.work.ticker);
    t.work.lost_on = 0;
    t.work.told = NULL;
}

static void reply_counts(void)
{
    const struct order_reply *r = t.work.reply;
    if (!r)
        return;
    size_t i = r->key.account - 1;
    bool filled = r->status == ORDER_FILLED;
    t.work.reply = NULL;
    t.in_flight[i] = false;
    t.refused_now[i] = !filled;
    t.retry[i] = filled ? 0 : retry_ns(t.fired[i], &t.refusals[i]);
    if (filled) {
        t.refusals[i] = 0;
        t.truth[i] = r->account;
        t.looked[i] = t.stream; // a new state is evaluated at once
    }
}

// ---- gateway in the test's hands

static int tg_submit(struct gateway *g, const struct gateway_order *o)
{
    size_t i = o->key.account - 1;
    (void)g;
    ck_assert_msg(!t.in_flight[i], "account %u: a second order while one is in flight", o->key.account);
    ck_assert_msg(breached(i), "account %u: an order without a breach", o->key.account);
    ck_assert_msg(may_act(i, t.stream), "account %u: an order on a price that must not be acted on",
                  o->key.account);
    ck_assert_uint_eq(o->key.epoch, t.truth[i].epoch);
    ck_assert_uint_gt(o->lsn, 0);
    t.in_flight[i] = true;
    t.fired[i] = t.stream;
    t.open[t.n_open++] = *o;
    t.orders++;
    return 0;
}
static const struct gateway_ops tg_ops = {.submit = tg_submit, .counters = tg_counters};
static struct gateway gw = {.ops = &tg_ops};

static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    if (type == J_FRAME)
        frame_counts();
    else if (type == J_REPLY)
        reply_counts();
    else if (type == J_CLOCK)
        look();
    if (type == J_FRAME || type == J_CLOCK) {
        uint64_t ns = le64_load(a);
        t.logged = ns > t.logged ? ns : t.logged;
    }
    return journal_put2(ctx, type, a, na, b, nb);
}

// ---- rig

// Positions of about 60,000 in value around prices of 60,000, 3,000 and 150, with 1.2 % to 8 % of cash.
static void fill_accounts(void)
{
    static const int64_t unit[MARKETS] = {1000, 20000, 400000};
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct account *a = &t.account[i];
        *a = (struct account){.id = (uint32_t)i + 1,
                              .rule = &rule_perp_linear_1,
                              .currency = "USDC",
                              .cash_decimals = 6,
                              .n_positions = (uint16_t)(1 + prng_below(&t.rnd, 2))};
        for (uint16_t k = 0; k < a->n_positions; k++) {
            int m = a->n_positions == 1 ? (int)prng_below(&t.rnd, MARKETS)
                    : k                 ? 2
                                        : (int)prng_below(&t.rnd, 2);
            int64_t size = unit[m] * prng_between(&t.rnd, 1, 10) / 5;
            a->position[k] = (struct position){.instrument = (uint16_t)m,
                                               .size = prng_chance(&t.rnd, 1, 2) ? size : -size,
                                               .entry = START[m] * INT64_C(1000000000)};
            a->cash += (i128)60000 * prng_between(&t.rnd, 12000, 80000);
        }
        t.truth[i] = t.first[i] = *a;
    }
    t.rig.book.account = t.account;
    t.rig.book.n_accounts = ACCOUNTS;
}

// ---- frames

static void pass_time(void)
{
    switch (prng_below(&t.rnd, 40)) {
    case 0:
        t.now += SECOND * prng_below(&t.rnd, 12);
        break;
    case 1:
        t.now -= prng_below(&t.rnd, 3) * SECOND; // a capture may say anything
        break;
    default:
        t.now += prng_below(&t.rnd, SECOND / 4);
    }
}

// The session is told the time: it never runs backwards, but what came earlier is as old as that.
static void tell_time(void)
{
    if (t.now > t.stream)
        t.stream = t.now;
}

static bool lose(uint16_t channel)
{
    if (!prng_chance(&t.rnd, 1, 25))
        return false;
    t.seq[channel - 10] += 1 + (uint32_t)prng_below(&t.rnd, 3);
    t.work.lost_on = channel;
    return true;
}

// What was lost does not come any more: the packets behind it are waiting until the session gives it up.
static void give_up(bool lost)
{
    struct err e = {{0}};
    if (!lost)
        return;
    t.stream += ARBITER_HOLD_NS;
    ck_assert(session_due(t.rig.session, t.stream));
    ck_assert_int_eq(session_clock(t.rig.session, t.stream, &e), 0);
}

static void send_empty(uint16_t channel, uint32_t seq)
{
    uint8_t buf[64];
    struct deribit_encoder enc;
    deribit_begin(&enc, buf, sizeof buf, channel, seq);
    deribit_put_snapshot_end(&enc);
    rig_frame(&t.rig, t.now, channel, buf, deribit_end(&enc));
}

static void define(void)
{
    for (int i = 0; i < MARKETS; i++)
        rig_definition(&t.rig, t.now, CHANNEL[i], t.seq[CHANNEL[i] - 10]++, i);
}

static double walk(double mark, int i)
{
    double start = (double)START[i];
    if (mark == 0)
        return start;
    double step = (prng_unit(&t.rnd) - 0.5) * (prng_chance(&t.rnd, 1, 20) ? 0.15 : 0.02);
    double back = (start - mark) / start * 0.02;
    return floor(mark * (1 + step + back) * 100) / 100;
}

static void send_ticker(int i)
{
    struct told *w = &t.told[i];
    uint32_t *seq = &t.seq[CHANNEL[i] - 10];
    tell_time();
    if (t.now > t.venue)
        t.venue = t.now;
    bool lost = lose(CHANNEL[i]), copy = prng_chance(&t.rnd, 1, 10);
    bool replay =
        !lost && w->ts_ms && prng_chance(&t.rnd, 1, 20);        // an old message once more: it says nothing
    bool swap = !lost && !replay && prng_chance(&t.rnd, 1, 10); // it overtakes the packet before it
    double mark = prng_chance(&t.rnd, 1, 6) && w->mark > 0 ? w->mark : walk(w->mark, i);
    bool off = prng_chance(&t.rnd, 1, 20);
    const struct deribit_ticker d = {.id = FIRST_ID + (uint32_t)i,
                                     .state = prng_chance(&t.rnd, 1, 20) ? 2 : INSTRUMENT_OPEN,
                                     .ts_ms = replay ? w->ts_ms - 1 : t.venue / 1000000,
                                     .mark = mark,
                                     .index = off ? mark * 1.2 : mark};
    t.work.ticker = &d;
    t.work.told = swap || replay ? NULL : w;
    rig_ticker(&t.rig, t.now, CHANNEL[i], *seq + swap, &d);
    if (swap) {
        t.work.told = w; // kept until now
        send_empty(CHANNEL[i], *seq);
    }
    if (copy)
        rig_ticker(&t.rig, t.now, CHANNEL[i], *seq + swap, &d);
    *seq += 1u + swap;
    give_up(lost);
}

static void send_other(void)
{
    uint16_t channel = (uint16_t)(10 + prng_below(&t.rnd, 2));
    tell_time();
    bool lost = lose(channel);
    send_empty(channel, t.seq[channel - 10]++);
    give_up(lost);
}

// Not even UDP: the feed drops it, but it does carry a time.
static void send_alien(void)
{
    static const uint8_t arp[60] = {[12] = 0x08, [13] = 0x06};
    struct err e = {{0}};
    t.now += prng_chance(&t.rnd, 1, 3) ? SECOND * prng_below(&t.rnd, 2 * STALE_MS / 1000) : 0;
    tell_time();
    ck_assert_int_eq(session_frame(t.rig.session, t.now, arp, sizeof arp, sizeof arp, &e), 0);
    ck_assert_uint_lt(t.stream - t.logged, STEP_MS * UINT64_C(1000000));
}

// ---- venue

// Most owners come back: positions as at first, at the present prices, with fresh cash.
static void top_up(struct account *a, size_t i)
{
    if (prng_chance(&t.rnd, 1, 20))
        return;
    uint32_t epoch = a->epoch;
    *a = t.first[i];
    a->epoch = epoch;
    for (uint16_t k = 0; k < a->n_positions; k++)
        a->position[k].entry = t.told[a->position[k].instrument].px;
}

static void answer_one(void)
{
    static struct order_reply r;
    static struct order o;
    static struct settlement st;
    struct err e = {{0}};
    int64_t px[MARKET_ASSETS_MAX] = {0};
    if (t.n_open == 0)
        return;
    size_t at = prng_below(&t.rnd, t.n_open);
    struct gateway_order g = t.open[at];
    t.open[at] = t.open[--t.n_open];
    size_t i = g.key.account - 1;
    memset(&r, 0, sizeof r);
    r.key = g.key;
    r.status = (uint8_t)(prng_chance(&t.rnd, 1, 4) ? 2 + prng_below(&t.rnd, 2) : ORDER_FILLED);
    ck_assert_int_eq(order_decode(g.bytes, g.n_bytes, &o), 0);
    for (unsigned k = 0; k < g.n_marks; k++)
        px[g.mark[k].asset] = g.mark[k].price;
    if (r.status == ORDER_FILLED) {
        struct account a = t.truth[i], was = a;
        ck_assert_msg(a.rule->settle(&t.rig.book.market, &a, px, o.leg, o.n, &st, &e) == 0, "%s", e.msg);
        if (prng_chance(&t.rnd, 1, 5))
            a = was; // all of it gone into fees: still below maintenance
        else
            top_up(&a, i);
        a.epoch++;
        r.account = a;
        r.has_account = true;
    }
    t.work.reply = &r;
    ck_assert_msg(session_reply(t.rig.session, &r, &e) == 0, "%s", e.msg);
    if (prng_chance(&t.rnd, 1, 8)) // the same reply once more belongs to nothing
        ck_assert_int_eq(session_reply(t.rig.session, &r, &e), 0);
}

// ---- the session

static void set_kill(void)
{
    struct err e = {{0}};
    bool was = t.killed;
    t.killed = !t.killed && prng_chance(&t.rnd, 1, 2); // on: at once, whatever the session has still to log
    ck_assert_int_eq(session_kill(t.rig.session, t.killed, &e), 0);
    if (was)
        look();
}

static void nothing_is_missing(void)
{
    for (size_t i = 0; i < ACCOUNTS; i++)
        ck_assert_msg(t.in_flight[i] || t.refused_now[i] || !breached(i) || !may_act(i, t.looked[i]),
                      "account %zu is below maintenance, free to be acted on, and has no order", i + 1);
}

static void step(void)
{
    struct err e = {{0}};
    pass_time();
    switch (prng_below(&t.rnd, 20)) {
    case 0:
        send_other();
        break;
    case 1:
        send_alien();
        break;
    case 2:
        set_kill();
        break;
    case 3:
        tell_time();
        ck_assert_int_eq(session_clock(t.rig.session, t.stream, &e), 0);
        break;
    case 4:
    case 5:
    case 6:
        answer_one();
        break;
    default:
        send_ticker((int)prng_below(&t.rnd, MARKETS));
    }
    nothing_is_missing();
    if (prng_chance(&t.rnd, 1, 4))
        ck_assert_int_eq(session_idle(t.rig.session, (uint32_t)prng_between(&t.rnd, 1, 5), &e), 0);
}

static void run_session(uint64_t seed, unsigned number, const char *path)
{
    memset(&t, 0, sizeof t);
    prng_seed(&t.rnd, seed);
    t.now = t.stream = 1000 * SECOND;
    fill_market(&t.rig.book.market, MARKETS, STALE_MS, 50000);
    fill_accounts();
    rig_config(&t.rig, &t.rnd, number % 2 != 0);
    rig_open(&t.rig, path, &gw, put);
    define();
    for (int i = 0; i < STEPS; i++)
        step();
    const struct engine_counters *g = engine_counters(session_engine(t.rig.session));
    ck_assert_uint_eq(g->flags[LEVEL_LIQUIDATE] + g->host_flags, g->confirmed + g->early);
    ck_assert_uint_eq(g->band_exits_expected, g->band_exits_seen);
    ck_assert_uint_eq(session_audit(t.rig.session)->missed, 0);
    ck_assert_uint_eq(session_audit(t.rig.session)->unconfirmed_orders, 0);
    ck_assert_uint_gt(t.orders, 20);
    (void)rig_close(&t.rig, path, seed);
}

START_TEST(test_random_sessions)
{
    // One of each kind under a sanitizer.
    rig_rounds(test_seed(20261120), test_rounds(ROUNDS) < ROUNDS ? 2 : ROUNDS, run_session);
}
END_TEST

int main(void)
{
    return rig_suite("session_random", test_random_sessions);
}
