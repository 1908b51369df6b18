// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "run/report.h"

static void usage(FILE *f)
{
    fputs("usage: tripline report JOURNAL\n\n"
          "Shows what the runs in a journal did: records, orders with their outcome, and each run's "
          "summary.\n\n"
          "  --help  this text\n\n"
          "exit status: 0, 1 when the journal cannot be read, 2 usage\n",
          f);
}

int cmd_report(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        usage(c == 'h' ? stdout : stderr);
        return c == 'h' ? 0 : 2;
    }
    if (argc - optind != 1) {
        usage(stderr);
        return 2;
    }
    struct err e;
    if (report_journal(argv[optind], stdout, &e) != 0) {
        bool named = strncmp(e.msg, argv[optind], strlen(argv[optind])) == 0;
        fprintf(stderr, "tripline report: %s%s%s\n", named ? "" : argv[optind], named ? "" : ": ", e.msg);
        return 1;
    }
    return 0;
}
