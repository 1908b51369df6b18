// SPDX-License-Identifier: Apache-2.0
#include "feed/gen_impair.h"

#include "base/prng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PPM = 1000000, FIRST_ROOM = 256 };
static const uint64_t SEED_LINE = 0x6c696e65;
static const double TIME_MAX_NS = 4e18; // fits uint64_t

// A frame on its way; heap order: arrival, then the order in which they were put.
struct waiting {
    uint64_t ts_ns, order;
    uint8_t *bytes;
    size_t len, wire;
};

struct held {
    struct waiting frame;
    uint64_t at; // packets of its line that had passed when it was taken out
};

struct way {
    struct prng rng;
    struct impair_counters n;
    uint64_t passed, last_ns;
    struct held held[IMPAIR_REORDER_MAX + 1];
    unsigned first, n_held; // ring
};

struct impair {
    struct impair_spec spec;
    struct way way[IMPAIR_LINES];
    struct waiting *heap;
    size_t n, room;
    uint64_t order;
    uint64_t start_ns, now_ns;
    bool started;
    uint8_t *given; // handed out by the last impair_next()
};

// ---- the specification

void impair_none(struct impair_spec *s)
{
    *s = (struct impair_spec){0};
    for (unsigned l = 0; l < IMPAIR_LINES; l++)
        s->line[l] = (struct impair_line){.reorder_by = 1, .to_ns = UINT64_MAX};
}

static int bad(struct err *e, const char *what, const char *at, size_t n)
{
    return err_set(e, "--impair: %s in '%.*s'", what, (int)n, at);
}

// A number at *at, before `end`; moves *at behind it.
static bool read_number(const char **at, const char *end, double *out)
{
    char *behind;
    if (*at == end || !((**at >= '0' && **at <= '9') || **at == '.'))
        return false; // no sign, no blanks, no nan
    *out = strtod(*at, &behind);
    if (behind > end || !isfinite(*out))
        return false;
    *at = behind;
    return true;
}

static bool read_share(const char **at, const char *end, uint32_t *ppm)
{
    double v;
    if (!read_number(at, end, &v))
        return false;
    if (*at < end && **at == '%') {
        v /= 100;
        ++*at;
    }
    if (v > 1)
        return false;
    *ppm = (uint32_t)lround(v * PPM);
    return true;
}

static bool read_time(const char **at, const char *end, uint64_t *ns)
{
    static const struct {
        const char *name;
        double ns;
    } UNITS[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    double v;
    if (!read_number(at, end, &v))
        return false;
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        size_t n = strlen(UNITS[i].name);
        if ((size_t)(end - *at) < n || memcmp(*at, UNITS[i].name, n) != 0)
            continue;
        v *= UNITS[i].ns;
        if (v > TIME_MAX_NS)
            return false;
        *ns = (uint64_t)v;
        *at += n;
        return true;
    }
    return false;
}

// T, or T..T
static bool read_times(const char **at, const char *end, uint64_t *low, uint64_t *high)
{
    if (!read_time(at, end, low))
        return false;
    *high = *low;
    if (end - *at < 2 || memcmp(*at, "..", 2) != 0)
        return true;
    *at += 2;
    return read_time(at, end, high) && *low <= *high;
}

static bool read_reorder(const char **at, const char *end, struct impair_line *l)
{
    double by = 1;
    if (!read_share(at, end, &l->reorder_ppm))
        return false;
    if (*at < end && **at == '/') {
        ++*at;
        if (!read_number(at, end, &by) || by < 1 || by > IMPAIR_REORDER_MAX || by != floor(by))
            return false;
    }
    l->reorder_by = (uint32_t)by;
    return true;
}

static const char *read_value(const char *key, size_t n, const char *at, const char *end,
                              struct impair_line *l)
{
    bool good = false;
#define KEY(name) (n == sizeof(name) - 1 && memcmp(key, name, n) == 0)
    if (KEY("drop"))
        good = read_share(&at, end, &l->drop_ppm);
    else if (KEY("dup"))
        good = read_share(&at, end, &l->dup_ppm);
    else if (KEY("reorder"))
        good = read_reorder(&at, end, l);
    else if (KEY("delay"))
        good = read_times(&at, end, &l->delay_low_ns, &l->delay_high_ns) &&
               l->delay_high_ns <= IMPAIR_DELAY_MAX_NS;
    else if (KEY("during"))
        good = read_times(&at, end, &l->from_ns, &l->to_ns) && l->from_ns < l->to_ns;
    else
        return "unknown key (drop, dup, delay, reorder, during)";
#undef KEY
    return good && at == end ? NULL : "no such value (P: 0 to 1 or 1%, T: 200us, delay at most 60s)";
}

// One line's part, [at, end).
static int read_part(const char *at, const char *end, struct impair_spec *s, struct err *e)
{
    const char *part = at, *colon = memchr(at, ':', (size_t)(end - at));
    size_t n = colon ? (size_t)(colon - at) : 0;
    bool a = n && at[0] == 'A', b = n && at[n - 1] == 'B';
    if (n < 1 || n > 2 || (!a && !b) || (n == 2 && !(a && b)))
        return bad(e, "no line (A:, B: or AB:)", part, (size_t)(end - part));
    struct impair_line l = {.named = true, .reorder_by = 1, .to_ns = UINT64_MAX};
    for (at = colon + 1; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma ? comma : end;
        const char *eq = memchr(at, '=', (size_t)(stop - at));
        const char *why = eq ? read_value(at, (size_t)(eq - at), eq + 1, stop, &l) : "no '='";
        if (why)
            return bad(e, why, at, (size_t)(stop - at));
        at = comma ? comma + 1 : end;
        if (comma && at == end)
            return bad(e, "nothing behind the last comma", part, (size_t)(end - part));
    }
    for (unsigned i = 0; i < IMPAIR_LINES; i++) {
        if (!(i ? b : a))
            continue;
        if (s->line[i].named)
            return bad(e, "a line for the second time", part, (size_t)(end - part));
        s->line[i] = l;
    }
    return 0;
}

int impair_parse(const char *text, struct impair_spec *s, struct err *e)
{
    impair_none(s);
    for (const char *at = text;; at++) {
        const char *end = at + strcspn(at, ";");
        if (read_part(at, end, s, e) != 0)
            return -1;
        at = end;
        if (!*at)
            return 0;
    }
}

// ---- frames on their way

struct impair *impair_new(const struct impair_spec *s, uint64_t seed)
{
    struct impair *i = calloc(1, sizeof *i);
    if (!i)
        return NULL;
    i->spec = *s;
    for (unsigned l = 0; l < IMPAIR_LINES; l++)
        prng_seed(&i->way[l].rng, seed ^ (SEED_LINE + l));
    return i;
}

void impair_free(struct impair *i)
{
    if (!i)
        return;
    for (unsigned l = 0; l < IMPAIR_LINES; l++)
        for (unsigned k = 0; k < i->way[l].n_held; k++)
            free(i->way[l].held[(i->way[l].first + k) % (IMPAIR_REORDER_MAX + 1)].frame.bytes);
    for (size_t k = 0; k < i->n; k++)
        free(i->heap[k].bytes);
    free(i->heap);
    free(i->given);
    free(i);
}

static bool before(const struct waiting *a, const struct waiting *b)
{
    return a->ts_ns != b->ts_ns ? a->ts_ns < b->ts_ns : a->order < b->order;
}

// Takes over w.bytes, also when it fails.
static int push(struct impair *i, struct waiting w, struct err *e)
{
    if (i->n == i->room) {
        size_t room = i->room ? 2 * i->room : FIRST_ROOM;
        struct waiting *heap = room <= IMPAIR_WAITING_MAX ? realloc(i->heap, room * sizeof *heap) : NULL;
        if (!heap) {
            free(w.bytes);
            return err_set(e, "--impair: more than %zu packets on their way: shorten the delay", i->n);
        }
        i->heap = heap;
        i->room = room;
    }
    w.order = i->order++;
    size_t at = i->n++;
    for (; at && before(&w, &i->heap[(at - 1) / 2]); at = (at - 1) / 2)
        i->heap[at] = i->heap[(at - 1) / 2];
    i->heap[at] = w;
    return 0;
}

static struct waiting pop(struct impair *i)
{
    struct waiting top = i->heap[0], last = i->heap[--i->n];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < i->n; at = child) {
        if (child + 1 < i->n && before(&i->heap[child + 1], &i->heap[child]))
            child++;
        if (!before(&i->heap[child], &last))
            break;
        i->heap[at] = i->heap[child];
    }
    i->heap[at] = last;
    return top;
}

static int copy(struct waiting *w, uint64_t ts_ns, const uint8_t *frame, size_t len, size_t wire,
                struct err *e)
{
    *w = (struct waiting){.ts_ns = ts_ns, .bytes = malloc(len ? len : 1), .len = len, .wire = wire};
    if (!w->bytes)
        return err_set(e, "out of memory for a frame of %zu bytes", len);
    memcpy(w->bytes, frame, len);
    return 0;
}

// What was taken out of the line's order and has been passed by enough packets, or by all of them.
static int release(struct impair *i, unsigned line, bool over, struct err *e)
{
    struct way *w = &i->way[line];
    while (w->n_held) {
        struct held *h = &w->held[w->first];
        if (!over && w->passed - h->at < i->spec.line[line].reorder_by)
            return 0;
        if (h->frame.ts_ns < w->last_ns)
            h->frame.ts_ns = w->last_ns;
        w->first = (w->first + 1) % (IMPAIR_REORDER_MAX + 1);
        w->n_held--;
        if (push(i, h->frame, e) != 0)
            return -1;
    }
    return 0;
}

// When a packet sent now arrives. Drawn delays do not reorder: what is behind waits.
static uint64_t arrival(struct way *w, const struct impair_line *l, uint64_t ts_ns)
{
    uint64_t at = ts_ns + l->delay_low_ns;
    if (l->delay_high_ns == l->delay_low_ns)
        return at;
    at += prng_below(&w->rng, l->delay_high_ns - l->delay_low_ns + 1);
    return at < w->last_ns ? w->last_ns : at;
}

static int put(struct impair *i, unsigned line, const struct waiting *f, bool repeat, bool hold,
               struct err *e)
{
    struct way *w = &i->way[line];
    struct waiting again;
    w->passed++;
    w->last_ns = f->ts_ns;
    if (repeat && copy(&again, f->ts_ns, f->bytes, f->len, f->wire, e) != 0) {
        free(f->bytes);
        return -1;
    }
    if (hold) { // at most reorder_by wait here, as each goes when so many have passed
        w->held[(w->first + w->n_held++) % (IMPAIR_REORDER_MAX + 1)] = (struct held){*f, w->passed};
    } else if (push(i, *f, e) != 0) {
        if (repeat)
            free(again.bytes);
        return -1;
    }
    if (repeat && push(i, again, e) != 0)
        return -1;
    return release(i, line, false, e);
}

int impair_take(struct impair *i, unsigned line, uint64_t ts_ns, const uint8_t *frame, size_t len,
                size_t wire, struct err *e)
{
    struct waiting f;
    if (!i->started)
        i->start_ns = i->now_ns = ts_ns;
    i->started = true;
    if (ts_ns > i->now_ns)
        i->now_ns = ts_ns;
    if (line >= IMPAIR_LINES)
        return copy(&f, ts_ns, frame, len, wire, e) == 0 ? push(i, f, e) : -1;
    struct way *w = &i->way[line];
    const struct impair_line *l = &i->spec.line[line];
    uint64_t since = ts_ns > i->start_ns ? ts_ns - i->start_ns : 0;
    bool impaired = since >= l->from_ns && since < l->to_ns;
    // Always the same number of draws, so that one impairment does not move another.
    bool drop = prng_chance(&w->rng, l->drop_ppm, PPM) && impaired;
    bool repeat = prng_chance(&w->rng, l->dup_ppm, PPM) && impaired;
    bool hold = prng_chance(&w->rng, l->reorder_ppm, PPM) && impaired;
    uint64_t at = impaired ? arrival(w, l, ts_ns) : ts_ns;
    w->n.packets++;
    w->n.dropped += drop;
    if (drop)
        return 0;
    w->n.duplicates += repeat;
    w->n.reordered += hold;
    return copy(&f, at, frame, len, wire, e) == 0 ? put(i, line, &f, repeat, hold, e) : -1;
}

bool impair_next(struct impair *i, bool over, struct impair_frame *out)
{
    struct err none = {""};
    for (unsigned l = 0; over && l < IMPAIR_LINES; l++)
        (void)release(i, l, true, &none);
    if (i->n == 0 || (!over && i->heap[0].ts_ns > i->now_ns))
        return false;
    struct waiting w = pop(i);
    free(i->given);
    i->given = w.bytes;
    *out = (struct impair_frame){w.ts_ns, w.bytes, w.len, w.wire};
    return true;
}

const struct impair_counters *impair_counters(const struct impair *i, unsigned line)
{
    return &i->way[line].n;
}
