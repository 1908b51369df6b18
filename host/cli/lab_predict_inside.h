// SPDX-License-Identifier: Apache-2.0
// Inside of `tripline lab predict` only: what its options say (lab_predict.c), and playing days
// (lab_predict_play.c). Offline; one thread.
#ifndef TRIPLINE_CLI_LAB_PREDICT_INSIDE_H
#define TRIPLINE_CLI_LAB_PREDICT_INSIDE_H

#include <signal.h>

#include "accounts/account.h"
#include "bench/load.h"
#include "lab/fit.h"
#include "run/config.h"

enum { PREDICT_DAYS_MAX = 64 };

struct predict_options {
    const char *accounts; // store, or NULL: generate so many
    uint64_t generate, seed;
    const char *capture[PREDICT_DAYS_MAX]; // none: days are generated
    size_t captures;
    uint64_t days, train, seconds, rate; // days: of generated ones; train: how many of all, the first
    uint64_t horizon_s, every_s, within_ppm;
    const char *backend;
    struct session_config config;
    bool quiet, fit;
    const char *page; // file to leave a page in; NULL: none
    bool force;
};

// One forecast: an account near the edge, once every every_s, and whether it breached within horizon_s.
struct predict_sample {
    struct fit_case seen;
    uint64_t at_ns;
    uint32_t account;
};
struct predict_day {
    char what[200];
    const char *kind;              // what days like it are called
    struct predict_sample *sample; // malloc'ed
    size_t n, cap;
    size_t breached, began; // accounts; began: liquidatable at the first prices, left out
};
// Why the order of an account that breached was not ready.
enum predict_cold {
    COLD_SUDDEN,   // one update took it across the whole warning distance, or it was beyond that at the start
    COLD_UNMADE,   // warned, but its turn had not come, or its order could not be sized
    COLD_GIVEN_UP, // made, retired as it was no longer the one, and not made anew
    COLD_DEEPER,   // made, but one update took it so far beyond the breach that more had to be liquidated
    COLD_OTHER,    // made, but less, or other legs, had to be
    COLDS
};
// Orders of one day: the first for each account that breaches. orders = ready + sum of cold.
struct predict_orders {
    uint64_t orders, ready, cold[COLDS];
    int64_t reward_e8, ready_e8; // of the orders' rewards, those of ready ones
};

// Plays the frames without orders and collects forecasts whose end the day has seen. 0, or -1 with *e set.
int predict_collect(const struct predict_options *o, struct book *b, const struct load *l,
                    struct predict_day *out, const volatile sig_atomic_t *stop, struct err *e);
// Plays them through a session whose orders are never answered, so that each account has one.
int predict_session(const struct predict_options *o, bool predict, struct book *b, const struct load *l,
                    struct predict_orders *out, const volatile sig_atomic_t *stop, struct err *e);

#endif
