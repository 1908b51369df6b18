// SPDX-License-Identifier: Apache-2.0
// Reading the venue's state: at start, for LEDGER, and for `tripline venue ledger`.
#include <stdlib.h>
#include <string.h>

#include "accounts/store.h"
#include "exec/paper/venue_db.h"

static int fail(sqlite3 *db, const char *path, struct err *e)
{
    return err_set(e, "venue state %s: %s; is it the state of a paper venue?", path, sqlite3_errmsg(db));
}

static int damaged(const char *path, const char *what, struct err *e)
{
    return err_set(e, "venue state %s: %s is damaged; restore it from a copy", path, what);
}

static int load_market(sqlite3 *db, const char *path, struct market *m, uint64_t *instance, struct err *e)
{
    static const char sql[] =
        "SELECT (SELECT value FROM meta WHERE name = 'market'),"
        " (SELECT value FROM meta WHERE name = 'instance'), (SELECT count(*) FROM account)";
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        return fail(db, path, e);
    int bad = sqlite3_step(st) == SQLITE_ROW ? 0 : fail(db, path, e);
    if (!bad) {
        size_t n = (size_t)sqlite3_column_bytes(st, 0);
        const void *market = sqlite3_column_blob(st, 0), *inst = sqlite3_column_blob(st, 1);
        if (market && n && !codec_known(*(const uint8_t *)market))
            bad =
                err_set(e,
                        "venue state %s: written by another version of tripline; name a new --state, or go on"
                        " with that version",
                        path);
        else if (!market || market_decode(market, n, m) != n || !inst || sqlite3_column_bytes(st, 1) != 8)
            bad = damaged(path, "the market", e);
        else
            memcpy(instance, inst, 8);
    }
    sqlite3_finalize(st);
    return bad;
}

static int count_accounts(sqlite3 *db, const char *path, size_t *n, struct err *e)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, "SELECT count(*) FROM account", -1, &st, NULL) != SQLITE_OK)
        return fail(db, path, e);
    int bad = sqlite3_step(st) == SQLITE_ROW ? 0 : fail(db, path, e);
    *n = bad ? 0 : (size_t)sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return bad;
}

static int load_accounts(sqlite3 *db, const char *path, struct book *b, size_t max, struct err *e)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, "SELECT id, state FROM account ORDER BY id", -1, &st, NULL) != SQLITE_OK)
        return fail(db, path, e);
    int rc = SQLITE_DONE, bad = 0;
    while (!bad && b->n_accounts < max && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct account *a = &b->account[b->n_accounts];
        const void *state = sqlite3_column_blob(st, 1);
        size_t n = (size_t)sqlite3_column_bytes(st, 1);
        if (!state || account_decode(state, n, a) != n || !a->rule || a->id != sqlite3_column_int64(st, 0))
            bad = damaged(path, "an account", e);
        else
            b->n_accounts++;
    }
    if (!bad && rc != SQLITE_DONE && rc != SQLITE_ROW)
        bad = fail(db, path, e);
    sqlite3_finalize(st);
    return bad;
}

int venue_db_load(sqlite3 *db, const char *path, struct book *b, uint64_t *instance, struct err *e)
{
    size_t n = 0;
    *b = (struct book){0};
    if (load_market(db, path, &b->market, instance, e) || count_accounts(db, path, &n, e))
        return -1;
    b->account = calloc(n ? n : 1, sizeof *b->account);
    if (b->account && load_accounts(db, path, b, n, e) == 0)
        return 0;
    if (!b->account)
        (void)err_set(e, "venue state %s: out of memory for %zu accounts", path, n);
    book_free(b);
    *b = (struct book){0};
    return -1;
}

static int read_totals(sqlite3 *db, const char *path, struct wire_balances *out, struct err *e)
{
    static const char sql[] =
        "SELECT count(*), total(status = 1), total(status = 2), total(status = 3),"
        " (SELECT coalesce(max(n), 0) FROM counter WHERE name = 'violations') FROM orders";
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        return fail(db, path, e);
    int bad = sqlite3_step(st) == SQLITE_ROW ? 0 : fail(db, path, e);
    out->orders = (uint64_t)sqlite3_column_int64(st, 0);
    out->filled = (uint64_t)sqlite3_column_int64(st, 1);
    out->refused = (uint64_t)sqlite3_column_int64(st, 2);
    out->fenced = (uint64_t)sqlite3_column_int64(st, 3);
    out->violations = (uint64_t)sqlite3_column_int64(st, 4);
    sqlite3_finalize(st);
    return bad;
}

int venue_db_balances(struct venue_db *v, uint32_t first_row, struct wire_balances *out, struct err *e)
{
    *out = (struct wire_balances){.last = true};
    if (read_totals(v->db, v->path, out, e))
        return -1;
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(v->db,
                           "SELECT currency, party, amount FROM balance ORDER BY 1, 2 LIMIT -1 OFFSET ?1", -1,
                           &st, NULL) != SQLITE_OK)
        return fail(v->db, v->path, e);
    sqlite3_bind_int64(st, 1, first_row);
    int rc, bad = 0;
    while (!bad && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (out->n == WIRE_BALANCES_MAX) {
            out->last = false;
            break;
        }
        struct wire_balance *b = &out->row[out->n++];
        const char *name = (const char *)sqlite3_column_text(st, 0);
        const char *amount = (const char *)sqlite3_column_text(st, 2);
        b->party = (uint8_t)sqlite3_column_int(st, 1);
        if (!name || !amount || i256_parse(amount, &b->amount) || b->party >= PARTY_COUNT)
            bad = damaged(v->path, "a balance", e);
        else
            (void)snprintf(b->currency, sizeof b->currency, "%s", name);
    }
    sqlite3_finalize(st);
    return bad;
}
