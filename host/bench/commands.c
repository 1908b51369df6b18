// SPDX-License-Identifier: Apache-2.0
#include "bench/commands.h"

#include <stdlib.h>
#include <string.h>

enum { WORD = 64, STATUS_WAITS = 16 };

// What the card's memories say, as far as time goes by it.
struct reader {
    const struct tap *tap;
    struct commands *out;
    uint32_t rows, assets;
    uint64_t *nonzero; // a bit a row and asset
    uint32_t *rows_of; // of an asset: rows with a coefficient other than 0
    uint32_t *group;   // of a beat: of the newest TICK up to it
    uint32_t newest;
    uint32_t left, row; // coefficients due of the load that is open, and whose
    uint32_t at_event;  // no event that is still to come is from a command before this one
    bool refused;
};

static void put_coefficient(struct reader *r, uint16_t asset, int32_t coef)
{
    if (asset >= r->assets || coef > ABI_COEF_MAX || coef < ABI_COEF_MIN) {
        r->refused = true;
        return;
    }
    uint64_t bit = (uint64_t)r->row * r->assets + asset, mask = UINT64_C(1) << bit % WORD;
    bool was = r->nonzero[bit / WORD] & mask, is = coef != 0;
    if (was != is) {
        r->nonzero[bit / WORD] ^= mask;
        r->rows_of[asset] += is ? 1u : UINT32_MAX;
    }
}

static void put_pairs(struct reader *r, struct card_step *s, const uint16_t *asset, const int32_t *coef,
                      uint32_t most)
{
    s->kind = STEP_LOAD;
    s->pairs = (uint8_t)(r->left < most ? r->left : most);
    for (uint32_t i = 0; i < s->pairs && !r->refused; i++)
        put_coefficient(r, asset[i], coef[i]);
    r->left -= s->pairs;
}

static void read_load(struct reader *r, const struct beat *b, struct card_step *s)
{
    struct abi_row row;
    struct abi_coef coef;
    if (abi_opcode(b) == ABI_CMD_ROW) {
        abi_unpack_row(b, &row);
        r->refused = r->refused || r->left || row.row >= r->rows;
        if (r->refused)
            return;
        r->row = row.row;
        r->left = row.n;
        put_pairs(r, s, row.asset, row.coef, ABI_ROW_PAIRS);
    } else {
        abi_unpack_coef(b, &coef);
        r->refused = r->refused || !r->left;
        if (!r->refused)
            put_pairs(r, s, coef.asset, coef.coef, ABI_COEF_PAIRS);
    }
}

static void read_command(struct reader *r, const struct beat *b, struct card_step *s)
{
    struct abi_tick tick;
    memset(s, 0, sizeof *s);
    switch (abi_opcode(b)) {
    case ABI_CMD_ROW:
    case ABI_CMD_COEF:
        read_load(r, b, s);
        return;
    case ABI_CMD_TICK:
        abi_unpack_tick(b, &tick);
        r->refused = r->refused || r->left || tick.asset >= r->assets || tick.price > ABI_PRICE_MAX;
        if (r->refused)
            return;
        s->kind = STEP_TICK;
        s->last = tick.last;
        r->newest = tick.group;
        s->used = r->rows_of[tick.asset] > 0;
        return;
    default:
        r->refused = r->refused || r->left; // whatever else the device refuses, it says so in an event
        s->kind = STEP_PLAIN;
    }
}

// ---- which command an event comes from: its own kind of command, at or after that of the event before

// A load fires its row with the beat that brings the last coefficient, with the H that it brought.
static bool ends_load(const struct reader *r, uint32_t beat, const struct abi_trigger *x)
{
    struct abi_row head;
    uint32_t first = beat, due;
    while (abi_opcode(&r->tap->beat[first]) == ABI_CMD_COEF && first > 0)
        first--;
    if (abi_opcode(&r->tap->beat[first]) != ABI_CMD_ROW)
        return false;
    abi_unpack_row(&r->tap->beat[first], &head);
    uint32_t more = head.n > ABI_ROW_PAIRS ? head.n - (uint32_t)ABI_ROW_PAIRS : 0;
    due = (more + ABI_COEF_PAIRS - 1) / ABI_COEF_PAIRS;
    return head.row == x->row && head.armed && head.h == x->h && beat - first == due;
}

static bool caused_trigger(const struct reader *r, uint32_t beat, const struct abi_trigger *x)
{
    const struct beat *b = &r->tap->beat[beat];
    struct abi_tick tick;
    struct abi_arm arm;
    switch (x->cause) {
    case ABI_CAUSE_TICK:
        if (abi_opcode(b) != ABI_CMD_TICK)
            return false;
        abi_unpack_tick(b, &tick);
        return tick.last && tick.group == x->group && tick.asset == x->asset && tick.price == x->price;
    case ABI_CAUSE_ARM:
        if (abi_opcode(b) != ABI_CMD_ARM)
            return false;
        abi_unpack_arm(b, &arm);
        return arm.row == x->row && arm.armed && r->group[beat] == x->group;
    default:
        return (abi_opcode(b) == ABI_CMD_ROW || abi_opcode(b) == ABI_CMD_COEF) && ends_load(r, beat, x);
    }
}

static bool caused(const struct reader *r, uint32_t beat, const struct beat *evt, const struct abi_trigger *x)
{
    const struct beat *b = &r->tap->beat[beat];
    struct abi_band_exit exit;
    struct abi_tick tick;
    switch (abi_opcode(evt)) {
    case ABI_EVT_TRIGGER:
        return caused_trigger(r, beat, x);
    case ABI_EVT_BAND_EXIT:
        if (abi_opcode(b) != ABI_CMD_TICK)
            return false;
        abi_unpack_band_exit(evt, &exit);
        abi_unpack_tick(b, &tick);
        return tick.asset == exit.asset && tick.group == exit.group && tick.price == exit.price;
    case ABI_EVT_READ:
        return abi_opcode(b) == ABI_CMD_READ;
    case ABI_EVT_SYNC:
        return abi_opcode(b) == ABI_CMD_SYNC;
    default:
        return false;
    }
}

// Whether an event can come from the same command as the one before: of ticks only, after whose BAND_EXIT
// come their triggers by ascending row.
static bool same_command(const struct card_event *before, const struct card_event *v)
{
    return before->beat == v->beat && v->slot && (!before->trigger || before->row < v->row);
}

// False: an error, or an event that nothing here has caused.
static bool read_event(struct reader *r, const struct beat *evt, uint32_t end)
{
    struct card_event *v = &r->out->event[r->out->n_events];
    struct abi_trigger x; // all events have their stamps in the same place
    abi_unpack_trigger(evt, &x);
    *v = (struct card_event){.beat = r->at_event,
                             .row = x.row,
                             .in = x.cycle_in,
                             .out = x.cycle_out,
                             .trigger = abi_opcode(evt) == ABI_EVT_TRIGGER};
    v->slot = v->trigger && x.cause == ABI_CAUSE_TICK;
    uint32_t beat = r->at_event;
    if (r->out->n_events && r->out->event[r->out->n_events - 1].beat == beat &&
        !same_command(&r->out->event[r->out->n_events - 1], v))
        beat++;
    while (beat < end && !caused(r, beat, evt, &x))
        beat++;
    if (beat == end)
        return false;
    r->at_event = v->beat = beat;
    if (r->out->step[beat].pairs)
        v->offset = (uint8_t)(r->out->step[beat].pairs - 1);
    r->out->n_events++;
    return true;
}

static bool read_batch(struct reader *r, uint32_t i)
{
    const struct tap *t = r->tap;
    uint32_t end = i + 1 < t->n_batches ? t->batch[i + 1].beat : t->n_beats;
    uint32_t events = i + 1 < t->n_batches ? t->batch[i + 1].events : t->n_events;
    uint32_t had = r->out->n_events;
    for (uint32_t k = t->batch[i].beat; k < end; k++) {
        read_command(r, &t->beat[k], &r->out->step[k]);
        r->group[k] = r->newest;
    }
    bool good = !r->refused;
    r->at_event = t->batch[i].beat;
    for (uint32_t k = t->batch[i].events; k < events && good; k++)
        good = read_event(r, &t->event[k], end);
    if (!good)
        r->out->n_events = had;
    else
        r->out->n_beats = end;
    return good;
}

int commands_read(const struct tap *t, struct commands *out, struct err *e)
{
    const struct device_info *info = &t->dev.info;
    struct reader r = {.tap = t, .out = out, .rows = info->lanes * info->slots, .assets = info->assets};
    memset(out, 0, sizeof *out);
    r.nonzero = calloc(((size_t)r.rows * r.assets + WORD - 1) / WORD, sizeof *r.nonzero);
    r.rows_of = calloc(r.assets, sizeof *r.rows_of);
    r.group = calloc(t->n_beats + 1u, sizeof *r.group);
    out->step = calloc(t->n_beats + 1u, sizeof *out->step);
    out->event = calloc(t->n_events + 1u, sizeof *out->event);
    int rc = r.nonzero && r.rows_of && r.group && out->step && out->event ? 0 : err_set(e, "out of memory");
    while (rc == 0 && out->n_batches < t->n_batches && read_batch(&r, out->n_batches))
        out->n_batches++;
    free(r.nonzero);
    free(r.rows_of);
    free(r.group);
    if (rc)
        commands_free(out);
    return rc;
}

void commands_free(struct commands *c)
{
    free(c->step);
    free(c->event);
    memset(c, 0, sizeof *c);
}

// ---- against the device's stamps

// A stamp near `about` in full.
static uint64_t whole_stamp(uint32_t stamp, uint64_t about)
{
    return about + (uint64_t)(int64_t)(int32_t)(stamp - (uint32_t)about);
}

static void check_event(struct card_time *t, const struct card_event *v, uint64_t in, bool quiet,
                        uint32_t *row_of, struct commands_check *out)
{
    uint64_t issued = in + v->offset + (v->slot ? v->row / t->lanes : 0);
    // Without a gap, or with one that a status record may have filled.
    bool follows = issued + t->latency <= t->port + 1 + *row_of / STATUS_WAITS;
    *row_of = follows ? *row_of + 1 : 0;
    uint64_t want = card_time_event(t, issued), is = whole_stamp(v->out, want);
    if (!quiet && *row_of >= STATUS_WAITS) {
        out->apart++;
        if (is >= t->port)
            t->port = is + 1;
        return;
    }
    out->events++;
    out->triggers += v->trigger;
    out->differed += is != want;
    t->port = is + 1;
}

void commands_check(const struct commands *c, uint32_t lanes, uint32_t slots, uint32_t latency, bool quiet,
                    struct commands_check *out)
{
    struct card_time t;
    uint32_t k = 0, row_of = 0;
    memset(out, 0, sizeof *out);
    card_time_init(&t, lanes, slots, latency);
    for (uint32_t i = 0; i < c->n_beats && k < c->n_events; i++) {
        bool told = c->event[k].beat == i;
        uint64_t in = told ? k ? whole_stamp(c->event[k].in, t.free) : c->event[k].in : 0;
        uint64_t taken = card_time_take(&t, &c->step[i], in);
        // Nobody knows when the others came; one that came late may have found all coefficients written.
        t.busy = 0;
        out->taken += told && k;
        out->early += told && k && taken > in;
        for (; k < c->n_events && c->event[k].beat == i; k++)
            check_event(&t, &c->event[k], in, quiet, &row_of, out);
    }
}
