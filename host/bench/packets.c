// SPDX-License-Identifier: Apache-2.0
#include "bench/packets.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "feed/feed.h"

enum { NAMES = 4096 };

struct names {
    size_t n;
    struct {
        uint64_t id;
        uint8_t venue;
        char name[64];
    } at[NAMES];
};

struct reading {
    struct names *names;
    bool wanted;
    uint8_t venue;
    unsigned messages;
    char text[PACKET_TEXT]; // of the messages
    size_t len;
};

static const char *name_of(const struct names *n, const struct feed_msg *m)
{
    for (size_t i = n->n; i-- > 0;)
        if (n->at[i].id == m->instrument_id && n->at[i].venue == m->venue)
            return n->at[i].name;
    return NULL;
}

static void learn(struct names *n, const struct feed_msg *m)
{
    if (name_of(n, m) || n->n == NAMES)
        return;
    n->at[n->n].id = m->instrument_id;
    n->at[n->n].venue = m->venue;
    (void)snprintf(n->at[n->n++].name, sizeof n->at[0].name, "%s", m->name);
}

static double value(const struct feed_num *x)
{
    return x->form == NUM_DOUBLE ? x->v.f : (double)x->v.m * pow(10, x->exp10);
}

__attribute__((format(printf, 2, 3))) static void say(struct reading *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(r->text + r->len, sizeof r->text - r->len, fmt, ap);
    va_end(ap);
    r->len += n > 0 ? (size_t)n : 0;
    if (r->len >= sizeof r->text)
        r->len = sizeof r->text - 1; // cut off
}

static void say_price(struct reading *r, const struct feed_msg *m)
{
    static const struct {
        uint32_t has;
        size_t at;
    } what[] = {{HAS_MARK, offsetof(struct feed_msg, mark)},
                {HAS_INDEX, offsetof(struct feed_msg, index)},
                {HAS_LAST, offsetof(struct feed_msg, last)},
                {HAS_BID, offsetof(struct feed_msg, bid)},
                {HAS_ASK, offsetof(struct feed_msg, ask)}};
    for (size_t i = 0; i < sizeof what / sizeof what[0]; i++)
        if (m->has & what[i].has) {
            say(r, " %.12g", value((const struct feed_num *)((const char *)m + what[i].at)));
            return;
        }
}

static void on_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct reading *r = ctx;
    (void)p;
    if (m->kind == FEED_INSTRUMENT)
        learn(r->names, m);
    if (!r->wanted)
        return;
    const char *name = m->name[0] ? m->name : name_of(r->names, m);
    r->venue = m->venue;
    r->messages++;
    if (name)
        say(r, "%s%s", r->len ? ", " : "", name);
    else
        say(r, "%sinstrument %" PRIu64, r->len ? ", " : "", m->instrument_id);
    if (m->kind == FEED_INSTRUMENT)
        say(r, " defined");
    else if (m->kind == FEED_STATUS)
        say(r, " status");
    else
        say_price(r, m);
}

static void on_end(void *ctx, const struct feed_packet *p)
{
    struct reading *r = ctx;
    if (r->wanted)
        r->venue = p->venue;
}

static void finish(const struct reading *r, enum feed_drop drop, struct packet *out)
{
    if (drop != DROP_NONE)
        (void)snprintf(out->text, sizeof out->text, "ignored: %s", feed_drop_name(drop));
    else if (r->messages == 0)
        (void)snprintf(out->text, sizeof out->text, "%s%sno message of interest",
                       r->venue ? feed_venue_name((enum feed_venue)r->venue) : "", r->venue ? ", " : "");
    else
        (void)snprintf(out->text, sizeof out->text, "%s, %u message%s: %.160s",
                       feed_venue_name((enum feed_venue)r->venue), r->messages, r->messages == 1 ? "" : "s",
                       r->text);
}

static int by_frame(const void *a, const void *b)
{
    const struct packet *x = a, *y = b;
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

static void read_all(const struct load *l, struct feed *f, struct reading *r, struct packets *out)
{
    const struct feed_sink sink = {r, on_msg, on_end};
    size_t k = 0;
    for (size_t i = 0; k < out->n && i < l->n; i++) {
        const struct load_frame *x = &l->frame[i];
        r->wanted = out->at[k].frame == i;
        r->messages = 0;
        r->venue = VENUE_NONE;
        r->len = 0;
        r->text[0] = 0;
        enum feed_drop d = feed_frame(f, x->ts_ns, l->bytes + x->at, x->caplen, x->wirelen, &sink);
        if (r->wanted)
            finish(r, d, &out->at[k++]);
    }
}

int packets_read(const struct load *l, const uint64_t *frame, size_t n, struct packets *out, struct err *e)
{
    *out = (struct packets){.at = calloc(n + 1, sizeof *out->at)};
    struct names *names = calloc(1, sizeof *names);
    struct feed *f = feed_new();
    int rc = out->at && names && f ? 0 : err_set(e, "out of memory for the slowest packets");
    if (rc == 0) {
        struct reading r = {.names = names};
        for (size_t i = 0; i < n; i++)
            out->at[i].frame = frame[i];
        qsort(out->at, n, sizeof *out->at, by_frame);
        for (size_t i = 0; i < n; i++)
            if (i == 0 || out->at[i].frame != out->at[out->n - 1].frame)
                out->at[out->n++] = out->at[i];
        read_all(l, f, &r, out);
    }
    feed_free(f);
    free(names);
    if (rc != 0)
        packets_free(out);
    return rc;
}

const char *packets_text(const struct packets *p, uint64_t frame)
{
    const struct packet key = {.frame = frame};
    const struct packet *x = p->n ? bsearch(&key, p->at, p->n, sizeof *p->at, by_frame) : NULL;
    return x ? x->text : "";
}

void packets_free(struct packets *p)
{
    free(p->at);
    *p = (struct packets){0};
}
