// SPDX-License-Identifier: Apache-2.0
// tripline lab waterfall: plays the events of a file on host/econ and tells who paid what after each.
#include "cli/lab_waterfall.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/decimal.h"
#include "base/json_out.h"
#include "cli/waterfall_file.h"

static const char HELP[] =
    "usage: tripline lab waterfall FILE.json|- [--json]\n"
    "       tripline lab waterfall --example [VENUE]\n"
    "\n"
    "Plays bankruptcies one after another: what the market takes, the insurance fund, auto-deleveraging, "
    "the\n"
    "other accounts or depositors, and what stays as a deficit; who paid what, and that nothing was lost or\n"
    "made. FILE (- is standard input) has the venue, its fund, its accounts or pool, and the events\n"
    "(docs/econ/losses.md, \"tripline lab waterfall\").\n"
    "      --example           prints a file for this venue (default dydx): dydx drift mango bitmex\n"
    "                          hyperliquid aave morpho drift-deposits mango-deposits\n"
    "      --json              as JSON\n"
    "  -h, --help              this text\n"
    "Exit status: 0 done, 1 failed (a wrong file, an event that cannot be), 2 wrong usage.\n";
static const char WHO[] = "tripline lab waterfall";

enum { EXIT_USAGE = 2, OPT_JSON = 256, OPT_EXAMPLE, NUMBERS_MAX = 12 };

struct number {
    const char *name;
    i128 v;
};
struct numbers {
    struct number of[NUMBERS_MAX];
    unsigned n;
};

struct play {
    struct wf *w;
    const char *path;
    struct margin *before; // m.n accounts as they were before the event
    i128 price_before, index_before;
    i128 start, came;  // money at the start, and what came in since (< 0: went out)
    i128 written_off;  // of pools and deposits: bad debts, with what the fund paid of them
    i128 backing;      // WF_INDEX: what stands behind the deposits
    struct numbers is; // what the event did
    FILE *out;
    struct json_out j;
    bool json;
};

static void tell(struct numbers *n, const char *name, i128 v)
{
    n->of[n->n++] = (struct number){name, v};
}

static int wrong(const struct play *p, const struct wf_event *ev, const char *why, struct err *e)
{
    return err_set(e, "%.90s:%u: event %zu, %s: %s", p->path, ev->line, (size_t)(ev - p->w->event) + 1,
                   wf_do_name(ev->kind), why);
}

// ---- the state

static i128 sizes(const struct wf *w)
{
    i128 sum = 0;
    for (size_t i = 0; i < w->m.n; i++)
        sum += w->m.account[i].size;
    return sum;
}

static i128 money(const struct play *p)
{
    const struct wf *w = p->w;
    switch (w->venue->model) {
    case WF_PERP:
        return perp_market_money(&w->m);
    case WF_POOL:
        return w->m.fund.balance + w->pool.cash + w->pool.borrowed;
    default:
        return w->m.fund.balance + p->backing;
    }
}

static bool conserved(const struct play *p)
{
    const struct wf *w = p->w;
    const struct lend_pool *l = &w->pool;
    return money(p) == p->start + p->came - p->written_off && (w->venue->model != WF_PERP || sizes(w) == 0) &&
           l->cash + l->borrowed + l->deficit == l->supplied;
}

static void state(const struct play *p, struct numbers *n)
{
    const struct wf *w = p->w;
    tell(n, "fund", w->m.fund.balance);
    if (w->venue->model == WF_PERP) {
        tell(n, "deficit", w->m.deficit);
    } else if (w->venue->model == WF_POOL) {
        tell(n, "cash", w->pool.cash);
        tell(n, "borrowed", w->pool.borrowed);
        tell(n, "supplied", w->pool.supplied);
        tell(n, "deficit", w->pool.deficit);
    } else {
        tell(n, "index", w->index);
        tell(n, "claims", wf_claims(w));
        tell(n, "backing", p->backing);
    }
    tell(n, "money", money(p));
}

static bool liquidatable(const struct perp_market *m, const struct margin *a)
{
    i128 equity = margin_equity(a, m->price, m->per);
    return equity < margin_need(margin_value(a->size, m->price, m->per), m->maintenance_ppm) || equity < 0;
}

// ---- events

static int mark(struct play *p, const struct wf_event *ev, struct err *e)
{
    struct perp_market *m = &p->w->m;
    for (size_t i = 0; i < m->n; i++)
        if (!margin_fits(&m->account[i], ev->price, m->per))
            return wrong(p, ev, "a position is worth more than 2^61 at this price: give larger units", e);
    m->prior = m->price;
    m->price = ev->price;
    tell(&p->is, "price", m->price);
    tell(&p->is, "prior", m->prior);
    return 0;
}

static int bankrupt(struct play *p, const struct wf_event *ev, struct err *e)
{
    struct perp_market *m = &p->w->m;
    struct loss l;
    if (!liquidatable(m, &m->account[ev->who]))
        return wrong(p, ev,
                     "the account is not below its maintenance requirement: move the mark first, or leave "
                     "the event out",
                     e);
    if (waterfall_run(m, p->w->venue->steps, ev->who, p->w->offer + ev->first, ev->offers, ev->start, &l))
        return wrong(p, ev, "an amount, or the offers together, are above 2^61: give larger units", e);
    tell(&p->is, "sold", l.sold);
    tell(&p->is, "deleveraged", l.deleveraged);
    tell(&p->is, "adl_fills", l.adl_fills);
    tell(&p->is, "left", l.left);
    tell(&p->is, "fees", l.fees);
    tell(&p->is, "from_fund", l.from_fund);
    tell(&p->is, "from_others", l.from_others);
    tell(&p->is, "over", l.over);
    tell(&p->is, "booked", l.booked);
    return 0;
}

static int pay(struct play *p, const struct wf_event *ev, struct err *e)
{
    struct perp_market *m = &p->w->m;
    struct margin *a = &m->account[ev->who], after = *a;
    bool out = ev->kind == WF_WITHDRAW;
    after.cash += out ? -ev->amount : ev->amount;
    if (!margin_fits(&after, m->price, m->per))
        return wrong(p, ev, "the account would have more than 2^61: give larger units", e);
    if (out && ev->amount > 0 && liquidatable(m, &after))
        return wrong(p, ev, "would leave the account below its maintenance requirement: take less", e);
    *a = after;
    p->came += out ? -ev->amount : ev->amount;
    tell(&p->is, "paid", ev->amount);
    return 0;
}

static void fund_or_cover(struct play *p, const struct wf_event *ev)
{
    struct wf *w = p->w;
    i128 paid = ev->amount;
    if (ev->kind == WF_FUND_IN)
        fund_add(&w->m.fund, paid);
    else if (ev->kind == WF_FUND_OUT)
        paid = fund_withdraw(&w->m.fund, paid);
    else
        paid = w->venue->model == WF_POOL ? pool_cover(&w->pool, paid) : perp_market_cover(&w->m, paid);
    p->came += ev->kind == WF_FUND_OUT ? -paid : paid;
    tell(&p->is, "asked", ev->amount);
    tell(&p->is, "paid", paid);
}

static int bad_pool(struct play *p, const struct wf_event *ev, struct err *e)
{
    struct wf *w = p->w;
    if (ev->amount > w->pool.borrowed)
        return wrong(p, ev, "amount is more than is borrowed: give what the borrower owes", e);
    struct pool_result r = pool_bad_debt(&w->pool, &w->m.fund, ev->amount, w->venue->how);
    p->written_off += ev->amount;
    tell(&p->is, "bad", ev->amount);
    tell(&p->is, "from_fund", r.from_fund);
    tell(&p->is, "from_suppliers", r.from_suppliers);
    tell(&p->is, "booked", r.booked);
    return 0;
}

// The loss that the fund leaves lowers the index of all deposits.
static int bad_index(struct play *p, const struct wf_event *ev, struct err *e)
{
    enum { MANGO_BITS = 48 };
    struct wf *w = p->w;
    i128 claims = wf_claims(w), before = w->index;
    i128 left = ev->amount - fund_pays(&w->m.fund, ev->amount);
    if (left > claims)
        return wrong(p, ev, "more than the fund and the deposits hold: give a smaller amount", e);
    i128 paid = fund_draw(&w->m.fund, ev->amount);
    if (left > 0 && w->venue->mango)
        (void)socialise_mango_index(w->index, left << MANGO_BITS, sizes(w) << MANGO_BITS, &w->index);
    else if (left > 0)
        w->index -= socialise_drift_index(w->index, left, claims, w->capped);
    p->backing -= left;
    p->written_off += ev->amount;
    tell(&p->is, "bad", ev->amount);
    tell(&p->is, "from_fund", paid);
    tell(&p->is, "from_depositors", claims - wf_claims(w));
    tell(&p->is, "index_fall", before - w->index);
    return 0;
}

static int play_event(struct play *p, const struct wf_event *ev, struct err *e)
{
    struct perp_market *m = &p->w->m;
    switch (ev->kind) {
    case WF_MARK:
        return mark(p, ev, e);
    case WF_TRADE:
        tell(&p->is, "size", ev->amount);
        tell(&p->is, "price", ev->price);
        return perp_market_trade(m, ev->who, ev->other, ev->amount, ev->price)
                   ? 0
                   : wrong(p, ev, "is worth more than 2^61: give larger units", e);
    case WF_FUNDING:
        tell(&p->is, "rate", ev->amount);
        return perp_market_funding(m, ev->amount)
                   ? 0
                   : wrong(p, ev, "rate: a payment is above 2^61: give a smaller one", e);
    case WF_BANKRUPT:
        return bankrupt(p, ev, e);
    case WF_DEPOSIT:
    case WF_WITHDRAW:
        return pay(p, ev, e);
    case WF_BAD_DEBT:
        return p->w->venue->model == WF_POOL ? bad_pool(p, ev, e) : bad_index(p, ev, e);
    default:
        fund_or_cover(p, ev);
        return 0;
    }
}

// ---- telling

static const char *text(i128 v, char buf[DEC_TEXT_MAX])
{
    (void)int_format(v, buf);
    return buf;
}

// Numbers above 2^53 as text: readers of JSON would round them.
static void whole(struct json_out *j, const char *name, i128 v)
{
    char buf[DEC_TEXT_MAX];
    if (v >= INT64_MIN && v <= INT64_MAX)
        json_signed(j, name, (int64_t)v);
    else
        json_text(j, name, text(v, buf));
}

static void print_numbers(struct play *p, const struct numbers *n)
{
    char buf[DEC_TEXT_MAX];
    for (unsigned i = 0; i < n->n; i++)
        if (p->json)
            whole(&p->j, n->of[i].name, n->of[i].v);
        else
            fprintf(p->out, "%s%s %s", i ? ", " : "", n->of[i].name, text(n->of[i].v, buf));
}

// What an account has, in one moment.
static void account_numbers(const struct wf *w, const struct margin *a, i128 price, i128 index,
                            struct numbers *n)
{
    if (w->venue->model == WF_PERP) {
        tell(n, "size", a->size);
        tell(n, "cash", a->cash);
        tell(n, "equity", margin_equity(a, price, w->m.per));
    } else {
        tell(n, "scaled", a->size);
        tell(n, "tokens", econ_part_floor(a->size, index, w->unit));
    }
}

static void print_account(struct play *p, size_t i, bool with_before)
{
    struct wf *w = p->w;
    struct numbers was = {.n = 0}, is = {.n = 0};
    char a[DEC_TEXT_MAX], b[DEC_TEXT_MAX];
    account_numbers(w, &p->before[i], p->price_before, p->index_before, &was);
    account_numbers(w, &w->m.account[i], w->m.price, w->index, &is);
    if (!p->json) {
        fprintf(p->out, "        %-16s", w->name[i]);
        for (unsigned k = 0; k < is.n; k++)
            if (with_before && was.of[k].v != is.of[k].v)
                fprintf(p->out, "  %s %s -> %s", is.of[k].name, text(was.of[k].v, a), text(is.of[k].v, b));
            else
                fprintf(p->out, "  %s %s", is.of[k].name, text(is.of[k].v, b));
        fputc('\n', p->out);
        return;
    }
    json_open(&p->j, NULL, '{');
    json_text(&p->j, "name", w->name[i]);
    if (with_before) {
        json_open(&p->j, "before", '{');
        print_numbers(p, &was);
        json_close(&p->j, '}');
    }
    print_numbers(p, &is);
    json_close(&p->j, '}');
}

// Who has something else than before; at a new mark, which moves everybody: who may be liquidated.
static bool shown(const struct play *p, const struct wf_event *ev, size_t i)
{
    const struct perp_market *m = &p->w->m;
    const struct margin *a = &m->account[i], *b = &p->before[i];
    if (ev->kind == WF_MARK)
        return liquidatable(m, a);
    return a->cash != b->cash || a->size != b->size || p->index_before != p->w->index;
}

static void print_event(struct play *p, const struct wf_event *ev, size_t at)
{
    const struct wf *w = p->w;
    struct numbers n = {.n = 0};
    state(p, &n);
    if (p->json) {
        json_open(&p->j, NULL, '{');
        json_whole(&p->j, "event", at + 1);
        json_text(&p->j, "do", wf_do_name(ev->kind));
        json_open(&p->j, "is", '{');
        print_numbers(p, &p->is);
        json_close(&p->j, '}');
        json_open(&p->j, "state", '{');
        print_numbers(p, &n);
        json_close(&p->j, '}');
        json_open(&p->j, "accounts", '[');
    } else {
        bool of_one = ev->kind == WF_BANKRUPT || ev->kind == WF_DEPOSIT || ev->kind == WF_WITHDRAW;
        fprintf(p->out, "%5zu  %s %s%s", at + 1, wf_do_name(ev->kind), of_one ? w->name[ev->who] : "",
                of_one ? ": " : "");
        print_numbers(p, &p->is);
        fputs("\n        now: ", p->out);
        print_numbers(p, &n);
        fputc('\n', p->out);
    }
    for (size_t i = 0; i < w->m.n; i++)
        if (shown(p, ev, i))
            print_account(p, i, true);
    if (p->json) {
        json_close(&p->j, ']');
        json_close(&p->j, '}');
    }
}

static void print_begin(struct play *p)
{
    struct numbers n = {.n = 0};
    state(p, &n);
    if (p->json) {
        json_out_begin(&p->j, p->out);
        json_open(&p->j, NULL, '{');
        json_text(&p->j, "venue", p->w->venue->name);
        json_open(&p->j, "start", '{');
        print_numbers(p, &n);
        json_close(&p->j, '}');
        json_open(&p->j, "events", '[');
        return;
    }
    fprintf(p->out, "%s: ", p->w->venue->name);
    print_numbers(p, &n);
    fputc('\n', p->out);
}

static int print_end(struct play *p, struct err *e)
{
    struct numbers n = {.n = 0};
    state(p, &n);
    tell(&n, "start", p->start);
    tell(&n, "came_in", p->came);
    if (p->w->venue->model != WF_PERP)
        tell(&n, "written_off", p->written_off);
    if (!p->json)
        fputs("  end  ", p->out);
    else
        json_close(&p->j, ']');
    if (p->json)
        json_open(&p->j, "end", '{');
    print_numbers(p, &n);
    if (p->json) {
        json_close(&p->j, '}');
        json_open(&p->j, "accounts", '[');
    } else {
        fputs(": conserved\n", p->out);
    }
    for (size_t i = 0; i < p->w->m.n; i++)
        print_account(p, i, false);
    if (!p->json)
        return 0;
    json_close(&p->j, ']');
    json_bool(&p->j, "conserved", true);
    json_close(&p->j, '}');
    int rc = json_out_end(&p->j, e);
    fputc('\n', p->out);
    return rc;
}

static int play_all(struct play *p, struct err *e)
{
    struct wf *w = p->w;
    if (w->venue->model == WF_INDEX)
        p->backing = wf_claims(w);
    p->start = money(p);
    print_begin(p);
    for (size_t i = 0; i < w->events; i++) {
        const struct wf_event *ev = &w->event[i];
        if (w->m.n)
            memcpy(p->before, w->m.account, w->m.n * sizeof *p->before);
        p->price_before = w->m.price;
        p->index_before = w->index;
        p->is.n = 0;
        if (play_event(p, ev, e))
            return -1;
        if (!conserved(p))
            return wrong(p, ev, "money or sizes are not conserved: a fault of this program, report it", e);
        print_event(p, ev, i);
    }
    return print_end(p, e);
}

// The whole answer or none: it is written when every event was played.
static int run(const char *path, bool json, struct err *e)
{
    struct wf w;
    char *buf = NULL;
    size_t len = 0;
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rbe");
    if (!f)
        return err_set(e, "%s: %s", path, strerror(errno));
    path = standard ? "stdin" : path;
    int rc = wf_read(&w, f, path, e);
    if (!standard)
        (void)fclose(f);
    if (rc)
        return rc;
    struct play p = {.w = &w, .path = path, .json = json, .out = open_memstream(&buf, &len)};
    p.before = calloc(w.m.n + 1, sizeof *p.before);
    rc = p.out && p.before ? play_all(&p, e) : err_set(e, "out of memory");
    if (p.out && fclose(p.out) != 0 && rc == 0)
        rc = err_set(e, "out of memory");
    if (rc == 0 && (fwrite(buf, 1, len, stdout) != len || fflush(stdout)))
        rc = err_set(e, "the answer cannot be written: %s", strerror(errno));
    free(buf);
    free(p.before);
    wf_free(&w);
    return rc;
}

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "%s: %s%s; `%s --help` shows the usage\n", WHO, why, what, WHO);
    return EXIT_USAGE;
}

static int example(const char *name)
{
    const struct wf_venue *v = wf_venue_find(name);
    if (!v)
        return usage("no such venue: ", name);
    wf_example(v, stdout);
    return 0; // main() looks whether it could be written
}

int lab_waterfall(int argc, char **argv)
{
    static const struct option longs[] = {{"json", no_argument, NULL, OPT_JSON},
                                          {"example", no_argument, NULL, OPT_EXAMPLE},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    bool json = false, show = false;
    struct err e;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == 'h')
            return fputs(HELP, stdout) < 0;
        if (c != OPT_JSON && c != OPT_EXAMPLE)
            return usage("wrong option", "");
        json |= c == OPT_JSON;
        show |= c == OPT_EXAMPLE;
    }
    const char *word = optind < argc ? argv[optind++] : NULL;
    if (optind < argc)
        return usage("unknown word: ", argv[optind]);
    if (show)
        return json ? usage("--example is a file already, without --json", "")
                    : example(word ? word : "dydx");
    if (!word)
        return usage("a file is needed, or - for standard input", "");
    if (run(word, json, &e) == 0)
        return 0;
    fprintf(stderr, "%s: %s\n", WHO, e.msg);
    return 1;
}
