// SPDX-License-Identifier: Apache-2.0
// Subcommands. Each parses its own options, prints complete help on --help (exit 0), a usage error on stderr
// (exit 2), and fails with 1. argv[0] is the subcommand's name. The main thread: getopt and the streams are
// the process's.
#ifndef TRIPLINE_CLI_CLI_H
#define TRIPLINE_CLI_CLI_H

extern const char cli_version[]; // of the commit, by its abbreviation

int cmd_accounts(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_chain(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_decode(int argc, char **argv);
int cmd_gen(int argc, char **argv);
int cmd_lab(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_rule(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_venue(int argc, char **argv);

#endif
