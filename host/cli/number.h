// SPDX-License-Identifier: Apache-2.0
// Numbers given on a command line.
#ifndef TRIPLINE_CLI_NUMBER_H
#define TRIPLINE_CLI_NUMBER_H

#include <stdint.h>

struct device_config;

// A whole number in decimal digits only, lo..hi. 0, or -1 with *out untouched.
int number_parse(const char *text, uint64_t lo, uint64_t hi, uint64_t *out);

// "LANESxSLOTSxASSETS", each > 0, into the configuration. 0, or -1.
int geometry_parse(const char *text, struct device_config *out);

#endif
