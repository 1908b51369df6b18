// SPDX-License-Identifier: Apache-2.0
// The values of a chart for who cannot see it or wants the numbers: all of them when they are few, else some
// that are evenly spaced, with the least and the greatest of each series.
#include <stdlib.h>
#include <string.h>

#include "lab/html/chart.h"
#include "page/parts.h"

enum { ALL = 60, SAMPLES = 40 };

static int by_index(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static bool same_x(const struct lab_chart *c)
{
    for (size_t i = 1; i < c->n_series; i++)
        if (c->series[i].n != c->series[0].n ||
            (c->series[0].n &&
             memcmp(c->series[i].x, c->series[0].x, c->series[0].n * sizeof *c->series[0].x) != 0))
            return false;
    return true;
}

// Rows to show of n_series series with the same number of values; room for SAMPLES + 2 of each, or ALL.
static size_t rows_of(const struct lab_series *s, size_t n_series, size_t *row)
{
    size_t n = 0, out = 0;
    if (s->n <= ALL) {
        for (; n < s->n; n++)
            row[n] = n;
        return n;
    }
    for (; n < SAMPLES; n++)
        row[n] = (size_t)((double)(s->n - 1) * (double)n / (SAMPLES - 1));
    for (size_t i = 0; i < n_series; i++) {
        size_t low = 0, high = 0;
        for (size_t k = 1; k < s[i].n; k++) {
            low = s[i].y[k] < s[i].y[low] ? k : low;
            high = s[i].y[k] > s[i].y[high] ? k : high;
        }
        row[n++] = low;
        row[n++] = high;
    }
    qsort(row, n, sizeof *row, by_index);
    for (size_t k = 0; k < n; k++)
        if (k == 0 || row[k] != row[k - 1])
            row[out++] = row[k];
    return out;
}

static void cell(FILE *f, double v)
{
    put_cell(f, "n", num_value(v).text);
}

static void heads(FILE *f, const struct lab_chart *c, bool wide)
{
    fputs("<div class=\"scroll\"><table><thead><tr>", f);
    if (!wide)
        fputs("<th>series</th>", f);
    fputs("<th class=\"n\">", f);
    put_text(f, c->x_label);
    fputs("</th>", f);
    for (size_t i = 0; i < (wide ? c->n_series : 1); i++) {
        fputs("<th class=\"n\">", f);
        put_text(f, wide && c->series[i].name[0] ? c->series[i].name : c->y_label);
        fputs("</th>", f);
    }
    fputs("</tr></thead><tbody>\n", f);
}

static void rows_wide(FILE *f, const struct lab_chart *c, size_t *row)
{
    size_t n = rows_of(c->series, c->n_series, row);
    for (size_t k = 0; k < n; k++) {
        fputs("<tr>", f);
        cell(f, c->series[0].x[row[k]]);
        for (size_t i = 0; i < c->n_series; i++)
            cell(f, c->series[i].y[row[k]]);
        fputs("</tr>\n", f);
    }
}

static void rows_long(FILE *f, const struct lab_chart *c, size_t *row)
{
    for (size_t i = 0; i < c->n_series; i++) {
        const struct lab_series *s = &c->series[i];
        size_t n = rows_of(s, 1, row);
        for (size_t k = 0; k < n; k++) {
            fputs("<tr>", f);
            put_cell(f, "", s->name);
            cell(f, s->x[row[k]]);
            cell(f, s->y[row[k]]);
            fputs("</tr>\n", f);
        }
    }
}

int lab_values(FILE *f, const struct lab_chart *c)
{
    size_t most = 0, total = 0;
    for (size_t i = 0; i < c->n_series; i++) {
        most = c->series[i].n > most ? c->series[i].n : most;
        total += c->series[i].n;
    }
    if (total == 0)
        return 0;
    size_t *row = malloc((ALL + SAMPLES + 2 * c->n_series) * sizeof *row);
    if (!row)
        return -1;
    bool wide = same_x(c);
    fputs("<details><summary>", f);
    if (most <= ALL)
        fputs("The values as a table", f);
    else
        fprintf(f, "Some of the %s values as a table, the least and the greatest with them",
                num_count((double)total).text);
    fputs("</summary>\n", f);
    heads(f, c, wide);
    if (wide)
        rows_wide(f, c, row);
    else
        rows_long(f, c, row);
    table_end(f);
    fputs("</details>\n", f);
    free(row);
    return 0;
}
