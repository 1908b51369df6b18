// SPDX-License-Identifier: Apache-2.0
// What the random sessions share: perpetuals in USDC, each of an asset of its own; a session with a journal
// on the model or on several devices, some of them late; packets; the replay at the end. What is drawn is
// drawn from the generator given, so that a seed says all.
#ifndef TRIPLINE_TEST_RUN_RANDOM_RIG_H
#define TRIPLINE_TEST_RUN_RANDOM_RIG_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../cosim/fan_mocks.h"
#include "base/prng.h"
#include "feed/deribit_encode.h"
#include "feed/gen_frame.h"
#include "run/replay.h"
#include "run/session.h"
#include "run_suite.h"

enum { RIG_MARKETS_MAX = 3, FIRST_ID = 12 }; // the venue's id of the first instrument
static const uint64_t SECOND = UINT64_C(1000000000);
static const char *const NAME[RIG_MARKETS_MAX] = {"BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL",
                                                  "SOL_USDC-PERPETUAL"};
static const int64_t START[RIG_MARKETS_MAX] = {60000, 3000, 150};

// ---- the session

struct rig {
    struct journal *journal;
    struct device *dev;
    struct session *session;
    struct session_config cfg;
    struct book book;
};

static inline void fill_market(struct market *m, unsigned n, uint32_t stale_ms, uint32_t guard_ppm)
{
    m->n_assets = m->n_instruments = (uint16_t)n;
    for (unsigned i = 0; i < n; i++) {
        m->asset[i] =
            (struct asset){.kind = ASSET_MARK, .decimals = 9, .stale_ms = stale_ms, .guard_ppm = guard_ppm};
        (void)snprintf(m->asset[i].name, sizeof m->asset[i].name, "%s", NAME[i]);
        (void)snprintf(m->asset[i].source, sizeof m->asset[i].source, "%s", NAME[i]);
        m->instrument[i] = (struct instrument){.kind = INST_LINEAR,
                                               .asset = (uint16_t)i,
                                               .size_decimals = 3,
                                               .currency = "USDC",
                                               .cash_decimals = 6,
                                               .n_tiers = 1,
                                               .fee_ppm = 500,
                                               .penalty_ppm = 5000};
        (void)snprintf(m->instrument[i].name, sizeof m->instrument[i].name, "%s", NAME[i]);
        m->instrument[i].tier[0] = (struct tier){.floor = 0, .rate_ppm = 10000};
    }
}

static inline void rig_config(struct rig *r, struct prng *rnd, bool boxed)
{
    config_default(&r->cfg);
    if (boxed) {
        r->cfg.engine.near_rows = (uint32_t)prng_between(rnd, 1, 12);
        r->cfg.engine.box_ppm = (uint32_t)prng_between(rnd, 0, 1) * 2000;
        r->cfg.engine.slice = (uint32_t)prng_between(rnd, 0, 3);
    }
    r->cfg.engine.band_ppm = (uint32_t)prng_between(rnd, 1000, 30000);
    r->cfg.engine.warn_ppm = prng_chance(rnd, 1, 4) ? 0 : 300000;
}

// With the configuration and the book as they are. put logs into r->journal, its context.
static inline void rig_open(struct rig *r, const char *path, struct gateway *gw,
                            uint64_t (*put)(void *, enum journal_type, const void *, size_t, const void *,
                                            size_t))
{
    struct err e = {{0}};
    const struct device_config dc = {.backend = mock_random_state & 2 ? "late*3,model" : "model",
                                     .lanes = 8,
                                     .slots = 16,
                                     .assets = 16,
                                     .arrival = true};
    ck_assert_msg(journal_open(path, false, &r->journal, &e) == 0, "%s", e.msg);
    ck_assert_msg(device_open(&dc, &r->dev, &e) == 0, "%s", e.msg);
    const struct session_log log = {r->journal, put};
    r->session = session_new(&r->cfg, &r->book, r->dev, gw, &log, true, &e);
    ck_assert_msg(r->session != NULL, "%s", e.msg);
    ck_assert_int_eq(session_begin(r->session, &e), 0);
}

// Ends the session and replays its journal, which must find the same. The book stays the caller's.
static inline const struct replay_result *rig_close(struct rig *r, const char *path, uint64_t seed)
{
    static struct replay_result out;
    struct err e = {{0}};
    journal_put(r->journal, J_END, NULL, 0);
    session_free(r->session);
    device_close(r->dev);
    ck_assert_msg(journal_close(r->journal, &e) == 0, "%s", e.msg);
    ck_assert_msg(replay_journal(path, "model", true, NULL, NULL, &out, &e) == 0, "%s", e.msg);
    ck_assert_msg(out.mismatches == 0, "seed %llu: replay: %s", (unsigned long long)seed, out.first);
    ck_assert(out.clean_end);
    return &out;
}

// Runs `round` with seed, seed + 1, ...; path is a journal that is not there.
static inline void rig_rounds(uint64_t seed, unsigned rounds,
                              void (*round)(uint64_t seed, unsigned number, const char *path))
{
    char dir[] = "/tmp/tl-session-XXXXXX", path[64];
    ck_assert(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof path, "%s/journal", dir);
    device_register(&device_ops_model);
    device_register(&device_ops_fan);
    mocks_register();
    for (unsigned i = 0; i < rounds; i++) {
        mock_random_state = seed + i; // bit 1: a device of several members, some of them late
        round(seed + i, i, path);
        ck_assert_int_eq(unlink(path), 0);
    }
    (void)rmdir(dir);
}

static inline int rig_suite(const char *name, const TTest *test)
{
    Suite *su = suite_create(name);
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test);
    suite_add_tcase(su, tc);
    return run_suite(su);
}

// ---- the gateway: what it is told is the test's business

static inline void tg_counters(const struct gateway *g, struct gateway_counters *out)
{
    (void)g;
    memset(out, 0, sizeof *out);
}

// docs/execution.md: an order that came to nothing is followed by none for 0.1 s, doubling up to 6.4 s, until
// one fills. Counts the refusal.
static inline uint64_t retry_ns(uint64_t fired, unsigned *refusals)
{
    uint64_t at = fired + (UINT64_C(100000000) << *refusals);
    *refusals += *refusals < 6;
    return at;
}

// ---- packets

static inline void rig_frame(struct rig *r, uint64_t now, uint16_t channel, const uint8_t *payload,
                             size_t len)
{
    static struct gen_frame f;
    struct err e = {{0}};
    const struct frame_options o = {0};
    memcpy(frame_payload(&f, &o), payload, len);
    frame_finish(&f, &o, (uint8_t)channel, 6100, len);
    ck_assert_msg(session_frame(r->session, now, f.buf, f.len, f.wire, &e) == 0, "%s", e.msg);
}

static inline void rig_definition(struct rig *r, uint64_t now, uint16_t channel, uint32_t seq, int i)
{
    uint8_t buf[512];
    struct deribit_encoder enc;
    const struct deribit_instrument d = {.id = FIRST_ID + (uint32_t)i,
                                         .name = NAME[i],
                                         .base = "X",
                                         .quote = "USDC",
                                         .settle = "USDC",
                                         .size = "X",
                                         .state = INSTRUMENT_OPEN,
                                         .type = 2};
    deribit_begin(&enc, buf, sizeof buf, channel, seq);
    deribit_put_instrument_v2(&enc, &d);
    rig_frame(r, now, channel, buf, deribit_end(&enc));
}

static inline void rig_ticker(struct rig *r, uint64_t now, uint16_t channel, uint32_t seq,
                              const struct deribit_ticker *d)
{
    uint8_t buf[512];
    struct deribit_encoder enc;
    deribit_begin(&enc, buf, sizeof buf, channel, seq);
    deribit_put_ticker(&enc, d);
    rig_frame(r, now, channel, buf, deribit_end(&enc));
}

#endif
