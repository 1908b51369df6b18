// SPDX-License-Identifier: Apache-2.0
// Back end "A+B": gives two back ends the same beats and compares their events one by one (P3). The caller
// gets A's events, each only after B has given the same. After the first difference, which mismatch()
// reports, comparing ends and A goes on alone, so that the caller's run can be finished and looked at.
#include "device.h"

#include <stdlib.h>
#include <string.h>

enum { QUEUE = 1024, NAME_MAX_LEN = 64 };

struct queue {
    struct beat at[QUEUE];
    size_t head, used;
};

struct compare {
    struct device dev;
    struct device *a, *b;
    struct queue owed; // beats that A took and B has not
    struct queue from_a, from_b;
    uint64_t compared; // events found equal
    uint64_t offset;   // commands taken so far, to say where a difference showed up
    bool differ;
    char text[512];
    char name[NAME_MAX_LEN], name_a[NAME_MAX_LEN];
};

static void push(struct queue *q, const struct beat *b)
{
    q->at[(q->head + q->used++) % QUEUE] = *b;
}

static struct beat pop(struct queue *q)
{
    struct beat b = q->at[q->head];
    q->head = (q->head + 1) % QUEUE;
    q->used--;
    return b;
}

static void describe(char *text, size_t size, const char *name, const struct beat *b)
{
    if (b)
        snprintf(text, size, "%s %016llx %016llx %016llx %016llx", name, (unsigned long long)b->w[3],
                 (unsigned long long)b->w[2], (unsigned long long)b->w[1], (unsigned long long)b->w[0]);
    else
        snprintf(text, size, "%s (none)", name);
}

static void differ(struct compare *c, const struct beat *a, const struct beat *b)
{
    char ta[160], tb[160];
    describe(ta, sizeof ta, c->a->info.backend, a);
    describe(tb, sizeof tb, c->b->info.backend, b);
    snprintf(c->text, sizeof c->text, "event %llu differs (after at most %llu commands): %s | %s",
             (unsigned long long)c->compared, (unsigned long long)c->offset, ta, tb);
    c->differ = true;
}

// Hands B what it is behind; returns how much it took.
static size_t feed_b(struct compare *c)
{
    size_t n = 0;
    for (; c->owed.used && device_submit(c->b, &c->owed.at[c->owed.head], 1) == 1; n++)
        (void)pop(&c->owed);
    return n;
}

static size_t fill(struct device *d, struct queue *q)
{
    size_t got = 0;
    struct beat b;
    while (q->used < QUEUE && device_poll(d, &b, 1) == 1) {
        push(q, &b);
        got++;
    }
    return got;
}

static size_t compare_submit(struct device *d, const struct beat *cmd, size_t n)
{
    struct compare *c = (struct compare *)d;
    size_t room = QUEUE - c->owed.used;
    if (c->differ)
        room = n;
    size_t taken = device_submit(c->a, cmd, n < room ? n : room);
    c->offset += taken;
    if (c->differ)
        return taken;
    for (size_t i = 0; i < taken; i++)
        push(&c->owed, &cmd[i]);
    (void)feed_b(c);
    return taken;
}

// Moves equal heads of both queues to the caller.
static size_t match(struct compare *c, struct beat *evt, size_t max)
{
    size_t n = 0;
    while (n < max && !c->differ && c->from_a.used && c->from_b.used) {
        struct beat a = c->from_a.at[c->from_a.head], b = c->from_b.at[c->from_b.head];
        if (!abi_event_equal(&a, &b)) {
            differ(c, &a, &b);
            break;
        }
        evt[n++] = pop(&c->from_a);
        (void)pop(&c->from_b);
        c->compared++;
    }
    return n;
}

static size_t poll_alone(struct compare *c, struct beat *evt, size_t max)
{
    size_t n = 0;
    while (n < max && c->from_a.used)
        evt[n++] = pop(&c->from_a);
    return n ? n : device_poll(c->a, evt, max);
}

static size_t compare_poll(struct device *d, struct beat *evt, size_t max)
{
    struct compare *c = (struct compare *)d;
    while (max && !c->differ) {
        size_t n = match(c, evt, max);
        if (n)
            return n;
        if (feed_b(c) + fill(c->a, &c->from_a) + fill(c->b, &c->from_b) > 0 || c->differ)
            continue;
        if (!c->from_a.used && !c->from_b.used && !c->owed.used)
            return 0;
        // Nothing moves any more, and one has said less than the other (or takes no commands).
        differ(c, c->from_a.used ? &c->from_a.at[c->from_a.head] : NULL,
               c->from_b.used ? &c->from_b.at[c->from_b.head] : NULL);
    }
    return max ? poll_alone(c, evt, max) : 0;
}

static void compare_counters(struct device *d, struct device_counters *out)
{
    device_counters(((struct compare *)d)->a, out);
}

static int compare_mismatch(struct device *d, char *text, size_t size)
{
    const struct compare *c = (const struct compare *)d;
    if (c->differ && size)
        snprintf(text, size, "%s", c->text);
    return c->differ;
}

static uint32_t compare_columns(const struct device *d, uint32_t row)
{
    const struct compare *c = (const struct compare *)d;
    uint32_t a = device_columns(c->a, row), b = device_columns(c->b, row);
    return a < b ? a : b;
}

static void compare_close(struct device *d)
{
    struct compare *c = (struct compare *)d;
    device_close(c->a);
    device_close(c->b);
    free(c);
}

static int open_parts(struct compare *c, const struct device_config *conf, struct err *e)
{
    struct device_config part = *conf;
    part.arrival = false; // what is compared has one order
    const char *plus = strchr(c->name, '+');
    snprintf(c->name_a, sizeof c->name_a, "%.*s", (int)(plus - c->name), c->name);
    part.backend = c->name_a;
    if (device_open(&part, &c->a, e))
        return -1;
    if (!c->a->info.lockstep)
        return err_set(e, "device '%s': '%s' has no lockstep and cannot be compared", c->name, c->name_a);
    // The second follows the first's geometry where it can (the model), and must end up with the same.
    part.backend = plus + 1;
    part.lanes = c->a->info.lanes;
    part.slots = c->a->info.slots;
    part.assets = c->a->info.assets;
    part.trace = NULL;
    if (device_open(&part, &c->b, e))
        return -1;
    const struct device_info *a = &c->a->info, *b = &c->b->info;
    if (!b->lockstep || a->lanes != b->lanes || a->slots != b->slots || a->assets != b->assets)
        return err_set(e, "device '%s': the parts differ (%ux%ux%u and %ux%ux%u); open the fixed one first",
                       c->name, a->lanes, a->slots, a->assets, b->lanes, b->slots, b->assets);
    return 0;
}

static int compare_open(const struct device_config *conf, struct device **out, struct err *e)
{
    const char *plus = strchr(conf->backend, '+');
    if (!plus || plus == conf->backend || !plus[1] || strchr(plus + 1, '+') ||
        strlen(conf->backend) >= NAME_MAX_LEN)
        return err_set(e, "device '%s': two back ends are compared as A+B", conf->backend);
    struct compare *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, "device '%s': out of memory", conf->backend);
    snprintf(c->name, sizeof c->name, "%s", conf->backend);
    if (open_parts(c, conf, e)) {
        compare_close(&c->dev);
        return -1;
    }
    c->dev.ops = &device_ops_compare;
    c->dev.info = c->a->info;
    if (!c->dev.info.fault)
        c->dev.info.fault = c->b->info.fault;
    if (!c->dev.info.warning)
        c->dev.info.warning = c->b->info.warning;
    c->dev.info.backend = c->name;
    *out = &c->dev;
    return 0;
}

const struct device_ops device_ops_compare = {
    .name = "A+B",
    .open = compare_open,
    .submit = compare_submit,
    .poll = compare_poll,
    .counters = compare_counters,
    .mismatch = compare_mismatch,
    .close = compare_close,
    .columns = compare_columns,
};
