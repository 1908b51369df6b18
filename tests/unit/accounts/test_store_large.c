// SPDX-License-Identifier: Apache-2.0
// Stores account by account: read and written without the whole of them in memory, stopped and refused on the
// way; and stores of the schema version before.
#include "accounts/store_base.h"
#include "base/test_seed.h"
#include "run_suite.h"

static uint64_t seed;

// Rebuilds the tables of accounts as schema version 2 had them: every amount is text.
static void make_version_2(void)
{
    tamper("CREATE TABLE a2 (id INTEGER PRIMARY KEY, name TEXT NOT NULL, rule TEXT NOT NULL, currency TEXT "
           "NOT NULL,"
           " cash_decimals INTEGER NOT NULL, cash TEXT NOT NULL, emode INTEGER NOT NULL, epoch INTEGER NOT "
           "NULL) STRICT;"
           "INSERT INTO a2 SELECT id,name,rule,currency,cash_decimals,cash,emode,epoch FROM accounts; DROP "
           "TABLE accounts; ALTER TABLE a2 RENAME TO accounts;"
           "CREATE TABLE p2 (account INTEGER NOT NULL, instrument INTEGER NOT NULL, size TEXT NOT NULL,"
           " entry INTEGER NOT NULL, supply TEXT NOT NULL, debt TEXT NOT NULL, collateral INTEGER NOT NULL,"
           " PRIMARY KEY (account, instrument)) STRICT, WITHOUT ROWID;"
           "INSERT INTO p2 SELECT account,instrument,size,entry,supply,debt,collateral FROM positions; DROP "
           "TABLE positions; ALTER TABLE p2 RENAME TO positions;"
           "DROP TABLE terms; DROP TABLE emodes; PRAGMA user_version = 2;");
}

static int query(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    int n = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

// The first account on linear perpetuals: such have cash and entry prices, whichever the generator draws.
static struct account *linear(struct book *b)
{
    size_t i = 0;
    while (i < b->n_accounts && strcmp(b->account[i].rule->name, "perp-linear-1") != 0)
        i++;
    ck_assert_uint_lt(i, b->n_accounts);
    ck_assert_uint_gt(b->account[i].n_positions, 0);
    return &b->account[i];
}

// Stores of the version before are read, and written anew as this one's.
START_TEST(test_version_2)
{
    struct book *a = generate(seed, 150), *b = calloc(1, sizeof *b);
    struct err e = {""};
    linear(a)->cash = -((i128)1 << 90); // a loss beyond 64 bits, here and in the new form text
    save(a);
    ck_assert_int_eq(query("SELECT count(*) FROM accounts WHERE typeof(cash) = 'text'"), 1);
    ck_assert_int_ne(query("SELECT count(*) FROM positions WHERE typeof(supply) = 'integer' AND supply > 0"),
                     0);
    make_version_2();
    ck_assert_int_eq(query("SELECT count(*) FROM accounts WHERE typeof(cash) <> 'text'"), 0);
    ck_assert_msg(store_load(path, b, &e) == 0, "%s", e.msg);
    for (unsigned i = 0; i < a->market.n_assets; i++)
        a->market.asset[i].spread_ppm = 0; // unknown to version 2
    ck_assert(book_equal(a, b));
    book_free(b);
    char nothing[160];
    (void)snprintf(nothing, sizeof nothing, "%s/nothing.json", dir);
    FILE *f = fopen(nothing, "w");
    ck_assert(f && fputs("{\"accounts\": []}", f) >= 0 && fclose(f) == 0);
    ck_assert_msg(store_import(path, nothing, &e) == 0, "%s", e.msg);
    unlink(nothing);
    ck_assert_int_eq(query("PRAGMA user_version"), 7);
    ck_assert_int_eq(query("SELECT count(*) FROM accounts WHERE typeof(cash) = 'text'"), 1);
    ck_assert_msg(store_load(path, b, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(a->n_accounts, b->n_accounts);
    struct account one;
    for (size_t i = 0; i < a->n_accounts; i++)
        ck_assert(account_equal(&a->account[i], book_account(b, i, &one)));
    make_version_2();
    tamper("UPDATE positions SET size = '007' WHERE account = 1");
    expect_load_error("column size");
    drop(a);
    drop(b);
}
END_TEST

// ---- account by account

static int plausible_step(void *ctx, const char *what, uint64_t accounts, uint64_t done, uint64_t total)
{
    ++*(unsigned *)ctx;
    return what == NULL || accounts == 0 || done > total || done == 0;
}

static int stop_step(void *ctx, const char *what, uint64_t accounts, uint64_t done, uint64_t total)
{
    (void)plausible_step(ctx, what, accounts, done, total);
    return 1;
}

static int count_account(void *ctx, const struct account *a, struct err *e)
{
    unsigned *n = ctx;
    return ++*n == a->id ? 0 : err_set(e, "account %u is not number %u", a->id, *n);
}

static int refuse_fifth(void *ctx, const struct account *a, struct err *e)
{
    unsigned *n = ctx;
    ++*n;
    return a->id == 5 ? err_set(e, "no fifth") : 0;
}

START_TEST(test_visit)
{
    enum { N = 9000 };
    struct gen_options o = {.seed = seed, .accounts = N, .near_ppm = GEN_NEAR_PPM};
    struct err e = {""};
    unsigned calls = 0, n = 0;
    struct progress p = {plausible_step, &calls};
    struct store_visitor v = {.account = count_account, .ctx = &n, .validate = true, .progress = &p};
    struct account a;
    struct book b, *whole = generate(seed, N);
    struct book_gen *g = book_gen_open(&o, &e);
    struct store_writer *w = store_create(path, book_gen_market(g), &e);
    ck_assert_msg(w != NULL, "%s", e.msg);
    for (size_t i = 0; i < N; i++) {
        ck_assert_int_eq(book_gen_next(g, &a, &e), 0);
        ck_assert(account_equal(&a, &whole->account[i]));
        ck_assert_int_eq(store_add(w, &a, &e), 0);
    }
    book_gen_close(g);
    ck_assert_int_eq(store_close(w, true, &e), 0);
    ck_assert_msg(store_visit(path, &v, &e) == 0, "%s", e.msg);
    ck_assert(n == N && calls == N / PROGRESS_EVERY);
    n = 0;
    v.account = refuse_fifth;
    ck_assert_int_eq(store_visit(path, &v, &e), -1);
    ck_assert(n == 5 && strcmp(e.msg, "no fifth") == 0);
    p.step = stop_step;
    ck_assert_int_eq(store_load_with(path, &b, &p, &e), -1);
    ck_assert_str_eq(e.msg, "interrupted");
    ck_assert(!b.packed && !b.account && b.n_accounts == 0);
    ck_assert_int_eq(store_load_with(path, &b, NULL, &e), 0);
    ck_assert_uint_eq(b.n_accounts, N);
    ck_assert_uint_lt(book_bytes(&b), 8u << 20);
    book_free(&b);
    drop(whole);
}
END_TEST

// A writer that is not told to commit, or that has refused an account, leaves what there was.
START_TEST(test_writer_rolls_back)
{
    struct book *a = generate(seed, 20), *b = calloc(1, sizeof *b), *c = generate(seed + 1, 20);
    struct err e = {""};
    for (int how = 0; how < 4; how++) {
        bool there = how >= 2, bad = how % 2;
        if (there)
            save(a);
        struct store_writer *w = store_create(path, &c->market, &e);
        ck_assert_int_eq(store_add(w, &c->account[0], &e), 0);
        if (bad)
            ck_assert_int_eq(store_add(w, &c->account[0], &e), -1);
        ck_assert_int_eq(store_close(w, bad, &e), bad ? -1 : 0);
        if (!there)
            ck_assert_int_ne(access(path, F_OK), 0);
    }
    ck_assert_int_eq(store_load(path, b, &e), 0);
    ck_assert(book_equal(a, b));
    // Negative entry prices would be written and never read again.
    struct account x = *linear(a);
    x.position[0].size = 0;
    x.position[0].entry = -1;
    struct store_writer *w = store_create(path, &a->market, &e);
    ck_assert_int_eq(store_add(w, &x, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "entry price"));
    ck_assert_int_eq(store_close(w, true, &e), -1);
    drop(a);
    drop(b);
    drop(c);
}
END_TEST

int main(void)
{
    seed = test_seed(20261123);
    Suite *s = suite_create("accounts/store_large");
    TCase *t = tcase_create("large");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_version_2);
    tcase_add_test(t, test_visit);
    tcase_add_test(t, test_writer_rolls_back);
    suite_add_tcase(s, t);
    return run_suite(s);
}
