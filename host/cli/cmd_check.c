// SPDX-License-Identifier: Apache-2.0
// `tripline check`: runs a command file on a device and prints its events.
#include "cli/card_options.h"
#include "cli/cli.h"
#include "cli/number.h"

#include "cmdfile.h"
#include "device.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: tripline check [options] FILE.cmd\n"
    "Runs a command file (format: docs/device.md) on a device and prints its events, one a line.\n"
    "\n"
    "  --device NAME      model, vector (AVX2, AVX-512), sim (the RTL in Verilator), or A+B: two of them,\n"
    "                     events compared beat by beat (default sim+model); model*3 or a list like\n"
    "                     sim,model: several as one\n"
    "  --isa NAME         instruction set of vector: auto (default), avx512, avx2, scalar\n"
    "  --threads N        threads of vector, 1 to 64 (default 1); the others never sleep\n"
    "  --trace FILE.fst   write a waveform (sim; of several the first)\n"
    "  --stall-in P       leave a write that waits for the card alone in P percent of the cycles (sim; 0 to "
    "99)\n"
    "  --stall-out P      take no event from the card in P percent of the cycles (sim; 0 to 99)\n" CARD_HELP
    "  --seed N           of all that is random (default 1)\n"
    "  --geometry LxSxA   lanes, slots, assets (model and vector); of several as one: of all together\n"
    "  --stamps           print the cycles in which cause and event passed (sim)\n"
    "  --echo             print the commands too\n"
    "  --counters         print the device's counters at the end\n"
    "  --help             this text\n"
    "\n"
    "Exit status: 0, or 1 when the file or the device cannot be used or two devices differ.\n";

enum { POLL = 64 };

struct options {
    struct device_config device;
    bool stamps, echo, counters;
    const char *path;
    struct device_card card;
};

enum {
    OPT_DEVICE,
    OPT_ISA,
    OPT_THREADS,
    OPT_TRACE,
    OPT_IN,
    OPT_OUT,
    OPT_SEED,
    OPT_GEOMETRY,
    OPT_STAMPS,
    OPT_ECHO,
    OPT_COUNTERS,
    OPT_HELP
};
static const struct option longs[] = {{"device", required_argument, NULL, OPT_DEVICE},
                                      {"isa", required_argument, NULL, OPT_ISA},
                                      {"threads", required_argument, NULL, OPT_THREADS},
                                      {"trace", required_argument, NULL, OPT_TRACE},
                                      {"stall-in", required_argument, NULL, OPT_IN},
                                      {"stall-out", required_argument, NULL, OPT_OUT},
                                      {"seed", required_argument, NULL, OPT_SEED},
                                      {"geometry", required_argument, NULL, OPT_GEOMETRY},
                                      {"stamps", no_argument, NULL, OPT_STAMPS},
                                      {"echo", no_argument, NULL, OPT_ECHO},
                                      {"counters", no_argument, NULL, OPT_COUNTERS},
                                      {"help", no_argument, NULL, OPT_HELP},
                                      CARD_OPTIONS,
                                      {0}};

// One option; false when its value makes no sense.
static bool take(int opt, struct options *o)
{
    uint64_t v = 0;
    bool ok = true;
    if (opt >= CARD_OPT_CLOCK)
        return card_option(opt, optarg, &o->card);
    switch (opt) {
    case OPT_DEVICE:
        o->device.backend = optarg;
        break;
    case OPT_ISA:
        o->device.isa = optarg;
        break;
    case OPT_THREADS:
        ok = number_parse(optarg, 1, 64, &v) == 0;
        o->device.threads = (unsigned)v;
        break;
    case OPT_TRACE:
        o->device.trace = optarg;
        break;
    case OPT_IN:
        ok = number_parse(optarg, 0, 99, &v) == 0;
        o->device.stall_in_pct = (unsigned)v;
        break;
    case OPT_OUT:
        ok = number_parse(optarg, 0, 99, &v) == 0;
        o->device.stall_out_pct = (unsigned)v;
        break;
    case OPT_SEED:
        ok = number_parse(optarg, 0, UINT64_MAX, &o->device.seed) == 0;
        break;
    case OPT_GEOMETRY:
        ok = geometry_parse(optarg, &o->device) == 0;
        break;
    case OPT_STAMPS:
        o->stamps = true;
        break;
    case OPT_ECHO:
        o->echo = true;
        break;
    default:
        o->counters = true;
    }
    return ok;
}

// 0 to go on, 1 when help was printed, 2 on a usage error.
static int parse(int argc, char **argv, struct options *o)
{
    int opt, at = 0;
    while ((opt = getopt_long(argc, argv, "", longs, &at)) != -1) {
        if (opt == OPT_HELP) {
            fputs(help, stdout);
            return 1;
        }
        if (opt == '?')
            return 2;
        if (!take(opt, o)) {
            fprintf(stderr, "tripline check: --%s cannot be '%s'; see tripline check --help\n",
                    longs[at].name, optarg);
            return 2;
        }
    }
    if (optind != argc - 1) {
        fprintf(stderr, "tripline check: give one command file; see tripline check --help\n");
        return 2;
    }
    o->path = argv[optind];
    return 0;
}

static size_t drain(struct device *d, const struct options *o)
{
    struct beat evt[POLL];
    char text[CMDFILE_TEXT_MAX];
    size_t n, total = 0;
    while ((n = device_poll(d, evt, POLL)) > 0) {
        for (size_t i = 0; i < n; i++) {
            cmdfile_print_event(text, &evt[i], o->stamps);
            puts(text);
        }
        total += n;
    }
    return total;
}

static int run(struct device *d, const struct cmdfile *f, const struct options *o, struct err *e)
{
    for (size_t i = 0; i < f->n;) {
        // With --echo one at a time, so that a command's events follow it.
        size_t want = o->echo ? 1 : f->n - i;
        if (o->echo) {
            char text[CMDFILE_TEXT_MAX];
            cmdfile_print(text, &f->beats[i]);
            printf("> %s\n", text);
        }
        size_t taken = device_submit(d, &f->beats[i], want);
        if (drain(d, o) == 0 && taken == 0)
            return err_set(e, "%s:%u: the device takes no more commands%s%s", o->path, f->lines[i],
                           d->info.fault ? ": " : "", d->info.fault ? d->info.fault : "");
        i += taken;
    }
    char text[400];
    return device_mismatch(d, text, sizeof text) ? err_set(e, "%s: %s", o->path, text) : 0;
}

static void print_counters(struct device *d)
{
    struct device_counters c;
    device_counters(d, &c);
    printf("# %s %ux%ux%u commands=%" PRIu64 " events=%" PRIu64 " ticks=%" PRIu64 " rows=%" PRIu64
           " triggers=%" PRIu64 " band_exits=%" PRIu64 " errors=%" PRIu64 "\n",
           d->info.backend, d->info.lanes, d->info.slots, d->info.assets, c.commands, c.events, c.ticks,
           c.rows, c.triggers, c.band_exits, c.errors);
    if (d->info.isa)
        printf("# instruction set: %s\n", d->info.isa);
    if (d->info.cycles)
        printf("# RTL cycles=%" PRIu64 " stall_in=%" PRIu64 " stall_out=%" PRIu64 " stall_events=%" PRIu64
               " ring_full=%" PRIu64 "\n",
               c.cycles, c.stall_in_cycles, c.stall_out_cycles, c.stall_event_cycles, c.ring_full_cycles);
}

int cmd_check(int argc, char **argv)
{
    struct options o = {.device = {.backend = "sim+model", .seed = 1}, .card = device_card_default};
    o.device.card = &o.card;
    int usage = parse(argc, argv, &o);
    if (usage)
        return usage == 1 ? 0 : 2;
    struct err e;
    struct cmdfile f;
    struct device *d = NULL;
    if (cmdfile_read(o.path, &f, &e)) {
        fprintf(stderr, "tripline check: %s\n", e.msg);
        return 1;
    }
    int rc = device_open(&o.device, &d, &e);
    if (!rc) {
        rc = run(d, &f, &o, &e);
        if (o.counters)
            print_counters(d);
        if (d->info.warning && d->info.warning[0])
            fprintf(stderr, "tripline check: warning: %s\n", d->info.warning);
    }
    if (rc)
        fprintf(stderr, "tripline check: %s\n", e.msg);
    device_close(d);
    cmdfile_free(&f);
    return rc ? 1 : 0;
}
