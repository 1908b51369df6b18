// SPDX-License-Identifier: Apache-2.0
// Which line a frame of a capture belongs to, and how a second line is made of one. As the decoders say it
// (protocol.h, frame_info): by the venue's addresses, or, where those do not tell, each channel's first
// destination is line A and the next one B. Test tools' part: linear searches. One thread per object.
#ifndef TRIPLINE_FEED_GEN_LINES_H
#define TRIPLINE_FEED_GEN_LINES_H

#include "feed/feed.h"

struct gen_lines;
struct gen_lines *gen_lines_new(void); // NULL when out of memory
void gen_lines_free(struct gen_lines *l);
// 0 = A, 1 = B, or 2 (IMPAIR_NO_LINE) for what no decoder knows. *venue (may be NULL): whose it is.
unsigned gen_line_of(struct gen_lines *l, enum feed_link link, const uint8_t *frame, size_t len, size_t wire,
                     enum feed_venue *venue);
// Readdresses an Ethernet frame of Deribit's line A to our line B: the group's third octet is one greater,
// multicast address and checksums follow. False: it is no whole IPv4 header; nothing is changed.
bool gen_line_b(uint8_t *frame, size_t len);

#endif
