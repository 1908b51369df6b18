// SPDX-License-Identifier: Apache-2.0
// What the state machine sees of an account, and what an order in each of its states asks for.
#include <string.h>

#include "econ/policy.h"
#include "lab/cascade_inside.h"

enum { VIEW_BITS = 88 };

// Both sides of the comparison, shifted alike into the view's range. What the shift cuts off must not change
// the verdict, so that is put right by one unit.
void cascade_look(const struct cascade *c, const struct account *a, struct staged_view *v)
{
    struct health h;
    a->rule->health(&c->b->market, a, c->px, &h);
    unsigned bits = i256_bits(h.equity), need_bits = i256_bits(h.requirement);
    bits = bits > need_bits ? bits : need_bits;
    unsigned cut = bits > VIEW_BITS ? bits - VIEW_BITS : 0;
    bool lost = i256_sign(h.equity) < 0;
    i128 value = i256_to_i128(i256_sar(h.equity, cut)), need = i256_to_i128(i256_sar(h.requirement, cut));
    if (h.liquidatable && value >= need)
        value = need - 1;
    if (!h.liquidatable && (value < need || lost))
        value = need > 0 ? need : 0; // a grace period, or nothing is owed
    *v = staged_view_of(value, need, 0, 0);
    v->notional = 1;
    v->open = a->n_positions > 0;
}

// Every position, or its part, rounded up.
static int perp_part(const struct account *a, uint32_t ppm, struct order_size *out)
{
    memset(out, 0, offsetof(struct order_size, leg));
    out->full = true;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        i128 size = p->size < 0 ? -p->size : p->size, qty = policy_part(size, ppm);
        out->leg[out->n++] = (struct order_leg){p->instrument, qty};
        out->full = out->full && qty == size;
    }
    out->value = out->reward = I256_ZERO;
    return out->n ? 0 : -1;
}

bool cascade_of_perps(const struct cascade *c, const struct account *a, const struct order_size *o)
{
    return !a->rule->holding ||
           (o->n == 1 && c->b->market.instrument[o->leg[0].instrument].kind != INST_RESERVE);
}

int cascade_size(const struct cascade *c, const struct account *a, enum staged_at at, struct order_size *out)
{
    const struct lab_scenario *s = c->s;
    bool perp = !a->rule->holding;
    bool part = s->policy == POLICY_CLOSE_FACTOR || at == STAGED_PARTIAL;
    if (perp && (part || s->policy != POLICY_TARGET || at == STAGED_BANKRUPT))
        return perp_part(a, part && at != STAGED_BANKRUPT ? s->close_ppm : ECON_PPM, out);
    // Lending: the contract's own close factor bounds what a target asks for.
    const struct size_policy how = {.target_ppm = s->policy == POLICY_TARGET ? s->target_ppm : UINT32_MAX,
                                    .dust = (int64_t)s->dust};
    return a->rule->size(&c->b->market, a, c->px, &how, out);
}
