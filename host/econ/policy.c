// SPDX-License-Identifier: Apache-2.0
#include "econ/policy.h"

enum { DRIFT_SMALL = 50000000 };
i128 policy_part(i128 size, uint32_t ppm)
{
    return ppm >= ECON_PPM ? size : econ_part_ceil(size, ppm, ECON_PPM);
}

i128 policy_ramp_pct(const struct policy_ramp *x)
{
    if (x->shortage < DRIFT_SMALL)
        return POLICY_RAMP_ONE;
    i128 pct = POLICY_RAMP_ONE;
    if (x->duration)
        pct = (i128)x->elapsed * POLICY_RAMP_ONE / x->duration + x->initial;
    pct = econ_min(pct, POLICY_RAMP_ONE);
    i128 may = (x->shortage + x->freed) * pct / POLICY_RAMP_ONE;
    return econ_max(may - x->freed, 0) * POLICY_RAMP_ONE / x->shortage;
}
