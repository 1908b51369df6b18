// SPDX-License-Identifier: Apache-2.0
#include "run/live.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "feed/arbiter.h"

enum {
    LOCKSTEP_WAIT_MS = 10000,
    DRAIN_WAIT_MS = 2000,
    WAIT_STEP_MS = 50,
    NS_PER_MS = 1000000,
    PROGRESS_NS = 250000000,
    // A capture's driver gives its frames back to back: silence this long before the last one means it has
    // failed.
    STALL_NS = 2000000000,
    IDLE_ACCOUNTS = 32, // looked at between two polls without a packet: a microsecond or two
    CLOCK_EVERY = 256,  // polls between looks at the clock
    // Frames are stamped when they are taken. Where that is later than this after the source was last seen
    // empty, they may have waited in between: this process was stopped, or is too slow.
    LAG_NS = 100000000,
};

struct live {
    const struct live_config *c;
    struct session *session;
    struct gateway *gw;
    struct order_reply reply;
    uint64_t frames;
    uint64_t answers; // to orders and bids
    bool capture;
    uint64_t empty_ns;  // live: wall clock when the source was last seen empty
    uint64_t newest_ns; // capture: latest stamp so far
    bool failed;
    struct err *e;
};

static uint64_t clock_now(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t); // vDSO, no system call
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void look_at_kill_switch(struct live *l)
{
    if (!l->c->kill_wanted)
        return;
    bool on = l->c->kill_wanted(l->c->kill_ctx);
    if (on != desk_killed(session_desk(l->session)))
        l->failed = session_kill(l->session, on, l->e) != 0;
}

// A session that refuses what its venue has taken goes on with other parameters than the venue's, and nobody
// would notice what it misses: it ends, and the next run fetches accounts and parameters together.
static void take_market(struct live *l)
{
    uint64_t refused = session_counters(l->session)->markets[1];
    if (l->failed)
        return;
    l->failed = session_market(l->session, l->reply.market, l->e) != 0;
    if (!l->failed && session_counters(l->session)->markets[1] != refused) {
        err_set(l->e,
                "the venue's new parameters do not fit the accounts as they are known here; start again with"
                " the same --dir: it fetches both from the venue");
        l->failed = true;
    }
}

static void take_one(struct live *l)
{
    const struct order_reply *r = &l->reply;
    if (l->failed)
        return;
    if (r->status == ORDER_MARKET)
        take_market(l);
    else if (r->status == ORDER_INPUT)
        l->failed = session_input(l->session, r->input.type, r->input.data, r->input.n, l->e) != 0;
    else {
        l->answers += r->status != ORDER_STATE && r->key.account != 0;
        l->failed = session_reply(l->session, r, l->e) != 0;
    }
}

// Replies to orders all at once, and so a chain's prices, which decide; of accounts' states, markets and ways
// out, of which thousands may have come, one between two polls, so that no packet waits for more than one.
static void take_replies(struct live *l)
{
    bool slow = false;
    while (!l->failed && !slow && gateway_poll(l->gw, &l->reply) == 1) {
        look_at_kill_switch(l); // a reply may let an order go
        uint8_t status = l->reply.status;
        slow = status == ORDER_STATE || status == ORDER_MARKET ||
               (status == ORDER_INPUT && l->reply.input.type != J_TOLD);
        take_one(l);
    }
}

// Replies may lead to further orders; ends when none is outstanding. States and markets that come meanwhile
// are taken, and not waited for: there may be no end of them. False when the venue answers no order in time,
// or when the run is to stop and that counts.
static bool settle(struct live *l, int timeout_ms, bool until_stop)
{
    uint64_t since = clock_now(CLOCK_MONOTONIC), outstanding = session_outstanding(l->session);
    uint64_t answers = l->answers; // a reply may let the next order go at once: as many are out as before
    while (!l->failed && outstanding && gateway_wait(l->gw, WAIT_STEP_MS) != 0) {
        take_replies(l);
        uint64_t now = clock_now(CLOCK_MONOTONIC), left = session_outstanding(l->session);
        if (left != outstanding || l->answers != answers)
            since = now;
        outstanding = left;
        answers = l->answers;
        if (now - since >= (uint64_t)timeout_ms * NS_PER_MS || (until_stop && *l->c->stop))
            return outstanding == 0;
    }
    return true;
}

// When the frame came, at the earliest. A capture's stamps may say anything: there, time that runs backwards
// stands still. Live, a price that may have waited counts as old as it can be (P5), against a clock that has
// gone on.
static uint64_t came_at(struct live *l, uint64_t ts_ns)
{
    if (l->capture) {
        if (ts_ns > l->newest_ns)
            l->newest_ns = ts_ns;
        return l->newest_ns;
    }
    if (ts_ns <= l->empty_ns || ts_ns - l->empty_ns <= LAG_NS)
        return ts_ns;
    l->failed = session_clock(l->session, ts_ns, l->e) != 0;
    return l->empty_ns;
}

static void on_frame(void *ctx, uint64_t ts_ns, const uint8_t *data, size_t caplen, size_t wirelen)
{
    struct live *l = ctx;
    if (l->failed || *l->c->stop || (l->c->max_frames && l->frames >= l->c->max_frames))
        return;
    look_at_kill_switch(l); // at each frame: a burst may take long
    if (l->failed)
        return;
    uint64_t came = came_at(l, ts_ns);
    if (l->failed)
        return;
    l->frames++;
    l->failed = session_frame(l->session, came, data, caplen, wirelen, l->e) != 0;
    if (l->c->lockstep && !l->failed && !settle(l, LOCKSTEP_WAIT_MS, true) && !*l->c->stop) {
        err_set(l->e, "the venue has not answered an order for %d s", LOCKSTEP_WAIT_MS / 1000);
        l->failed = true;
    }
}

// A gap is declared only when what is missing cannot lie in a port unread: this process may have been stopped
// for longer than it waits for anything.
static void look_at_holes(struct live *l, const struct live_source *src)
{
    uint64_t until = src->read_until(src->ctx);
    if (session_due(l->session, until))
        l->failed = session_read(l->session, until, l->e) != 0;
}

static bool ended(const struct live *l, const struct live_source *src)
{
    return (src->frames && l->frames >= src->frames) || (l->c->max_frames && l->frames >= l->c->max_frames);
}

// Off the packet path: clock, progress, limits. False when the run is over.
static bool housekeeping(struct live *l, const struct live_source *src, uint64_t start, uint64_t *last_frame,
                         uint64_t *last_progress, uint64_t *seen)
{
    uint64_t now = clock_now(CLOCK_MONOTONIC);
    if (l->frames != *seen) {
        *seen = l->frames;
        *last_frame = now;
    }
    if (now - *last_progress >= PROGRESS_NS) {
        *last_progress = now;
        if (l->c->progress)
            l->c->progress(l->c->progress_ctx, l->frames);
    }
    if (l->c->max_ns && now - start >= l->c->max_ns)
        return false;
    if (src->frames && !src->paced && now - *last_frame > STALL_NS) {
        err_set(l->e, "the capture's driver stopped after %" PRIu64 " of %" PRIu64 " frames", l->frames,
                src->frames);
        l->failed = true;
    }
    if (!src->frames && l->c->idle_ns && now - *last_frame >= l->c->idle_ns) {
        *last_frame = now;
        l->failed |= session_clock(l->session, clock_stream_ns(), l->e) != 0;
    }
    return !l->failed;
}

enum live_end live_run(const struct live_config *c, const struct live_source *src, struct session *s,
                       struct gateway *gw, struct err *e)
{
    static struct live l; // holds a reply, which is too large for a stack
    uint64_t start = clock_now(CLOCK_MONOTONIC), last_frame = start, last_progress = start, seen = 0;
    memset(&l, 0, sizeof l);
    l.c = c;
    l.session = s;
    l.gw = gw;
    l.e = e;
    l.capture = src->frames != 0;
    l.empty_ns = clock_stream_ns();
    for (unsigned polls = 1; !l.failed && !ended(&l, src) && !*c->stop; polls++) {
        look_at_kill_switch(&l);
        uint64_t before = l.capture ? 0 : clock_stream_ns();
        size_t n = src->poll(src->ctx, on_frame, &l);
        if (n == 0)
            l.empty_ns = before;
        if (!l.capture && !l.failed)
            look_at_holes(&l, src);
        take_replies(&l);
        if (n > 0)
            session_warm(s);
        if (n == 0 && !l.failed)
            l.failed = session_idle(s, IDLE_ACCOUNTS, e) != 0;
        if (c->tend)
            c->tend(c->tend_ctx);
        if ((n == 0 || polls % CLOCK_EVERY == 0) &&
            !housekeeping(&l, src, start, &last_frame, &last_progress, &seen))
            break;
    }
    // Nothing more comes that could fill a hole.
    if (!l.failed && l.capture && session_due(s, UINT64_MAX))
        l.failed = session_clock(s, l.newest_ns + ARBITER_LAG_NS, e) != 0;
    if (!l.failed)
        (void)settle(&l, DRAIN_WAIT_MS, false);
    if (c->progress)
        c->progress(c->progress_ctx, l.frames);
    return l.failed ? LIVE_FAILED : *c->stop ? LIVE_STOPPED : LIVE_DONE;
}
