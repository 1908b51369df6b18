// SPDX-License-Identifier: Apache-2.0
#include "bench/html/data.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REMEDY "; write it anew with tripline bench --json (docs/bench_format.md)"
enum { FILE_MAX = 256 << 20 };

struct data_block {
    struct data_block *next;
    max_align_t bytes[];
};
struct reader {
    struct bench_data *d;
    struct err *e;
};

enum field_type { F_TEXT, F_NUMBER, F_SIGNED, F_BOOL, F_DIGITS, F_TEXTS, F_NUMBERS, F_COUNTS };
struct field {
    const char *name;
    enum field_type type;
    size_t at; // of the member: const char *, double or const struct json *
};
#define FIELD(s, type, member)                                                                               \
    {                                                                                                        \
#member, type, offsetof(struct s, member)                                                            \
    }

static const char *const PCTS[PCT_COUNT] = {"50", "90", "99", "99.9", "99.99", "99.999", "max"};

const char *pct_name(unsigned i)
{
    return PCTS[i];
}

const struct json *json_get(const struct json *object, const char *name)
{
    for (const struct json *c = object && object->type == JSON_OBJECT ? object->child : NULL; c; c = c->next)
        if (strcmp(c->key, name) == 0)
            return c->type == JSON_NULL ? NULL : c;
    return NULL;
}

const struct data_stage *run_stage(const struct data_run *r, const char *name)
{
    for (size_t i = 0; i < r->n_stages; i++)
        if (strcmp(r->stage[i].name, name) == 0)
            return &r->stage[i];
    return NULL;
}

// ---- values

static int refuse(struct reader *r, const struct json *at, const char *what, const char *why)
{
    return err_set(r->e, "%s:%u: %s %s" REMEDY, r->d->path, at->line, what, why);
}

static void *take(struct reader *r, size_t n, size_t size)
{
    struct data_block *b = calloc(1, sizeof *b + n * size);
    if (!b) {
        err_set(r->e, "%s: out of memory", r->d->path);
        return NULL;
    }
    b->next = r->d->block;
    r->d->block = b;
    return b->bytes;
}

static size_t length(const struct json *v)
{
    size_t n = 0;
    for (const struct json *c = v ? v->child : NULL; c; c = c->next)
        n++;
    return n;
}

// Numbers of 2^53 and more are strings.
static int number(struct reader *r, const struct json *v, const char *what, bool sign, double *out)
{
    char *end = NULL;
    *out = v->type == JSON_NUMBER || (v->type == JSON_STRING && *v->text >= '0' && *v->text <= '9')
               ? strtod(v->text, &end)
               : NAN;
    if (!end || *end != '\0')
        return refuse(r, v, what, "is not a number");
    if (!isfinite(*out))
        return refuse(r, v, what, "is out of range");
    return *out < 0 && !sign ? refuse(r, v, what, "is negative") : 0;
}

static int digits(struct reader *r, const struct json *v, const char *what)
{
    bool ok = (v->type == JSON_NUMBER || v->type == JSON_STRING) && *v->text &&
              v->text[strspn(v->text, "0123456789")] == '\0';
    return ok ? 0 : refuse(r, v, what, "is not a whole number");
}

static int list(struct reader *r, const struct json *v, const char *what, enum field_type type)
{
    double x;
    if (v->type != (type == F_COUNTS ? JSON_OBJECT : JSON_ARRAY))
        return refuse(r, v, what, type == F_COUNTS ? "is not an object" : "is not an array");
    for (const struct json *c = v->child; c; c = c->next) {
        if (type == F_TEXTS && c->type != JSON_STRING)
            return refuse(r, c, what, "holds something that is not a text");
        if (type != F_TEXTS && c->type != JSON_NULL && number(r, c, what, false, &x))
            return -1;
    }
    return 0;
}

static int one_field(struct reader *r, const struct json *v, const struct field *f, void *at)
{
    switch (f->type) {
    case F_NUMBER:
    case F_SIGNED:
        return number(r, v, f->name, f->type == F_SIGNED, at);
    case F_TEXT:
        *(const char **)at = v->text;
        return v->type == JSON_STRING ? 0 : refuse(r, v, f->name, "is not a text");
    case F_BOOL:
        *(const char **)at = v->text;
        return v->type == JSON_BOOL ? 0 : refuse(r, v, f->name, "is neither true nor false");
    case F_DIGITS:
        *(const char **)at = v->text;
        return digits(r, v, f->name);
    case F_TEXTS:
    case F_NUMBERS:
    case F_COUNTS:
        break;
    }
    *(const struct json **)at = v;
    return list(r, v, f->name, f->type);
}

// Reads the members of an object into a struct; what is absent or null becomes NULL or NAN.
static int fields(struct reader *r, const struct json *object, const char *what, const struct field *f,
                  size_t n, void *out)
{
    if (object && object->type != JSON_OBJECT)
        return refuse(r, object, what, "is not an object");
    for (; n-- > 0; f++) {
        void *at = (char *)out + f->at;
        const struct json *v = json_get(object, f->name);
        if (v && one_field(r, v, f, at))
            return -1;
        if (!v && (f->type == F_NUMBER || f->type == F_SIGNED))
            *(double *)at = NAN;
    }
    return 0;
}
#define FIELDS(r, object, what, table, out) fields(r, object, what, table, sizeof table / sizeof *table, out)

// An array of objects: how many, and room for them. absent: none.
static int array(struct reader *r, const struct json *v, const char *what, size_t size, void *out, size_t *n)
{
    *n = 0;
    if (!v)
        return 0;
    if (v->type != JSON_ARRAY)
        return refuse(r, v, what, "is not an array");
    *n = length(v);
    void *room = take(r, *n ? *n : 1, size);
    memcpy(out, &room, sizeof room);
    return room ? 0 : -1;
}

// ---- stages

static int read_percentiles(struct reader *r, const struct json *p, struct data_stage *s)
{
    if (p && p->type != JSON_OBJECT)
        return refuse(r, p, "p", "is not an object");
    for (unsigned i = 0; i < PCT_COUNT; i++) {
        const struct json *v = json_get(p, PCTS[i]);
        s->p[i] = NAN;
        if (v && number(r, v, "a percentile", false, &s->p[i]))
            return -1;
    }
    return 0;
}

static int read_curve(struct reader *r, const struct json *curve, struct data_stage *s)
{
    size_t i = 0;
    if (array(r, curve, "curve", sizeof *s->curve, &s->curve, &s->n_curve))
        return -1;
    for (const struct json *c = curve ? curve->child : NULL; c; c = c->next, i++) {
        double *at = s->curve[i];
        if (c->type != JSON_ARRAY || length(c) != 2)
            return refuse(r, c, "a point of the curve", "is not [percent, value]");
        if (number(r, c->child, "a percent", false, &at[0]) ||
            number(r, c->child->next, "a value", false, &at[1]))
            return -1;
        if (at[0] > 100 || (i && (at[0] < at[-2] || at[1] < at[-1])))
            return refuse(r, c, "the curve", "does not ascend to at most 100 percent");
    }
    return 0;
}

static int read_kind(struct reader *r, const struct json *v, enum kind *out)
{
    if (v && v->type == JSON_STRING)
        for (*out = KIND_MEASURED; *out < KIND_COUNT; ++*out)
            if (strcmp(v->text, kind_name(*out)) == 0)
                return 0;
    return refuse(r, v, "kind", "is none of measured, simulated, modelled");
}

static int read_stage(struct reader *r, const struct json *v, struct data_stage *s)
{
    static const struct field table[] = {
        FIELD(data_stage, F_TEXT, name),    FIELD(data_stage, F_TEXT, unit),
        FIELD(data_stage, F_NUMBER, count), FIELD(data_stage, F_NUMBER, min),
        FIELD(data_stage, F_NUMBER, mean),  FIELD(data_stage, F_NUMBER, max),
        FIELD(data_stage, F_TEXTS, kinds),
    };
    if (FIELDS(r, v, "a stage", table, s))
        return -1;
    const struct json *kind = json_get(v, "kind");
    s->kind = KIND_COUNT;
    if (!s->name)
        return refuse(r, v, "a stage", "has no name");
    if (!kind && !s->kinds)
        return refuse(r, v, s->name, "has no kind (measured, simulated or modelled)");
    if (kind && read_kind(r, kind, &s->kind))
        return -1;
    for (const struct json *c = s->kinds ? s->kinds->child : NULL; c; c = c->next) {
        enum kind each;
        if (read_kind(r, c, &each))
            return -1;
    }
    if (!s->unit || (strcmp(s->unit, "ns") != 0 && strcmp(s->unit, "cycles") != 0))
        return refuse(r, v, s->name, "has a unit that is neither ns nor cycles");
    return read_percentiles(r, json_get(v, "p"), s) || read_curve(r, json_get(v, "curve"), s) ? -1 : 0;
}

static int read_stages(struct reader *r, const struct json *v, struct data_stage **out, size_t *n)
{
    if (array(r, v, "stages", sizeof **out, out, n))
        return -1;
    struct data_stage *s = *out;
    for (const struct json *c = *n ? v->child : NULL; c; c = c->next, s++)
        if (read_stage(r, c, s))
            return -1;
    return 0;
}

// ---- runs

static int read_worst(struct reader *r, const struct json *v, struct data_worst *w)
{
    static const struct field table[] = {
        FIELD(data_worst, F_TEXT, way),     FIELD(data_worst, F_DIGITS, ts_ns),
        FIELD(data_worst, F_NUMBER, ns),    FIELD(data_worst, F_NUMBER, frame),
        FIELD(data_worst, F_NUMBER, pass),  FIELD(data_worst, F_NUMBER, behind),
        FIELD(data_worst, F_NUMBER, flags), FIELD(data_worst, F_NUMBER, orders),
        FIELD(data_worst, F_NUMBER, ready),
    };
    static const struct field packet[] = {FIELD(data_worst, F_TEXT, what), FIELD(data_worst, F_TEXT, head),
                                          FIELD(data_worst, F_NUMBER, bytes)};
    const struct json *stamps;
    if (FIELDS(r, v, "one of the worst", table, w) || FIELDS(r, json_get(v, "packet"), "packet", packet, w))
        return -1;
    stamps = json_get(v, "stamps");
    if (stamps && stamps->type != JSON_OBJECT)
        return refuse(r, stamps, "stamps", "is not an object");
    for (unsigned i = STAMP_ARRIVED + 1; i < STAMP_COUNT; i++) {
        const struct json *at = json_get(stamps, stamp_name((enum stamp)i));
        w->at[i] = NAN;
        if (at && number(r, at, "a stamp", false, &w->at[i]))
            return -1;
    }
    return 0;
}

static int read_run(struct reader *r, const struct json *v, struct data_run *run)
{
    static const struct field table[] = {
        FIELD(data_run, F_TEXT, name),         FIELD(data_run, F_NUMBER, passes),
        FIELD(data_run, F_NUMBER, frames),     FIELD(data_run, F_NUMBER, warmup_frames),
        FIELD(data_run, F_NUMBER, elapsed_ns), FIELD(data_run, F_NUMBER, offered_pps),
        FIELD(data_run, F_NUMBER, done_pps),   FIELD(data_run, F_NUMBER, backlog_max),
        FIELD(data_run, F_COUNTS, counts),     FIELD(data_run, F_BOOL, interrupted),
    };
    static const struct field pace[] = {
        FIELD(data_run, F_TEXT, mode),       FIELD(data_run, F_BOOL, open),
        FIELD(data_run, F_TEXT, arrivals),   FIELD(data_run, F_NUMBER, times),
        FIELD(data_run, F_NUMBER, rate_pps),
    };
    static const struct field quiet[] = {
        FIELD(data_run, F_NUMBER, minor_faults), FIELD(data_run, F_NUMBER, major_faults),
        FIELD(data_run, F_NUMBER, switches_wanted), FIELD(data_run, F_NUMBER, switches_forced)};
    const struct json *worst = json_get(v, "worst");
    if (FIELDS(r, v, "a run", table, run) || FIELDS(r, json_get(v, "pace"), "pace", pace, run) ||
        FIELDS(r, json_get(v, "quiet"), "quiet", quiet, run))
        return -1;
    if (!run->name)
        return refuse(r, v, "a run", "has no name");
    if (read_stages(r, json_get(v, "stages"), &run->stage, &run->n_stages) ||
        array(r, worst, "worst", sizeof *run->worst, &run->worst, &run->n_worst))
        return -1;
    if (!run->n_stages)
        return refuse(r, v, run->name, "has no stages");
    struct data_worst *w = run->worst;
    for (const struct json *c = worst ? worst->child : NULL; c; c = c->next, w++)
        if (read_worst(r, c, w))
            return -1;
    return 0;
}

// ---- the co-simulated time line

static int read_signal(struct reader *r, const struct json *s, double cycles)
{
    const struct json *name = json_get(s, "name"), *kind = json_get(s, "kind"),
                      *values = json_get(s, "values");
    if (!name || name->type != JSON_STRING)
        return refuse(r, s, "a signal", "has no name");
    if (!kind || kind->type != JSON_STRING ||
        (strcmp(kind->text, "bit") != 0 && strcmp(kind->text, "bus") != 0))
        return refuse(r, s, name->text, "has a kind that is neither bit nor bus");
    bool bit = strcmp(kind->text, "bit") == 0;
    if (!values || values->type != JSON_ARRAY || (double)length(values) != cycles)
        return refuse(r, s, name->text, "does not have a value for each of the wave's cycles");
    for (const struct json *c = values->child; c; c = c->next) {
        bool level = c->type == JSON_NUMBER && (strcmp(c->text, "0") == 0 || strcmp(c->text, "1") == 0);
        if (bit ? !level : c->type != JSON_STRING && c->type != JSON_NUMBER && c->type != JSON_NULL)
            return refuse(r, c, name->text,
                          bit ? "has a level that is neither 0 nor 1" : "has a value that is no text");
    }
    return 0;
}

static int read_slowest(struct reader *r, const struct json *v, struct data_timeline *t)
{
    const struct json *wave = json_get(v, "wave"), *frame = json_get(v, "frame");
    const struct json *waited = json_get(v, "waited"), *ns = json_get(v, "ns");
    static const struct field table[] = {{"cycle0", F_SIGNED, offsetof(struct data_timeline, cycle0)},
                                         FIELD(data_timeline, F_NUMBER, cycles)};
    if (v->type != JSON_OBJECT)
        return refuse(r, v, "slowest", "is not an object");
    t->has_slowest = true;
    t->slow_frame = t->slow_waited = t->slow_ns = NAN;
    t->slow_parts = json_get(v, "parts");
    if ((frame && number(r, frame, "frame", false, &t->slow_frame)) ||
        (waited && number(r, waited, "waited", false, &t->slow_waited)) ||
        (ns && number(r, ns, "ns", false, &t->slow_ns)) ||
        (t->slow_parts && list(r, t->slow_parts, "parts", F_COUNTS)))
        return -1;
    if (!wave)
        return 0;
    if (FIELDS(r, wave, "wave", table, t))
        return -1;
    t->signals = json_get(wave, "signals");
    if (!t->signals || t->signals->type != JSON_ARRAY || !t->signals->child || !(t->cycles >= 1))
        return refuse(r, wave, "wave", "has no signals or no cycles");
    for (const struct json *s = t->signals->child; s; s = s->next)
        if (read_signal(r, s, t->cycles))
            return -1;
    return 0;
}

static int read_whatif(struct reader *r, const struct json *v, struct data_whatif *w)
{
    static const struct field table[] = {
        FIELD(data_whatif, F_TEXT, name),         FIELD(data_whatif, F_NUMBER, clock_mhz),
        FIELD(data_whatif, F_NUMBER, lanes),      FIELD(data_whatif, F_NUMBER, slots),
        FIELD(data_whatif, F_NUMBER, write_ns),   FIELD(data_whatif, F_NUMBER, event_ns),
        FIELD(data_whatif, F_NUMBER, jitter_pct),
    };
    if (FIELDS(r, v, "a what-if", table, w))
        return -1;
    if (!w->name)
        return refuse(r, v, "a what-if", "has no name");
    return read_percentiles(r, json_get(json_get(v, "device"), "p"), &w->device) ||
                   read_percentiles(r, json_get(json_get(v, "whole"), "p"), &w->whole)
               ? -1
               : 0;
}

static int read_timeline(struct reader *r, const struct json *v, struct data_timeline *t)
{
    static const struct field table[] = {
        FIELD(data_timeline, F_NUMBER, clock_mhz), FIELD(data_timeline, F_NUMBER, write_ns),
        FIELD(data_timeline, F_NUMBER, event_ns),  FIELD(data_timeline, F_NUMBER, jitter_pct),
        FIELD(data_timeline, F_NUMBER, lanes),     FIELD(data_timeline, F_NUMBER, slots),
        FIELD(data_timeline, F_NUMBER, frames),    FIELD(data_timeline, F_NUMBER, quiet),
        FIELD(data_timeline, F_NUMBER, unmatched), FIELD(data_timeline, F_NUMBER, not_fit),
        FIELD(data_timeline, F_NUMBER, dropped),
    };
    static const struct field checked[] = {
        FIELD(data_timeline, F_NUMBER, events),   FIELD(data_timeline, F_NUMBER, triggers),
        FIELD(data_timeline, F_NUMBER, differed), FIELD(data_timeline, F_NUMBER, apart),
        FIELD(data_timeline, F_NUMBER, commands), FIELD(data_timeline, F_NUMBER, early),
    };
    const struct json *whole = json_get(v, "whole"), *whatif = json_get(v, "whatif");
    const struct json *slowest = json_get(v, "slowest"), *waited = json_get(v, "waited");
    if (FIELDS(r, v, "timeline", table, t) || read_stages(r, json_get(v, "parts"), &t->part, &t->n_parts))
        return -1;
    if (!whole || !t->n_parts)
        return refuse(r, v, "timeline", "lacks its parts or its whole");
    if (read_stage(r, whole, &t->whole) || (waited && read_stage(r, waited, &t->waited)) ||
        array(r, whatif, "whatif", sizeof *t->whatif, &t->whatif, &t->n_whatif))
        return -1;
    const struct json *check = json_get(v, "check");
    t->has_check = check != NULL;
    if (check && FIELDS(r, check, "check", checked, t))
        return -1;
    struct data_whatif *w = t->whatif;
    for (const struct json *c = whatif ? whatif->child : NULL; c; c = c->next, w++)
        if (read_whatif(r, c, w))
            return -1;
    return slowest ? read_slowest(r, slowest, t) : 0;
}

// ---- the document

static int read_machine(struct reader *r, const struct json *v, struct data_machine *m)
{
    static const struct field table[] = {
        FIELD(data_machine, F_TEXT, cpu),           FIELD(data_machine, F_TEXT, hypervisor),
        FIELD(data_machine, F_TEXT, governor),      FIELD(data_machine, F_TEXT, kernel),
        FIELD(data_machine, F_TEXT, isolated),      FIELD(data_machine, F_TEXT, tickless),
        FIELD(data_machine, F_TEXT, huge),          FIELD(data_machine, F_TEXT, mitigations),
        FIELD(data_machine, F_TEXT, compiler),      FIELD(data_machine, F_TEXT, commit),
        FIELD(data_machine, F_BOOL, smt),           FIELD(data_machine, F_BOOL, turbo),
        FIELD(data_machine, F_NUMBER, cpus),        FIELD(data_machine, F_NUMBER, hugepages_2m),
        FIELD(data_machine, F_NUMBER, memory_mb),   FIELD(data_machine, F_NUMBER, hugepages_2m_free),
        FIELD(data_machine, F_SIGNED, hot_cpu),     FIELD(data_machine, F_NUMBER, hugepages_1g),
        FIELD(data_machine, F_NUMBERS, other_cpus), FIELD(data_machine, F_TEXTS, notes),
    };
    if (FIELDS(r, v, "machine", table, m))
        return -1;
    m->hot_cpu = m->hot_cpu < 0 ? NAN : m->hot_cpu; // not pinned
    return 0;
}

static int read_setting(struct reader *r, const struct json *root)
{
    static const struct field clock[] = {
        FIELD(data_clock, F_TEXT, name),
        FIELD(data_clock, F_NUMBER, hz),
        FIELD(data_clock, F_NUMBER, error_ppm),
        FIELD(data_clock, F_NUMBER, window_ms),
        FIELD(data_clock, F_SIGNED, drift_ppb),
        FIELD(data_clock, F_NUMBER, drift_span_ms),
        FIELD(data_clock, F_NUMBER, read_ns),
        FIELD(data_clock, F_NUMBER, drift_error_ppb),
        FIELD(data_clock, F_TEXT, kernel_source),
        FIELD(data_clock, F_NUMBER, cpus_apart_ns),
        FIELD(data_clock, F_NUMBER, cpus_apart_error_ns),
    };
    static const struct field load[] = {
        FIELD(data_load, F_TEXT, kind),      FIELD(data_load, F_TEXT, what),
        FIELD(data_load, F_BOOL, synthetic), FIELD(data_load, F_DIGITS, seed),
        FIELD(data_load, F_NUMBER, frames),  FIELD(data_load, F_NUMBER, bytes),
        FIELD(data_load, F_NUMBER, span_ns),
    };
    static const struct field book[] = {
        FIELD(data_book, F_TEXT, what),           FIELD(data_book, F_BOOL, boxed),
        FIELD(data_book, F_NUMBER, accounts),     FIELD(data_book, F_NUMBER, hot_rows),
        FIELD(data_book, F_NUMBER, hot_accounts),
    };
    static const struct field device[] = {
        FIELD(data_device, F_TEXT, backend),  FIELD(data_device, F_TEXT, isa),
        FIELD(data_device, F_BOOL, cycles),   FIELD(data_device, F_NUMBER, threads),
        FIELD(data_device, F_NUMBER, lanes),  FIELD(data_device, F_NUMBER, slots),
        FIELD(data_device, F_NUMBER, assets), FIELD(data_device, F_NUMBER, clock_mhz),
    };
    struct bench_data *d = r->d;
    return FIELDS(r, json_get(root, "clock"), "clock", clock, &d->clock) ||
                   FIELDS(r, json_get(root, "load"), "load", load, &d->load) ||
                   FIELDS(r, json_get(root, "book"), "book", book, &d->book) ||
                   FIELDS(r, json_get(root, "device"), "device", device, &d->device) ||
                   read_machine(r, json_get(root, "machine"), &d->machine)
               ? -1
               : 0;
}

static int read_root(struct reader *r, const struct json *root)
{
    static const struct field table[] = {FIELD(bench_data, F_TEXT, title), FIELD(bench_data, F_TEXT, made),
                                         FIELD(bench_data, F_TEXT, command),
                                         FIELD(bench_data, F_BOOL, interrupted)};
    struct bench_data *d = r->d;
    const struct json *format = json_get(root, "format"), *runs = json_get(root, "runs");
    const struct json *timeline = json_get(root, "timeline");
    if (root->type != JSON_OBJECT || !format || format->type != JSON_STRING)
        return refuse(r, root, "this", "is not what tripline bench --json writes: it names no format");
    if (strcmp(format->text, "tripline-bench-1") != 0)
        return refuse(r, format, format->text, "is not the format tripline-bench-1 that this version reads");
    if (FIELDS(r, root, "the file", table, d) || read_setting(r, root) ||
        array(r, runs, "runs", sizeof *d->run, &d->run, &d->n_runs))
        return -1;
    if (!d->n_runs)
        return refuse(r, runs ? runs : root, "the file", "has no runs");
    struct data_run *run = d->run;
    for (const struct json *c = runs->child; c; c = c->next)
        if (read_run(r, c, run++))
            return -1;
    d->has_timeline = timeline != NULL;
    return timeline ? read_timeline(r, timeline, &d->timeline) : 0;
}

int bench_data_parse(const char *path, const char *text, size_t len, struct bench_data *out, struct err *e)
{
    struct reader r = {out, e};
    *out = (struct bench_data){.path = path};
    if (json_parse(text, len, &out->doc))
        return err_set(e, "%s:%u: %s" REMEDY, path, out->doc.error_line, out->doc.error);
    return read_root(&r, out->doc.root);
}

int bench_data_read(const char *path, struct bench_data *out, struct err *e)
{
    *out = (struct bench_data){.path = path};
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t len = 0, room = 0, got = 1;
    while (f && got && len <= FILE_MAX) {
        if (len == room) {
            char *more = realloc(text, room = room ? 2 * room : 1 << 16);
            if (!more)
                break;
            text = more;
        }
        got = fread(text + len, 1, room - len, f);
        len += got;
    }
    int rc = !f || ferror(f) ? err_set(e, "%s: %s", path, strerror(errno))
             : got ? err_set(e, "%s: larger than %d MB, or out of memory" REMEDY, path, FILE_MAX >> 20)
                   : bench_data_parse(path, text, len, out, e);
    free(text);
    if (f)
        fclose(f);
    return rc;
}

void bench_data_free(struct bench_data *d)
{
    json_free(&d->doc);
    for (struct data_block *b = d->block, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    d->block = NULL;
}
