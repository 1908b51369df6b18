// SPDX-License-Identifier: Apache-2.0
// Instruments' parameters at the venue: who may set them and what is refused, settlement under the new ones,
// kill -9, and that clients are told of them in order with the accounts' states (also in many packets, one at
// a time, and to a client that was away), recovery with the market first. Also run under ThreadSanitizer.
#include "accounts/book.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "lendbook.h"
#include "venueproc.h"

static struct market market;

static int greet(void)
{
    struct wire_welcome w;
    struct err e;
    int fd = client_connect_wait(sock, READY_MS, &w, &e);
    ck_assert_msg(fd >= 0, "%s", e.msg);
    return fd;
}

static void kill_venue(void)
{
    ck_assert_int_eq(kill((pid_t)venue_pid(venue), SIGKILL), 0);
}

static uint32_t set(int fd, uint32_t version)
{
    struct err e;
    ck_assert_msg(owner_set_market(fd, &market, &version, &e) == 0, "%s", e.msg);
    return version;
}

static void refused(int fd, const struct market *m, uint32_t version, const char *why)
{
    struct err e;
    ck_assert_int_eq(owner_set_market(fd, m, &version, &e), -1);
    ck_assert_msg(strstr(e.msg, why) != NULL, "%s", e.msg);
}

static void assert_market(const struct market *m, const struct market *want)
{
    static uint8_t x[MARKET_BYTES_MAX], y[MARKET_BYTES_MAX];
    size_t n = market_encode(m, x, sizeof x);
    ck_assert(n > 0 && market_encode(want, y, sizeof y) == n && memcmp(x, y, n) == 0);
}

START_TEST(versions)
{
    static struct market got;
    struct gateway_order g;
    struct err e;
    uint32_t version = 0;
    start("0", "0");
    int fd = greet();
    ck_assert_msg(owner_market(fd, &got, &version, &e) == 0, "%s", e.msg);
    assert_market(&got, &book.market);
    ck_assert_uint_eq(version, 1);
    // At 95.50 there is 5.8 % of equity: enough for 5 % of maintenance, not for 8 %.
    market = book.market;
    market.instrument[0].tier[0].rate_ppm = 80000;
    struct book raised = book;
    raised.market = market;
    ck_assert_int_eq(testbook_order(&raised, 3, 9550, 1, &g), 0);
    ask(fd, wire_put_order(&g, packet, sizeof packet));
    ck_assert_int_eq(decoded()->status, ORDER_REFUSED);
    ck_assert_uint_eq(set(fd, 1), 2);
    ck_assert_uint_eq(set(fd, 2), 2); // says nothing new
    refused(fd, &market, 1, "push again");
    ck_assert_int_eq(testbook_order(&raised, 3, 9550, 2, &g), 0);
    ask(fd, wire_put_order(&g, packet, sizeof packet));
    ck_assert_msg(decoded()->status == ORDER_FILLED, "%s", decoded()->reason);
    kill_venue();
    close(fd);
    fd = greet();
    ck_assert_msg(owner_market(fd, &got, &version, &e) == 0, "%s", e.msg);
    assert_market(&got, &market);
    ck_assert_uint_eq(version, 2);
    ck_assert_int_eq(testbook_order(&raised, 4, 9550, 1, &g), 0);
    ask(fd, wire_put_order(&g, packet, sizeof packet));
    ck_assert_int_eq(decoded()->status, ORDER_FILLED);
    close(fd);
    check_ledger(2);
}
END_TEST

START_TEST(what_is_refused)
{
    static struct market next;
    uint32_t version = 0;
    struct err e;
    start("0", "0");
    int fd = greet();
    ck_assert_int_eq(owner_market(fd, &market, &version, &e), 0);
    next = market;
    next.instrument[0].name[0] = 'Y';
    refused(fd, &next, 1, "cannot change");
    next = market;
    next.asset[0].stale_ms = 5;
    refused(fd, &next, 1, "asset X");
    next = market;
    next.n_scenarios = 1;
    next.scenario[0] = (struct scenario){.name = "crash", .shock_ppm = {-1000}};
    refused(fd, &next, 1, "scenarios");
    next = market; // an instrument may have it, no account of these can
    next.instrument[0].n_tiers = 2;
    next.instrument[0].tier[1] = (struct tier){.floor = (i128)1 << 120, .rate_ppm = 60000};
    refused(fd, &next, 1, "account 100: instrument X-PERP");
    // Parts that do not follow, an encoding that is none: an answer, and the connection goes on.
    static const uint8_t junk[100];
    uint32_t sent;
    const struct wire_part middle = {1, 0, 200, 100, 100, junk}, whole = {1, 0, 100, 0, 100, junk};
    ask(fd, wire_put_part(WIRE_SET_MARKET, &middle, packet, sizeof packet, &sent));
    ck_assert(msg.type == WIRE_ERROR && msg.u.error.code == WIRE_MALFORMED);
    ask(fd, wire_put_part(WIRE_SET_MARKET, &whole, packet, sizeof packet, &sent));
    ck_assert(msg.type == WIRE_ERROR && msg.u.error.code == WIRE_MALFORMED);
    ck_assert_int_eq(owner_market(fd, &next, &version, &e), 0);
    assert_market(&next, &market);
    ck_assert_uint_eq(version, 1);
    close(fd);
}
END_TEST

// ---- told in order

// As large as a market can get: many packets.
static void large(struct market *m)
{
    for (uint16_t i = m->n_instruments; i < MARKET_INSTRUMENTS_MAX; i++) {
        struct instrument *in = &m->instrument[m->n_instruments++];
        *in = (struct instrument){.kind = INST_LINEAR, .asset = 0, .size_decimals = 3, .currency = "USDC"};
        in->cash_decimals = 6;
        (void)snprintf(in->name, sizeof in->name, "A-RATHER-LONG-NAME-%d", i);
        for (in->n_tiers = 0; in->n_tiers < TIERS_MAX; in->n_tiers++)
            in->tier[in->n_tiers] =
                (struct tier){(i128)1000000000000 * in->n_tiers, 10000 + 1000 * (uint32_t)in->n_tiers};
    }
}

// A lending book in a large market, and an account that is in range only where the index is low.
static void lend(void)
{
    static uint8_t bytes[MARKET_BYTES_MAX];
    struct err e;
    book_free(&book);
    lendbook(&book, ACCOUNTS);
    large(&book.market);
    book.market.instrument[0].liquidity_index = LB_RAY * 1000;
    book.market.instrument[0].liquidity_rate = 0;
    ck_assert_uint_gt(market_encode(&book.market, bytes, sizeof bytes), WIRE_MAX);
    for (size_t i = 0; i < ACCOUNTS; i++)
        book.account[i].position[0].supply /= 950;
    ck_assert_msg(store_save(store, &book, &e) == 0, "%s", e.msg);
    market = book.market;
    market.instrument[0].liquidity_index = LB_RAY;
}

static struct account heavy(size_t i)
{
    static struct market old;
    struct account a = book.account[i];
    old = book.market;
    for (a.position[0].supply = 1; account_validate(&old, &a, NULL) == 0;)
        a.position[0].supply *= 2;
    ck_assert_int_eq(account_validate(&market, &a, NULL), 0);
    return a;
}

static const struct order_reply *next_told(struct gateway *g)
{
    static struct order_reply r;
    for (unsigned i = 0; i < WAIT_MS; i++) {
        if (gateway_poll(g, &r))
            return &r;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    ck_abort_msg("nothing was told");
    return NULL;
}

static void nothing_told(struct gateway *g)
{
    static struct order_reply r;
    nanosleep(&(struct timespec){0, 100000000}, NULL);
    ck_assert_int_eq(gateway_poll(g, &r), 0);
}

START_TEST(told_in_order)
{
    static struct market second, third;
    struct err e;
    uint32_t epoch;
    lend();
    start("0", "0");
    struct gateway *g = open_gateway(false);
    int fd = greet();
    struct account a = heavy(7);
    ck_assert_int_eq(owner_set(fd, &a, &epoch, &e), -1); // not yet
    second = market;
    ck_assert_uint_eq(set(fd, 1), 2);
    ck_assert_msg(owner_set(fd, &a, &epoch, &e) == 0, "%s", e.msg);
    market.instrument[1].lt_bps = 7000;
    third = market;
    ck_assert_uint_eq(set(fd, 2), 3);
    ck_assert_msg(owner_set(fd, &book.account[3], &epoch, &e) == 0, "%s", e.msg);

    const struct order_reply *r = next_told(g);
    ck_assert_int_eq(r->status, ORDER_MARKET);
    assert_market(r->market, &second);
    // It is ours until the next poll, however much the venue has to say. What was made under the third waits.
    nanosleep(&(struct timespec){0, 100000000}, NULL);
    assert_market(r->market, &second);
    r = next_told(g);
    ck_assert(r->status == ORDER_STATE && r->account.id == 107 &&
              r->account.position[0].supply == a.position[0].supply);
    r = next_told(g);
    ck_assert_int_eq(r->status, ORDER_MARKET);
    assert_market(r->market, &third);
    r = next_told(g);
    ck_assert(r->status == ORDER_STATE && r->account.id == 103);
    nothing_told(g);
    // An account that changes before and after goes to its newest place, the parameters stay at theirs.
    kill_venue();
    close(fd);
    fd = greet();
    market.instrument[1].lt_bps = 7100;
    ck_assert_uint_eq(set(fd, 3), 4);
    r = next_told(g);
    ck_assert_int_eq(r->status, ORDER_MARKET); // and not those it knows once more
    assert_market(r->market, &market);
    nothing_told(g);
    struct gateway_counters n;
    gateway_counters(g, &n);
    ck_assert(n.errors == 0 && n.reconnects >= 1);
    close(fd);
    gateway_close(g);
    check_ledger(0);
}
END_TEST

// The venue dies while a market is on its way, often: told once each, in order, none left out.
START_TEST(told_across_kills)
{
    const unsigned changes = test_rounds(24) < 24 ? 10 : 24;
    struct prng rnd;
    prng_seed(&rnd, test_seed(81));
    lend();
    start("0", "0");
    struct gateway *g = open_gateway(false);
    int fd = greet();
    uint32_t version = 1, seen = 0;
    for (unsigned i = 0; i < changes; i++) {
        market.instrument[1].lt_bps = 6000 + i;
        version = set(fd, version);
        if (prng_chance(&rnd, 1, 2)) {
            nanosleep(&(struct timespec){0, (long)prng_below(&rnd, 3000000)}, NULL);
            kill_venue();
            close(fd);
            fd = greet();
        }
        for (; prng_chance(&rnd, 1, 2) && seen <= i; seen++) {
            const struct order_reply *r = next_told(g);
            ck_assert(r->status == ORDER_MARKET && r->market->instrument[1].lt_bps == 6000 + seen);
        }
    }
    for (; seen < changes; seen++) {
        const struct order_reply *r = next_told(g);
        ck_assert(r->status == ORDER_MARKET && r->market->instrument[1].lt_bps == 6000 + seen);
    }
    nothing_told(g);
    close(fd);
    gateway_close(g);
}
END_TEST

// ---- recovery

static struct {
    unsigned markets, states;
    int fd;
    uint32_t lt_bps; // of the market last given
    struct account heavy;
    i128 supply;
} got;

static int take_market(void *ctx, const struct market *m)
{
    (void)ctx;
    got.markets++;
    got.states = 0;
    got.lt_bps = m->instrument[1].lt_bps;
    return 0;
}

// In the middle of the accounts the parameters change, and with them an account that was given already.
static int take_state(void *ctx, const struct account *a)
{
    struct err e;
    uint32_t epoch;
    (void)ctx;
    got.states++;
    if (a->id == got.heavy.id)
        got.supply = a->position[0].supply;
    if (got.markets == 1 && got.states == 10) {
        ck_assert_uint_eq(set(got.fd, 1), 2);
        ck_assert_msg(owner_set(got.fd, &got.heavy, &epoch, &e) == 0, "%s", e.msg);
    }
    return 0;
}

static int refuse_market(void *ctx, const struct market *m)
{
    (void)ctx;
    (void)m;
    return 1;
}

START_TEST(recovery_brings_the_market_first)
{
    struct err e;
    uint64_t told = 0;
    const struct gateway_states_to to = {take_market, take_state, NULL},
                                   no = {refuse_market, take_state, NULL};
    lend();
    start("0", "0");
    got.fd = greet();
    got.heavy = heavy(2);
    market.instrument[1].lt_bps = 7000;
    ck_assert_msg(gateway_states(sock, READY_MS, &to, &told, &e) == 0, "%s", e.msg);
    ck_assert(got.markets == 2 && got.states == ACCOUNTS && got.lt_bps == 7000);
    ck_assert(got.supply == got.heavy.position[0].supply);
    ck_assert_uint_eq(told, 1); // the parameters; the account, which came later, is told once more
    got.states = 0;
    ck_assert_int_eq(gateway_states(sock, READY_MS, &no, &told, &e), -1);
    ck_assert_uint_eq(got.states, 0);
    close(got.fd);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {versions, what_is_refused, told_in_order, told_across_kills,
                                  recovery_brings_the_market_first};
    return venueproc_main(argc, argv, "venue market", tests, sizeof tests / sizeof *tests);
}
