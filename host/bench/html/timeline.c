// SPDX-License-Identifier: Apache-2.0
// Co-simulated time: three kinds on one line, the waveform of the slowest tick, what-if.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/html/sections.h"

enum {
    LEFT = 8,
    RIGHT = 832,
    BAR_TOP = 22,
    BAR_HEIGHT = 34,
    LINE_HEIGHT = 80,
    NAME_RIGHT = 200,
    BAR = 10,
    WHATIF_ROW = 44,
    ALL_KINDS = (1 << KIND_COUNT) - 1,
    CHAR = 7
};

static enum kind kind_of(const struct data_timeline *t, const char *part)
{
    for (size_t i = 0; i < t->n_parts; i++)
        if (strcmp(t->part[i].name, part) == 0)
            return t->part[i].kind;
    return KIND_COUNT;
}

// One tick's parts do add up. What is too narrow for its name stands in the table alone.
static void kinds_line(FILE *f, const struct data_timeline *t)
{
    double sum = 0, x = LEFT;
    for (const struct json *c = t->slow_parts->child; c; c = c->next)
        sum += c->text ? strtod(c->text, NULL) : 0;
    if (!(sum > 0))
        return;
    svg_begin(f, LINE_HEIGHT, "the slowest tick: host, link and device on one line of time");
    for (const struct json *c = t->slow_parts->child; c; c = c->next) {
        double ns = c->text ? strtod(c->text, NULL) : 0, width = (RIGHT - LEFT) * ns / sum;
        enum kind k = kind_of(t, c->key);
        char class[16];
        snprintf(class, sizeof class, "step fk%u", (unsigned)k);
        svg_box(f, class, x, BAR_TOP, width, BAR_HEIGHT);
        if (width > CHAR * (double)text_columns(c->key) + 8) {
            svg_text(f, x + width / 2, BAR_TOP - 7, "what mid", "%s", c->key);
            svg_text(f, x + width / 2, BAR_TOP + BAR_HEIGHT / 2.0 + 4, "mid onstep", "%s", num_ns(ns).text);
        }
        x += width;
    }
    svg_text(f, RIGHT, LINE_HEIGHT - 6, "what end", "together %s%s", num_ns(sum).text,
             t->slow_waited > 0 ? ", without the waiting" : "");
    svg_end(f);
}

static void part_row(FILE *f, const char *name, unsigned kinds, double ns)
{
    fputs("<tr>", f);
    put_cell(f, "nowrap", name);
    fputs("<td>", f);
    put_badges(f, kinds);
    fputs("</td>", f);
    put_number(f, ns);
    fputs("</tr>\n", f);
}

static void parts_table(FILE *f, const struct data_timeline *t)
{
    table_begin(f, "part|kind|#ns");
    if (t->slow_waited >= 0)
        part_row(f, t->waited.name ? t->waited.name : "waiting", ALL_KINDS, t->slow_waited);
    for (const struct json *c = t->slow_parts->child; c; c = c->next) {
        double ns = c->text ? strtod(c->text, NULL) : 0;
        enum kind k = kind_of(t, c->key);
        part_row(f, c->key, k < KIND_COUNT ? 1u << k : 0, ns);
    }
    part_row(f, "together", ALL_KINDS, t->slow_ns);
    table_end(f);
}

static void slowest(const struct page *p, const struct data_timeline *t)
{
    fputs("<figure><figcaption>The slowest of these ticks", p->f);
    if (!isnan(t->slow_frame))
        fprintf(p->f, ", frame %s", num_count(t->slow_frame).text);
    fputs(" ", p->f);
    put_badges(p->f, ALL_KINDS);
    fputs("</figcaption>", p->f);
    if (t->slow_parts)
        kinds_line(p->f, t);
    fputs("</figure>\n", p->f);
    if (t->slow_parts)
        parts_table(p->f, t);
    fputs("<figure><figcaption>Inside the device, cycle by cycle ", p->f);
    put_badge(p->f, KIND_SIMULATED);
    if (!isnan(t->clock_mhz))
        fprintf(p->f, " at %s MHz: %s a cycle", num_count(t->clock_mhz).text,
                num_ns(1000 / t->clock_mhz).text);
    fputs("</figcaption>", p->f);
    if (t->signals)
        draw_wave(p->f, t->signals, isnan(t->cycle0) ? 0 : t->cycle0, (size_t)t->cycles);
    else
        put_par(p->f, "none", "Left out: the run kept no waveform.");
    fputs("</figure>\n", p->f);
}

// What is in the table, what is not, and whether its cycles are the RTL's.
static void counts(FILE *f, const struct data_timeline *t)
{
    if (!isnan(t->frames))
        put_par(f, "small",
                "In it: %s ticks that led to an order. Not in it: %s frames without one, %s that differ "
                "between the two "
                "runs, %s beyond the rows, %s without room.",
                num_count(t->frames).text, num_count(t->quiet).text, num_count(t->unmatched).text,
                num_count(t->not_fit).text, num_count(t->dropped).text);
    if (!t->has_check)
        return;
    put_par(f, "small",
            "The cycles follow from the commands by a formula, compared with the RTL's own stamps: %s events "
            "(%s of them "
            "triggers), of which %s differ; %s commands, of which %s were taken too early; %s events not "
            "compared.",
            num_count(t->events).text, num_count(t->triggers).text, num_count(t->differed).text,
            num_count(t->commands).text, num_count(t->early).text, num_count(t->apart).text);
    if (t->differed > 0 || t->early > 0)
        put_par(f, "none", "The formula does not hold: the device's parts and what-if are worth nothing.");
}

void section_timeline(const struct page *p)
{
    bool any = false;
    section_begin(p, "timeline", "Three kinds of time on one line");
    for (size_t i = 0; i < p->n; i++)
        any = any || p->file[i]->has_timeline;
    if (!any)
        put_par(p->f, "none",
                "Left out: no run was co-simulated (the device was not the RTL, or no link was stated).");
    else
        put_par(p->f, "lead",
                "What the host took is measured, what the device took is cycles of the RTL at a stated "
                "clock, and the link between them is a model. No sum of them is called measured.");
    for (size_t i = 0; i < p->n; i++) {
        const struct data_timeline *t = &p->file[i]->timeline;
        if (!p->file[i]->has_timeline)
            continue;
        fputs("<p class=\"small\">", p->f);
        put_file_mark(p, i);
        fprintf(p->f,
                "Device: %s lanes by %s slots at %s MHz. Link: %s ns to the card, %s ns from it, each up to "
                "%s %% longer, evenly distributed.</p>\n",
                num_count(t->lanes).text, num_count(t->slots).text, num_count(t->clock_mhz).text,
                num_count(t->write_ns).text, num_count(t->event_ns).text, num_count(t->jitter_pct).text);
        stage_table(p->f, t->waited.name ? &t->waited : NULL, t->part, t->n_parts, &t->whole);
        counts(p->f, t);
        if (t->has_slowest)
            slowest(p, t);
        else
            put_par(p->f, "none", "No line of the slowest tick: none was kept.");
    }
    section_end(p);
}

// ---- what-if

static void whatif_bars(FILE *f, const struct data_timeline *t)
{
    static const unsigned shown[] = {PCT_50, PCT_99};
    struct axis x = {.from = NAME_RIGHT, .to = RIGHT - 90};
    double most = 1;
    for (size_t i = 0; i < t->n_whatif; i++)
        for (unsigned k = 0; k < 2; k++)
            most = t->whatif[i].whole.p[shown[k]] > most ? t->whatif[i].whole.p[shown[k]] : most;
    axis_linear(&x, most);
    double height = 8 + (double)t->n_whatif * WHATIF_ROW;
    svg_begin(f, height, "what-if: the whole way, p50 and p99");
    for (size_t i = 0; i < t->n_whatif; i++) {
        const struct data_whatif *w = &t->whatif[i];
        double y = 8 + (double)i * WHATIF_ROW;
        svg_text(f, NAME_RIGHT - 12, y + BAR + 5, "name end", "%s", shorten(w->name, 28).text);
        for (unsigned k = 0; k < 2; k++) {
            double v = w->whole.p[shown[k]], top = y + k * (BAR + 3);
            if (isnan(v))
                continue;
            svg_box(f, k ? "soft" : "strongbar", NAME_RIGHT, top, axis_at(&x, v) - NAME_RIGHT, BAR);
            svg_text(f, axis_at(&x, v) + 6, top + BAR - 1, "value", "p%s %s", pct_name(shown[k]),
                     num_ns(v).text);
        }
    }
    svg_line(f, "base", NAME_RIGHT, 2, NAME_RIGHT, height - 10);
    svg_end(f);
}

// Device and whole apart: the one is simulated, the other holds all three kinds.
static void whatif_table(FILE *f, const struct data_timeline *t, bool whole)
{
    fputs(whole ? "<h3>The whole way " : "<h3>Of it the device ", f);
    put_badges(f, whole ? ALL_KINDS : 1u << KIND_SIMULATED);
    fputs("</h3>\n", f);
    table_begin(f, whole
                       ? "what if|#to the card, ns|#from it, ns|#jitter, %|#p50, "
                         "ns|#p90|#p99|#p99.9|#p99.99|#p99.999|#max"
                       : "what if|#clock, MHz|#lanes|#slots|#p50, ns|#p90|#p99|#p99.9|#p99.99|#p99.999|#max");
    for (size_t i = 0; i < t->n_whatif; i++) {
        const struct data_whatif *w = &t->whatif[i];
        fputs("<tr>", f);
        put_cell(f, "nowrap", w->name);
        put_number(f, whole ? w->write_ns : w->clock_mhz);
        put_number(f, whole ? w->event_ns : w->lanes);
        put_number(f, whole ? w->jitter_pct : w->slots);
        for (unsigned k = 0; k < PCT_COUNT; k++)
            put_number(f, (whole ? w->whole : w->device).p[k]);
        fputs("</tr>\n", f);
    }
    table_end(f);
}

void section_whatif(const struct page *p)
{
    bool any = false;
    section_begin(p, "whatif", "What if");
    for (size_t i = 0; i < p->n; i++)
        any = any || (p->file[i]->has_timeline && p->file[i]->timeline.n_whatif);
    if (!any)
        put_par(p->f, "none", "Left out: there is no co-simulated run to reckon from.");
    else
        put_par(p->f, "lead",
                "The same ticks, reckoned for another clock, other lanes and slots, another link. The host's "
                "measured parts stay as they were.");
    for (size_t i = 0; i < p->n; i++) {
        const struct data_timeline *t = &p->file[i]->timeline;
        if (!p->file[i]->has_timeline || !t->n_whatif)
            continue;
        fputs("<figure><figcaption>", p->f);
        put_file_mark(p, i);
        fputs("From frame to order, all three kinds together ", p->f);
        put_badges(p->f, ALL_KINDS);
        fputs("</figcaption>", p->f);
        whatif_bars(p->f, t);
        fputs("</figure>\n", p->f);
        whatif_table(p->f, t, true);
        whatif_table(p->f, t, false);
    }
    section_end(p);
}
