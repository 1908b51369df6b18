// SPDX-License-Identifier: Apache-2.0
#include "accounts/store.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "accounts/store_sql.h"

enum { BUSY_TIMEOUT_MS = 2000 };

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
    if (version != STORE_SCHEMA_VERSION && version != STORE_SCHEMA_NO_TIME)
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
    if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK)
        return err_set(e, "%s: cannot open: %s", path, s->db ? sqlite3_errmsg(s->db) : "out of memory");
    sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    // The file may come from anywhere: nothing in its schema may call functions with side effects.
    return store_exec(s, "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON;", e);
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

int store_begin_read(struct store *s, const char *path, struct err *e)
{
    bool empty = false;
    if (!store_exists(path))
        return err_set(e, "%s: %s; create it with `tripline accounts gen` or `tripline accounts import FILE`",
                       path, strerror(errno));
    if (open_file(s, path, SQLITE_OPEN_READONLY, e) || store_exec(s, "BEGIN", e) ||
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

static int validate_accounts(const char *path, const struct book *b, struct err *e)
{
    struct err why;
    for (size_t i = 0; i < b->n_accounts; i++)
        if (account_validate(&b->market, &b->account[i], &why))
            return err_set(e, "%s: %s: %.400s", path, b->account[i].rule->name, why.msg);
    return 0;
}

int store_load(const char *path, struct book *out, struct err *e)
{
    struct store s;
    memset(out, 0, sizeof *out);
    if (store_begin_read(&s, path, e))
        return -1;
    int rc = store_read_rows(&s, out, e);
    store_end(&s, false, NULL);
    if (rc == 0 && validate_accounts(path, out, e)) {
        book_free(out);
        return -1;
    }
    return rc;
}

// What the schema would refuse with less to say, and what the writer takes for granted.
static int check_book(const char *path, const struct book *b, struct err *e)
{
    struct err why;
    if (market_check(&b->market, &why))
        return err_set(e, "%s: not written: %.400s", path, why.msg);
    for (size_t i = 0; i < b->n_accounts; i++) {
        if (i && b->account[i].id <= b->account[i - 1].id)
            return err_set(e, "%s: not written: accounts must ascend by id, each once (account %u)", path,
                           b->account[i].id);
        if (account_check(&b->market, &b->account[i], &why))
            return err_set(e, "%s: not written: %.400s", path, why.msg);
    }
    return 0;
}

int store_save(const char *path, const struct book *b, struct err *e)
{
    struct store s;
    bool empty;
    bool existed = store_exists(path);
    if (check_book(path, b, e) || store_begin_write(&s, path, &empty, e))
        return -1;
    int rc = store_write_rows(&s, b, e);
    if (rc)
        store_end(&s, false, NULL);
    else
        rc = store_end(&s, true, e);
    if (rc && !existed)
        store_remove(path); // do not leave an empty file behind that nobody asked for
    return rc;
}
