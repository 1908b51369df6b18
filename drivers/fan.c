// SPDX-License-Identifier: Apache-2.0
// Back end "A*N,B": several devices as one. Opening and closing: which members, how many rows each, which row
// of the whole is which row of whom. What they do then: fan_route.c, fan_merge.c.
#include "fan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 1 << ABI_ROW_BITS };

// The members that a name asks for.
struct wish {
    char back_end[FAN_MEMBERS][FAN_NAME];
    bool follows[FAN_MEMBERS];
    uint32_t n, followers;
};

void fan_fail(struct fan *f, const struct fan_member *m, const char *fmt, ...)
{
    if (f->dead)
        return;
    va_list ap;
    int n = m ? snprintf(f->fault, sizeof f->fault,
                         "member %u (%s) of device %s: ", (unsigned)(m - f->member) + 1, m->dev->info.backend,
                         f->name)
              : snprintf(f->fault, sizeof f->fault, "device %s: ", f->name);
    va_start(ap, fmt);
    (void)vsnprintf(f->fault + n, sizeof f->fault - (size_t)n, fmt, ap);
    va_end(ap);
    f->dead = true;
}

// ---- names

// One entry of the list: NAME or NAME*COUNT.
static int wish_entry(struct wish *w, const char *entry, size_t len, const char *whole, struct err *e)
{
    const char *star = memchr(entry, '*', len);
    size_t name = star ? (size_t)(star - entry) : len;
    unsigned long count = 1;
    if (star) {
        char *end;
        count = star[1] >= '1' && star[1] <= '9' ? strtoul(star + 1, &end, 10) : 0;
        if (count == 0 || end != entry + len)
            count = 0;
    }
    if (name == 0 || name >= FAN_NAME || count == 0)
        return err_set(
            e, "device '%s': several devices as one are written NAME*COUNT or a list NAME,NAME*COUNT", whole);
    if (count > FAN_MEMBERS - w->n)
        return err_set(e, "device '%s': at most %d devices can be one", whole, FAN_MEMBERS);
    for (; count; count--)
        memcpy(w->back_end[w->n++], entry, name);
    return 0;
}

static int wish_parse(struct wish *w, const char *name, struct err *e)
{
    if (strlen(name) >= FAN_NAME)
        return err_set(e, "device '%s': a name has at most %d characters", name, FAN_NAME - 1);
    for (const char *at = name;; at++) {
        size_t len = strcspn(at, ",");
        if (wish_entry(w, at, len, name, e) != 0)
            return -1;
        at += len;
        if (!*at)
            break;
    }
    for (uint32_t i = 0; i < w->n; i++) {
        const struct device_ops *ops = device_find(w->back_end[i]);
        w->follows[i] = ops && ops->follows;
        w->followers += w->follows[i];
    }
    return 0;
}

// ---- opening

static int open_member(struct fan *f, uint32_t i, const char *back_end, const struct device_config *c,
                       struct err *e)
{
    struct fan_member *m = &f->member[i];
    struct device_config own = *c;
    struct err why;
    own.backend = back_end;
    own.seed = c->seed + i;
    own.arrival = false;
    for (uint32_t k = 0; k < f->n; k++) // one waveform file: the first that has cycles writes it
        if (f->member[k].dev && f->member[k].dev->info.cycles)
            own.trace = NULL;
    if (device_open(&own, &m->dev, &why) != 0)
        return err_set(e, "member %u of device '%s': %.400s", i + 1, f->name, why.msg);
    m->bit = UINT64_C(1) << i;
    m->lockstep = m->dev->info.lockstep;
    m->columns = m->dev->info.assets;
    uint64_t rows = (uint64_t)m->dev->info.lanes * m->dev->info.slots;
    if (rows > ROWS_MAX)
        return err_set(e, "member %u of device '%s' has too many rows", i + 1, f->name);
    m->rows = (uint32_t)rows;
    return 0;
}

static uint64_t common(uint64_t a, uint64_t b) // greatest common divisor
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// Those with a geometry of their own first; the others share evenly what is then left of the rows asked for.
static int open_members(struct fan *f, const struct wish *w, const struct device_config *c, struct err *e)
{
    bool asked = c->lanes || c->slots;
    uint64_t slots = c->slots ? c->slots : ABI_DEFAULT_SLOTS;
    uint64_t left = (c->lanes ? c->lanes : ABI_DEFAULT_LANES) * slots;
    struct device_config own = *c;
    own.lanes = own.slots = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        if (w->follows[i])
            continue;
        if (open_member(f, i, w->back_end[i], &own, e) != 0)
            return -1;
        left = left > f->member[i].rows ? left - f->member[i].rows : 0;
    }
    uint32_t share = w->followers;
    if (asked && left < share)
        return err_set(e, "device '%s': too few rows are asked for to give every member some", f->name);
    uint64_t deep = asked && share ? common(left, slots) : 1;
    if (left / deep < share)
        deep = 1;
    for (uint32_t i = 0; i < w->n; i++) {
        if (!w->follows[i])
            continue;
        uint64_t lanes = left / deep / share;
        if (asked) {
            own.lanes = (uint32_t)lanes;
            own.slots = (uint32_t)deep;
            left -= lanes * deep;
            share--;
        }
        if (open_member(f, i, w->back_end[i], &own, e) != 0)
            return -1;
    }
    return 0;
}

// Row by row in turn, as long as a member has any left: the nearest rows come first with every member.
static void make_map(struct fan *f)
{
    uint32_t *global = f->global, row = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        f->member[i].global = global;
        global += f->member[i].rows;
    }
    for (uint32_t own = 0; row < f->rows; own++)
        for (uint32_t i = 0; i < f->n; i++) {
            const struct fan_member *m = &f->member[i];
            if (own >= m->rows)
                continue;
            f->global[(size_t)(m->global - f->global) + own] = row;
            f->place[row++] = i << FAN_LOCAL_BITS | own;
        }
}

// What the whole looks like from outside.
static void describe(struct fan *f, const struct device_config *c)
{
    struct device_info *info = &f->dev.info;
    *info = f->member[0].dev->info;
    info->backend = f->name;
    info->fault = f->fault;
    info->warning = NULL;
    info->arrival = c->arrival;
    uint64_t deep = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        const struct device_info *m = &f->member[i].dev->info;
        info->lockstep = info->lockstep && m->lockstep;
        info->cycles = info->cycles && m->cycles;
        info->latency = m->latency > info->latency ? m->latency : info->latency;
        if (m->window_depth && (!info->window_depth || m->window_depth < info->window_depth))
            info->window_depth = m->window_depth;
        if (!info->card.clock_mhz)
            info->card = m->card;
        if (m->warning)
            info->warning = f->warning;
        if (m->build_hash != info->build_hash)
            info->build_hash = (info->build_hash ^ m->build_hash) * UINT64_C(0x100000001b3);
        deep = common(m->slots, deep);
    }
    info->assets = f->assets;
    info->slots = (uint32_t)deep;
    info->lanes = (uint32_t)(f->rows / deep);
    if ((uint64_t)c->lanes * c->slots == f->rows) {
        info->lanes = c->lanes;
        info->slots = c->slots;
    }
}

static void fan_close(struct device *d)
{
    struct fan *f = (struct fan *)d;
    for (uint32_t i = 0; f->member && i < f->n; i++)
        device_close(f->member[i].dev);
    free(f->member);
    free(f->place);
    free(f->global);
    free(f);
}

static int build(struct fan *f, const struct wish *w, const struct device_config *c, struct err *e)
{
    f->n = w->n;
    f->member = calloc(f->n, sizeof *f->member);
    if (!f->member)
        return err_set(e, "device '%s': out of memory", f->name);
    if (open_members(f, w, c, e) != 0)
        return -1;
    uint64_t rows = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        rows += f->member[i].rows;
        if (f->member[i].columns > f->assets) {
            f->assets = f->member[i].columns;
            f->wide = &f->member[i];
        }
    }
    if (rows > ROWS_MAX || !rows || !f->assets)
        return err_set(e, "device '%s': %llu rows of %u assets; at most %d rows can be addressed", f->name,
                       (unsigned long long)rows, f->assets, ROWS_MAX);
    f->rows = (uint32_t)rows;
    f->place = calloc(rows, sizeof *f->place);
    f->global = calloc(rows, sizeof *f->global);
    if (!f->place || !f->global)
        return err_set(e, "device '%s': out of memory for %u rows", f->name, f->rows);
    make_map(f);
    describe(f, c);
    return 0;
}

static int fan_open(const struct device_config *c, struct device **out, struct err *e)
{
    static struct wish w; // 4 KiB; opening is one thread's business
    memset(&w, 0, sizeof w);
    if (wish_parse(&w, c->backend, e) != 0)
        return -1;
    struct fan *f = calloc(1, sizeof *f);
    if (!f)
        return err_set(e, "device '%s': out of memory", c->backend);
    f->dev.ops = &device_ops_fan;
    (void)snprintf(f->name, sizeof f->name, "%s", c->backend);
    if (build(f, &w, c, e) != 0) {
        fan_close(&f->dev);
        return -1;
    }
    *out = &f->dev;
    return 0;
}

// ---- the rest of the interface

// Commands and events as a single device counts them; waiting is added up, cycles are those of the busiest.
static void fan_counters(struct device *d, struct device_counters *out)
{
    struct fan *f = (struct fan *)d;
    *out = f->count;
    for (uint32_t i = 0; i < f->n; i++) {
        struct device_counters c;
        device_counters(f->member[i].dev, &c);
        out->cycles = c.cycles > out->cycles ? c.cycles : out->cycles;
        out->stall_in_cycles += c.stall_in_cycles;
        out->stall_out_cycles += c.stall_out_cycles;
        out->stall_event_cycles += c.stall_event_cycles;
        out->ring_full_cycles += c.ring_full_cycles;
    }
}

static uint32_t fan_columns(const struct device *d, uint32_t row)
{
    const struct fan *f = (const struct fan *)d;
    return f->member[f->place[row] >> FAN_LOCAL_BITS].columns;
}

const struct device_ops device_ops_fan = {
    .name = "A*N,B",
    .open = fan_open,
    .submit = fan_submit,
    .poll = fan_poll,
    .counters = fan_counters,
    .close = fan_close,
    .columns = fan_columns,
    .merged = fan_merged,
};
