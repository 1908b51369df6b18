// SPDX-License-Identifier: Apache-2.0
// Histograms in the HdrHistogram log format (version 1.3), which existing plotters and log processors read:
// one line an interval and stage, its buckets in HdrHistogram's V2 encoding, deflated, in base 64. Buckets of
// struct hist are those of an HdrHistogram of two significant digits, so nothing is lost but count, sum and
// extremes beyond a bucket. Values of 2^63 and more, which the format cannot hold, are written as 2^63 - 1's
// bucket. Not for the hot path: allocates. Any thread.
#ifndef TRIPLINE_BASE_HIST_LOG_H
#define TRIPLINE_BASE_HIST_LOG_H

#include <stdio.h>

#include "base/err.h"
#include "base/hist.h"

// The lines before the first histogram. start_ns: ns since the epoch, of the clock that intervals count from.
int hist_log_begin(FILE *f, uint64_t start_ns, const char *what, struct err *e);
// An interval's histogram of values in ns: tag names the stage (printable, without blank and comma), from_ns
// and length_ns are its interval since start_ns. 0, or -1 with *e set: out of memory, a failed write.
int hist_log_line(FILE *f, const char *tag, uint64_t from_ns, uint64_t length_ns, const struct hist *h,
                  struct err *e);

#endif
