// SPDX-License-Identifier: Apache-2.0
// The stages beside each other.
#include <math.h>
#include <string.h>

#include "bench/html/sections.h"

enum {
    NAME_RIGHT = 158,
    PANEL = 300,
    GAP = 64,
    BAR = 11,
    ROW_GAP = 11,
    HEAD = 30,
    APART = 12,
    VALUE_ROOM = 64,
    SECOND = NAME_RIGHT + PANEL + GAP
};

// The way through the host in its order, then the whole.
static const char *const PATH[] = {"decode",
                                   "submit",
                                   "device",
                                   "confirm",
                                   "size",
                                   "order",
                                   "hand-over",
                                   "tick-to-command",
                                   "tick-to-flag",
                                   "tick-to-order",
                                   "tick-to-order-cold",
                                   "tick-to-done"};
enum { N_PATH = sizeof PATH / sizeof *PATH, FIRST_WHOLE = 7 };

static const struct data_stage *path_stage(const struct page *p, size_t file, unsigned i)
{
    const struct data_stage *s = run_stage(p->head[file], PATH[i]);
    return s && strcmp(s->unit, "ns") == 0 ? s : NULL;
}

static bool anyone_has(const struct page *p, unsigned i)
{
    for (size_t j = 0; j < p->n; j++)
        if (path_stage(p, j, i))
            return true;
    return false;
}

// From 0 to the largest of the stages first <= i < end.
static struct axis scale_of(const struct page *p, unsigned pct, double left, unsigned first, unsigned end)
{
    struct axis x = {.from = left, .to = left + PANEL - VALUE_ROOM};
    double most = 1;
    for (unsigned i = first; i < end; i++)
        for (size_t j = 0; j < p->n; j++) {
            const struct data_stage *s = path_stage(p, j, i);
            most = s && s->p[pct] > most ? s->p[pct] : most;
        }
    axis_linear(&x, most);
    return x;
}

// One percentile: bars of all stages from `left` on. Waiting makes a whole way much longer than its parts, so
// that these have a scale of their own.
static void panel(const struct page *p, unsigned pct, double left, const double *row)
{
    const struct axis parts = scale_of(p, pct, left, 0, FIRST_WHOLE);
    const struct axis wholes = scale_of(p, pct, left, FIRST_WHOLE, N_PATH);
    svg_text(p->f, left, 16, "head", "p%s", pct_name(pct));
    for (unsigned i = 0; i < N_PATH; i++)
        for (size_t j = 0; j < p->n && row[i] > 0; j++) {
            const struct data_stage *s = path_stage(p, j, i);
            double y = row[i] + (double)j * (BAR + 2), v = s ? s->p[pct] : NAN;
            double end = axis_at(i < FIRST_WHOLE ? &parts : &wholes, v);
            char class[32];
            if (isnan(v)) {
                svg_text(p->f, left + 4, y + BAR - 1, "tick", "\u2013");
                continue;
            }
            if (p->n > 1)
                snprintf(class, sizeof class, "f%zu%s", j % COLOURS, i >= FIRST_WHOLE ? " whole" : "");
            else
                snprintf(class, sizeof class, "fk%u%s", (unsigned)s->kind, i >= FIRST_WHOLE ? " whole" : "");
            svg_box(p->f, class, left, y, end - left, BAR);
            svg_text(p->f, end + 6, y + BAR - 1, "value", "%s", num_ns(v).text);
        }
}

static void bars(const struct page *p)
{
    double row[N_PATH] = {0}, y = HEAD; // row: 0 for a stage that nobody has
    bool apart = false;                 // the whole ways from their parts
    for (unsigned i = 0; i < N_PATH; i++) {
        if (!anyone_has(p, i))
            continue;
        if (i >= FIRST_WHOLE && !apart)
            y += APART;
        apart = apart || i >= FIRST_WHOLE;
        row[i] = y;
        y += (double)p->n * (BAR + 2) + ROW_GAP;
    }
    svg_begin(p->f, y, "stages of the host's path, p50 and p99");
    for (unsigned i = 0; i < N_PATH; i++)
        if (row[i] > 0)
            svg_text(p->f, NAME_RIGHT - 10, row[i] + BAR - 1,
                     i >= FIRST_WHOLE ? "name end wholename" : "name end", "%s", PATH[i]);
    panel(p, PCT_50, NAME_RIGHT, row);
    panel(p, PCT_99, SECOND, row);
    svg_line(p->f, "base", NAME_RIGHT, HEAD - 6, NAME_RIGHT, y - 6);
    svg_line(p->f, "base", SECOND, HEAD - 6, SECOND, y - 6);
    svg_end(p->f);
}

void section_stages(const struct page *p)
{
    bool any = false;
    unsigned kinds = 0;
    section_begin(p, "stages", "Where the time goes");
    for (unsigned i = 0; i < N_PATH; i++)
        any = any || anyone_has(p, i);
    if (!any) {
        put_par(p->f, "none", "Left out: the headline run has none of the stages in nanoseconds.");
        section_end(p);
        return;
    }
    put_par(p->f, "lead",
            "The parts of the way in its order, then the whole ways (pale), of the headline run. In each "
            "panel parts and whole ways have scales of their own. Percentiles of parts do not add up to "
            "those of the whole: the frame that is slow in one is seldom slow in the next.");
    fputs("<figure>", p->f);
    fputs("<figcaption>", p->f);
    for (size_t i = 0; i < p->n; i++) {
        put_file_mark(p, i);
        put_text(p->f, p->n > 1 ? file_label(p, i).text + 2 : p->head[i]->name);
        fputs("&#160; ", p->f);
        for (unsigned k = 0; k < N_PATH; k++)
            kinds |= path_stage(p, i, k) ? 1u << path_stage(p, i, k)->kind : 0;
    }
    put_badges(p->f, kinds);
    fputs("</figcaption>", p->f);
    bars(p);
    fputs("</figure>\n", p->f);
    section_end(p);
}
