// SPDX-License-Identifier: Apache-2.0
// CSV: what a file holds is told by its header. Instruments carry their tiers in one column,
// "floor:rate;floor:rate".
#include <string.h>

#include "accounts/csv.h"
#include "accounts/import.h"

enum table { TABLE_ASSETS, TABLE_INSTRUMENTS, TABLE_ACCOUNTS };

struct header {
    enum table table;
    int n;
    const char *key[RECORD_FIELDS_MAX];
};

static bool has_column(const struct header *h, const char *key)
{
    for (int i = 0; i < h->n; i++)
        if (strcmp(h->key[i], key) == 0)
            return true;
    return false;
}

static bool known_column(const struct header *h, const char *key)
{
    switch (h->table) {
    case TABLE_ASSETS:
        return record_knows(RECORD_ASSET, key);
    case TABLE_INSTRUMENTS:
        return record_knows(RECORD_INSTRUMENT, key);
    default:
        return strcmp(key, "account") == 0 || (record_knows(RECORD_ACCOUNT, key) && strcmp(key, "id") != 0) ||
               record_knows(RECORD_POSITION, key);
    }
}

static int read_header(struct import *im, struct csv *c, struct header *h)
{
    char *field[RECORD_FIELDS_MAX];
    h->n = csv_next(c, field, RECORD_FIELDS_MAX);
    if (h->n < 0)
        return import_error(im, c->line, "%s", c->error);
    if (h->n == 0)
        return import_error(im, c->next_line, "no header: the file is empty");
    for (int i = 0; i < h->n; i++)
        h->key[i] = field[i];
    if (has_column(h, "account"))
        h->table = TABLE_ACCOUNTS;
    else if (has_column(h, "asset"))
        h->table = TABLE_INSTRUMENTS;
    else if (has_column(h, "decimals"))
        h->table = TABLE_ASSETS;
    else
        return import_error(
            im, c->line,
            "this header is not one of accounts (has a column 'account'), instruments ('asset') or"
            " assets ('decimals')");
    for (int i = 0; i < h->n; i++) {
        if (!known_column(h, h->key[i]))
            return import_error(im, c->line, "unknown column '%.40s'", h->key[i]);
        for (int j = 0; j < i; j++)
            if (strcmp(h->key[i], h->key[j]) == 0)
                return import_error(im, c->line, "column '%s' occurs twice", h->key[i]);
    }
    return 0;
}

// ---- rows
// ----------------------------------------------------------------------------------------------------

// "0:5000;300000:10000"; cut up in place.
static int add_tiers(struct import *im, unsigned instrument, unsigned line, char *text)
{
    while (text) {
        char *next = strchr(text, ';');
        char *rate = strchr(text, ':');
        if (!rate || (next && rate > next))
            return import_error(im, line, "tiers: floor:rate_ppm pairs separated by ; were expected");
        if (next)
            *next++ = '\0';
        *rate++ = '\0';
        struct record r = {line, 2, {{"floor", text}, {"rate_ppm", rate}}};
        if (import_tier(im, instrument, &r))
            return -1;
        text = next;
    }
    return 0;
}

static int add_instrument(struct import *im, const struct header *h, char **field, const struct record *r)
{
    int i = import_instrument(im, r);
    if (i < 0)
        return -1;
    for (int k = 0; k < h->n; k++)
        if (strcmp(h->key[k], "tiers") == 0 && *field[k] && add_tiers(im, (unsigned)i, r->line, field[k]))
            return -1;
    return import_instrument_end(im, (unsigned)i, r->line);
}

// One row is a position together with its account; without an instrument it is an account that has none.
static int add_account_row(struct import *im, const struct record *r)
{
    struct record account = {.line = r->line}, position = {.line = r->line};
    for (unsigned i = 0; i < r->n; i++) {
        const char *key = strcmp(r->field[i].key, "account") == 0 ? "id" : r->field[i].key;
        struct record *to = record_knows(RECORD_ACCOUNT, key) ? &account : &position;
        to->field[to->n].key = key;
        to->field[to->n++].text = r->field[i].text;
    }
    int a = import_account(im, &account, true);
    if (a < 0)
        return -1;
    bool empty = true;
    for (unsigned i = 0; i < position.n; i++)
        empty = empty && !*position.field[i].text;
    return empty ? 0 : import_position(im, (unsigned)a, &position);
}

int import_csv(struct import *im, char *text, size_t len)
{
    struct csv c;
    struct header h = {0};
    char *field[RECORD_FIELDS_MAX];
    int n;
    csv_init(&c, text, len);
    if (read_header(im, &c, &h))
        return -1;
    while ((n = csv_next(&c, field, RECORD_FIELDS_MAX)) > 0) {
        struct record r = {.line = c.line, .n = (unsigned)n};
        if (n != h.n)
            return import_error(im, c.line, "%d columns, the header has %d", n, h.n);
        for (int i = 0; i < n; i++) {
            r.field[i].key = h.key[i];
            r.field[i].text = field[i];
        }
        int rc = h.table == TABLE_ASSETS        ? import_asset(im, &r)
                 : h.table == TABLE_INSTRUMENTS ? add_instrument(im, &h, field, &r)
                                                : add_account_row(im, &r);
        if (rc)
            return -1;
    }
    return n < 0 ? import_error(im, c.line, "%s", c.error) : 0;
}
