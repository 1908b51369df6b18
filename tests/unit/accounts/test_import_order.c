// SPDX-License-Identifier: Apache-2.0
// Imports of files whose rows stand in any order, and imports that are stopped: the book does not depend on
// the order, and what is stopped has changed nothing.
#include <check.h>
#include <unistd.h>

#include "accounts/import_base.h"
#include "accounts/store.h"
#include "base/test_seed.h"
#include "run_suite.h"

static uint64_t seed;
static char dir[] = "/tmp/tripline-order-XXXXXX";

static void same_books(const struct book *a, const struct book *b)
{
    ck_assert_uint_eq(a->n_accounts, b->n_accounts);
    for (size_t i = 0; i < a->n_accounts; i++)
        ck_assert_msg(account_equal(&a->account[i], &b->account[i]), "account %u differs", a->account[i].id);
}

// Rows in any order give what the same rows in order give: accounts that are named again and again, far
// apart, some of the store's among them, some without positions, some whose currency is known from their last
// row only.
START_TEST(test_rows_in_any_order)
{
    enum { N = 1500, ROWS = 4 * N };
    static char row[ROWS][96];
    static unsigned place[ROWS];
    static const char *const coin[] = {"BTC_USDC-PERPETUAL", "PEPE_USDC-PERPETUAL"};
    struct prng r;
    struct book sorted, mixed;
    struct err e = {""};
    char *text = malloc(sizeof row);
    static const char head[] = "account,rule,cash,instrument,size,entry\n";
    unsigned n = 0;
    prng_seed(&r, seed + 6);
    for (unsigned id = 1; id <= N; id++) {
        unsigned some = (unsigned)prng_below(&r, 3); // the instruments of the examples that settle in USDC
        unsigned cash = some ? id : 0;
        if (!some || prng_chance(&r, 1, 3))
            n += snprintf(row[n], sizeof row[0], "%u,perp-linear-1,%u,,,\n", 3 * id, cash) > 0;
        for (unsigned k = 0; k < some; k++)
            n += snprintf(row[n], sizeof row[0], "%u,perp-linear-1,%u,%s,%u,1\n", 3 * id, cash, coin[k], id) >
                 0;
    }
    size_t len = (size_t)sprintf(text, "%s", head);
    for (unsigned i = 0; i < n; i++) {
        len += (size_t)sprintf(text + len, "%s", row[i]);
        place[i] = i;
    }
    ck_assert_msg(import_text("x.csv", text, len, &base, &sorted, &e) == N, "%s", e.msg);
    for (unsigned i = n; i > 1; i--) {
        unsigned j = (unsigned)prng_below(&r, i), t = place[i - 1];
        place[i - 1] = place[j];
        place[j] = t;
    }
    len = (size_t)sprintf(text, "%s", head);
    for (unsigned i = 0; i < n; i++)
        len += (size_t)sprintf(text + len, "%s", row[place[i]]);
    ck_assert_msg(import_text("x.csv", text, len, &base, &mixed, &e) == N, "%s", e.msg);
    same_books(&sorted, &mixed);
    book_free(&sorted);
    book_free(&mixed);
    free(text);
}
END_TEST

// An account that is not complete when its first rows end, and only that one is named.
START_TEST(test_complete_at_the_end)
{
    static const char ROWS[] = "account,rule,cash,currency,instrument,size,entry\n"
                               "90,perp-linear-1,5,,,,\n"
                               "91,perp-linear-1,7,,,,\n"
                               "92,perp-linear-1,9,,BTC_USDC-PERPETUAL,1,1\n"
                               "91,perp-linear-1,7,,BTC_USDC-PERPETUAL,1,1\n"
                               "90,,,,BTC_USDC-PERPETUAL,1,1\n";
    struct book out;
    struct err e = {""};
    ck_assert_msg(import_text("x.csv", ROWS, sizeof ROWS - 1, &base, &out, &e) == 3, "%s", e.msg);
    ck_assert_uint_eq(out.n_accounts, 6);
    for (size_t i = 0; i < 3; i++)
        ck_assert(out.account[i + 3].cash == (i128)(5 + 2 * i) * 1000000 &&
                  out.account[i + 3].n_positions == 1);
    book_free(&out);
    size_t less =
        (size_t)(strstr(ROWS, "90,,,,BTC") - ROWS); // 90 never gets a currency: told with its first line
    ck_assert_int_eq(import_text("x.csv", ROWS, less, &base, &out, &e), -1);
    ck_assert_msg(strstr(e.msg, "x.csv:2: account 90 has cash but no perpetual") != NULL, "%s", e.msg);
    less = (size_t)(strstr(ROWS, "91,perp-linear-1,7,,BTC") - ROWS); // both: the first of them is told
    ck_assert_int_eq(import_text("x.csv", ROWS, less, &base, &out, &e), -1);
    ck_assert_msg(strstr(e.msg, "x.csv:2: account 90") != NULL, "%s", e.msg);
    static const char LATER[] = "account,rule,cash,instrument,size,entry\n"
                                "95,perp-linear-1,,,,\n" // good so far
                                "96,perp-linear-1,5,,,\n"
                                "95,,,BTC-PERPETUAL,1,1\n"; // and now it is not
    ck_assert_int_eq(import_text("x.csv", LATER, sizeof LATER - 1, &base, &out, &e), -1);
    ck_assert_msg(strstr(e.msg, "x.csv:2: account 95: instrument BTC-PERPETUAL is not a linear") != NULL,
                  "%s", e.msg);
    static const char AGAIN[] =
        "account,rule,cash,name\n90,perp-linear-1,0,a\n91,perp-linear-1,0,b\n90,,,c\n";
    ck_assert_int_eq(import_text("x.csv", AGAIN, sizeof AGAIN - 1, &base, &out, &e), -1);
    ck_assert_msg(strstr(e.msg, "x.csv:4: account 90: name 'c' differs from line 2") != NULL, "%s", e.msg);
    static const char TWICE[] = "account,rule,instrument,size,entry\n9,perp-linear-1,BTC_USDC-PERPETUAL,1,1\n"
                                "5,perp-linear-1,BTC_USDC-PERPETUAL,1,1\n9,,BTC_USDC-PERPETUAL,1,1\n";
    ck_assert_int_eq(import_text("x.csv", TWICE, sizeof TWICE - 1, &base, &out, &e), -1);
    ck_assert_msg(strstr(e.msg, "x.csv:4: account 9: a second position") != NULL, "%s", e.msg);
    ck_assert_ptr_null(out.account);
}
END_TEST

// A row that is named again may be longer than what is read of it at first.
START_TEST(test_long_row_again)
{
    enum { LONG = 9000 };
    static char text[2 * LONG];
    struct book out;
    struct err e = {""};
    size_t n = (size_t)sprintf(text, "account,rule,cash,instrument,size,entry\n90,perp-linear-1,3,%*s,,\n",
                               LONG, "");
    n += (size_t)sprintf(text + n, "91,perp-linear-1,0,,,\n90,,,BTC_USDC-PERPETUAL,1,1\n90,,4,,,\n");
    ck_assert_int_eq(import_text("x.csv", text, n, &base, &out, &e), -1);
    ck_assert_msg(strstr(e.msg, "x.csv:5: account 90: cash '4' differs from line 2") != NULL, "%s", e.msg);
    n -= 9;
    ck_assert_msg(import_text("x.csv", text, n, &base, &out, &e) == 2, "%s", e.msg);
    ck_assert(out.account[3].id == 90 && out.account[3].cash == 3000000);
    book_free(&out);
}
END_TEST

struct steps {
    unsigned calls, stop_at;
    uint64_t done;
    const char *what;
    char seen[200]; // the phases, blank-separated
};

static int count_steps(void *ctx, const char *what, uint64_t at, uint64_t done, uint64_t total)
{
    struct steps *s = ctx;
    bool same = s->what && strcmp(s->what, what) == 0;
    ck_assert(at <= 20000 && (!same || done >= s->done) && (total == 0 || done <= total));
    if (!same)
        (void)snprintf(s->seen + strlen(s->seen), sizeof s->seen - strlen(s->seen), "%s ", what);
    s->what = what;
    s->done = done;
    return ++s->calls == s->stop_at;
}

// Stopped at each of its steps, an import leaves the store as it was, and none where there was none.
START_TEST(test_interrupted)
{
    enum { N = 9000 };
    char db[160], csv[160], market[160];
    struct err e = {""};
    struct steps s = {0};
    const struct progress p = {count_steps, &s};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(db, sizeof db, "%s/s.db", dir);
    (void)snprintf(csv, sizeof csv, "%s/x.csv", dir);
    (void)snprintf(market, sizeof market, "tests/data/accounts/book.json");
    FILE *f = fopen(csv, "w");
    fputs("account,rule,cash,instrument,size,entry\n", f);
    for (unsigned i = 0; i < N; i++)
        fprintf(f, "%u,perp-linear-1,%u,BTC_USDC-PERPETUAL,1,1\n", 100 + i, i);
    fclose(f);
    ck_assert_int_eq(store_import(db, market, &e), 3);
    ck_assert_msg(store_import(db, csv, &e) == N, "%s", e.msg); // so that there is something to read
    uint64_t before = fingerprint(db);
    int rc = -1;
    for (unsigned k = 1; rc < 0; k++) {
        s = (struct steps){.stop_at = k};
        rc = store_import_with(db, csv, &p, &e);
        if (rc >= 0)
            break;
        ck_assert_str_eq(e.msg, "interrupted");
        ck_assert_uint_eq(s.calls, k);
        ck_assert(fingerprint(db) == before);
    }
    ck_assert_msg(strcmp(s.seen, "reading importing checking writing ") == 0, "%s", s.seen);
    ck_assert_uint_ge(s.calls, 7);
    unlink(db);
    s = (struct steps){.stop_at = 1};
    write_text(csv, "account,rule\n");
    f = fopen(csv, "a");
    for (unsigned i = 0; i < N; i++)
        fprintf(f, "%u,perp-linear-1\n", 100 + i);
    fclose(f);
    ck_assert_int_eq(store_import_with(db, csv, &p, &e), -1);
    ck_assert_str_eq(e.msg, "interrupted");
    ck_assert_int_ne(access(db, F_OK), 0);
    unlink(csv);
    rmdir(dir);
}
END_TEST

int main(void)
{
    seed = test_seed(20261122);
    Suite *s = suite_create("accounts/import_order");
    TCase *t = tcase_create("order");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, load_base, free_base);
    tcase_add_test(t, test_rows_in_any_order);
    tcase_add_test(t, test_complete_at_the_end);
    tcase_add_test(t, test_long_row_again);
    tcase_add_test(t, test_interrupted);
    suite_add_tcase(s, t);
    return run_suite(s);
}
