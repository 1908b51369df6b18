// SPDX-License-Identifier: Apache-2.0
// Several devices as one: which member gets which command. What a single device would refuse goes to one
// member that refuses it; what follows a row load that was cut goes to the member that holds the load.
#include "fan.h"

#include <string.h>

static void stage(struct fan_member *m, const struct beat *b)
{
    m->out[(m->out_head + m->out_used++) & (FAN_OUT - 1)] = *b;
    m->rest = false;
}

bool fan_pump(struct fan_member *m)
{
    bool any = false;
    while (m->out_used) {
        size_t run = FAN_OUT - m->out_head < m->out_used ? FAN_OUT - m->out_head : m->out_used;
        size_t n = device_submit(m->dev, &m->out[m->out_head], run);
        if (n == 0)
            break;
        m->out_head = (m->out_head + n) & (FAN_OUT - 1);
        m->out_used -= n;
        any = true;
    }
    return any;
}

static struct fan_job *new_job(struct fan *f, enum fan_kind kind, uint64_t to)
{
    struct fan_job *j = fan_job(f, f->end++);
    *j = (struct fan_job){.kind = kind, .to = to, .group = f->group};
    return j;
}

// The member says where its answer to the newest job ends.
static void mark(struct fan *f, struct fan_member *m)
{
    struct beat b;
    abi_pack_sync(&b, &(struct abi_sync){.token = f->end - 1});
    stage(m, &b);
}

// To one member, which answers with `events` events.
static void send_one(struct fan *f, struct fan_member *m, const struct beat *b, uint32_t events)
{
    stage(m, b);
    if (events)
        new_job(f, FAN_COUNT, m->bit)->count = events;
}

static void send_all(struct fan *f, const struct beat *b, uint32_t asset)
{
    for (struct fan_member *m = f->member; m < f->member + f->n; m++)
        if (asset < m->columns)
            stage(m, b);
}

static struct fan_member *owner(struct fan *f, uint32_t row, uint32_t *own)
{
    *own = f->place[row] & ((1u << FAN_LOCAL_BITS) - 1);
    return &f->member[f->place[row] >> FAN_LOCAL_BITS];
}

// A member without the column judges its rows all the same, if ticks have moved them since it last did: by a
// TICK that changes nothing, of an asset that every member has.
static void do_tick(struct fan *f, const struct beat *b)
{
    struct abi_tick t;
    abi_unpack_tick(b, &t);
    if (t.asset >= f->assets || t.price > ABI_PRICE_MAX) {
        send_one(f, f->wide, b, 1);
        return;
    }
    f->count.ticks++;
    f->group = t.group;
    if (t.asset == 0)
        f->price0 = t.price;
    struct fan_job *j = new_job(f, FAN_TICK, 0);
    j->asset = t.asset;
    j->price = t.price;
    t.group = j->tag = ++f->tag;
    struct beat real, same;
    abi_pack_tick(&real, &t);
    abi_pack_tick(&same, &(struct abi_tick){.price = f->price0, .group = t.group, .last = true});
    for (struct fan_member *m = f->member; m < f->member + f->n; m++) {
        bool has = t.asset < m->columns;
        if (!has && !(t.last && m->unjudged))
            continue;
        stage(m, has ? &real : &same);
        m->unjudged = !t.last;
        j->to |= m->bit;
        j->real |= has ? m->bit : 0;
        if (!m->lockstep)
            mark(f, m);
    }
}

static void do_band(struct fan *f, const struct beat *b)
{
    struct abi_band x;
    abi_unpack_band(b, &x);
    if (x.asset >= f->assets || x.lo > ABI_PRICE_MAX || x.hi > ABI_PRICE_MAX ||
        (x.set_price && x.price > ABI_PRICE_MAX)) {
        send_one(f, f->wide, b, 1);
        return;
    }
    if (x.set_price && x.asset == 0)
        f->price0 = x.price;
    send_all(f, b, x.asset);
}

// The pairs of one beat of the open load; returns how many events they make.
static uint32_t take_pairs(struct fan *f, const uint16_t *asset, const int32_t *coef, uint32_t room)
{
    uint32_t n = f->load.left < room ? f->load.left : room, events = 0;
    for (uint32_t i = 0; i < n; i++)
        events += asset[i] >= f->load.owner->columns || coef[i] < ABI_COEF_MIN || coef[i] > ABI_COEF_MAX;
    f->load.bad |= events > 0;
    f->load.left -= n;
    f->load.open = f->load.left > 0;
    return events + (!f->load.open && f->load.armed && f->load.negative && !f->load.bad);
}

static void do_row(struct fan *f, const struct beat *b)
{
    struct abi_row x;
    struct beat out;
    abi_unpack_row(b, &x);
    memset(&f->load, 0, sizeof f->load);
    if (x.row >= f->rows) { // no member is told of a load that nobody will end
        f->load.left = x.n > ABI_ROW_PAIRS ? x.n - ABI_ROW_PAIRS : 0;
        f->load.open = f->load.left > 0;
        f->load.discard = true;
        x.n = 0;
        abi_pack_row(&out, &x);
        send_one(f, f->wide, &out, 1);
        return;
    }
    f->count.rows++;
    f->load.owner = owner(f, x.row, &x.row);
    f->load.left = x.n;
    f->load.armed = x.armed;
    f->load.negative = x.h < 0;
    abi_pack_row(&out, &x);
    send_one(f, f->load.owner, &out, take_pairs(f, x.asset, x.coef, ABI_ROW_PAIRS));
}

static void do_coef(struct fan *f, const struct beat *b)
{
    struct abi_coef x;
    if (!f->load.open) {
        send_one(f, f->wide, b, 1);
    } else if (f->load.discard) {
        f->load.left -= f->load.left < ABI_COEF_PAIRS ? f->load.left : ABI_COEF_PAIRS;
        f->load.open = f->load.left > 0;
    } else {
        abi_unpack_coef(b, &x);
        send_one(f, f->load.owner, b, take_pairs(f, x.asset, x.coef, ABI_COEF_PAIRS));
    }
}

static void do_arm(struct fan *f, const struct beat *b)
{
    struct abi_arm x;
    struct beat out;
    abi_unpack_arm(b, &x);
    if (x.row >= f->rows) {
        send_one(f, f->wide, b, 1);
        return;
    }
    struct fan_member *m = owner(f, x.row, &x.row);
    abi_pack_arm(&out, &x);
    stage(m, &out);
    if (!x.armed)
        return;
    new_job(f, FAN_ARM, m->bit);
    mark(f, m);
}

static void do_read(struct fan *f, const struct beat *b)
{
    struct abi_read x;
    struct beat out;
    abi_unpack_read(b, &x);
    if (x.row >= f->rows) {
        send_one(f, f->wide, b, 1);
        return;
    }
    struct fan_member *m = owner(f, x.row, &x.row);
    abi_pack_read(&out, &x);
    send_one(f, m, &out, 1);
}

static void do_sync(struct fan *f, const struct beat *b)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < f->n; i++)
        all |= f->member[i].bit;
    new_job(f, FAN_SYNC, all);
    send_all(f, b, 0);
}

static void step(struct fan *f, const struct beat *b)
{
    uint8_t opcode = abi_opcode(b);
    f->count.commands++;
    if (f->load.open && opcode != ABI_CMD_COEF) {
        f->load.open = false;
        if (!f->load.discard) { // it refuses the command, whatever it is, with the load's own row
            send_one(f, f->load.owner, b, 1);
            return;
        }
    }
    switch (opcode) {
    case ABI_CMD_NOP:
        send_all(f, b, 0);
        break;
    case ABI_CMD_TICK:
        do_tick(f, b);
        break;
    case ABI_CMD_BAND:
        do_band(f, b);
        break;
    case ABI_CMD_ROW:
        do_row(f, b);
        break;
    case ABI_CMD_COEF:
        do_coef(f, b);
        break;
    case ABI_CMD_ARM:
        do_arm(f, b);
        break;
    case ABI_CMD_READ:
        do_read(f, b);
        break;
    case ABI_CMD_SYNC:
        do_sync(f, b);
        break;
    default:
        send_one(f, f->wide, b, 1);
    }
}

static bool room(const struct fan *f)
{
    if (f->end - f->base == FAN_JOBS)
        return false;
    for (uint32_t i = 0; i < f->n; i++)
        if (f->member[i].out_used > FAN_OUT - FAN_BEATS)
            return false;
    return true;
}

static bool pump_all(struct fan *f)
{
    bool any = false;
    for (uint32_t i = 0; i < f->n; i++)
        any |= fan_pump(&f->member[i]);
    return any;
}

size_t fan_submit(struct device *d, const struct beat *cmd, size_t n)
{
    struct fan *f = (struct fan *)d;
    size_t done = 0;
    if (f->dead)
        return 0;
    do {
        while (done < n && room(f))
            step(f, &cmd[done++]);
    } while (pump_all(f) && done < n && room(f));
    return done;
}
