// SPDX-License-Identifier: Apache-2.0
#include "bench/html/page.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "bench/html/sections.h"

static const double KEPT_UP = 0.99; // of what was offered

bool run_saturated(const struct data_run *r)
{
    return r->offered_pps > 0 && r->done_pps < KEPT_UP * r->offered_pps;
}

const struct data_run *page_headline(const struct bench_data *d)
{
    const struct data_run *best = NULL;
    for (size_t i = 0; i < d->n_runs; i++) {
        const struct data_run *r = &d->run[i];
        bool open = r->open && strcmp(r->open, "true") == 0 && r->offered_pps > 0;
        if (open && !run_saturated(r) && (!best || r->offered_pps > best->offered_pps))
            best = r;
    }
    return best ? best : &d->run[0];
}

// ---- for all sections

void section_begin(const struct page *p, const char *id, const char *title)
{
    fprintf(p->f, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

void section_end(const struct page *p)
{
    fputs("</section>\n", p->f);
}

void put_file_mark(const struct page *p, size_t i)
{
    if (p->n > 1)
        fprintf(p->f, "<span class=\"mark f%zu\">%c</span> ", i % COLOURS, (char)('A' + i));
}

struct num_label file_label(const struct page *p, size_t i)
{
    const struct bench_data *d = p->file[i];
    struct num_label l;
    const char *what = d->device.backend ? d->device.backend : d->title ? d->title : "";
    snprintf(l.text, sizeof l.text, "%c %.40s%s%.8s", (char)('A' + i), shorten(what, 10).text,
             d->device.isa ? ", " : "", d->device.isa ? d->device.isa : "");
    return l;
}

// ---- head

static const char *const WAYS[][2] = {
    {"tick-to-command", "frame in the ring \u2192 first command handed to the device"},
    {"tick-to-order",
     "frame in the ring \u2192 each order that was ready handed to the gateway\u2019s thread"},
};
enum { N_WAYS = 2 };

static bool synthetic(const struct bench_data *d)
{
    return d->load.synthetic && strcmp(d->load.synthetic, "true") == 0;
}

static void big_number(FILE *f, const char *name, double ns)
{
    struct num v = num_ns(ns);
    char *unit = strchr(v.text, ' ');
    if (unit)
        *unit++ = '\0';
    fprintf(f, "<div class=\"big\"><span>%s</span><b>%s</b><i>%s</i></div>", name, v.text, unit ? unit : "");
}

static void headline_way(const struct page *p, size_t i, const char *const *way)
{
    const struct data_stage *s = run_stage(p->head[i], way[0]);
    if (!s || strcmp(s->unit, "ns") != 0) {
        put_par(p->f, "none", "No %s in this run.", way[0]);
        return;
    }
    fprintf(p->f, "<div class=\"way\"><div class=\"what\"><b>%s</b> ", way[0]);
    put_badge(p->f, s->kind);
    if (synthetic(p->file[i]))
        fputs("<span class=\"kind syn\">synthetic load</span>", p->f);
    fprintf(p->f, "<span class=\"from\">%s; %s of them</span></div>", way[1], num_count(s->count).text);
    big_number(p->f, "p50", s->p[PCT_50]);
    big_number(p->f, "p99", s->p[PCT_99]);
    big_number(p->f, "p99.9", s->p[PCT_99_9]);
    big_number(p->f, "max", s->max);
    fputs("</div>\n", p->f);
}

static void verdict(const struct page *p, size_t i)
{
    const struct data_run *r = p->head[i];
    const struct data_stage *s = run_stage(r, "tick-to-order");
    fputs("<p class=\"verdict\">", p->f);
    put_file_mark(p, i);
    if (s && strcmp(s->unit, "ns") == 0 && !isnan(s->p[PCT_50])) {
        fprintf(p->f, "Half of all orders were handed over within <b>%s</b> of their frame",
                num_ns(s->p[PCT_50]).text);
        if (!isnan(s->p[PCT_99]))
            fprintf(p->f, ", 99 %% within <b>%s</b>", num_ns(s->p[PCT_99]).text);
        if (!isnan(s->max))
            fprintf(p->f, "; the slowest took <b>%s</b>", num_ns(s->max).text);
    } else {
        fputs("No orders were handed over", p->f);
    }
    if (r->offered_pps > 0)
        fprintf(p->f, ", at %s frames a second of a %s load", num_count(r->offered_pps).text,
                synthetic(p->file[i]) ? "synthetic" : "recorded");
    fputs(".</p>\n", p->f);
}

static void headline(const struct page *p, size_t i)
{
    const struct bench_data *d = p->file[i];
    const struct data_run *r = p->head[i];
    bool open = r->open && strcmp(r->open, "true") == 0;
    if (d->interrupted && strcmp(d->interrupted, "true") == 0)
        put_par(p->f, "warn", "Interrupted by a signal: this is what was measured until then.");
    verdict(p, i);
    for (unsigned k = 0; k < N_WAYS; k++)
        headline_way(p, i, WAYS[k]);
    fputs("<p class=\"small\">Headline run: <b>", p->f);
    put_text(p->f, r->name);
    fprintf(p->f, "</b>, %s",
            d->n_runs == 1              ? "the only one"
            : run_saturated(r) || !open ? "the first: none in an open loop kept up"
                                        : "the fastest in an open loop that kept up");
    fprintf(p->f, " (%s frames/s done). Load: ", num_count(r->done_pps).text);
    put_text(p->f, d->load.what ? d->load.what : "unknown");
    fputs(".</p>\n", p->f);
}

static void meta(const struct page *p, size_t i)
{
    const struct bench_data *d = p->file[i];
    fputs("<p class=\"meta\">", p->f);
    put_file_mark(p, i);
    if (p->n > 1 && d->title) {
        put_text(p->f, d->title);
        fputs(" \302\267 ", p->f);
    }
    put_text(p->f, d->made ? d->made : "date unknown");
    fputs(" \302\267 commit ", p->f);
    put_text(p->f, d->machine.commit ? d->machine.commit : "unknown");
    fputs(" \302\267 device ", p->f);
    put_text(p->f, d->device.backend ? d->device.backend : "unknown");
    if (d->device.isa) {
        fputs(", ", p->f);
        put_text(p->f, d->device.isa);
    }
    if (d->machine.cpu) {
        fputs(" \302\267 ", p->f);
        put_text(p->f, d->machine.cpu);
    }
    fputs("</p>\n", p->f);
}

static void legend(FILE *f)
{
    static const char *const text[KIND_COUNT] = {"read from the host\u2019s clock",
                                                 "cycles of the RTL at a stated clock",
                                                 "a stated distribution, an assumption"};
    put_legend(f, text);
}

static void contents(FILE *f)
{
    static const char *const links[][2] = {
        {"percentiles", "Percentiles"}, {"stages", "Stages"},        {"throughput", "Throughput"},
        {"slowest", "Slowest tick"},    {"timeline", "Three kinds"}, {"whatif", "What if"},
        {"machine", "Machine"},         {"figures", "All figures"},  {"caveats", "Not said"},
        {"reproduce", "Again"},
    };
    fputs("<nav>", f);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        fprintf(f, "<a href=\"#%s\">%s</a> ", links[i][0], links[i][1]);
    fputs("</nav>\n", f);
}

static void put_title(const struct page *p)
{
    if (p->n > 1)
        fprintf(p->f, "%zu runs of the latency laboratory, side by side", p->n);
    else
        put_text(p->f,
                 p->file[0]->title && *p->file[0]->title ? p->file[0]->title : "Latency from tick to order");
}

static void head(const struct page *p)
{
    html_begin(p->f);
    put_title(p);
    fputs(" \302\267 tripline latency report</title>\n", p->f);
    put_style(p->f);
    fputs(
        "</head>\n<body>\n<main>\n<header>\n<p class=\"eyebrow\">tripline \302\267 latency report</p>\n<h1>",
        p->f);
    put_title(p);
    fputs("</h1>\n", p->f);
    for (size_t i = 0; i < p->n; i++)
        meta(p, i);
    fputs("</header>\n", p->f);
}

void page_write(FILE *f, const struct bench_data *const *file, size_t n)
{
    struct page p = {.f = f, .file = file, .n = n};
    for (size_t i = 0; i < n; i++)
        p.head[i] = page_headline(file[i]);
    head(&p);
    fputs("<section id=\"headline\">\n", f);
    for (size_t i = 0; i < n; i++)
        headline(&p, i);
    legend(f);
    section_end(&p);
    contents(f);
    section_percentiles(&p);
    section_stages(&p);
    section_throughput(&p);
    section_slowest(&p);
    section_timeline(&p);
    section_whatif(&p);
    section_machine(&p);
    section_figures(&p);
    section_caveats(&p);
    section_reproduce(&p);
    fputs("</main>\n", f);
    put_script(f);
    fputs("</body>\n</html>\n", f);
}
