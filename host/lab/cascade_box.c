// SPDX-License-Identifier: Apache-2.0
// Nested boxes of prices, as the engine has them (docs/scale.md): an account that its rule's rows prove
// healthy in all of a box is not looked at until a price leaves the box. A proof, not a guess: the rows'
// least value at the box's adverse corner, less their slack, is at least 0.
#include "accounts/reciprocal.h"
#include "lab/cascade_inside.h"

enum { HALF_PPM = 5000, PPM_ONE = 1000000 };

static void recentre(struct cascade *c, unsigned tier)
{
    const struct market *m = &c->b->market;
    struct band *box = c->box[tier];
    int64_t half = (int64_t)HALF_PPM << tier;
    for (unsigned i = 0; i < m->n_assets; i++) {
        i128 p = c->px[i];
        bool moves = c->coin[i] != NO_COIN;
        i128 lo = moves ? p * (PPM_ONE - half) / PPM_ONE : p, hi = moves ? p * (PPM_ONE + half) / PPM_ONE : p;
        box[i].lo = lo < 1 ? 1 : (int64_t)lo;
        box[i].hi = hi > INT64_MAX ? INT64_MAX : (int64_t)hi;
    }
    for (unsigned i = 0; i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        if (a->kind != ASSET_RECIPROCAL)
            continue;
        box[i].lo = reciprocal_price(box[a->base].hi, m->asset[a->base].decimals, a->decimals);
        box[i].hi = reciprocal_price(box[a->base].lo, m->asset[a->base].decimals, a->decimals);
        if (box[i].lo == 0 || box[i].hi == 0) // no such price: the row is then refused, the account looked at
            box[i] = (struct band){0, 0};
    }
}

static bool left(const struct cascade *c, unsigned tier)
{
    for (unsigned i = 0; i < c->b->market.n_assets; i++)
        if (c->coin[i] != NO_COIN && (c->px[i] < c->box[tier][i].lo || c->px[i] > c->box[tier][i].hi))
            return true;
    return false;
}

static bool healthy_at_worst(const struct affine *f, const struct band *box)
{
    i256 least = i256_sub(f->c, f->slack);
    for (unsigned k = 0; k < f->n; k++) {
        const struct band *b = &box[f->asset[k]];
        least = i256_add(least, i256_mul_i64(f->a[k], i256_sign(f->a[k]) > 0 ? b->lo : b->hi));
    }
    return i256_sign(least) >= 0;
}

static bool healthy_in(const struct cascade *c, const struct account *a, unsigned tier, bool *never)
{
    static struct affine row[RULE_ROWS_MAX];
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *in = &c->b->market.instrument[a->position[i].instrument];
        if (c->box[tier][in->asset].lo <= 0 ||
            (in->kind == INST_INVERSE && c->box[tier][in->inverse].lo <= 0))
            return false;
    }
    int n = a->rule->rows(&c->b->market, a, c->box[tier], 0, row, NULL);
    *never = n == 0;
    for (int i = 0; i < n; i++)
        if (row[i].level == LEVEL_LIQUIDATE && !healthy_at_worst(&row[i], c->box[tier]))
            return false;
    return n > 0;
}

void boxes_place(struct cascade *c, size_t i)
{
    const struct account *a = &c->b->account[i];
    enum staged_at at = c->state[i].staged.at;
    bool never = false;
    // A liquidation that is under way has to see that it has ended.
    if (a->n_positions > 0 &&
        (at == STAGED_PARTIAL || at == STAGED_FULL || at == STAGED_BACKSTOP || at == STAGED_BANKRUPT)) {
        c->state[i].tier = TIER_HOT;
        return;
    }
    unsigned tier = BOX_TIERS;
    while (tier > 0 && !never && !healthy_in(c, a, tier - 1, &never))
        tier--;
    c->state[i].tier = never ? TIER_NEVER : tier == 0 ? TIER_HOT : (uint8_t)(tier - 1);
}

void boxes_begin(struct cascade *c)
{
    for (unsigned t = 0; t < BOX_TIERS; t++)
        recentre(c, t);
    for (size_t i = 0; i < c->b->n_accounts; i++)
        boxes_place(c, i);
}

void boxes_follow(struct cascade *c)
{
    bool out[TIER_NEVER + 1] = {false}, any = false;
    for (unsigned t = 0; t < BOX_TIERS; t++)
        if ((out[t] = left(c, t))) {
            recentre(c, t);
            any = true;
        }
    out[TIER_HOT] = any; // they may have a box again
    for (size_t i = 0; any && i < c->b->n_accounts; i++)
        if (out[c->state[i].tier])
            boxes_place(c, i);
}
