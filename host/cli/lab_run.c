// SPDX-License-Identifier: Apache-2.0
#include "cli/lab_run.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "cli/lab_capture.h"
#include "cli/lab_page.h"
#include "cli/lab_run_risk.h"
#include "cli/number.h"
#include "cli/out_file.h"
#include "cli/progress.h"
#include "lab/cascade.h"

enum { EXIT_USAGE = 2 };
static const char WHO[] = "tripline lab run";

static const char HELP[] =
    "usage: tripline lab run SCENARIO.yaml|NAME [OPTIONS]\n\n"
    "A cascade on exact accounts: prices fall, accounts breach, liquidations sell into the depth, prices "
    "fall\n"
    "further; fund, auto-deleveraging and losses behind it. Prints what happened. NAME is one of `tripline "
    "lab\n"
    "list`. Synthetic: no figure is a measurement. The file's keys: docs/lab/scenarios.md\n"
    "  -o, --output FILE  write a page (HTML, self-contained)\n"
    "      --json FILE    write the same as JSON\n"
    "  -s, --seed S       in place of the scenario's\n"
    "      --force        replace files that are there\n"
    "      --no-plain     leave out the second run, without feedback\n"
    "  -q, --quiet        print nothing but errors\n"
    "      --progress     tell how far it is where standard error is no terminal too\n"
    "  -h, --help         this text\n"
    "Exit status: 0 done, 1 failed or interrupted, 2 wrong usage.\n";

struct options {
    const char *page, *json, *scenario;
    uint64_t seed;
    bool seeded, force, quiet, plain, progress;
};

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "%s: %s%s; `%s --help` shows the usage\n", WHO, why, what, WHO);
    return EXIT_USAGE;
}

int lab_list(int argc, char **argv)
{
    const char *text;
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return fputs("usage: tripline lab list\n\nThe scenarios that are built in: name and title. `tripline "
                     "lab run "
                     "NAME` runs one.\n",
                     stdout) < 0;
    if (argc > 1) {
        fprintf(stderr, "tripline lab list: too many words: %s; `tripline lab --help` shows the usage\n",
                argv[1]);
        return EXIT_USAGE;
    }
    for (size_t i = 0; scenario_builtin(i, &text); i++) {
        struct lab_scenario s;
        struct err e;
        if (scenario_read(scenario_builtin(i, &text), &s, &e) != 0) {
            fprintf(stderr, "tripline lab list: %s\n", e.msg);
            return 1;
        }
        printf("%-12s %s\n", s.name, s.title);
        scenario_free(&s);
    }
    return 0;
}

// A run, and its book, to be closed together.
struct run {
    struct lab_scenario *s;
    struct book book;
    struct cascade *c;
};

static void run_close(struct run *r)
{
    cascade_close(r->c);
    book_free(&r->book);
}

static int run_one(struct run *r, const struct progress *p, struct err *e)
{
    int64_t start[MARKET_ASSETS_MAX];
    if (cascade_book_make(r->s, &r->book, start, e) != 0)
        return -1;
    r->c = cascade_open(r->s, &r->book, start, e);
    return r->c ? cascade_run(r->c, p, e) : -1;
}

static void print_facts(const struct lab_result *r)
{
    printf("%s, seed %llu\n", r->title, r->seed);
    for (size_t i = 0; i < r->n_facts; i++)
        printf("  %-32s %-20s %s\n", r->fact[i].name, r->fact[i].value, r->fact[i].note);
}

// The files that a scenario reads are none to write to; nor are page and JSON the same.
static int check_files(const struct options *o, const struct lab_scenario *s, struct err *e)
{
    const char *input[3 + 2 * SCENARIO_COINS_MAX] = {o->scenario, s->store, o->json};
    const size_t n = sizeof input / sizeof *input;
    for (unsigned i = 0; i < s->n_coins; i++) {
        input[3 + 2 * i] = s->coin[i].path.file;
        input[4 + 2 * i] = s->coin[i].book_file;
    }
    if (o->page && o->json && strcmp(o->page, o->json) == 0)
        return err_set(e, "%.200s for page and JSON: give two names", o->page);
    if (o->page && out_file_check(o->page, o->force, input, n, e) != 0)
        return -1;
    input[2] = NULL;
    return o->json ? out_file_check(o->json, o->force, input, n, e) : 0;
}

static int tell(const struct options *o, const struct run *run, const struct progress *p,
                struct lab_result *r, struct err *e)
{
    if (r->failed)
        return err_set(e, "out of memory for the result");
    if (!o->quiet)
        print_facts(r);
    if ((o->page || o->json) && lab_run_risk(run->s, cascade_steps(run->c), p, r, e) != 0)
        return -1;
    if (o->page && lab_page_save(o->page, o->force, r, e) != 0)
        return -1;
    return o->json ? lab_json_save(o->json, o->force, r, e) : 0;
}

static int run_scenario(const struct options *o, struct lab_scenario *s, const struct progress *p,
                        struct err *e)
{
    struct lab_scenario endless = *s, later = *s; // share the paths; not freed
    struct run with = {.s = s}, plain = {.s = &endless}, without = {.s = &later};
    struct lab_result r;
    lab_result_init(&r);
    for (unsigned k = 0; k < s->n_coins; k++) {
        endless.coin[k].depth.n = 0;
        endless.coin[k].depth.pool = 0;
    }
    endless.reduce_chance_ppm = later.reduce_chance_ppm = 0;
    int rc = run_one(&with, p, e);
    if (rc == 0 && o->plain)
        rc = run_one(&plain, p, e);
    if (rc == 0 && o->plain && s->reduce_chance_ppm)
        rc = run_one(&without, p, e);
    if (rc == 0) {
        (void)snprintf(r.title, sizeof r.title, "%s", s->title);
        (void)snprintf(r.scenario, sizeof r.scenario, "%s", s->name);
        (void)snprintf(r.note, sizeof r.note, "%s", s->note);
        lab_source(&r, s->source);
        r.seed = s->seed;
        cascade_result(with.c, plain.c, &r);
        if (s->reduce_chance_ppm)
            reduce_result(with.c, without.c, &r);
        auction_result(s, &r);
        struct err why;
        rc = tell(o, &with, p, &r, e);
        if (rc == 0 && !cascade_conserved(with.c, &why))
            rc = err_set(e, "%s: please report it with the scenario", why.msg);
    }
    run_close(&with);
    run_close(&plain);
    run_close(&without);
    lab_result_free(&r);
    return rc;
}

static int parse(int argc, char **argv, struct options *o)
{
    enum { JSON = 256, FORCE, NO_PLAIN, PROGRESS };
    static const struct option longs[] = {
        {"output", required_argument, NULL, 'o'},
        {"json", required_argument, NULL, JSON},
        {"seed", required_argument, NULL, 's'},
        {"force", no_argument, NULL, FORCE},
        {"no-plain", no_argument, NULL, NO_PLAIN},
        {"quiet", no_argument, NULL, 'q'},
        {"progress", no_argument, NULL, PROGRESS},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "o:s:qh", longs, NULL)) != -1) {
        if (c == 'o')
            o->page = optarg;
        else if (c == JSON)
            o->json = optarg;
        else if (c == 's' && number_parse(optarg, 0, UINT64_MAX, &o->seed) == 0)
            o->seeded = true;
        else if (c == 's')
            return usage("--seed: a whole number from 0 to 2^64 - 1 is wanted, not ", optarg);
        else if (c == FORCE)
            o->force = true;
        else if (c == NO_PLAIN)
            o->plain = false;
        else if (c == 'q')
            o->quiet = true;
        else if (c == PROGRESS)
            o->progress = true;
        else if (c == 'h')
            return fputs(HELP, stdout) < 0 ? 1 : -1;
        else
            return usage("wrong option", "");
    }
    if (argc - optind != 1)
        return usage(argc > optind ? "one scenario, not " : "a scenario is needed",
                     argc > optind ? "several" : "");
    o->scenario = argv[optind];
    return 0;
}

int lab_run(int argc, char **argv)
{
    struct options o = {.plain = true};
    struct lab_scenario s;
    struct cli_progress p;
    struct err e;
    int rc = parse(argc, argv, &o);
    if (rc != 0)
        return rc < 0 ? 0 : rc;
    rc = scenario_read(o.scenario, &s, &e);
    if (rc == 0) {
        if (o.seeded)
            s.seed = o.seed;
        rc = check_files(&o, &s, &e);
        if (rc == 0)
            rc = scenario_paths(&s, &e);
        if (rc == 0)
            rc = lab_capture_fill(&s, &e);
        cli_progress_begin(&p, "lab run", o.progress, NULL);
        if (rc == 0)
            rc = run_scenario(&o, &s, &p.to, &e);
        cli_progress_end(&p);
        scenario_free(&s);
    }
    if (rc != 0)
        fprintf(stderr, "%s: %s\n", WHO, e.msg);
    return rc ? 1 : 0;
}
