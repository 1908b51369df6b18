// SPDX-License-Identifier: Apache-2.0
// tripline lab: the laboratory of liquidation. Only dispatches.
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/lab_auction.h"
#include "cli/lab_book.h"
#include "cli/lab_predict.h"
#include "cli/lab_run.h"
#include "cli/lab_sell.h"
#include "cli/lab_waterfall.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} VERBS[] = {
    {"map", lab_map, "what becomes liquidatable against price, of one coin or all together"},
    {"var", lab_var, "value at risk of bad debt over correlated price paths, or over history"},
    {"list", lab_list, "scenarios that are built in"},
    {"run", lab_run, "a scenario: prices, liquidations, depth, fund, losses; one page of HTML"},
    {"sell", lab_sell, "an amount sold over books and pools: parts, average price, slippage"},
    {"waterfall", lab_waterfall,
     "bankruptcies one after another: market, fund, deleveraging, others, deficit"},
    {"auction", lab_auction, "an auction of a file over time or price: bids, what a keeper earns, from when"},
    {"predict", cmd_lab_predict, "forecasts of breaches, judged on days they have not seen"},
};

static void usage(FILE *f)
{
    fputs("usage: tripline lab COMMAND [OPTIONS]\n\ncommands:\n", f);
    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++)
        fprintf(f, "  %-9s %s\n", VERBS[i].name, VERBS[i].what);
    fputs("\n`tripline lab COMMAND --help` shows the options of a command.\n"
          "Exit status: 0 done, 1 failed, 2 wrong usage.\n",
          f);
}

int cmd_lab(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
        usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++)
        if (strcmp(verb, VERBS[i].name) == 0)
            return VERBS[i].run(argc - 1, argv + 1);
    if (*verb)
        fprintf(stderr, "tripline lab: no command called %s\n", verb);
    usage(stderr);
    return 2;
}
