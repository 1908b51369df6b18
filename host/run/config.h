// SPDX-License-Identifier: Apache-2.0
// The settings that decide what a session does, as text in a journal's header so that a replay has the same.
// Pure but for what it is given; any thread.
#ifndef TRIPLINE_RUN_CONFIG_H
#define TRIPLINE_RUN_CONFIG_H

#include "engine/engine.h"
#include "exec/desk.h"
#include "risk/outlook.h"
#include "run/bids.h"
#include "run/calls.h"

// What an order waits for is worth its reward times the chance of a breach within the horizon; or until its
// turn comes, nothing where it is ready and as good as a new one, and nearest first where there is no chance.
enum expect_by { EXPECT_BY_HORIZON, EXPECT_BY_TURN };

struct session_config {
    struct engine_config engine;
    struct desk_config desk;
    // With engine.predict (docs/lab/prediction.md): how far ahead, and what past days say of the tails and of
    // all else.
    struct expect_config {
        uint32_t horizon_ms;
        struct breach_tail_fit fit;
        struct outlook_fit outlook;
        // Of a paired book, what the oracle tells next: its deviation threshold (0: none) and heartbeat (0:
        // none), the chance that an update that waits is the next; the chance from which an order is made
        // and kept for such a price (0: never).
        uint32_t deviation_ppm, due_ms, visible_ppm, keep_ppm;
        // Whose order is made first: EXPECT_BY_TURN; EXPECT_BY_HORIZON in journals from before there was it.
        uint32_t by;
    } expect;
    struct bids_config bids; // none are followed in journals from before there were auctions
    struct calls_config calls;
    uint32_t lanes, slots, assets; // of the device
    // How prices are made: 2; older journals have 1 or 0 (enum oracle_rules: 1, raw).
    uint32_t oracle;
    // 1: frames come from ports that are polled, session_read() says how far (feed_polled()); 0: of a
    // capture, and in journals from before there was the difference.
    uint32_t polled;
    // Accounts that may be added to those at the start, where the book is packed and the device, without
    // boxes, has rows for them; 0 in journals from before there were any.
    uint32_t spare_accounts;
    // The policy file and its name, NULL: none. In the journal a record of its own (J_POLICY). The caller's,
    // until session_begin() has returned.
    const char *policy_file, *policy;
    size_t policy_len;
};

// Defaults: 2 % bands, warning at 30 %, health restored to 1.1, no limits, orders worth at least 1 unit.
void config_default(struct session_config *c);
// "key=value" lines, terminated. Returns the length, 0 when it does not fit.
size_t config_format(const struct session_config *c, char *buf, size_t size);
// Reads what config_format() wrote, now or before (buf need not be terminated). 0, or -1 with the offending
// line in *e.
int config_parse(const char *buf, size_t len, struct session_config *c, struct err *e);
// Sets one key. 0, or -1 with *e set: unknown key, or a value that is no number in range.
int config_set(struct session_config *c, const char *key, const char *value, struct err *e);

#endif
