// SPDX-License-Identifier: Apache-2.0
// Gateway, venue and keeper together, with the venue killed at every kind of instant. Also run under
// ThreadSanitizer (VARIANT=tsan).
#include <pthread.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "exec/desk.h"
#include "venueproc.h"

START_TEST(fills_and_refuses)
{
    struct gateway_order g;
    start("0", "0");
    struct gateway *gw = open_gateway(false);
    for (size_t i = 0; i < 20; i++) {
        ck_assert_int_eq(testbook_order(&book, i, 9300, 1, &g), 0);
        ck_assert_int_eq(gateway_submit(gw, &g), 0);
        struct order_reply *r = next_reply(gw);
        ck_assert_msg(r->status == ORDER_FILLED, "%s", r->reason);
        struct account want = settled_here(i, &g);
        assert_same(&want, &r->account);
        book.account[i] = r->account;
    }
    ck_assert_int_eq(testbook_order(&book, 30, 9300, 1, &g), 0);
    g.mark[0].price = 9900; // healthy at the marks
    ck_assert_int_eq(gateway_submit(gw, &g), 0);
    struct order_reply *r = next_reply(gw);
    ck_assert_int_eq(r->status, ORDER_REFUSED);
    ck_assert_ptr_nonnull(strstr(r->reason, "not liquidatable"));
    ck_assert_int_eq(gateway_wait(gw, 0), 0); // nothing outstanding
    struct gateway_counters n;
    gateway_counters(gw, &n);
    ck_assert(n.submitted == 21 && n.sent == 21 && n.replies == 21 && n.resent == 0 && n.errors == 0);
    gateway_close(gw);
    check_ledger(20);
}
END_TEST

START_TEST(waits_until_durable)
{
    struct gateway_order g;
    struct gateway_counters n;
    start("0", "0");
    __atomic_store_n(&durable_lsn, 99, __ATOMIC_RELEASE);
    struct gateway *gw = open_gateway(true);
    ck_assert_int_eq(testbook_order(&book, 0, 9300, 1, &g), 0);
    g.lsn = 100;
    ck_assert_int_eq(gateway_submit(gw, &g), 0);
    ck_assert_int_eq(testbook_order(&book, 1, 9300, 1, &g), 0);
    g.lsn = 99; // behind it in the ring, but durable: it does not wait
    ck_assert_int_eq(gateway_submit(gw, &g), 0);
    ck_assert_uint_eq(next_reply(gw)->key.account, 101);
    ck_assert_int_eq(gateway_wait(gw, 100), -1);
    gateway_counters(gw, &n);
    ck_assert(n.sent == 1 && n.waited_durable == 1);
    __atomic_store_n(&durable_lsn, 100, __ATOMIC_RELEASE);
    ck_assert_uint_eq(next_reply(gw)->key.account, 100);
    gateway_close(gw);
}
END_TEST

START_TEST(venue_may_come_later)
{
    struct gateway_order g;
    struct gateway *gw = open_gateway(false);
    ck_assert_int_eq(testbook_order(&book, 0, 9300, 1, &g), 0);
    ck_assert_int_eq(gateway_submit(gw, &g), 0);
    ck_assert_int_eq(gateway_wait(gw, 50), -1);
    start("0", "0");
    ck_assert_int_eq(next_reply(gw)->status, ORDER_FILLED);
    gateway_close(gw);
}
END_TEST

enum { IMPATIENT_MS = 1000 }; // so long that a busy machine sends what can be sent

static struct gateway *open_impatient(void)
{
    struct err e;
    const struct gateway_paper_config c = {.socket = sock, .poll_us = 50, .max_wait_ms = IMPATIENT_MS};
    struct gateway *g = gateway_paper_open(&c, &e);
    ck_assert_msg(g != NULL, "%s", e.msg);
    return g;
}

START_TEST(what_waited_too_long_is_not_sent)
{
    struct gateway_order g;
    struct gateway_counters n;
    struct gateway *gw = open_impatient();
    ck_assert_int_eq(testbook_order(&book, 0, 9300, 1, &g), 0);
    ck_assert_int_eq(gateway_submit(gw, &g), 0);
    ck_assert_int_eq(gateway_wait(gw, IMPATIENT_MS + 100), -1); // no venue
    start("0", "0");
    struct order_reply *r = next_reply(gw);
    ck_assert_int_eq(r->status, ORDER_REFUSED);
    ck_assert_msg(strstr(r->reason, "waited") != NULL, "%s", r->reason);
    gateway_counters(gw, &n);
    ck_assert(n.sent == 0 && n.expired == 1);
    ck_assert_int_eq(testbook_order(&book, 0, 9300, 2, &g), 0); // a new one goes
    ck_assert_int_eq(gateway_submit(gw, &g), 0);
    ck_assert_int_eq(next_reply(gw)->status, ORDER_FILLED);
    gateway_close(gw);
    check_ledger(1);
}
END_TEST

START_TEST(what_waited_too_long_after_a_break_is_fenced)
{
    struct gateway_order g;
    struct gateway_counters n;
    start("0", "0");
    struct gateway *gw = open_impatient();
    ck_assert_int_eq(testbook_order(&book, 1, 9300, 1, &g), 0);
    ck_assert_int_eq(gateway_submit(gw, &g), 0);
    ck_assert_int_eq(next_reply(gw)->status, ORDER_FILLED); // connected
    ck_assert_int_eq(kill((pid_t)venue_pid(venue), SIGSTOP), 0);
    ck_assert_int_eq(testbook_order(&book, 0, 9300, 1, &g), 0);
    ck_assert_int_eq(gateway_submit(gw, &g), 0); // leaves, and nobody reads it
    ck_assert_int_eq(gateway_wait(gw, IMPATIENT_MS + 100), -1);
    ck_assert_int_eq(kill((pid_t)venue_pid(venue), SIGKILL), 0);
    ck_assert_int_eq(next_reply(gw)->status, ORDER_UNKNOWN);
    gateway_counters(gw, &n);
    ck_assert(n.sent == 2 && n.resent == 0 && n.expired == 0);
    gateway_close(gw);
    check_ledger(1);
}
END_TEST

static int take_state(void *ctx, const struct account *a)
{
    size_t *n = ctx;
    ck_assert_uint_lt(*n, book.n_accounts);
    ck_assert_uint_eq(a->id, book.account[*n].id);
    book.account[(*n)++] = *a;
    return 0;
}

// ---- kills

static uint64_t log_put(void *ctx, enum journal_type type, const void *data, size_t len)
{
    (void)type;
    (void)data;
    return *(uint64_t *)ctx += len;
}

struct killer {
    pthread_t thread;
    int stop; // atomic
    uint64_t seed;
    unsigned kills;
    struct gateway *gw;
};

static void *kill_at_random(void *arg)
{
    struct killer *k = arg;
    struct prng r;
    prng_seed(&r, k->seed);
    uint64_t seen = 0;
    while (!__atomic_load_n(&k->stop, __ATOMIC_ACQUIRE)) {
        // Some instant of the few milliseconds after it got somewhere, else it would never get anywhere.
        struct gateway_counters n;
        gateway_counters(k->gw, &n);
        struct timespec t = {0, n.replies == seen ? 1000000 : (long)prng_below(&r, 8000000)};
        nanosleep(&t, NULL);
        long pid = venue_pid(venue);
        if (n.replies == seen || pid <= 0 || kill((pid_t)pid, SIGKILL) != 0)
            continue;
        k->kills++;
        gateway_counters(k->gw, &n);
        seen = n.replies;
    }
    return NULL;
}

// Every account is fired at falling prices and every reply applied. Returns fills.
static uint64_t run_desk(struct gateway *gw, int rounds)
{
    struct err e;
    static struct order_reply r;
    uint64_t lsn = 0;
    struct desk_log log = {&lsn, log_put};
    struct desk_config c = {.desk = 1, .size = {1100000, 0}, .ready_tolerance_ppm = 20000};
    struct desk *d = desk_new(&c, &book, gw, &log, &e);
    ck_assert_msg(d != NULL, "%s", e.msg);
    for (int round = 0; round < rounds; round++) {
        int64_t px[MARKET_ASSETS_MAX] = {9400 - 150 * round};
        for (size_t i = 0; i < book.n_accounts; i++) {
            enum desk_answer a = desk_fire(d, i, px, 1, 0);
            ck_assert_msg(a == DESK_SENT || a == DESK_NO_SIZE, "%s", desk_answer_name(a));
        }
        int rc;
        while ((rc = gateway_wait(gw, WAIT_MS)) == 1)
            while (gateway_poll(gw, &r))
                ck_assert_uint_ne(desk_reply(d, &r), SIZE_MAX); // once each, all ours
        ck_assert_int_eq(rc, 0);
    }
    const struct desk_counters *n = desk_counters(d);
    ck_assert(n->outstanding == 0 && n->unknown == 0 && n->refused == 0);
    ck_assert_uint_eq(n->filled, n->answer[DESK_SENT]);
    uint64_t fills = n->filled;
    desk_free(d);
    return fills;
}

static void assert_venue_agrees(uint64_t fills)
{
    struct book mine = book;
    struct err e;
    size_t n = 0;
    uint64_t epochs = 0;
    book.account = calloc(book.n_accounts, sizeof *book.account);
    memcpy(book.account, mine.account, book.n_accounts * sizeof *book.account);
    ck_assert_msg(fetch_states(take_state, &n, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(n, mine.n_accounts);
    for (size_t i = 0; i < n; i++) {
        assert_same(&mine.account[i], &book.account[i]);
        epochs += book.account[i].epoch;
    }
    ck_assert_uint_eq(epochs, fills); // an order has one effect
    free(mine.account);
}

START_TEST(killed_at_random)
{
    struct killer k = {.seed = test_seed(61)};
    struct gateway_counters n;
    start("300", "0");
    struct gateway *gw = open_gateway(false);
    k.gw = gw;
    pthread_create(&k.thread, NULL, kill_at_random, &k);
    const int rounds = test_rounds(5) < 5 ? 2 : 5; // the venue is killed and started meanwhile
    uint64_t fills = run_desk(gw, rounds);
    __atomic_store_n(&k.stop, 1, __ATOMIC_RELEASE);
    pthread_join(k.thread, NULL);
    gateway_counters(gw, &n);
    gateway_close(gw);
    assert_venue_agrees(fills);
    printf("# fills %llu, kills %u, restarts %llu, reconnects %llu, resent %llu\n", (unsigned long long)fills,
           k.kills, (unsigned long long)venue_restarts(venue), (unsigned long long)n.reconnects,
           (unsigned long long)n.resent);
    ck_assert_uint_gt(fills, 20 * (unsigned)rounds);
    ck_assert_uint_gt(venue_restarts(venue), 2);
    ck_assert_uint_gt(n.reconnects, 2);
    venue_close(venue);
    venue = NULL;
    check_ledger(fills);
}
END_TEST

// The instant that matters most, every time: settled and on disk, but the reply never left.
START_TEST(crash_between_settlement_and_reply)
{
    struct gateway_counters n;
    book.n_accounts = 12; // each order costs a restart of the venue
    struct err e;
    ck_assert_int_eq(store_save(store, &book, &e), 0);
    start("0", "1");
    struct gateway *gw = open_gateway(false);
    uint64_t fills = run_desk(gw, 1);
    gateway_counters(gw, &n);
    gateway_close(gw);
    assert_venue_agrees(fills);
    ck_assert_uint_eq(fills, 12);
    ck_assert_uint_ge(n.reconnects, 11);
    ck_assert_uint_ge(venue_restarts(venue), 11);
    venue_close(venue);
    venue = NULL;
    check_ledger(fills);
}
END_TEST

START_TEST(another_state_gets_nothing)
{
    char fresh[112];
    struct gateway_order g;
    struct gateway_counters n;
    start("0", "0");
    struct gateway *gw = open_gateway(false);
    ck_assert_int_eq(testbook_order(&book, 0, 9300, 1, &g), 0);
    ck_assert_int_eq(gateway_submit(gw, &g), 0);
    (void)next_reply(gw);
    venue_close(venue);
    snprintf(fresh, sizeof fresh, "%s.fresh", state);
    venue = start_at(fresh, "0", "0"); // the old orders would be news to it
    ck_assert_int_eq(testbook_order(&book, 1, 9300, 1, &g), 0);
    ck_assert_int_eq(gateway_submit(gw, &g), 0);
    do { // until it has been refused there
        ck_assert_int_eq(gateway_wait(gw, 100), -1);
        gateway_counters(gw, &n);
    } while (n.errors == 0);
    ck_assert_uint_eq(n.sent, 1);
    venue_close(venue);
    start("0", "0"); // the right one again
    ck_assert_int_eq(next_reply(gw)->status, ORDER_FILLED);
    gateway_close(gw);
}
END_TEST

// A venue that answers an order with an error: the key is fenced and its outcome reported, not sent for ever.
START_TEST(error_ends_in_a_known_outcome)
{
    struct gateway_order g, other;
    struct wire_welcome w;
    struct gateway_counters n;
    start("0", "0");
    ck_assert_int_eq(testbook_order(&book, 0, 9300, 1, &g), 0);
    struct order o;
    ck_assert_int_eq(order_decode(g.bytes, g.n_bytes, &o), 0);
    o.leg[0].qty++;
    other = g;
    other.n_bytes = (uint16_t)order_encode(&o, other.bytes, sizeof other.bytes);
    int fd = client_connect(sock, WAIT_MS, &w, NULL);
    ask(fd, wire_put_order(&g, packet, sizeof packet)); // somebody used our key
    close(fd);
    struct gateway *gw = open_gateway(false);
    ck_assert_int_eq(gateway_submit(gw, &other), 0);
    ck_assert_int_eq(next_reply(gw)->status, ORDER_FILLED); // what the venue holds under it
    gateway_counters(gw, &n);
    ck_assert_uint_eq(n.errors, 1);
    gateway_close(gw);
}
END_TEST

START_TEST(gateway_holds_its_number)
{
    struct gateway *gw = open_gateway(false); // no venue: everything stays outstanding
    struct gateway_order g;
    ck_assert_int_eq(testbook_order(&book, 0, 9300, 1, &g), 0);
    for (uint32_t i = 0; i < GATEWAY_OUTSTANDING_MAX; i++) {
        g.key.revision = i + 1;
        ck_assert_int_eq(gateway_submit(gw, &g), 0);
    }
    ck_assert_int_eq(gateway_submit(gw, &g), -1);
    gateway_close(gw);
}
END_TEST

// As many orders at once as the gateway holds: neither side may wait for the other to read.
START_TEST(full_house_does_not_lock_up)
{
    struct gateway_order g;
    struct gateway_counters n;
    unsigned filled = 0;
    start("0", "0");
    struct gateway *gw = open_gateway(false);
    for (uint32_t i = 0; i < GATEWAY_OUTSTANDING_MAX; i++) {
        ck_assert_int_eq(testbook_order(&book, i % ACCOUNTS, 9300, 1 + i / ACCOUNTS, &g), 0);
        ck_assert_int_eq(gateway_submit(gw, &g), 0);
    }
    for (uint32_t i = 0; i < GATEWAY_OUTSTANDING_MAX; i++)
        filled += next_reply(gw)->status == ORDER_FILLED;
    ck_assert_uint_eq(filled, ACCOUNTS); // one an epoch, the rest refused
    gateway_counters(gw, &n);
    ck_assert(n.reconnects == 0 && n.errors == 0);
    gateway_close(gw);
    check_ledger(ACCOUNTS);
}
END_TEST

START_TEST(keeper_reports_what_does_not_start)
{
    struct err e;
    char *argv[] = {"/nonexistent/venue", NULL};
    ck_assert_ptr_null(venue_spawn(argv, sock, 100, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "not ready"));
}
END_TEST

START_TEST(venue_ends_with_its_keeper)
{
    int pipe_fd[2];
    ck_assert_int_eq(pipe(pipe_fd), 0);
    pid_t keeper = fork();
    if (keeper == 0) {
        struct venue_process *p = start_at(state, "0", "0");
        long pid = venue_pid(p);
        (void)!write(pipe_fd[1], &pid, sizeof pid);
        raise(SIGKILL); // no time to say goodbye
    }
    long pid = 0;
    ck_assert_int_eq(read(pipe_fd[0], &pid, sizeof pid), sizeof pid);
    waitpid(keeper, NULL, 0);
    for (int i = 0; i < WAIT_MS / 10 && access(sock, F_OK) == 0; i++) { // a clean end removes the socket
        struct timespec t = {0, 10000000};
        nanosleep(&t, NULL);
    }
    ck_assert_int_ne(access(sock, F_OK), 0);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {fills_and_refuses,
                                  waits_until_durable,
                                  venue_may_come_later,
                                  what_waited_too_long_is_not_sent,
                                  what_waited_too_long_after_a_break_is_fenced,
                                  killed_at_random,
                                  crash_between_settlement_and_reply,
                                  another_state_gets_nothing,
                                  error_ends_in_a_known_outcome,
                                  gateway_holds_its_number,
                                  full_house_does_not_lock_up,
                                  keeper_reports_what_does_not_start,
                                  venue_ends_with_its_keeper};
    return venueproc_main(argc, argv, "gateway", tests, sizeof tests / sizeof *tests);
}
