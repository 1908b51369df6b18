// SPDX-License-Identifier: Apache-2.0
#include "accounts/store_live.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/store_sql.h"

struct store_live {
    struct store s;
    char *path;
    bool empty, open; // open: inside a transaction
    bool existed;
    struct account_sink sink;
    struct account_source source;
    sqlite3_stmt *no_account, *no_positions;
};

struct store_live *store_live_open(const char *path, bool *empty, struct err *e)
{
    struct store_live *l = calloc(1, sizeof *l);
    char *copy = strdup(path);
    if (!l || !copy) {
        err_set(e, "out of memory");
        free(l);
        free(copy);
        return NULL;
    }
    l->path = copy;
    l->existed = store_exists(copy);
    if (store_begin_write(&l->s, copy, &l->empty, e)) {
        free(l);
        free(copy);
        return NULL;
    }
    (void)store_exec(&l->s, "ROLLBACK", NULL);
    if (!l->empty && l->s.version != STORE_SCHEMA_VERSION) {
        err_set(e,
                "%s: store schema version %d, this tripline writes version %d: write it out (`accounts "
                "export`) and"
                " import that file into a new store",
                path, l->s.version, STORE_SCHEMA_VERSION);
        store_live_close(l);
        return NULL;
    }
    *empty = l->empty;
    return l;
}

static void end_statements(struct store_live *l)
{
    store_put_end(&l->sink);
    store_get_end(&l->source);
    sqlite3_finalize(l->no_account);
    sqlite3_finalize(l->no_positions);
    l->no_account = l->no_positions = NULL;
    l->sink = (struct account_sink){0};
    l->source = (struct account_source){0};
}

void store_live_close(struct store_live *l)
{
    if (!l)
        return;
    end_statements(l);
    store_live_rollback(l);
    sqlite3_close(l->s.db);
    if (l->empty && !l->existed)
        store_remove(l->path); // nothing has come into it
    free(l->path);
    free(l);
}

sqlite3 *store_live_db(struct store_live *l)
{
    return l->s.db;
}

const char *store_live_path(const struct store_live *l)
{
    return l->path;
}

int store_live_failed(struct store_live *l, struct err *e)
{
    return store_failed(&l->s, e);
}

int store_live_begin(struct store_live *l, struct err *e)
{
    l->open = store_exec(&l->s, "BEGIN IMMEDIATE", e) == 0;
    return l->open ? 0 : -1;
}

int store_live_commit(struct store_live *l, struct err *e)
{
    if (store_exec(&l->s, "COMMIT", e))
        return -1;
    l->open = false;
    return 0;
}

void store_live_rollback(struct store_live *l)
{
    if (l->open)
        (void)sqlite3_exec(l->s.db, "ROLLBACK", NULL, NULL, NULL);
    l->open = false;
}

int store_live_read_market(struct store_live *l, struct market *m, struct err *e)
{
    return store_read_market(&l->s, m, e);
}

int store_live_market(struct store_live *l, const struct market *m, struct err *e)
{
    if (l->empty) {
        if (store_write_market(&l->s, m, e))
            return -1;
        l->empty = false;
        return 0;
    }
    return store_rewrite_market(&l->s, m, e);
}

int store_live_get(struct store_live *l, uint32_t id, struct account *a, struct err *e)
{
    return l->source.account || store_get_begin(&l->s, &l->source, e) == 0
               ? store_get(&l->s, &l->source, id, a, e)
               : -1;
}

static int remove_rows(struct store_live *l, sqlite3_stmt **st, const char *sql, uint32_t id, struct err *e)
{
    if (!*st && sqlite3_prepare_v2(l->s.db, sql, -1, st, NULL) != SQLITE_OK)
        return store_failed(&l->s, e);
    sqlite3_bind_int64(*st, 1, id);
    int rc = sqlite3_step(*st);
    sqlite3_reset(*st);
    return rc == SQLITE_DONE ? 0 : store_failed(&l->s, e);
}

int store_live_put(struct store_live *l, const struct market *m, const struct account *a, struct err *e)
{
    if (!l->sink.account && store_put_begin(&l->s, &l->sink, e))
        return -1;
    l->sink.last = 0; // these do not come in the order of their ids
    return remove_rows(l, &l->no_positions, "DELETE FROM positions WHERE account = ?", a->id, e) ||
                   remove_rows(l, &l->no_account, "DELETE FROM accounts WHERE id = ?", a->id, e)
               ? -1
               : store_put(&l->s, &l->sink, m, a, e);
}
