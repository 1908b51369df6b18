// SPDX-License-Identifier: Apache-2.0
// For hist_log_diff.py: reads lines "tag from_ns length_ns value[*times]...", writes the log of their
// histograms.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hist_log.h"

static void record(struct hist *h, char **at)
{
    hist_init(h);
    for (char *end; **at; *at = end) {
        uint64_t v = strtoull(*at, &end, 10);
        if (end == *at)
            return;
        hist_record(h, v);
        if (*end == '*') {
            uint64_t more = strtoull(end + 1, &end, 10) - 1;
            h->count += more;
            h->bucket[hist_bucket(v)] += more;
        }
    }
}

int main(int argc, char **argv)
{
    static struct hist h;
    struct err e = {{0}};
    char *line = NULL, tag[32];
    size_t room = 0;
    uint64_t from, length;
    int rc = hist_log_begin(stdout, argc > 1 ? strtoull(argv[1], NULL, 10) : 0, "made by a test", &e);
    while (rc == 0 && getline(&line, &room, stdin) > 0) {
        int n;
        if (sscanf(line, "%31s %" SCNu64 " %" SCNu64 "%n", tag, &from, &length, &n) != 3)
            rc = err_set(&e, "bad line");
        char *at = line + n;
        record(&h, &at);
        if (rc == 0)
            rc = hist_log_line(stdout, tag, from, length, &h, &e);
    }
    free(line);
    if (rc != 0)
        fprintf(stderr, "hist_log_driver: %s\n", e.msg);
    return rc != 0;
}
