// SPDX-License-Identifier: Apache-2.0
// Accounts' states and instruments' parameters that come between prices, without an order of ours: deposits,
// withdrawals, trades, closed and new accounts, old states, broken ones, new margin tiers, funding. A referee
// keeps its own accounts and market. After every input: the session's book is the referee's; no order leaves
// that the newest state does not deserve, under another epoch, or twice (P2, P6); who is below maintenance
// has an order (P1, P4). The journal of each session replays identically.
#include <check.h>
#include <math.h>

#include "accounts/book.h"
#include "accounts/moving.h"
#include "accounts/rules/rule.h"
#include "accounts/store.h"
#include "base/test_seed.h"
#include "run/random_rig.h"

enum {
    MARKETS = 2,
    FIRST = 30,
    SPARE = 6,
    ROOM = FIRST + SPARE,
    STEPS = 4000,
    LATE = 400, // the second asset's first price comes late
    ROUNDS = 6,
    CHANNEL = 10
};

static struct {
    struct prng rnd;
    uint64_t now;
    uint32_t seq;
    double mark[MARKETS];
    int64_t px[MARKET_ASSETS_MAX];
    // the referee's
    struct market market;
    struct account truth[ROOM + 1]; // one more than there is room for
    size_t n;
    uint64_t told[DESK_TOLD_COUNT], markets[2];
    // orders the venue has not answered yet, and what follows from its answers
    struct gateway_order open[ROOM];
    size_t n_open;
    bool in_flight[ROOM], refused_now[ROOM];
    uint64_t fired[ROOM], retry[ROOM];
    unsigned refusals[ROOM];
    size_t orders, overtaken, filled_late; // in all; refused for their epoch; filled after a newer state
    struct rig rig;
} t;
static uint64_t overtaken, added;

// ---- referee

static bool breached(size_t i)
{
    struct health h;
    const struct account *a = &t.truth[i];
    for (uint16_t k = 0; k < a->n_positions; k++)
        if (t.px[a->position[k].instrument] == 0)
            return false;
    if (a->n_positions == 0)
        return false;
    a->rule->health(&t.market, a, t.px, &h);
    return h.liquidatable;
}

static int tg_submit(struct gateway *g, const struct gateway_order *o)
{
    size_t i = o->key.account - 1;
    (void)g;
    ck_assert_uint_lt(i, t.n);
    ck_assert_msg(!t.in_flight[i], "account %zu: a second order while one is in flight", i + 1);
    ck_assert_msg(breached(i), "account %zu: an order without a breach", i + 1);
    ck_assert_msg(t.now >= t.retry[i], "account %zu: an order before its time", i + 1);
    ck_assert_uint_eq(o->key.epoch, t.truth[i].epoch);
    t.in_flight[i] = true;
    t.fired[i] = t.now;
    t.open[t.n_open++] = *o;
    t.orders++;
    return 0;
}
static const struct gateway_ops tg_ops = {.submit = tg_submit, .counters = tg_counters};
static struct gateway gw = {.ops = &tg_ops};

static void has_its_order(size_t i)
{
    ck_assert_msg(t.in_flight[i] || t.refused_now[i] || !breached(i) || t.now < t.retry[i],
                  "account %zu is below maintenance and has no order", i + 1);
}

static void same_books(void)
{
    static uint8_t a[ACCOUNT_BYTES_MAX], b[ACCOUNT_BYTES_MAX];
    static struct account scratch;
    ck_assert_uint_eq(t.rig.book.n_accounts, t.n);
    for (size_t i = 0; i < t.n; i++) {
        size_t n = account_encode(&t.truth[i], a, sizeof a);
        ck_assert_uint_eq(account_encode(book_account(&t.rig.book, i, &scratch), b, sizeof b), n);
        ck_assert_msg(memcmp(a, b, n) == 0, "account %zu is another than the venue's", i + 1);
    }
    for (int i = 0; i < MARKETS; i++)
        ck_assert(!instrument_differs(&t.market.instrument[i], &t.rig.book.market.instrument[i]));
}

static void all_is_well(void)
{
    same_books();
    for (size_t i = 0; i < t.n; i++)
        has_its_order(i);
}

// ---- rig

static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    return journal_put2(ctx, type, a, na, b, nb);
}

// Positions worth 12,000 to 120,000 with 1.1 % to 8 % of that in cash, opened at the present prices and with
// funding settled.
static void trade(struct account *a)
{
    static const int64_t unit[MARKETS] = {1000, 20000};
    unsigned both = prng_chance(&t.rnd, 1, 3);
    a->cash = 0;
    a->n_positions = 0;
    for (uint16_t m = 0; m < MARKETS; m++) {
        if (!both && m != (uint16_t)(a->id % MARKETS))
            continue;
        int64_t size = unit[m] * prng_between(&t.rnd, 1, 10) / 5;
        int64_t entry = t.px[m] ? t.px[m] : START[m] * INT64_C(1000000000);
        a->position[a->n_positions++] = (struct position){.instrument = m,
                                                          .size = prng_chance(&t.rnd, 1, 2) ? size : -size,
                                                          .entry = entry,
                                                          .funding = funding_now(&t.market.instrument[m])};
        a->cash += (i128)size * entry / 1000000 * prng_between(&t.rnd, 11000, 80000) / 1000000;
    }
}

static struct account new_account(size_t i)
{
    struct account a = {
        .id = (uint32_t)i + 1, .rule = &rule_perp_linear_1, .currency = "USDC", .cash_decimals = 6};
    trade(&a);
    return a;
}

static void open_session(const char *path)
{
    struct err e = {{0}};
    rig_config(&t.rig, &t.rnd, prng_chance(&t.rnd, 1, 2));
    t.rig.cfg.spare_accounts = SPARE;
    t.rig.cfg.desk.max_price_age_ns = 0;
    fill_market(&t.market, MARKETS, 0, 0);
    t.rig.book.market = t.market;
    ck_assert_int_eq(book_packed(&t.rig.book, 0, &e), 0);
    for (t.n = 0; t.n < FIRST; t.n++) {
        t.truth[t.n] = new_account(t.n);
        ck_assert_msg(book_append(&t.rig.book, &t.truth[t.n], &e) == 0, "%s", e.msg);
    }
    rig_open(&t.rig, path, &gw, put);
}

// ---- prices

static void define(void)
{
    market_now(&t.market, t.now);
    for (int i = 0; i < MARKETS; i++)
        rig_definition(&t.rig, t.now, CHANNEL, t.seq++, i);
}

static void send_ticker(int i)
{
    double was = t.mark[i] > 0 ? t.mark[i] : (double)START[i], start = (double)START[i];
    double step = (prng_unit(&t.rnd) - 0.5) * (prng_chance(&t.rnd, 1, 20) ? 0.15 : 0.01);
    double mark = floor(was * (1 + step + (start - was) / start * 0.02) * 100) / 100;
    t.now += UINT64_C(1000000) + prng_below(&t.rnd, SECOND / 2);
    t.mark[i] = mark == was ? mark + 0.01 : mark;
    t.px[i] = llround(t.mark[i] * 1e9);
    memset(t.refused_now, 0, sizeof t.refused_now);
    const struct deribit_ticker d = {.id = FIRST_ID + (uint32_t)i,
                                     .state = INSTRUMENT_OPEN,
                                     .ts_ms = t.now / 1000000,
                                     .mark = t.mark[i],
                                     .index = t.mark[i]};
    market_now(&t.market, t.now);
    rig_ticker(&t.rig, t.now, CHANNEL, t.seq++, &d);
}

// ---- states

static void tell(const struct account *a, enum desk_told expected)
{
    static struct order_reply r, back;
    static uint8_t bytes[REPLY_BYTES_MAX];
    struct err e = {{0}};
    memset(&r, 0, sizeof r);
    r.key.account = a->id;
    r.status = ORDER_STATE;
    r.has_account = true;
    r.account = *a;
    size_t n = reply_encode(&r, bytes, sizeof bytes);
    ck_assert_int_eq(reply_decode(bytes, n, &back), 0);
    t.told[expected]++;
    ck_assert_msg(session_reply(t.rig.session, &back, &e) == 0, "%s", e.msg);
    for (int k = 0; k < DESK_TOLD_COUNT; k++)
        ck_assert_msg(desk_counters(session_desk(t.rig.session))->told[k] == t.told[k], "%s: %llu, not %llu",
                      desk_told_name((enum desk_told)k),
                      (unsigned long long)desk_counters(session_desk(t.rig.session))->told[k],
                      (unsigned long long)t.told[k]);
}

static void change(size_t i)
{
    struct account *a = &t.truth[i];
    switch (prng_below(&t.rnd, 4)) {
    case 0: // withdrawal, also below maintenance: the venue's business
        a->cash -= a->cash > 0 ? a->cash * prng_between(&t.rnd, 1, 100) / 100 : 0;
        break;
    case 1:
        a->cash += (i128)INT64_C(1000000) * prng_between(&t.rnd, 1, 3000);
        break;
    case 2: // closed
        a->n_positions = 0;
        break;
    default:
        trade(a);
    }
    a->epoch++;
    t.retry[i] = t.refusals[i] = 0;
    t.refused_now[i] = false;
    tell(a, TOLD_TAKEN);
    has_its_order(i);
}

static void tell_old(size_t i)
{
    struct account a = t.truth[i];
    if (a.epoch == 0)
        return;
    a.epoch = (uint32_t)prng_below(&t.rnd, a.epoch);
    a.cash += 1;
    tell(&a, TOLD_OLD);
}

static void tell_bad(size_t i)
{
    struct account a = t.truth[i];
    a.epoch++;
    a.n_positions = 1;
    a.position[0] = (struct position){.instrument = MARKETS, .size = 1, .entry = 1};
    tell(&a, TOLD_BAD);
}

static void tell_new(void)
{
    struct account a = new_account(t.n);
    a.epoch = (uint32_t)prng_below(&t.rnd, 3);
    if (t.n == ROOM) {
        tell(&a, TOLD_NO_ROOM);
        return;
    }
    t.truth[t.n++] = a;
    tell(&a, TOLD_ADDED);
    added++;
    has_its_order(t.n - 1);
}

static void tell_one(void)
{
    size_t i = prng_below(&t.rnd, t.n);
    // Half of them while an order of the account is under way.
    if (t.n_open && prng_chance(&t.rnd, 1, 2))
        i = t.open[prng_below(&t.rnd, t.n_open)].key.account - 1;
    switch (prng_below(&t.rnd, 30)) {
    case 0:
        tell_old(i);
        break;
    case 1:
        tell_bad(i);
        break;
    case 2:
        if (prng_chance(&t.rnd, 1, 5))
            tell_new();
        break;
    case 3: // the same once more
        tell(&t.truth[i], TOLD_TAKEN);
        has_its_order(i);
        break;
    default:
        change(i);
    }
}

// ---- parameters

static void new_parameters(struct instrument *in)
{
    switch (prng_below(&t.rnd, 4)) {
    case 0:
        in->tier[0].rate_ppm = (uint32_t)prng_between(&t.rnd, 5000, 15000);
        in->n_tiers = 1;
        break;
    case 1:
        in->tier[0].rate_ppm = (uint32_t)prng_between(&t.rnd, 5000, 10000);
        in->tier[1] = (struct tier){(i128)INT64_C(1000000) * prng_between(&t.rnd, 10000, 90000), 20000};
        in->n_tiers = 2;
        break;
    case 2: // funding from now on, 0.004 % a second
        in->funding_index = funding_now(in);
        in->funding_rate = prng_between(&t.rnd, -1, 1) * START[in->asset] * INT64_C(40000000000000);
        in->told_at = t.now / SECOND;
        break;
    default: // a step of the index
        in->funding_index =
            funding_now(in) + (i128)INT64_C(1000000000000000000) * prng_between(&t.rnd, -9, 9);
        in->told_at = t.now / SECOND;
    }
}

static void tell_market(void)
{
    static struct market next;
    struct err e = {{0}};
    unsigned i = (unsigned)prng_below(&t.rnd, MARKETS);
    next = t.market;
    bool bad = prng_chance(&t.rnd, 1, 6);
    if (bad && prng_chance(&t.rnd, 1, 2))
        next.instrument[i].name[0] = 'Z';
    else if (bad)
        next.instrument[i].tier[0].rate_ppm = 0;
    else
        new_parameters(&next.instrument[i]);
    t.markets[bad]++;
    if (!bad) {
        t.market.instrument[i] = next.instrument[i];
        market_told(&t.market, i);
        market_now(&t.market, t.now);
        memset(t.refused_now, 0, sizeof t.refused_now);
    }
    ck_assert_msg(session_market(t.rig.session, &next, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(session_counters(t.rig.session)->markets[0], t.markets[0]);
    ck_assert_uint_eq(session_counters(t.rig.session)->markets[1], t.markets[1]);
    all_is_well();
}

// ---- venue: settles by its own accounts, in its own time

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
    struct account a = t.truth[i];
    bool past = g.key.epoch != a.epoch;
    memset(&r, 0, sizeof r);
    r.key = g.key;
    ck_assert_int_eq(order_decode(g.bytes, g.n_bytes, &o), 0);
    for (unsigned k = 0; k < g.n_marks; k++)
        px[g.mark[k].asset] = g.mark[k].price;
    // An order on a state that is gone is refused; so is one that prices or parameters have overtaken.
    bool fills =
        !past && prng_chance(&t.rnd, 3, 4) && a.rule->settle(&t.market, &a, px, o.leg, o.n, &st, &e) == 0;
    r.status = fills ? ORDER_FILLED : ORDER_REFUSED;
    t.in_flight[i] = false;
    t.overtaken += past;
    if (fills) {
        if (prng_chance(&t.rnd, 1, 2))
            trade(&a); // comes back
        a.epoch++;
        r.account = a;
        r.has_account = true;
        t.truth[i] = a;
        t.retry[i] = t.refusals[i] = 0;
        if (prng_chance(&t.rnd, 1, 6)) { // the owner was there before the reply: a newer state is known
            t.in_flight[i] = true;
            t.filled_late++;
            change(i);
            t.in_flight[i] = false;
        }
    } else if (!past) {
        t.retry[i] = retry_ns(t.fired[i], &t.refusals[i]);
    }
    t.refused_now[i] = !fills;
    ck_assert_msg(session_reply(t.rig.session, &r, &e) == 0, "%s", e.msg);
    has_its_order(i);
}

static void step(int i)
{
    struct err e = {{0}};
    switch (prng_below(&t.rnd, 10)) {
    case 0:
    case 1:
        answer_one();
        break;
    case 2:
    case 3:
    case 4:
        tell_one();
        break;
    case 5:
        if (prng_chance(&t.rnd, 1, 8))
            tell_market();
        break;
    default:
        send_ticker(i < LATE ? 0 : (int)prng_below(&t.rnd, MARKETS));
        all_is_well();
    }
    if (prng_chance(&t.rnd, 1, 4))
        ck_assert_int_eq(session_idle(t.rig.session, (uint32_t)prng_between(&t.rnd, 1, 5), &e), 0);
    ck_assert_msg(session_audit(t.rig.session)->missed == 0, "account %u was missed",
                  session_audit(t.rig.session)->first_missed);
}

static void run_session(uint64_t seed, unsigned number, const char *path)
{
    (void)number;
    memset(&t, 0, sizeof t);
    prng_seed(&t.rnd, seed);
    t.now = 1000 * SECOND;
    open_session(path);
    define();
    for (int i = 0; i < STEPS; i++)
        step(i);
    same_books();
    const struct engine_counters *g = engine_counters(session_engine(t.rig.session));
    const struct desk_counters *d = desk_counters(session_desk(t.rig.session));
    ck_assert_uint_eq(g->band_exits_expected, g->band_exits_seen);
    ck_assert_uint_eq(d->unknown, 0);
    ck_assert_uint_eq(d->outstanding, t.n_open);
    ck_assert_uint_eq(session_audit(t.rig.session)->unconfirmed_orders, 0);
    ck_assert_uint_gt(t.orders, 20);
    ck_assert_uint_gt(t.filled_late, 0);
    overtaken += t.overtaken;
    const struct replay_result *again = rig_close(&t.rig, path, seed);
    book_free(&t.rig.book);
    ck_assert_uint_eq(again->audit.missed, 0);
    ck_assert_uint_eq(again->orders, t.orders);
}

START_TEST(test_random_updates)
{
    const unsigned rounds = test_rounds(ROUNDS) < ROUNDS ? 2 : ROUNDS;
    rig_rounds(test_seed(20261121), rounds, run_session);
    ck_assert_uint_gt(overtaken, 3 * rounds);
    ck_assert_uint_gt(added, rounds);
}
END_TEST

int main(void)
{
    return rig_suite("session_updates", test_random_updates);
}
