// SPDX-License-Identifier: Apache-2.0
#include "econ/staged.h"

#include "econ/policy.h"

const char *const staged_name[STAGED_COUNT] = {"healthy",  "warned",   "partial", "full",
                                               "backstop", "bankrupt", "closed"};

const struct staged_rule staged_hyperliquid = {
    .part_ppm = 200000,
    .part_above = (i128)100000 * 1000000,
    .cooldown = UINT64_C(30000000000),
    .rest = REST_WITHIN,
    .backstop_num = 2,
    .backstop_den = 3,
};

struct staged_view staged_view_of(i128 value, i128 need, i128 notional, uint32_t buffer_ppm)
{
    return (struct staged_view){
        .value = value,
        .need = need,
        .end_value = value,
        .end_need = need + econ_part_ceil(notional, buffer_ppm, ECON_PPM),
        .notional = notional,
        .open = true,
    };
}

static bool breached(const struct staged_rule *r, const struct staged_view *v)
{
    return r->at_equal ? v->value <= v->need : v->value < v->need;
}

static bool cooling(const struct staged_state *s)
{
    return s->ran && s->now < s->until;
}

static bool liquidating(enum staged_at at)
{
    return at == STAGED_PARTIAL || at == STAGED_FULL || at == STAGED_BACKSTOP || at == STAGED_BANKRUPT;
}

// Not being liquidated: healthy, or warned with its own hysteresis.
static enum staged_at calm(const struct staged_state *s, const struct staged_rule *r,
                           const struct staged_view *v)
{
    uint32_t level = s->at == STAGED_WARNED ? r->clear_ppm : r->warn_ppm;
    return r->warn_ppm && v->value * ECON_PPM < v->need * level ? STAGED_WARNED : STAGED_HEALTHY;
}

// A breach that begins: a part, or everything.
static enum staged_at begin(const struct staged_state *s, const struct staged_rule *r,
                            const struct staged_view *v)
{
    if (r->part_ppm == 0)
        return STAGED_FULL;
    if (cooling(s))
        return r->rest == REST_WITHIN ? STAGED_FULL : STAGED_PARTIAL;
    return v->notional > r->part_above ? STAGED_PARTIAL : STAGED_FULL;
}

static enum staged_at next(const struct staged_state *s, const struct staged_rule *r,
                           const struct staged_view *v)
{
    if (v->value < 0)
        return STAGED_BANKRUPT;
    if (!v->open)
        return STAGED_CLOSED;
    if (liquidating(s->at) && v->end_value >= v->end_need && !breached(r, v))
        return calm(s, r, v);
    if (breached(r, v) && r->backstop_den && v->value * r->backstop_den < v->need * r->backstop_num)
        return STAGED_BACKSTOP;
    switch (s->at) {
    case STAGED_PARTIAL:
        if (r->rest == REST_AFTER)
            return cooling(s) ? STAGED_PARTIAL : STAGED_FULL;
        return s->now > s->since ? STAGED_FULL : STAGED_PARTIAL;
    case STAGED_FULL:
    case STAGED_BACKSTOP: // taken over as a whole: it does not come back to the book
        return s->at;
    case STAGED_BANKRUPT: // money came in: what is left is sold
        return STAGED_FULL;
    default:
        return breached(r, v) ? begin(s, r, v) : calm(s, r, v);
    }
}

// Entering `to` wants an order, unless it is a wait for a cooldown that runs already.
static bool wants(const struct staged_state *s, enum staged_at to)
{
    return liquidating(to) && !(to == STAGED_PARTIAL && cooling(s));
}

void staged_step(struct staged_state *s, const struct staged_rule *r, const struct staged_view *v,
                 uint64_t now, struct staged_out *out)
{
    if (now > s->now)
        s->now = now;
    enum staged_at to = next(s, r, v);
    *out = (struct staged_out){.from = s->at, .to = to, .changed = to != s->at};
    if (!out->changed)
        return;
    out->order = wants(s, to);
    if (out->order) {
        out->size = to == STAGED_PARTIAL ? policy_part(v->notional, r->part_ppm) : v->notional;
        s->orders++;
    }
    if (to == STAGED_PARTIAL && out->order) {
        s->until = r->cooldown > UINT64_MAX - s->now ? UINT64_MAX : s->now + r->cooldown;
        s->ran = true;
    }
    s->at = to;
    s->since = s->now;
}
