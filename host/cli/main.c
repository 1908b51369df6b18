// SPDX-License-Identifier: Apache-2.0
// The one binary. Only dispatches.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "device.h"

#ifndef TRIPLINE_VERSION
#define TRIPLINE_VERSION "unversioned"
#endif

const char cli_version[] = TRIPLINE_VERSION;

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
};

static const struct command commands[] = {
    {"run", cmd_run, "watch a capture or live ports, flag breached accounts, issue orders"},
    {"top", cmd_top, "show the lines of a running `run`"},
    {"replay", cmd_replay, "run a journal again and compare every command, event and order"},
    {"report", cmd_report, "show what a journal's run did"},
    {"decode", cmd_decode, "print the prices in a capture as CSV"},
    {"gen", cmd_gen, "write a synthetic capture (test tool)"},
    {"accounts", cmd_accounts, "import, generate and show margin accounts"},
    {"chain", cmd_chain, "read and follow the accounts of a lending pool on an EVM chain"},
    {"rule", cmd_rule, "list liquidation rules and measure their early-flag margins"},
    {"lab", cmd_lab, "laboratory of liquidation: maps, value at risk, cascades, forecasts"},
    {"bench", cmd_bench, "measure latency: replay a load, open loop, and say how long what took"},
    {"check", cmd_check, "run a command file on a device back end, or compare two"},
    {"venue", cmd_venue, "the paper venue: a process of its own that settles orders"},
};

static void usage(FILE *f)
{
    fputs("usage: tripline COMMAND [OPTIONS]\n\ncommands:\n", f);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].what);
    fputs("\n`tripline COMMAND --help` shows the options of a command.\n", f);
}

// What nobody can read has not been told: a full disk behind standard output is a failure of every command.
static int told(int rc)
{
    bool bad = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !bad)
        return rc;
    if (rc == 0)
        fprintf(stderr, "tripline: standard output: %s\n", strerror(errno));
    return rc ? rc : 1;
}

int main(int argc, char **argv)
{
    device_register(&device_ops_model);
    device_register(&device_ops_vector);
    device_register(&device_ops_sim);
    device_register(&device_ops_compare);
    device_register(&device_ops_fan);
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return told(0);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tripline %s\n", cli_version);
        return told(0);
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return told(commands[i].run(argc - 1, argv + 1));
    fprintf(stderr, "tripline: no command called %s\n", argv[1]);
    usage(stderr);
    return 2;
}
