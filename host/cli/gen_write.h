// SPDX-License-Identifier: Apache-2.0
// The captures that `tripline gen` writes: the generator's venue, or an existing capture, on one line or two,
// with the lines' impairments.
#ifndef TRIPLINE_CLI_GEN_WRITE_H
#define TRIPLINE_CLI_GEN_WRITE_H

#include <signal.h>

#include "feed/gen.h"
#include "feed/gen_impair.h"

struct gen_job {
    struct gen_config config;
    const char *output; // - is standard output
    const char *from;   // capture to impair; NULL: the generator's venue
    unsigned lines;     // 1 or 2
    bool impaired;      // impair says something
    struct impair_spec impair;
    bool quiet;
    volatile sig_atomic_t *stop; // set: end the file after the current packet
};

// EXIT_SUCCESS, or EXIT_FAILURE with the reason on standard error.
int gen_write(const struct gen_job *j);

#endif
