// SPDX-License-Identifier: Apache-2.0
// Synthetic venue: a stream of Ethernet frames in Deribit's legacy multicast format along a seeded price
// path. Constant memory, any length; a configuration gives the same bytes on every machine. One thread per
// object.
//
// What it sends: instrument definitions first (1005, 1000 and/or 1010 with a ticker and a book, 1006; on port
// 6101, channel 100 + N) and again every GEN_SNAPSHOT_NS; price indexes on channel 0; tickers, books and
// trades on the instruments' channels, up to five tickers in a packet; now and then an old quote (1003
// version 1) of a dated future and templates that no decoder knows on channel 3. Some frames are VLAN tagged
// (once or twice), some have IP options. Checksums are right. All of it is synthetic load (design P7).
#ifndef TRIPLINE_FEED_GEN_H
#define TRIPLINE_FEED_GEN_H

#include "base/err.h"
#include "feed/feed.h"
#include "feed/gen_path.h"

#define GEN_SNAPSHOT_NS     UINT64_C(10000000000)
#define GEN_START_NS        UINT64_C(1780272000000000000) // 2026-06-01 00:00:00 UTC
#define GEN_PPM             1000000u                      // impairments are in parts per million
#define GEN_RATE_MAX        10000000u                     // packets per second
#define GEN_PACKETS_MAX     UINT64_C(1000000000000)
#define GEN_QUOTE_ONLY_ID   9001u // the dated future that has quotes but no mark; its name is "BTC-25DEC26"
#define GEN_INSTRUMENT_MAX  8
#define GEN_BOOK_LEVELS_MAX 8u

struct gen_instrument {
    const char *name, *index; // as on the wire
    uint32_t id;
    uint16_t channel;
    enum path_asset asset;
    int linear;           // margined in USDC; else inverse, margined in the base currency
    unsigned decimals;    // mark and index are multiples of 10^-decimals
    int64_t start;        // price at the start, in 10^-decimals
    int64_t tick;         // of bid, ask and trades, in 10^-decimals
    double contract_size; // USD (inverse) or base currency (linear)
    const char *base, *settle;
};

struct gen_config {
    uint64_t seed;
    enum gen_path path;
    uint64_t packets;     // packets the venue sends; impairments then take away or add frames
    uint32_t rate_pps;    // 1..GEN_RATE_MAX
    uint64_t start_ns;    // time of the first packet
    uint32_t instruments; // bit i = gen_instruments()[i]; not 0
    uint32_t book_levels; // of each side; 0: no books that can be rebuilt, changes of some levels alone
    uint32_t drop_ppm, dup_ppm, corrupt_ppm; // of packets: left out, sent twice, followed by a damaged frame
};

struct gen_stats {
    uint64_t frames;   // returned by gen_next
    uint64_t packets;  // of them whole packets of the feed, duplicates included
    uint64_t messages; // in packets sent, duplicates not counted; the same for the next four
    uint64_t tickers, indexes, instruments, other_messages;
    uint64_t dropped, duplicates;
    uint64_t damaged[DROP_COUNT]; // damaged frames by the reason for which a decoder must ignore them
};

struct gen;

// The eight perpetuals that can be chosen.
const struct gen_instrument *gen_instruments(size_t *count);
// Names, comma separated, to a gen_config.instruments. -1 with the unknown name in err.
int gen_parse_instruments(const char *list, uint32_t *mask, struct err *err);
// calm, trend, crash, gap. -1 with err.
int gen_parse_path(const char *name, enum gen_path *out, struct err *err);
// Seed 1, calm, 5000 packets at 500 a second, all instruments, unimpaired.
void gen_config_default(struct gen_config *c);

// NULL with err set when the configuration is out of range or memory is out.
struct gen *gen_open(const struct gen_config *c, struct err *err);
void gen_close(struct gen *g);
// Next frame, in order of time. The frame stays valid until the next call. False at the end.
bool gen_next(struct gen *g, uint64_t *ts_ns, const uint8_t **frame, size_t *len);
// Length on the wire of the frame last returned: above its `len` where a damaged frame plays a cut capture.
size_t gen_wire_len(const struct gen *g);
const struct gen_stats *gen_stats(const struct gen *g);

#endif
