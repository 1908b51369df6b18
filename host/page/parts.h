// SPDX-License-Identifier: Apache-2.0
// Pieces of HTML that the pages share: the head, paragraphs, tables, the badge of a figure's kind. What a
// caller gives as text is escaped; classes and column heads are not. The caller checks f for errors; one
// thread.
#ifndef TRIPLINE_PAGE_PARTS_H
#define TRIPLINE_PAGE_PARTS_H

#include <stdio.h>

#include "page/kind.h"

// From the document's type up to <title>, with a policy that forbids whatever would be fetched.
void html_begin(FILE *f);
__attribute__((format(printf, 3, 4))) void put_par(FILE *f, const char *class, const char *fmt, ...);
void put_cell(FILE *f, const char *class, const char *text); // <td>
void put_number(FILE *f, double v);                          // <td> with num_count()
// Columns are parted by '|'; '#' before one: its cells are numbers. Rows are the caller's: <tr>, cells,
// </tr>.
void table_begin(FILE *f, const char *columns);
void table_end(FILE *f);
void put_badge(FILE *f, enum kind k);
// The badge of each kind with what it means on this page, as HTML.
void put_legend(FILE *f, const char *const text[KIND_COUNT]);
void put_badges(FILE *f, unsigned kinds); // bit k: of that kind

#endif
