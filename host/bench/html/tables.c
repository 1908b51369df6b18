// SPDX-License-Identifier: Apache-2.0
// Tables of every figure: the stages of each run, and what each run was and counted.
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bench/html/sections.h"

static void stage_row(FILE *f, const struct data_stage *s)
{
    fputs("<tr>", f);
    put_cell(f, "nowrap", s->name);
    fputs("<td>", f);
    for (const struct json *c = s->kinds ? s->kinds->child : NULL; c; c = c->next)
        for (unsigned k = 0; k < KIND_COUNT; k++)
            if (strcmp(c->text, kind_name((enum kind)k)) == 0)
                put_badge(f, (enum kind)k);
    if (!s->kinds)
        put_badge(f, s->kind);
    fputs("</td>", f);
    put_cell(f, "", s->unit);
    put_number(f, s->count);
    put_number(f, s->min);
    for (unsigned i = 0; i < PCT_MAX; i++)
        put_number(f, s->p[i]);
    put_number(f, s->max);
    put_number(f, s->mean);
    fputs("</tr>\n", f);
}

void stage_table(FILE *f, const struct data_stage *first, const struct data_stage *s, size_t n,
                 const struct data_stage *whole)
{
    table_begin(f, "stage|kind|unit|#count|#min|#p50|#p90|#p99|#p99.9|#p99.99|#p99.999|#max|#mean");
    if (first)
        stage_row(f, first);
    for (size_t i = 0; i < n; i++)
        stage_row(f, &s[i]);
    if (whole)
        stage_row(f, whole);
    table_end(f);
}

// ---- runs beside each other: a row for each property, a column for each run

struct property {
    const char *name;
    size_t at; // in struct data_run: a double, or a const char *
    bool text;
};
#define NUMBER(name, member)                                                                                 \
    {                                                                                                        \
        name, offsetof(struct data_run, member), false                                                       \
    }
#define TEXT(name, member)                                                                                   \
    {                                                                                                        \
        name, offsetof(struct data_run, member), true                                                        \
    }

static void property_rows(FILE *f, const struct bench_data *d)
{
    static const struct property rows[] = {
        TEXT("pace", mode),
        TEXT("open loop", open),
        TEXT("arrivals", arrivals),
        TEXT("cut short", interrupted),
        NUMBER("times the recorded speed", times),
        NUMBER("rate asked for, frames/s", rate_pps),
        NUMBER("offered, frames/s", offered_pps),
        NUMBER("done, frames/s", done_pps),
        NUMBER("passes over the load", passes),
        NUMBER("frames to warm up", warmup_frames),
        NUMBER("frames measured", frames),
        NUMBER("time measured, ns", elapsed_ns),
        NUMBER("most frames waiting", backlog_max),
        NUMBER("minor page faults", minor_faults),
        NUMBER("major page faults", major_faults),
        NUMBER("context switches, wanted", switches_wanted),
        NUMBER("context switches, forced", switches_forced),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fputs("<tr>", f);
        put_cell(f, "nowrap", rows[i].name);
        for (size_t j = 0; j < d->n_runs; j++) {
            const char *at = (const char *)&d->run[j] + rows[i].at;
            const char *text = rows[i].text ? *(const char *const *)(const void *)at : NULL;
            if (rows[i].text)
                put_cell(f, "n", text ? text : "\u2013");
            else
                put_number(f, *(const double *)(const void *)at);
        }
        fputs("</tr>\n", f);
    }
}

static void count_rows(FILE *f, const struct bench_data *d)
{
    const struct json *names = NULL; // every run counts the same
    for (size_t j = 0; j < d->n_runs && !names; j++)
        names = d->run[j].counts;
    for (const struct json *c = names ? names->child : NULL; c; c = c->next) {
        fputs("<tr>", f);
        put_cell(f, "nowrap", c->key);
        for (size_t j = 0; j < d->n_runs; j++) {
            const struct json *v = json_get(d->run[j].counts, c->key);
            put_number(f, v ? strtod(v->text, NULL) : NAN);
        }
        fputs("</tr>\n", f);
    }
}

static void runs_table(const struct page *p, size_t file)
{
    const struct bench_data *d = p->file[file];
    fputs("<h3>", p->f);
    put_file_mark(p, file);
    fputs("What each run was, and what it counted</h3>\n<div class=\"scroll\"><table "
          "class=\"runs\"><thead><tr><th></th>",
          p->f);
    for (size_t j = 0; j < d->n_runs; j++) {
        fputs("<th class=\"n\">", p->f);
        put_text(p->f, d->run[j].name);
        fputs("</th>", p->f);
    }
    fputs("</tr></thead><tbody>\n", p->f);
    property_rows(p->f, d);
    count_rows(p->f, d);
    table_end(p->f);
}

void section_figures(const struct page *p)
{
    section_begin(p, "figures", "All figures");
    put_par(p->f, "lead",
            "A dash: unknown, or too few samples for that percentile. Histograms have buckets at most 1/128 "
            "of their value wide: read three digits.");
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = 0; j < p->file[i]->n_runs; j++) {
            const struct data_run *r = &p->file[i]->run[j];
            fputs("<h3>", p->f);
            put_file_mark(p, i);
            put_text(p->f, r->name);
            fputs("</h3>\n", p->f);
            stage_table(p->f, NULL, r->stage, r->n_stages, NULL);
        }
        runs_table(p, i);
    }
    section_end(p);
}
