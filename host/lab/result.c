// SPDX-License-Identifier: Apache-2.0
#include "lab/result.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void lab_result_init(struct lab_result *r)
{
    *r = (struct lab_result){.kind = KIND_MODELLED};
}

static void free_chart(struct lab_chart *c)
{
    for (size_t i = 0; i < c->n_series; i++) {
        free(c->series[i].x);
        free(c->series[i].y);
    }
    free(c->series);
}

void lab_result_free(struct lab_result *r)
{
    for (size_t i = 0; i < r->n_charts; i++)
        free_chart(&r->chart[i]);
    for (size_t i = 0; i < r->n_tables; i++)
        free(r->table[i].cell);
    free(r->fact);
    free(r->chart);
    free(r->table);
    free(r->source);
    *r = (struct lab_result){.failed = true};
}

// Room for one more behind n elements. An array's room is the next power of two, so that n alone says when it
// is used up. NULL: out of memory, the old array is left.
static void *grown(struct lab_result *r, void *old, size_t n, size_t each)
{
    if (r->failed)
        return NULL;
    if (n & (n - 1))
        return old;
    void *new = n > SIZE_MAX / each / 2 ? NULL : realloc(old, (n ? 2 * n : 1) * each);
    r->failed = new == NULL;
    return new;
}

// What stands behind a text that was cut at `size` - 1 bytes: no part of a character.
static void end_whole(char *text, size_t size)
{
    size_t n = strlen(text), back = 0;
    if (n + 1 < size)
        return;
    while (back < 3 && back < n && ((unsigned char)text[n - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back == n)
        return;
    unsigned char head = (unsigned char)text[n - 1 - back];
    size_t want = head >= 0xF0 ? 3 : head >= 0xE0 ? 2 : head >= 0xC0 ? 1 : 0;
    if (want > back)
        text[n - 1 - back] = '\0';
}

static void set_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
    end_whole(to, size);
}

void lab_source(struct lab_result *r, const char *text)
{
    free(r->source);
    r->source = strdup(text);
    r->failed = r->failed || !r->source;
}

void lab_kind(struct lab_result *r, enum kind k)
{
    r->kind = k;
}

void lab_fact(struct lab_result *r, enum lab_section s, const char *name, const char *note,
              const char *format, ...)
{
    struct lab_fact *all = grown(r, r->fact, r->n_facts, sizeof *all);
    if (!all)
        return;
    r->fact = all;
    struct lab_fact *f = &all[r->n_facts++];
    *f = (struct lab_fact){.section = s, .kind = r->kind};
    set_text(f->name, sizeof f->name, name);
    set_text(f->note, sizeof f->note, note);
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(f->value, sizeof f->value, format, ap);
    va_end(ap);
    end_whole(f->value, sizeof f->value);
}

struct lab_chart *lab_chart(struct lab_result *r, enum lab_section s, const char *title, const char *caption,
                            const char *x_label, const char *y_label)
{
    struct lab_chart *all = grown(r, r->chart, r->n_charts, sizeof *all);
    if (!all)
        return &r->spare_chart;
    r->chart = all;
    struct lab_chart *c = &all[r->n_charts++];
    *c = (struct lab_chart){.section = s, .kind = r->kind};
    set_text(c->title, sizeof c->title, title);
    set_text(c->caption, sizeof c->caption, caption);
    set_text(c->x_label, sizeof c->x_label, x_label);
    set_text(c->y_label, sizeof c->y_label, y_label);
    return c;
}

struct lab_series *lab_series(struct lab_result *r, struct lab_chart *c, const char *name,
                              enum lab_shape shape)
{
    struct lab_series *all = grown(r, c->series, c->n_series, sizeof *all);
    if (!all)
        return &r->spare_series;
    c->series = all;
    struct lab_series *s = &all[c->n_series++];
    *s = (struct lab_series){.shape = shape};
    set_text(s->name, sizeof s->name, name);
    return s;
}

void lab_point(struct lab_result *r, struct lab_series *s, double x, double y)
{
    if (!isfinite(x) || !isfinite(y)) {
        s->left_out++;
        return;
    }
    double *xs = grown(r, s->x, s->n, sizeof *xs);
    if (!xs)
        return;
    s->x = xs;
    double *ys = grown(r, s->y, s->n, sizeof *ys);
    if (!ys)
        return;
    s->y = ys;
    xs[s->n] = x;
    ys[s->n++] = y;
}

struct lab_table *lab_table(struct lab_result *r, enum lab_section s, const char *title, const char *caption,
                            size_t columns, const char *const *heads)
{
    struct lab_table *all = grown(r, r->table, r->n_tables, sizeof *all);
    if (!all)
        return &r->spare_table;
    r->table = all;
    struct lab_table *t = &all[r->n_tables++];
    *t = (struct lab_table){.section = s, .kind = r->kind, .columns = columns};
    set_text(t->title, sizeof t->title, title);
    set_text(t->caption, sizeof t->caption, caption);
    for (size_t i = 0; i < columns; i++)
        lab_cell(r, t, "%s", heads[i]);
    return t;
}

void lab_cell(struct lab_result *r, struct lab_table *t, const char *format, ...)
{
    char(*all)[sizeof *t->cell] = grown(r, t->cell, t->cells, sizeof *all);
    if (!all)
        return;
    t->cell = all;
    char *text = all[t->cells++];
    t->rows = t->cells > t->columns ? (t->cells - 1) / t->columns : 0;
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof *all, format, ap);
    va_end(ap);
    end_whole(text, sizeof *all);
}

const char *lab_table_cell(const struct lab_table *t, size_t row, size_t column)
{
    size_t at = (row + 1) * t->columns + column;
    return at < t->cells ? t->cell[at] : "";
}
