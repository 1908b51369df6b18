// SPDX-License-Identifier: Apache-2.0
#include "feed/igmp.h"

#include <stdlib.h>

#include "base/prng.h"
#include "feed/igmp_wire.h"
#include "feed/wire.h"

// RFC 3376 section 8 and RFC 2236 section 8: what holds until a querier says otherwise.
enum { ROBUSTNESS = 2, LEAVE_SHARE = 8 };
static const uint64_t NEVER = UINT64_MAX;
static const uint64_t QUERY_NS = UINT64_C(125000000000);
static const uint64_t RESPONSE_NS = UINT64_C(10000000000);
static const uint64_t UNSOLICITED_V3_NS = UINT64_C(1000000000);
static const uint64_t UNSOLICITED_V2_NS = UINT64_C(10000000000);

// One group's pending answer to a query.
struct pending {
    uint64_t at; // NEVER: none
    unsigned n;  // sources asked about; 0: the group as a whole
    uint32_t source[IGMP_ASKED];
};

enum phase { IDLE, JOINED, LEAVING };

struct igmp {
    struct igmp_config c;
    const struct groups *groups;
    igmp_send *send;
    void *ctx;
    struct prng rng;
    struct igmp_counters n;
    enum phase phase;
    unsigned robustness;
    uint64_t query_ns;           // the querier's interval
    uint64_t v1_until, v2_until; // a querier of that version counts as present; 0: none
    uint64_t change_at;          // next repetition of joins or leaves
    unsigned change_left;
    uint64_t general_at; // answer to a general query (v3)
    struct pending pending[GROUPS_MAX];
    struct igmp_frame frame;
};

struct igmp *igmp_new(const struct igmp_config *c, const struct groups *groups, igmp_send *send, void *ctx)
{
    struct igmp *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->c = *c;
    m->groups = groups;
    m->send = send;
    m->ctx = ctx;
    prng_seed(&m->rng, c->seed);
    m->robustness = ROBUSTNESS;
    m->query_ns = QUERY_NS;
    m->change_at = m->general_at = NEVER;
    for (size_t i = 0; i < GROUPS_MAX; i++)
        m->pending[i].at = NEVER;
    return m;
}

void igmp_free(struct igmp *m)
{
    free(m);
}

unsigned igmp_version(const struct igmp *m)
{
    return m->v1_until ? 1 : m->v2_until || m->c.version == 2 ? 2 : 3;
}

const struct igmp_counters *igmp_counters(const struct igmp *m)
{
    return &m->n;
}

static uint64_t after(uint64_t now, uint64_t ns)
{
    return ns < NEVER - 1 - now ? now + ns : NEVER - 1;
}

// A random moment in (now, now + most_ns].
static uint64_t random_moment(struct igmp *m, uint64_t now, uint64_t most_ns)
{
    return most_ns ? after(now, 1 + prng_below(&m->rng, most_ns)) : now;
}

// ---- sending

static void send_frame(struct igmp *m)
{
    m->send(m->ctx, m->frame.buf, m->frame.len);
}

static void flush(struct igmp *m)
{
    if (m->frame.records == 0)
        return;
    igmp_report_end(&m->frame);
    send_frame(m);
    m->n.reports++;
    igmp_report_begin(&m->frame, &m->c);
}

static void add_record(struct igmp *m, enum igmp_record type, const struct group *g, const uint32_t *source,
                       unsigned n)
{
    if (igmp_report_add(&m->frame, type, g->ip, source, n))
        return;
    flush(m);
    (void)igmp_report_add(&m->frame, type, g->ip, source, n); // a record alone always fits
}

static void send_short(struct igmp *m, enum igmp_type type, const struct group *g)
{
    igmp_short_frame(&m->frame, &m->c, type, g->ip);
    send_frame(m);
    *(type == IGMP_V2_LEAVE ? &m->n.leaves : &m->n.reports) += 1;
}

static void report_short(struct igmp *m, const struct group *g)
{
    send_short(m, igmp_version(m) == 1 ? IGMP_V1_REPORT : IGMP_V2_REPORT, g);
}

// The change from nothing to the group's membership, or back.
static void send_changes(struct igmp *m)
{
    bool leave = m->phase == LEAVING;
    unsigned version = igmp_version(m);
    if (version == 3)
        igmp_report_begin(&m->frame, &m->c);
    for (size_t i = 0; i < m->groups->n; i++) {
        const struct group *g = &m->groups->group[i];
        if (version == 3 && g->n_sources)
            add_record(m, leave ? BLOCK : ALLOW, g, g->source, g->n_sources);
        else if (version == 3)
            add_record(m, leave ? TO_IN : TO_EX, g, NULL, 0);
        else if (!leave)
            report_short(m, g);
        else if (version == 2) // version 1 leaves in silence
            send_short(m, IGMP_V2_LEAVE, g);
    }
    if (version == 3)
        flush(m);
    if (leave && version == 3)
        m->n.leaves++;
}

static void add_current(struct igmp *m, const struct group *g)
{
    add_record(m, g->n_sources ? IS_IN : IS_EX, g, g->source, g->n_sources);
}

static bool listens_to(const struct group *g, uint32_t source)
{
    for (unsigned i = 0; i < g->n_sources; i++)
        if (g->source[i] == source)
            return true;
    return g->n_sources == 0;
}

// RFC 3376, 5.2, end: of the sources asked about, those that are listened to.
static void add_asked(struct igmp *m, const struct group *g, const struct pending *p)
{
    uint32_t have[IGMP_ASKED];
    unsigned n = 0;
    for (unsigned i = 0; i < p->n; i++)
        if (listens_to(g, p->source[i]))
            have[n++] = p->source[i];
    if (n)
        add_record(m, IS_IN, g, have, n);
}

static void answer_general(struct igmp *m)
{
    m->general_at = NEVER;
    igmp_report_begin(&m->frame, &m->c);
    for (size_t i = 0; i < m->groups->n; i++)
        add_current(m, &m->groups->group[i]);
    flush(m);
}

static void answer_group(struct igmp *m, size_t i)
{
    const struct group *g = &m->groups->group[i];
    struct pending *p = &m->pending[i];
    p->at = NEVER;
    if (igmp_version(m) < 3) {
        report_short(m, g);
        return;
    }
    igmp_report_begin(&m->frame, &m->c);
    if (p->n)
        add_asked(m, g, p);
    else
        add_current(m, g);
    flush(m);
}

// ---- joining and leaving

static void begin_changes(struct igmp *m, uint64_t now_ns, enum phase phase, uint64_t interval_ns)
{
    m->phase = phase;
    m->change_left = m->robustness - 1;
    send_changes(m);
    m->change_at = m->change_left ? random_moment(m, now_ns, interval_ns) : NEVER;
}

static uint64_t unsolicited_ns(const struct igmp *m)
{
    return igmp_version(m) == 3 ? UNSOLICITED_V3_NS : UNSOLICITED_V2_NS;
}

void igmp_join(struct igmp *m, uint64_t now_ns)
{
    begin_changes(m, now_ns, JOINED, unsolicited_ns(m));
}

static void cancel_answers(struct igmp *m)
{
    m->general_at = NEVER;
    for (size_t i = 0; i < m->groups->n; i++)
        m->pending[i].at = NEVER;
}

// The repetitions' share of the interval is shorter than when joining: a process that ends does not stay for
// it.
void igmp_leave(struct igmp *m, uint64_t now_ns)
{
    if (m->phase != JOINED)
        return;
    cancel_answers(m);
    begin_changes(m, now_ns, LEAVING, UNSOLICITED_V3_NS / LEAVE_SHARE);
}

// ---- queries

static void sooner(uint64_t *at, uint64_t then)
{
    if (then < *at)
        *at = then;
}

// Rules 3 to 5 of RFC 3376, 5.2.
static void ask_group(struct pending *p, uint64_t then, const struct igmp_heard *h)
{
    bool whole = h->n_sources == 0 || h->n_sources > IGMP_ASKED;
    if (p->at == NEVER)
        p->n = 0;
    else if (p->n == 0)
        whole = true; // pending for the whole group already
    sooner(&p->at, then);
    for (unsigned i = 0; i < h->n_sources && !whole; i++) {
        uint32_t ip = be32_load(h->sources + (size_t)i * 4);
        bool known = false;
        for (unsigned k = 0; k < p->n; k++)
            known |= p->source[k] == ip;
        if (!known && p->n == IGMP_ASKED)
            whole = true;
        else if (!known)
            p->source[p->n++] = ip;
    }
    if (whole)
        p->n = 0;
}

// RFC 3376, 7.2.1: with another version, what was to be sent in the old one is not.
static void set_mode(struct igmp *m, uint64_t v1_until, uint64_t v2_until)
{
    unsigned before = igmp_version(m);
    m->v1_until = v1_until;
    m->v2_until = v2_until;
    if (igmp_version(m) == before)
        return;
    cancel_answers(m);
    m->change_at = NEVER;
}

static void note_querier(struct igmp *m, uint64_t now_ns, const struct igmp_heard *h)
{
    if (h->version == 3) {
        m->robustness = h->robustness ? h->robustness : ROBUSTNESS;
        m->query_ns = h->query_ns ? h->query_ns : QUERY_NS;
        return;
    }
    uint64_t until = after(now_ns, m->robustness * m->query_ns + RESPONSE_NS);
    set_mode(m, h->version == 1 ? until : m->v1_until, h->version == 2 ? until : m->v2_until);
}

// Rules 1 and 2 for a general query, 3 to 5 for a group's. In versions 1 and 2 each group has its own timer,
// which a query may only bring forward.
static void take_query(struct igmp *m, uint64_t now_ns, const struct igmp_heard *h)
{
    bool v3 = igmp_version(m) == 3;
    if (h->group == 0 && v3) {
        uint64_t then = random_moment(m, now_ns, h->max_response_ns);
        sooner(&m->general_at, then);
        return;
    }
    for (size_t i = 0; i < m->groups->n; i++) {
        if (h->group != 0 && m->groups->group[i].ip != h->group)
            continue;
        uint64_t then = random_moment(m, now_ns, h->max_response_ns);
        if (!v3)
            sooner(&m->pending[i].at, then);
        else if (m->general_at >= then)
            ask_group(&m->pending[i], then, h);
    }
}

static void take_report(struct igmp *m, const struct igmp_heard *h)
{
    m->n.heard++;
    if (igmp_version(m) == 3)
        return; // a v3 querier wants to hear everybody
    for (size_t i = 0; i < m->groups->n; i++)
        if (m->groups->group[i].ip == h->group)
            m->pending[i].at = NEVER;
}

bool igmp_receive(struct igmp *m, uint64_t now_ns, const uint8_t *frame, size_t len)
{
    struct igmp_heard h;
    igmp_read(frame, len, m->c.vlan, &h);
    if (h.kind == HEARD_OTHER)
        return false;
    igmp_time(m, now_ns); // what was due before this frame
    if (h.kind == HEARD_BAD)
        m->n.bad++;
    else if (h.kind == HEARD_REPORT)
        take_report(m, &h);
    else if (h.kind == HEARD_QUERY) {
        m->n.queries++;
        note_querier(m, now_ns, &h);
        if (m->phase == JOINED)
            take_query(m, now_ns, &h);
    }
    return true;
}

// ---- time

static uint64_t mode_due(const struct igmp *m)
{
    uint64_t at = m->v1_until ? m->v1_until : NEVER;
    return m->v2_until && m->v2_until < at ? m->v2_until : at;
}

uint64_t igmp_due(const struct igmp *m)
{
    uint64_t at = m->change_at;
    if (m->phase == LEAVING)
        return at;
    sooner(&at, m->general_at);
    sooner(&at, mode_due(m));
    for (size_t i = 0; i < m->groups->n; i++)
        sooner(&at, m->pending[i].at);
    return at;
}

static void do_next(struct igmp *m, uint64_t at)
{
    if (mode_due(m) == at) {
        set_mode(m, m->v1_until > at ? m->v1_until : 0, m->v2_until > at ? m->v2_until : 0);
    } else if (m->change_at == at) {
        send_changes(m);
        uint64_t most = m->phase == LEAVING ? UNSOLICITED_V3_NS / LEAVE_SHARE : unsolicited_ns(m);
        m->change_at = --m->change_left ? random_moment(m, at, most) : NEVER;
    } else if (m->general_at == at) {
        answer_general(m);
    } else {
        for (size_t i = 0; i < m->groups->n; i++)
            if (m->pending[i].at == at)
                answer_group(m, i);
    }
}

void igmp_time(struct igmp *m, uint64_t now_ns)
{
    for (uint64_t at; (at = igmp_due(m)) <= now_ns && at != NEVER;)
        do_next(m, at);
}
