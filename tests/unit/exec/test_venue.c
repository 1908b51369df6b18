// SPDX-License-Identifier: Apache-2.0
// The venue by hand on its wire: one effect a key, fences, nonsense, recovery.
#include "base/prng.h"
#include "base/test_seed.h"
#include "venueproc.h"

START_TEST(one_key_one_effect)
{
    struct gateway_order g, other;
    struct wire_welcome w;
    struct err e;
    static uint8_t first[WIRE_MAX];
    start("0", "0");
    int fd = client_connect(sock, WAIT_MS, &w, &e);
    ck_assert_msg(fd >= 0, "%s", e.msg);
    ck_assert_uint_eq(w.n_accounts, ACCOUNTS);
    ck_assert_int_eq(testbook_order(&book, 5, 9300, 1, &g), 0);
    // peek: not known, and it may still be sent
    ask(fd, wire_put_lookup(WIRE_PEEK, &g.key, 1, packet, sizeof packet));
    ck_assert_int_eq(msg.type, WIRE_ABSENT);
    ck_assert_int_eq(order_key_cmp(&msg.u.absent, &g.key), 0);
    ask(fd, wire_put_order(&g, packet, sizeof packet));
    ck_assert_int_eq(decoded()->status, ORDER_FILLED);
    size_t n = msg.u.reply.len;
    memcpy(first, msg.u.reply.p, n);
    // identical bytes: the same answer, no second effect; so do look-ups of both kinds
    ask(fd, wire_put_order(&g, packet, sizeof packet));
    ck_assert(msg.type == WIRE_REPLY && msg.u.reply.len == n && memcmp(msg.u.reply.p, first, n) == 0);
    for (uint8_t mode = WIRE_PEEK; mode <= WIRE_FENCE; mode++) {
        ask(fd, wire_put_lookup(mode, &g.key, 1, packet, sizeof packet));
        ck_assert(msg.type == WIRE_REPLY && msg.u.reply.len == n && memcmp(msg.u.reply.p, first, n) == 0);
    }
    // other bytes under the key: refused
    struct order o;
    ck_assert_int_eq(order_decode(g.bytes, g.n_bytes, &o), 0);
    o.leg[0].qty++;
    other = g;
    other.n_bytes = (uint16_t)order_encode(&o, other.bytes, sizeof other.bytes);
    ask(fd, wire_put_order(&other, packet, sizeof packet));
    ck_assert(msg.type == WIRE_ERROR && msg.u.error.code == WIRE_VIOLATION);
    // another key for the epoch that is over: refused
    o.key.revision = 2;
    other.n_bytes = (uint16_t)order_encode(&o, other.bytes, sizeof other.bytes);
    ask(fd, wire_put_order(&other, packet, sizeof packet));
    ck_assert_int_eq(decoded()->status, ORDER_REFUSED);
    ck_assert_ptr_nonnull(strstr(decoded()->reason, "epoch"));
    // ledger over the wire
    ask(fd, wire_put_ledger(0, packet, sizeof packet));
    ck_assert_int_eq(msg.type, WIRE_BALANCES);
    ck_assert(msg.u.balances.last && msg.u.balances.filled == 1 && msg.u.balances.violations == 1);
    i256 sum = i256_from_i64(0);
    for (unsigned i = 0; i < msg.u.balances.n; i++)
        sum = i256_add(sum, msg.u.balances.row[i].amount);
    ck_assert(msg.u.balances.n >= 3 && i256_sign(sum) == 0);
    close(fd);
    check_ledger(1);
}
END_TEST

START_TEST(fence_closes_a_key)
{
    struct gateway_order g;
    struct wire_welcome w;
    start("0", "0");
    int fd = client_connect(sock, WAIT_MS, &w, NULL);
    ck_assert_int_eq(testbook_order(&book, 5, 9300, 1, &g), 0);
    ask(fd, wire_put_lookup(WIRE_FENCE, &g.key, 1, packet, sizeof packet));
    ck_assert_int_eq(decoded()->status, ORDER_UNKNOWN);
    ask(fd, wire_put_order(&g, packet, sizeof packet)); // too late
    ck_assert_int_eq(decoded()->status, ORDER_UNKNOWN);
    // closed on disk: also for the venue's next life
    ck_assert_int_eq(kill((pid_t)venue_pid(venue), SIGKILL), 0);
    close(fd);
    fd = client_connect_wait(sock, READY_MS, &w, NULL);
    ck_assert_int_ge(fd, 0);
    ask(fd, wire_put_order(&g, packet, sizeof packet));
    ck_assert_int_eq(decoded()->status, ORDER_UNKNOWN);
    close(fd);
    check_ledger(0);
}
END_TEST

START_TEST(venue_survives_nonsense)
{
    struct wire_welcome w;
    struct prng r;
    prng_seed(&r, test_seed(51));
    start("0", "0");
    long pid = venue_pid(venue);
    struct gateway_order g;
    ck_assert_int_eq(testbook_order(&book, 5, 9300, 1, &g), 0);
    // nothing before HELLO
    int fd = socket_connect(sock, NULL);
    ask(fd, wire_put_order(&g, packet, sizeof packet));
    ck_assert(msg.type == WIRE_ERROR && msg.u.error.code == WIRE_UNGREETED);
    close(fd);
    fd = client_connect(sock, WAIT_MS, &w, NULL);
    for (unsigned i = 0; i < 3000; i++) {
        size_t n = i % 3 ? wire_put_order(&g, packet, sizeof packet)
                         : wire_put_lookup(WIRE_PEEK, &g.key, 1, packet, sizeof packet);
        for (unsigned k = 1 + (unsigned)prng_below(&r, 3); k; k--)
            packet[prng_below(&r, n)] = (uint8_t)prng_u64(&r);
        if (prng_chance(&r, 1, 4))
            n = 1 + prng_below(&r, n);
        if (packet[0] == WIRE_MARKET || packet[0] == WIRE_SET_MARKET || packet[0] == WIRE_WATCH)
            continue; // not answered, or by several packets
        if (packet[0] == WIRE_LOOKUP && n > 3 && (packet[2] != 1 || packet[3] != 0))
            continue; // would be answered more than once
        ask(fd, n);
    }
    close(fd);
    // one that does not read is dropped, the others are served
    for (unsigned i = 0; i < 40; i++)
        close(socket_connect(sock, NULL));
    fd = client_connect_wait(sock, READY_MS, &w, NULL);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(venue_pid(venue), pid);
    struct err e;
    FILE *f = fopen("/dev/null", "w");
    ck_assert_int_eq(venue_ledger(state, f, &e), 0);
    fclose(f);
}
END_TEST

// ---- recovery

static struct order_reply recovered[8];
static unsigned n_recovered;

static int take_reply(void *ctx, const struct order_reply *r)
{
    (void)ctx;
    recovered[n_recovered++ % 8] = *r;
    return 0;
}

static int take_state(void *ctx, const struct account *a)
{
    size_t *n = ctx;
    ck_assert_uint_lt(*n, book.n_accounts);
    ck_assert_uint_eq(a->id, book.account[*n].id);
    book.account[(*n)++] = *a;
    return 0;
}

static int stop_at_once(void *ctx, const struct account *a)
{
    (void)a;
    ++*(unsigned *)ctx;
    return 1;
}

START_TEST(recovery_looks_up_every_key)
{
    struct gateway_order g;
    struct err e;
    start("0", "0");
    struct gateway *gw = open_gateway(false);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(testbook_order(&book, i, 9300, 1, &g), 0);
        ck_assert_int_eq(gateway_submit(gw, &g), 0);
        (void)next_reply(gw);
    }
    gateway_close(gw);
    enum { KEYS = 700 }; // more than a packet holds
    struct order_key key[KEYS];
    for (unsigned i = 0; i < KEYS; i++)
        key[i] = (struct order_key){1, 100 + i % 2, 0, 1 + i / 2};
    ck_assert_msg(gateway_recover(sock, key, KEYS, READY_MS, take_reply, NULL, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(n_recovered, KEYS);
    n_recovered = 0;
    ck_assert_int_eq(gateway_recover(sock, key, 3, READY_MS, take_reply, NULL, &e), 0);
    ck_assert(recovered[0].status == ORDER_FILLED && recovered[1].status == ORDER_FILLED &&
              recovered[2].status == ORDER_UNKNOWN);
    size_t n = 0;
    ck_assert_int_eq(fetch_states(take_state, &n, &e), 0);
    ck_assert_uint_eq(n, ACCOUNTS);
    ck_assert(book.account[0].epoch == 1 && book.account[1].epoch == 1 && book.account[2].epoch == 0);
    assert_same(&book.account[0], &recovered[0].account);
    unsigned calls = 0;
    ck_assert_int_eq(fetch_states(stop_at_once, &calls, &e), -1);
    ck_assert_uint_eq(calls, 1);
    venue_close(venue);
    venue = NULL;
    ck_assert_int_eq(gateway_recover(sock, key, 3, 50, take_reply, NULL, &e), -1); // no venue: not recovered
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {one_key_one_effect, fence_closes_a_key, venue_survives_nonsense,
                                  recovery_looks_up_every_key};
    return venueproc_main(argc, argv, "venue", tests, sizeof tests / sizeof *tests);
}
