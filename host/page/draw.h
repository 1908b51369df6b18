// SPDX-License-Identifier: Apache-2.0
// Numbers as a reader wants them, escaped text, and the few shapes of SVG that the charts are made of.
// Coordinates are units of the drawing, which is CHART_WIDTH wide however large it is shown. Colours are
// classes of style.c. Everything is written to a FILE whose errors the caller checks at the end. One thread.
#ifndef TRIPLINE_PAGE_DRAW_H
#define TRIPLINE_PAGE_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CHART_WIDTH = 840, COLOURS = 10 };

struct num {
    char text[48];
};
struct num num_count(double v); // "1,234,567"; below 100 one decimal, where it has one; NAN: a dash
struct num num_ns(double ns);   // three digits and the unit: "412 ns", "1.31 µs", "48.2 ms"
struct num num_tick(double ns); // of an axis: "50 ns", "2 µs"
struct num num_pps(double pps); // of an axis: "20 k", "1.5 M"
// Any number in at most five digits: "12,346", "0.0312", "1.25 M", "3.1×10⁻⁷"; never longer than 16 columns.
// What is not finite: a dash.
struct num num_value(double v);
// The label of a tick: of a linear axis with so many decimals as its step wants and the unit of its largest
// end, so that all labels of an axis are alike; of a logarithmic one each with its own.
struct axis;
struct num num_of_axis(const struct axis *a, double v);

// Text with <, >, &, quotes escaped, and what is no UTF-8 or no character of XML replaced.
void put_text(FILE *f, const char *text);
// The same; whole numbers of five digits and more get thousands commas, and a minus before a number its sign.
void put_figures(FILE *f, const char *text);
// How many columns it takes in a font of even width.
size_t text_columns(const char *text);
// At most that many columns (4 to 30) of it; what is cut ends in an ellipsis.
struct short_text {
    char text[128];
};
struct short_text shorten(const char *text, size_t columns);

// `what`: says to a screen reader what the drawing shows. Ends with svg_end().
void svg_begin(FILE *f, double height, const char *what);
void svg_end(FILE *f);
__attribute__((format(printf, 5, 6))) void svg_text(FILE *f, double x, double y, const char *class,
                                                    const char *fmt, ...);
void svg_line(FILE *f, const char *class, double x0, double y0, double x1, double y1);
void svg_box(FILE *f, const char *class, double x, double y, double width, double height);

// From a value to a coordinate.
struct axis {
    double lo, hi;   // values, lo < hi; with `log` above 0
    double from, to; // coordinates
    bool log;
};
double axis_at(const struct axis *a, double v); // values beyond the ends: the ends
// Ends and ticks that suit values from lo to hi, finite; of axis_log() above 0.
void axis_log(struct axis *a, double lo, double hi);
void axis_linear(struct axis *a, double hi);          // from 0 to hi itself
void axis_span(struct axis *a, double lo, double hi); // any signs, ends on ticks; equal: room around them
double axis_step(const struct axis *a);               // from tick to tick of a linear axis
// Up to most ticks, a dozen or so; how many.
size_t axis_ticks(const struct axis *a, double *tick, size_t most);
// Grid lines and labels of a y axis in ns, over x from left to right.
void axis_y_ns(FILE *f, const struct axis *y, double left, double right);

// A label beside a point: where it would best be, and where it is put.
struct label {
    double y;          // wanted; afterwards where it is put
    double x0, y0;     // of the point, when a line leads there (set by the caller)
    const char *class; // colour
    char text[128];
};
// Moves labels apart, so that they are `gap` from each other and between top and bottom; sorts them by y.
void labels_spread(struct label *l, size_t n, double top, double bottom, double gap);

#endif
