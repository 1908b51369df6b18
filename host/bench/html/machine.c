// SPDX-License-Identifier: Apache-2.0
// The machine and the rest of the setting, what the figures do not say, and how to make them again.
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bench/html/sections.h"

enum value { TEXT, NUMBER, YES_NO, HEADING };
struct row {
    const char *name, *unit;
    enum value value;
    size_t at; // in struct bench_data
};
#define ROW(name, value, member, unit)                                                                       \
    {                                                                                                        \
        name, unit, value, offsetof(struct bench_data, member)                                               \
    }
static const struct row ROWS[] = {
    {"Machine", "", HEADING, 0},
    ROW("processor", TEXT, machine.cpu, ""),
    ROW("processors seen", NUMBER, machine.cpus, ""),
    ROW("hot thread on processor", NUMBER, machine.hot_cpu, ""),
    ROW("hypervisor", TEXT, machine.hypervisor, ""),
    ROW("frequency governor", TEXT, machine.governor, ""),
    ROW("turbo", YES_NO, machine.turbo, ""),
    ROW("two threads a core", YES_NO, machine.smt, ""),
    ROW("isolated processors", TEXT, machine.isolated, ""),
    ROW("tickless processors", TEXT, machine.tickless, ""),
    ROW("kernel", TEXT, machine.kernel, ""),
    ROW("mitigations", TEXT, machine.mitigations, ""),
    ROW("memory", NUMBER, machine.memory_mb, "MB"),
    ROW("transparent huge pages", TEXT, machine.huge, ""),
    ROW("huge pages of 2 MB", NUMBER, machine.hugepages_2m, ""),
    ROW("of them free", NUMBER, machine.hugepages_2m_free, ""),
    ROW("huge pages of 1 GB", NUMBER, machine.hugepages_1g, ""),
    ROW("compiler", TEXT, machine.compiler, ""),
    ROW("commit", TEXT, machine.commit, ""),
    {"Clock", "", HEADING, 0},
    ROW("clock", TEXT, clock.name, ""),
    ROW("rate", NUMBER, clock.hz, "Hz"),
    ROW("error of the rate, at most", NUMBER, clock.error_ppm, "ppm"),
    ROW("calibrated over", NUMBER, clock.window_ms, "ms"),
    ROW("drift against the kernel's clock", NUMBER, clock.drift_ppb, "ppb"),
    ROW("error of that, at most", NUMBER, clock.drift_error_ppb, "ppb"),
    ROW("drift seen over", NUMBER, clock.drift_span_ms, "ms"),
    ROW("the kernel\u2019s clock counts", TEXT, clock.kernel_source, ""),
    ROW("processors\u2019 counters apart", NUMBER, clock.cpus_apart_ns, "ns"),
    ROW("error of that, at most", NUMBER, clock.cpus_apart_error_ns, "ns"),
    ROW("one reading takes", NUMBER, clock.read_ns, "ns"),
    {"Load", "", HEADING, 0},
    ROW("kind", TEXT, load.kind, ""),
    ROW("what", TEXT, load.what, ""),
    ROW("synthetic", YES_NO, load.synthetic, ""),
    ROW("seed", TEXT, load.seed, ""),
    ROW("frames", NUMBER, load.frames, ""),
    ROW("bytes", NUMBER, load.bytes, ""),
    ROW("span of its own stamps", NUMBER, load.span_ns, "ns"),
    {"Book", "", HEADING, 0},
    ROW("what", TEXT, book.what, ""),
    ROW("accounts", NUMBER, book.accounts, ""),
    ROW("hot rows", NUMBER, book.hot_rows, ""),
    ROW("hot accounts", NUMBER, book.hot_accounts, ""),
    ROW("in nested boxes", YES_NO, book.boxed, ""),
    {"Device", "", HEADING, 0},
    ROW("back end", TEXT, device.backend, ""),
    ROW("instruction set", TEXT, device.isa, ""),
    ROW("threads", NUMBER, device.threads, ""),
    ROW("lanes", NUMBER, device.lanes, ""),
    ROW("slots", NUMBER, device.slots, ""),
    ROW("assets", NUMBER, device.assets, ""),
    ROW("counts cycles", YES_NO, device.cycles, ""),
    ROW("clock", NUMBER, device.clock_mhz, "MHz"),
};

static void setting_cell(FILE *f, const struct row *r, const struct bench_data *d)
{
    const void *at = (const char *)d + r->at;
    if (r->value == NUMBER) {
        double v = *(const double *)at;
        fprintf(f, "<td>%s%s%s</td>", isnan(v) ? "\u2013" : num_count(v).text,
                isnan(v) || !*r->unit ? "" : " ", isnan(v) ? "" : r->unit);
        return;
    }
    const char *text = *(const char *const *)at;
    if (r->value == YES_NO && text)
        text = strcmp(text, "true") == 0 ? "yes" : "no";
    put_cell(f, "", !text ? "\u2013" : *text ? text : "none");
}

static void lists(const struct page *p, size_t i)
{
    const struct data_machine *m = &p->file[i]->machine;
    const struct json *cpu = m->other_cpus ? m->other_cpus->child : NULL;
    const struct json *note = m->notes ? m->notes->child : NULL;
    if (cpu) {
        fputs("<p class=\"small\">", p->f);
        put_file_mark(p, i);
        fputs("The other threads ran on processor", p->f);
        for (; cpu; cpu = cpu->next)
            fprintf(p->f, " %s%s", cpu->text ? num_count(strtod(cpu->text, NULL)).text : "?",
                    cpu->next ? "," : "");
        fputs(".</p>\n", p->f);
    }
    if (!note)
        return;
    fputs("<ul class=\"small\">\n", p->f);
    for (; note; note = note->next) {
        fputs("<li>", p->f);
        put_file_mark(p, i);
        put_text(p->f, note->text);
        fputs("</li>\n", p->f);
    }
    fputs("</ul>\n", p->f);
}

// From a heading to the next one; returns its end.
static size_t setting_table(const struct page *p, size_t k)
{
    fprintf(p->f, "<table class=\"setting\"><thead><tr><th class=\"group\">%s</th>", ROWS[k].name);
    for (size_t i = 0; i < p->n; i++) {
        fputs("<th>", p->f);
        put_file_mark(p, i);
        fputs("</th>", p->f);
    }
    fputs("</tr></thead><tbody>\n", p->f);
    for (k++; k < sizeof ROWS / sizeof *ROWS && ROWS[k].value != HEADING; k++) {
        fputs("<tr>", p->f);
        put_cell(p->f, "key", ROWS[k].name);
        for (size_t i = 0; i < p->n; i++)
            setting_cell(p->f, &ROWS[k], p->file[i]);
        fputs("</tr>\n", p->f);
    }
    fputs("</tbody></table>\n", p->f);
    return k;
}

void section_machine(const struct page *p)
{
    section_begin(p, "machine", "Machine, clock, load, book, device");
    put_par(
        p->f, "lead",
        "A dash: unknown, or does not apply. Page faults and context switches stand with the runs, below.");
    fprintf(p->f, "<div class=\"%s\">\n", p->n > 1 ? "scroll" : "two");
    for (size_t k = 0; k < sizeof ROWS / sizeof *ROWS;)
        k = setting_table(p, k);
    fputs("</div>\n", p->f);
    for (size_t i = 0; i < p->n; i++)
        lists(p, i);
    section_end(p);
}

// ---- what the figures do not say: each sentence only where the data call for it

static bool is(const char *text, const char *what)
{
    return text && strcmp(text, what) == 0;
}

static void caveats_of(const struct page *p, size_t i)
{
    const struct bench_data *d = p->file[i];
    const struct data_timeline *t = &d->timeline;
    double forced = 0, faults = 0;
    bool closed = false;
    for (size_t j = 0; j < d->n_runs; j++) {
        forced += d->run[j].switches_forced > 0 ? d->run[j].switches_forced : 0;
        faults += d->run[j].minor_faults > 0 ? d->run[j].minor_faults : 0;
        faults += d->run[j].major_faults > 0 ? d->run[j].major_faults : 0;
        closed = closed || is(d->run[j].open, "false");
    }
    if (d->machine.hypervisor && *d->machine.hypervisor)
        put_par(p->f, "item",
                "The host's figures come from a virtual machine (%.100s): whoever else uses the computer is "
                "in the tail, and the hypervisor may stop a processor without saying so.",
                d->machine.hypervisor);
    if (!is(d->device.cycles, "true"))
        put_par(p->f, "item",
                "No card took part. The device was the back end %.60s, which is software on the same host; "
                "what a card behind PCIe would take is not in its figures.",
                d->device.backend ? d->device.backend : "(unknown)");
    else
        put_par(p->f, "item",
                "The device's cycles are those of simulated RTL. No card was built, and its clock is stated, "
                "not reached.");
    if (d->has_timeline)
        put_par(p->f, "item",
                "The link is modelled: %s ns to the card and %s ns from it, each up to %s %% longer, are "
                "assumptions. No PCIe was measured.",
                num_count(t->write_ns).text, num_count(t->event_ns).text, num_count(t->jitter_pct).text);
    if (is(d->load.synthetic, "true"))
        put_par(p->f, "item",
                "The load is synthetic. No venue sends such a stream, and real ones come in bursts.");
    if (closed)
        put_par(p->f, "item",
                "Runs that are not an open loop start a frame when the one before is done: they show service "
                "time and throughput and leave all waiting out.");
    if (forced > 0 || faults > 0)
        put_par(p->f, "item",
                "While it was measured, the hot thread was taken off its processor %s times and met %s page "
                "faults, over all runs; the tails hold them.",
                num_count(forced).text, num_count(faults).text);
    if (d->machine.isolated && !*d->machine.isolated)
        put_par(p->f, "item",
                "No processor was isolated: the kernel and other programs had a share of the hot one.");
    if (!isnan(d->clock.read_ns))
        put_par(p->f, "item", "Each stage includes one reading of the clock, %s.",
                num_ns(d->clock.read_ns).text);
}

void section_caveats(const struct page *p)
{
    section_begin(p, "caveats", "What this does not say");
    put_par(p->f, "item",
            "Frames came from memory. No network card, no wire and no time stamp of a port is in any figure; "
            "a figure begins when the frame is in the ring, and ends when the order is handed to the "
            "gateway's thread, not when it has left.");
    for (size_t i = 0; i < p->n; i++) {
        if (p->n > 1) {
            fputs("<h3>", p->f);
            put_file_mark(p, i);
            put_text(p->f, file_label(p, i).text);
            fputs("</h3>\n", p->f);
        }
        caveats_of(p, i);
    }
    section_end(p);
}

void section_reproduce(const struct page *p)
{
    section_begin(p, "reproduce", "How to make it again");
    for (size_t i = 0; i < p->n; i++) {
        const struct bench_data *d = p->file[i];
        if (!d->command) {
            put_par(p->f, "none", "The file does not say by which options it was made.");
            continue;
        }
        fputs("<p class=\"small\">", p->f);
        put_file_mark(p, i);
        fputs("At commit ", p->f);
        put_text(p->f, d->machine.commit ? d->machine.commit : "unknown");
        fputs(", on a quiet machine:</p>\n<pre>tripline bench ", p->f);
        put_text(p->f, d->command);
        fputs(strstr(d->command, "--json") ? "" : " --json bench.json", p->f);
        fputs("\ntripline report --html report.html bench.json</pre>\n", p->f);
    }
    section_end(p);
}
