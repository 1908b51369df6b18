// SPDX-License-Identifier: Apache-2.0
// A venue in a process of its own for the tests of venue and gateway: the test program itself, started again
// with "venue" as its first argument. A test program includes it once; the fixture is setup() and teardown().
#ifndef TRIPLINE_TEST_EXEC_VENUEPROC_H
#define TRIPLINE_TEST_EXEC_VENUEPROC_H

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "accounts/book.h"
#include "exec/paper/client.h"
#include "exec/paper/paper.h"
#include "exec/paper/socket.h"
#include "exec/paper/venue.h"
#include "exec/paper/venue_db.h"
#include "testbook.h"

enum { ACCOUNTS = 48, READY_MS = 20000, WAIT_MS = 30000 };

static char dir[64], sock[96], store[96], state[96], self[512];
static struct book book; // as a desk would hold it
static struct venue_process *venue;
static uint64_t durable_lsn; // atomic

static inline uint64_t get_durable(void *ctx)
{
    (void)ctx;
    return __atomic_load_n(&durable_lsn, __ATOMIC_ACQUIRE);
}

static inline void setup(void)
{
    struct err e;
    snprintf(dir, sizeof dir, "/tmp/tripline-gw-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(sock, sizeof sock, "%s/s", dir);
    snprintf(store, sizeof store, "%s/store.db", dir);
    snprintf(state, sizeof state, "%s/venue.db", dir);
    testbook(&book, ACCOUNTS);
    ck_assert_msg(store_save(store, &book, &e) == 0, "%s", e.msg);
    venue = NULL;
}

static inline void teardown(void)
{
    char cmd[128];
    venue_close(venue);
    book_free(&book);
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    ck_assert_int_eq(system(cmd), 0);
}

// Extra arguments: delay in microseconds, fills before the venue kills itself.
static inline struct venue_process *start_at(const char *path, const char *delay, const char *crash)
{
    struct err e;
    char *argv[] = {self, "venue", sock, store, (char *)path, (char *)delay, (char *)crash, NULL};
    struct venue_process *p = venue_spawn(argv, sock, READY_MS, &e);
    ck_assert_msg(p != NULL, "%s", e.msg);
    return p;
}

static inline void start(const char *delay, const char *crash)
{
    venue = start_at(state, delay, crash);
}

static inline struct gateway *open_gateway(bool gated)
{
    struct err e;
    struct gateway_paper_config c = {.socket = sock, .durable = gated ? get_durable : NULL, .poll_us = 50};
    struct gateway *g = gateway_paper_open(&c, &e);
    ck_assert_msg(g != NULL, "%s", e.msg);
    return g;
}

static inline struct order_reply *next_reply(struct gateway *g)
{
    static struct order_reply r;
    ck_assert_int_eq(gateway_wait(g, WAIT_MS), 1);
    ck_assert_int_eq(gateway_poll(g, &r), 1);
    return &r;
}

static inline void check_ledger(uint64_t want_fills)
{
    struct err e = {""};
    char *text = NULL, want[64];
    size_t n;
    FILE *f = open_memstream(&text, &n);
    int rc = venue_ledger(state, f, &e);
    fclose(f);
    ck_assert_msg(rc == 0, "%s%s", text, e.msg);
    snprintf(want, sizeof want, "filled=%llu ", (unsigned long long)want_fills);
    ck_assert_msg(strstr(text, want) != NULL, "wanted %s in:\n%s", want, text);
    free(text);
}

// What the rule makes of the order here, in this process.
static inline struct account settled_here(size_t i, const struct gateway_order *g)
{
    struct account a = book.account[i];
    struct order o;
    static struct settlement s;
    struct err e;
    int64_t px[MARKET_ASSETS_MAX] = {g->mark[0].price};
    ck_assert_int_eq(order_decode(g->bytes, g->n_bytes, &o), 0);
    ck_assert_msg(a.rule->settle(&book.market, &a, px, o.leg, o.n, &s, &e) == 0, "%s", e.msg);
    a.epoch++;
    return a;
}

static inline void assert_same(const struct account *a, const struct account *b)
{
    uint8_t x[ACCOUNT_BYTES_MAX], y[ACCOUNT_BYTES_MAX];
    size_t n = account_encode(a, x, sizeof x);
    ck_assert(n > 0 && account_encode(b, y, sizeof y) == n && memcmp(x, y, n) == 0);
}

static inline int same_market(void *ctx, const struct market *m)
{
    (void)ctx;
    return market_follows(&book.market, m, NULL);
}

// gateway_states where the parameters do not change.
static inline int fetch_states(int (*fn)(void *ctx, const struct account *a), void *ctx, struct err *e)
{
    const struct gateway_states_to to = {same_market, fn, ctx};
    return gateway_states(sock, READY_MS, &to, NULL, e);
}

// ---- by hand on the wire

static uint8_t packet[WIRE_MAX];
static struct wire_msg msg;

static inline void ask(int fd, size_t n)
{
    ck_assert_uint_gt(n, 0);
    ck_assert_int_eq(socket_send(fd, packet, n), 0);
    ck_assert_int_eq(client_receive(fd, WAIT_MS, packet, &msg), 1);
}

static inline struct order_reply *decoded(void)
{
    static struct order_reply r;
    ck_assert_int_eq(msg.type, WIRE_REPLY);
    ck_assert_int_eq(reply_decode(msg.u.reply.p, msg.u.reply.len, &r), 0);
    return &r;
}

static inline int be_venue(char **argv)
{
    struct err e;
    struct venue_options o = {.socket = argv[2], .accounts = argv[3], .state = argv[4], .sync = false};
    o.delay_us = (uint32_t)atoi(argv[5]);
    o.crash_after = (uint64_t)atoi(argv[6]);
    if (venue_serve(&o, &e) == 0)
        return 0;
    fprintf(stderr, "%s\n", e.msg);
    return 1;
}

// Runs the tests, or the venue when started as one.
static inline int venueproc_main(int argc, char **argv, const char *suite, const TTest *const *tests,
                                 size_t n_tests)
{
    if (argc == 7 && strcmp(argv[1], "venue") == 0)
        return be_venue(argv);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return 1;
    Suite *s = suite_create(suite);
    TCase *t = tcase_create(suite);
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < n_tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}

#endif
