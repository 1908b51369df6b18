// SPDX-License-Identifier: Apache-2.0
// The report of a run of the laboratory: one HTML5 page that needs nothing else, neither network nor fonts
// nor scripts (a script adds read-outs under the pointer). It depends on the result alone, so that the same
// seed gives the same page. Not for the hot path; one thread.
#ifndef TRIPLINE_LAB_HTML_PAGE_H
#define TRIPLINE_LAB_HTML_PAGE_H

#include <stdio.h>

#include "lab/result.h"

// 0, or -1: the result is not complete (r->failed), memory is short, or out cannot be written.
int lab_page_write(const struct lab_result *r, FILE *out);

#endif
