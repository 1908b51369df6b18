// SPDX-License-Identifier: Apache-2.0
// Opening an output file empties it: it must not be the input.
#ifndef TRIPLINE_CLI_SAME_FILE_H
#define TRIPLINE_CLI_SAME_FILE_H

#include <stdbool.h>

// Whether both names are of one regular file, be it by links. Names of nothing are not. System calls; any
// thread.
bool same_file(const char *a, const char *b);

#endif
