// SPDX-License-Identifier: Apache-2.0
// What moves with time in the store: it comes back as it was told, damage is named, and stores of version 2,
// of before any of it, are read as markets that stand still.
#include <check.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/moving.h"
#include "accounts/rules/rule.h"
#include "accounts/store.h"
#include "run_suite.h"

static char dir[] = "/tmp/tripline-store-time-XXXXXX";
static char path[sizeof dir + 16];

static void setup(void)
{
    memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/store.db", dir);
}

static void teardown(void)
{
    unlink(path);
    rmdir(dir);
}

static struct book *generate(uint64_t rates_at)
{
    struct book *b = malloc(sizeof *b);
    struct gen_options o = {.seed = 1, .accounts = 30, .near_ppm = GEN_NEAR_PPM, .rates_at = rates_at};
    struct err e = {""};
    ck_assert_msg(accounts_generate(&o, b, &e) == 0, "%s", e.msg);
    return b;
}

static void drop(struct book *b)
{
    book_free(b);
    free(b);
}

static void save(const struct book *b)
{
    struct err e = {""};
    ck_assert_msg(store_save(path, b, &e) == 0, "%s", e.msg);
}

static struct book *load(void)
{
    struct book *b = calloc(1, sizeof *b);
    struct err e = {""};
    ck_assert_msg(store_load(path, b, &e) == 0, "%s", e.msg);
    return b;
}

static void expect_same(const struct book *a, const struct book *b)
{
    static uint8_t x[MARKET_BYTES_MAX], y[MARKET_BYTES_MAX];
    size_t n = market_encode(&a->market, x, sizeof x);
    ck_assert_uint_eq(market_encode(&b->market, y, sizeof y), n);
    ck_assert_mem_eq(x, y, n);
    ck_assert_uint_eq(a->n_accounts, b->n_accounts);
    for (size_t i = 0; i < a->n_accounts; i++) {
        static struct account left, right;
        n = account_encode(book_account(a, i, &left), x, sizeof x);
        ck_assert_uint_eq(account_encode(book_account(b, i, &right), y, sizeof y), n);
        ck_assert_mem_eq(x, y, n);
    }
}

static void tamper(const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    int rc = sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;", NULL, NULL,
                          NULL);
    rc = rc ? rc : sqlite3_exec(db, sql, NULL, NULL, &why);
    ck_assert_msg(rc == SQLITE_OK, "%s: %s", sql, why ? why : "");
    sqlite3_close(db);
}

static int version(void)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    int v = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return v;
}

START_TEST(test_round_trip)
{
    struct book *a = generate(1790000000);
    ck_assert(market_moves(&a->market));
    for (unsigned i = 0; i < a->market.n_instruments; i++) {
        struct instrument *s = &a->market.instrument[i];
        if (s->kind != INST_RESERVE) {
            ck_assert(s->funding_rate > 0);
            s->profit_weight_ppm = s->kind == INST_LINEAR ? 1000000 - i : 0;
            s->funding_index = i % 2 ? 1 - ((i128)1 << MOVING_FUNDING_BITS) : 12345;
            s->funding_rate = i % 2 ? INT64_MIN : INT64_MAX;
            continue;
        }
        ck_assert(s->liquidity_rate > 0 && s->borrow_rate > s->liquidity_rate);
        s->ramp_from_bps = s->lt_bps + 100;
        s->emode_ramp_from_bps = s->emode ? s->emode_lt_bps + 7 : 0;
        s->n_emodes = s->emode ? EMODES_MAX : 0;
        for (unsigned k = 0; k < s->n_emodes; k++)
            s->emodes[k] = (struct emode){.id = (uint8_t)(255 - EMODES_MAX + 1 + k),
                                          .lt_bps = (uint16_t)(MARKET_BPS - k),
                                          .lb_bps = (uint16_t)(LB_BPS_MAX - k)};
        s->ramp_start = i;
        s->ramp_end = MOVING_TIME_MAX;
        s->grace_until = MOVING_TIME_MAX - i;
    }
    for (size_t i = 0; i < a->n_accounts; i++)
        for (unsigned k = 0; k < a->account[i].n_positions; k++)
            if (a->account[i].position[k].size)
                a->account[i].position[k].funding = k % 2 ? -(i128)i : (i128)i;
    for (unsigned x = 0; x < SCENARIOS_MAX; x++) {
        (void)snprintf(a->market.scenario[x].name, NAME_LEN, "s%u", x);
        for (unsigned i = 0; i < a->market.n_instruments; i++)
            if (a->market.instrument[i].kind == INST_LINEAR)
                a->market.scenario[x].shock_ppm[i] = i % 3 == x % 3 ? 0
                                                     : i % 2        ? 1000000 - (int)x
                                                                    : (int)x - 1000000;
    }
    a->market.n_scenarios = SCENARIOS_MAX;
    save(a);
    struct book *b = load();
    expect_same(a, b);
    drop(a);
    drop(b);
}
END_TEST

static void expect_refused(const char *why)
{
    struct book *b = calloc(1, sizeof *b);
    struct err e = {""};
    ck_assert_int_eq(store_load(path, b, &e), -1);
    ck_assert_msg(strstr(e.msg, why) != NULL, "expected '%s' in: %s", why, e.msg);
    free(b);
}

START_TEST(test_version_2_is_read)
{
    static const char *const columns[] = {"liquidity_rate",      "borrow_rate",      "funding_index",
                                          "funding_rate",        "told_at",          "ramp_from_bps",
                                          "emode_ramp_from_bps", "ramp_start",       "ramp_end",
                                          "grace_until",         "profit_weight_ppm"};
    struct book *a = generate(0);
    char sql[100];
    for (unsigned i = 0; i < a->market.n_assets; i++) {
        ck_assert_uint_eq(a->market.asset[i].spread_ppm,
                          strcmp(a->market.asset[i].name, "usdc_usd") == 0 ? 50000 : 1000000);
        a->market.asset[i].spread_ppm = 0;
    }
    ck_assert(!market_moves(&a->market));
    save(a);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        (void)snprintf(sql, sizeof sql, "ALTER TABLE instruments DROP COLUMN %s", columns[i]);
        tamper(sql);
    }
    tamper("ALTER TABLE assets DROP COLUMN spread_ppm; ALTER TABLE positions DROP COLUMN funding; PRAGMA "
           "user_version = 2");
    struct book *b = load();
    expect_same(a, b);
    ck_assert_int_eq(version(), 2);
    save(b); // written anew, it is a store of today
    ck_assert_int_eq(version(), 7);
    drop(b);
    tamper("ALTER TABLE positions DROP COLUMN orders; ALTER TABLE positions DROP COLUMN bids; ALTER TABLE "
           "positions DROP COLUMN asks; PRAGMA user_version = 6");
    b = load();
    expect_same(a, b);
    drop(b);
    tamper("DROP TABLE terms; CREATE TABLE credits (instrument INTEGER PRIMARY KEY, exchange_rate TEXT, "
           "close_factor TEXT, borrow_assets TEXT, borrow_shares TEXT);"
           "INSERT INTO credits SELECT id, '0', '0', '0', '5' FROM instruments WHERE kind = 'reserve';"
           "ALTER TABLE accounts DROP COLUMN state1; ALTER TABLE accounts DROP COLUMN state2;"
           "PRAGMA user_version = 5");
    expect_refused("has borrow_shares, a term of another protocol"); // the first terms had columns
    tamper("UPDATE credits SET borrow_shares = '0'");
    b = load();
    expect_same(a, b);
    drop(b);
    tamper("DROP TABLE credits; PRAGMA user_version = 4");
    b = load();
    expect_same(a, b);
    drop(b);
    tamper("DROP TABLE emodes; PRAGMA user_version = 3");
    b = load();
    expect_same(a, b);
    drop(a);
    drop(b);
}
END_TEST

static const struct damage {
    const char *sql, *error;
} DAMAGE[] = {
    {"UPDATE instruments SET liquidity_rate = '-1' WHERE kind = 'reserve'", "column liquidity_rate"},
    {"UPDATE instruments SET borrow_rate = '99999999999999999999999999999', told_at = 5 WHERE kind = "
     "'reserve'",
     "borrow_rate must be 0 to 10 a year"},
    {"UPDATE instruments SET borrow_rate = '5' WHERE kind = 'reserve'", "rates without told_at"},
    {"UPDATE instruments SET funding_rate = '9223372036854775808' WHERE kind = 'linear'",
     "column funding_rate"},
    {"UPDATE instruments SET funding_index = '1267650600228229401496703205376' WHERE kind = 'linear'",
     "funding_index out of range"},
    {"UPDATE instruments SET funding_index = '5' WHERE kind = 'reserve'", "a reserve has no funding"},
    {"UPDATE instruments SET grace_until = 5 WHERE kind = 'linear'", "apply to reserves"},
    {"UPDATE instruments SET ramp_from_bps = 9999 WHERE kind = 'reserve'",
     "a ramp needs ramp_start before ramp_end"},
    {"UPDATE instruments SET ramp_from_bps = 5, ramp_end = 9 WHERE kind = 'reserve'", "a ramp goes down"},
    {"UPDATE instruments SET grace_until = 17179869184 WHERE kind = 'reserve'", "seconds of the Unix epoch"},
    {"INSERT INTO terms VALUES (0, 'exchange_rate', '1')", "exchange_rate is a reserve's"},
    {"INSERT INTO terms VALUES (0, 'exchange_rates', '1')", "table terms: 'exchange_rates'"},
    {"INSERT INTO terms VALUES (200, 'exchange_rate', '1')", "of an instrument that exists"},
    {"INSERT INTO terms SELECT id, 'close_factor', '1000000000000000001' FROM instruments WHERE kind = "
     "'reserve'",
     "close_factor must be 0 to 1"},
    {"INSERT INTO terms SELECT id, 'exchange_rate', '-1' FROM instruments WHERE kind = 'reserve'",
     "column value"},
    {"INSERT INTO terms SELECT id, 'borrow_assets', '5' FROM instruments WHERE kind = 'reserve'",
     "has borrow_assets, a term of another protocol"},
    {"UPDATE accounts SET state2 = 5", "remembers nothing"},
    {"UPDATE accounts SET state1 = -1", "column state1"},
    {"INSERT INTO emodes VALUES (0, 9, 9000, 10100)", "reserve parameters on a perpetual"},
    {"INSERT INTO emodes VALUES (200, 9, 9000, 10100)", "of instruments that exist"},
    {"INSERT INTO emodes SELECT id, emode, 9000, 10100 FROM instruments WHERE emode > 0", "each once"},
    {"INSERT INTO emodes SELECT id, 9, 9000, 9999 FROM instruments WHERE emode > 0",
     "eMode category 9: lt_bps"},
    {"INSERT INTO emodes SELECT id, 9, 9000, 10100 FROM instruments WHERE emode = 0 AND kind = 'reserve'",
     "without an emode category"},
    {"UPDATE instruments SET grace_until = -1 WHERE kind = 'reserve'", "column grace_until"},
    {"UPDATE instruments SET profit_weight_ppm = 1000001 WHERE kind = 'linear'", "profit_weight_ppm must be"},
    {"UPDATE instruments SET profit_weight_ppm = 1 WHERE kind = 'inverse'", "profit_weight_ppm must be"},
    {"UPDATE instruments SET profit_weight_ppm = 1 WHERE kind = 'reserve'",
     "perpetual's parameters on a reserve"},
    {"INSERT INTO scenarios VALUES (1, 's', 0, 5)", "without a hole"},
    {"INSERT INTO scenarios SELECT 0, 's', id, 5 FROM instruments WHERE kind = 'inverse'",
     "only linear perpetuals"},
    {"INSERT INTO scenarios SELECT 0, 's', id, 1000001 FROM instruments WHERE kind = 'linear'",
     "column shock_ppm"},
    {"INSERT INTO scenarios SELECT 0, 's', id, -1000001 FROM instruments WHERE kind = 'linear'",
     "column shock_ppm"},
    {"INSERT INTO scenarios SELECT 0, 's', id, 0 FROM instruments WHERE kind = 'linear'", "shocks nothing"},
    {"INSERT INTO scenarios SELECT 0, 's ', id, 5 FROM instruments WHERE kind = 'linear'",
     "name must be 1 to"},
    {"INSERT INTO scenarios SELECT 0, 's' || id, id, 5 FROM instruments WHERE kind = 'linear'",
     "each of one name"},
    {"INSERT INTO scenarios SELECT 0, 's', id, 5 FROM instruments WHERE kind = 'linear'; "
     "INSERT INTO scenarios SELECT 1, 's', id, 6 FROM instruments WHERE kind = 'linear'",
     "name used twice"},
    {"UPDATE assets SET spread_ppm = 10000001 WHERE id = 0", "spread_ppm must be at most"},
    {"UPDATE positions SET funding = 'x' WHERE size <> 0", "column funding"},
    {"UPDATE positions SET funding = '5' WHERE size = 0", "size, entry and funding do not apply"},
};

START_TEST(test_damaged_rows)
{
    const struct damage *d = &DAMAGE[_i];
    struct book *a = generate(0);
    save(a);
    tamper(d->sql);
    expect_refused(d->error);
    drop(a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("accounts/store_time");
    TCase *c = tcase_create("store");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_round_trip);
    tcase_add_test(c, test_version_2_is_read);
    tcase_add_loop_test(c, test_damaged_rows, 0, sizeof DAMAGE / sizeof *DAMAGE);
    suite_add_tcase(s, c);
    return run_suite(s);
}
