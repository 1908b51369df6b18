// SPDX-License-Identifier: Apache-2.0
#include "cli/card_options.h"

#include <stdio.h>
#include <string.h>

#include "cli/number.h"

enum { CLOCK_MAX_MHZ = 2000, LATENCY_MAX_NS = 1000000, JITTER_MAX_PCT = 1000, RING_MAX_LOG2 = 24 };

static bool number(const char *arg, uint64_t min, uint64_t max, unsigned *out)
{
    uint64_t v;
    if (number_parse(arg, min, max, &v))
        return false;
    *out = (unsigned)v;
    return true;
}

static bool latencies(const char *arg, struct device_card *card)
{
    char part[3][16], rest;
    return sscanf(arg, "%15[0-9],%15[0-9],%15[0-9]%c", part[0], part[1], part[2], &rest) == 3 &&
           number(part[0], 0, LATENCY_MAX_NS, &card->write_ns) &&
           number(part[1], 0, LATENCY_MAX_NS, &card->event_ns) &&
           number(part[2], 0, LATENCY_MAX_NS, &card->read_ns);
}

bool card_option(int opt, const char *arg, struct device_card *card)
{
    switch (opt) {
    case CARD_OPT_CLOCK:
        return number(arg, 1, CLOCK_MAX_MHZ, &card->clock_mhz);
    case CARD_OPT_PCIE:
        return latencies(arg, card);
    case CARD_OPT_JITTER:
        return number(arg, 0, JITTER_MAX_PCT, &card->jitter_pct);
    case CARD_OPT_RING:
        return number(arg, 1, RING_MAX_LOG2, &card->ring_log2);
    case CARD_OPT_WATCHDOG:
        return number(arg, 0, UINT32_MAX, &card->watchdog);
    case CARD_OPT_QUIET:
        card->quiet = true;
        return true;
    default:
        return false;
    }
}
