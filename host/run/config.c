// SPDX-License-Identifier: Apache-2.0
#include "run/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "econ/policy.h"
#include "exec/split.h"

// One line per setting: where it is, how wide, what is allowed.
struct key {
    const char *name;
    size_t offset;
    uint8_t bytes; // 4 unsigned, 8 signed
    int64_t min, max;
    const char *const *name_of; // values have names, which may be given instead
};
#define KEY(name, field, bytes, min, max)                                                                    \
    {                                                                                                        \
        name, offsetof(struct session_config, field), bytes, min, max, NULL                                  \
    }
static const struct key keys[] = {
    KEY("band_ppm", engine.band_ppm, 4, 100, 500000),
    KEY("warn_ppm", engine.warn_ppm, 4, 0, 1000000),
    KEY("box_ppm", engine.box_ppm, 4, 0, 100000),
    KEY("near_rows", engine.near_rows, 4, 0, UINT32_MAX),
    KEY("slice", engine.slice, 4, 0, 1000000),
    KEY("predict", engine.predict, 4, 0, 1),
    KEY("predict_horizon_ms", expect.horizon_ms, 4, 1, 86400000),
    KEY("predict_scale_ppm", expect.fit.scale_ppm, 4, 10000, 10000000),
    KEY("predict_wild_ppm", expect.fit.weight_ppm, 4, 0, 1000000),
    KEY("predict_ratio_ppm", expect.fit.ratio_ppm, 4, 1000000, 20000000),
    KEY("predict_fast_ppm", expect.outlook.fast_ppm, 4, 0, 500000),
    KEY("predict_long_ppm", expect.outlook.long_ppm, 4, 0, 500000),
    KEY("predict_drift_ppm", expect.outlook.drift_ppm, 4, 0, 1000000),
    KEY("predict_falls_e3", expect.outlook.falls_e3, 4, 0, 1000000000),
    KEY("predict_rises_e3", expect.outlook.rises_e3, 4, 0, 1000000000),
    KEY("predict_jump_ppm", expect.outlook.jump_ppm, 4, 0, 1000000),
    KEY("predict_const_e6", expect.outlook.const_e6, 8, -1000000000, 1000000000),
    KEY("predict_odds_e6", expect.outlook.odds_e6, 8, 0, 1000000000),
    KEY("predict_far_e6", expect.outlook.far_e6, 8, -1000000000, 0),
    KEY("predict_burst_e6", expect.outlook.burst_e6, 8, -1000000000, 1000000000),
    KEY("predict_trend_e6", expect.outlook.trend_e6, 8, -1000000000, 1000000000),
    KEY("predict_deviation_ppm", expect.deviation_ppm, 4, 0, 500000),
    KEY("predict_due_ms", expect.due_ms, 4, 0, 604800000),
    KEY("predict_visible_ppm", expect.visible_ppm, 4, 0, 1000000),
    KEY("predict_keep_ppm", expect.keep_ppm, 4, 0, 1000000),
    KEY("predict_by", expect.by, 4, EXPECT_BY_HORIZON, EXPECT_BY_TURN),
    KEY("desk", desk.desk, 4, 1, UINT32_MAX),
    KEY("target_ppm", desk.size.target_ppm, 4, 1000001, 10000000),
    KEY("dust", desk.size.dust, 8, 0, INT64_MAX),
    KEY("max_order_e8", desk.max_order_e8, 8, 0, INT64_MAX),
    KEY("max_minute_e8", desk.max_minute_e8, 8, 0, INT64_MAX),
    KEY("max_total_e8", desk.max_total_e8, 8, 0, INT64_MAX),
    KEY("max_price_age_ns", desk.max_price_age_ns, 8, 0, INT64_MAX),
    KEY("min_profit_e8", desk.min_profit_e8, 8, INT64_MIN, INT64_MAX),
    KEY("cost_e8", desk.cost_e8, 8, 0, INT64_MAX),
    KEY("ready_tolerance_ppm", desk.ready_tolerance_ppm, 4, 0, 1000000),
    KEY("split_by", desk.split_by, 4, SPLIT_BY_SHARE, SPLIT_BY_FLOWS),
    KEY("ready_by", desk.ready_by, 4, DESK_READY_BY_SIZE, DESK_READY_BY_PRICE),
    {"stages", offsetof(struct session_config, desk.stages), 4, 0, STAGES_COUNT - 1, stages_name},
    {"stages_rest", offsetof(struct session_config, desk.stage.rest), 4, 0, REST_WITHIN, stages_rest_name},
    KEY("stages_ramp_ms", desk.stage.ramp_ms, 4, 1, 86400000),
    KEY("stages_ramp_initial", desk.stage.ramp_initial, 4, 0, POLICY_RAMP_ONE),
    KEY("stages_ramp_steps", desk.stage.ramp_steps, 4, 1, 86400000),
    KEY("worth", desk.worth.mode, 4, 0, DESK_WORTH_FLASH),
    KEY("worth_gas", desk.worth.gas, 4, 1, 30000000),
    KEY("worth_revert_gas", desk.worth.revert_gas, 4, 0, 30000000),
    KEY("worth_premium_bps", desk.worth.premium_bps, 4, 0, 10000),
    KEY("worth_share0_ppm", desk.worth.level[0].share_ppm, 4, 0, 1000000),
    KEY("worth_win0_ppm", desk.worth.level[0].win_ppm, 4, 0, 1000000),
    KEY("worth_share1_ppm", desk.worth.level[1].share_ppm, 4, 0, 1000000),
    KEY("worth_win1_ppm", desk.worth.level[1].win_ppm, 4, 0, 1000000),
    KEY("worth_share2_ppm", desk.worth.level[2].share_ppm, 4, 0, 1000000),
    KEY("worth_win2_ppm", desk.worth.level[2].win_ppm, 4, 0, 1000000),
    KEY("worth_share3_ppm", desk.worth.level[3].share_ppm, 4, 0, 1000000),
    KEY("worth_win3_ppm", desk.worth.level[3].win_ppm, 4, 0, 1000000),
    KEY("worth_tip_floor", desk.worth.tip_floor, 8, 0, INT64_MAX),
    KEY("worth_tip_cap", desk.worth.tip_cap, 8, 0, INT64_MAX),
    KEY("worth_min_expected_e8", desk.worth.min_expected_e8, 8, 0, INT64_MAX),
    KEY("worth_scan", desk.worth.scan, 4, 0, 1000),
    {"depth", offsetof(struct session_config, desk.depth.mode), 4, 0, DESK_DEPTH_COUNT - 1, desk_depth_name},
    KEY("depth_fee_ppm", desk.depth.fee_ppm, 4, 0, 999999),
    KEY("depth_unknown_ppm", desk.depth.unknown_ppm, 4, 0, 1000000),
    KEY("depth_by", desk.depth.by, 4, DESK_DEPTH_BY_SALE, DESK_DEPTH_BY_REST),
    KEY("predicted_max_e8", desk.predicted_max_e8, 8, 0, INT64_MAX),
    KEY("auctions", bids.max, 4, 0, BIDS_MAX),
    KEY("auction_slippage_ppm", bids.slippage_ppm, 4, 0, 999999),
    KEY("auction_depth_e8", bids.depth_e8, 8, 0, INT64_MAX),
    KEY("auction_lead_ms", bids.lead_ms, 4, 0, 60000),
    KEY("auction_gas_e8", bids.gas_e8, 8, 0, INT64_MAX),
    KEY("auction_profit_e8", bids.profit_e8, 8, 0, INT64_MAX),
    KEY("auction_once_e8", bids.once_e8, 8, 0, INT64_MAX),
    KEY("auction_total_e8", bids.total_e8, 8, 0, INT64_MAX),
    KEY("auction_by", bids.by, 4, BIDS_BY_WHOLE, BIDS_BY_REST),
    KEY("kick_chop_bps", desk.kick.chop_bps, 4, 0, UINT32_MAX), // as the venue says, not set
    KEY("kick_chip_bps", desk.kick.chip_bps, 4, 0, UINT32_MAX),
    KEY("kick_rule", desk.kick.rule, 4, 0, UINT32_MAX),
    KEY("kick_tip_e8", desk.kick.tip_e8, 8, 0, INT64_MAX),
    KEY("margin_call1_ppm", calls.level_ppm[0], 4, 0, 1000000),
    KEY("margin_call2_ppm", calls.level_ppm[1], 4, 0, 1000000),
    KEY("margin_call3_ppm", calls.level_ppm[2], 4, 0, 1000000),
    KEY("margin_call_clear_ppm", calls.clear_ppm, 4, 0, 1000000),
    KEY("lanes", lanes, 4, 1, 1 << ABI_ROW_BITS), // of all devices, when they are several
    KEY("slots", slots, 4, 1, 1 << ABI_ROW_BITS),
    KEY("assets", assets, 4, 1, 4096),
    KEY("oracle", oracle, 4, 0, 2),
    KEY("polled", polled, 4, 0, 1),
    KEY("spare_accounts", spare_accounts, 4, 0, 1 << 28),
};
enum { KEYS = sizeof keys / sizeof *keys };

void config_default(struct session_config *c)
{
    *c = (struct session_config){
        .engine = {.band_ppm = 20000, .warn_ppm = 300000, .slice = 32},
        .desk = {.desk = 1,
                 .size = {.target_ppm = 1100000, .dust = 100},
                 .max_price_age_ns = UINT64_C(60000000000),
                 .ready_tolerance_ppm = 50000,
                 .ready_by = DESK_READY_BY_PRICE,
                 .split_by = SPLIT_BY_FLOWS,
                 .stage = STAGE_PARAMS_DEFAULT,
                 .worth = {.gas = 400000, // of the liquidation contract by flash loan (docs/worth.md)
                           .revert_gas = 115000,
                           .premium_bps = 5,
                           .level = {{0, 300000}, {500000, 600000}, {900000, 900000}},
                           .tip_cap = UINT64_C(500000000000)},
                 .depth = {.fee_ppm = 500, .by = DESK_DEPTH_BY_REST}},
        .bids = {.slippage_ppm = 5000, .by = BIDS_BY_REST},
        .calls = {.clear_ppm = 10000},
        .expect = {.horizon_ms = 60000,
                   .fit = {1000000, 0, 1000000},
                   .outlook = {.odds_e6 = OUTLOOK_ONE},
                   .deviation_ppm = 5000,
                   .due_ms = 3600000,
                   .visible_ppm = 900000,
                   .keep_ppm = 100000,
                   .by = EXPECT_BY_TURN},
        .lanes = 32,
        .slots = 16,
        .assets = 256,
        .oracle = 2,
        .spare_accounts = 4096,
    };
}

static int64_t get(const struct session_config *c, const struct key *k)
{
    const char *at = (const char *)c + k->offset;
    uint32_t u;
    int64_t i;
    if (k->bytes == 4) {
        memcpy(&u, at, sizeof u);
        return u;
    }
    memcpy(&i, at, sizeof i);
    return i;
}

size_t config_format(const struct session_config *c, char *buf, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < KEYS; i++) {
        int n = snprintf(buf + used, size - used, "%s=%" PRId64 "\n", keys[i].name, get(c, &keys[i]));
        if (n < 0 || (size_t)n >= size - used)
            return 0;
        used += (size_t)n;
    }
    return used;
}

static long long value_of(const struct key *k, const char *value, const char **end)
{
    for (int64_t v = k->min; k->name_of && v <= k->max; v++)
        if (strcmp(k->name_of[v], value) == 0) {
            *end = value + strlen(value);
            return v;
        }
    char *at;
    long long v = strtoll(value, &at, 10);
    *end = at;
    return v;
}

static int no_such_name(const struct key *k, const char *value, struct err *e)
{
    char names[128] = "";
    for (int64_t v = k->min; v <= k->max; v++)
        (void)snprintf(names + strlen(names), sizeof names - strlen(names), " %s", k->name_of[v]);
    return err_set(e, "%s=%s: one of%s is wanted", k->name, value, names);
}

int config_set(struct session_config *c, const char *key, const char *value, struct err *e)
{
    for (size_t i = 0; i < KEYS; i++) {
        const struct key *k = &keys[i];
        if (strcmp(k->name, key) != 0)
            continue;
        const char *end;
        errno = 0;
        long long v = value_of(k, value, &end);
        if (k->name_of && (errno || end == value || *end || v < k->min || v > k->max))
            return no_such_name(k, value, e);
        if (errno || end == value || *end || v < k->min || v > k->max)
            return err_set(e, "%s=%s: a whole number from %" PRId64 " to %" PRId64 " is wanted", key, value,
                           k->min, k->max);
        char *at = (char *)c + k->offset;
        uint32_t u = (uint32_t)v;
        if (k->bytes == 4)
            memcpy(at, &u, sizeof u);
        else
            memcpy(at, &v, sizeof v);
        return 0;
    }
    return err_set(e, "%s: no such setting", key);
}

int config_parse(const char *buf, size_t len, struct session_config *c, struct err *e)
{
    char line[128];
    config_default(c);
    c->oracle = 0; // those that know policies say so
    c->desk.ready_by = DESK_READY_BY_SIZE;
    c->desk.split_by = SPLIT_BY_SHARE;
    c->desk.depth.by = DESK_DEPTH_BY_SALE;
    c->bids.by = BIDS_BY_WHOLE;
    c->spare_accounts = 0;
    c->desk.stage.rest = REST_AFTER; // the only reading there was
    // Nothing was known of what an oracle tells next.
    c->expect.by = EXPECT_BY_HORIZON;
    c->expect.deviation_ppm = c->expect.due_ms = c->expect.visible_ppm = c->expect.keep_ppm = 0;
    for (size_t at = 0; at < len;) {
        const char *nl = memchr(buf + at, '\n', len - at);
        size_t n = nl ? (size_t)(nl - (buf + at)) : len - at;
        if (n >= sizeof line)
            return err_set(e, "journal header: a line of %zu bytes", n);
        memcpy(line, buf + at, n);
        line[n] = '\0';
        at += n + 1;
        char *eq = strchr(line, '=');
        if (!eq)
            return err_set(e, "journal header: \"%s\" is no key=value", line);
        *eq = '\0';
        if (config_set(c, line, eq + 1, e) != 0)
            return -1;
    }
    return 0;
}
