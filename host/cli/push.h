// SPDX-License-Identifier: Apache-2.0
// `tripline accounts push`: an owner's client of the paper venue.
#ifndef TRIPLINE_CLI_PUSH_H
#define TRIPLINE_CLI_PUSH_H

int cmd_push(int argc, char **argv); // exit status: 0 done, 1 failed, 2 wrong usage

#endif
