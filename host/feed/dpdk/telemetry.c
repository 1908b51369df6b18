// SPDX-License-Identifier: Apache-2.0
#include "feed/dpdk/telemetry.h"

#include <ctype.h>
#include <pthread.h>
#include <rte_telemetry.h>
#include <rte_version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Commands cannot be taken back, and come without a context: found again by name.
static struct telemetry_table tables[TELEMETRY_TABLES];
static size_t n_tables;
static bool closed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const struct telemetry_table *find(const char *cmd)
{
    for (size_t i = 0; i < n_tables; i++)
        if (strcmp(tables[i].cmd, cmd) == 0)
            return &tables[i];
    return NULL;
}

static int add_number(struct rte_tel_data *d, const struct telemetry_field *f)
{
    if (f->negative) {
        // The library's signed numbers are ints; what is below them is as good as the lowest.
        int64_t v = (int64_t)f->value;
        return rte_tel_data_add_dict_int(d, f->key, v < INT32_MIN ? INT32_MIN : (int)v);
    }
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
    return rte_tel_data_add_dict_uint(d, f->key, f->value);
#else
    return rte_tel_data_add_dict_u64(d, f->key, f->value);
#endif
}

// Longest JSON of a row: quotes, colon, comma; numbers of 20 digits.
static size_t size_of(const struct telemetry_row *r)
{
    size_t n = strlen(r->name) + 8;
    for (unsigned i = 0; i < r->n; i++)
        n += strlen(r->field[i].key) + 6 + (r->field[i].text ? strlen(r->field[i].text) : 20);
    return n;
}

static int add_row(struct rte_tel_data *d, struct telemetry_row *r)
{
    struct rte_tel_data *row = rte_tel_data_alloc();
    int rc = row ? rte_tel_data_start_dict(row) : -1;
    for (unsigned i = 0; i < r->n && rc == 0; i++)
        rc = r->field[i].text ? rte_tel_data_add_dict_string(row, r->field[i].key, r->field[i].text)
                              : add_number(row, &r->field[i]);
    for (char *c = r->name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '/')
            *c = '_';
    if (rc == 0)
        rc = rte_tel_data_add_dict_container(d, r->name, row, 0);
    if (rc != 0)
        rte_tel_data_free(row);
    return rc;
}

static int answer(const struct telemetry_table *t, size_t first, struct rte_tel_data *d)
{
    static struct telemetry_row row;
    size_t used = 0;
    if (first == 0 && !t->begin(t->ctx))
        return -1;
    (void)rte_tel_data_start_dict(d);
    for (size_t i = first;; i++) {
        memset(&row, 0, sizeof row);
        if (!t->row(t->ctx, i, &row))
            return 0;
        used += size_of(&row);
        if (used > TELEMETRY_PAGE && i > first) {
            const struct telemetry_field next = {.key = "next", .value = i};
            return add_number(d, &next);
        }
        if (add_row(d, &row) != 0)
            return -1;
    }
}

static int on_request(const char *cmd, const char *params, struct rte_tel_data *d)
{
    unsigned long first = params ? strtoul(params, NULL, 10) : 0;
    int rc = -1;
    (void)pthread_mutex_lock(&lock);
    const struct telemetry_table *t = find(cmd);
    if (t && !closed)
        rc = answer(t, first, d);
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

int telemetry_add(const struct telemetry_table *t)
{
    int rc = -1;
    (void)pthread_mutex_lock(&lock);
    if (n_tables < TELEMETRY_TABLES) {
        tables[n_tables++] = *t;
        rc = 0;
    }
    (void)pthread_mutex_unlock(&lock);
    return rc == 0 ? rte_telemetry_register_cmd(t->cmd, on_request, t->help) : -1;
}

void telemetry_close(void)
{
    (void)pthread_mutex_lock(&lock);
    closed = true;
    (void)pthread_mutex_unlock(&lock);
}
