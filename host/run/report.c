// SPDX-License-Identifier: Apache-2.0
#include "run/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exec/desk.h"
#include "exec/unworth.h"
#include "journal/journal.h"
#include "run/report_calls.h"

struct order_line {
    struct order_record order;
    uint8_t status; // enum order_status, 0 = no reply in the journal
    char reason[REASON_LEN];
    bool success; // MINED
    bool auction; // began one
    uint64_t block;
};

struct report {
    uint64_t count[256], bytes[256];
    struct order_line *order;
    size_t n, room;
    struct unworth *unworth; // as they come
    size_t n_unworth, unworth_room;
    struct report_calls calls;
    uint64_t torn;
    char *notes;
    size_t notes_len;
};

static const char *type_name(unsigned type)
{
    static const char *const names[] = {[J_HEADER] = "session starts",
                                        [J_MARKET] = "markets",
                                        [J_ACCOUNT] = "accounts",
                                        [J_FRAME] = "frames",
                                        [J_CLOCK] = "clock inputs",
                                        [J_READ] = "ports read",
                                        [J_IDLE] = "idle slices",
                                        [J_CONTROL] = "kill switch",
                                        [J_REPLY] = "venue replies",
                                        [J_COMMANDS] = "command batches",
                                        [J_EVENT] = "device events",
                                        [J_READY] = "ready orders",
                                        [J_ORDER] = "order decisions",
                                        [J_RESTORE] = "keys restored",
                                        [J_SPENT] = "value carried over",
                                        [J_POLICY] = "policy files",
                                        [J_NOTE] = "notes",
                                        [J_END] = "clean ends",
                                        [J_TOLD] = "prices told",
                                        [J_EXITS] = "ways out told",
                                        [J_UNWORTH] = "not worth it",
                                        [J_STAGE] = "stages entered",
                                        [J_STAGED] = "stages carried over",
                                        [J_AUCTION] = "auctions told",
                                        [J_BID] = "bids",
                                        [J_BUDGET] = "budgets carried over",
                                        [J_MARGIN_CALL] = "margin calls",
                                        [J_CALLED] = "calls carried over"};
    return type < sizeof names / sizeof *names && names[type] ? names[type] : "other";
}

static int add_order(struct report *r, const struct journal_record *rec, struct err *e)
{
    if (r->n == r->room) {
        size_t room = r->room ? 2 * r->room : 64;
        struct order_line *p = realloc(r->order, room * sizeof *p);
        if (!p)
            return err_set(e, "out of memory for %zu orders", room);
        r->order = p;
        r->room = room;
    }
    memset(&r->order[r->n], 0, sizeof *r->order);
    if (order_record_decode(rec->data, rec->len, &r->order[r->n].order) != 0)
        return err_set(e, "order record ending at byte %" PRIu64 " cannot be decoded", rec->lsn);
    r->n++;
    return 0;
}

static int add_reply(struct report *r, const struct journal_record *rec, struct err *e)
{
    static struct order_reply reply;
    if (reply_decode(rec->data, rec->len, &reply) != 0)
        return err_set(e, "reply record ending at byte %" PRIu64 " cannot be decoded", rec->lsn);
    for (size_t i = r->n; i-- > 0;) {
        struct order_line *l = &r->order[i];
        if (order_key_cmp(&l->order.key, &reply.key) == 0) {
            l->status = reply.status;
            l->auction = reply.n_note > 0;
            memcpy(l->reason, reply.reason, sizeof l->reason);
            if (reply.status == ORDER_MINED || reply.status == ORDER_UNDONE) {
                l->success = reply.mined.success;
                l->block = reply.mined.block;
            }
            break;
        }
    }
    return 0;
}

static int add_unworth(struct report *r, const struct journal_record *rec, struct err *e)
{
    if (r->n_unworth == r->unworth_room) {
        size_t room = r->unworth_room ? 2 * r->unworth_room : 64;
        struct unworth *p = realloc(r->unworth, room * sizeof *p);
        if (!p)
            return err_set(e, "out of memory for %zu accounts that are not worth it", room);
        r->unworth = p;
        r->unworth_room = room;
    }
    if (unworth_decode(rec->data, rec->len, &r->unworth[r->n_unworth]) != 0)
        return err_set(e, "the record ending at byte %" PRIu64 " that says why not cannot be decoded",
                       rec->lsn);
    r->n_unworth++;
    return 0;
}

static int add_note(struct report *r, const struct journal_record *rec, struct err *e)
{
    char *p = realloc(r->notes, r->notes_len + rec->len + 1);
    if (!p)
        return err_set(e, "out of memory for the notes");
    memcpy(p + r->notes_len, rec->data, rec->len);
    r->notes = p;
    r->notes_len += rec->len;
    r->notes[r->notes_len] = '\0';
    return 0;
}

static int take(struct report *r, const struct journal_record *rec, struct err *e)
{
    r->count[rec->type]++;
    r->bytes[rec->type] += rec->len;
    switch (rec->type) {
    case J_ORDER:
        return add_order(r, rec, e);
    case J_REPLY:
        return add_reply(r, rec, e);
    case J_UNWORTH:
        return add_unworth(r, rec, e);
    case J_MARGIN_CALL:
        return report_calls_add(&r->calls, rec, e);
    case J_NOTE:
        return add_note(r, rec, e);
    default:
        return 0;
    }
}

// What became of an order, in words.
static const char *outcome(const struct order_line *l, char *buf, size_t size)
{
    if (l->order.answer != DESK_SENT)
        return desk_answer_name((enum desk_answer)l->order.answer);
    if (l->status == 0)
        return "no reply";
    if (l->status != ORDER_MINED && l->status != ORDER_UNDONE)
        return order_status_name(l->status);
    (void)snprintf(buf, size, "%s in block %" PRIu64,
                   l->status == ORDER_UNDONE ? "on its way again, no longer"
                   : l->success              ? "mined"
                                             : "without effect",
                   l->block);
    return buf;
}

static double units(int64_t e8)
{
    return (double)e8 / 1e8;
}

// Each account's last reason, in the order in which they were given.
static void print_unworth(const struct report *r, FILE *out)
{
    if (r->n_unworth == 0)
        return;
    fprintf(out, "not worth it (each account's last reason)\n  %-10s %-14s %14s %12s %12s %12s %12s %14s\n",
            "account", "reason", "bonus", "fee", "premium", "slippage", "gas", "profit");
    for (size_t i = 0; i < r->n_unworth; i++) {
        const struct unworth *u = &r->unworth[i];
        bool last = true;
        for (size_t k = i + 1; k < r->n_unworth && last; k++)
            last = r->unworth[k].account != u->account;
        if (last)
            fprintf(out, "  %-10" PRIu32 " %-14s %14.2f %12.2f %12.2f %12.2f %12.2f %14.2f\n", u->account,
                    unworth_reason_name(u->reason), units(u->bonus), units(u->fee), units(u->premium),
                    units(u->slippage), units(u->gas), units(u->profit));
    }
}

// The slippage taken off an order's reward; "?" of a guess, as its book was not known.
static const char *slippage(const struct order_record *o, char *buf, size_t size)
{
    if (!o->has_slip)
        return "-";
    (void)snprintf(buf, size, "%.2f%s", units(o->slip_e8), o->slip_known ? "" : "?");
    return buf;
}

// What the figures are of: nobody is to take a plan for what came of it.
static void explain_orders(bool slips, bool auctions, FILE *out)
{
    if (slips)
        fputs(
            "  planned profit: reward less slippage, taker's fees in it, before the fixed cost of an order;\n"
            "  slippage: by levels of the feed's books and pools at that moment, ? by depth_unknown_ppm;\n"
            "  the paper venue settles at its marks, so its ledger has what an order brings before "
            "slippage\n",
            out);
    else
        fputs("  planned reward: by the prices at which the order left, before the costs of a sale and the "
              "fixed one;\n"
              "  of one sized by worth= the profit after its sale and gas\n",
              out);
    if (auctions)
        fputs("  an order that began an auction brings its incentive: what it names here; in journals from "
              "before, "
              "what is for who buys the lot\n",
              out);
}

static void print_orders(const struct report *r, FILE *out)
{
    bool slips = false, auctions = false;
    for (size_t i = 0; i < r->n; i++) {
        slips |= r->order[i].order.has_slip;
        auctions |= r->order[i].auction;
    }
    fprintf(out, "orders\n  %-24s %-6s %-6s %18s %s%16s  %s\n", "key", "size", "made", "value",
            slips ? "        slippage " : "", slips ? "planned profit" : "planned reward", "outcome");
    for (size_t i = 0; i < r->n; i++) {
        const struct order_line *l = &r->order[i];
        char key[64], text[64], slip[64];
        const char *end = outcome(l, text, sizeof text);
        order_key_format(&l->order.key, key, sizeof key);
        fprintf(out, "  %-24s %-6s %-6s %18.2f ", key, l->order.full ? "full" : "part",
                l->order.ready ? "ready" : "cold", units(l->order.value_e8));
        if (slips)
            fprintf(out, "%16s ", slippage(&l->order, slip, sizeof slip));
        fprintf(out, "%16.2f  %s%s%s%s\n", units(l->order.reward_e8), end, l->reason[0] ? ": " : "",
                l->reason, l->order.predicted ? " (on a predicted price)" : "");
    }
    if (r->n == 0)
        fputs("  none\n", out);
    else
        explain_orders(slips, auctions, out);
}

static void print(const struct report *r, FILE *out)
{
    fputs("records\n", out);
    for (unsigned t = 0; t < 256; t++)
        if (r->count[t])
            fprintf(out, "  %-16s %10" PRIu64 " %14" PRIu64 " bytes\n", type_name(t), r->count[t],
                    r->bytes[t]);
    if (r->torn)
        fprintf(out, "  torn tail: %" PRIu64 " bytes after the last whole record\n", r->torn);
    print_orders(r, out);
    print_unworth(r, out);
    report_calls_print(&r->calls, out);
    fputs("summary\n", out);
    fputs(r->notes_len ? r->notes : "  the run left none (it did not end cleanly)\n", out);
}

int report_journal(const char *path, FILE *out, struct err *e)
{
    struct journal_reader *reader;
    struct journal_record rec;
    struct report *r = calloc(1, sizeof *r);
    int rc;
    if (!r)
        return err_set(e, "out of memory for a report");
    if (journal_reader_open(path, &reader, e) != 0) {
        free(r);
        return -1;
    }
    while ((rc = journal_next(reader, &rec, e)) == 1)
        if (take(r, &rec, e) != 0) {
            rc = -1;
            break;
        }
    r->torn = journal_reader_torn(reader);
    journal_reader_close(reader);
    if (rc == 0)
        print(r, out);
    free(r->order);
    free(r->unworth);
    report_calls_free(&r->calls);
    free(r->notes);
    free(r);
    return rc;
}
