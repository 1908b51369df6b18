// SPDX-License-Identifier: Apache-2.0
// CSV: what a file holds is told by its header. Instruments carry their tiers and further eMode categories in
// one column each, "floor:rate;floor:rate".
#include <stdlib.h>
#include <string.h>

#include "accounts/csv.h"
#include "accounts/import.h"

enum table { TABLE_ASSETS, TABLE_INSTRUMENTS, TABLE_SCENARIOS, TABLE_ACCOUNTS };

struct header {
    enum table table;
    int n;
    const char *key[RECORD_FIELDS_MAX];
    int8_t text[RECORD_FIELDS_MAX]; // TABLE_ACCOUNTS: TEXT_* of the account, or of the position less
                                    // ACCOUNT_TEXTS
    char *names;                    // owns the keys: the rows overwrite the buffer
};

// A file that is read row by row; an earlier row is read again through a buffer of its own.
enum { BUFFER = 1 << 20, LINE_SHORT = 1 << 12 };
struct csv_file {
    struct csv csv;
    struct header header;
    const struct import_source *src;
    char *buf, *again;
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
    case TABLE_SCENARIOS:
        return record_knows(RECORD_SHOCK, key);
    default:
        return strcmp(key, "account") == 0 || (record_knows(RECORD_ACCOUNT, key) && strcmp(key, "id") != 0) ||
               record_knows(RECORD_POSITION, key);
    }
}

static int check_columns(struct import *im, unsigned line, const struct header *h)
{
    for (int i = 0; i < h->n; i++) {
        if (!known_column(h, h->key[i]))
            return import_error(im, line, "unknown column '%.40s'", h->key[i]);
        for (int j = 0; j < i; j++)
            if (strcmp(h->key[i], h->key[j]) == 0)
                return import_error(im, line, "column '%s' occurs twice", h->key[i]);
    }
    return 0;
}

// Copies the names out of the row; 0, or -1.
static int keep_names(struct header *h, char *const *field)
{
    size_t size = 1;
    for (int i = 0; i < h->n; i++)
        size += strlen(field[i]) + 1;
    char *to = h->names = malloc(size);
    for (int i = 0; to && i < h->n; i++) {
        h->key[i] = strcpy(to, field[i]);
        to += strlen(field[i]) + 1;
    }
    return to ? 0 : -1;
}

static void number_columns(struct header *h)
{
    for (int i = 0; i < h->n; i++) {
        const char *key = strcmp(h->key[i], "account") == 0 ? ACCOUNT_KEYS[TEXT_ID] : h->key[i];
        for (int k = 0; k < ACCOUNT_TEXTS; k++)
            if (strcmp(key, ACCOUNT_KEYS[k]) == 0)
                h->text[i] = (int8_t)k;
        for (int k = 0; k < POSITION_TEXTS; k++)
            if (strcmp(key, POSITION_KEYS[k]) == 0)
                h->text[i] = (int8_t)(k + ACCOUNT_TEXTS);
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
    if (keep_names(h, field))
        return import_error(im, c->line, "out of memory");
    if (has_column(h, "account"))
        h->table = TABLE_ACCOUNTS;
    else if (has_column(h, "scenario"))
        h->table = TABLE_SCENARIOS;
    else if (has_column(h, "asset"))
        h->table = TABLE_INSTRUMENTS;
    else if (has_column(h, "decimals"))
        h->table = TABLE_ASSETS;
    else
        return import_error(
            im, c->line,
            "this header is not one of accounts (has a column 'account'), instruments ('asset'),"
            " scenarios ('scenario') or assets ('decimals')");
    number_columns(h);
    return check_columns(im, c->line, h);
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

// "2:9300:10100;5:9000:10200"; cut up in place.
static int add_emodes(struct import *im, unsigned instrument, unsigned line, char *text)
{
    while (text) {
        char *next = strchr(text, ';');
        if (next)
            *next++ = '\0';
        char *lt = strchr(text, ':'), *lb = lt ? strchr(lt + 1, ':') : NULL;
        if (!lb)
            return import_error(im, line, "emodes: emode:lt_bps:lb_bps triples separated by ; were expected");
        *lt++ = *lb++ = '\0';
        struct record r = {line, 3, {{"emode", text}, {"lt_bps", lt}, {"lb_bps", lb}}};
        if (import_emode(im, instrument, &r))
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
        else if (strcmp(h->key[k], "emodes") == 0 && *field[k] &&
                 add_emodes(im, (unsigned)i, r->line, field[k]))
            return -1;
    return import_instrument_end(im, (unsigned)i, r->line);
}

static void split_row(const struct header *h, char **field, struct fields *account, struct fields *position)
{
    for (int i = 0; i < h->n; i++) {
        const char *text = *field[i] ? field[i] : NULL;
        if (h->text[i] < ACCOUNT_TEXTS)
            account->text[h->text[i]] = text;
        else
            position->text[h->text[i] - ACCOUNT_TEXTS] = text;
    }
}

// One row is a position together with its account; without an instrument it is an account that has none.
static int add_account_row(struct import *im, const struct csv_file *f, char **field)
{
    struct fields account = {.line = f->csv.line, .at = f->csv.at}, position = account;
    split_row(&f->header, field, &account, &position);
    if (import_account(im, &account, true))
        return -1;
    bool empty = true;
    for (int i = 0; i < POSITION_TEXTS; i++)
        empty = empty && !position.text[i];
    return empty ? 0 : import_position(im, &position);
}

// The account's texts of a row that has been read before: most rows are short, so little is read at first.
static int read_again(struct import *im, uint64_t at, unsigned line, struct fields *account)
{
    struct csv_file *f = im->source;
    char *field[RECORD_FIELDS_MAX];
    struct fields position = {0};
    struct csv c;
    int n = 0;
    for (size_t size = LINE_SHORT; n <= 0 && size <= BUFFER; size *= BUFFER / LINE_SHORT) {
        ssize_t got = f->src->read_at(f->src->ctx, at, f->again, size - 1);
        const char *nl = got > 0 ? memchr(f->again, '\n', (size_t)got) : NULL;
        if (got <= 0 || (!nl && (size_t)got == size - 1 && size < BUFFER))
            continue;
        csv_init(&c, f->again, nl ? (size_t)(nl - f->again) : (size_t)got);
        n = csv_next(&c, field, RECORD_FIELDS_MAX);
    }
    *account = (struct fields){.line = line, .at = at};
    if (n != f->header.n)
        return import_error(im, line, "the file changed while it was read");
    split_row(&f->header, field, account, &position);
    return 0;
}

static int add_row(struct import *im, struct csv_file *f, char **field)
{
    const struct header *h = &f->header;
    struct record r = {.line = f->csv.line, .n = (unsigned)h->n};
    if (h->table == TABLE_ACCOUNTS)
        return add_account_row(im, f, field);
    for (int i = 0; i < h->n; i++) {
        r.field[i].key = h->key[i];
        r.field[i].text = field[i];
    }
    if (h->table == TABLE_SCENARIOS)
        return import_shock(im, &r);
    return h->table == TABLE_ASSETS ? import_asset(im, &r) : add_instrument(im, h, field, &r);
}

static int add_rows(struct import *im, struct csv_file *f)
{
    struct csv *c = &f->csv;
    char *field[RECORD_FIELDS_MAX];
    uint64_t rows = 0;
    int n;
    if (read_header(im, c, &f->header))
        return -1;
    while ((n = csv_next(c, field, RECORD_FIELDS_MAX)) > 0) {
        if (n != f->header.n)
            return import_error(im, c->line, "%d columns, the header has %d", n, f->header.n);
        if (add_row(im, f, field))
            return -1;
        if (++rows % PROGRESS_EVERY == 0 &&
            progress_step(im->progress, "importing", im->n_staged, c->at, f->src->size, im->e))
            return -1;
    }
    return n < 0 ? import_error(im, c->line, "%s", c->error) : import_accounts_end(im);
}

int import_csv(struct import *im, const struct import_source *src)
{
    struct csv_file *f = calloc(1, sizeof *f);
    int rc = -1;
    if (f) {
        f->src = src;
        f->buf = malloc(BUFFER);
        f->again = malloc(BUFFER);
    }
    if (f && f->buf && f->again) {
        csv_stream(&f->csv, f->buf, BUFFER, src->read_at, src->ctx);
        im->again = read_again;
        im->source = f;
        rc = add_rows(im, f);
        free(f->header.names);
    } else {
        err_set(im->e, "%s: out of memory", im->label);
    }
    free(f ? f->buf : NULL);
    free(f ? f->again : NULL);
    free(f);
    return rc;
}
