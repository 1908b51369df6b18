// SPDX-License-Identifier: Apache-2.0
// Options that say what surrounds a simulated card; `tripline run` and `tripline check` share them.
#ifndef TRIPLINE_CLI_CARD_OPTIONS_H
#define TRIPLINE_CLI_CARD_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "device.h"

enum {
    CARD_OPT_CLOCK = 512,
    CARD_OPT_PCIE,
    CARD_OPT_JITTER,
    CARD_OPT_RING,
    CARD_OPT_QUIET,
    CARD_OPT_WATCHDOG
};
// For a table of long options, and the lines of a --help text that go with them.
#define CARD_OPTIONS                                                                                         \
    {"clock", required_argument, NULL, CARD_OPT_CLOCK}, {"pcie", required_argument, NULL, CARD_OPT_PCIE},    \
        {"jitter", required_argument, NULL, CARD_OPT_JITTER},                                                \
        {"ring", required_argument, NULL, CARD_OPT_RING},                                                    \
        {"watchdog", required_argument, NULL, CARD_OPT_WATCHDOG},                                            \
    {                                                                                                        \
        "quiet-card", no_argument, NULL, CARD_OPT_QUIET                                                      \
    }
#define CARD_HELP                                                                                            \
    "  --clock MHZ        clock of the simulated card (default 250; assumed, not measured)\n"                \
    "  --pcie W,E,R       modelled PCIe latencies in ns: write to the card, event to the host, register "    \
    "read\n"                                                                                                 \
    "                     there and back (default 270,270,790, see docs/device.md; 0,0,0 for none)\n"        \
    "  --jitter P         each of them up to P percent longer, at random (default 0)\n"                      \
    "  --ring N           log2 of the event ring's records, 1 to 24 (default 12)\n"                          \
    "  --quiet-card       the card writes no status records\n"                                               \
    "  --watchdog CYCLES  the card warns when a command or an event has waited so long (default 0: never)\n"

// Takes one of the options above; false when its value makes no sense.
bool card_option(int opt, const char *arg, struct device_card *card);

#endif
