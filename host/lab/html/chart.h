// SPDX-License-Identifier: Apache-2.0
// One chart as SVG, with its legend, read-outs and the table of its values. Series are told apart by colour
// and by the line's dashes, the point's shape or the bar's hatch.
#ifndef TRIPLINE_LAB_HTML_CHART_H
#define TRIPLINE_LAB_HTML_CHART_H

#include <stdio.h>

#include "lab/result.h"
#include "page/draw.h"

struct lab_frame {
    const struct lab_chart *chart;
    size_t number; // of the chart on the page: for names of hatches
    struct axis x, y;
    double bar; // width of one bar, in units of the drawing
    size_t bars, undrawn;
};

// chart.c: the whole figure. 0, or -1: out of memory.
int lab_draw_chart(FILE *f, const struct lab_chart *c, size_t number);

// frame.c: axes that suit the chart's values. False: there is nothing to draw.
bool lab_frame_fit(struct lab_frame *g, const struct lab_chart *c, size_t number);
void lab_frame_axes(FILE *f, const struct lab_frame *g);
// A logarithmic axis has no place for zero and less.
bool lab_drawable(const struct lab_chart *c, double x, double y);

// shapes.c: one series; a sample of it for the legend. 0, or -1: out of memory.
int lab_draw_series(FILE *f, const struct lab_frame *g, size_t i);
void lab_draw_key(FILE *f, const struct lab_frame *g, size_t i);
void lab_draw_hatches(FILE *f, const struct lab_frame *g);

// thin.c: which points of a series are enough for a drawing: of each column a unit wide the first, the last,
// the highest and the lowest; of a cloud one a cell, and its four ends. Indices ascend. How many, at most
// s->n; at: room for that many; SIZE_MAX: out of memory.
size_t lab_thin(const struct lab_frame *g, const struct lab_series *s, size_t *at);

// values.c: the table of a chart's values, behind a fold. 0, or -1: out of memory.
int lab_values(FILE *f, const struct lab_chart *c);

// style.c
void lab_style(FILE *f);
void lab_script(FILE *f);

#endif
