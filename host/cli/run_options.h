// SPDX-License-Identifier: Apache-2.0
// Options of `tripline run`.
#ifndef TRIPLINE_CLI_RUN_OPTIONS_H
#define TRIPLINE_CLI_RUN_OPTIONS_H

#include "cli/port_options.h"
#include "device.h"
#include "run/config.h"

struct run_options {
    const char *accounts, *capture, *dir, *device, *trace, *venue, *kill_file, *oracle, *chain, *histograms;
    const char *venue_args[16]; // passed on to a venue started here
    size_t n_venue_args;
    bool auctions_beside; // that venue tells of auctions beside its replies
    bool auctions_given;  // --set auctions=
    bool auction_terms;   // --set auction_...=
    char *const *eal;     // after "--", NULL-terminated, or NULL
    bool audit, lockstep, quiet, spin, card_given;
    uint64_t max_frames, max_seconds;
    struct port_options ports;
    struct device_card card; // of a simulated device
    uint64_t seed;           // of its randomness
    const char *isa;         // of the device vector, or NULL
    unsigned threads;        // likewise, or 0
    struct device_config
        geometry; // lanes, slots, assets of a device that has those it is asked for; 0: usual ones
    struct session_config config;
};
// 0; 1 when --help was printed; 2 on a usage error (printed).
int run_options_parse(int argc, char **argv, struct run_options *o);

#endif
