// SPDX-License-Identifier: Apache-2.0
// The EAL's command line, made from what the user wants. Once per process.
#ifndef TRIPLINE_FEED_DPDK_EAL_H
#define TRIPLINE_FEED_DPDK_EAL_H

#include "feed/dpdk/ports.h"

// *huge: whether hugepages are used. -1 with *e.
int eal_open(const struct ports_config *c, bool *huge, struct err *e);

#endif
