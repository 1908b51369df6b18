// SPDX-License-Identifier: Apache-2.0
#include "exec/kick.h"

#include <string.h>

#include "base/crc32c.h"

enum { BPS_DIGITS = 4 };

uint32_t kick_rule(const char *name)
{
    uint32_t n = name[0] ? crc32c(0, name, strlen(name)) : 0;
    return name[0] && n == 0 ? 1 : n;
}

bool kick_of(const struct kick_terms *k, const struct rule *r)
{
    return k->chop_bps && r->borrowing && !r->borrowing->paid && (!k->rule || k->rule == kick_rule(r->name));
}

i256 kick_reward(const struct kick_terms *k, i256 value_e8)
{
    i256 tab = i256_div10_floor(i256_mul_i64(value_e8, k->chop_bps), BPS_DIGITS);
    i256 chip = i256_div10_floor(i256_mul_i64(tab, k->chip_bps), BPS_DIGITS);
    return i256_add(i256_from_i64(k->tip_e8), chip);
}

bool kick_sides(struct settlement *s, uint8_t party, struct flow **gets, struct flow **pays)
{
    *gets = *pays = NULL;
    for (unsigned i = 0; i < s->n; i++) {
        struct flow *f = &s->flow[i];
        int sign = f->party == party ? i256_sign(f->amount) : 0;
        struct flow **side = sign > 0 ? gets : pays;
        if (sign == 0)
            continue;
        if (*side || f->instrument < 0)
            return false;
        *side = f;
    }
    return *gets && *pays && (*gets)->instrument != (*pays)->instrument &&
           i256_bits((*gets)->amount) <= 100 && i256_bits((*pays)->amount) <= 100;
}
