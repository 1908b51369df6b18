// SPDX-License-Identifier: Apache-2.0
// Tables accounts and positions, which may have tens of millions of rows: written in the order of their keys,
// and read in one pass over both, account by account. An amount is an INTEGER where 64 bits hold it and
// canonical decimal TEXT where not (version 2: always TEXT); a REAL would round it. The reader trusts none of
// it.
#include <stdlib.h>

#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "accounts/store_columns.h"

// ---- writing

// A text of the caller's that stays as it is until the row has been inserted.
static void bind_held(struct binder *b, const char *s, size_t n)
{
    sqlite3_bind_text(b->st, ++b->col, s, (int)n, SQLITE_STATIC);
}

static void bind_any_wide(struct binder *b, i128 v)
{
    if (v >= INT64_MIN && v <= INT64_MAX)
        bind_int(b, (int64_t)v);
    else
        bind_wide(b, v);
}

static void bind_optional(struct binder *b, i128 v)
{
    if (v)
        bind_any_wide(b, v);
    else
        bind_null(b);
}

int store_put_begin(struct store *s, struct account_sink *w, struct err *e)
{
    *w = (struct account_sink){0};
    // What the schema would check again, for more than the rest takes, store_put has checked.
    if (store_exec(s, "PRAGMA ignore_check_constraints = ON", e))
        return -1;
    w->account = prepare(s, "INSERT INTO accounts VALUES (?,?,?,?,?,?,?,?,?,?)", e);
    w->position = w->account ? prepare(s, "INSERT INTO positions VALUES (?,?,?,?,?,?,?,?,?,?,?)", e) : NULL;
    return w->position ? 0 : -1;
}

static int put_position(struct store *s, struct binder *b, uint32_t id, const struct position *p,
                        struct err *e)
{
    bind_int(b, id);
    bind_int(b, p->instrument);
    bind_any_wide(b, p->size);
    bind_int(b, p->entry);
    bind_any_wide(b, p->supply);
    bind_any_wide(b, p->debt);
    bind_int(b, p->collateral);
    bind_optional(b, p->funding);
    bind_optional(b, p->orders);
    bind_optional(b, p->bids);
    bind_optional(b, p->asks);
    return step_insert(s, b, e);
}

int store_put(struct store *s, struct account_sink *w, const struct market *m, const struct account *a,
              struct err *e)
{
    struct err why;
    struct binder acc = {w->account, 0}, pos = {w->position, 0};
    if (a->id <= w->last)
        return err_set(e, "%s: not written: accounts must ascend by id, each once (account %u)", s->path,
                       a->id);
    if (account_check(m, a, &why))
        return err_set(e, "%s: not written: %.400s", s->path, why.msg);
    w->last = a->id;
    bind_int(&acc, a->id);
    bind_held(&acc, a->name, strlen(a->name));
    bind_held(&acc, a->rule->name, strlen(a->rule->name));
    bind_held(&acc, a->currency, strnlen(a->currency, CURRENCY_LEN));
    bind_int(&acc, a->cash_decimals);
    bind_any_wide(&acc, a->cash);
    bind_int(&acc, a->emode);
    bind_int(&acc, a->epoch);
    for (unsigned k = 0; k < RULE_STATE_WORDS; k++)
        bind_optional(&acc, a->rule_state[k]); // account_check bounds it by 2^63
    if (step_insert(s, &acc, e))
        return -1;
    for (unsigned i = 0; i < a->n_positions; i++) {
        if (a->position[i].entry < 0)
            return err_set(e, "%s: not written: account %u: an entry price must not be negative", s->path,
                           a->id);
        if (put_position(s, &pos, a->id, &a->position[i], e))
            return -1;
    }
    return 0;
}

void store_put_end(struct account_sink *w)
{
    sqlite3_finalize(w->account);
    sqlite3_finalize(w->position);
}

// ---- reading

static int take_account(struct store *s, struct columns *c, struct account *a, struct err *e)
{
    a->id = (uint32_t)col_int(c, UINT32_MAX);
    col_string(c, a->name, NAME_LEN);
    const char *rule = col_text(c);
    a->rule = rule_find(rule);
    if (!a->rule)
        return err_set(e, "%s: account %u: unknown rule '%.*s'; `tripline rule` lists the known ones",
                       s->path, a->id, NAME_LEN, rule);
    col_string(c, a->currency, CURRENCY_LEN);
    a->cash_decimals = (uint8_t)col_int(c, DECIMALS_MAX);
    a->cash = col_any_wide(c);
    a->emode = (uint8_t)col_int(c, UINT8_MAX);
    a->epoch = (uint32_t)col_int(c, UINT32_MAX);
    for (unsigned k = 0; k < RULE_STATE_WORDS; k++)
        a->rule_state[k] = col_optional_int(c, INT64_MAX);
    a->n_positions = 0;
    return c->bad ? row_bad(s, "accounts", a->name, c->bad, e) : 0;
}

static int take_position(struct store *s, struct columns *c, struct account *a, struct err *e)
{
    if (a->n_positions == ACCOUNT_POSITIONS_MAX)
        return err_set(e, "%s: account %u: more than %d positions", s->path, a->id, ACCOUNT_POSITIONS_MAX);
    struct position *p = &a->position[a->n_positions++];
    p->instrument = (uint16_t)col_int(c, MARKET_INSTRUMENTS_MAX - 1);
    p->size = col_any_wide(c);
    p->entry = (int64_t)col_int(c, INT64_MAX);
    p->supply = col_any_wide(c);
    p->debt = col_any_wide(c);
    p->collateral = col_int(c, 1) != 0;
    p->funding = col_optional_any_wide(c);
    p->orders = (uint8_t)col_optional_int(c, UINT8_MAX);
    p->bids = (int64_t)col_optional_int(c, INT64_MAX);
    p->asks = (int64_t)col_optional_int(c, INT64_MAX);
    return c->bad ? row_bad(s, "positions", a->name, c->bad, e) : 0;
}

// Both statements, and the account of the position row that has been stepped to; UINT64_MAX past the last
// one.
struct rows {
    struct columns account, position;
    uint64_t owner;
};

static int next_position(struct store *s, struct rows *r, struct err *e)
{
    int rc = next_row(s, &r->position, e);
    r->owner = UINT64_MAX;
    if (rc == 1)
        r->owner = col_int(&r->position, UINT32_MAX);
    return rc < 0 ? -1 : 0;
}

static int stray(const struct store *s, struct err *e)
{
    return err_set(e, "%s: table positions: position of an account that does not exist", s->path);
}

// The next account with its positions: 1, 0 at the end, -1.
static int next_account(struct store *s, struct rows *r, struct account *a, struct err *e)
{
    int rc = next_row(s, &r->account, e);
    if (rc == 0 && r->owner != UINT64_MAX)
        return stray(s, e);
    if (rc != 1)
        return rc;
    if (take_account(s, &r->account, a, e))
        return -1;
    while (r->owner == a->id && !r->position.bad)
        if (take_position(s, &r->position, a, e) || next_position(s, r, e))
            return -1;
    return r->owner < a->id || r->position.bad ? stray(s, e) : 1;
}

static int each_account(struct store *s, struct rows *r, uint64_t last, const struct market *m,
                        const struct store_visitor *v, struct err *e)
{
    struct account *a = calloc(1, sizeof *a);
    struct err why;
    uint64_t n = 0;
    int rc = a ? next_position(s, r, e) : err_set(e, "out of memory");
    while (rc == 0 && (rc = next_account(s, r, a, e)) == 1) {
        rc = account_check(m, a, &why) ? err_set(e, "%s: %.400s", s->path, why.msg) : 0;
        if (rc == 0 && v->validate && a->rule->validate && a->rule->validate(m, a, &why))
            rc = err_set(e, "%s: %s: %.400s", s->path, a->rule->name, why.msg);
        if (rc == 0 && ++n % PROGRESS_EVERY == 0)
            rc = progress_step(v->progress, "reading", n, a->id, last, e);
        rc = rc || v->account(v->ctx, a, e) ? -1 : 0;
    }
    free(a);
    return rc;
}

// ---- one account
#define ACCOUNT_COLUMNS_OF(state)                                                                            \
    "SELECT id,name,rule,currency,cash_decimals,cash,emode,epoch," state " FROM accounts"
#define ACCOUNT_COLUMNS ACCOUNT_COLUMNS_OF("state1,state2")

int store_get_begin(struct store *s, struct account_source *r, struct err *e)
{
    r->account = prepare(s, ACCOUNT_COLUMNS " WHERE id = ?", e);
    r->position = r->account
                      ? prepare(s,
                                "SELECT instrument,size,entry,supply,debt,collateral,funding,orders,bids,asks"
                                " FROM positions"
                                " WHERE account = ? ORDER BY instrument",
                                e)
                      : NULL;
    return r->position ? 0 : -1;
}

int store_get(struct store *s, struct account_source *r, uint32_t id, struct account *a, struct err *e)
{
    struct columns c = {r->account, 0, NULL}, p = {r->position, 0, NULL};
    struct err why;
    sqlite3_bind_int64(r->account, 1, id);
    sqlite3_bind_int64(r->position, 1, id);
    int found = next_row(s, &c, e), rc = found;
    if (found == 1)
        rc = take_account(s, &c, a, e);
    while (found == 1 && rc == 0 && (rc = next_row(s, &p, e)) == 1)
        rc = take_position(s, &p, a, e);
    sqlite3_reset(r->account);
    sqlite3_reset(r->position);
    if (found == 1 && rc == 0 && account_check(NULL, a, &why))
        rc = err_set(e, "%s: %.400s", s->path, why.msg);
    return rc < 0 ? -1 : found;
}

void store_get_end(struct account_source *r)
{
    sqlite3_finalize(r->account);
    sqlite3_finalize(r->position);
}

// ---- all of them
#define POSITIONS(more)                                                                                      \
    "SELECT account,instrument,size,entry,supply,debt,collateral," more                                      \
    " FROM positions ORDER BY account,instrument"

int store_read_accounts(struct store *s, const struct market *m, const struct store_visitor *v, struct err *e)
{
    // The highest id tells the progress: counting the rows would read the whole table.
    struct columns last = {prepare(s, "SELECT max(id) FROM accounts", e), 0, NULL};
    struct rows r = {{NULL, 0, NULL}, {NULL, 0, NULL}, 0};
    int rc = last.st ? next_row(s, &last, e) : -1;
    if (rc == 1)
        r.account.st =
            prepare(s,
                    s->version >= STORE_SCHEMA_NO_ORDERS ? ACCOUNT_COLUMNS " ORDER BY id"
                                                         : ACCOUNT_COLUMNS_OF("NULL,NULL") " ORDER BY id",
                    e);
    if (r.account.st)
        r.position.st =
            prepare_read(s,
                         s->version >= STORE_SCHEMA_VERSION ? POSITIONS("funding,orders,bids,asks")
                                                            : POSITIONS("funding,NULL,NULL,NULL"),
                         POSITIONS("NULL,NULL,NULL,NULL"), e);
    rc = r.position.st ? each_account(s, &r, (uint64_t)sqlite3_column_int64(last.st, 0), m, v, e) : -1;
    sqlite3_finalize(last.st);
    sqlite3_finalize(r.account.st);
    sqlite3_finalize(r.position.st);
    return rc;
}
