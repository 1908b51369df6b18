// SPDX-License-Identifier: Apache-2.0
#include "accounts/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/store_sql.h"

enum { BUSY_TIMEOUT_MS = 2000 };
static const size_t SPARE_BYTES = (size_t)1 << 20; // for states that become larger

// ---- opening
// -------------------------------------------------------------------------------------------------

int store_failed(struct store *s, struct err *e)
{
    if (sqlite3_errcode(s->db) == SQLITE_NOTADB)
        return err_set(e, "%s is not a tripline store: it is not an SQLite file; name a store with --db",
                       s->path);
    return err_set(e, "%s: %s", s->path, sqlite3_errmsg(s->db));
}

int store_exec(struct store *s, const char *sql, struct err *e)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_failed(s, e);
}

static int query_int(struct store *s, const char *sql, int *out, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    if (rc == SQLITE_ROW)
        return 0;
    if (rc == SQLITE_NOTADB)
        return err_set(e, "%s is not a tripline store: it is not an SQLite file; name a store with --db",
                       s->path);
    return err_set(e, "%s: %s", s->path, sqlite3_errmsg(s->db));
}

// Is this file a store that we can read? *empty: nothing in it yet.
static int check_header(struct store *s, bool *empty, struct err *e)
{
    int objects, app, version;
    if (query_int(s, "SELECT count(*) FROM sqlite_schema", &objects, e) ||
        query_int(s, "PRAGMA application_id", &app, e) || query_int(s, "PRAGMA user_version", &version, e))
        return -1;
    *empty = objects == 0 && app == 0 && version == 0;
    if (*empty)
        return 0;
    if (app != STORE_APPLICATION_ID)
        return err_set(
            e, "%s is not a tripline store: it is an SQLite file of another program; name a store with --db",
            s->path);
    if (version == STORE_SCHEMA_NO_CURRENCY)
        return err_set(
            e,
            "%s: store schema version %d names no settlement currencies, this tripline has version %d; write "
            "it"
            " out with the tripline that made it (`accounts export -o FILE.json`), add \"currency\" to each"
            " perpetual of FILE.json and import it into a new store",
            s->path, version, STORE_SCHEMA_VERSION);
    s->version = version;
    if (version < STORE_SCHEMA_OLD || version > STORE_SCHEMA_VERSION)
        return err_set(
            e,
            "%s: store schema version %d, this tripline has version %d; write it out with the tripline that"
            " made it (`accounts export`) and import that file into a new store",
            s->path, version, STORE_SCHEMA_VERSION);
    return 0;
}

static int open_file(struct store *s, const char *path, int flags, struct err *e)
{
    *s = (struct store){.path = path};
    // One thread: SQLite's locks around every column of every row would be a good part of a load.
    if (sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return err_set(e, "%s: cannot open: %s", path, s->db ? sqlite3_errmsg(s->db) : "out of memory");
    sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    // The file may come from anywhere: nothing in its schema may call functions with side effects.
    // References are checked by market_check and account_check, row by row it would take longer than all the
    // rest.
    return store_exec(
        s, "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -65536;", e);
}

bool store_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
void store_remove(const char *path)
{
    (void)unlink(path);
}

static int fail_close(struct store *s)
{
    sqlite3_close(s->db);
    s->db = NULL;
    return -1;
}

// Opens for reading (the file must be a store of this schema version or of one that is read) and begins a
// transaction.
static int store_begin_read(struct store *s, const char *path, struct err *e)
{
    bool empty = false;
    if (!store_exists(path))
        return err_set(e, "%s: %s; create it with `tripline accounts gen` or `tripline accounts import FILE`",
                       path, strerror(errno));
    // Writable, where the file is, for one thing: to take back what a process that was killed has left half
    // done.
    if (open_file(s, path, SQLITE_OPEN_READWRITE, e) || store_exec(s, "PRAGMA query_only = ON; BEGIN", e) ||
        check_header(s, &empty, e))
        return fail_close(s);
    if (empty) {
        err_set(e, "%s is empty; fill it with `tripline accounts gen` or `tripline accounts import FILE`",
                path);
        return fail_close(s);
    }
    return 0;
}

int store_begin_write(struct store *s, const char *path, bool *empty, struct err *e)
{
    bool existed = store_exists(path);
    if (open_file(s, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, e) ||
        store_exec(s, "BEGIN IMMEDIATE", e) || check_header(s, empty, e)) {
        fail_close(s);
        if (!existed)
            store_remove(path);
        return -1;
    }
    return 0;
}

int store_end(struct store *s, bool commit, struct err *e)
{
    int rc = 0;
    if (commit)
        rc = store_exec(s, "COMMIT", e);
    if (!commit || rc)
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(s->db);
    s->db = NULL;
    return rc;
}

// ---- whole books
// ---------------------------------------------------------------------------------------------

int store_visit(const char *path, const struct store_visitor *v, struct err *e)
{
    struct store s;
    struct market *m = malloc(sizeof *m);
    if (!m)
        return err_set(e, "out of memory");
    int rc = store_begin_read(&s, path, e);
    if (rc == 0) {
        rc = store_read_market(&s, m, e);
        if (rc == 0 && v->market)
            rc = v->market(v->ctx, m, e);
        if (rc == 0 && v->account)
            rc = store_read_accounts(&s, m, v, e);
        store_end(&s, false, NULL);
    }
    free(m);
    return rc;
}

static int load_market(void *ctx, const struct market *m, struct err *e)
{
    struct book *b = ctx;
    (void)e;
    b->market = *m;
    return 0;
}

static int load_account(void *ctx, const struct account *a, struct err *e)
{
    return book_append(ctx, a, e);
}

int store_load_with(const char *path, struct book *out, const struct progress *progress, struct err *e)
{
    const struct store_visitor v = {load_market, load_account, out, true, progress};
    memset(out, 0, sizeof *out);
    if (book_packed(out, 0, e))
        return -1;
    int rc = store_visit(path, &v, e);
    if (rc == 0)
        rc = book_reserve(out, out->n_accounts, SPARE_BYTES + book_bytes(out) / 16, e);
    if (rc)
        book_free(out);
    return rc;
}

int store_load(const char *path, struct book *out, struct err *e)
{
    return store_load_with(path, out, NULL, e);
}

struct store_writer {
    struct store s;
    struct account_sink sink;
    const struct market *market;
    bool existed, failed;
};

struct store_writer *store_create(const char *path, const struct market *m, struct err *e)
{
    struct store_writer *w = calloc(1, sizeof *w);
    struct err why;
    bool empty;
    if (!w || market_check(m, &why)) {
        err_set(e, "%s: not written: %.400s", path, w ? why.msg : "out of memory");
        free(w);
        return NULL;
    }
    w->market = m;
    w->existed = store_exists(path);
    if (store_begin_write(&w->s, path, &empty, e)) {
        free(w);
        return NULL;
    }
    if (store_write_market(&w->s, m, e) || store_put_begin(&w->s, &w->sink, e)) {
        store_close(w, false, NULL);
        return NULL;
    }
    return w;
}

int store_add(struct store_writer *w, const struct account *a, struct err *e)
{
    if (store_put(&w->s, &w->sink, w->market, a, e) == 0)
        return 0;
    w->failed = true;
    return -1;
}

int store_close(struct store_writer *w, bool commit, struct err *e)
{
    if (!w)
        return 0;
    store_put_end(&w->sink);
    int rc = store_end(&w->s, commit && !w->failed, e);
    if ((rc || w->failed || !commit) && !w->existed)
        store_remove(w->s.path); // do not leave an empty file behind that nobody asked for
    rc = rc || (commit && w->failed) ? -1 : 0;
    free(w);
    return rc;
}

int store_save(const char *path, const struct book *b, struct err *e)
{
    struct account *scratch = malloc(sizeof *scratch);
    struct store_writer *w = scratch ? store_create(path, &b->market, e) : NULL;
    int rc = w ? 0 : scratch ? -1 : err_set(e, "out of memory");
    for (size_t i = 0; rc == 0 && i < b->n_accounts; i++)
        rc = store_add(w, book_account(b, i, scratch), e);
    if (store_close(w, rc == 0, rc == 0 ? e : NULL))
        rc = -1;
    free(scratch);
    return rc;
}
