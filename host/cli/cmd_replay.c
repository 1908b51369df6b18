// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "run/replay.h"

static volatile sig_atomic_t interrupted;
static void on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

static void usage(FILE *f)
{
    fputs("usage: tripline replay [OPTIONS] JOURNAL\n\n"
          "Feeds a journal's inputs (frames, replies, clock, kill switch) through the same code and compares "
          "every\n"
          "command, event and order with the journal's, byte for byte.\n\n"
          "  --device NAME  back end to replay on: model (default), vector, sim, A+B, e.g. sim+model, or\n"
          "                 several as one, like model*3, with as many rows as the run's (docs/device.md)\n"
          "  --audit        brute-force check of every account at every update as well\n"
          "  --help         this text\n\n"
          "exit status: 0 identical, 1 a difference, a failed audit or a journal that cannot be read, 2 "
          "usage\n",
          f);
}

static bool progress(void *ctx, double share)
{
    (void)ctx;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\rreplay %3.0f %%", share * 100.0);
    return !interrupted;
}

int cmd_replay(int argc, char **argv)
{
    static const struct option options[] = {{"device", required_argument, NULL, 'd'},
                                            {"audit", no_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *device = "model";
    bool audit = false;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'd') {
            device = optarg;
        } else if (c == 'a') {
            audit = true;
        } else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    if (argc - optind != 1) {
        usage(stderr);
        return 2;
    }
    struct err e;
    struct replay_result r;
    (void)signal(SIGINT, on_signal);
    clock_init();
    int rc = replay_journal(argv[optind], device, audit, progress, NULL, &r, &e);
    if (isatty(STDERR_FILENO))
        fputs("\r", stderr);
    if (rc != 0) {
        bool named = strncmp(e.msg, argv[optind], strlen(argv[optind])) == 0;
        fprintf(stderr, "tripline replay: %s%s%s\n", named ? "" : argv[optind], named ? "" : ": ", e.msg);
        return 1;
    }
    printf("segments    %" PRIu64 "%s\n", r.segments,
           r.clean_end ? "" : " (the last one did not end cleanly)");
    if (r.torn_bytes)
        printf("torn tail   %" PRIu64 " bytes, not committed, ignored\n", r.torn_bytes);
    printf("inputs      %" PRIu64 " frames, %" PRIu64 " replies\n", r.frames, r.replies);
    printf("compared    %" PRIu64 " commands, %" PRIu64 " events, %" PRIu64 " orders on %s\n", r.commands,
           r.events, r.orders, device);
    if (audit)
        printf("audit: missed=%" PRIu64 " unconfirmed_orders=%" PRIu64 " over %" PRIu64 " updates\n",
               r.audit.missed, r.audit.unconfirmed_orders, r.audit.updates);
    if (r.faulted)
        printf("replay: in %" PRIu64
               " segments the device reported flipped memory bits: replayed and compared up to there\n",
               r.faulted);
    if (r.mismatches)
        printf("replay: %" PRIu64 " differences; first: %s\n", r.mismatches, r.first);
    else
        puts("replay: identical");
    return r.mismatches || r.audit.missed || r.audit.unconfirmed_orders ? 1 : 0;
}
