// SPDX-License-Identifier: Apache-2.0
// Digital signals cycle by cycle, in the look of docs/waves: a line for a bit, boxes for a bus, hatched where
// a bus has no value. A wave is broken into panels, so that
// its labels fit.
#include <math.h>
#include <string.h>

#include "bench/html/sections.h"

enum {
    NAME_WIDTH = 128,

    CYCLES_MAX = 208,
    SHOWN_MAX = 30,
    NAME_COLUMNS = 17,
    ROW = 28,
    HEIGHT = 18,
    TOP = 22,
    SLOPE = 3,
    PANEL_GAP = 18
};
static const double CHAR_WIDTH = 6.1; // of class `bus`
static const double CELL_MIN = 27, CELL_MAX = 76;

struct span {
    size_t first, end; // cycles
    double x0, cell;   // of cycle `first` of the panel; width of one
};

static double at(const struct span *s, size_t cycle)
{
    return s->x0 + (double)(cycle - s->first) * s->cell;
}

static const struct json *skip(const struct json *v, size_t n)
{
    while (v && n--)
        v = v->next;
    return v;
}

static const char *value_of(const struct json *v)
{
    return v->text ? v->text : ""; // of a null
}

static void bit(FILE *f, const struct json *v, const struct span *s, double y)
{
    fputs("<path class=\"wave\" d=\"", f);
    bool last = false;
    for (size_t i = s->first; i < s->end && v; i++, v = v->next) {
        bool high = *v->text == '1';
        double level = high ? y : y + HEIGHT;
        if (i == s->first)
            fprintf(f, "M%.1f %.1f", at(s, i), level);
        else if (high != last)
            fprintf(f, "L%.1f %.1f", at(s, i) + SLOPE, level);
        fprintf(f, "H%.1f", at(s, i + 1));
        last = high;
    }
    fputs("\"/>\n", f);
}

// Cuts a label that is wider than its box.
static void box_label(FILE *f, const char *text, double x0, double x1, double y)
{
    double room = (x1 - x0 - 2 * SLOPE - 2) / CHAR_WIDTH;
    size_t columns = room > SHOWN_MAX ? SHOWN_MAX : room > 0 ? (size_t)room : 0;
    if (columns >= 4 || text_columns(text) <= columns)
        svg_text(f, (x0 + x1) / 2, y + HEIGHT / 2.0 + 4, "bus mid", "%s", shorten(text, columns).text);
}

static void bus(FILE *f, const struct json *v, const struct span *s, double y)
{
    for (size_t i = s->first; i < s->end && v;) {
        const char *text = value_of(v);
        double x0 = at(s, i), x1, middle = y + HEIGHT / 2.0;
        while (i < s->end && v && strcmp(value_of(v), text) == 0) {
            v = v->next;
            i++;
        }
        x1 = at(s, i);
        fputs("<g><title>", f);
        put_text(f, text);
        fprintf(f, "</title><path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1fH%.1fL%.1f %.1fL%.1f %.1fH%.1fZ\"/>\n",
                *text ? "wave box" : "wave novalue", x0, middle, x0 + SLOPE, y, x1 - SLOPE, x1, middle,
                x1 - SLOPE, y + HEIGHT, x0 + SLOPE);
        if (*text)
            box_label(f, text, x0, x1, y);
        fputs("</g>\n", f);
    }
}

// A name that is cut is whole in its title.
static void signal_name(FILE *f, const char *name, double y)
{
    if (text_columns(name) > NAME_COLUMNS) {
        fputs("<g><title>", f);
        put_text(f, name);
        fputs("</title>", f);
    }
    svg_text(f, NAME_WIDTH - 10, y, "signal end", "%s", shorten(name, NAME_COLUMNS).text);
    if (text_columns(name) > NAME_COLUMNS)
        fputs("</g>\n", f);
}

static void panel(FILE *f, const struct json *signals, double cycle0, const struct span *s, double top,
                  double bottom)
{
    for (size_t i = s->first; i <= s->end; i++) {
        svg_line(f, "grid", at(s, i), top + TOP - 6, at(s, i), bottom);
        if (i < s->end)
            svg_text(f, at(s, i) + s->cell / 2, top + TOP - 10, "cycle mid", "%.0f", cycle0 + (double)i);
    }
    double y = top + TOP;
    for (const struct json *c = signals->child; c; c = c->next, y += ROW) {
        const struct json *v = skip(json_get(c, "values")->child, s->first);
        signal_name(f, json_get(c, "name")->text, y + HEIGHT / 2.0 + 4);
        if (strcmp(json_get(c, "kind")->text, "bit") == 0)
            bit(f, v, s, y);
        else
            bus(f, v, s, y);
    }
}

// The width of a cycle at which every label fits its box, between CELL_MIN and CELL_MAX.
static double cell_width(const struct json *signals)
{
    double most = CELL_MIN;
    for (const struct json *c = signals->child; c; c = c->next) {
        size_t run = 1;
        for (const struct json *v = json_get(c, "values")->child; v; v = v->next, run++) {
            if (v->next && strcmp(value_of(v), value_of(v->next)) == 0)
                continue;
            double need = ((double)text_columns(value_of(v)) * CHAR_WIDTH + 2 * SLOPE + 4) / (double)run;
            most = need > most ? need : most;
            run = 0;
        }
    }
    return most < CELL_MAX ? most : CELL_MAX;
}

void draw_wave(FILE *f, const struct json *signals, double cycle0, size_t cycles)
{
    size_t rows = 0, shown = cycles < CYCLES_MAX ? cycles : CYCLES_MAX;
    for (const struct json *c = signals->child; c; c = c->next)
        rows++;
    double wide = CHART_WIDTH - NAME_WIDTH - 8;
    size_t most = (size_t)(wide / cell_width(signals)), panels = (shown + most - 1) / most;
    size_t width = (shown + panels - 1) / panels;
    panels = (shown + width - 1) / width;
    double height = TOP + (double)rows * ROW, cell = wide / (double)width;
    svg_begin(f, (double)panels * (height + PANEL_GAP), "waveform of the device's signals");
    fputs("<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><path "
          "class=\"hatch\" d=\"M0 6L6 0\"/></pattern></defs>\n",
          f);
    for (size_t i = 0; i < panels; i++) {
        struct span s = {.first = i * width,
                         .end = (i + 1) * width < shown ? (i + 1) * width : shown,
                         .x0 = NAME_WIDTH,
                         .cell = cell};
        double top = (double)i * (height + PANEL_GAP);
        panel(f, signals, cycle0, &s, top, top + height);
    }
    svg_end(f);
    if (shown < cycles)
        put_par(f, "small", "The first %zu of %zu cycles.", shown, cycles);
}
