// SPDX-License-Identifier: Apache-2.0
// tripline rule eval: one state of a protocol, judged.
#ifndef TRIPLINE_CLI_RULE_EVAL_H
#define TRIPLINE_CLI_RULE_EVAL_H

#include <stdbool.h>

// word[0..n-1] are what stands behind "eval" but for the options. The process's exit status.
int rule_eval(int n, char *const *word, bool json, bool example);

#endif
