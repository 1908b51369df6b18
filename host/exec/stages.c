// SPDX-License-Identifier: Apache-2.0
#include "exec/stages.h"

#include "base/cursor.h"
#include "econ/policy.h"

const char *const stages_name[STAGES_COUNT] = {"none", "hyperliquid", "drift", "split"};
const char *const stages_rest_name[2] = {"after", "within"};

static bool liquidating(enum staged_at at)
{
    return at == STAGED_PARTIAL || at == STAGED_FULL || at == STAGED_BACKSTOP || at == STAGED_BANKRUPT;
}

// The state machine of econ/staged.h only compares, with the need and with two thirds of it: figures between
// which its comparisons come out as those that were made exactly.
static struct staged_view as_compared(const struct stage_view *v)
{
    enum { NEED = 3, BANKRUPT = -1, BELOW_BACKSTOP = 0, BREACHED = 2 };
    i128 value = !v->breached ? NEED : v->bankrupt ? BANKRUPT : v->backstop ? BELOW_BACKSTOP : BREACHED;
    return (struct staged_view){.value = value,
                                .need = NEED,
                                .end_value = value,
                                .end_need = NEED,
                                .notional = v->notional_e6,
                                .open = v->open};
}

static void step_hyperliquid(const struct stage_params *p, struct stage_at *at, const struct stage_view *v,
                             uint64_t now, struct stage_move *out)
{
    struct staged_view view = as_compared(v);
    struct staged_rule rule = staged_hyperliquid;
    struct staged_out o;
    rule.rest = (enum staged_rest)p->rest;
    staged_step(&at->s, &rule, &view, now, &o);
    out->to = o.to;
    out->changed = o.changed;
    out->order = o.order;
    out->share = o.to == STAGED_PARTIAL ? staged_hyperliquid.part_ppm : STAGE_SHARE_ONE;
}

static void end_stages(struct stage_at *at, enum staged_at to, struct stage_move *out)
{
    out->to = to;
    out->changed = at->s.at != to;
    if (out->changed)
        at->s.since = at->s.now;
    at->s.at = to;
    at->step = 0;
    at->freed_e6 = 0;
}

// An order of the ramp, when a step of it has passed since the one before.
static void ramp(const struct stage_params *p, struct stage_at *at, const struct stage_view *v,
                 struct stage_move *out)
{
    enum { MS = 1000000 };
    bool first = !liquidating(at->s.at);
    uint64_t began = first ? at->s.now : at->s.since, elapsed = at->s.now - began;
    uint64_t step = elapsed / ((uint64_t)p->ramp_ms * MS / p->ramp_steps);
    step = step > UINT32_MAX ? UINT32_MAX : step;
    const struct policy_ramp x = {.shortage = v->cure_e6,
                                  .freed = first ? 0 : at->freed_e6,
                                  .elapsed = elapsed / MS,
                                  .duration = p->ramp_ms,
                                  .initial = p->ramp_initial};
    if (!first && step <= at->step)
        return;
    i128 pct = v->bankrupt ? POLICY_RAMP_ONE : policy_ramp_pct(&x);
    if (pct <= 0)
        return;
    out->to = v->bankrupt ? STAGED_BANKRUPT : pct >= POLICY_RAMP_ONE ? STAGED_FULL : STAGED_PARTIAL;
    out->changed = out->to != at->s.at;
    out->order = true;
    out->share = (uint32_t)pct * (STAGE_SHARE_ONE / POLICY_RAMP_ONE);
    at->s.at = out->to;
    at->s.since = began;
    at->s.orders++;
    at->step = first ? 0 : (uint32_t)step;
    i128 freed = x.freed + (i128)v->cure_e6 * pct / POLICY_RAMP_ONE;
    at->freed_e6 = freed > INT64_MAX ? INT64_MAX : (int64_t)freed;
}

static void step_drift(const struct stage_params *p, struct stage_at *at, const struct stage_view *v,
                       uint64_t now, struct stage_move *out)
{
    if (now > at->s.now)
        at->s.now = now;
    if (!v->open)
        end_stages(at, STAGED_CLOSED, out);
    else if (v->breached)
        ramp(p, at, v, out);
    else if (v->ended || !liquidating(at->s.at))
        end_stages(at, STAGED_HEALTHY, out);
}

// The first of two, or all as without stages; then the second. After an order for all, its fill ends it.
static void step_split(struct stage_at *at, const struct stage_view *v, uint64_t now, struct stage_move *out)
{
    if (now > at->s.now)
        at->s.now = now;
    if (!v->open || !v->breached) {
        end_stages(at, v->open ? STAGED_HEALTHY : STAGED_CLOSED, out);
        return;
    }
    if (liquidating(at->s.at) && at->s.at != STAGED_PARTIAL)
        return;
    out->to = at->s.at != STAGED_PARTIAL && v->split ? STAGED_PARTIAL : STAGED_FULL;
    out->changed = out->order = true;
    out->share = STAGE_SHARE_ONE; // of what the view's maker has sized
    at->s.at = out->to;
    at->s.since = at->s.now;
    at->s.orders++;
}

void stage_step(enum stages_policy policy, const struct stage_params *p, struct stage_at *at,
                const struct stage_view *v, uint64_t now_ns, struct stage_move *out)
{
    *out = (struct stage_move){.from = at->s.at, .to = at->s.at};
    if (policy == STAGES_HYPERLIQUID)
        step_hyperliquid(p, at, v, now_ns, out);
    else if (policy == STAGES_DRIFT)
        step_drift(p, at, v, now_ns, out);
    else if (policy == STAGES_SPLIT)
        step_split(at, v, now_ns, out);
}

void stage_settled(struct staging *st, bool filled)
{
    enum staged_at at = st->is.s.at;
    st->open = false;
    if (!filled)
        st->is = st->before;
    else if (st->policy != STAGES_DRIFT && liquidating(at) && at != STAGED_PARTIAL)
        st->is.s.at = STAGED_HEALTHY;
}

// ---- record

static void put_at(struct wcur *c, const struct stage_at *at)
{
    put_u8(c, (uint8_t)at->s.at);
    put_u8(c, at->s.ran);
    put_u64(c, at->s.since);
    put_u64(c, at->s.until);
    put_u64(c, at->s.now);
    put_u64(c, at->s.orders);
    put_u32(c, at->step);
    put_i64(c, at->freed_e6);
}

static int get_at(struct rcur *c, struct stage_at *at)
{
    uint8_t state = get_u8(c), ran = get_u8(c);
    *at = (struct stage_at){.s = {.at = (enum staged_at)state, .ran = ran == 1}};
    at->s.since = get_u64(c);
    at->s.until = get_u64(c);
    at->s.now = get_u64(c);
    at->s.orders = get_u64(c);
    at->step = get_u32(c);
    at->freed_e6 = get_i64(c);
    return state < STAGED_COUNT && ran <= 1 && at->freed_e6 >= 0 ? 0 : -1;
}

void stage_encode(uint32_t account, const struct staging *st, uint8_t buf[STAGE_BYTES])
{
    struct wcur c = wcur_of(buf, STAGE_BYTES);
    put_u32(&c, account);
    put_u32(&c, st->epoch);
    put_u32(&c, st->revision);
    put_u8(&c, st->policy);
    put_u8(&c, st->open);
    put_at(&c, &st->is);
    put_at(&c, &st->before);
}

int stage_decode(const uint8_t *buf, size_t len, uint32_t *account, struct staging *st)
{
    struct rcur c = rcur_of(buf, len);
    *account = get_u32(&c);
    st->epoch = get_u32(&c);
    st->revision = get_u32(&c);
    st->policy = get_u8(&c);
    uint8_t open = get_u8(&c);
    st->open = open == 1;
    if (get_at(&c, &st->is) || get_at(&c, &st->before))
        return -1;
    return rcur_end(&c) && open <= 1 && st->policy < STAGES_COUNT ? 0 : -1;
}
