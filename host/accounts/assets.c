// SPDX-License-Identifier: Apache-2.0
#include "accounts/assets.h"

static size_t add_distinct(uint16_t *out, size_t n, uint16_t asset)
{
    for (size_t i = 0; i < n; i++)
        if (out[i] == asset)
            return n;
    out[n] = asset;
    return n + 1;
}

size_t account_assets(const struct market *m, const struct account *a, uint16_t out[ACCOUNT_ASSETS_MAX])
{
    size_t n = 0;
    for (uint16_t i = 0; i < a->n_positions; i++) {
        const struct instrument *inst = &m->instrument[a->position[i].instrument];
        n = add_distinct(out, n, inst->asset);
        if (inst->kind == INST_INVERSE)
            n = add_distinct(out, n, inst->inverse);
    }
    return n;
}
