// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "lab/html/chart.h"

enum { DASHES = 5, FEW_DOTS = 24 };

// About 7 units across, drawn from the point on.
static const char *const DOTS[DASHES] = {
    "m-3,0a3,3 0 1,0 6,0a3,3 0 1,0-6,0z",
    "m-2.8,-2.8h5.6v5.6h-5.6z",
    "m0,-3.6l3.6,6.2h-7.2z",
    "m0,-4l4,4-4,4-4-4z",
    "m-1,-3.6h2v2.6h2.6v2h-2.6v2.6h-2v-2.6h-2.6v-2h2.6z",
};
// On a ground of the series' colour, in a tile of 7 by 7; the first is plain.
static const char *const HATCHES[DASHES] = {
    NULL,
    "M-1,1L1,-1M0,7L7,0M6,8L8,6",
    "M0,3.5H7",
    "M3.5,0V7",
    "M-1,1L1,-1M0,7L7,0M6,8L8,6M-1,6L1,8M0,0L7,7M6,-1L8,1",
};

static unsigned colour(size_t i)
{
    return (unsigned)(i % COLOURS);
}

// Dashes begin anew one further with each round of colours, so that no two of the first fifty are alike.
static unsigned dash(size_t i)
{
    return (unsigned)((i + i / COLOURS) % DASHES);
}

void lab_draw_hatches(FILE *f, const struct lab_frame *g)
{
    fputs("<defs>\n", f);
    for (size_t i = 0; i < g->chart->n_series; i++) {
        const struct lab_series *s = &g->chart->series[i];
        if ((s->shape != LAB_BARS && s->shape != LAB_AREA) || !HATCHES[dash(i)])
            continue;
        fprintf(f,
                "<pattern id=\"h%zu-%zu\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\"><rect "
                "class=\"f%u\" width=\"7\" height=\"7\"/><path class=\"hatchline\" d=\"%s\"/></pattern>\n",
                g->number, i, colour(i), HATCHES[dash(i)]);
    }
    fputs("</defs>\n", f);
}

static void put_fill(FILE *f, const struct lab_frame *g, size_t i)
{
    if (HATCHES[dash(i)])
        fprintf(f, " fill=\"url(#h%zu-%zu)\"", g->number, i);
    else
        fprintf(f, " style=\"fill:var(--c%u)\"", colour(i));
}

// The series' group, with what the read-out needs of it.
static void group(FILE *f, const struct lab_series *s, const size_t *at, size_t n)
{
    static const char *const names[] = {"line", "step", "bars", "points", "area"};
    fprintf(f, "<g class=\"series\" data-shape=\"%s\" data-n=\"", names[s->shape]);
    put_text(f, s->name);
    fputs("\" data-v=\"", f);
    for (size_t k = 0; k < n; k++)
        fprintf(f, "%s%.7g,%.7g", k ? " " : "", s->x[at[k]], s->y[at[k]]);
    fputs("\">\n", f);
}

static void points(FILE *f, const struct lab_frame *g, const struct lab_series *s, const size_t *at, size_t n)
{
    double before = 0;
    for (size_t k = 0; k < n; k++) {
        double x = axis_at(&g->x, s->x[at[k]]), y = axis_at(&g->y, s->y[at[k]]);
        if (k && s->shape == LAB_STEP)
            fprintf(f, "%.1f,%.1f ", x, before);
        fprintf(f, "%.1f,%.1f ", x, y);
        before = y;
    }
}

static double ground(const struct lab_frame *g)
{
    return axis_at(&g->y, g->y.log ? g->y.lo : 0);
}

static void dots(FILE *f, const struct lab_frame *g, size_t i, const size_t *at, size_t n)
{
    const struct lab_series *s = &g->chart->series[i];
    fprintf(f, "<path class=\"dots g%u%s\" d=\"", colour(i), n > 400 ? " many" : "");
    for (size_t k = 0; k < n; k++)
        fprintf(f, "M%.1f,%.1f%s", axis_at(&g->x, s->x[at[k]]), axis_at(&g->y, s->y[at[k]]), DOTS[dash(i)]);
    fputs("\"/>\n", f);
}

static void bars(FILE *f, const struct lab_frame *g, size_t i, const size_t *at, size_t n)
{
    const struct lab_series *s = &g->chart->series[i];
    double place = -(double)g->bars / 2, zero = ground(g);
    for (size_t k = 0; k < i; k++)
        place += g->chart->series[k].shape == LAB_BARS;
    fputs("<path class=\"bars\"", f);
    put_fill(f, g, i);
    fputs(" d=\"", f);
    for (size_t k = 0; k < n; k++) {
        double x = axis_at(&g->x, s->x[at[k]]) + place * g->bar, y = axis_at(&g->y, s->y[at[k]]);
        if (fabs(y - zero) >= 0.05)
            fprintf(f, "M%.1f,%.1fH%.1fV%.1fH%.1fz", x, zero, x + g->bar * 0.96, y, x);
    }
    fputs("\"/>\n", f);
}

static void line(FILE *f, const struct lab_frame *g, size_t i, const size_t *at, size_t n)
{
    const struct lab_series *s = &g->chart->series[i];
    if (s->shape == LAB_AREA) {
        fputs("<polygon class=\"area\"", f);
        put_fill(f, g, i);
        fprintf(f, " points=\"%.1f,%.1f ", axis_at(&g->x, s->x[at[0]]), ground(g));
        points(f, g, s, at, n);
        fprintf(f, "%.1f,%.1f\"/>\n", axis_at(&g->x, s->x[at[n - 1]]), ground(g));
    }
    fprintf(f, "<polyline class=\"curve c%u strong d%u\" points=\"", colour(i), dash(i));
    points(f, g, s, at, n);
    fputs("\"/>\n", f);
    if (n <= FEW_DOTS && s->shape != LAB_AREA)
        dots(f, g, i, at, n);
}

int lab_draw_series(FILE *f, const struct lab_frame *g, size_t i)
{
    const struct lab_series *s = &g->chart->series[i];
    size_t *at = malloc((s->n ? s->n : 1) * sizeof *at);
    size_t n = at ? lab_thin(g, s, at) : SIZE_MAX;
    if (n != SIZE_MAX && n > 0) {
        group(f, s, at, n);
        if (s->shape == LAB_POINTS)
            dots(f, g, i, at, n);
        else if (s->shape == LAB_BARS)
            bars(f, g, i, at, n);
        else
            line(f, g, i, at, n);
        fputs("</g>\n", f);
    }
    free(at);
    return n == SIZE_MAX ? -1 : 0;
}

void lab_draw_key(FILE *f, const struct lab_frame *g, size_t i)
{
    const struct lab_series *s = &g->chart->series[i];
    fputs("<svg class=\"key\" viewBox=\"0 0 34 14\" aria-hidden=\"true\">", f);
    if (s->shape == LAB_POINTS) {
        fprintf(f, "<path class=\"dots g%u\" d=\"M17,7%s\"/>", colour(i), DOTS[dash(i)]);
    } else if (s->shape == LAB_BARS || s->shape == LAB_AREA) {
        fprintf(f, "<path class=\"%s\"", s->shape == LAB_BARS ? "bars" : "area");
        put_fill(f, g, i);
        fputs(" d=\"M4,1H30V13H4z\"/>", f);
    }
    if (s->shape == LAB_AREA)
        fprintf(f, "<polyline class=\"curve c%u strong d%u\" points=\"4,1 30,1\"/>", colour(i), dash(i));
    if (s->shape == LAB_LINE || s->shape == LAB_STEP)
        fprintf(f, "<polyline class=\"curve c%u strong d%u\" points=\"1,7 33,7\"/>", colour(i), dash(i));
    if ((s->shape == LAB_LINE || s->shape == LAB_STEP) && s->n <= FEW_DOTS)
        fprintf(f, "<path class=\"dots g%u\" d=\"M17,7%s\"/>", colour(i), DOTS[dash(i)]);
    fputs("</svg>", f);
}
