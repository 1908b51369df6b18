// SPDX-License-Identifier: Apache-2.0
// The slowest frame on a line of time, and the table of the worst.
#include <math.h>
#include <string.h>

#include "bench/html/sections.h"

enum {
    LINE_LEFT = 8,
    LINE_RIGHT = 832,
    BAR_HEIGHT = 30,
    LINE_HEIGHT = 92,
    WORD_WIDTH = 7,
    ZOOM_FROM = 3,
    TICKS = 12
};

// What is done between a stamp and the one before it that was reached.
static const char *const STEP[STAMP_COUNT] = {
    [STAMP_ARRIVED] = "",         [STAMP_TAKEN] = "waiting", [STAMP_DECODED] = "decode",
    [STAMP_SUBMITTED] = "submit", [STAMP_FLAG] = "device",   [STAMP_CONFIRMED] = "confirm",
    [STAMP_SIZED] = "size",       [STAMP_ORDER] = "order",   [STAMP_LAST] = "more orders",
    [STAMP_DONE] = "the rest",
};

struct step {
    enum stamp from, to;
    double begin, end; // ns since the frame arrived
};

static size_t steps_of(const struct data_worst *w, struct step *out)
{
    size_t n = 0;
    enum stamp last = STAMP_ARRIVED;
    for (enum stamp s = STAMP_TAKEN; s < STAMP_COUNT; s++) {
        if (isnan(w->at[s]))
            continue;
        out[n++] = (struct step){last, s, w->at[last], w->at[s] > w->at[last] ? w->at[s] : w->at[last]};
        last = s;
    }
    return n;
}

static void line_ticks(FILE *f, const struct axis *x, double y)
{
    double tick[TICKS];
    struct axis span = {.lo = 0, .hi = x->hi - x->lo};
    size_t n = axis_ticks(&span, tick, TICKS);
    for (size_t i = 0; i < n; i++) {
        double at = axis_at(x, x->lo + tick[i]);
        svg_line(f, "base", at, y, at, y + 5);
        svg_text(f, at, y + 18,
                 i == 0                 ? "tick"
                 : at > LINE_RIGHT - 30 ? "tick end"
                                        : "tick mid",
                 "%s", num_tick(tick[i]).text);
    }
}

// The steps from `first` on, to scale. Names only where they fit; the table has all.
static void line_of(FILE *f, const struct step *s, size_t first, size_t n, double y, const char *title)
{
    struct axis x = {.lo = s[first].begin, .hi = s[n - 1].end, .from = LINE_LEFT, .to = LINE_RIGHT};
    if (!(x.hi > x.lo))
        x.hi = x.lo + 1;
    svg_text(f, LINE_LEFT, y + 10, "what", "%s", title);
    y += 18;
    for (size_t i = first; i < n; i++) {
        double a = axis_at(&x, s[i].begin), b = axis_at(&x, s[i].end);
        char class[16];
        snprintf(class, sizeof class, "step s%u", (unsigned)s[i].to);
        svg_box(f, class, a, y, b - a, BAR_HEIGHT);
        if (b - a > WORD_WIDTH * (double)strlen(STEP[s[i].to]) + 8)
            svg_text(f, (a + b) / 2, y + BAR_HEIGHT / 2.0 + 4,
                     s[i].to == STAMP_TAKEN ? "mid onwait" : "mid onstep", "%s", STEP[s[i].to]);
    }
    svg_line(f, "base", LINE_LEFT, y + BAR_HEIGHT, LINE_RIGHT, y + BAR_HEIGHT);
    line_ticks(f, &x, y + BAR_HEIGHT);
}

static void packet_text(FILE *f, const struct data_worst *w)
{
    fputs("<p class=\"packet\">", f);
    if (w->what)
        put_text(f, w->what);
    if (!isnan(w->bytes))
        fprintf(f, " \302\267 %s bytes", num_count(w->bytes).text);
    if (w->ts_ns) {
        fputs(" \302\267 stream time ", f);
        put_text(f, w->ts_ns);
        fputs(" ns", f);
    }
    if (w->head) {
        fputs("<br/><code>", f);
        put_text(f, w->head);
        fputs("</code>", f);
    }
    fputs("</p>\n", f);
}

static void step_table(FILE *f, const struct step *s, size_t n)
{
    table_begin(f, "step|from|to|#reached after, ns|#took, ns|#share");
    for (size_t i = 0; i < n; i++) {
        double took = s[i].end - s[i].begin;
        fprintf(f, "<tr><td class=\"nowrap\"><span class=\"swatch s%u\"></span> %s</td>", (unsigned)s[i].to,
                s[i].to == STAMP_TAKEN ? "waiting in the ring" : STEP[s[i].to]);
        put_cell(f, "", stamp_name(s[i].from));
        put_cell(f, "", stamp_name(s[i].to));
        put_number(f, s[i].end);
        put_number(f, took);
        fprintf(f, "<td class=\"n\">%.1f %%</td></tr>\n", s[n - 1].end > 0 ? 100 * took / s[n - 1].end : 0.0);
    }
    table_end(f);
}

static void slowest_line(const struct page *p, size_t file, const struct data_worst *w)
{
    struct step s[STAMP_COUNT];
    size_t n = steps_of(w, s);
    fputs("<figure><figcaption>", p->f);
    put_file_mark(p, file);
    fprintf(p->f, "Frame %s, ", num_count(w->frame).text);
    put_text(p->f, w->way ? w->way : "slowest");
    fprintf(p->f, " <b>%s</b>", num_ns(w->ns).text);
    if (!isnan(w->behind))
        fprintf(p->f, ", behind %s frames that were not yet done", num_count(w->behind).text);
    fputs(" ", p->f);
    put_badge(p->f, KIND_MEASURED);
    fputs("</figcaption>", p->f);
    if (n == 0) {
        put_par(p->f, "none", "It has no stamps.");
    } else {
        // Where waiting hides the rest, the rest is shown once more by itself.
        bool zoom = s[0].to == STAMP_TAKEN && n > 1 && ZOOM_FROM * s[0].end > s[n - 1].end;
        svg_begin(p->f, zoom ? 2 * LINE_HEIGHT : LINE_HEIGHT, "the slowest frame's steps on a line of time");
        line_of(p->f, s, 0, n, 0, "from the moment it was in the ring");
        if (zoom)
            line_of(p->f, s, 1, n, LINE_HEIGHT, "without its waiting: from the moment it was taken");
        svg_end(p->f);
        step_table(p->f, s, n);
    }
    packet_text(p->f, w);
    fputs("</figure>\n", p->f);
}

static void worst_row(FILE *f, const struct data_worst *w)
{
    fputs("<tr>", f);
    put_cell(f, "nowrap", w->way ? w->way : "\u2013");
    put_number(f, w->ns);
    for (enum stamp s = STAMP_TAKEN; s < STAMP_COUNT; s++)
        put_number(f, w->at[s]);
    put_number(f, w->behind);
    put_number(f, w->flags);
    put_number(f, w->orders);
    put_number(f, w->ready);
    put_number(f, w->frame);
    put_number(f, w->pass);
    fputs("</tr>\n<tr class=\"more\"><td colspan=\"17\">", f);
    packet_text(f, w);
    fputs("</td></tr>\n", f);
}

static void worst_table(FILE *f, const struct data_run *r)
{
    table_begin(f, "way|#ns|#taken|#decoded|#submitted|#flag|#confirmed|#sized|#order|#last|#done|#behind|#"
                   "flags|#orders|#ready|#frame|#pass");
    for (size_t i = 0; i < r->n_worst; i++)
        worst_row(f, &r->worst[i]);
    table_end(f);
}

static void worst_of_file(const struct page *p, size_t file)
{
    const struct bench_data *d = p->file[file];
    fputs("<h3>", p->f);
    put_file_mark(p, file);
    fputs("The worst of the run ", p->f);
    put_text(p->f, p->head[file]->name);
    fputs("</h3>\n", p->f);
    put_par(p->f, "small", "Times of the stamps in ns since the frame was in the ring.");
    if (p->head[file]->n_worst)
        worst_table(p->f, p->head[file]);
    else
        put_par(p->f, "none", "Left out: the run kept no list of its worst frames.");
    for (size_t j = 0; j < d->n_runs; j++) {
        if (&d->run[j] == p->head[file] || !d->run[j].n_worst)
            continue;
        fputs("<details><summary>", p->f);
        put_text(p->f, d->run[j].name);
        fputs("</summary>\n", p->f);
        worst_table(p->f, &d->run[j]);
        fputs("</details>\n", p->f);
    }
}

// By the way to an order, if there is one.
static const struct data_worst *slowest_of(const struct data_run *r)
{
    for (size_t i = 0; i < r->n_worst; i++)
        if (r->worst[i].way && strcmp(r->worst[i].way, "tick-to-order") == 0)
            return &r->worst[i];
    return r->n_worst ? &r->worst[0] : NULL;
}

void section_slowest(const struct page *p)
{
    section_begin(p, "slowest", "The slowest tick");
    put_par(p->f, "lead",
            "The frame of the headline run that took longest, step by step. Waiting in the ring behind "
            "others is shown apart: it is part of the latency, but not work on this frame.");
    for (size_t i = 0; i < p->n; i++) {
        const struct data_worst *w = slowest_of(p->head[i]);
        if (w)
            slowest_line(p, i, w);
        worst_of_file(p, i);
    }
    section_end(p);
}
