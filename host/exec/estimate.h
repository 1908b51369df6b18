// SPDX-License-Identifier: Apache-2.0
// What liquidating an account would bring, roughly and quickly: by its positions alone, no size is worked
// out. To choose whose order is made ready first; never what leaves. Pure; any thread.
#ifndef TRIPLINE_EXEC_ESTIMATE_H
#define TRIPLINE_EXEC_ESTIMATE_H

#include <stdint.h>

#include "exec/kick.h"

// 1e-8 units of account, >= 0, saturating. Perpetuals: the penalty on the whole notional, or where the
// rule tells none the venue's fee, or a ppm. Lending: all debt
// repaid for collateral of the reserve in which the account has most of it, at that reserve's bonus: what the
// rule lets a liquidator repay may be half of it. px[asset] in quanta; a position without a price counts as
// nothing.
int64_t estimate_reward_e8(const struct market *m, const struct account *a, const int64_t *px,
                           const struct kick_terms *kick);

#endif
