// SPDX-License-Identifier: Apache-2.0
// tripline lab predict: how good the forecasts of breaches are, on days they have not seen.
#include "cli/lab_predict.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/store.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/lab_page.h"
#include "cli/lab_predict_inside.h"
#include "cli/lab_predict_report.h"
#include "cli/number.h"
#include "cli/out_file.h"
#include "cli/session_options.h"
#include "cli/start_prices.h"

enum { USAGE = 2, GEN_PATHS = 4, MOST = 1000000 };

static const char *const KIND[GEN_PATHS] = {"crash", "trend", "calm", "gap"};

static const char HELP[] =
    "usage: tripline lab predict [--accounts DB | --generate N] [--capture FILE ...] [OPTIONS]\n"
    "\n"
    "Plays days without orders, forecasts for every account near the edge the chance that it breaches within "
    "a\n"
    "horizon, and holds the forecasts against what happened. The first days fit (how much of it, days held "
    "out "
    "among\n"
    "them say), the others are judged: calibration, Brier score and log loss beside the base rate of the "
    "days "
    "that\n"
    "fit, by kind of day too, and of each kind by a fit that has seen none of it. The judged days are played "
    "through a\n"
    "session with and without predict=1: how many of the accounts that breached had their order ready. What "
    "is "
    "told as\n"
    "KEY=VALUE is a setting of run.\n"
    "\n"
    "      --accounts DB     accounts and market, else\n"
    "      --generate N      N synthetic accounts (default 1000), on the first capture's prices or those of "
    "gen\n"
    "      --capture FILE    a day, repeatable; else days are generated (synthetic):\n"
    "      --days N          so many, by turns crash, trend, calm, gap (default 16), each of\n"
    "      --seconds S       so many seconds (default 60) at\n"
    "      --rate PPS        packets a second (default 200)\n"
    "      --train K         the first K days fit, the others are judged (default half)\n"
    "      --horizon S       of a forecast, seconds (default 10)\n"
    "      --every S         between two forecasts of one account (default 1)\n"
    "      --within PPM      an account is near with health up to this part of its gross exposure (default "
    "50000)\n"
    "      --no-fit          judge the settings as they are (--set), else the normal distribution\n"
    "      --device NAME     of the sessions: model, vector (default)\n"
    "      --set KEY=VALUE   a setting of the sessions, as of run\n"
    "      --seed N          of accounts and days (default 1)\n"
    "  -o, --output FILE     leave a page (HTML, self-contained); --force replaces a file that is there\n"
    "  -q, --quiet           no progress\n"
    "  -h, --help            this text\n"
    "\n"
    "Exit status: 0 done; 1 interrupted, cannot read, no forecast to judge; 2 wrong usage.\n";

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
    (void)sig;
    stop = 1;
}

// ---- options

static const struct option LONG[] = {{"accounts", required_argument, NULL, 'a'},
                                     {"generate", required_argument, NULL, 'g'},
                                     {"capture", required_argument, NULL, 'c'},
                                     {"days", required_argument, NULL, 'd'},
                                     {"seconds", required_argument, NULL, 't'},
                                     {"rate", required_argument, NULL, 'r'},
                                     {"train", required_argument, NULL, 'k'},
                                     {"horizon", required_argument, NULL, 'H'},
                                     {"every", required_argument, NULL, 'e'},
                                     {"within", required_argument, NULL, 'w'},
                                     {"seed", required_argument, NULL, 's'},
                                     {"no-fit", no_argument, NULL, 'n'},
                                     {"device", required_argument, NULL, 'D'},
                                     {"set", required_argument, NULL, 'S'},
                                     {"output", required_argument, NULL, 'o'},
                                     {"force", no_argument, NULL, 'f'},
                                     {"quiet", no_argument, NULL, 'q'},
                                     {"help", no_argument, NULL, 'h'},
                                     {NULL, 0, NULL, 0}};

static int number(const char *name, const char *text, uint64_t lo, uint64_t hi, uint64_t *out, struct err *e)
{
    if (number_parse(text, lo, hi, out) == 0)
        return 0;
    return err_set(e, "--%s %s: expected a whole number from %" PRIu64 " to %" PRIu64, name, text, lo, hi);
}

static int option_number(int c, const char *name, struct predict_options *o, struct err *e)
{
    switch (c) {
    case 'g':
        return number(name, optarg, 1, MOST, &o->generate, e);
    case 'd':
        return number(name, optarg, 2, PREDICT_DAYS_MAX, &o->days, e);
    case 't':
        return number(name, optarg, 1, MOST, &o->seconds, e);
    case 'r':
        return number(name, optarg, 1, GEN_RATE_MAX, &o->rate, e);
    case 'k':
        return number(name, optarg, 1, PREDICT_DAYS_MAX - 1, &o->train, e);
    case 'H':
        return number(name, optarg, 1, 86400, &o->horizon_s, e);
    case 'e':
        return number(name, optarg, 1, 86400, &o->every_s, e);
    case 'w':
        return number(name, optarg, 1, MOST, &o->within_ppm, e);
    default:
        return number(name, optarg, 0, UINT64_MAX, &o->seed, e);
    }
}

static int option(int c, const char *name, struct predict_options *o, struct err *e)
{
    switch (c) {
    case 'a':
        o->accounts = optarg;
        return 0;
    case 'c':
        if (o->captures == PREDICT_DAYS_MAX)
            return err_set(e, "--capture: at most %d days", PREDICT_DAYS_MAX);
        o->capture[o->captures++] = optarg;
        return 0;
    case 'n':
        o->fit = false;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    case 'o':
        o->page = optarg;
        return 0;
    case 'f':
        o->force = true;
        return 0;
    case 'D':
        o->backend = optarg;
        return strcmp(optarg, "model") == 0 || strcmp(optarg, "vector") == 0
                   ? 0
                   : err_set(e, "--device %s: model or vector", optarg);
    case 'S':
        return session_set(&o->config, optarg, e);
    default:
        return option_number(c, name, o, e);
    }
}

// 0, or -1 with *e set; 1: help was asked for.
static int parse(int argc, char **argv, struct predict_options *o, struct err *e)
{
    int c, which = 0;
    *o = (struct predict_options){.generate = 1000,
                                  .seed = 1,
                                  .days = 16,
                                  .seconds = 60,
                                  .rate = 200,
                                  .horizon_s = 10,
                                  .every_s = 1,
                                  .within_ppm = 50000,
                                  .backend = "vector",
                                  .fit = true};
    config_default(&o->config);
    while ((c = getopt_long(argc, argv, "o:qh", LONG, &which)) != -1) {
        if (c == 'h')
            return 1;
        if (c == '?')
            return err_set(e, "see tripline lab predict --help");
        if (option(c, c == 'q' || c == 'o' ? "" : LONG[which].name, o, e) != 0)
            return -1;
    }
    if (optind < argc)
        return err_set(e, "%s: no argument is expected", argv[optind]);
    if (o->captures)
        o->days = o->captures;
    if (o->train == 0)
        o->train = o->days / 2;
    if (o->days < 2 || o->train >= o->days)
        return err_set(e, "%" PRIu64 " days, of which %" PRIu64 " fit: at least one must be left to judge",
                       o->days, o->train);
    return 0;
}

// ---- accounts and days

static int load_book(const struct predict_options *o, struct book *b, struct err *e)
{
    struct start_prices from = {0};
    if (o->accounts)
        return store_load(o->accounts, b, e);
    if (o->captures && start_prices_capture(&from, o->capture[0], e) != 0)
        return -1;
    const struct gen_options g = {.seed = o->seed,
                                  .accounts = (uint32_t)o->generate,
                                  .prices = from.n ? from.price : NULL,
                                  .n_prices = from.n,
                                  .near_ppm = GEN_NEAR_PPM,
                                  .guard_ppm = GEN_GUARD_PPM};
    int rc = accounts_generate(&g, b, e);
    start_prices_free(&from);
    return rc;
}

// Two days of one seed would be one day with two ends: every day has its own.
static int load_day(const struct predict_options *o, size_t i, struct load *l, struct err *e)
{
    static const enum gen_path path[GEN_PATHS] = {GEN_CRASH, GEN_TREND, GEN_CALM, GEN_GAP};
    struct gen_config c;
    if (o->captures)
        return load_capture(o->capture[i], 0, l, e);
    gen_config_default(&c);
    c.seed = o->seed * PREDICT_DAYS_MAX + i;
    c.path = path[i % GEN_PATHS];
    c.rate_pps = (uint32_t)o->rate;
    c.packets = o->seconds * o->rate;
    return load_generated(&c, l, e);
}

static void progress(const struct predict_options *o, const char *what, uint64_t at)
{
    if (!o->quiet && isatty(STDERR_FILENO))
        fprintf(stderr, "\rlab predict: %s day %" PRIu64 " of %" PRIu64 " \033[K", what, at + 1, o->days);
}

// Days [from, to): what is forecast, and of those judged the sessions.
static int play_days(const struct predict_options *o, struct book *b, struct predict_report *r, size_t from,
                     size_t to, struct err *e)
{
    for (size_t i = from; i < to; i++) {
        struct load l;
        progress(o, i < o->train ? "fitting" : "judging", i);
        if (load_day(o, i, &l, e) != 0)
            return -1;
        struct predict_day *d = &r->day[r->n_days++];
        (void)snprintf(d->what, sizeof d->what, "%s", l.what);
        d->kind = o->captures ? "capture" : KIND[i % GEN_PATHS];
        int rc = predict_collect(o, b, &l, d, &stop, e);
        for (int p = 0; p < 2 && rc == 0 && i >= o->train; p++)
            rc = predict_session(o, p, b, &l, &r->orders[p][i], &stop, e);
        load_free(&l);
        if (rc != 0)
            return -1;
    }
    return 0;
}

// The fit sees the first days alone; the others are played when it stands.
static int play(struct predict_options *o, struct book *b, struct predict_report *r, struct err *e)
{
    if (b->n_accounts == 0)
        return err_set(e, "no accounts: see tripline accounts gen");
    if (play_days(o, b, r, 0, o->train, e) != 0)
        return -1;
    r->model = (struct fit_model){o->config.expect.fit, o->config.expect.outlook};
    if (o->fit && predict_fit(o, r, &stop, e) != 0)
        return -1;
    o->config.expect.fit = r->model.tail;
    o->config.expect.outlook = r->model.outlook;
    if (play_days(o, b, r, o->train, o->days, e) != 0)
        return -1;
    return predict_judge(o, r, &stop, e);
}

static int leave_page(const struct predict_options *o, const struct predict_report *report, struct err *e)
{
    struct lab_result r;
    lab_result_init(&r);
    (void)snprintf(r.title, sizeof r.title, "Forecasts of breaches");
    r.seed = o->seed;
    predict_result(report, &r);
    int rc = lab_page_save(o->page, o->force, &r, e);
    lab_result_free(&r);
    return rc;
}

// Before hours of days: may the page be left there?
static int check_page(const struct predict_options *o, struct err *e)
{
    if (!o->page)
        return 0;
    return out_file_check(o->page, o->force, &o->accounts, 1, e) ||
           out_file_check(o->page, o->force, o->capture, o->captures, e);
}

static int run(struct predict_options *o, struct err *e)
{
    struct book b = {0};
    static struct predict_report r;
    r = (struct predict_report){.train = o->train};
    clock_init();
    if (check_page(o, e) != 0 || load_book(o, &b, e) != 0)
        return -1;
    int rc = play(o, &b, &r, e);
    if (!o->quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    if (rc == 0)
        predict_print(o, &r, stdout);
    if (rc == 0 && o->page)
        rc = leave_page(o, &r, e);
    predict_report_free(&r);
    book_free(&b);
    return rc;
}

int cmd_lab_predict(int argc, char **argv)
{
    struct predict_options o;
    struct err e = {{0}};
    int rc = parse(argc, argv, &o, &e);
    if (rc == 1) {
        fputs(HELP, stdout);
        return 0;
    }
    if (rc != 0) {
        fprintf(stderr, "tripline lab predict: %s\n", e.msg);
        return USAGE;
    }
    stop = 0;
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    if (run(&o, &e) == 0)
        return 0;
    fprintf(stderr, "tripline lab predict: %s\n", e.msg);
    return 1;
}
