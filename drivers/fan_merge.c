// SPDX-License-Identifier: Apache-2.0
// Several devices as one: the members' events in the order in which a single device would give them. An event
// goes out as soon as no member can say anything that belongs before it.
#include "fan.h"

#include <string.h>

static const char no_answer[] = "is at rest and has not answered all it was sent";

// ---- which job an event belongs to

// Past jobs that were not sent to it.
static void skip(struct fan *f, struct fan_member *m)
{
    while (m->at != f->end && !(fan_job(f, m->at)->to & m->bit))
        m->at++;
}

static void finish(struct fan *f, struct fan_member *m)
{
    struct fan_job *j = fan_job(f, m->at++);
    j->exit_known |= (j->real & m->bit) != 0;
    m->taken = m->floor = 0;
}

// No event that the member has yet to give comes before this place.
static uint64_t bound(struct fan *f, struct fan_member *m)
{
    if (m->in_used)
        return m->in[m->in_head].key;
    skip(f, m);
    if (m->at == f->end)
        return fan_key(f->end, 0);
    const struct fan_job *j = fan_job(f, m->at);
    if (j->kind != FAN_TICK || (!j->told && !j->exit_known))
        return fan_key(m->at, 0);
    return fan_key(m->at, FAN_KEY_ROW + (m->floor < m->rows ? m->global[m->floor] : f->rows));
}

static bool is_tick_event(const struct beat *e, const struct fan_job *j)
{
    struct abi_trigger x; // the group stands where it does in every event
    abi_unpack_trigger(e, &x);
    return x.group == j->tag && (abi_opcode(e) == ABI_EVT_BAND_EXIT ||
                                 (abi_opcode(e) == ABI_EVT_TRIGGER && x.cause == ABI_CAUSE_TICK));
}

static bool is_parity(const struct beat *e)
{
    struct abi_error x;
    abi_unpack_error(e, &x);
    return abi_opcode(e) == ABI_EVT_ERROR && x.code == ABI_ERR_PARITY;
}

static void keep(struct fan *f, struct fan_member *m, uint64_t key, const struct beat *e, bool first)
{
    m->in[(m->in_head + m->in_used++) & (FAN_IN - 1)] = (struct fan_event){key, *e};
    if (f->dev.info.arrival && first)
        f->arrived[(f->arrived_head + f->arrived_used++) & (FAN_ARRIVED - 1)] = *e;
}

static uint32_t global_row(struct fan *f, struct fan_member *m, uint32_t row)
{
    if (row < m->rows)
        return m->global[row];
    fan_fail(f, m, "speaks of its row %u, but has %u", row, m->rows);
    return 0;
}

static void keep_error(struct fan *f, struct fan_member *m, uint64_t key, const struct beat *e,
                       uint32_t group)
{
    struct abi_error x;
    struct beat b;
    abi_unpack_error(e, &x);
    bool own = x.code == ABI_ERR_ROW_CUT || x.code == ABI_ERR_COEF_ASSET || x.code == ABI_ERR_COEF_VALUE;
    if (own || (x.code == ABI_ERR_PARITY && x.row != (1u << ABI_ROW_BITS) - 1))
        x.row = global_row(f, m, x.row);
    x.group = group;
    abi_pack_error(&b, &x);
    keep(f, m, key, &b, true);
}

static void keep_trigger(struct fan *f, struct fan_member *m, struct fan_job *j, const struct beat *e)
{
    struct abi_trigger x;
    struct beat b;
    uint32_t sub = 0;
    abi_unpack_trigger(e, &x);
    uint32_t own = x.row;
    x.row = global_row(f, m, own);
    x.group = j->group;
    if (j->kind == FAN_TICK) {
        if (own < m->floor)
            fan_fail(f, m, "reports its row %u after row %u of the same group", own, m->floor - 1);
        m->floor = own + 1;
        sub = x.row;
        if (j->real & m->bit) {
            j->exit_known = true;
        } else { // judged by a substitute
            x.asset = j->asset;
            x.price = j->price;
        }
    }
    abi_pack_trigger(&b, &x);
    keep(f, m, fan_key(m->at, FAN_KEY_ROW + sub), &b, true);
}

static void keep_other(struct fan *f, struct fan_member *m, struct fan_job *j, const struct beat *e)
{
    struct beat b = *e;
    uint8_t kind = abi_opcode(e);
    if (kind == ABI_EVT_BAND_EXIT) {
        struct abi_band_exit x;
        if (!(j->real & m->bit))
            return; // the substitute's
        abi_unpack_band_exit(e, &x);
        x.group = j->group;
        abi_pack_band_exit(&b, &x);
        keep(f, m, fan_key(m->at, FAN_KEY_EXIT), &b, j->answers++ == 0);
    } else if (kind == ABI_EVT_SYNC) {
        struct abi_sync_done x;
        abi_unpack_sync_done(e, &x);
        x.group = j->group;
        abi_pack_sync_done(&b, &x);
        keep(f, m, fan_key(m->at, FAN_KEY_SYNC), &b, ++j->answers == f->n);
    } else if (kind == ABI_EVT_READ) {
        struct abi_read_data x;
        abi_unpack_read_data(e, &x);
        x.row = global_row(f, m, x.row);
        x.group = j->group;
        abi_pack_read_data(&b, &x);
        keep(f, m, fan_key(m->at, FAN_KEY_ROW), &b, true);
    } else {
        fan_fail(f, m, "gave an event of unknown kind %02x", (unsigned)kind);
    }
}

static bool is_mark(struct fan *f, struct fan_member *m, const struct fan_job *j, const struct beat *e)
{
    struct abi_sync_done x;
    if (abi_opcode(e) != ABI_EVT_SYNC || j->kind == FAN_COUNT || j->kind == FAN_SYNC ||
        (j->kind == FAN_TICK && m->lockstep))
        return false;
    abi_unpack_sync_done(e, &x);
    if (x.token != m->at)
        fan_fail(f, m, "answered SYNC %llu instead of %llu", (unsigned long long)x.token,
                 (unsigned long long)m->at);
    return true;
}

static void take(struct fan *f, struct fan_member *m, const struct beat *e)
{
    skip(f, m);
    if (is_parity(e)) { // nobody's answer
        keep_error(f, m, fan_key(m->at, 0), e, m->at == f->end ? f->group : fan_job(f, m->at)->group);
        return;
    }
    // What a tick has not caused comes from a command behind it.
    while (m->lockstep && m->at != f->end && fan_job(f, m->at)->kind == FAN_TICK &&
           !is_tick_event(e, fan_job(f, m->at))) {
        finish(f, m);
        skip(f, m);
    }
    if (m->at == f->end) {
        fan_fail(f, m, "gave an event (kind %02x) that no command asked for", (unsigned)abi_opcode(e));
        return;
    }
    struct fan_job *j = fan_job(f, m->at);
    if (is_mark(f, m, j, e)) {
        finish(f, m);
        return;
    }
    if (j->kind == FAN_TICK && !is_tick_event(e, j)) {
        fan_fail(f, m, "gave an event of another command before its mark");
        return;
    }
    if (abi_opcode(e) == ABI_EVT_TRIGGER)
        keep_trigger(f, m, j, e);
    else if (abi_opcode(e) == ABI_EVT_ERROR)
        keep_error(f, m, fan_key(m->at, FAN_KEY_ROW), e, j->group);
    else
        keep_other(f, m, j, e);
    if ((j->kind == FAN_COUNT && ++m->taken == j->count) || j->kind == FAN_SYNC)
        finish(f, m);
}

// ---- members at work

static void look_after(struct fan *f, struct fan_member *m)
{
    const struct device_info *i = &m->dev->info;
    if (i->fault && i->fault[0])
        fan_fail(f, m, "%s", i->fault);
    if (i->warning && i->warning[0] && !strstr(f->warning, i->warning))
        (void)snprintf(f->warning, sizeof f->warning, "member %u (%s): %.400s", (unsigned)(m - f->member) + 1,
                       i->backend, i->warning);
}

// A lockstep member with nothing left to say has finished everything.
static void at_rest(struct fan *f, struct fan_member *m)
{
    m->rest = true;
    for (skip(f, m); m->at != f->end; skip(f, m)) {
        if (fan_job(f, m->at)->kind != FAN_TICK) {
            fan_fail(f, m, "%s", no_answer);
            return;
        }
        finish(f, m);
    }
}

// Takes what a member has to say; whether anything has moved.
static bool gather(struct fan *f, struct fan_member *m)
{
    struct beat e[FAN_POLL];
    size_t room = FAN_IN - m->in_used, n;
    if (f->dev.info.arrival && room > FAN_ARRIVED - f->arrived_used)
        room = FAN_ARRIVED - f->arrived_used;
    if (room == 0)
        return false;
    n = device_poll(m->dev, e, room < FAN_POLL ? room : FAN_POLL);
    for (size_t i = 0; i < n && !f->dead; i++)
        take(f, m, &e[i]);
    if (n)
        return true;
    look_after(f, m);
    if (f->dead || !m->lockstep)
        return false;
    if (m->out_used == 0) {
        at_rest(f, m);
        return !f->dead;
    }
    if (fan_pump(m))
        return true;
    fan_fail(f, m, "takes no more commands, with nothing left to do and no fault");
    return false;
}

// Lets those members go on whose word is needed for anything at or before `until`.
static bool work(struct fan *f, uint64_t until)
{
    bool moved = false;
    for (struct fan_member *m = f->member; m < f->member + f->n && !f->dead; m++) {
        moved |= fan_pump(m);
        bool needed = f->dev.info.arrival || (!m->in_used && !fan_before(until, bound(f, m)));
        if (needed && !m->rest)
            moved |= gather(f, m);
    }
    return moved;
}

// ---- the merge

// The member whose event is next, or NULL while that is not certain; *until then is the place up to which the
// members' word is needed.
static struct fan_member *next(struct fan *f, uint64_t *until)
{
    struct fan_member *best = NULL;
    uint64_t limit = fan_key(f->end, 0);
    *until = limit;
    for (struct fan_member *m = f->member; m < f->member + f->n; m++) {
        uint64_t key = bound(f, m);
        if (!m->in_used)
            limit = fan_before(key, limit) ? key : limit;
        else if (!best || fan_before(key, *until)) {
            best = m;
            *until = key;
        }
    }
    return best && !fan_before(limit, *until) ? best : NULL;
}

// BAND_EXIT and SYNC come from every member and are told once.
static bool repeated(struct fan_job *j, const struct beat *e)
{
    uint8_t kind = abi_opcode(e);
    bool again = (kind == ABI_EVT_BAND_EXIT || kind == ABI_EVT_SYNC) && j->told;
    j->told |= kind == ABI_EVT_BAND_EXIT || kind == ABI_EVT_SYNC;
    return again;
}

static void note(struct device_counters *c, const struct beat *e)
{
    uint8_t kind = abi_opcode(e);
    c->events++;
    c->triggers += kind == ABI_EVT_TRIGGER;
    c->band_exits += kind == ABI_EVT_BAND_EXIT;
    c->errors += kind == ABI_EVT_ERROR;
}

// Jobs behind which every member is. All devices must have seen the same price in the same band.
static void retire(struct fan *f)
{
    uint64_t low = fan_key(f->end, 0);
    for (uint32_t i = 0; i < f->n; i++) {
        uint64_t key = bound(f, &f->member[i]);
        low = fan_before(key, low) ? key : low;
    }
    for (; f->base != f->end && !fan_before(low, fan_key(f->base + 1, 0)); f->base++) {
        const struct fan_job *j = fan_job(f, f->base);
        if (j->kind == FAN_TICK && j->answers && j->answers != (uint32_t)__builtin_popcountll(j->real))
            fan_fail(f, NULL, "%u of %d members say that asset %u has left its band", j->answers,
                     __builtin_popcountll(j->real), (unsigned)j->asset);
    }
}

// Events whose place is certain; *until as of next().
static size_t merge(struct fan *f, struct beat *evt, size_t max, uint64_t *until)
{
    size_t n = 0;
    struct fan_member *m;
    while (n < max && (m = next(f, until))) {
        const struct fan_event *e = &m->in[m->in_head];
        if (!repeated(fan_job(f, e->key >> FAN_KEY_BITS), &e->b)) {
            note(&f->count, &e->b);
            evt[n++] = e->b;
        }
        m->in_head = (m->in_head + 1) & (FAN_IN - 1);
        m->in_used--;
    }
    retire(f);
    return n;
}

static size_t poll_arrived(struct fan *f, struct beat *evt, size_t max)
{
    while (!f->arrived_used && max && !f->dead && work(f, 0))
        ;
    size_t n = 0;
    for (; n < max && f->arrived_used; f->arrived_used--) {
        evt[n++] = f->arrived[f->arrived_head];
        f->arrived_head = (f->arrived_head + 1) & (FAN_ARRIVED - 1);
    }
    return n;
}

size_t fan_poll(struct device *d, struct beat *evt, size_t max)
{
    struct fan *f = (struct fan *)d;
    uint64_t until = 0;
    if (f->dev.info.arrival)
        return poll_arrived(f, evt, max);
    for (;;) {
        size_t n = merge(f, evt, max, &until);
        if (n || !max || f->dead || !work(f, until))
            return n;
    }
}

size_t fan_merged(struct device *d, struct beat *evt, size_t max)
{
    struct fan *f = (struct fan *)d;
    uint64_t until = 0;
    return f->dev.info.arrival ? merge(f, evt, max, &until) : 0;
}
