// SPDX-License-Identifier: Apache-2.0
// Percentile curves, and throughput against latency.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/html/sections.h"

enum {
    LEFT = 62,
    RIGHT = 664,
    TOP = 14,
    BOTTOM = 350,
    LABEL_GAP = 15,
    LABEL_COLUMNS = 24,
    SERIES_MAX = 64,
    TICKS_MAX = 16
};

struct series {
    const struct data_stage *stage;
    char name[128];
    char class[24]; // colour, and how the line is drawn
};

// ---- percentiles: x = log10(1 / (1 - percent / 100)), as plots of HdrHistogram have it

static double depth_of(double percent, double most)
{
    double d = percent < 100 ? -log10(1 - percent / 100) : most;
    return d < most ? d : most;
}

// The depth at which the highest of `count` values stands.
static double depth_end(const struct data_stage *s)
{
    return isnan(s->count) || s->count < 10 ? 1 : log10(s->count);
}

static bool drawable(const struct data_stage *s)
{
    return s && strcmp(s->unit, "ns") == 0 && (s->n_curve > 1 || !isnan(s->p[PCT_50]));
}

static double lowest(const struct data_stage *s)
{
    return s->n_curve > 1 ? s->curve[0][1] : s->p[PCT_50];
}

static double highest(const struct data_stage *s)
{
    double hi = s->n_curve > 1 ? s->curve[s->n_curve - 1][1] : s->p[PCT_50];
    return s->max > hi ? s->max : hi;
}

static void percentile_axes(FILE *f, const struct axis *x, const struct axis *y)
{
    static const double ticks[] = {0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999};
    axis_y_ns(f, y, LEFT, RIGHT);
    for (unsigned i = 0; i < sizeof ticks / sizeof *ticks; i++) {
        double d = depth_of(ticks[i], 99);
        if (d > x->hi)
            break;
        svg_line(f, "grid", axis_at(x, d), TOP, axis_at(x, d), BOTTOM);
        if (i > 0 || axis_at(x, depth_of(50, 99)) - LEFT > 40)
            svg_text(f, axis_at(x, d), BOTTOM + 18, "tick mid", "%g %%", ticks[i]);
    }
    svg_line(f, "base", LEFT, BOTTOM, RIGHT, BOTTOM);
    svg_text(f, (LEFT + RIGHT) / 2.0, BOTTOM + 38, "what mid", "percentile");
}

static void percentile_line(FILE *f, const struct series *s, const struct axis *x, const struct axis *y,
                            struct label *l)
{
    static const double percents[] = {50, 90, 99, 99.9, 99.99, 99.999};
    const struct data_stage *g = s->stage;
    double most = depth_end(g) < x->hi ? depth_end(g) : x->hi, end_y = axis_at(y, highest(g));
    fprintf(f, "<polyline class=\"curve %s\" data-n=\"", s->class);
    put_text(f, s->name);
    fputs("\" points=\"", f);
    for (size_t i = 0; i < g->n_curve; i++)
        fprintf(f, "%.1f,%.1f ", axis_at(x, depth_of(g->curve[i][0], most)), axis_at(y, g->curve[i][1]));
    for (unsigned i = 0; g->n_curve < 2 && i < PCT_MAX; i++)
        if (!isnan(g->p[i]))
            fprintf(f, "%.1f,%.1f ", axis_at(x, depth_of(percents[i], most)), axis_at(y, g->p[i]));
    fprintf(f, "%.1f,%.1f\"/>\n", axis_at(x, most), end_y);
    *l = (struct label){.y = end_y, .x0 = axis_at(x, most), .y0 = end_y, .class = s->class};
    snprintf(l->text, sizeof l->text, "%s", shorten(s->name, LABEL_COLUMNS).text);
}

// Of a line that leads to a label: its colour alone, which is the first of its classes.
static struct num leader(const char *class, const char *what)
{
    struct num out;
    snprintf(out.text, sizeof out.text, "%.*s %s", (int)strcspn(class, " "), class, what);
    return out;
}

static void put_labels(FILE *f, struct label *l, size_t n)
{
    labels_spread(l, n, TOP + 4, BOTTOM - 2, LABEL_GAP);
    for (size_t i = 0; i < n; i++) {
        svg_line(f, leader(l[i].class, "leader").text, l[i].x0, l[i].y0, RIGHT, l[i].y0);
        svg_line(f, leader(l[i].class, "tie").text, RIGHT + 2, l[i].y0, RIGHT + 13, l[i].y);
        svg_text(f, RIGHT + 16, l[i].y + 4, l[i].class, "%s", l[i].text);
    }
}

static void percentile_chart(FILE *f, const struct series *s, size_t n, const char *what)
{
    struct label label[SERIES_MAX];
    double lo = INFINITY, hi = 1, depth = 2;
    for (size_t i = 0; i < n; i++) {
        lo = lowest(s[i].stage) < lo ? lowest(s[i].stage) : lo;
        hi = highest(s[i].stage) > hi ? highest(s[i].stage) : hi;
        depth = depth_end(s[i].stage) > depth ? depth_end(s[i].stage) : depth;
    }
    struct axis x = {.lo = 0, .hi = depth < 6.3 ? depth : 6.3, .from = LEFT, .to = RIGHT};
    struct axis y = {.from = BOTTOM, .to = TOP};
    axis_log(&y, fmax(lo, 1), hi);
    svg_begin(f, BOTTOM + 48, what);
    fprintf(f, "<g class=\"plot\" data-x=\"percent %g %g %d %d\" data-y=\"%g %g %d %d\">\n", x.lo, x.hi, LEFT,
            RIGHT, y.lo, y.hi, BOTTOM, TOP);
    fprintf(f, "<rect class=\"hit\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", LEFT, TOP,
            RIGHT - LEFT, BOTTOM - TOP);
    percentile_axes(f, &x, &y);
    for (size_t i = 0; i < n; i++)
        percentile_line(f, &s[i], &x, &y, &label[i]);
    fputs("</g>\n", f);
    put_labels(f, label, n);
    svg_end(f);
}

static unsigned kinds_of(const struct series *s, size_t n)
{
    unsigned kinds = 0;
    while (n-- > 0)
        kinds |= 1u << s[n].stage->kind;
    return kinds;
}

static void stages_of_run(const struct page *p, size_t i)
{
    struct series s[SERIES_MAX];
    size_t n = 0, parts = 0;
    const struct data_run *r = p->head[i];
    for (size_t j = 0; j < r->n_stages && n < SERIES_MAX; j++) {
        const struct data_stage *g = &r->stage[j];
        bool whole = strncmp(g->name, "tick-to-", 8) == 0;
        if (!drawable(g))
            continue;
        // The ways through the host are strong lines, their parts thin ones.
        const char *colour = strcmp(g->name, "tick-to-order") == 0     ? "c0"
                             : strcmp(g->name, "tick-to-command") == 0 ? "c1"
                             : strcmp(g->name, "tick-to-flag") == 0    ? "c2"
                                                                       : "c9";
        s[n].stage = g;
        snprintf(s[n].name, sizeof s[n].name, "%s", shorten(g->name, 30).text);
        if (whole)
            snprintf(s[n].class, sizeof s[n].class, "%s strong d%u", colour, (unsigned)g->kind);
        else
            snprintf(s[n].class, sizeof s[n].class, "c%zu thin d%u", 3 + parts++ % 7, (unsigned)g->kind);
        n++;
    }
    fputs("<figure><figcaption>", p->f);
    put_file_mark(p, i);
    fputs("Every stage of the run <b>", p->f);
    put_text(p->f, r->name);
    fputs("</b>. Strong: from the frame in the ring; thin: parts of the way ", p->f);
    put_badges(p->f, kinds_of(s, n));
    fputs("</figcaption>", p->f);
    if (n)
        percentile_chart(p->f, s, n, "percentile curves of the stages");
    else
        put_par(p->f, "none", "Left out: the run has no stages in nanoseconds.");
    fputs("</figure>\n", p->f);
}

// A line of file i's run j: those of one file from light to dark in their order, a saturated one in the
// colour of warnings; of several files each in its own.
static void run_line(const struct page *p, size_t i, size_t j, struct series *s)
{
    const struct bench_data *d = p->file[i];
    const struct data_run *r = &d->run[j];
    bool rate = r->mode && strcmp(r->mode, "rate") == 0 && !isnan(r->offered_pps);
    bool max = r->mode && strcmp(r->mode, "max") == 0;
    if (p->n > 1)
        snprintf(s->class, sizeof s->class, "c%zu strong d%u", i % COLOURS, (unsigned)s->stage->kind);
    else if (run_saturated(r))
        snprintf(s->class, sizeof s->class, "c1 strong sat");
    else
        snprintf(s->class, sizeof s->class, "q%zu strong", d->n_runs < 2 ? 5 : j * 5 / (d->n_runs - 1));
    if (p->n > 1)
        snprintf(s->name, sizeof s->name, "%s", file_label(p, i).text);
    else if (rate)
        snprintf(s->name, sizeof s->name, "%s%s", num_pps(r->offered_pps).text,
                 run_saturated(r) ? "/s, saturated" : " frames/s");
    else
        snprintf(s->name, sizeof s->name, "%s", max ? "as fast as possible" : shorten(r->name, 30).text);
}

static void whole_by_run(const struct page *p, const char *stage)
{
    struct series s[SERIES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < p->file[i]->n_runs && n < SERIES_MAX; j++) {
            const struct data_run *r = &p->file[i]->run[j];
            s[n].stage = run_stage(r, stage);
            if (drawable(s[n].stage) && (p->n == 1 || r == p->head[i]))
                run_line(p, i, j, &s[n++]);
        }
    if (n < 2 && p->n < 2)
        return;
    fputs("<figure><figcaption><b>", p->f);
    put_text(p->f, stage);
    fputs(p->n > 1 ? "</b>, side by side: each file\u2019s headline run " : "</b> in every run ", p->f);
    put_badges(p->f, kinds_of(s, n));
    fputs("</figcaption>", p->f);
    if (n)
        percentile_chart(p->f, s, n, stage);
    else
        put_par(p->f, "none", "Left out: no run has this figure.");
    fputs("</figure>\n", p->f);
}

void section_percentiles(const struct page *p)
{
    section_begin(p, "percentiles", "Percentile curves");
    put_par(p->f, "lead",
            "How long the fastest share of all frames took at most, up to the slowest one at the right end. "
            "Both axes are logarithmic: each step to the right is ten times rarer.");
    for (size_t i = 0; i < p->n; i++)
        stages_of_run(p, i);
    whole_by_run(p, "tick-to-order");
    whole_by_run(p, "tick-to-command");
    section_end(p);
}

// ---- throughput against latency

static const unsigned SHOWN[] = {PCT_50, PCT_99, PCT_99_9};
enum { N_SHOWN = 3 };

struct hockey {
    const struct data_run *run[SERIES_MAX]; // open loop, by offered rate
    size_t n;
    const char *stage;
};

static int by_rate(const void *a, const void *b)
{
    double x = (*(const struct data_run *const *)a)->offered_pps;
    double y = (*(const struct data_run *const *)b)->offered_pps;
    return (x > y) - (x < y);
}

static struct hockey hockey_of(const struct bench_data *d, const char *stage)
{
    struct hockey h = {.stage = stage};
    for (size_t j = 0; j < d->n_runs && h.n < SERIES_MAX; j++) {
        const struct data_run *r = &d->run[j];
        const struct data_stage *g = run_stage(r, stage);
        if (g && strcmp(g->unit, "ns") == 0 && r->offered_pps > 0 && !isnan(g->p[PCT_50]))
            h.run[h.n++] = r;
    }
    qsort(h.run, h.n, sizeof *h.run, by_rate);
    return h;
}

static void rate_axis(FILE *f, const struct axis *x)
{
    double tick[TICKS_MAX];
    size_t n = axis_ticks(x, tick, TICKS_MAX);
    for (size_t i = 0; i < n; i++) {
        svg_line(f, "grid", axis_at(x, tick[i]), TOP, axis_at(x, tick[i]), BOTTOM);
        svg_text(f, axis_at(x, tick[i]), BOTTOM + 18, "tick mid", "%s", num_pps(tick[i]).text);
    }
    svg_line(f, "base", LEFT, BOTTOM, RIGHT, BOTTOM);
    svg_text(f, (LEFT + RIGHT) / 2.0, BOTTOM + 38, "what mid", "frames a second offered");
}

static size_t hockey_lines(const struct page *p, size_t i, const struct hockey *h, const struct axis *x,
                           const struct axis *y, struct label *l)
{
    size_t n = 0;
    for (unsigned k = 0; k < N_SHOWN; k++) {
        char class[24], points[SERIES_MAX * 24];
        size_t used = 0;
        double end_x = 0, end_y = 0;
        snprintf(class, sizeof class, "c%zu strong h%u", p->n > 1 ? i % COLOURS : (size_t)k, k);
        for (size_t j = 0; j < h->n; j++) {
            double v = run_stage(h->run[j], h->stage)->p[SHOWN[k]];
            if (isnan(v))
                continue;
            end_x = axis_at(x, h->run[j]->offered_pps);
            end_y = axis_at(y, v);
            used += (size_t)snprintf(points + used, sizeof points - used, "%.1f,%.1f ", end_x, end_y);
            fprintf(p->f, "<circle class=\"%s%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", class,
                    run_saturated(h->run[j]) ? " open" : "", end_x, end_y);
        }
        if (!used)
            continue;
        struct label *at = &l[n++];
        *at = (struct label){.y = end_y, .x0 = end_x, .y0 = end_y};
        snprintf(at->text, sizeof at->text, "p%s%s%s", pct_name(SHOWN[k]), p->n > 1 ? " " : "",
                 p->n > 1 ? file_label(p, i).text : "");
        fprintf(p->f, "<polyline class=\"curve %s\" data-n=\"", class);
        put_text(p->f, at->text);
        fprintf(p->f, "\" points=\"%s\"/>\n", points);
        static const char *const colours[COLOURS] = {"c0", "c1", "c2", "c3", "c4",
                                                     "c5", "c6", "c7", "c8", "c9"};
        at->class = colours[p->n > 1 ? i % COLOURS : k];
    }
    return n;
}

// From the first rate that was too high, halfway from the one before.
static void saturated_area(FILE *f, const struct hockey *h, const struct axis *x)
{
    for (size_t j = 0; j < h->n; j++) {
        if (!run_saturated(h->run[j]))
            continue;
        double at = axis_at(x, h->run[j]->offered_pps);
        double before = j ? axis_at(x, h->run[j - 1]->offered_pps) : LEFT;
        double left = (at + before) / 2;
        svg_box(f, "satarea", left, TOP, RIGHT - left, BOTTOM - TOP);
        svg_text(f, RIGHT - 6, BOTTOM - 24, "satword end", "saturated:");
        svg_text(f, RIGHT - 6, BOTTOM - 10, "satword end", "done < offered");
        return;
    }
}

static void hockey_chart(const struct page *p, const struct hockey *h)
{
    double lo = INFINITY, hi = 1, slow = INFINITY, fast = 0;
    struct label label[N_SHOWN * PAGE_FILES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < h[i].n; j++) {
            const struct data_stage *g = run_stage(h[i].run[j], h[i].stage);
            double rate = h[i].run[j]->offered_pps;
            for (unsigned k = 0; k < N_SHOWN; k++) {
                lo = g->p[SHOWN[k]] < lo ? g->p[SHOWN[k]] : lo;
                hi = g->p[SHOWN[k]] > hi ? g->p[SHOWN[k]] : hi;
            }
            slow = rate < slow ? rate : slow;
            fast = rate > fast ? rate : fast;
        }
    struct axis x = {.from = LEFT, .to = RIGHT}, y = {.from = BOTTOM, .to = TOP};
    axis_log(&y, fmax(lo, 1), hi);
    axis_linear(&x, fast * 1.05);
    if (fast >= 8 * slow) {
        axis_log(&x, fmax(slow, 1), fast);
        x.hi = fast; // the last point stands at the end, beside its label
    }
    svg_begin(p->f, BOTTOM + 48, "latency against offered frames a second");
    if (p->n == 1)
        saturated_area(p->f, &h[0], &x);
    fprintf(p->f, "<g class=\"plot\" data-x=\"%s %g %g %d %d\" data-y=\"%g %g %d %d\">\n",
            x.log ? "lograte" : "rate", x.lo, x.hi, LEFT, RIGHT, y.lo, y.hi, BOTTOM, TOP);
    fprintf(p->f, "<rect class=\"hit\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", LEFT, TOP,
            RIGHT - LEFT, BOTTOM - TOP);
    axis_y_ns(p->f, &y, LEFT, RIGHT);
    rate_axis(p->f, &x);
    for (size_t i = 0; i < p->n; i++)
        n += hockey_lines(p, i, &h[i], &x, &y, label + n);
    fputs("</g>\n", p->f);
    put_labels(p->f, label, n);
    svg_end(p->f);
}

static void hockey_table(const struct page *p)
{
    table_begin(p->f, "run|loop|#offered, frames/s|#done, frames/s|#most waiting|#tick-to-order p50, "
                      "ns|#p99, ns|#p99.9, ns");
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < p->file[i]->n_runs; j++) {
            const struct data_run *r = &p->file[i]->run[j];
            const struct data_stage *g = run_stage(r, "tick-to-order");
            fputs("<tr><td>", p->f);
            put_file_mark(p, i);
            put_text(p->f, r->name);
            if (run_saturated(r))
                fputs(" <span class=\"warn\">saturated</span>", p->f);
            fputs("</td>", p->f);
            put_cell(p->f, "", r->open ? strcmp(r->open, "true") == 0 ? "open" : "not open" : "\u2013");
            put_cell(p->f, "n", num_count(r->offered_pps).text);
            put_cell(p->f, "n", num_count(r->done_pps).text);
            put_cell(p->f, "n", num_count(r->backlog_max).text);
            for (unsigned k = 0; k < N_SHOWN; k++)
                put_cell(p->f, "n", num_count(g && strcmp(g->unit, "ns") == 0 ? g->p[SHOWN[k]] : NAN).text);
            fputs("</tr>\n", p->f);
        }
    table_end(p->f);
}

void section_throughput(const struct page *p)
{
    struct hockey h[PAGE_FILES_MAX];
    const char *stage = "tick-to-order";
    size_t most = 0;
    for (unsigned turn = 0; turn < 2 && most < 2; turn++) {
        stage = turn ? "tick-to-command" : "tick-to-order";
        for (size_t i = 0; i < p->n; i++) {
            h[i] = hockey_of(p->file[i], stage);
            most = h[i].n > most ? h[i].n : most;
        }
    }
    section_begin(p, "throughput", "Throughput against latency");
    if (most < 2) {
        put_par(p->f, "none", "No chart: it takes two or more runs in an open loop at different rates.");
    } else {
        put_par(p->f, "lead",
                "Each frame is due at a time fixed beforehand; one that waits behind a slow one has waited "
                "since then, so that latency rises where the machine can no longer follow. Open circles%s: "
                "less than 99 %% of what was offered was done.",
                p->n == 1 ? " and the shaded part" : "");
        unsigned kinds = 0;
        for (size_t i = 0; i < p->n; i++)
            for (size_t j = 0; j < h[i].n; j++)
                kinds |= 1u << run_stage(h[i].run[j], stage)->kind;
        fprintf(p->f, "<figure><figcaption><b>%s</b> ", stage);
        put_badges(p->f, kinds);
        fputs("</figcaption>", p->f);
        hockey_chart(p, h);
        fputs("</figure>\n", p->f);
    }
    hockey_table(p);
    section_end(p);
}
