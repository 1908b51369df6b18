// SPDX-License-Identifier: Apache-2.0
// `tripline venue ledger`: an auditor's view of a state, reading it only. It recalculates everything from the
// postings and the opening accounts and trusts none of the venue's own sums.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/moving.h"
#include "accounts/store.h"
#include "exec/paper/venue_books.h"
#include "exec/paper/venue_db.h"

static const char *const party_name[PARTY_COUNT] = {
    [PARTY_ACCOUNT] = "accounts", [PARTY_LIQUIDATOR] = "liquidator", [PARTY_VENUE] = "venue",
    [PARTY_POOL] = "pool",        [PARTY_DEFICIT] = "deficit",       [PARTY_AUCTION] = "auctions",
    [PARTY_OTHERS] = "others",
};

struct audit {
    sqlite3 *db;
    const char *path;
    FILE *out;
    struct venue_state s;
    struct dated { // a version of the market at a second
        struct market market;
        uint32_t version; // 0: none yet
    } opening, now;       // as an account's opening and its present state are valued
    uint8_t *bytes;       // MARKET_BYTES_MAX, scratch
    unsigned faults;
    struct err *e;
};

static int fail(struct audit *a)
{
    return err_set(a->e, "venue state %s: %s; is it the state of a paper venue?", a->path,
                   sqlite3_errmsg(a->db));
}

static sqlite3_stmt *query(struct audit *a, const char *sql)
{
    sqlite3_stmt *st;
    return sqlite3_prepare_v2(a->db, sql, -1, &st, NULL) == SQLITE_OK ? st : NULL;
}

static i256 column_amount(struct audit *a, sqlite3_stmt *st, int i)
{
    i256 v = i256_from_i64(0);
    const char *text = (const char *)sqlite3_column_text(st, i);
    if (!text || i256_parse(text, &v)) {
        fprintf(a->out, "FAULT an amount is not a number\n");
        a->faults++;
    }
    return v;
}

// Postings summed per (currency, party); rows come ordered by both.
struct sum {
    char currency[LEDGER_NAME_LEN];
    i256 party[PARTY_COUNT];
};

static void print_sum(struct audit *a, const struct sum *s)
{
    i256 all = i256_from_i64(0);
    char text[I256_DIGITS_MAX];
    for (unsigned p = 0; p < PARTY_COUNT; p++) {
        all = i256_add(all, s->party[p]);
        (void)i256_format(s->party[p], text, sizeof text);
        fprintf(a->out, "%-34s %-10s %28s\n", s->currency, party_name[p], text);
    }
    (void)i256_format(all, text, sizeof text);
    fprintf(a->out, "%-34s %-10s %28s\n", s->currency, "sum", text);
    if (i256_sign(all) != 0) {
        fprintf(a->out, "FAULT %s does not sum to zero\n", s->currency);
        a->faults++;
    }
}

static int check_stored(struct audit *a, const struct sum *s)
{
    sqlite3_stmt *st = query(a, "SELECT party, amount FROM balance WHERE currency = ?1");
    if (!st)
        return fail(a);
    sqlite3_bind_text(st, 1, s->currency, -1, SQLITE_STATIC);
    i256 stored[PARTY_COUNT] = {0};
    while (sqlite3_step(st) == SQLITE_ROW) {
        unsigned p = (unsigned)sqlite3_column_int(st, 0);
        if (p < PARTY_COUNT)
            stored[p] = column_amount(a, st, 1);
    }
    sqlite3_finalize(st);
    for (unsigned p = 0; p < PARTY_COUNT; p++) {
        if (i256_cmp(stored[p], s->party[p]) != 0) {
            fprintf(a->out, "FAULT %s %s: balance differs from the sum of its postings\n", s->currency,
                    party_name[p]);
            a->faults++;
        }
    }
    return 0;
}

static int end_currency(struct audit *a, const struct sum *s)
{
    if (!s->currency[0])
        return 0;
    print_sum(a, s);
    return check_stored(a, s);
}

static int check_currencies(struct audit *a)
{
    sqlite3_stmt *st = query(a, "SELECT currency, party, amount FROM posting ORDER BY currency");
    if (!st)
        return fail(a);
    struct sum s = {.currency = ""};
    int rc, bad = 0;
    while (!bad && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(st, 0);
        unsigned p = (unsigned)sqlite3_column_int(st, 1);
        if (!name || p >= PARTY_COUNT) {
            fprintf(a->out, "FAULT a posting names nobody\n");
            a->faults++;
            continue;
        }
        if (strcmp(name, s.currency) != 0) {
            bad = end_currency(a, &s);
            s = (struct sum){.currency = ""};
            (void)snprintf(s.currency, sizeof s.currency, "%s", name);
        }
        s.party[p] = i256_add(s.party[p], column_amount(a, st, 2));
    }
    sqlite3_finalize(st);
    return bad || end_currency(a, &s) ? -1 : 0;
}

// The market by this version at this second. Accounts stand in no order of these, but most have the same.
static int set_date(struct audit *a, struct dated *d, const struct venue_as_of *as_of)
{
    size_t n;
    uint64_t seq;
    if (as_of->second > MOVING_TIME_MAX)
        return err_set(a->e, "venue state %s: an opening's date is damaged; restore it from a copy", a->path);
    if (d->version != as_of->market) {
        d->version = 0;
        if (venue_db_market(a->db, a->path, as_of->market, a->bytes, &n, &seq, a->e))
            return -1;
        if (market_decode(a->bytes, n, &d->market) != n)
            return err_set(a->e,
                           "venue state %s: version %u of the market is damaged; restore it from a copy",
                           a->path, as_of->market);
        d->version = as_of->market;
    }
    market_now(&d->market, as_of->second * 1000000000);
    return 0;
}

// Opening holdings plus postings, interest among them, must be present holdings, for cash and every token the
// account ever had.
static int check_holding(struct audit *a, sqlite3_stmt *st, const struct account *opening,
                         const struct account *now, int32_t instrument, const char *name)
{
    i256 sum = books_holding(&a->opening.market, opening, instrument);
    sqlite3_bind_int64(st, 1, now->id);
    sqlite3_bind_text(st, 2, name, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 3, PARTY_ACCOUNT);
    sqlite3_bind_int64(st, 4, opening->epoch);
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        sum = i256_add(sum, column_amount(a, st, 0));
    (void)sqlite3_reset(st);
    if (rc != SQLITE_DONE)
        return fail(a);
    if (i256_cmp(sum, books_holding(&a->now.market, now, instrument)) != 0) {
        fprintf(a->out, "FAULT account %u: %s differs from its opening plus its postings\n", now->id, name);
        a->faults++;
    }
    return 0;
}

static int check_account(struct audit *a, sqlite3_stmt *postings, size_t i, const struct account *opening,
                         const struct venue_as_of *opening_date, uint64_t fills)
{
    const struct account *now = &a->s.book.account[i];
    char name[LEDGER_NAME_LEN];
    if (now->epoch - opening->epoch != fills) {
        fprintf(a->out, "FAULT account %u: %" PRIu64 " fills but its epoch went from %u to %u\n", now->id,
                fills, opening->epoch, now->epoch);
        a->faults++;
    }
    if (strcmp(now->currency, opening->currency) != 0 || now->cash_decimals != opening->cash_decimals) {
        fprintf(a->out, "FAULT account %u: its cash was in %s, now in %s\n", now->id, opening->currency,
                now->currency);
        a->faults++;
    }
    if (set_date(a, &a->opening, opening_date) || set_date(a, &a->now, &a->s.as_of[i]))
        return -1;
    venue_cash_name(opening, name);
    if (check_holding(a, postings, opening, now, -1, name))
        return -1;
    for (unsigned p = 0; p < opening->n_positions; p++) {
        uint16_t in = opening->position[p].instrument;
        if (in >= a->now.market.n_instruments || a->now.market.instrument[in].kind != INST_RESERVE)
            continue;
        venue_token_name(&a->now.market, in, name);
        if (check_holding(a, postings, opening, now, in, name))
            return -1;
    }
    return 0;
}

// Since the opening state, which is the store's or the last that no order brought.
static uint64_t count_fills(sqlite3_stmt *st, const struct account *opening)
{
    sqlite3_bind_int64(st, 1, opening->id);
    sqlite3_bind_int64(st, 2, opening->epoch);
    uint64_t n = sqlite3_step(st) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(st, 0) : UINT64_MAX;
    (void)sqlite3_reset(st);
    return n;
}

static int check_accounts(struct audit *a)
{
    sqlite3_stmt *accounts = query(a, "SELECT opening, opening_market, opening_at FROM account ORDER BY id");
    sqlite3_stmt *postings = query(
        a, "SELECT amount FROM posting JOIN orders ON orders.key = posting.key WHERE posting.account = ?1"
           " AND currency = ?2 AND party = ?3 AND orders.epoch >= ?4");
    sqlite3_stmt *fills =
        query(a, "SELECT count(*) FROM orders WHERE account = ?1 AND status = 1 AND epoch >= ?2");
    struct account *opening = malloc(sizeof *opening);
    int bad = !accounts || !postings || !fills || !opening ? fail(a) : 0;
    for (size_t i = 0; !bad && i < a->s.book.n_accounts; i++) {
        const void *blob;
        size_t n;
        if (sqlite3_step(accounts) != SQLITE_ROW || !(blob = sqlite3_column_blob(accounts, 0))) {
            bad = fail(a);
            break;
        }
        n = (size_t)sqlite3_column_bytes(accounts, 0);
        if (account_decode(blob, n, opening) != n || !opening->rule) {
            fprintf(a->out, "FAULT account %u: its opening state is damaged\n", a->s.book.account[i].id);
            a->faults++;
            continue;
        }
        const struct venue_as_of date = {(uint32_t)sqlite3_column_int64(accounts, 1),
                                         (uint64_t)sqlite3_column_int64(accounts, 2)};
        bad = check_account(a, postings, i, opening, &date, count_fills(fills, opening));
    }
    free(opening);
    sqlite3_finalize(accounts);
    sqlite3_finalize(postings);
    sqlite3_finalize(fills);
    return bad;
}

static int print_totals(struct audit *a)
{
    sqlite3_stmt *st = query(a, "SELECT count(*), count(nullif(status = 1, 0)), count(nullif(status = 2, 0)),"
                                " count(nullif(status = 3, 0)), (SELECT coalesce(max(n), 0) FROM counter"
                                " WHERE name = 'violations') FROM orders");
    if (!st || sqlite3_step(st) != SQLITE_ROW) {
        sqlite3_finalize(st);
        return fail(a);
    }
    fprintf(a->out,
            "accounts=%zu keys=%lld filled=%lld refused=%lld fenced=%lld violations=%lld"
            " market=%u second=%llu\n",
            a->s.book.n_accounts, (long long)sqlite3_column_int64(st, 0),
            (long long)sqlite3_column_int64(st, 1), (long long)sqlite3_column_int64(st, 2),
            (long long)sqlite3_column_int64(st, 3), (long long)sqlite3_column_int64(st, 4), a->s.market,
            (unsigned long long)a->s.second);
    sqlite3_finalize(st);
    return 0;
}

static int audit_all(struct audit *a)
{
    // One read transaction: a venue may be at work on it.
    if (sqlite3_exec(a->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return fail(a);
    if (venue_db_load(a->db, a->path, &a->s, a->e) || print_totals(a) || check_currencies(a) ||
        check_accounts(a))
        return -1;
    fprintf(a->out,
            a->faults ? "conservation: BROKEN, %u faults\n" : "conservation: holds to the last unit\n",
            a->faults);
    return a->faults ? 1 : 0;
}

int venue_ledger(const char *path, FILE *out, struct err *e)
{
    static struct audit a; // holds markets, which are too large for the stack
    a = (struct audit){.path = path, .out = out, .e = e, .bytes = malloc(MARKET_BYTES_MAX)};
    if (!a.bytes)
        return err_set(e, "venue state %s: out of memory", path);
    if (sqlite3_open_v2(path, &a.db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        (void)err_set(e, "venue state %s: cannot be opened; name the file given to --state", path);
        sqlite3_close(a.db);
        free(a.bytes);
        return -1;
    }
    sqlite3_busy_timeout(a.db, 5000);
    int rc = audit_all(&a);
    venue_state_free(&a.s);
    free(a.bytes);
    sqlite3_close(a.db);
    return rc;
}
