// SPDX-License-Identifier: Apache-2.0
// The parts of the page, each with its heading; each leaves out what the files do not have and says so.
#ifndef TRIPLINE_BENCH_HTML_SECTIONS_H
#define TRIPLINE_BENCH_HTML_SECTIONS_H

#include "bench/html/page.h"
#include "page/draw.h"
#include "page/parts.h"

struct page {
    FILE *f;
    const struct bench_data *const *file;
    size_t n;
    const struct data_run *head[PAGE_FILES_MAX]; // page_headline() of each
};

// curves.c
void section_percentiles(const struct page *p);
void section_throughput(const struct page *p);
// stages.c
void section_stages(const struct page *p);
// tables.c
void section_figures(const struct page *p);
// first, whole: one more row each, before and behind, or NULL
void stage_table(FILE *f, const struct data_stage *first, const struct data_stage *s, size_t n,
                 const struct data_stage *whole);
// slowest.c
void section_slowest(const struct page *p);
// timeline.c
void section_timeline(const struct page *p);
void section_whatif(const struct page *p);
// machine.c
void section_machine(const struct page *p);
void section_caveats(const struct page *p);
void section_reproduce(const struct page *p);
// wave.c: `signals` over `cycles` cycles, each checked by data.c
void draw_wave(FILE *f, const struct json *signals, double cycle0, size_t cycles);
// style.c
void put_style(FILE *f);
void put_script(FILE *f);

// page.c, for all of them.
void section_begin(const struct page *p, const char *id, const char *title);
void section_end(const struct page *p);
// "A", "B", ... before what is of that file, when there are several.
void put_file_mark(const struct page *p, size_t i);
// What to call a file beside a line: its device and title.
struct num_label {
    char text[64];
};
struct num_label file_label(const struct page *p, size_t i);

#endif
