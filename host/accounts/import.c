// SPDX-License-Identifier: Apache-2.0
// Accounts of an import, and the merge into a store. Nothing is written before the whole file has been read
// and every account, the store's own included, has passed its rule.
#include "accounts/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "accounts/store.h"
#include "accounts/store_sql.h"

enum { FIRST_SLOTS = 1024, FIRST_STAGED = 256, LABEL_MAX = 90 };
static const size_t FILE_BYTES_MAX = (size_t)1 << 30;

// Places in staged.text.
enum { TEXT_NAME, TEXT_RULE, TEXT_CURRENCY, TEXT_CASH, TEXT_CASH_DECIMALS, TEXT_EMODE, TEXT_COUNT };
static const char *const TEXT_KEYS[TEXT_COUNT] = {"name", "rule",          "currency",
                                                  "cash", "cash_decimals", "emode"};
_Static_assert(TEXT_COUNT <= sizeof((struct staged *)0)->text / sizeof(char *), "staged.text holds them");

// ---- staging
// -------------------------------------------------------------------------------------------------

static size_t slot_of(const struct import *im, uint32_t id)
{
    const uint32_t golden =
        2654435769u; // 2^32 / golden ratio: the product's high bits are spread for any step of ids
    size_t i = (size_t)(((uint64_t)(uint32_t)(id * golden) * im->n_slots) >> 32);
    while (im->slot[i] && im->staged[im->slot[i] - 1].account.id != id)
        i = (i + 1) & (im->n_slots - 1);
    return i;
}

static int grow_slots(struct import *im)
{
    size_t n = im->n_slots ? im->n_slots * 2 : FIRST_SLOTS;
    uint32_t *slot = calloc(n, sizeof *slot);
    if (!slot)
        return -1;
    free(im->slot);
    im->slot = slot;
    im->n_slots = n;
    for (size_t k = 0; k < im->n_staged; k++)
        im->slot[slot_of(im, im->staged[k].account.id)] = (uint32_t)k + 1;
    return 0;
}

// A new staged account, entered in the hash.
static struct staged *stage(struct import *im, uint32_t id)
{
    if (im->n_staged == im->cap_staged) {
        size_t cap = im->cap_staged ? im->cap_staged * 2 : FIRST_STAGED;
        struct staged *s = realloc(im->staged, cap * sizeof *s);
        if (!s)
            return NULL;
        im->staged = s;
        im->cap_staged = cap;
    }
    if ((im->n_staged + 1) * 2 > im->n_slots && grow_slots(im))
        return NULL;
    struct staged *s = &im->staged[im->n_staged];
    memset(s, 0, sizeof *s);
    s->account.id = id;
    im->slot[slot_of(im, id)] = (uint32_t)++im->n_staged;
    return s;
}

static int find_rule(struct import *im, unsigned line, const char *name, const struct rule **out)
{
    char known[200] = "";
    *out = rule_find(name);
    if (*out)
        return 0;
    for (size_t i = 0; rule_at(i); i++)
        (void)snprintf(known + strlen(known), sizeof known - strlen(known), " %s", rule_at(i)->name);
    return import_error(im, line, "unknown rule '%.40s'; known:%s", name, known);
}

static int read_account(struct import *im, const struct record *r, struct staged *s)
{
    struct account *a = &s->account;
    const char *rule = NULL, *name = "";
    uint64_t emode = 0;
    s->line = r->line;
    for (int k = 0; k < TEXT_COUNT; k++)
        s->text[k] = record_text(r, TEXT_KEYS[k]);
    if (get_text(im, r, "rule", true, &rule) || get_currency(im, r, false, a->currency) ||
        find_rule(im, r->line, rule, &a->rule) || get_text(im, r, "name", false, &name) ||
        get_uint(im, r, "emode", false, UINT8_MAX, &emode))
        return -1;
    if (!name_is_text(name))
        return import_error(im, r->line, "name '%.40s' must be at most %d bytes without control characters",
                            name, NAME_LEN - 1);
    memcpy(a->name, name, strlen(name));
    a->emode = (uint8_t)emode;
    return 0;
}

// The same account again: what this row says of it must be what the first row said.
static int repeat_account(struct import *im, const struct record *r, const struct staged *s)
{
    for (int k = 0; k < TEXT_COUNT; k++) {
        const char *now = record_text(r, TEXT_KEYS[k]);
        if (now && (!s->text[k] || strcmp(now, s->text[k]) != 0))
            return import_error(im, r->line, "account %u: %s '%.40s' differs from line %u", s->account.id,
                                TEXT_KEYS[k], now, s->line);
    }
    return 0;
}

int import_account(struct import *im, const struct record *r, bool repeated)
{
    uint64_t id = 0;
    if (get_uint(im, r, "id", true, UINT32_MAX, &id))
        return -1;
    if (id == 0)
        return import_error(im, r->line, "account id must be 1 to %u", UINT32_MAX);
    size_t i = im->n_slots ? im->slot[slot_of(im, (uint32_t)id)] : 0;
    if (i) {
        const struct staged *s = &im->staged[i - 1];
        if (!repeated)
            return import_error(im, r->line, "account %u occurs twice (first in line %u)", s->account.id,
                                s->line);
        return repeat_account(im, r, s) ? -1 : (int)(i - 1);
    }
    if (im->n_staged == INT32_MAX)
        return import_error(im, r->line, "too many accounts");
    struct staged *s = stage(im, (uint32_t)id);
    if (!s)
        return import_error(im, r->line, "out of memory");
    return read_account(im, r, s) ? -1 : (int)(im->n_staged - 1);
}

// ---- positions
// -----------------------------------------------------------------------------------------------

static int refuse_fields(struct import *im, const struct record *r, const char *const *keys, const char *what)
{
    for (; *keys; keys++)
        if (record_text(r, *keys))
            return import_error(im, r->line, "%s does not apply to a %s", *keys, what);
    return 0;
}

static int read_perp_position(struct import *im, const struct record *r, const struct instrument *s,
                              struct position *p)
{
    static const char *const foreign[] = {"supply", "debt", "collateral", NULL};
    i128 entry = 0;
    if (refuse_fields(im, r, foreign, "perpetual") ||
        get_decimal(im, r, "size", true, s->size_decimals, &p->size) ||
        get_decimal(im, r, "entry", true, im->market.asset[s->asset].decimals, &entry) ||
        get_decimal(im, r, "funding", false, FUNDING_DECIMALS, &p->funding))
        return -1;
    if (p->size == 0)
        return import_error(im, r->line, "size must not be 0: leave the position out");
    if (entry <= 0 || entry > INT64_MAX)
        return import_error(im, r->line, "entry is out of range");
    p->entry = (int64_t)entry;
    return 0;
}

static int read_reserve_position(struct import *im, const struct record *r, const struct instrument *s,
                                 struct position *p)
{
    static const char *const foreign[] = {"size", "entry", "funding", NULL};
    const char *flag = NULL;
    if (refuse_fields(im, r, foreign, "reserve") ||
        get_decimal(im, r, "supply", false, s->size_decimals, &p->supply) ||
        get_decimal(im, r, "debt", false, s->size_decimals, &p->debt))
        return -1;
    if (p->supply < 0 || p->debt < 0 || (p->supply == 0 && p->debt == 0))
        return import_error(im, r->line, "supply or debt must be above 0, and neither below");
    // Whether a supply counts as collateral is the borrower's own setting: it has no default.
    if (get_text(im, r, "collateral", p->supply != 0, &flag))
        return -1;
    if (flag && strcmp(flag, "true") != 0 && strcmp(flag, "false") != 0 && strcmp(flag, "1") != 0 &&
        strcmp(flag, "0") != 0)
        return import_error(im, r->line, "collateral must be true or false");
    p->collateral = flag && (*flag == 't' || *flag == '1');
    return 0;
}

// The account's currency is the one given with it, else that of its first perpetual; all others must agree.
static int match_currency(struct import *im, const struct record *r, struct staged *st,
                          const struct instrument *s)
{
    struct account *a = &st->account;
    if (!a->currency[0])
        memcpy(a->currency, s->currency, sizeof a->currency);
    if (strcmp(a->currency, s->currency) == 0)
        return 0;
    if (st->text[TEXT_CURRENCY])
        return import_error(im, r->line,
                            "account %u: %s settles in %s, the account's currency is %s (line %u)", a->id,
                            s->name, s->currency, a->currency, st->line);
    return import_error(im, r->line,
                        "account %u: %s settles in %s, its other positions in %s: one account has one"
                        " settlement currency",
                        a->id, s->name, s->currency, a->currency);
}

int import_position(struct import *im, unsigned account, const struct record *r)
{
    struct account *a = &im->staged[account].account;
    struct position p = {0};
    const char *name;
    if (get_text(im, r, "instrument", true, &name))
        return -1;
    int i = market_instrument(&im->market, name);
    if (i < 0)
        return import_error(im, r->line, "there is no instrument '%.40s' in the store or in this file", name);
    p.instrument = (uint16_t)i;
    const struct instrument *s = &im->market.instrument[i];
    if (s->kind == INST_RESERVE ? read_reserve_position(im, r, s, &p) : read_perp_position(im, r, s, &p))
        return -1;
    if (s->kind != INST_RESERVE && match_currency(im, r, &im->staged[account], s))
        return -1;
    unsigned at = a->n_positions; // insertion keeps them ascending
    while (at && a->position[at - 1].instrument > p.instrument)
        at--;
    if (at && a->position[at - 1].instrument == p.instrument)
        return import_error(im, r->line, "account %u: a second position in %s", a->id, name);
    if (a->n_positions == ACCOUNT_POSITIONS_MAX)
        return import_error(im, r->line, "account %u: more than %d positions", a->id, ACCOUNT_POSITIONS_MAX);
    memmove(&a->position[at + 1], &a->position[at], (a->n_positions - at) * sizeof p);
    a->position[at] = p;
    a->n_positions++;
    return 0;
}

// ---- end of the file
// -----------------------------------------------------------------------------------------

// Cash is read last: its decimals are those of the perpetuals that the account holds, else of any in its
// currency.
static int finish_account(struct import *im, struct staged *s)
{
    struct account *a = &s->account;
    struct err why;
    i128 decimals = -1;
    if (s->text[TEXT_CASH_DECIMALS] &&
        import_decimal(im, s->line, "cash_decimals", s->text[TEXT_CASH_DECIMALS], 0, &decimals))
        return -1;
    if (s->text[TEXT_CASH_DECIMALS] && (decimals < 0 || decimals > DECIMALS_MAX))
        return import_error(im, s->line, "cash_decimals must be 0 to %d", DECIMALS_MAX);
    for (unsigned i = 0; decimals < 0 && a->currency[0] && i < im->market.n_instruments; i++)
        if (strcmp(im->market.instrument[i].currency, a->currency) == 0)
            decimals = im->market.instrument[i].cash_decimals;
    bool cash = s->text[TEXT_CASH] && strcmp(s->text[TEXT_CASH], "0") != 0;
    if (cash && !a->currency[0])
        return import_error(
            im, s->line, "account %u has cash but no perpetual that says its currency: give currency", a->id);
    if (cash && decimals < 0)
        return import_error(im, s->line, "account %u: no perpetual settles in %s: give cash_decimals", a->id,
                            a->currency);
    a->cash_decimals = decimals < 0 ? 0 : (uint8_t)decimals;
    if (s->text[TEXT_CASH] &&
        import_decimal(im, s->line, "cash", s->text[TEXT_CASH], a->cash_decimals, &a->cash))
        return -1;
    return account_validate(&im->market, a, &why) ? import_error(im, s->line, "%s", why.msg) : 0;
}

static int by_id(const void *x, const void *y)
{
    uint32_t a = ((const struct staged *)x)->account.id, b = ((const struct staged *)y)->account.id;
    return a < b ? -1 : a > b;
}

// New content of an account that the store has. Its epoch goes up unless nothing changed, so that an order
// made for the old state is never taken for one of the new.
static struct account replaced(const struct account *old, const struct account *new)
{
    uint8_t x[ACCOUNT_BYTES_MAX], y[ACCOUNT_BYTES_MAX];
    struct account a = *new;
    a.epoch = old->epoch;
    size_t n = account_encode(old, x, sizeof x), k = account_encode(&a, y, sizeof y);
    if (n != k || memcmp(x, y, n) != 0)
        a.epoch++;
    return a;
}

static int merge(struct import *im, const struct book *base, struct book *out)
{
    struct err why;
    out->market = im->market;
    out->n_accounts = 0;
    out->account = calloc(base->n_accounts + im->n_staged + 1, sizeof *out->account);
    if (!out->account)
        return err_set(im->e, "%s: out of memory", im->label);
    if (im->n_staged)
        qsort(im->staged, im->n_staged, sizeof *im->staged, by_id);
    size_t i = 0, k = 0;
    while (i < base->n_accounts || k < im->n_staged) {
        const struct account *old = i < base->n_accounts ? &base->account[i] : NULL;
        const struct account *new = k < im->n_staged ? &im->staged[k].account : NULL;
        struct account *to = &out->account[out->n_accounts++];
        if (!new || (old && old->id < new->id)) {
            *to = *old;
            i++;
            if (account_validate(&out->market, to, &why))
                return err_set(im->e,
                               "%s: an account of the store does not fit the file's instruments: %.300s",
                               im->label, why.msg);
        } else {
            bool same = old && old->id == new->id;
            *to = same ? replaced(old, new) : *new;
            i += same;
            k++;
        }
    }
    return 0;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcasecmp(s + n - k, end) == 0;
}

static int parse_and_merge(struct import *im, char *text, size_t len, struct json_doc *doc,
                           const struct book *base, struct book *out)
{
    if (ends_with(im->file, ".json") ? import_json(im, text, len, doc) : import_csv(im, text, len))
        return -1;
    for (size_t k = 0; k < im->n_staged; k++)
        if (finish_account(im, &im->staged[k]))
            return -1;
    return merge(im, base, out);
}

int import_text(const char *file, char *text, size_t len, const struct book *base, struct book *out,
                struct err *e)
{
    struct json_doc doc = {0};
    memset(out, 0, sizeof *out);
    if (!ends_with(file, ".json") && !ends_with(file, ".csv"))
        return err_set(e, "%.90s: the name must end in .csv or .json, which tells the format", file);
    struct import *im = calloc(1, sizeof *im);
    if (!im)
        return err_set(e, "out of memory");
    im->file = file;
    im->label = strlen(file) > LABEL_MAX ? file + strlen(file) - LABEL_MAX : file;
    im->e = e;
    im->market = base->market;
    int rc = parse_and_merge(im, text, len, &doc, base, out);
    if (rc == 0)
        rc = (int)im->n_staged;
    else
        book_free(out);
    json_free(&doc);
    free(im->staged);
    free(im->slot);
    free(im);
    return rc;
}

// ---- files
// ---------------------------------------------------------------------------------------------------

// The whole file with one spare byte behind it; NULL with *e set.
static char *read_file(const char *path, size_t *len, struct err *e)
{
    FILE *f = fopen(path, "rb");
    char *buf = NULL;
    size_t size = 0;
    *len = 0;
    if (!f) {
        err_set(e, "%s: %s", path, strerror(errno));
        return NULL;
    }
    for (;;) {
        if (*len + 1 >= size) {
            char *p = size < FILE_BYTES_MAX ? realloc(buf, size = size ? size * 2 : BUFSIZ) : NULL;
            if (!p) {
                err_set(e, "%s: too large", path);
                break;
            }
            buf = p;
        }
        size_t n = fread(buf + *len, 1, size - *len - 1, f);
        *len += n;
        if (n == 0) {
            bool failed = ferror(f) != 0;
            if (failed)
                err_set(e, "%s: %s", path, strerror(errno));
            fclose(f);
            if (!failed)
                return buf;
            free(buf);
            return NULL;
        }
    }
    fclose(f);
    free(buf);
    return NULL;
}

static int import_into(struct store *s, bool empty, const char *file, char *text, size_t len, struct err *e)
{
    struct book *base = calloc(2, sizeof *base), *out = base + 1;
    if (!base)
        return err_set(e, "out of memory");
    int rc = empty ? 0 : store_read_rows(s, base, e);
    if (rc == 0)
        rc = import_text(file, text, len, base, out, e);
    if (rc >= 0 && store_write_rows(s, out, e))
        rc = -1;
    book_free(base);
    book_free(out);
    free(base);
    return rc;
}

int store_import(const char *path, const char *file, struct err *e)
{
    size_t len;
    struct store s;
    bool empty = false, existed = store_exists(path);
    char *text = read_file(file, &len, e);
    if (!text)
        return -1;
    int rc = store_begin_write(&s, path, &empty, e);
    if (rc == 0) {
        rc = import_into(&s, empty, file, text, len, e);
        if (store_end(&s, rc >= 0, rc >= 0 ? e : NULL))
            rc = -1;
        if (rc < 0 && !existed)
            store_remove(path);
    }
    free(text);
    return rc;
}
