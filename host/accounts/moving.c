// SPDX-License-Identifier: Apache-2.0
#include "accounts/moving.h"

bool market_moves(const struct market *m)
{
    (void)m;
    return false;
}

bool account_moves(const struct market *m, const struct account *a)
{
    (void)m;
    (void)a;
    return false;
}

void market_now(struct market *m, uint64_t now_ns)
{
    (void)m;
    (void)now_ns;
}

void market_window(struct market *m, uint64_t from_ns, uint64_t until_ns)
{
    (void)m;
    (void)from_ns;
    (void)until_ns;
}
