// SPDX-License-Identifier: Apache-2.0
// The venue's clock: orders bring it, it never goes back, it survives kill -9; interest is posted so that
// openings, postings and balances agree at any moment, across new parameters and owners' states.
#include "base/prng.h"
#include "base/test_seed.h"
#include "lendbook.h"
#include "venueproc.h"

static const int64_t EQUAL[2] = {100000000, 100000000};
static const uint64_t NS_PER_SECOND = 1000000000;

static void lend(void)
{
    struct err e;
    book_free(&book);
    lendbook(&book, ACCOUNTS);
    ck_assert_msg(store_save(store, &book, &e) == 0, "%s", e.msg);
    start("0", "0");
}

static int greet(void)
{
    struct wire_welcome w;
    struct err e;
    int fd = client_connect_wait(sock, READY_MS, &w, &e);
    ck_assert_msg(fd >= 0, "%s", e.msg);
    return fd;
}

static struct order_reply *order(int fd, const struct gateway_order *g)
{
    ask(fd, wire_put_order(g, packet, sizeof packet));
    return decoded();
}

static int after_a_kill(int fd)
{
    ck_assert_int_eq(kill((pid_t)venue_pid(venue), SIGKILL), 0);
    close(fd);
    return greet();
}

// Account 0 has health 1.01 as told: 10 % a year of interest on its debt breach it within weeks, 3 % to it or
// not.
START_TEST(the_keepers_second_counts)
{
    struct gateway_order g;
    lend();
    int fd = greet();
    market_now(&book.market, (LB_TOLD + LB_YEAR) * NS_PER_SECOND);
    ck_assert_int_eq(lendbook_order(&book.market, &book.account[0], EQUAL, 1, &g), 0);
    for (unsigned i = 0; i < 2; i++) { // judged at no time, and when it was told: healthy
        g.second = i * LB_TOLD;
        ck_assert_int_eq(order(fd, &g)->status, ORDER_REFUSED);
        ck_assert_ptr_nonnull(strstr(decoded()->reason, "not liquidatable"));
        ck_assert_int_eq(lendbook_order(&book.market, &book.account[0], EQUAL, 2 + i, &g), 0);
    }
    ck_assert_int_eq(order(fd, &g)->status, ORDER_FILLED);
    struct order o;
    static struct settlement s;
    struct account want = book.account[0];
    struct err e;
    int64_t px[MARKET_ASSETS_MAX] = {EQUAL[0], EQUAL[1]};
    ck_assert_int_eq(order_decode(g.bytes, g.n_bytes, &o), 0);
    ck_assert_int_eq(want.rule->settle(&book.market, &want, px, o.leg, o.n, &s, &e), 0);
    want.epoch++;
    assert_same(&want, &decoded()->account);
    // From now on nobody's earlier second makes it earlier: not another order's, nor by a restart.
    for (size_t i = 1; i < 3; i++) {
        ck_assert_int_eq(lendbook_order(&book.market, &book.account[i], EQUAL, 1, &g), 0);
        g.second = i == 1 ? LB_TOLD : 0;
        ck_assert_msg(order(fd, &g)->status == ORDER_FILLED, "%s", decoded()->reason);
        fd = after_a_kill(fd);
    }
    // A key that is known brings no time.
    g.second = LB_TOLD + 50 * (uint64_t)LB_YEAR;
    ck_assert_int_eq(order(fd, &g)->status, ORDER_FILLED);
    ck_assert_int_eq(lendbook_order(&book.market, &book.account[40], (int64_t[]){70000000, 100000000}, 1, &g),
                     0);
    g.mark[0].price = EQUAL[0]; // healthy, but not in fifty years
    ck_assert_int_eq(order(fd, &g)->status, ORDER_REFUSED);
    close(fd);
    check_ledger(3);
}
END_TEST

// ---- what is posted

enum { POSTED_MAX = 32 };

// Amounts posted with the order, as they came, at most POSTED_MAX.
static unsigned posted(const struct gateway_order *g, i256 amount[POSTED_MAX])
{
    uint8_t key[ORDER_KEY_BYTES];
    sqlite3 *db;
    sqlite3_stmt *st;
    unsigned n = 0;
    order_key_encode(&g->key, key);
    ck_assert_int_eq(sqlite3_open_v2(state, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_prepare_v2(db, "SELECT amount FROM posting WHERE key = ?1 ORDER BY id", -1, &st, NULL),
        SQLITE_OK);
    sqlite3_bind_blob(st, 1, key, sizeof key, SQLITE_STATIC);
    for (; n < POSTED_MAX && sqlite3_step(st) == SQLITE_ROW; n++)
        ck_assert_int_eq(i256_parse((const char *)sqlite3_column_text(st, 0), &amount[n]), 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

// What the account gains of each reserve from one second to another (0: as told), as the protocol shows it.
static i128 gains(const struct market *m, const struct account *a, unsigned reserve, uint64_t from,
                  uint64_t to)
{
    const struct instrument *in = &m->instrument[reserve];
    uint64_t s[2] = {from ? from - LB_TOLD : 0, to - LB_TOLD};
    i256 ray = i256_from_u128(LB_RAY), have[2], owe[2];
    for (unsigned k = 0; k < 2; k++) {
        u128 li = index_linear(in->liquidity_index, in->liquidity_rate, s[k]);
        u128 bi = index_compounded(in->borrow_index, in->borrow_rate, s[k]);
        have[k] =
            i256_div_floor(i256_mul(i256_from_i128(a->position[reserve].supply), i256_from_u128(li)), ray);
        owe[k] = i256_div_ceil(i256_mul(i256_from_i128(a->position[reserve].debt), i256_from_u128(bi)), ray);
    }
    return i256_to_i128(i256_sub(i256_sub(have[1], have[0]), i256_sub(owe[1], owe[0])));
}

// Fills an order of account i at the second and checks the interest posted before its flows: from `from` on.
static void fill_and_check(int fd, size_t i, uint64_t from, uint64_t second, uint32_t revision)
{
    struct gateway_order g;
    i256 amount[POSTED_MAX];
    int64_t px[2] = {EQUAL[0], EQUAL[1]};
    struct account *a = &book.account[i];
    unsigned n = 0;
    market_now(&book.market, second * NS_PER_SECOND);
    while (lendbook_order(&book.market, a, px, revision, &g))
        px[0] -= px[0] / 64;
    ck_assert_msg(order(fd, &g)->status == ORDER_FILLED, "%s", decoded()->reason);
    ck_assert_uint_eq(decoded()->account.n_positions, 2);
    unsigned all = posted(&g, amount);
    for (unsigned reserve = 0; reserve < 2; reserve++) {
        i128 more = gains(&book.market, a, reserve, from, second);
        if (more == 0)
            continue;
        ck_assert_uint_ge(all, n + 2);
        ck_assert_msg(i256_cmp(amount[n], i256_from_i128(more)) == 0 &&
                          i256_cmp(amount[n + 1], i256_from_i128(-more)) == 0,
                      "account %zu, reserve %u, from %d", i, reserve, (int)(from - LB_TOLD));
        n += 2;
    }
    // Behind it there are the rule's own flows and nothing else.
    static struct settlement flows;
    struct order o;
    struct err e;
    int64_t prices[MARKET_ASSETS_MAX] = {px[0], px[1]};
    ck_assert_int_eq(order_decode(g.bytes, g.n_bytes, &o), 0);
    ck_assert_msg(a->rule->settle(&book.market, a, prices, o.leg, o.n, &flows, &e) == 0, "%s", e.msg);
    a->epoch++;
    assert_same(a, &decoded()->account);
    ck_assert_uint_eq(n, from == second ? 0 : 4);
    ck_assert_uint_eq(all, n + flows.n);
    for (unsigned k = 0; k < flows.n; k++)
        ck_assert_int_eq(i256_cmp(amount[n + k], flows.flow[k].amount), 0);
}

START_TEST(interest_since_the_books_were_last_brought_up)
{
    struct err e;
    uint64_t s = LB_TOLD + LB_YEAR;
    lend();
    int fd = greet();
    fill_and_check(fd, 0, 0, s, 1);                // since it was told
    fill_and_check(fd, 0, s, s, 2);                // of the same second: none
    fill_and_check(fd, 0, s, s + LB_YEAR / 12, 3); // of a month
    s += LB_YEAR / 12;
    fill_and_check(fd, 1, 0, s, 1);
    // An owner's state is as of now, whatever it was that was here before.
    ck_assert_msg(owner_set(fd, &book.account[2], &book.account[2].epoch, &e) == 0, "%s", e.msg);
    fill_and_check(fd, 2, s, s, 1);
    fd = after_a_kill(fd);
    fill_and_check(fd, 2, s, s + 1000, 2);
    fill_and_check(fd, 0, s, s + 1000, 4);
    close(fd);
    check_ledger(7);
}
END_TEST

// ---- everything in random order, against books kept here

enum { BUSY = 8 }; // few, so that one is settled several times
static struct {
    struct prng rnd;
    uint64_t second;
    uint32_t revision, version;
    uint64_t fills, kills, sets, markets;
} t;

static void fill_one(int fd)
{
    struct gateway_order g;
    static struct settlement s;
    struct order o;
    struct err e;
    size_t i = prng_below(&t.rnd, BUSY);
    struct account want = book.account[i];
    int64_t px[2] = {prng_between(&t.rnd, 90000000, 105000000), prng_between(&t.rnd, 95000000, 110000000)};
    t.second += prng_below(&t.rnd, 4) ? prng_below(&t.rnd, LB_YEAR / 20) : 0;
    market_now(&book.market, t.second * NS_PER_SECOND);
    t.revision++; // the collateral falls until there is something to do, so most are partial
    while (lendbook_order(&book.market, &want, px, t.revision, &g))
        if ((px[0] -= px[0] / 64) < 1000000)
            return;
    int64_t all[MARKET_ASSETS_MAX] = {px[0], px[1]};
    if (prng_chance(&t.rnd, 1, 4)) { // of a keeper that is behind
        struct gateway_order first = g;
        struct order none = {.key = {2, 99, 0, t.revision}, .n = 1, .leg = {{0, 1}}};
        first.n_bytes = (uint16_t)order_encode(&none, first.bytes, sizeof first.bytes);
        ck_assert_int_eq(order(fd, &first)->status, ORDER_REFUSED); // brings the second, and nothing else
        g.second -= prng_below(&t.rnd, g.second + 1);
    }
    ck_assert_msg(order(fd, &g)->status == ORDER_FILLED, "%s", decoded()->reason);
    ck_assert_int_eq(order_decode(g.bytes, g.n_bytes, &o), 0);
    ck_assert_msg(want.rule->settle(&book.market, &want, all, o.leg, o.n, &s, &e) == 0, "%s", e.msg);
    want.epoch++;
    assert_same(&want, &decoded()->account);
    book.account[i] = want;
    t.fills++;
}

static void set_one(int fd)
{
    struct err e;
    size_t i = prng_below(&t.rnd, BUSY);
    struct account *a = &book.account[i];
    a->n_positions = 2; // also of one that has been liquidated to nothing
    a->position[0] = (struct position){
        .instrument = 0, .collateral = true, .supply = prng_between(&t.rnd, 900000000000, 1100000000000)};
    a->position[1] =
        (struct position){.instrument = 1, .debt = prng_between(&t.rnd, 600000000000, 780000000000)};
    ck_assert_msg(owner_set(fd, a, &a->epoch, &e) == 0, "%s", e.msg);
    t.sets++;
}

static void change_market(int fd)
{
    struct err e;
    static struct market next;
    next = book.market;
    struct instrument *in = &next.instrument[prng_below(&t.rnd, 2)];
    in->lt_bps = (uint32_t)prng_between(&t.rnd, 7500, 8200);
    if (prng_chance(&t.rnd, 2, 3)) { // told anew: an index may even fall
        in->liquidity_index = LB_RAY + LB_RAY / 1000 * prng_below(&t.rnd, 400);
        in->borrow_index = LB_RAY + LB_RAY / 1000 * prng_below(&t.rnd, 400);
        in->borrow_rate = LB_RAY / 100 * prng_below(&t.rnd, 20);
        in->told_at = t.second;
    }
    ck_assert_msg(owner_set_market(fd, &next, &t.version, &e) == 0, "%s", e.msg);
    book.market = next;
    market_told(&book.market, 0);
    market_told(&book.market, 1);
    t.markets++;
}

START_TEST(books_agree_at_any_moment)
{
    struct err e;
    prng_seed(&t.rnd, test_seed(71));
    lend();
    int fd = greet();
    static struct market told;
    ck_assert_msg(owner_market(fd, &told, &t.version, &e) == 0, "%s", e.msg);
    t.second = LB_TOLD;
    for (unsigned step = 0; step < test_rounds(600); step++) {
        uint64_t what = prng_below(&t.rnd, 20);
        if (what < 15)
            fill_one(fd);
        else if (what < 17)
            set_one(fd);
        else if (what < 19)
            change_market(fd);
        else if (++t.kills)
            fd = after_a_kill(fd);
        if (step % 20 == 0)
            check_ledger(t.fills);
    }
    close(fd);
    printf("# fills %llu, states %llu, parameters %llu, kills %llu\n", (unsigned long long)t.fills,
           (unsigned long long)t.sets, (unsigned long long)t.markets, (unsigned long long)t.kills);
    fflush(stdout);
    ck_assert(t.fills > test_rounds(60) && t.sets > 5 && t.markets > 1 && t.kills > 0);
    check_ledger(t.fills);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {the_keepers_second_counts, interest_since_the_books_were_last_brought_up,
                                  books_agree_at_any_moment};
    return venueproc_main(argc, argv, "venue time", tests, sizeof tests / sizeof *tests);
}
