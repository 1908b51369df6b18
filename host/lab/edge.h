// SPDX-License-Identifier: Apache-2.0
// How far an account is from the edge: its rule's row at exactly these prices, as what breach.h wants.
// Offline; one thread, for its scratch.
#ifndef TRIPLINE_LAB_EDGE_H
#define TRIPLINE_LAB_EDGE_H

#include "accounts/account.h"
#include "risk/breach.h"

struct edge {
    struct breach_form form; // scaled: only ratios mean something
    uint16_t asset[BREACH_ASSETS_MAX];
    uint32_t ppm; // health to gross exposure; UINT32_MAX: more than can be said
};
// False: without positions, or a price is missing (px <= 0), or its rule gives no row.
bool edge_of(const struct market *m, const struct account *a, const int64_t *px, struct edge *out);

#endif
