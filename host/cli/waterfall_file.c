// SPDX-License-Identifier: Apache-2.0
#include "cli/waterfall_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/decimal.h"
#include "accounts/json.h"

enum { FILE_MOST = 4 << 20, KEYS_MAX = 10 };
static const i128 DRIFT_UNIT = 10000000000000; // tokens of 6 decimals; 10^(19 - decimals)
static const i128 MANGO_ONE = (i128)1 << 48;

static const struct wf_venue VENUES[] = {
    {.name = "dydx", .model = WF_PERP, .steps = &waterfall_dydx, .whole = true},
    {.name = "drift", .model = WF_PERP, .steps = &waterfall_drift, .floor = 1},
    {.name = "mango", .model = WF_PERP, .steps = &waterfall_mango},
    {.name = "bitmex", .model = WF_PERP, .steps = &waterfall_bitmex},
    {.name = "hyperliquid", .model = WF_PERP, .steps = &waterfall_hyperliquid},
    {.name = "aave", .model = WF_POOL, .how = POOL_DEFICIT},
    {.name = "morpho", .model = WF_POOL, .how = POOL_SUPPLIERS},
    {.name = "drift-deposits", .model = WF_INDEX, .unit = DRIFT_UNIT, .floor = 1},
    {.name = "mango-deposits", .model = WF_INDEX, .unit = MANGO_ONE, .mango = true},
};

// Which venues know an event, and its fields.
static const struct {
    const char *name, *keys;
    unsigned models;
} DOS[WF_DOS] = {
    [WF_MARK] = {"mark", "do price", WF_PERP},
    [WF_TRADE] = {"trade", "do buyer seller size price", WF_PERP},
    [WF_FUNDING] = {"funding", "do rate", WF_PERP},
    [WF_BANKRUPT] = {"bankrupt", "do account offers start", WF_PERP},
    [WF_DEPOSIT] = {"deposit", "do account amount", WF_PERP},
    [WF_WITHDRAW] = {"withdraw", "do account amount", WF_PERP},
    [WF_FUND_IN] = {"fund_in", "do amount", WF_PERP | WF_POOL | WF_INDEX},
    [WF_FUND_OUT] = {"fund_out", "do amount", WF_PERP | WF_POOL | WF_INDEX},
    [WF_COVER] = {"cover", "do amount", WF_PERP | WF_POOL},
    [WF_BAD_DEBT] = {"bad_debt", "do amount", WF_POOL | WF_INDEX},
};

struct reader {
    const char *path;
    struct wf *w;
    struct err *e;
};

// NULL: no more.
static const struct wf_venue *wf_venue_at(unsigned i)
{
    return i < sizeof VENUES / sizeof *VENUES ? &VENUES[i] : NULL;
}

const struct wf_venue *wf_venue_find(const char *name)
{
    for (unsigned i = 0; wf_venue_at(i); i++)
        if (strcmp(VENUES[i].name, name) == 0)
            return &VENUES[i];
    return NULL;
}

const char *wf_do_name(enum wf_do kind)
{
    return DOS[kind].name;
}

static i128 wf_tokens(const struct wf *w, i128 scaled)
{
    return econ_part_floor(scaled, w->index, w->unit);
}

i128 wf_claims(const struct wf *w)
{
    i128 all = 0;
    for (size_t i = 0; i < w->m.n; i++)
        all += w->m.account[i].size;
    return wf_tokens(w, all);
}

static int wrong(const struct reader *r, const struct json *at, const char *key, const char *why)
{
    return err_set(r->e, "%.90s:%u: %.60s: %.300s", r->path, at->line, key, why);
}

static const struct json *get(const struct json *v, const char *key)
{
    const struct json *c = v->child;
    while (c && strcmp(c->key, key) != 0)
        c = c->next;
    return c;
}

// An object whose names are among the words of `known`.
static int object(const struct reader *r, const struct json *v, const char *what, const char *known)
{
    char why[256];
    if (v->type != JSON_OBJECT)
        return wrong(r, v, what, "an object {...} is wanted here");
    for (const struct json *c = v->child; c; c = c->next) {
        size_t n = strlen(c->key);
        const char *p = n ? strstr(known, c->key) : NULL;
        while (p && ((p != known && p[-1] != ' ') || (p[n] != ' ' && p[n] != 0)))
            p = strstr(p + 1, c->key);
        (void)snprintf(why, sizeof why, "not a field of %s; known are: %s", what, known);
        if (!p)
            return wrong(r, c, c->key, why);
    }
    return 0;
}

enum { NEEDED = 1 }; // else *out keeps what it holds
static int number(const struct reader *r, const struct json *v, const char *key, int needed, i128 least,
                  i128 *out)
{
    const struct json *c = get(v, key);
    struct err why;
    i128 x;
    if (!c)
        return needed ? wrong(r, v, key, "is missing: add it; `--example` prints a whole file") : 0;
    if (c->type != JSON_NUMBER && c->type != JSON_STRING)
        return wrong(r, c, key, "a whole number of smallest units is wanted, bare or in quotes");
    if (dec_parse(c->text, 0, &x, &why))
        return wrong(r, c, key, why.msg);
    if (x < least || x > ECON_MOST)
        return wrong(r, c, key,
                     least > 0    ? "must be 1 to 2^61 (what is more: in larger units)"
                     : least == 0 ? "must be 0 to 2^61 (what is more: in larger units)"
                                  : "must be -2^61 to 2^61 (what is more: in larger units)");
    *out = x;
    return 0;
}

static int flag(const struct reader *r, const struct json *v, const char *key, bool *out)
{
    const struct json *c = get(v, key);
    if (c && c->type != JSON_BOOL)
        return wrong(r, c, key, "true or false is wanted");
    if (c)
        *out = strcmp(c->text, "true") == 0;
    return 0;
}

// ---- fund and accounts

static int read_fund(const struct reader *r, const struct json *v)
{
    struct fund *f = &r->w->m.fund;
    *f = (struct fund){0, r->w->venue->floor, FUND_NO_QUOTA, r->w->venue->whole};
    if (!v)
        return 0;
    return object(r, v, "fund", "balance floor quota whole") ||
                   number(r, v, "balance", NEEDED, 0, &f->balance) ||
                   number(r, v, "floor", 0, 0, &f->floor) || number(r, v, "quota", 0, 0, &f->quota) ||
                   flag(r, v, "whole", &f->whole)
               ? -1
               : 0;
}

static size_t count(const struct json *list)
{
    size_t n = 0;
    for (const struct json *c = list ? list->child : NULL; c; c = c->next)
        n++;
    return n;
}

static int read_account(const struct reader *r, const struct json *v, size_t at)
{
    struct wf *w = r->w;
    struct margin *a = &w->m.account[at];
    bool perp = w->venue->model == WF_PERP;
    i128 own = 0, entry = w->m.price;
    if (object(r, v, "an account", perp ? "name collateral size entry" : "name scaled"))
        return -1;
    const struct json *name = get(v, "name");
    if (!name || name->type != JSON_STRING || !*name->text || strlen(name->text) >= WF_NAME)
        return wrong(r, name ? name : v, "name", "is wanted in quotes, 1 to 31 bytes");
    for (size_t i = 0; i < at; i++)
        if (strcmp(w->name[i], name->text) == 0)
            return wrong(r, name, "name", "is another account's already: give each its own");
    memcpy(w->name[at], name->text, strlen(name->text) + 1);
    if (!perp)
        return number(r, v, "scaled", NEEDED, 0, &a->size);
    if (number(r, v, "collateral", NEEDED, -ECON_MOST, &own) ||
        number(r, v, "size", 0, -ECON_MOST, &a->size) || number(r, v, "entry", 0, 1, &entry))
        return -1;
    a->cost = margin_value(a->size, entry, w->m.per);
    a->cash = own - a->cost; // what the position was bought for is taken out
    if (!margin_fits(a, w->m.price, w->m.per) || !margin_fits(a, w->m.prior, w->m.per))
        return wrong(r, v, "size", "is worth more than 2^61 at this price: give amounts in larger units");
    return 0;
}

static int read_accounts(const struct reader *r, const struct json *root)
{
    struct perp_market *m = &r->w->m;
    const struct json *list = get(root, "accounts");
    i128 sizes = 0;
    m->n = count(list);
    if (!list || list->type != JSON_ARRAY || m->n == 0 || m->n > WF_ACCOUNTS_MAX)
        return wrong(r, list ? list : root, "accounts", "a list of 1 to 1024 accounts is wanted");
    m->account = calloc(m->n, sizeof *m->account);
    m->scratch = calloc(m->n, sizeof *m->scratch);
    m->share = calloc(2 * m->n, sizeof *m->share);
    r->w->name = calloc(m->n, sizeof *r->w->name);
    if (!m->account || !m->scratch || !m->share || !r->w->name)
        return err_set(r->e, "out of memory");
    size_t at = 0;
    for (const struct json *c = list->child; c; c = c->next, at++) {
        if (read_account(r, c, at))
            return -1;
        sizes += m->account[at].size;
    }
    if (r->w->venue->model == WF_PERP && sizes != 0)
        return wrong(r, list, "accounts",
                     "the sizes do not sum to 0: every long has its short, add the counterparties");
    if (r->w->venue->model == WF_INDEX && (sizes > ECON_MOST || wf_claims(r->w) > ECON_MOST))
        return wrong(r, list, "accounts", "the deposits are worth more than 2^61: give larger units");
    return 0;
}

// ---- events

static int account_of(const struct reader *r, const struct json *v, const char *key, uint32_t *out)
{
    const struct json *c = get(v, key);
    if (!c || c->type != JSON_STRING)
        return wrong(r, c ? c : v, key, "the name of an account is wanted, in quotes");
    for (size_t i = 0; i < r->w->m.n; i++)
        if (strcmp(r->w->name[i], c->text) == 0) {
            *out = (uint32_t)i;
            return 0;
        }
    return wrong(r, c, key, "no account has this name: add it to `accounts`");
}

static int read_offers(const struct reader *r, const struct json *list, struct wf_event *ev)
{
    struct wf *w = r->w;
    ev->first = w->offers;
    if (!list)
        return 0;
    if (list->type != JSON_ARRAY)
        return wrong(r, list, "offers", "a list of offers is wanted, best first");
    for (const struct json *c = list->child; c; c = c->next) {
        struct offer *o = &w->offer[w->offers];
        if (object(r, c, "an offer", "account size price") || account_of(r, c, "account", &o->account) ||
            number(r, c, "size", NEEDED, 1, &o->size) || number(r, c, "price", NEEDED, 1, &o->price))
            return -1;
        w->offers++;
    }
    ev->offers = w->offers - ev->first;
    return 0;
}

static int event_kind(const struct reader *r, const struct json *v, struct wf_event *ev)
{
    char why[256] = "this venue's events are";
    const struct json *c = v->type == JSON_OBJECT ? get(v, "do") : NULL;
    for (int k = 0; k < WF_DOS; k++) {
        if (!(DOS[k].models & r->w->venue->model))
            continue;
        ev->kind = (enum wf_do)k;
        if (c && c->type == JSON_STRING && strcmp(c->text, DOS[k].name) == 0)
            return object(r, v, "this event", DOS[k].keys);
        (void)snprintf(why + strlen(why), sizeof why - strlen(why), " %s", DOS[k].name);
    }
    return wrong(r, c ? c : v, "do", why);
}

static int read_event(const struct reader *r, const struct json *v, struct wf_event *ev)
{
    i128 start = 0;
    ev->line = v->line;
    if (event_kind(r, v, ev))
        return -1;
    switch (ev->kind) {
    case WF_MARK:
        return number(r, v, "price", NEEDED, 1, &ev->price);
    case WF_TRADE:
        if (account_of(r, v, "buyer", &ev->who) || account_of(r, v, "seller", &ev->other) ||
            number(r, v, "size", NEEDED, 1, &ev->amount))
            return -1;
        if (ev->who == ev->other)
            return wrong(r, v, "seller", "is the buyer: name another account");
        return number(r, v, "price", NEEDED, 1, &ev->price);
    case WF_FUNDING:
        return number(r, v, "rate", NEEDED, -ECON_MOST, &ev->amount);
    case WF_BANKRUPT:
        if (account_of(r, v, "account", &ev->who) || number(r, v, "start", 0, 0, &start))
            return -1;
        ev->start = (size_t)start;
        return read_offers(r, get(v, "offers"), ev);
    case WF_DEPOSIT:
    case WF_WITHDRAW:
        if (account_of(r, v, "account", &ev->who))
            return -1;
        break;
    default:
        break;
    }
    return number(r, v, "amount", NEEDED, 0, &ev->amount);
}

static int read_events(const struct reader *r, const struct json *root)
{
    struct wf *w = r->w;
    const struct json *list = get(root, "events");
    size_t offers = 0;
    w->events = count(list);
    if (!list || list->type != JSON_ARRAY || w->events == 0 || w->events > WF_EVENTS_MAX)
        return wrong(r, list ? list : root, "events", "a list of 1 to 10000 events is wanted");
    for (const struct json *c = list->child; c; c = c->next)
        offers += c->type == JSON_OBJECT ? count(get(c, "offers")) : 0;
    if (offers > WF_OFFERS_MAX)
        return wrong(r, list, "events", "more than 100000 offers: leave the last of each list out");
    w->event = calloc(w->events, sizeof *w->event);
    w->offer = calloc(offers + 1, sizeof *w->offer);
    if (!w->event || !w->offer)
        return err_set(r->e, "out of memory");
    size_t at = 0;
    for (const struct json *c = list->child; c; c = c->next)
        if (read_event(r, c, &w->event[at++]))
            return -1;
    return 0;
}

// ---- the file

static int read_perp(const struct reader *r, const struct json *root)
{
    struct perp_market *m = &r->w->m;
    i128 ppm = 50000;
    if (object(r, root, "this venue's file", "venue mark prior per maintenance_ppm fund accounts events") ||
        number(r, root, "mark", NEEDED, 1, &m->price))
        return -1;
    m->prior = m->price;
    if (number(r, root, "prior", 0, 1, &m->prior) || number(r, root, "per", 0, 1, &m->per) ||
        number(r, root, "maintenance_ppm", 0, 1, &ppm))
        return -1;
    if (ppm > ECON_PPM)
        return wrong(r, get(root, "maintenance_ppm"), "maintenance_ppm", "must be 1 to 1000000");
    m->maintenance_ppm = (uint32_t)ppm;
    return read_accounts(r, root);
}

static int read_pool(const struct reader *r, const struct json *root)
{
    struct lend_pool *p = &r->w->pool;
    const struct json *v = get(root, "pool");
    if (object(r, root, "this venue's file", "venue fund pool events"))
        return -1;
    if (!v)
        return wrong(r, root, "pool", "is missing: add it; `--example` prints a whole file");
    if (object(r, v, "pool", "cash borrowed supplied deficit") || number(r, v, "cash", NEEDED, 0, &p->cash) ||
        number(r, v, "borrowed", NEEDED, 0, &p->borrowed) ||
        number(r, v, "supplied", NEEDED, 0, &p->supplied) || number(r, v, "deficit", 0, 0, &p->deficit))
        return -1;
    if (p->cash + p->borrowed + p->deficit != p->supplied)
        return wrong(r, v, "pool", "cash + borrowed + deficit must be what is supplied");
    return 0;
}

static int read_index(const struct reader *r, const struct json *root)
{
    struct wf *w = r->w;
    w->unit = w->venue->unit;
    w->capped = true;
    return object(r, root, "this venue's file",
                  w->venue->mango ? "venue fund index accounts events"
                                  : "venue fund index unit capped accounts events") ||
                   number(r, root, "index", NEEDED, 1, &w->index) ||
                   number(r, root, "unit", 0, 1, &w->unit) || flag(r, root, "capped", &w->capped) ||
                   read_accounts(r, root)
               ? -1
               : 0;
}

static int read_root(const struct reader *r, const struct json *root)
{
    char why[256] = "one of these is wanted:";
    if (root->type != JSON_OBJECT)
        return wrong(r, root, "venue", "the file is one object {...}; `--example` prints one");
    const struct json *v = get(root, "venue");
    r->w->venue = v && v->type == JSON_STRING ? wf_venue_find(v->text) : NULL;
    for (unsigned i = 0; wf_venue_at(i); i++)
        (void)snprintf(why + strlen(why), sizeof why - strlen(why), " %s", VENUES[i].name);
    if (!r->w->venue)
        return wrong(r, v ? v : root, "venue", why);
    enum wf_model model = r->w->venue->model;
    r->w->m.per = 1;
    return (model == WF_PERP   ? read_perp(r, root)
            : model == WF_POOL ? read_pool(r, root)
                               : read_index(r, root)) ||
                   read_fund(r, get(root, "fund")) || read_events(r, root)
               ? -1
               : 0;
}

int wf_read(struct wf *w, FILE *f, const char *path, struct err *e)
{
    struct json_doc doc = {0};
    struct reader r = {path, w, e};
    *w = (struct wf){0};
    char *buf = malloc(FILE_MOST);
    size_t len = buf ? fread(buf, 1, FILE_MOST, f) : 0;
    int rc = !buf               ? err_set(e, "out of memory")
             : ferror(f)        ? err_set(e, "%s: %s", path, strerror(errno))
             : len == FILE_MOST ? err_set(e, "%s: larger than 4 MiB: make two files of it", path)
                                : 0;
    if (rc == 0 && json_parse(buf, len, &doc))
        rc = err_set(e, "%.90s:%u: %s", path, doc.error_line, doc.error);
    else if (rc == 0)
        rc = read_root(&r, doc.root);
    json_free(&doc);
    free(buf);
    if (rc)
        wf_free(w);
    return rc;
}

void wf_free(struct wf *w)
{
    free(w->m.account);
    free(w->m.scratch);
    free(w->m.share);
    free(w->name);
    free(w->offer);
    free(w->event);
    *w = (struct wf){0};
}

void wf_example(const struct wf_venue *v, FILE *f)
{
    fprintf(f, "{\"venue\": \"%s\",\n", v->name);
    if (v->model == WF_PERP)
        fprintf(f,
                " \"mark\": 100, \"per\": 1, \"maintenance_ppm\": 50000,\n"
                " \"fund\": {\"balance\": 20},\n"
                " \"accounts\": [{\"name\": \"long\", \"collateral\": 50, \"size\": 10, \"entry\": 100},\n"
                "              {\"name\": \"short-6\", \"collateral\": 300, \"size\": -6, \"entry\": 100},\n"
                "              {\"name\": \"short-4\", \"collateral\": 200, \"size\": -4, \"entry\": 100},\n"
                "              {\"name\": \"bidder\", \"collateral\": 1000}],\n"
                " \"events\": [{\"do\": \"mark\", \"price\": 90},\n"
                "            {\"do\": \"bankrupt\", \"account\": \"long\",\n"
                "             \"offers\": [{\"account\": \"bidder\", \"size\": %d, \"price\": 90}]},\n"
                "            {\"do\": \"fund_in\", \"amount\": 30},\n"
                "            {\"do\": \"fund_out\", \"amount\": 100}]}\n",
                v->steps->steps & TO_SOCIAL ? 10 : 4); // all sold, so that a loss is left for the others
    else if (v->model == WF_POOL)
        fputs(" \"fund\": {\"balance\": 0},\n"
              " \"pool\": {\"cash\": 200000, \"borrowed\": 800000, \"supplied\": 1000000},\n"
              " \"events\": [{\"do\": \"bad_debt\", \"amount\": 30000},\n"
              "            {\"do\": \"fund_in\", \"amount\": 5000},\n"
              "            {\"do\": \"bad_debt\", \"amount\": 12000},\n"
              "            {\"do\": \"cover\", \"amount\": 10000}]}\n",
              f);
    else
        fprintf(f,
                " \"fund\": {\"balance\": 1001}, \"index\": %s,\n"
                " \"accounts\": [{\"name\": \"ann\", \"scaled\": %s}, {\"name\": \"bob\", \"scaled\": %s}],\n"
                " \"events\": [{\"do\": \"bad_debt\", \"amount\": 11000000},\n"
                "            {\"do\": \"fund_in\", \"amount\": 500000},\n"
                "            {\"do\": \"bad_debt\", \"amount\": 2000000},\n"
                "            {\"do\": \"fund_out\", \"amount\": 1}]}\n",
                v->mango ? "281474976710656" : "10000000000", v->mango ? "80000000" : "80000000000",
                v->mango ? "40000000" : "40000000000");
}
