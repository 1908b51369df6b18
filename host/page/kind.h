// SPDX-License-Identifier: Apache-2.0
// What kind of figure a number is (P7): read from a clock or a record, counted in a simulation, or reckoned
// from a stated assumption. Each has one word, one colour and one shape on every page.
#ifndef TRIPLINE_PAGE_KIND_H
#define TRIPLINE_PAGE_KIND_H

enum kind { KIND_MEASURED, KIND_SIMULATED, KIND_MODELLED, KIND_COUNT }; // KIND_COUNT: none given
const char *kind_name(enum kind k);                                     // "measured", ...; "kind not given"

#endif
