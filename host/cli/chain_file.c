// SPDX-License-Identifier: Apache-2.0
#include "cli/chain_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "chain/read.h"
#include "cli/number.h"
#include "evm/rpc_url.h"
#include "exec/evm/flash.h"

enum { SECRET_DIGITS = 64, TEXT_MAX = 4096 };
#define NS_A_SECOND UINT64_C(1000000000)
#define WEI_A_GWEI  UINT64_C(1000000000)

struct reader {
    const char *path;
    yaml_document_t doc;
    struct chain_file *f;
    struct err *e;
    bool flash, check_health, pay_out;
    uint64_t level;
};

struct field {
    const char *name;
    int (*take)(struct reader *r, const struct field *k, const yaml_node_t *v);
    void *to;
    uint64_t least, most, times; // of a number
    bool needed;
};

// ---- nodes of the document

static int wrong(struct reader *r, const yaml_node_t *at, const char *key, const char *why)
{
    return err_set(r->e, "%s:%zu: %s%s%s", r->path, at->start_mark.line + 1, key, key[0] ? ": " : "", why);
}

static int wrong_number(struct reader *r, const yaml_node_t *at, const struct field *k)
{
    char why[96];
    (void)snprintf(why, sizeof why, "a whole number from %llu to %llu is wanted",
                   (unsigned long long)k->least, (unsigned long long)k->most);
    return wrong(r, at, k->name, why);
}

// A scalar's text, NULL when it is none or has a zero in it.
static const char *text_of(const yaml_node_t *v)
{
    const char *s = v->type == YAML_SCALAR_NODE ? (const char *)v->data.scalar.value : NULL;
    return s && strlen(s) == v->data.scalar.length && v->data.scalar.length <= TEXT_MAX ? s : NULL;
}

static const yaml_node_t *node_at(struct reader *r, int index)
{
    return yaml_document_get_node(&r->doc, index);
}

// A copy that lives as long as the file's content; NULL with the reason.
static const char *keep(struct reader *r, const yaml_node_t *at, const char *key, const char *text)
{
    struct chain_file *f = r->f;
    char *copy = f->n_texts < CHAIN_FILE_TEXTS ? strdup(text) : NULL;
    if (!copy) {
        (void)wrong(r, at, key, "too much of it");
        return NULL;
    }
    f->text[f->n_texts++] = copy;
    return copy;
}

static size_t items(const yaml_node_t *v)
{
    return (size_t)(v->data.sequence.items.top - v->data.sequence.items.start);
}

static int take_fields(struct reader *r, const char *what, const struct field *fields, size_t n,
                       const yaml_node_t *map)
{
    bool seen[40] = {false};
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = node_at(r, p->key), *value = node_at(r, p->value);
        const char *name = text_of(key);
        size_t i = 0;
        while (i < n && (!name || strcmp(fields[i].name, name) != 0))
            i++;
        if (i == n)
            return wrong(r, key, what, "there is no such key; docs/chain_run.md lists them");
        if (seen[i])
            return wrong(r, key, fields[i].name, "given twice");
        seen[i] = true;
        if (fields[i].take(r, &fields[i], value) != 0)
            return -1;
    }
    for (size_t i = 0; i < n; i++)
        if (fields[i].needed && !seen[i]) {
            char why[128];
            (void)snprintf(why, sizeof why, "the key %s is missing", fields[i].name);
            return wrong(r, map, what, why);
        }
    return 0;
}

// ---- kinds of values

static int take_u64(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const char *s = text_of(v);
    uint64_t x;
    if (!s || number_parse(s, k->least, k->most, &x) != 0)
        return wrong_number(r, v, k);
    *(uint64_t *)k->to = x * k->times;
    return 0;
}

static int take_u32(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    uint64_t x = 0;
    const struct field wide = {.name = k->name, .to = &x, .least = k->least, .most = k->most, .times = 1};
    if (take_u64(r, &wide, v) != 0)
        return -1;
    *(uint32_t *)k->to = (uint32_t)x;
    return 0;
}

static int take_u128(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    uint64_t x = 0;
    const struct field narrow = {.name = k->name, .to = &x, .least = k->least, .most = k->most, .times = 1};
    if (take_u64(r, &narrow, v) != 0)
        return -1;
    *(u128 *)k->to = (u128)x * k->times;
    return 0;
}

static int take_bool(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const char *s = text_of(v);
    bool on = s && strcmp(s, "true") == 0;
    if (!s || (!on && strcmp(s, "false") != 0))
        return wrong(r, v, k->name, "true or false is wanted");
    *(bool *)k->to = on;
    return 0;
}

static int take_address(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const char *s = text_of(v);
    struct err why;
    if (!s || address_parse(s, k->to, &why) != 0)
        return wrong(r, v, k->name,
                     "an address is wanted: 0x and 40 hexadecimal digits, their case all the "
                     "same or as the checksum has it");
    return 0;
}

// Keys are files; digits of one must not get into a message.
static bool looks_secret(const char *s)
{
    size_t run = 0;
    for (; *s; s++) {
        run = isxdigit((unsigned char)*s) ? run + 1 : 0;
        if (run >= SECRET_DIGITS)
            return true;
    }
    return false;
}

static struct private_key *read_key(struct reader *r, const char *name, const yaml_node_t *v)
{
    const char *s = text_of(v);
    struct err why;
    if (!s || looks_secret(s)) {
        (void)wrong(r, v, name,
                    s ? "a key does not belong here, the name of the file that has it does (chmod "
                        "600); take it for known to others"
                      : "the name of a key file is wanted");
        return NULL;
    }
    struct private_key *k = key_from_file(s, &why);
    if (!k)
        (void)wrong(r, v, name, why.msg);
    return k;
}

static int take_keys(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct chain_file *f = r->f;
    if (v->type != YAML_SEQUENCE_NODE || items(v) == 0 || items(v) > CHAIN_FILE_KEYS)
        return wrong(r, v, k->name, "a list of 1 to 64 key files is wanted");
    for (const yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top; i++) {
        const yaml_node_t *item = node_at(r, *i);
        if (!(f->key[f->n_keys] = read_key(r, k->name, item)))
            return -1;
        size_t last = f->n_keys++;
        f->keys[last] = f->key[last];
        for (size_t j = 0; j < last; j++)
            if (address_equal(key_address(f->key[j]), key_address(f->key[last])))
                return wrong(r, item, k->name, "the same key as one before");
    }
    return 0;
}

static int take_url(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const char *s = text_of(v);
    struct rpc_url u;
    struct err why;
    if (!s || rpc_url_parse(s, &u, &why) != 0)
        return wrong(r, v, k->name, s ? why.msg : "a URL is wanted");
    *(const char **)k->to = keep(r, v, k->name, s);
    return *(const char **)k->to ? 0 : -1;
}

static int take_text(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const char *s = text_of(v);
    if (!s || !s[0])
        return wrong(r, v, k->name, "text is wanted");
    *(const char **)k->to = keep(r, v, k->name, s);
    return *(const char **)k->to ? 0 : -1;
}

// One line of an HTTP header.
static int take_header(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const char *s = text_of(v);
    char line[TEXT_MAX + 3];
    if (!s || !strchr(s, ':') || strpbrk(s, "\r\n"))
        return wrong(r, v, k->name, "one line of an HTTP header is wanted: \"Name: value\"");
    (void)snprintf(line, sizeof line, "%s\r\n", s);
    *(const char **)k->to = keep(r, v, k->name, line);
    return *(const char **)k->to ? 0 : -1;
}

// Each a URL, or a mapping with one.
static int take_urls(struct reader *r, const struct field *k, const yaml_node_t *v, struct rpc_config *to,
                     size_t max, size_t *n)
{
    if (v->type != YAML_SEQUENCE_NODE || items(v) == 0 || items(v) > max) {
        char why[64];
        (void)snprintf(why, sizeof why, "a list of 1 to %zu URLs is wanted", max);
        return wrong(r, v, k->name, why);
    }
    for (const yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top; i++) {
        const yaml_node_t *item = node_at(r, *i);
        struct rpc_config *c = &to[(*n)++];
        const struct field url = {.name = k->name, .to = &c->url};
        const struct field fields[] = {{.name = "url", .take = take_url, .to = &c->url, .needed = true},
                                       {.name = "header", .take = take_header, .to = &c->header},
                                       {.name = "ca_file", .take = take_text, .to = &c->ca_file}};
        int rc = item->type == YAML_MAPPING_NODE
                     ? take_fields(r, k->name, fields, sizeof fields / sizeof *fields, item)
                     : take_url(r, &url, item);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int take_nodes(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    return take_urls(r, k, v, r->f->node, NODES_MAX, &r->f->line.n_nodes);
}

static int take_builders(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    return take_urls(r, k, v, r->f->builder, RELAY_BUILDERS_MAX, &r->f->relay.n);
}

static int take_relay_key(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    return (r->f->relay_key = read_key(r, k->name, v)) ? 0 : -1;
}

static int take_relay(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct chain_file *f = r->f;
    const struct field fields[] = {
        {.name = "builders", .take = take_builders, .needed = true},
        {.name = "key", .take = take_relay_key, .needed = true},
        {.name = "private_only", .take = take_bool, .to = &f->line.orders.private_only},
    };
    if (v->type != YAML_MAPPING_NODE)
        return wrong(r, v, k->name, "builders, key and, if wanted, private_only belong here");
    if (take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v) != 0)
        return -1;
    f->relay.builder = f->builder;
    f->relay.key = f->relay_key;
    f->line.orders.relay = &f->relay;
    return 0;
}

static int take_pools(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct chain_file *f = r->f;
    if (v->type != YAML_SEQUENCE_NODE || items(v) > EXITS_POOLS_MAX)
        return wrong(r, v, k->name, "a list of at most 128 pairs of the exchange is wanted");
    for (const yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top; i++) {
        const yaml_node_t *item = node_at(r, *i);
        struct chain_pool_config *p = &f->pool[f->line.n_pools++];
        const struct field fields[] = {
            {.name = "pair", .take = take_address, .to = &p->pair, .needed = true},
            {.name = "keep", .take = take_u32, .to = &p->keep, .least = 1, .most = 10000},
            {.name = "of", .take = take_u32, .to = &p->of, .least = 1, .most = 10000},
            {.name = "gas", .take = take_u32, .to = &p->gas, .least = 1, .most = 10000000},
        };
        if (item->type != YAML_MAPPING_NODE)
            return wrong(r, item, k->name, "each is a mapping: pair, and if wanted keep, of, gas");
        if (take_fields(r, k->name, fields, sizeof fields / sizeof *fields, item) != 0)
            return -1;
        if ((p->keep == 0) != (p->of == 0) || p->keep > p->of || 2 * p->keep < p->of)
            return wrong(r, item, k->name, "keep and of belong together; keep is from half of `of` up to it");
    }
    return 0;
}

static int take_tips(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct gateway_evm_config *o = &r->f->line.orders;
    if (v->type != YAML_SEQUENCE_NODE || items(v) == 0 || items(v) > SIGNED_TIPS)
        return wrong(r, v, k->name, "a list of 1 to 4 numbers is wanted, rising");
    o->n_tips = 0;
    for (const yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top; i++) {
        const struct field one = {
            .name = k->name, .to = &o->tip_ppm[o->n_tips], .least = 0, .most = 100000000, .times = 1};
        if (take_u32(r, &one, node_at(r, *i)) != 0)
            return -1;
        if (o->n_tips && o->tip_ppm[o->n_tips] <= o->tip_ppm[o->n_tips - 1])
            return wrong(r, node_at(r, *i), k->name, "not more than the one before");
        o->n_tips++;
    }
    return 0;
}

static int take_path(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const char *s = text_of(v);
    if (!s || !s[0] || strlen(s) >= CHAIN_FILE_PATH)
        return wrong(r, v, k->name, "the name of a file is wanted");
    (void)snprintf(k->to, CHAIN_FILE_PATH, "%s", s);
    return 0;
}

// ---- the file

static int take_all(struct reader *r, const yaml_node_t *root)
{
    struct chain_file *f = r->f;
    struct chain_line_config *l = &f->line;
    struct gateway_evm_config *o = &l->orders;
    struct sender_config *s = &o->sender;
    uint64_t audit = l->audit, confirmations = 0, depth = 0;
    const struct field fields[] = {
        {"nodes", take_nodes, NULL, 0, 0, 0, true},
        {"chain_id", take_u64, &l->chain_id, 1, INT64_MAX, 1, true},
        {"pool", take_address, &l->lender, 0, 0, 0, true},
        {"liquidator", take_address, &o->contract, 0, 0, 0, true},
        {"router", take_address, &o->router, 0, 0, 0, true},
        {"native", take_address, &l->native, 0, 0, 0, true},
        {"keys", take_keys, NULL, 0, 0, 0, true},
        {"pools", take_pools, NULL, 0, 0, 0, false},
        {"relay", take_relay, NULL, 0, 0, 0, false},
        {"txlog", take_path, f->txlog, 0, 0, 0, false},
        {"confirmations", take_u64, &confirmations, 1, 1000, 1, false},
        {"bump_after_s", take_u64, &s->bump_after_ns, 1, 86400, NS_A_SECOND, false},
        {"give_up_s", take_u64, &s->give_up_ns, 1, 86400, NS_A_SECOND, false},
        {"fee_max_gwei", take_u128, &s->fee_max, 1, 100000000, WEI_A_GWEI, false},
        {"depth", take_u64, &depth, 1, WALLET_DEPTH_MAX, 1, false},
        {"expires_s", take_u64, &o->expires_ns, 1, 3600, NS_A_SECOND, false},
        {"max_wait_ms", take_u32, &o->max_wait_ms, 1, 600000, 1, false},
        {"tips", take_tips, NULL, 0, 0, 0, false},
        {"level", take_u64, &r->level, 0, SIGNED_TIPS - 1, 1, false},
        {"batch", take_bool, &o->batch, 0, 0, 0, false},
        {"flash", take_bool, &r->flash, 0, 0, 0, false},
        {"check_health", take_bool, &r->check_health, 0, 0, 0, false},
        {"pay_out", take_bool, &r->pay_out, 0, 0, 0, false},
        {"pending", take_bool, &l->pending, 0, 0, 0, false},
        {"audit", take_u64, &audit, 0, CHAIN_READ_ACCOUNTS, 1, false},
        {"verify_blocks", take_u32, &l->verify_blocks, 1, 1000, 1, false},
        {"stall_s", take_u64, &l->stall_ns, 0, 86400, NS_A_SECOND, false},
    };
    if (!root || root->type != YAML_MAPPING_NODE)
        return err_set(r->e, "%s: no keys in it; docs/chain_run.md lists them", r->path);
    if (take_fields(r, "", fields, sizeof fields / sizeof *fields, root) != 0)
        return -1;
    l->audit = (unsigned)audit;
    s->confirmations = (unsigned)confirmations;
    s->depth = (unsigned)depth;
    if (l->stall_ns == 0)
        l->stall_ns = UINT64_MAX;
    return 0;
}

static int conclude(struct reader *r)
{
    struct chain_file *f = r->f;
    struct gateway_evm_config *o = &f->line.orders;
    if (r->level >= o->n_tips)
        return err_set(r->e, "%s: level: %llu; there are %u tips, counted from 0", r->path,
                       (unsigned long long)r->level, o->n_tips);
    for (size_t i = 0; f->relay_key && i < f->n_keys; i++)
        if (address_equal(key_address(f->relay_key), key_address(f->key[i])))
            return err_set(r->e, "%s: relay: its key is one that sends transactions; make another", r->path);
    o->level = (unsigned)r->level;
    o->flags = (uint8_t)((r->flash ? FLASH_LOAN : 0) | (r->check_health ? FLASH_CHECK_HEALTH : 0) |
                         (r->pay_out ? FLASH_PAY_OUT : 0));
    o->key = f->keys;
    o->n_keys = f->n_keys;
    f->line.node = f->node;
    f->line.pool = f->pool;
    return 0;
}

static int load(struct reader *r, FILE *in)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return err_set(r->e, "out of memory for %s", r->path);
    yaml_parser_set_input_file(&parser, in);
    int rc = 0;
    if (!yaml_parser_load(&parser, &r->doc)) {
        // The parser's own words name what it wanted, never what it read.
        rc = err_set(r->e, "%s:%zu: not YAML: %s", r->path, parser.problem_mark.line + 1,
                     parser.problem ? parser.problem : "it cannot be read");
    } else {
        rc = take_all(r, yaml_document_get_root_node(&r->doc)) != 0 || conclude(r) != 0 ? -1 : 0;
        yaml_document_delete(&r->doc);
    }
    yaml_parser_delete(&parser);
    return rc;
}

int chain_file_read(const char *path, struct chain_file *f, struct err *e)
{
    struct reader r = {.path = path, .f = f, .e = e, .flash = true, .check_health = true};
    memset(f, 0, sizeof *f);
    f->line.audit = 2;
    f->line.stall_ns = 60 * NS_A_SECOND;
    f->line.orders.n_tips = 1;
    f->line.orders.tip_ppm[0] = 1000000;
    f->line.orders.batch = true;
    FILE *in = fopen(path, "re");
    if (!in)
        return err_set(e, "%s: %s", path, strerror(errno));
    int rc = load(&r, in);
    (void)fclose(in);
    return rc;
}

void chain_file_free(struct chain_file *f)
{
    for (size_t i = 0; i < f->n_keys; i++)
        key_free(f->key[i]);
    key_free(f->relay_key);
    for (size_t i = 0; i < f->n_texts; i++) {
        explicit_bzero(f->text[i], strlen(f->text[i])); // URLs and headers may hold a provider's key
        free(f->text[i]);
    }
    memset(f, 0, sizeof *f);
}
