// SPDX-License-Identifier: Apache-2.0
// What a run of the laboratory of liquidation found: facts, tables and charts in the order of the page. Made
// by what calculates (map.c, cascade.c, var.c, ...), drawn by page.c, written as JSON by result_json.c; none
// of them knows another. Offline only; one thread. Everything belongs to the result: lab_result_free() once.
#ifndef TRIPLINE_LAB_RESULT_H
#define TRIPLINE_LAB_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "page/kind.h"

enum lab_section { // of the page, in this order
    LAB_SUMMARY,
    LAB_MAP,        // value that becomes liquidatable against price
    LAB_CASCADE,    // over time: prices, liquidations, depth
    LAB_WATERFALL,  // fund, auto-deleveraging, socialised loss, deficit
    LAB_LOSSES,     // distribution, value at risk
    LAB_AUCTIONS,   // price curves, when it pays
    LAB_PREDICTION, // calibration
    LAB_SECTIONS
};

enum lab_shape { LAB_LINE, LAB_STEP, LAB_BARS, LAB_POINTS, LAB_AREA };

struct lab_series {
    char name[64];
    enum lab_shape shape;
    size_t n;
    double *x, *y;   // finite; x ascends for LAB_LINE, LAB_STEP, LAB_AREA
    size_t left_out; // points that were not finite
};
struct lab_chart {
    enum lab_section section;
    enum kind kind;
    char title[96], caption[400];  // the caption says what is assumed, and which kind of figure this is
    char x_label[64], y_label[64]; // with unit
    bool log_x, log_y;
    size_t n_series;
    struct lab_series *series;
};
struct lab_table {
    enum lab_section section;
    enum kind kind;
    char title[96], caption[400];
    size_t columns, rows, cells; // rows without the heads, the last one perhaps short; cells with the heads
    char (*cell)[96];            // [0 .. columns) are the heads, then row by row
};
struct lab_fact {
    enum lab_section section;
    enum kind kind;
    char name[64], value[128], note[200];
};
struct lab_result {
    char title[96], scenario[64], note[512]; // note: what it is of, under the title
    char *source;                            // the scenario's text, as it was run
    unsigned long long seed;
    size_t n_facts, n_charts, n_tables;
    struct lab_fact *fact;
    struct lab_chart *chart;
    struct lab_table *table;
    enum kind kind; // of what is added next
    bool failed;    // out of memory on the way: nothing is complete, and nothing is drawn or written
    // What the functions below give when memory is short, so that callers need not look: never drawn.
    struct lab_chart spare_chart;
    struct lab_series spare_series;
    struct lab_table spare_table;
};

void lab_result_init(struct lab_result *r);
void lab_result_free(struct lab_result *r);
// The scenario's text is copied.
void lab_source(struct lab_result *r, const char *text);
// What kind of figure (P7) everything is that is added from now on; until then it is modelled.
void lab_kind(struct lab_result *r, enum kind k);
// Texts that are too long are cut between two characters.
void lab_fact(struct lab_result *r, enum lab_section s, const char *name, const char *note,
              const char *format, ...) __attribute__((format(printf, 5, 6)));
// The chart is valid until the next one is added; never NULL.
struct lab_chart *lab_chart(struct lab_result *r, enum lab_section s, const char *title, const char *caption,
                            const char *x_label, const char *y_label);
// The series is valid until the next one of this chart is added; never NULL.
struct lab_series *lab_series(struct lab_result *r, struct lab_chart *c, const char *name,
                              enum lab_shape shape);
// Points that are not finite are counted and left out.
void lab_point(struct lab_result *r, struct lab_series *s, double x, double y);
// heads: `columns` (at least 1) names. Never NULL. Cells are added from left to right, row by row.
struct lab_table *lab_table(struct lab_result *r, enum lab_section s, const char *title, const char *caption,
                            size_t columns, const char *const *heads);
void lab_cell(struct lab_result *r, struct lab_table *t, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// A cell of row 0 .. rows - 1; "" where a short row has none.
const char *lab_table_cell(const struct lab_table *t, size_t row, size_t column);

// result_json.c: one JSON document, format "tripline-lab-1", names as here, all values of all series.
// 0, or -1: the result is not complete, or out cannot be written.
int lab_result_json(const struct lab_result *r, FILE *out);

#endif
