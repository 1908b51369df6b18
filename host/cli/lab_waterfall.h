// SPDX-License-Identifier: Apache-2.0
// `tripline lab waterfall`: as a subcommand of cli.h, argv[0] being "waterfall".
#ifndef TRIPLINE_CLI_LAB_WATERFALL_H
#define TRIPLINE_CLI_LAB_WATERFALL_H

int lab_waterfall(int argc, char **argv);

#endif
