// SPDX-License-Identifier: Apache-2.0
// The style sheet that all pages have: palette, light and dark, type, tables, drawings, print. A page adds
// rules of its own between the two calls. Nothing is fetched. The caller checks f for errors; one thread.
#ifndef TRIPLINE_PAGE_STYLE_H
#define TRIPLINE_PAGE_STYLE_H

#include <stdio.h>

void style_begin(FILE *f);
void style_end(FILE *f);

#endif
