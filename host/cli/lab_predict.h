// SPDX-License-Identifier: Apache-2.0
// `tripline lab predict`: as a subcommand of cli.h, argv[0] being "predict".
#ifndef TRIPLINE_CLI_LAB_PREDICT_H
#define TRIPLINE_CLI_LAB_PREDICT_H

int cmd_lab_predict(int argc, char **argv);

#endif
