// SPDX-License-Identifier: Apache-2.0
// Facts about a capture file before it is replayed. Not for the hot path; any thread.
#ifndef TRIPLINE_FEED_CAPTURE_H
#define TRIPLINE_FEED_CAPTURE_H

#include <stdint.h>

#include "base/err.h"
#include "feed/feed.h"

// Counts the packets of a pcap or pcapng file by reading it once. 0, or -1 with *e set when it is no capture
// of Ethernet frames or breaks off.
int capture_count(const char *path, uint64_t *packets, struct err *e);

// What the frames of a capture with this link type (pcap_datalink) begin with. False: not one that is read
// here.
bool capture_link(int datalink, enum feed_link *out);

#endif
