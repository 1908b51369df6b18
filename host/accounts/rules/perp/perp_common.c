// SPDX-License-Identifier: Apache-2.0
// What the perpetual rules share; health and size in as many bits as the account needs.
#include "accounts/rules/perp/perp_common.h"

unsigned perp_scale(const struct market *m, const struct account *a, uint8_t kind)
{
    if (kind == INST_INVERSE)
        return PERP_INVERSE_DECIMALS;
    unsigned k = a->cash_decimals;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        unsigned d = (unsigned)in->size_decimals + m->asset[in->asset].decimals;
        if (d > k)
            k = d;
    }
    return k;
}

bool perp_bends(const struct market *m, const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &m->instrument[a->position[i].instrument];
        if (in->n_tiers > 1 || perp_profit_weight(in) < PPM)
            return true;
    }
    return false;
}

void perp_health(const struct market *m, const struct account *a, const int64_t *px, uint8_t kind,
                 bool shocked, struct health *out)
{
    if (perp_narrow_fits(m, a, px, NULL, kind))
        perp_narrow_health_of(m, a, px, kind, shocked, out);
    else
        perp_health_of(m, a, px, kind, shocked, out);
}

int perp_size(const struct market *m, const struct account *a, const int64_t *px,
              const struct size_policy *policy, uint8_t kind, bool shocked, struct order_size *out)
{
    if (perp_narrow_fits(m, a, px, policy, kind))
        return perp_narrow_size_of(m, a, px, policy, kind, shocked, out);
    return perp_size_of(m, a, px, policy, kind, shocked, out);
}
