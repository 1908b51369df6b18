// SPDX-License-Identifier: Apache-2.0
// n counts on past OUTCOME_MAX without writing: who prints the outcome refuses it then (evaluate.c).
#include "protocols/protocol.h"

#include <stdio.h>

static void add(struct outcome *o, const char *name, const char *text, bool quoted)
{
    if (o->n < OUTCOME_MAX) {
        (void)snprintf(o->line[o->n].name, OUTCOME_NAME_MAX, "%s", name);
        (void)snprintf(o->line[o->n].text, OUTCOME_TEXT_MAX, "%s", text);
        o->line[o->n].quoted = quoted;
    }
    o->n++;
}

void outcome_u256(struct outcome *o, const char *name, u256 v)
{
    char text[U256_DIGITS_MAX];
    u256_format(v, text);
    add(o, name, text, false);
}

void outcome_i256(struct outcome *o, const char *name, i256 v)
{
    i256 magnitude = i256_abs(v); // -2^255 stays: read as unsigned it is 2^255
    u256 u = {{magnitude.w[0], magnitude.w[1], magnitude.w[2], magnitude.w[3]}};
    char text[U256_DIGITS_MAX + 1] = "-";
    u256_format(u, text + 1);
    add(o, name, i256_sign(v) < 0 ? text : text + 1, false);
}

void outcome_bool(struct outcome *o, const char *name, bool v)
{
    add(o, name, v ? "true" : "false", false);
}

void outcome_text(struct outcome *o, const char *name, const char *v)
{
    add(o, name, v, true);
}

const char *outcome_at(char buf[OUTCOME_NAME_MAX], const char *name, unsigned i, const char *field)
{
    (void)snprintf(buf, OUTCOME_NAME_MAX, "%s[%u].%s", name, i, field);
    return buf;
}
