// SPDX-License-Identifier: Apache-2.0
// --histograms: the stages' latencies of a run as an HdrHistogram log, one line a stage over the whole run.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hist_log.h"
#include "cli/run_inside.h"

int run_histograms_open(struct run *r, struct err *e)
{
    if (!r->o.histograms)
        return 0;
    r->histograms = fopen(r->o.histograms, "we");
    if (!r->histograms)
        return err_set(e, "%s: %s", r->o.histograms, strerror(errno));
    r->histograms_ns = clock_stream_ns();
    return hist_log_begin(r->histograms, r->histograms_ns, "tripline run: nanoseconds, measured", e);
}

int run_histograms_close(struct run *r, struct err *e)
{
    FILE *f = r->histograms;
    int rc = 0;
    if (!f)
        return 0;
    uint64_t length = clock_stream_ns() - r->histograms_ns;
    for (int i = 0; r->session && i < STAGE_COUNT && rc == 0; i++) {
        const struct hist *h = session_stage(r->session, (enum stage)i);
        if (h->count && !(r->device->info.cycles && stage_holds_device((enum stage)i)))
            rc = hist_log_line(f, stage_name((enum stage)i), 0, length, h, e);
    }
    if (fclose(f) != 0 && rc == 0)
        rc = err_set(e, "%s: %s", r->o.histograms, strerror(errno));
    r->histograms = NULL;
    return rc;
}
