// SPDX-License-Identifier: Apache-2.0
// The line's first thread: follows the pool's accounts into the store and tells the session each new state,
// as the even one of its pair; reads the exchange's pools when it is at the head.
#include <inttypes.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "accounts/book.h"
#include "base/clock.h"
#include "run/chain_line_inside.h"

enum { WAIT_MS = 250, PAUSE_MS = 50, PAUSE_MOST_MS = 2000, TRIES = 8 };
#define SHOWN_EVERY_NS UINT64_C(2000000000)
#define AGAIN_NS       UINT64_C(30000000000) // the same complaint once in so long

static void pause_ms(unsigned ms)
{
    const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

// What goes wrong for a while is said once, and again when it lasts.
static void complain(struct chain_line *l, const char *text)
{
    uint64_t now = clock_system_ns();
    if (strcmp(text, l->complained) == 0 && now - l->complained_ns < AGAIN_NS)
        return;
    (void)snprintf(l->complained, sizeof l->complained, "%s", text);
    l->complained_ns = now;
    line_notice(l, "accounts: %s; trying again", text);
}

// ---- hooks

void line_market(struct chain_line *l, const struct market *m, bool grown)
{
    struct err e;
    if (grown) {
        line_fail(l, "the pool has listed a new reserve: start again with the same --dir and --accounts");
        return;
    }
    while (l->markets - __atomic_load_n(&l->markets_done, __ATOMIC_ACQUIRE) == MARKETS) {
        if (line_stopping(l))
            return;
        pause_ms(1);
    }
    uint16_t slot = (uint16_t)(l->markets % MARKETS);
    *l->market[slot] = *m;
    if (market_pair(l->market[slot], &e) != 0) {
        line_fail(l, "the pool's new parameters cannot be taken: %.400s", e.msg);
        return;
    }
    struct state_entry *s = line_state(l, TELL_MARKET);
    if (!s)
        return;
    s->n = slot;
    l->markets++;
    spsc_commit(&l->states);
    (void)pthread_mutex_lock(&l->lock);
    l->n.markets++;
    (void)pthread_mutex_unlock(&l->lock);
}

static void on_market(void *ctx, const struct market *m, bool grown)
{
    line_market(ctx, m, grown);
}

static void tell_account(struct chain_line *l, const struct account *a)
{
    struct state_entry *s = line_state(l, TELL_STATE);
    if (!s)
        return;
    account_copy(&s->u.account, a);
    (void)account_even(&s->u.account); // ids are below the room that was made, which has doubles
    spsc_commit(&l->states);
    (void)pthread_mutex_lock(&l->lock);
    l->n.states++;
    (void)pthread_mutex_unlock(&l->lock);
}

static void on_account(void *ctx, const struct account *a, const struct evm_address *user, bool added)
{
    struct chain_line *l = ctx;
    (void)added;
    if (a->id >= l->users.n) {
        if (!l->no_room)
            line_notice(l,
                        "there is no room for more than %zu accounts: new ones are not watched; start again",
                        l->users.n - 1);
        l->no_room = true;
        return;
    }
    l->user[a->id] = *user; // before the state is told: who liquidates it looks here
    l->epoch[a->id] = a->epoch;
    tell_account(l, a);
}

// An account of which nothing is believed has no positions; the state that comes next is of a later epoch.
void line_hold(struct chain_line *l, uint32_t id, const char *why)
{
    struct account a = {.id = id, .rule = l->rule};
    line_notice(l, "account %" PRIu32 " is held: %s", id, why);
    if (id >= l->users.n)
        return;
    a.epoch = l->epoch[id];
    (void)pthread_mutex_lock(&l->lock);
    l->n.holds++;
    (void)pthread_mutex_unlock(&l->lock);
    tell_account(l, &a);
}

static void on_hold(void *ctx, uint32_t id, const char *why)
{
    line_hold(ctx, id, why);
}

static void on_end(void *ctx, uint64_t seq, const struct chain_block *at)
{
    struct chain_line *l = ctx;
    (void)seq;
    struct state_entry *s = line_state(l, TELL_MARK);
    if (!s)
        return;
    s->block = at->number;
    spsc_commit(&l->states);
}

// ---- to the head, before the run

struct bring {
    struct chain_line *l;
    uint64_t shown;
};

static void on_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    struct bring *b = ctx;
    uint64_t now = clock_system_ns();
    if (now - b->shown < SHOWN_EVERY_NS)
        return;
    b->shown = now;
    line_notice(b->l, "accounts: %s, %" PRIu64 " of %" PRIu64, what, done, total);
}

static int complete(const struct chain_line *l, const struct follower *f, struct err *e)
{
    return follower_meta(f)->phase == PHASE_FOLLOWING
               ? 0
               : err_set(e, "%s is not complete: `tripline chain index --db %s` goes on with it", l->cfg.db,
                         l->cfg.db);
}

static int to_head(struct chain_line *l, struct follower *f, struct err *e)
{
    unsigned pause = PAUSE_MS, failures = 0;
    for (;;) {
        if (l->cfg.stop && *l->cfg.stop)
            return err_set(e, "interrupted");
        enum follower_result r = follower_step(f, e);
        if (r == FOLLOWER_IDLE)
            return 0;
        if (r == FOLLOWER_FATAL || (r == FOLLOWER_RETRY && ++failures == TRIES))
            return -1;
        if (r == FOLLOWER_RETRY) {
            complain(l, e->msg);
            pause_ms(pause);
            pause = 2 * pause < PAUSE_MOST_MS ? 2 * pause : PAUSE_MOST_MS;
            continue;
        }
        failures = 0;
        pause = PAUSE_MS;
    }
}

int chain_states_bring(struct chain_line *l, uint64_t *seq, struct err *e)
{
    struct bring b = {l, clock_system_ns()};
    const struct follower_config cfg = {.db = l->cfg.db,
                                        .pool = l->cfg.lender,
                                        .chain_id = l->cfg.chain_id,
                                        .hooks = {.ctx = &b, .progress = on_progress}};
    struct follower *f = follower_open(&cfg, l->link, e);
    if (!f)
        return -1;
    int rc = complete(l, f, e) != 0 || to_head(l, f, e) != 0 ? -1 : complete(l, f, e);
    *seq = follower_meta(f)->seq;
    if (rc == 0)
        line_notice(l, "accounts: %" PRIu32 " at block %" PRIu64, follower_meta(f)->last_id,
                    follower_meta(f)->at.number);
    follower_close(f);
    return rc;
}

// ---- the thread

int chain_states_open(struct chain_line *l, uint64_t seq, struct err *e)
{
    const struct follower_config cfg = {
        .db = l->cfg.db,
        .pool = l->cfg.lender,
        .chain_id = l->cfg.chain_id,
        .audit = l->cfg.audit,
        .seed = clock_system_ns(),
        .hooks = {.ctx = l, .market = on_market, .account = on_account, .hold = on_hold, .end = on_end}};
    l->follower = follower_open(&cfg, l->link, e);
    if (!l->follower)
        return -1;
    return follower_meta(l->follower)->seq == seq
               ? 0
               : err_set(e, "another process follows the chain into %s: end it", l->cfg.db);
}

static void note_counters(struct chain_line *l)
{
    const struct follower_counters *n = follower_counters(l->follower);
    (void)pthread_mutex_lock(&l->lock);
    l->n.blocks = n->blocks;
    l->n.reorgs = n->reorgs;
    l->n.audited = n->audited;
    l->n.audit_differences = n->differences;
    (void)pthread_mutex_unlock(&l->lock);
}

enum follower_result chain_states_step(struct chain_line *l)
{
    struct err e;
    enum follower_result r = follower_step(l->follower, &e);
    note_counters(l);
    if (r == FOLLOWER_FATAL)
        line_fail(l, "accounts: %.480s", e.msg);
    else if (r == FOLLOWER_RETRY && !line_stopping(l))
        complain(l, e.msg);
    // Pools are read at the head alone: on the way there nobody acts on them.
    else if (r == FOLLOWER_IDLE && chain_exits_tell(l, &follower_meta(l->follower)->at, &e) != 0 &&
             !line_stopping(l))
        complain(l, e.msg);
    return r;
}

void *chain_states_run(void *line)
{
    struct chain_line *l = line;
    unsigned pause = PAUSE_MS;
    (void)prctl(PR_SET_NAME, "states");
    while (!line_stopping(l)) {
        enum follower_result r = chain_states_step(l);
        if (r == FOLLOWER_FATAL)
            return NULL;
        if (r == FOLLOWER_IDLE)
            l->link->wait(l->link, WAIT_MS);
        if (r != FOLLOWER_RETRY) {
            pause = PAUSE_MS;
            continue;
        }
        pause_ms(pause);
        pause = 2 * pause < PAUSE_MOST_MS ? 2 * pause : PAUSE_MOST_MS;
    }
    return NULL;
}
