// SPDX-License-Identifier: Apache-2.0
// Random sessions over paired books against a referee that knows only what was told and sent: told groups,
// candidates, blocks, holds, silence, packets, states, new accounts, parameters, the kill switch, and
// transactions that are mined, fail, are undone or refused. No order leaves that must not (P2, P5, P6), none
// is missing (P4), the audit misses nothing (P1), the journal replays identically, on another device too.
// Half the sessions are in nested boxes, half send orders on predictions.
#include "pairtest.h"

#include <stdio.h>

#include "base/prng.h"
#include "base/test_seed.h"

enum { ACCOUNTS = 20, ROOM = 40, STEPS = 6000, SESSIONS = 8, OPEN_MAX = 256 };

struct source {
    int64_t told, candidate, feed;
    enum hold hold;
    uint64_t feed_ns;
    bool off_guard;
};

static struct {
    struct prng rnd;
    struct source source[RESERVES];
    uint64_t block_ns, stream;
    bool killed;
    size_t n;                   // accounts of the store
    struct account truth[ROOM]; // even ones
    bool in_flight[ROOM];
    uint64_t fired[ROOM], retry[ROOM];
    uint32_t epoch[ROOM]; // of the last order: refusals, and the wait after them, are of that state
    unsigned refusals[ROOM];
    bool guessed[ROOM], guesses_wait[ROOM]; // the last order was on a prediction; only such wait
    struct gateway_order open[OPEN_MAX];
    size_t n_open;
    struct gateway_order old[OPEN_MAX]; // mined with effect, might be undone
    size_t n_old;
    size_t decided, predicted, ready_used;
    u128 profit[RESERVES], gas;
    // What the input at work says: it counts from its place in the log on.
    struct {
        struct source *source;
        double mark, index;
        const struct order_reply *reply;
        const struct told_group *told;
    } work;
} t;

static struct {
    uint64_t breaches, decided, predicted, ready_used; // of all sessions
} all;

// ---- referee

static bool fed(const struct source *x)
{
    return x->feed && !x->off_guard && t.stream - x->feed_ns <= FEED_STALE_MS * UINT64_C(1000000);
}

static void prices(int64_t px[MARKET_ASSETS_MAX], bool predicted)
{
    memset(px, 0, MARKET_ASSETS_MAX * sizeof *px);
    for (unsigned i = 0; i < RESERVES; i++) {
        const struct source *x = &t.source[i];
        px[i] = predicted && x->candidate ? x->candidate : predicted && fed(x) ? x->feed : x->told;
    }
}

static bool breached(size_t i, bool predicted)
{
    int64_t px[MARKET_ASSETS_MAX];
    struct health h;
    prices(px, predicted);
    for (unsigned k = 0; k < t.truth[i].n_positions; k++)
        if (px[t.truth[i].position[k].instrument] == 0)
            return false;
    t.truth[i].rule->health(&rig.book.market, &t.truth[i], px, &h);
    return h.liquidatable;
}

static bool may_act(size_t i, bool decided)
{
    for (unsigned k = 0; k < t.truth[i].n_positions; k++)
        if (t.source[t.truth[i].position[k].instrument].hold != HOLD_NONE)
            return false;
    bool waits = t.truth[i].epoch == t.epoch[i] && t.stream < t.retry[i] && !(decided && t.guesses_wait[i]);
    return !t.killed && !waits && t.stream - t.block_ns <= PAIR_STALE_MS * UINT64_C(1000000);
}

static bool has_prediction(size_t i)
{
    int64_t decided[MARKET_ASSETS_MAX], predicted[MARKET_ASSETS_MAX];
    prices(decided, false);
    prices(predicted, true);
    for (unsigned k = 0; k < t.truth[i].n_positions; k++) {
        unsigned a = t.truth[i].position[k].instrument;
        if (decided[a] != predicted[a])
            return true;
    }
    return false;
}

static size_t place(uint32_t account)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.truth[i].id == account)
            return i;
    ck_abort_msg("account %u is not of the store", account);
}

static int take_order(const struct gateway_order *o)
{
    int64_t px[MARKET_ASSETS_MAX];
    size_t i = place(o->key.account);
    ck_assert_uint_eq(o->key.account % 2, 0);
    ck_assert_msg(!t.in_flight[i], "account %u: a second order while one is in flight", o->key.account);
    bool decided = breached(i, false);
    if (!decided) {
        ck_assert_msg(rig.cfg.desk.predicted_max_e8 > 0, "account %u: an order on a prediction",
                      o->key.account);
        ck_assert_msg(breached(i, true) && has_prediction(i), "account %u: no breach, not even predicted",
                      o->key.account);
    }
    ck_assert_uint_eq(o->key.epoch, t.truth[i].epoch);
    ck_assert_uint_gt(o->lsn, 0);
    // An account that breaches both ways may be sent by either.
    prices(px, false);
    bool same = true;
    for (unsigned k = 0; k < o->n_marks; k++)
        same &= o->mark[k].price == px[o->mark[k].asset];
    if (!same) {
        ck_assert(rig.cfg.desk.predicted_max_e8 > 0);
        prices(px, true);
        for (unsigned k = 0; k < o->n_marks; k++)
            ck_assert_int_eq(o->mark[k].price, px[o->mark[k].asset]);
    }
    ck_assert_msg(may_act(i, same), "account %u: an order that must not leave", o->key.account);
    t.guessed[i] = !same;
    t.decided += same;
    t.predicted += !same;
    t.in_flight[i] = true;
    t.fired[i] = t.stream;
    if (t.epoch[i] != t.truth[i].epoch)
        t.refusals[i] = 0;
    t.epoch[i] = t.truth[i].epoch;
    ck_assert_uint_lt(t.n_open, OPEN_MAX);
    t.open[t.n_open++] = *o;
    return 0;
}

static void tell_counts(const struct told_group *g)
{
    if (g->kind == TOLD_BLOCK)
        t.block_ns = g->at_ns;
    for (unsigned k = 0; k < g->n; k++) {
        struct source *x = &t.source[g->change[k].asset];
        if (g->kind == TOLD_CANDIDATE) {
            x->candidate = g->change[k].price;
            continue;
        }
        x->hold = (enum hold)g->change[k].hold;
        x->told = g->change[k].price ? g->change[k].price : x->told;
    }
}

static void ended(size_t i, bool well, bool paid)
{
    t.in_flight[i] = false;
    if (!well && t.guesses_wait[i] && !t.guessed[i])
        t.refusals[i] = 0;
    t.guesses_wait[i] = !well && t.guessed[i];
    t.retry[i] = well ? 0 : t.fired[i] + (UINT64_C(100000000) << t.refusals[i]);
    unsigned step = paid ? 4 : 1, most = paid ? 16 : 6; // what costs gas is tried less often
    t.refusals[i] = well ? 0 : t.refusals[i] < most ? t.refusals[i] + step : t.refusals[i];
}

static void reply_counts(const struct order_reply *r)
{
    if (r->status == ORDER_STATE) {
        size_t i = 0;
        while (i < t.n && t.truth[i].id != r->account.id)
            i++;
        if (i == t.n)
            t.n++;
        t.truth[i] = r->account;
    } else if (r->status != ORDER_UNDONE) {
        bool mined = r->status == ORDER_MINED;
        ended(place(r->key.account), mined && r->mined.success, mined);
    }
}

static void see(enum journal_type type, const uint8_t *data, size_t n)
{
    struct order_record rec;
    if (type == J_FRAME || type == J_TOLD || type == J_CLOCK)
        t.stream = rig.now;
    if (type == J_FRAME && t.work.source) {
        t.work.source->feed = quanta(t.work.mark);
        t.work.source->feed_ns = rig.now;
        t.work.source->off_guard = t.work.mark != t.work.index;
        t.work.source = NULL;
    } else if (type == J_TOLD) {
        tell_counts(t.work.told);
    } else if (type == J_REPLY) {
        reply_counts(t.work.reply);
    } else if (type == J_ORDER) {
        ck_assert_int_eq(order_record_decode(data, n, &rec), 0);
        t.ready_used += rec.ready;
    }
}

// After an input that has all that waits evaluated.
static void nothing_is_missing(void)
{
    for (size_t i = 0; i < t.n; i++)
        ck_assert_msg(t.in_flight[i] || !breached(i, false) || !may_act(i, true),
                      "account %u may be liquidated, is free to be acted on, and has no order",
                      t.truth[i].id);
}

// ---- what happens

static double walk(unsigned i, int64_t from)
{
    double at = from ? (double)from / 1e8 : START[i];
    double step = (prng_unit(&t.rnd) - 0.5) * (prng_chance(&t.rnd, 1, 15) ? 0.12 : 0.015);
    double back = (START[i] - at) / START[i] * 0.05;
    return floor(at * (1 + step + back) * 100) / 100;
}

static void some_market(void)
{
    unsigned i = (unsigned)prng_below(&t.rnd, RESERVES);
    t.work.source = &t.source[i];
    t.work.mark = walk(i, t.source[i].feed);
    t.work.index = prng_chance(&t.rnd, 1, 15) ? t.work.mark * 1.2 : t.work.mark;
    market_says(i, t.work.mark, t.work.index);
}

static void say(uint8_t kind)
{
    t.work.told = &rig.told;
    if (rig.told.n || kind == TOLD_BLOCK)
        chain_says(kind);
}

// The chain follows the market, more or less.
static void some_prices(void)
{
    static const enum hold holds[] = {HOLD_ABSENT, HOLD_GAP, HOLD_GUARD};
    for (uint16_t i = 0; i < RESERVES; i++) {
        const struct source *x = &t.source[i];
        if (prng_chance(&t.rnd, 1, 2))
            continue;
        enum hold h = prng_chance(&t.rnd, 1, 12) ? holds[prng_below(&t.rnd, 3)] : HOLD_NONE;
        double price = prng_chance(&t.rnd, 1, 2) && fed(x) ? (double)x->feed / 1e8 : walk(i, x->told);
        add_told(i, h, h && prng_chance(&t.rnd, 1, 2) ? 0 : price);
    }
    say(TOLD_PRICES);
}

static void some_candidate(void)
{
    for (uint16_t i = 0; i < RESERVES; i++)
        if (prng_chance(&t.rnd, 1, 3))
            add_told(i, HOLD_NONE, prng_chance(&t.rnd, 2, 3) ? 0 : walk(i, t.source[i].told));
    say(TOLD_CANDIDATE);
}

static void some_block(void)
{
    say(TOLD_BLOCK);
    nothing_is_missing();
}

static void state_of(const struct account *a)
{
    static struct order_reply r;
    memset(&r, 0, sizeof r);
    r.status = ORDER_STATE;
    r.key.account = a->id;
    r.has_account = true;
    r.account = *a;
    t.work.reply = &r;
    reply(&r);
}

static void random_borrower(struct account *a, uint32_t id)
{
    unsigned coll = (unsigned)prng_below(&t.rnd, RESERVES);
    unsigned debt = (coll + 1 + (unsigned)prng_below(&t.rnd, RESERVES - 1)) % RESERVES;
    borrower(a, id, (uint16_t)coll, (uint16_t)debt, (uint32_t)prng_between(&t.rnd, 1010000, 1300000));
}

static void some_state(void)
{
    static struct account a;
    size_t i = prng_below(&t.rnd, t.n + 1);
    if (i == t.n) {
        if (t.n == ROOM || !prng_chance(&t.rnd, 1, 8))
            return;
        random_borrower(&a, t.truth[i - 1].id / 2 + (uint32_t)prng_between(&t.rnd, 1, 3));
        a.id *= 2;
    } else {
        random_borrower(&a, t.truth[i].id);
        a.epoch = t.truth[i].epoch + (uint32_t)prng_chance(&t.rnd, 3, 4);
    }
    state_of(&a);
}

static void some_parameters(void)
{
    static struct market next;
    struct err e;
    const struct session_counters *n = session_counters(rig.session);
    uint64_t refused = n->markets[1];
    next = rig.book.market;
    unsigned i = (unsigned)prng_below(&t.rnd, RESERVES);
    struct instrument *x = &next.instrument[i], *copy = &next.instrument[RESERVES + i];
    bool half = prng_chance(&t.rnd, 1, 4);
    x->lt_bps = (uint32_t)prng_between(&t.rnd, 7900, 8100);
    x->borrow_index += x->borrow_index / 100000;
    if (!half) {
        copy->lt_bps = x->lt_bps;
        copy->borrow_index = x->borrow_index;
    }
    ck_assert_msg(session_market(rig.session, &next, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(n->markets[1], refused + half);
}

// ---- what becomes of orders

static bool settle(size_t i, const struct gateway_order *g)
{
    static struct account a;
    static struct order o;
    static struct settlement st;
    int64_t px[MARKET_ASSETS_MAX] = {0};
    ck_assert_int_eq(order_decode(g->bytes, g->n_bytes, &o), 0);
    for (unsigned k = 0; k < g->n_marks; k++)
        px[g->mark[k].asset] = g->mark[k].price;
    a = t.truth[i];
    if (a.rule->settle(&rig.book.market, &a, px, o.leg, o.n, &st, NULL) != 0)
        return false; // another state or other parameters by now
    a.epoch++;
    state_of(&a);
    return true;
}

static void money_is_right(void)
{
    const struct session_money *m = session_money(rig.session);
    for (unsigned i = 0; i < RESERVES; i++)
        ck_assert(m->profit[i] == (i128)t.profit[i]);
    ck_assert(m->gas_wei == (i128)t.gas);
}

static void undo(void)
{
    static struct order_reply r;
    if (t.n_old == 0)
        return;
    size_t at = prng_below(&t.rnd, t.n_old);
    memset(&r, 0, sizeof r);
    r.key = t.old[at].key;
    r.status = ORDER_UNDONE;
    r.mined = (struct order_mined){
        .success = true, .instrument = (uint16_t)(r.key.account % RESERVES), .profit = 7, .gas_wei = 3};
    t.old[at] = t.old[--t.n_old];
    t.profit[r.mined.instrument] -= 7;
    t.gas -= 3;
    t.work.reply = &r;
    reply(&r);
    money_is_right();
}

static void answer_one(void)
{
    static struct order_reply r;
    if (t.n_open == 0)
        return;
    size_t at = prng_below(&t.rnd, t.n_open);
    struct gateway_order g = t.open[at];
    t.open[at] = t.open[--t.n_open];
    bool mined = prng_chance(&t.rnd, 3, 4);
    bool success = mined && prng_chance(&t.rnd, 3, 4) && settle(place(g.key.account), &g);
    memset(&r, 0, sizeof r);
    r.key = g.key;
    r.status = mined ? ORDER_MINED : ORDER_REFUSED;
    if (mined) {
        r.mined.success = success;
        r.mined.gas_wei = 3;
        t.gas += 3;
    }
    if (success) {
        r.mined.instrument = (uint16_t)(g.key.account % RESERVES);
        r.mined.profit = 7;
        t.profit[r.mined.instrument] += 7;
        if (t.n_old < OPEN_MAX)
            t.old[t.n_old++] = g;
    }
    t.work.reply = &r;
    reply(&r);
    money_is_right();
}

static void some_kill(void)
{
    struct err e = {{0}};
    t.killed = !t.killed && prng_chance(&t.rnd, 1, 3);
    ck_assert_int_eq(session_kill(rig.session, t.killed, &e), 0);
}

static void step(void)
{
    struct err e = {{0}};
    rig.now += prng_chance(&t.rnd, 1, 60)   ? prng_below(&t.rnd, 80) * SECOND
               : prng_chance(&t.rnd, 1, 10) ? 0
                                            : 2000000 * (1 + prng_below(&t.rnd, 400));
    switch (prng_below(&t.rnd, 24)) {
    case 0:
        ck_assert_int_eq(session_clock(rig.session, rig.now, &e), 0);
        break;
    case 1:
        some_kill();
        break;
    case 2:
        some_parameters();
        break;
    case 3:
    case 4:
        some_state();
        break;
    case 5:
        undo();
        break;
    case 6:
    case 7:
    case 8:
    case 9:
        answer_one();
        break;
    case 10:
    case 11:
        some_candidate();
        break;
    case 12:
    case 13:
    case 14:
        some_prices();
        break;
    case 15:
    case 16:
    case 17:
    case 18:
        some_block();
        break;
    default:
        some_market();
    }
    if (prng_chance(&t.rnd, 1, 4))
        ck_assert_int_eq(session_idle(rig.session, (uint32_t)prng_between(&t.rnd, 1, 5), &e), 0);
}

// Every pair is whole at the end: the odd account is what account_odd makes of the even one, which is the
// truth.
static void pairs_are_whole(void)
{
    static struct account a, odd, want;
    ck_assert_uint_eq(rig.book.n_accounts, 2 * t.n);
    for (size_t i = 0; i < t.n; i++) {
        a = *book_account(&rig.book, 2 * i, &odd);
        ck_assert_uint_eq(a.id, t.truth[i].id);
        ck_assert_uint_eq(a.epoch, t.truth[i].epoch);
        ck_assert_int_eq(memcmp(a.position, t.truth[i].position, a.n_positions * sizeof a.position[0]), 0);
        account_odd(&rig.pair, &a, &want);
        const struct account *b = book_account(&rig.book, 2 * i + 1, &odd);
        ck_assert(b->id == want.id && b->epoch == want.epoch && b->n_positions == want.n_positions);
        ck_assert_int_eq(memcmp(b->position, want.position, b->n_positions * sizeof b->position[0]), 0);
    }
}

static void run_session(uint64_t seed, bool boxed, bool predicting, const char *device, const char *again)
{
    memset(&t, 0, sizeof t);
    memset(&rig, 0, sizeof rig);
    prng_seed(&t.rnd, seed);
    config_default(&rig.cfg);
    rig.cfg.spare_accounts = 2 * (ROOM - ACCOUNTS);
    rig.cfg.desk.predicted_max_e8 = predicting ? INT64_MAX : 0;
    rig.cfg.engine.band_ppm = (uint32_t)prng_between(&t.rnd, 1000, 30000);
    rig.cfg.engine.warn_ppm = prng_chance(&t.rnd, 1, 4) ? 0 : 30000;
    if (boxed) {
        rig.cfg.engine.near_rows = (uint32_t)prng_between(&t.rnd, 1, 24);
        rig.cfg.engine.box_ppm = (uint32_t)prng_between(&t.rnd, 0, 1) * 2000;
        rig.cfg.engine.slice = (uint32_t)prng_between(&t.rnd, 0, 3);
    }
    rig_book();
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        random_borrower(&t.truth[t.n++], 3 * i + 1);
        rig_add(&t.truth[i]);
        t.truth[i].id *= 2;
    }
    for (unsigned i = 0; i < RESERVES; i++)
        t.source[i].hold = HOLD_ABSENT;
    rig_start(device, 16, 16);
    t.stream = rig.now;
    define();
    for (int i = 0; i < STEPS; i++)
        step();
    pairs_are_whole();
    const struct session_counters *n = session_counters(rig.session);
    ck_assert_uint_eq(n->predicted[1], t.predicted);
    ck_assert(predicting || t.predicted == 0);
    all.breaches += n->predicted[0];
    all.decided += t.decided;
    all.predicted += t.predicted;
    all.ready_used += t.ready_used;
    rig_end(again);
}

START_TEST(test_random_sessions)
{
    uint64_t seed = test_seed(20261124);
    const unsigned rounds = test_rounds(SESSIONS) < SESSIONS ? 2 : SESSIONS;
    for (unsigned i = 0; i < rounds; i++)
        run_session(seed + i, i % 2 != 0, i / 2 % 2 != 0, i % 4 < 2 ? "vector" : "model",
                    i % 4 < 2 ? "model" : "vector");
    ck_assert_uint_gt(all.breaches, 20 * rounds);
    ck_assert_uint_gt(all.decided, 20 * rounds);
    ck_assert_uint_gt(all.ready_used, 5 * rounds);
    ck_assert(rounds < SESSIONS || all.predicted > 40);
}
END_TEST

int main(void)
{
    device_register(&device_ops_model);
    device_register(&device_ops_vector);
    Suite *su = suite_create("pairs_random");
    TCase *tc = tcase_create("pairs_random");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_random_sessions);
    suite_add_tcase(su, tc);
    return run_suite(su);
}
