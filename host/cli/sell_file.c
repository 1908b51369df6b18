// SPDX-License-Identifier: Apache-2.0
#include "cli/sell_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/decimal.h"
#include "accounts/json.h"

enum { FILE_MOST = 4 << 20, PRICE_DECIMALS = 9, AMOUNT_DECIMALS = 9, PPM = 1000000 };
static const char DOC[] = "docs/worth.md, \"tripline lab sell\"";

struct reader {
    const char *path;
    struct sell *s;
    struct err *e;
    uint8_t via; // decimals of the token between, of the way at work
};

static int wrong(const struct reader *r, const struct json *at, const char *key, const char *why)
{
    return err_set(r->e, "%.90s:%u: %s%s%.300s", r->path, at->line, key, *key ? ": " : "", why);
}

// The members of `v` by their names into out[]; NULL where one is missing. Others are refused.
static int members(const struct reader *r, const struct json *v, const char *const *names, unsigned n,
                   const struct json **out)
{
    char known[200] = "known are";
    if (v->type != JSON_OBJECT)
        return wrong(r, v, v->key ? v->key : "", "an object {...} is wanted here");
    for (unsigned i = 0; i < n; i++) {
        out[i] = NULL;
        (void)snprintf(known + strlen(known), sizeof known - strlen(known), " %s", names[i]);
    }
    for (const struct json *c = v->child; c; c = c->next) {
        unsigned i = 0;
        while (i < n && strcmp(names[i], c->key) != 0)
            i++;
        if (i == n) {
            char key[64];
            (void)snprintf(key, sizeof key, "%.60s", c->key);
            return wrong(r, c, key, known);
        }
        out[i] = c;
    }
    return 0;
}

static int missing(const struct reader *r, const struct json *at, const char *key)
{
    char why[160];
    (void)snprintf(why, sizeof why, "is missing: add it (%s)", DOC);
    return wrong(r, at, key, why);
}

// A number, bare or as a string, in 10^-decimals and within least..most.
static int number(const struct reader *r, const struct json *at, const struct json *v, const char *key,
                  unsigned decimals, i128 least, i128 most, i128 *out)
{
    struct err why;
    char low[DEC_TEXT_MAX], high[DEC_TEXT_MAX];
    if (!v)
        return missing(r, at, key);
    if (v->type != JSON_NUMBER && v->type != JSON_STRING)
        return wrong(r, v, key, "a decimal number is wanted, bare or in quotes");
    if (dec_parse(v->text, decimals, out, &why))
        return wrong(r, v, key, why.msg);
    if (*out >= least && *out <= most)
        return 0;
    (void)dec_format(least, decimals, low);
    (void)dec_format(most, decimals, high);
    (void)err_set(&why, "out of range: %s to %s is wanted", low, high);
    return wrong(r, v, key, why.msg);
}

static int small(const struct reader *r, const struct json *at, const struct json *v, const char *key,
                 uint32_t most, uint32_t *out)
{
    i128 x;
    if (number(r, at, v, key, 0, 0, most, &x))
        return -1;
    *out = (uint32_t)x;
    return 0;
}

static int text(const struct reader *r, const struct json *v, char out[SELL_NAME])
{
    if (v->type != JSON_STRING || strlen(v->text) >= SELL_NAME)
        return wrong(r, v, v->key, "a name of at most 47 bytes in quotes is wanted");
    memcpy(out, v->text, strlen(v->text) + 1);
    return 0;
}

// One lot at one price quantum in units of what comes out, as unit / 10^decimals.
static int begin(const struct reader *r, const struct json *v, struct depth *d, i128 lot, unsigned from,
                 unsigned into, uint32_t fee_ppm)
{
    struct err why;
    i128 unit = lot; // * 10^(into - from - PRICE_DECIMALS)
    int up = (int)into - (int)from - PRICE_DECIMALS;
    for (; up > 0 || up<-SELL_DECIMALS_MAX; up += up> 0 ? -1 : 1) {
        if (up < 0 && unit % 10 != 0)
            return wrong(r, v, "lot", "is too fine for the decimals of what comes out: give a larger one");
        unit = up > 0 ? unit * 10 : unit / 10;
        if (unit > INT64_MAX)
            break;
    }
    if (unit > INT64_MAX || unit == 0)
        return wrong(r, v, "lot", "does not go with the decimals of the tokens");
    if (depth_begin(d, (u128)lot, (uint64_t)unit, (uint8_t)-up, fee_ppm, &why))
        return wrong(r, v, "book", why.msg);
    return 0;
}

static int levels(const struct reader *r, const struct json *bids, struct depth *d, i128 lot, unsigned from)
{
    struct err why;
    unsigned n = 0;
    if (bids->type != JSON_ARRAY)
        return wrong(r, bids, "bids", "a list of [price, amount] is wanted, best first");
    for (const struct json *l = bids->child; l; l = l->next) {
        i128 price, amount;
        if (l->type != JSON_ARRAY || !l->child || !l->child->next || l->child->next->next)
            return wrong(r, l, "bids", "a level is [price, amount]");
        if (++n > DEPTH_LEVELS_MAX)
            return wrong(r, l, "bids", "more than 64 levels: leave the last ones out");
        if (number(r, l, l->child, "price", PRICE_DECIMALS, 1, INT64_MAX, &price) ||
            number(r, l, l->child->next, "amount", from, 0, (i128)EXIT_AMOUNT_MAX, &amount))
            return -1;
        if (amount / lot > INT64_MAX)
            return wrong(r, l, "bids", "more lots than a book holds: give a larger lot");
        if (depth_add(d, (int64_t)price, 1, (int64_t)(amount / lot), 1, &why))
            return wrong(r, l, "bids", why.msg);
    }
    return 0;
}

static int book(const struct reader *r, const struct json *v, struct depth *d, unsigned from, unsigned into)
{
    static const char *const names[] = {"lot", "fee_ppm", "bids"};
    const struct json *m[3];
    i128 lot = 1; // without one: the finest that a book can count
    uint32_t fee = 0;
    for (int up = (int)into - (int)from - PRICE_DECIMALS; up < -SELL_DECIMALS_MAX; up++)
        lot *= 10;
    if (members(r, v, names, 3, m) || (m[0] && number(r, v, m[0], names[0], from, 1, INT64_MAX, &lot)) ||
        (m[1] && small(r, v, m[1], names[1], PPM - 1, &fee)))
        return -1;
    if (!m[2])
        return missing(r, v, names[2]);
    if (begin(r, v, d, lot, from, into, fee) || levels(r, m[2], d, lot, from))
        return -1;
    depth_end(d);
    return 0;
}

static int pool(const struct reader *r, const struct json *v, struct cpmm_pool *p, unsigned from,
                unsigned into)
{
    static const char *const names[] = {"in", "out", "keep", "of"};
    const struct json *m[4];
    i128 in, out;
    p->keep = 997; // Uniswap V2's
    p->of = 1000;
    if (members(r, v, names, 4, m) || number(r, v, m[0], names[0], from, 1, (i128)EXIT_AMOUNT_MAX, &in) ||
        number(r, v, m[1], names[1], into, 1, (i128)EXIT_AMOUNT_MAX, &out) ||
        (m[2] && small(r, v, m[2], names[2], CPMM_PARTS_MAX, &p->keep)) ||
        (m[3] && small(r, v, m[3], names[3], CPMM_PARTS_MAX, &p->of)))
        return -1;
    p->in = (u128)in;
    p->out = (u128)out;
    return 0;
}

static int hop(const struct reader *r, const struct json *book_at, const struct json *pool_at,
               const struct json *v, unsigned k, bool last)
{
    struct sell *s = r->s;
    struct route_hop *h = &s->route.path[s->n].hop[k];
    unsigned from = k ? r->via : s->from_decimals, into = last ? s->into_decimals : r->via;
    *h = (struct route_hop){.book = NULL};
    if (!book_at == !pool_at)
        return wrong(r, v, "", "one of book and pool is wanted");
    if (pool_at)
        return pool(r, pool_at, &h->pool, from, into);
    h->book = &s->book[s->n][k];
    return book(r, book_at, &s->book[s->n][k], from, into);
}

static int hops(struct reader *r, const struct json *list, const struct json *via, const struct json *v)
{
    static const char *const names[] = {"book", "pool"};
    uint32_t decimals;
    unsigned n = 0;
    if (list->type != JSON_ARRAY || !list->child || !list->child->next || list->child->next->next)
        return wrong(r, list, "hops", "two of them are wanted, with a token between");
    if (small(r, v, via, "via_decimals", SELL_DECIMALS_MAX, &decimals))
        return -1;
    r->via = (uint8_t)decimals;
    for (const struct json *c = list->child; c; c = c->next, n++) {
        const struct json *m[2];
        if (members(r, c, names, 2, m) || hop(r, m[0], m[1], c, n, n == 1))
            return -1;
    }
    return 0;
}

static int way(struct reader *r, const struct json *v)
{
    static const char *const names[] = {"name", "book", "pool", "hops", "via_decimals"};
    const struct json *m[5];
    struct sell *s = r->s;
    if (s->n == ROUTE_PATHS_MAX)
        return wrong(r, v, "ways", "more than 8: leave the smallest out");
    if (members(r, v, names, 5, m))
        return -1;
    (void)snprintf(s->name[s->n], SELL_NAME, "way %u", s->n + 1);
    if (m[0] && text(r, m[0], s->name[s->n]))
        return -1;
    if (m[3] && (m[1] || m[2]))
        return wrong(r, v, "", "hops, or one of book and pool");
    if (m[3] ? hops(r, m[3], m[4], v) : hop(r, m[1], m[2], v, 0, true))
        return -1;
    s->route.path[s->n++].n = m[3] ? 2 : 1;
    return 0;
}

static int root(struct reader *r, const struct json *v)
{
    static const char *const names[] = {"sell", "sell_decimals", "for", "for_decimals", "price", "ways"};
    const struct json *m[6];
    struct sell *s = r->s;
    uint32_t from = s->from_decimals, into = s->into_decimals;
    i128 price = 0;
    if (members(r, v, names, 6, m) || (m[0] && text(r, m[0], s->from)) || (m[2] && text(r, m[2], s->into)) ||
        (m[1] && small(r, v, m[1], names[1], SELL_DECIMALS_MAX, &from)) ||
        (m[3] && small(r, v, m[3], names[3], SELL_DECIMALS_MAX, &into)) ||
        (m[4] && number(r, v, m[4], names[4], PRICE_DECIMALS, 1, INT64_MAX, &price)))
        return -1;
    s->from_decimals = (uint8_t)from;
    s->into_decimals = (uint8_t)into;
    s->reference = (double)price / 1e9;
    if (!m[5])
        return missing(r, v, names[5]);
    if (m[5]->type != JSON_ARRAY || !m[5]->child)
        return wrong(r, m[5], names[5], "a list of ways is wanted, at least one");
    for (const struct json *c = m[5]->child; c; c = c->next)
        if (way(r, c))
            return -1;
    return 0;
}

void sell_init(struct sell *s)
{
    *s = (struct sell){.from = "token", .into = "money", .from_decimals = 8, .into_decimals = 8};
}

static int parse(struct sell *s, const char *path, const char *buf, size_t len, struct err *e)
{
    struct json_doc doc;
    struct reader r = {.path = path, .s = s, .e = e};
    int rc = json_parse(buf, len, &doc);
    if (rc)
        (void)err_set(e, "%.90s:%u: %s", path, doc.error_line, doc.error);
    else
        rc = root(&r, doc.root);
    json_free(&doc);
    return rc;
}

int sell_file(struct sell *s, const char *path, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(e, "%s: %s", path, strerror(errno));
    char *buf = malloc(FILE_MOST);
    size_t len = buf ? fread(buf, 1, FILE_MOST, f) : 0;
    int rc = !buf               ? err_set(e, "out of memory")
             : ferror(f)        ? err_set(e, "%s: %s", path, strerror(errno))
             : len == FILE_MOST ? err_set(e, "%s: larger than 4 MiB: leave ways or levels out", path)
                                : parse(s, path, buf, len, e);
    free(buf);
    fclose(f);
    return rc;
}
