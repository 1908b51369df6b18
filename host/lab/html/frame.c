// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "lab/html/chart.h"

enum { LEFT_LEAST = 52, RIGHT = 810, TOP = 30, BOTTOM = 310, BAR_MOST = 56, TICKS = 32 };
static const double COLUMN = 6.4, FAR = 1e300;

struct range {
    double lo, hi;
    bool any;
};

bool lab_drawable(const struct lab_chart *c, double x, double y)
{
    return (!c->log_x || x > 0) && (!c->log_y || y > 0);
}

static void widen(struct range *r, double v)
{
    v = fmin(fmax(v, -FAR), FAR);
    r->lo = !r->any || v < r->lo ? v : r->lo;
    r->hi = !r->any || v > r->hi ? v : r->hi;
    r->any = true;
}

static void ranges(struct lab_frame *g, struct range *x, struct range *y)
{
    const struct lab_chart *c = g->chart;
    for (size_t i = 0; i < c->n_series; i++) {
        const struct lab_series *s = &c->series[i];
        g->bars += s->shape == LAB_BARS;
        for (size_t k = 0; k < s->n; k++) {
            // A bar of no height is drawn by leaving it out.
            if (!lab_drawable(c, s->x[k], s->y[k])) {
                g->undrawn += !(s->shape == LAB_BARS && s->y[k] == 0);
                continue;
            }
            widen(x, s->x[k]);
            widen(y, s->y[k]);
            if (!c->log_y && (s->shape == LAB_BARS || s->shape == LAB_AREA))
                widen(y, 0);
        }
    }
}

// ---- y

static void fit_y(struct lab_frame *g, const struct range *r)
{
    g->y = (struct axis){.from = BOTTOM, .to = TOP};
    if (g->chart->log_y) {
        axis_log(&g->y, fmax(r->lo, 1e-300) * (g->bars ? 0.7 : 1), r->hi);
        return;
    }
    // Zero belongs to what is not small beside its distance from it.
    double lo = r->lo > 0 && r->lo < 0.5 * r->hi ? 0 : r->lo,
           hi = r->hi < 0 && r->hi > 0.5 * r->lo ? 0 : r->hi;
    axis_span(&g->y, lo, hi);
}

static double left_of(const struct axis *y)
{
    double tick[TICKS];
    size_t n = axis_ticks(y, tick, TICKS), most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t columns = text_columns(num_of_axis(y, tick[i]).text);
        most = columns > most ? columns : most;
    }
    return fmax(LEFT_LEAST, (double)most * COLUMN + 16);
}

// ---- x, and how wide bars are

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The least distance between two places of bars, as a share of the axis; 1: there is one place only. Each
// series ascends nearly always, so only neighbours within one are compared.
static double least_gap(const struct lab_frame *g)
{
    double least = 1;
    for (size_t i = 0; i < g->chart->n_series; i++) {
        const struct lab_series *s = &g->chart->series[i];
        for (size_t k = 1; s->shape == LAB_BARS && k < s->n; k++) {
            double pair[2] = {s->x[k - 1], s->x[k]};
            qsort(pair, 2, sizeof *pair, by_value);
            if (!lab_drawable(g->chart, pair[0], s->y[k - 1]) || !lab_drawable(g->chart, pair[0], s->y[k]))
                continue;
            double gap = (axis_at(&g->x, pair[1]) - axis_at(&g->x, pair[0])) / (g->x.to - g->x.from);
            least = gap > 0 && gap < least ? gap : least;
        }
    }
    return least;
}

static void fit_x(struct lab_frame *g, const struct range *r)
{
    g->x = (struct axis){.from = left_of(&g->y), .to = RIGHT};
    if (g->chart->log_x) {
        axis_log(&g->x, fmax(r->lo, 1e-300), r->hi);
    } else {
        axis_span(&g->x, r->lo, r->hi);
        if (r->hi - r->lo > (fabs(r->hi) + fabs(r->lo)) * 1e-7) { // an x axis ends with its values
            g->x.lo = r->lo;
            g->x.hi = r->hi;
        }
    }
    if (!g->bars)
        return;
    double gap = least_gap(g);
    // Half a bar stands out on each side: the values' part of the axis becomes smaller.
    double room = fmin(gap / (1 + gap) / 2, 0.06) * (g->x.to - g->x.from);
    g->x.from += room;
    g->x.to -= room;
    g->bar = fmin(fmin(gap * (g->x.to - g->x.from), 2 * room) * 0.86 / (double)g->bars, BAR_MOST);
    g->bar = fmax(g->bar, 1);
}

bool lab_frame_fit(struct lab_frame *g, const struct lab_chart *c, size_t number)
{
    struct range x = {0}, y = {0};
    *g = (struct lab_frame){.chart = c, .number = number};
    ranges(g, &x, &y);
    if (!x.any)
        return false;
    fit_y(g, &y);
    fit_x(g, &x);
    return true;
}

// ---- grid and labels

static void x_labels(FILE *f, const struct axis *x)
{
    double tick[TICKS];
    size_t n = axis_ticks(x, tick, TICKS), most = 1;
    for (size_t i = 0; i < n; i++) {
        size_t columns = text_columns(num_of_axis(x, tick[i]).text);
        most = columns > most ? columns : most;
    }
    double apart = n > 1 ? fabs(axis_at(x, tick[1]) - axis_at(x, tick[0])) : RIGHT;
    for (size_t i = 2; i < n; i++) // 1, 2, 5: not all gaps are alike
        apart = fmin(apart, fabs(axis_at(x, tick[i]) - axis_at(x, tick[i - 1])));
    size_t every = (size_t)ceil(((double)most * COLUMN + 10) / fmax(apart, 1));
    for (size_t i = 0; i < n; i++) {
        double at = axis_at(x, tick[i]);
        svg_line(f, "base", at, BOTTOM, at, BOTTOM + 5);
        if (i % every == 0)
            svg_text(f, at, BOTTOM + 19, "tick mid", "%s", num_of_axis(x, tick[i]).text);
    }
}

void lab_frame_axes(FILE *f, const struct lab_frame *g)
{
    double tick[TICKS], left = left_of(&g->y);
    size_t n = axis_ticks(&g->y, tick, TICKS);
    fprintf(f,
            "<rect class=\"hit\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" data-x=\"%s %.9g %.9g %.1f "
            "%.1f\" "
            "data-y=\"%s %.9g %.9g %d %d\"/>\n",
            left, TOP, RIGHT - left, BOTTOM - TOP, g->x.log ? "log" : "linear", g->x.lo, g->x.hi, g->x.from,
            g->x.to, g->y.log ? "log" : "linear", g->y.lo, g->y.hi, BOTTOM, TOP);
    for (size_t i = 0; i < n; i++) {
        double at = axis_at(&g->y, tick[i]);
        svg_line(f, tick[i] == 0 && !g->y.log ? "base" : "grid", left, at, RIGHT, at);
        svg_text(f, left - 8, at + 4, "tick end", "%s", num_of_axis(&g->y, tick[i]).text);
    }
    svg_line(f, "base", left, BOTTOM, RIGHT, BOTTOM);
    x_labels(f, &g->x);
    svg_text(f, 2, 13, "what", "%s%s", g->chart->y_label, g->y.log ? ", logarithmic" : "");
    svg_text(f, (left + RIGHT) / 2, BOTTOM + 40, "what mid", "%s%s", g->chart->x_label,
             g->x.log ? ", logarithmic" : "");
}
