// SPDX-License-Identifier: Apache-2.0
// `tripline run` on the paper venue: starts it, looks up what an earlier run left open (P6), fetches
// accounts.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "cli/run_inside.h"
#include "exec/paper/paper.h"
#include "exec/paper/venue_dynamic.h"

enum { VENUE_READY_MS = 10000, NOTE_LEN = 256, ORDER_WAIT_MS = 1000 };

// What the venue would refuse at its start, said once and at once: its process is started again when it ends.
static int check_dynamic(const struct run *r, struct err *e)
{
    struct dynamic_spec spec;
    static struct dynamic_follow follow; // holds windows, large for the stack
    for (size_t i = 0; i + 1 < r->o.n_venue_args; i++)
        if (strcmp(r->o.venue_args[i], "--dynamic") == 0 &&
            (dynamic_spec_parse(r->o.venue_args[i + 1], &spec, e) != 0 ||
             dynamic_follow(&follow, &spec, &r->book.market, NULL, e) != 0))
            return -1;
    return 0;
}

static int start_venue(struct run *r, struct err *e)
{
    char *argv[32] = {"/proc/self/exe", "venue", "--socket", r->socket, "--state", r->venue_db, "--accounts"};
    size_t n = 7;
    if (r->o.venue)
        return 0;
    if (check_dynamic(r, e) != 0)
        return -1;
    argv[n++] = (char *)(uintptr_t)r->o.accounts; // execv's prototype, not its behaviour, wants it writable
    for (size_t i = 0; i < r->o.n_venue_args; i++)
        argv[n++] = (char *)(uintptr_t)r->o.venue_args[i];
    r->venue = venue_spawn(argv, r->socket, VENUE_READY_MS, e);
    return r->venue ? 0 : -1;
}

// What the run is set to has to be what the venue does, however that was started.
static int agree(struct run *r, struct err *e)
{
    enum { AUCTIONS_FOLLOWED = 4096 };
    uint32_t *most = &r->o.config.bids.max;
    uint8_t does;
    if (gateway_greeting(r->socket, VENUE_READY_MS, &does, &r->o.config.desk.kick, e) != 0)
        return -1;
    if (!r->o.auctions_given && (does & VENUE_AUCTIONS))
        *most = AUCTIONS_FOLLOWED;
    if (*most && !(does & VENUE_AUCTIONS))
        return err_set(e,
                       "auctions=%" PRIu32
                       ": the venue at %s sells nothing by auction: give it --auctions SPEC"
                       " (tripline run --venue-auctions SPEC), or leave auctions out",
                       *most, r->socket);
    if (r->o.lockstep && (does & VENUE_BESIDE))
        return err_set(e,
                       "the venue at %s tells of states, parameters or auctions by its own clock, so a run in"
                       " lockstep would not repeat: add --no-lockstep",
                       r->socket);
    return 0;
}

static int on_outcome(void *ctx, const struct order_reply *reply)
{
    struct run *r = ctx;
    r->looked_up[reply->status < 4 ? reply->status : 0]++;
    r->outcome[r->n_outcomes++] = *reply;
    return 0;
}

// The venue's parameters count, also where the store has others. Called again when they change on the way.
static int on_market(void *ctx, const struct market *m)
{
    struct run *r = ctx;
    if (market_follows(&r->book.market, m, &r->bad_market) != 0) {
        r->other_market = true;
        return -1;
    }
    r->book.market = *m;
    r->n_states = 0;
    return 0;
}

static int on_state(void *ctx, const struct account *a)
{
    struct run *r = ctx;
    size_t i = book_find(&r->book, a->id);
    size_t n = r->book.n_accounts;
    // Came while a run before this was under way. Another store's accounts are not taken for that.
    if (i == SIZE_MAX && r->resumed && r->n_store == r->past.first_accounts &&
        a->id > book_id(&r->book, n - 1) && book_append(&r->book, a, NULL) == 0) {
        r->n_states++;
        return 0;
    }
    if (i == SIZE_MAX)
        r->stranger = a->id;
    if (i == SIZE_MAX || book_put(&r->book, i, a, NULL) != 0)
        return -1;
    r->n_states++;
    return 0;
}

// P6: nothing goes out before every order that may have reached the venue has a known outcome.
static int reconcile(struct run *r, struct err *e)
{
    r->outcome = calloc(r->past.n_open + 1, sizeof *r->outcome);
    if (!r->outcome)
        return err_set(e, "out of memory for %zu outcomes", r->past.n_open);
    if (r->past.n_open &&
        gateway_recover(r->socket, r->past.open, r->past.n_open, VENUE_READY_MS, on_outcome, r, e))
        return -1;
    r->n_store = r->book.n_accounts;
    const struct gateway_states_to to = {on_market, on_state, r};
    int rc = gateway_states(r->socket, VENUE_READY_MS, &to, &r->told, e);
    if (r->other_market)
        return err_set(e,
                       "the venue's market is not that of %s: %.200s: use the store that its state was made"
                       " from, or another --dir",
                       r->o.accounts, r->bad_market.msg);
    if (r->stranger || (rc == 0 && r->n_states != r->book.n_accounts))
        return err_set(e,
                       "the venue's accounts are not those of %s (%s %" PRIu32
                       "): use the store that its state was made from, or another --dir",
                       r->o.accounts, r->stranger ? "it also has account" : "it has only",
                       r->stranger ? r->stranger : (uint32_t)r->n_states);
    if (rc != 0)
        return -1;
    if (r->resumed && !r->o.quiet)
        fprintf(stderr,
                "resumed     %zu open orders looked up: %" PRIu64 " filled, %" PRIu64 " refused, %" PRIu64
                " never arrived%s\n",
                r->past.n_open, r->looked_up[ORDER_FILLED], r->looked_up[ORDER_REFUSED],
                r->looked_up[ORDER_UNKNOWN], journal_cut(r->journal) ? "; a torn tail was cut" : "");
    return 0;
}

int run_venue_open(struct run *r, struct err *e)
{
    return start_venue(r, e) != 0 || agree(r, e) != 0 || reconcile(r, e) != 0 ? -1 : 0;
}

static uint64_t durable(void *ctx)
{
    return journal_durable(ctx);
}

int run_venue_gateway(struct run *r, struct err *e)
{
    // A capture in lockstep waits for the venue, so its prices do not get older meanwhile.
    const struct gateway_paper_config gc = {.socket = r->socket,
                                            .durable = durable,
                                            .durable_ctx = r->journal,
                                            .max_wait_ms = r->o.lockstep ? 0 : ORDER_WAIT_MS,
                                            .in_order = r->o.lockstep,
                                            .spin = r->o.spin,
                                            .told_from = r->told};
    r->gateway = gateway_paper_open(&gc, e);
    return r->gateway ? 0 : -1;
}

int run_venue_outcomes(struct run *r, struct err *e)
{
    // For the record: what was looked up is known from now on. The accounts' states have come already.
    for (size_t i = 0; i < r->n_outcomes; i++)
        if (session_reply(r->session, &r->outcome[i], e) != 0)
            return -1;
    if (r->resumed) {
        char note[NOTE_LEN];
        int n = snprintf(note, sizeof note,
                         "resumed: %zu open orders looked up, %" PRIu64 " filled, %" PRIu64
                         " refused, %" PRIu64 " never arrived (fenced)\n",
                         r->past.n_open, r->looked_up[ORDER_FILLED], r->looked_up[ORDER_REFUSED],
                         r->looked_up[ORDER_UNKNOWN]);
        (void)journal_put(r->journal, J_NOTE, note, (size_t)n); // a failure shows at the next look
    }
    return 0;
}

void run_venue_close(struct run *r)
{
    if (r->venue)
        venue_close(r->venue);
    free(r->outcome);
}
