// SPDX-License-Identifier: Apache-2.0
// `tripline lab sell`: as a subcommand of cli.h, argv[0] being "sell".
#ifndef TRIPLINE_CLI_LAB_SELL_H
#define TRIPLINE_CLI_LAB_SELL_H

int lab_sell(int argc, char **argv);

#endif
