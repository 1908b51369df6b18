// SPDX-License-Identifier: Apache-2.0
// What commands that open a session have in common: settings, the policy file, the device's usual geometry.
#ifndef TRIPLINE_CLI_SESSION_OPTIONS_H
#define TRIPLINE_CLI_SESSION_OPTIONS_H

#include "device.h"
#include "run/config.h"

// --set KEY=VALUE. arg is cut at the '='. 0, or -1 with *e set.
int session_set(struct session_config *c, char *arg, struct err *e);

// --oracle FILE: reads it into *text (malloc'ed, also kept in *c; free it after session_begin) and tries it
// on the market. 0, or -1 with *e set: it cannot be read, or is wrong.
int session_policy(const char *path, const struct market *m, struct session_config *c, char **text,
                   struct err *e);

// Lanes, slots and assets where none were asked for: those of the device vector are larger than a card's.
void session_geometry(struct device_config *c);

#endif
