// SPDX-License-Identifier: Apache-2.0
// Reading the venue's state: at start, for LEDGER, and for `tripline venue ledger`.
#include <stdlib.h>
#include <string.h>

#include "accounts/moving.h"
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

static int other_version(const char *path, struct err *e)
{
    return err_set(e,
                   "venue state %s: written by another version of tripline; name a new --state, or go on with"
                   " that version",
                   path);
}

// The venue brings an older state up to date when it opens it; who only reads it cannot.
static int check_version(sqlite3 *db, const char *path, struct err *e)
{
    static const char sql[] = "SELECT (SELECT user_version FROM pragma_user_version),"
                              " (SELECT count(*) FROM sqlite_master WHERE name IN ('account', 'posting'))";
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        return fail(db, path, e);
    int bad = sqlite3_step(st) == SQLITE_ROW ? 0 : fail(db, path, e);
    bool ours = !bad && sqlite3_column_int(st, 1) == 2;
    int version = sqlite3_column_int(st, 0);
    if (ours && version == 0)
        bad = err_set(e,
                      "venue state %s: of an earlier version of tripline; start the venue once with it, which"
                      " brings it up to date",
                      path);
    else if (ours && version != VENUE_STATE_VERSION)
        bad = other_version(path, e);
    sqlite3_finalize(st);
    return bad;
}

int venue_db_market(sqlite3 *db, const char *path, uint32_t version, uint8_t *buf, size_t *n, uint64_t *seq,
                    struct err *e)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, "SELECT value, seq FROM market WHERE version = ?1", -1, &st, NULL) !=
        SQLITE_OK)
        return fail(db, path, e);
    sqlite3_bind_int64(st, 1, version);
    int bad = sqlite3_step(st) == SQLITE_ROW ? 0 : damaged(path, "the market", e);
    const void *value = bad ? NULL : sqlite3_column_blob(st, 0);
    *n = value ? (size_t)sqlite3_column_bytes(st, 0) : 0;
    *seq = bad ? 0 : (uint64_t)sqlite3_column_int64(st, 1);
    if (!bad && (*n == 0 || *n > MARKET_BYTES_MAX))
        bad = damaged(path, "the market", e);
    if (!bad)
        memcpy(buf, value, *n);
    sqlite3_finalize(st);
    return bad;
}

// The newest version of the market.
static int load_market(sqlite3 *db, const char *path, struct venue_state *s, struct err *e)
{
    uint8_t *buf = malloc(MARKET_BYTES_MAX);
    size_t n = 0;
    int bad = buf ? venue_db_market(db, path, s->market, buf, &n, &s->market_seq, e)
                  : err_set(e, "venue state %s: out of memory", path);
    if (!bad && !codec_known(buf[0]))
        bad = other_version(path, e);
    else if (!bad && market_decode(buf, n, &s->book.market) != n)
        bad = damaged(path, "the market", e);
    free(buf);
    return bad;
}

// What there is one of in a state.
static int load_head(sqlite3 *db, const char *path, struct venue_state *s, size_t *n_accounts, struct err *e)
{
    static const char sql[] =
        "SELECT (SELECT value FROM meta WHERE name = 'instance'), (SELECT count(*) FROM account),"
        " (SELECT max(version) FROM market), (SELECT n FROM counter WHERE name = 'second')";
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        return fail(db, path, e);
    int bad = sqlite3_step(st) == SQLITE_ROW ? 0 : fail(db, path, e);
    const void *instance = bad ? NULL : sqlite3_column_blob(st, 0);
    if (!bad && (!instance || sqlite3_column_bytes(st, 0) != sizeof s->instance))
        bad = damaged(path, "the identity", e);
    if (!bad) {
        memcpy(&s->instance, instance, sizeof s->instance);
        *n_accounts = (size_t)sqlite3_column_int64(st, 1);
        s->market = (uint32_t)sqlite3_column_int64(st, 2);
        s->second = (uint64_t)sqlite3_column_int64(st, 3);
        if (s->second > MOVING_TIME_MAX)
            bad = damaged(path, "the clock", e);
    }
    sqlite3_finalize(st);
    return bad;
}

static int load_accounts(sqlite3 *db, const char *path, struct venue_state *s, size_t max, struct err *e)
{
    sqlite3_stmt *st;
    struct book *b = &s->book;
    if (sqlite3_prepare_v2(db, "SELECT id, state, market, at FROM account ORDER BY id", -1, &st, NULL) !=
        SQLITE_OK)
        return fail(db, path, e);
    int rc = SQLITE_DONE, bad = 0;
    while (!bad && b->n_accounts < max && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct account *a = &b->account[b->n_accounts];
        const void *state = sqlite3_column_blob(st, 1);
        size_t n = (size_t)sqlite3_column_bytes(st, 1);
        const struct venue_as_of as_of = {(uint32_t)sqlite3_column_int64(st, 2),
                                          (uint64_t)sqlite3_column_int64(st, 3)};
        if (!state || account_decode(state, n, a) != n || !a->rule || a->id != sqlite3_column_int64(st, 0) ||
            as_of.market < 1 || as_of.market > s->market || as_of.second > MOVING_TIME_MAX)
            bad = damaged(path, "an account", e);
        else
            s->as_of[b->n_accounts++] = as_of;
    }
    if (!bad && rc != SQLITE_DONE && rc != SQLITE_ROW)
        bad = fail(db, path, e);
    sqlite3_finalize(st);
    return bad;
}

int venue_db_load(sqlite3 *db, const char *path, struct venue_state *s, struct err *e)
{
    size_t n = 0;
    *s = (struct venue_state){0};
    if (check_version(db, path, e) || load_head(db, path, s, &n, e) || load_market(db, path, s, e))
        return -1;
    s->book.account = calloc(n ? n : 1, sizeof *s->book.account);
    s->as_of = calloc(n ? n : 1, sizeof *s->as_of);
    if (s->book.account && s->as_of && load_accounts(db, path, s, n, e) == 0)
        return 0;
    if (!s->book.account || !s->as_of)
        (void)err_set(e, "venue state %s: out of memory for %zu accounts", path, n);
    venue_state_free(s);
    return -1;
}

void venue_state_free(struct venue_state *s)
{
    book_free(&s->book);
    free(s->as_of);
    *s = (struct venue_state){0};
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
