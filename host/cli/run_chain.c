// SPDX-License-Identifier: Apache-2.0
// `tripline run --chain`: the file, the line to the chain (run/chain_line.h), and what is said of it.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/chain_file.h"
#include "cli/run_inside.h"

enum { RUN_NOTE_LEN = 256 };

int run_chain_read(struct run *r, struct err *e)
{
    r->bad_file = true;
    r->file = calloc(1, sizeof *r->file);
    if (!r->file)
        return err_set(e, "out of memory for %s", r->o.chain);
    if (chain_file_read(r->o.chain, r->file, e) != 0)
        return -1;
    r->bad_file = false;
    return 0;
}

static void notice(void *ctx, const char *text)
{
    const struct run *r = ctx;
    if (!r->o.quiet)
        fprintf(stderr, "chain       %s\n", text);
}

static uint64_t durable(void *ctx)
{
    return journal_durable(ctx);
}

static bool killed(void *ctx)
{
    return kill_on(ctx);
}

int run_chain_open(struct run *r, struct err *e)
{
    struct chain_line_config c = r->file->line;
    char txlog[RUN_PATH_LEN];
    if (snprintf(txlog, sizeof txlog, "%s/transactions", r->o.dir) >= RUN_PATH_LEN)
        return err_set(e, "%s: path too long", r->o.dir);
    c.db = r->o.accounts;
    c.notice = notice;
    c.notice_ctx = r;
    c.stop = &run_stop;
    c.orders.txlog = r->file->txlog[0] ? r->file->txlog : txlog;
    c.orders.spin = r->o.spin;
    c.orders.durable = durable;
    c.orders.durable_ctx = r->journal;
    c.orders.killed = killed;
    c.orders.killed_ctx = r->kill;
    r->line = chain_line_open(&c, &r->book, e);
    if (!r->line)
        return -1;
    r->gateway = chain_line_gateway(r->line);
    return 0;
}

// Orders that were sent before this run are followed by the gateway, which knows them by its own log; until
// each has ended, nothing more is sent for its account.
// What the journal has without an outcome and the log of transactions does not know was never sent: said
// here.
int run_chain_resumed(struct run *r, struct err *e)
{
    struct chain_line_counters n;
    char note[RUN_NOTE_LEN];
    for (size_t i = 0; i < r->past.n_open; i++) {
        struct order_reply unsent = {.key = r->past.open[i],
                                     .status = ORDER_REFUSED,
                                     .reason = "not on its way when the next run began"};
        if (!chain_line_earlier(r->line, &unsent.key) && session_reply(r->session, &unsent, e) != 0)
            return -1;
    }
    chain_line_counters(r->line, &n);
    if (!r->resumed && n.earlier == 0)
        return 0;
    int len = snprintf(note, sizeof note, "resumed: %zu transactions on their way%s\n", n.earlier,
                       journal_cut(r->journal) ? "; a torn tail was cut" : "");
    if (!r->o.quiet)
        fprintf(stderr, "resumed     %s", note + strlen("resumed: "));
    (void)journal_put(r->journal, J_NOTE, note, (size_t)len); // a failure shows at the next look
    return 0;
}

void run_chain_tend(struct run *r)
{
    if (chain_line_failed(r->line, NULL) != 0)
        run_stop = 1;
}

bool run_chain_end(struct run *r, struct err *e)
{
    struct chain_line_counters n;
    chain_line_counters(r->line, &n);
    if (n.orders.flights && !r->o.quiet)
        fprintf(stderr,
                "chain       %zu transactions are not final yet; the next run with this --dir follows them\n",
                n.orders.flights);
    return chain_line_failed(r->line, e) == 0;
}

void run_chain_close(struct run *r)
{
    chain_line_close(r->line);
    if (r->file)
        chain_file_free(r->file);
    free(r->file);
}
