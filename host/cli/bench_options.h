// SPDX-License-Identifier: Apache-2.0
// Options of `tripline bench`.
#ifndef TRIPLINE_CLI_BENCH_OPTIONS_H
#define TRIPLINE_CLI_BENCH_OPTIONS_H

#include "bench/result.h"
#include "run/config.h"

struct bench_options {
    // load
    enum load_kind kind;
    const char *capture;
    bool t0_large;
    bool dpdk;             // the capture through a port of DPDK's
    struct gen_config gen; // generated
    uint64_t packets;      // most; 0: all, or the kind's usual number
    uint64_t seed;
    // pace: one run each
    struct pace_config pace[BENCH_RUNS_MAX];
    size_t n_runs;
    uint64_t warmup; // UINT64_MAX: the usual
    unsigned passes;
    // session
    const char *accounts, *oracle;
    uint64_t generate; // accounts, where there is no `accounts`
    struct session_config config;
    struct device_config device;
    struct device_card card;
    const char *dir;
    bool no_journal, no_spin;
    int cpu; // -1: chosen
    // result
    uint64_t worst;
    const char *json, *histograms, *title;
    bool timeline; // the first run's load once more, simulated (bench/timeline.h)
    bool quiet;
};
// 0; 1 when --help was printed; 2 on a usage error (printed).
int bench_options_parse(int argc, char **argv, struct bench_options *o);

#endif
