// SPDX-License-Identifier: Apache-2.0
// The latency report: one HTML5 page that needs nothing else, neither network nor fonts nor scripts (a script
// adds read-outs under the pointer). It depends on its input alone, so that the same files give the same
// page. Not for the hot path; one thread.
#ifndef TRIPLINE_BENCH_HTML_PAGE_H
#define TRIPLINE_BENCH_HTML_PAGE_H

#include <stdio.h>

#include "bench/html/data.h"

enum { PAGE_FILES_MAX = 8 }; // as many as there are colours

// n files, 1 to PAGE_FILES_MAX, side by side in the same charts. The caller checks f for errors.
void page_write(FILE *f, const struct bench_data *const *file, size_t n);

// The run whose figures head the page: the one with the highest offered rate, of those in an open loop that
// kept up (run_saturated); the file's first, when there is none.
const struct data_run *page_headline(const struct bench_data *d);
// Frames came faster than they were done: by more than 1 % in the mean of the run.
bool run_saturated(const struct data_run *r);

#endif
