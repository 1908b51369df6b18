// SPDX-License-Identifier: Apache-2.0
// The files that a command of `tripline lab` leaves: whole or not at all, and none is replaced unless
// `force`.
#ifndef TRIPLINE_CLI_LAB_PAGE_H
#define TRIPLINE_CLI_LAB_PAGE_H

#include "base/err.h"
#include "lab/result.h"

// 0, or -1 with *e set: the file is there already, cannot be written, or the result is not whole.
int lab_page_save(const char *path, bool force, const struct lab_result *r, struct err *e); // HTML
int lab_json_save(const char *path, bool force, const struct lab_result *r, struct err *e);

#endif
