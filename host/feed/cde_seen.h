// SPDX-License-Identifier: Apache-2.0
// Which messages of Coinbase Derivatives' snapshots `tripline decode` has printed. They have no number of
// their own, both lines carry them, cut into packets differently, and the next cycle may repeat them as they
// were: a message is a copy when the other line sent the same within half a second and this line has not
// since. Bounded: some 260,000 messages; what is forgotten is printed again. Not for the hot path; one
// thread.
#ifndef TRIPLINE_FEED_CDE_SEEN_H
#define TRIPLINE_FEED_CDE_SEEN_H

#include "feed/feed.h"

struct cde_seen;
struct cde_seen *cde_seen_new(void); // NULL when out of memory
void cde_seen_free(struct cde_seen *s);
// One whole message of a snapshot's packet p; whether it is the first copy.
bool cde_seen_first(struct cde_seen *s, const struct feed_packet *p, const uint8_t *message, size_t len);

#endif
