// SPDX-License-Identifier: Apache-2.0
// JSON: {"assets": [...], "instruments": [...], "scenarios": [...], "accounts": [...]}, each list optional,
// taken in this order wherever they stand in the file.
#include <string.h>

#include "accounts/import.h"
#include "accounts/json.h"

// A member that is a list, by its name; NULL when it is left out.
struct list {
    const char *key;
    const struct json *at;
};

// An object's scalar members as a record; those that are lists go to list[0..n_lists).
static int to_record(struct import *im, const struct json *v, enum record_kind kind, struct list *list,
                     unsigned n_lists, struct record *r)
{
    *r = (struct record){.line = v->line};
    if (v->type != JSON_OBJECT)
        return import_error(im, v->line, "an object { } was expected");
    for (const struct json *m = v->child; m; m = m->next) {
        unsigned k = 0;
        while (k < n_lists && strcmp(m->key, list[k].key) != 0)
            k++;
        if (k < n_lists) {
            if (m->type != JSON_ARRAY)
                return import_error(im, m->line, "%s: a list [ ] was expected", m->key);
            list[k].at = m;
            continue;
        }
        if (!record_knows(kind, m->key))
            return import_error(im, m->line, "unknown name '%.40s'; known: %s%s%s", m->key, record_keys(kind),
                                n_lists ? " " : "", n_lists ? list[0].key : "");
        if (m->type == JSON_ARRAY || m->type == JSON_OBJECT)
            return import_error(im, m->line, "%s: a number or text was expected", m->key);
        r->field[r->n].key = m->key; // names are known and unique, so they fit
        r->field[r->n++].text = m->text ? m->text : "";
    }
    return 0;
}

static int add_asset(struct import *im, const struct json *v)
{
    struct record r;
    return to_record(im, v, RECORD_ASSET, NULL, 0, &r) || import_asset(im, &r) ? -1 : 0;
}

static int add_instrument(struct import *im, const struct json *v)
{
    struct record r;
    struct list list[] = {{"tiers", NULL}, {"emodes", NULL}};
    if (to_record(im, v, RECORD_INSTRUMENT, list, 2, &r))
        return -1;
    int i = import_instrument(im, &r);
    if (i < 0)
        return -1;
    for (const struct json *t = list[0].at ? list[0].at->child : NULL; t; t = t->next)
        if (to_record(im, t, RECORD_TIER, NULL, 0, &r) || import_tier(im, (unsigned)i, &r))
            return -1;
    for (const struct json *t = list[1].at ? list[1].at->child : NULL; t; t = t->next)
        if (to_record(im, t, RECORD_EMODE, NULL, 0, &r) || import_emode(im, (unsigned)i, &r))
            return -1;
    return import_instrument_end(im, (unsigned)i, v->line);
}

static int add_shock(struct import *im, const struct json *v)
{
    struct record r;
    return to_record(im, v, RECORD_SHOCK, NULL, 0, &r) || import_shock(im, &r) ? -1 : 0;
}

static struct fields to_fields(const struct record *r, const char *const *keys, unsigned n)
{
    struct fields f = {.line = r->line};
    for (unsigned i = 0; i < n; i++)
        f.text[i] = record_text(r, keys[i]);
    return f;
}

static int add_account(struct import *im, const struct json *v)
{
    struct record r;
    struct list list = {"positions", NULL};
    if (to_record(im, v, RECORD_ACCOUNT, &list, 1, &r))
        return -1;
    struct fields f = to_fields(&r, ACCOUNT_KEYS, ACCOUNT_TEXTS);
    if (import_account(im, &f, false))
        return -1;
    for (const struct json *p = list.at ? list.at->child : NULL; p; p = p->next) {
        if (to_record(im, p, RECORD_POSITION, NULL, 0, &r))
            return -1;
        f = to_fields(&r, POSITION_KEYS, POSITION_TEXTS);
        if (import_position(im, &f))
            return -1;
    }
    return 0;
}

static int add_list(struct import *im, const struct json *root, const char *key,
                    int (*add)(struct import *, const struct json *))
{
    for (const struct json *m = root->child; m; m = m->next) {
        if (strcmp(m->key, key) != 0)
            continue;
        if (m->type != JSON_ARRAY)
            return import_error(im, m->line, "%s: a list [ ] was expected", key);
        for (const struct json *v = m->child; v; v = v->next)
            if (add(im, v))
                return -1;
    }
    return 0;
}

static int add_document(struct import *im, const struct json *root)
{
    if (root->type != JSON_OBJECT)
        return import_error(im, root->line, "an object with assets, instruments or accounts was expected");
    for (const struct json *m = root->child; m; m = m->next)
        if (strcmp(m->key, "assets") != 0 && strcmp(m->key, "instruments") != 0 &&
            strcmp(m->key, "scenarios") != 0 && strcmp(m->key, "accounts") != 0)
            return import_error(im, m->line,
                                "unknown name '%.40s'; known: assets instruments scenarios accounts", m->key);
    return add_list(im, root, "assets", add_asset) || add_list(im, root, "instruments", add_instrument) ||
                   add_list(im, root, "scenarios", add_shock) || add_list(im, root, "accounts", add_account)
               ? -1
               : 0;
}

int import_json(struct import *im, const char *text, size_t len, struct json_doc *doc)
{
    if (json_parse(text, len, doc))
        return import_error(im, doc->error_line, "%s", doc->error);
    return add_document(im, doc->root);
}
