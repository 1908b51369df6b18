// SPDX-License-Identifier: Apache-2.0
// A file that a command leaves: whole or not at all, by another name first. Devices, pipes and sockets are
// written to, never replaced; a link's target is what is replaced. One thread; allocates.
#ifndef TRIPLINE_CLI_OUT_FILE_H
#define TRIPLINE_CLI_OUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct out_file {
    const char *name;
    char *path, *part; // part: NULL where it is written to at once
    FILE *f;
};

// Before the work: may it be left there? input: files that are read, which it must not be (NULL: none). 0, or
// -1 with *e set: one of those, a folder, or there already without `force`.
int out_file_check(const char *name, bool force, const char *const *input, size_t n, struct err *e);
// 0, or -1 with *e set; then nothing is open.
int out_file_open(struct out_file *o, const char *name, struct err *e);
// keep: everything was written; else what was there before stays. 0, or -1 with *e set (not without keep).
int out_file_close(struct out_file *o, bool keep, struct err *e);

#endif
