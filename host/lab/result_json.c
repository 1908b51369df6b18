// SPDX-License-Identifier: Apache-2.0
// The same facts, tables and charts as on the page, for other programs; here every value of every series.
#include "base/json_out.h"
#include "lab/result.h"

static const char *const SECTIONS[LAB_SECTIONS] = {"summary", "map",      "cascade",   "waterfall",
                                                   "losses",  "auctions", "prediction"};
static const char *const SHAPES[] = {"line", "step", "bars", "points", "area"};

static void facts(struct json_out *j, const struct lab_result *r)
{
    json_open(j, "facts", '[');
    for (size_t i = 0; i < r->n_facts; i++) {
        const struct lab_fact *f = &r->fact[i];
        json_open(j, NULL, '{');
        json_text(j, "section", SECTIONS[f->section]);
        json_text(j, "kind", kind_name(f->kind));
        json_text(j, "name", f->name);
        json_text(j, "value", f->value);
        json_text(j, "note", f->note);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void numbers(struct json_out *j, const char *name, const double *v, size_t n)
{
    json_open(j, name, '[');
    for (size_t i = 0; i < n; i++)
        json_real(j, NULL, v[i]);
    json_close(j, ']');
}

static void chart(struct json_out *j, const struct lab_chart *c)
{
    json_open(j, NULL, '{');
    json_text(j, "section", SECTIONS[c->section]);
    json_text(j, "kind", kind_name(c->kind));
    json_text(j, "title", c->title);
    json_text(j, "caption", c->caption);
    json_text(j, "x_label", c->x_label);
    json_text(j, "y_label", c->y_label);
    json_bool(j, "log_x", c->log_x);
    json_bool(j, "log_y", c->log_y);
    json_open(j, "series", '[');
    for (size_t i = 0; i < c->n_series; i++) {
        const struct lab_series *s = &c->series[i];
        json_open(j, NULL, '{');
        json_text(j, "name", s->name);
        json_text(j, "shape", SHAPES[s->shape]);
        json_whole(j, "left_out", s->left_out);
        numbers(j, "x", s->x, s->n);
        numbers(j, "y", s->y, s->n);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_close(j, '}');
}

static void table(struct json_out *j, const struct lab_table *t)
{
    json_open(j, NULL, '{');
    json_text(j, "section", SECTIONS[t->section]);
    json_text(j, "kind", kind_name(t->kind));
    json_text(j, "title", t->title);
    json_text(j, "caption", t->caption);
    json_open(j, "heads", '[');
    for (size_t i = 0; i < t->columns; i++)
        json_text(j, NULL, t->cell[i]);
    json_close(j, ']');
    json_open(j, "rows", '[');
    for (size_t row = 0; row < t->rows; row++) {
        json_open(j, NULL, '[');
        for (size_t i = 0; i < t->columns; i++)
            json_text(j, NULL, lab_table_cell(t, row, i));
        json_close(j, ']');
    }
    json_close(j, ']');
    json_close(j, '}');
}

int lab_result_json(const struct lab_result *r, FILE *out)
{
    struct json_out j;
    struct err e;
    if (r->failed)
        return -1;
    json_out_begin(&j, out);
    json_open(&j, NULL, '{');
    json_text(&j, "format", "tripline-lab-1");
    json_text(&j, "title", r->title);
    json_text(&j, "scenario", r->scenario);
    json_text(&j, "note", r->note);
    json_whole(&j, "seed", r->seed);
    json_text(&j, "source", r->source);
    facts(&j, r);
    json_open(&j, "charts", '[');
    for (size_t i = 0; i < r->n_charts; i++)
        chart(&j, &r->chart[i]);
    json_close(&j, ']');
    json_open(&j, "tables", '[');
    for (size_t i = 0; i < r->n_tables; i++)
        table(&j, &r->table[i]);
    json_close(&j, ']');
    json_close(&j, '}');
    return json_out_end(&j, &e);
}
