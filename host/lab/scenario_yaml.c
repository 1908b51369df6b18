// SPDX-License-Identifier: Apache-2.0
#include "lab/scenario_yaml.h"

#include <string.h>

enum { FIELDS_MAX = 32, CENTS = 1000000 /* money a cent */ };
static const char DOC[] = "docs/lab/scenarios.md";

int wrong(struct reader *r, const yaml_node_t *at, const char *key, const char *why)
{
    return err_set(r->e, "%s:%zu: %s%s%s", r->path, at->start_mark.line + 1, key, key[0] ? ": " : "", why);
}

const char *text_of(const yaml_node_t *v)
{
    const char *s = v->type == YAML_SCALAR_NODE ? (const char *)v->data.scalar.value : NULL;
    return s && strlen(s) == v->data.scalar.length ? s : NULL;
}

const yaml_node_t *node_at(struct reader *r, int index)
{
    return yaml_document_get_node(&r->doc, index);
}

const yaml_node_t *value_of(struct reader *r, const yaml_node_t *map, const char *name)
{
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
        const char *key = text_of(node_at(r, p->key));
        if (key && strcmp(key, name) == 0)
            return node_at(r, p->value);
    }
    return NULL;
}

static int unknown_key(struct reader *r, const yaml_node_t *key, const struct field *fields, size_t n)
{
    char why[400];
    int at = snprintf(why, sizeof why, "there is no such key here; known are");
    for (size_t i = 0; i < n && at > 0 && (size_t)at < sizeof why; i++)
        at += snprintf(why + at, sizeof why - (size_t)at, " %s", fields[i].name);
    const char *name = text_of(key);
    char shown[64];
    (void)snprintf(shown, sizeof shown, "%.60s", name ? name : "");
    for (char *c = shown; *c; c++)
        *c = (unsigned char)*c < ' ' ? '?' : *c;
    return wrong(r, key, shown, why);
}

int take_fields(struct reader *r, const char *what, const struct field *fields, size_t n,
                const yaml_node_t *map)
{
    bool seen[FIELDS_MAX] = {false};
    if (map->type != YAML_MAPPING_NODE)
        return wrong(r, map, what, "keys and values are wanted, {key: value, ...}");
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = node_at(r, p->key);
        const char *name = text_of(key);
        size_t i = 0;
        while (i < n && (!name || strcmp(fields[i].name, name) != 0))
            i++;
        if (i == n)
            return unknown_key(r, key, fields, n);
        if (seen[i])
            return wrong(r, key, fields[i].name, "given twice: remove one");
        seen[i] = true;
        if (fields[i].take(r, &fields[i], node_at(r, p->value)) != 0)
            return -1;
    }
    for (size_t i = 0; i < n; i++)
        if (fields[i].needed && !seen[i]) {
            char why[128];
            (void)snprintf(why, sizeof why, "the key %s is missing: add it (%s)", fields[i].name, DOC);
            return wrong(r, map, what, why);
        }
    return 0;
}

// ---- kinds of values

static int parse_number(struct reader *r, const struct field *k, const yaml_node_t *v, uint64_t *out)
{
    const char *s = text_of(v);
    uint64_t x = 0;
    bool good = s && *s;
    for (const char *c = s; good && *c; c++)
        good = *c >= '0' && *c <= '9' && !__builtin_mul_overflow(x, (uint64_t)10, &x) &&
               !__builtin_add_overflow(x, (uint64_t)(*c - '0'), &x);
    if (good && x >= k->least && x <= k->most) {
        *out = x;
        return 0;
    }
    char why[96];
    (void)snprintf(why, sizeof why, "a whole number from %llu to %llu is wanted",
                   (unsigned long long)k->least, (unsigned long long)k->most);
    return wrong(r, v, k->name, why);
}

int without(struct reader *r, const yaml_node_t *map, const char *beside, const char *const *keys)
{
    for (; *keys; keys++) {
        const yaml_node_t *v = value_of(r, map, *keys);
        char why[96];
        (void)snprintf(why, sizeof why, "does nothing with %s: leave one out", beside);
        if (v)
            return wrong(r, v, *keys, why);
    }
    return 0;
}

int take_u64(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    return parse_number(r, k, v, k->to);
}

int take_u32(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    uint64_t x = 0;
    int rc = parse_number(r, k, v, &x);
    if (rc == 0)
        *(uint32_t *)k->to = (uint32_t)x;
    return rc;
}

int take_money(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    uint64_t x = 0;
    int rc = parse_number(r, k, v, &x);
    if (rc == 0)
        *(i128 *)k->to = (i128)x * SCENARIO_MONEY;
    return rc;
}

int take_cents(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    uint64_t x = 0;
    int rc = parse_number(r, k, v, &x);
    if (rc == 0)
        *(int64_t *)k->to = (int64_t)x * CENTS;
    return rc;
}

int take_bool(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const char *s = text_of(v);
    bool on = s && strcmp(s, "true") == 0;
    if (!s || (!on && strcmp(s, "false") != 0))
        return wrong(r, v, k->name, "true or false is wanted");
    *(bool *)k->to = on;
    return 0;
}

int take_text(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const char *s = text_of(v);
    bool good = s && s[0] && strlen(s) < k->most;
    for (const char *c = s; good && *c; c++)
        good = (unsigned char)*c >= ' ' && *c != 0x7F;
    if (!good) {
        char why[96];
        (void)snprintf(why, sizeof why, "text of 1 to %llu bytes in one line is wanted",
                       (unsigned long long)k->most - 1);
        return wrong(r, v, k->name, why);
    }
    memcpy(k->to, s, strlen(s) + 1);
    return 0;
}

int take_word(struct reader *r, const struct field *k, const yaml_node_t *v, const char *const *word,
              int *out)
{
    const char *s = text_of(v);
    char why[200];
    int at = snprintf(why, sizeof why, "one of these is wanted:");
    for (int i = 0; word[i]; i++) {
        if (s && strcmp(s, word[i]) == 0) {
            *out = i;
            return 0;
        }
        if (at > 0 && (size_t)at < sizeof why)
            at += snprintf(why + at, sizeof why - (size_t)at, " %s", word[i]);
    }
    return wrong(r, v, k->name, why);
}
