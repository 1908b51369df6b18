// SPDX-License-Identifier: Apache-2.0
// `tripline lab list` and `tripline lab run`. Exit status as every command's: cli.h.
#ifndef TRIPLINE_CLI_LAB_RUN_H
#define TRIPLINE_CLI_LAB_RUN_H

// argv[0] is the verb.
int lab_list(int argc, char **argv);
int lab_run(int argc, char **argv);

#endif
