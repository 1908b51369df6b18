// SPDX-License-Identifier: Apache-2.0
// Which price streams an account's health depends on. Pure function.
#ifndef TRIPLINE_ACCOUNTS_ASSETS_H
#define TRIPLINE_ACCOUNTS_ASSETS_H

#include "accounts/account.h"

enum { ACCOUNT_ASSETS_MAX = 2 * ACCOUNT_POSITIONS_MAX };

// Fills out[] with the distinct assets of the account's positions, reciprocal columns included; returns how
// many.
size_t account_assets(const struct market *m, const struct account *a, uint16_t out[ACCOUNT_ASSETS_MAX]);

#endif
