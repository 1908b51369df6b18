// SPDX-License-Identifier: Apache-2.0
// Keys and values of a scenario's YAML, each with the line that an error names. Only host/lab/scenario*.c.
#ifndef TRIPLINE_LAB_SCENARIO_YAML_H
#define TRIPLINE_LAB_SCENARIO_YAML_H

#include <yaml.h>

#include "lab/scenario.h"

struct reader {
    const char *path;
    yaml_document_t doc;
    struct lab_scenario *s;
    struct err *e;
};
struct field {
    const char *name;
    int (*take)(struct reader *r, const struct field *k, const yaml_node_t *v);
    void *to;
    uint64_t least, most, times; // of a number; of a text: size of `to` in `most`
    bool needed;
};

// Sets the error "file:line: key: why"; -1.
int wrong(struct reader *r, const yaml_node_t *at, const char *key, const char *why);
const char *text_of(const yaml_node_t *v); // NULL: no scalar, or one with a NUL
const yaml_node_t *node_at(struct reader *r, int index);
// NULL: it has no such key.
const yaml_node_t *value_of(struct reader *r, const yaml_node_t *map, const char *name);

// Each key at most once, those that are needed at all. `what`: the mapping's own key. 0, or -1 with the
// error.
int take_fields(struct reader *r, const char *what, const struct field *fields, size_t n,
                const yaml_node_t *map);
// Of a list of keys, NULL at its end, that have no meaning beside `beside`: none may be there.
int without(struct reader *r, const yaml_node_t *map, const char *beside, const char *const *keys);

// One value into k->to, within k's range. 0, or -1 with the error.
int take_u64(struct reader *r, const struct field *k, const yaml_node_t *v);
int take_u32(struct reader *r, const struct field *k, const yaml_node_t *v);
int take_money(struct reader *r, const struct field *k, const yaml_node_t *v);
int take_cents(struct reader *r, const struct field *k, const yaml_node_t *v);
int take_bool(struct reader *r, const struct field *k, const yaml_node_t *v);
int take_text(struct reader *r, const struct field *k, const yaml_node_t *v);
// One of a list of words, NULL at its end; its number into an int.
int take_word(struct reader *r, const struct field *k, const yaml_node_t *v, const char *const *word,
              int *out);

#endif
