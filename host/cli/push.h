// SPDX-License-Identifier: Apache-2.0
// `tripline accounts push`: a client of the paper venue that sets accounts and instruments' parameters.
#ifndef TRIPLINE_CLI_PUSH_H
#define TRIPLINE_CLI_PUSH_H

int cmd_push(int argc, char **argv); // exit status: 0 done, 1 failed, 2 wrong usage

#endif
