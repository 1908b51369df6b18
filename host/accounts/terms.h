// SPDX-License-Identifier: Apache-2.0
// Terms: what single rules know of an instrument beyond the fields that all have (docs/rules.md, "Terms"). A
// list of pairs that is empty for most; names, units and kinds stand here once, for import, export, store,
// journal and wire. Plain data; any thread.
#ifndef TRIPLINE_ACCOUNTS_TERMS_H
#define TRIPLINE_ACCOUNTS_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wide.h"

enum {
    INSTRUMENT_TERMS_MAX = 16, // of one instrument
    TERM_BITS = 127,           // a value is 1 to 2^127 - 1; one of 0 is not told
    TERM_TOKEN = 255,          // decimals are the instrument's size_decimals
    TERM_CASH = 254,           // cash_decimals
};

// Name as in files, decimals as there, and whether it is a reserve's or a perpetual's. Numbers are kept in
// journals and stores' order: new ones go to the end of the list.
#define TERMS(X)                                                                                             \
    /* compound-v2-1: token units a unit supplied; what of a debt one call may repay */                      \
    X(EXCHANGE_RATE, "exchange_rate", 18, true)                                                              \
    X(CLOSE_FACTOR, "close_factor", 18, true)                                                                \
    /* morpho-blue-1, morpho-pre-liquidation-1: the market's totals; debts are counted in shares of it */    \
    X(BORROW_ASSETS, "borrow_assets", TERM_TOKEN, true)                                                      \
    X(BORROW_SHARES, "borrow_shares", TERM_TOKEN, true)                                                      \
    /* morpho-pre-liquidation-1 */                                                                           \
    X(PRE_LLTV, "pre_lltv", 18, true)                                                                        \
    X(PRE_LCF1, "pre_lcf1", 18, true)                                                                        \
    X(PRE_LCF2, "pre_lcf2", 18, true)                                                                        \
    X(PRE_LIF1, "pre_lif1", 18, true)                                                                        \
    X(PRE_LIF2, "pre_lif2", 18, true)                                                                        \
    /* evk-1: of the vault that lends; totals of a collateral's vault (none: shares are tokens) */           \
    X(MAX_DISCOUNT, "max_discount_bps", 0, true)                                                             \
    X(COOL_OFF, "cool_off_s", 0, true)                                                                       \
    X(KEEP_DEBT, "keep_debt", 0, true)                                                                       \
    X(VAULT_ASSETS, "vault_assets", TERM_TOKEN, true)                                                        \
    X(VAULT_SHARES, "vault_shares", TERM_TOKEN, true)                                                        \
    /* aave-v4-1 */                                                                                          \
    X(ADDED_ASSETS, "added_assets", TERM_TOKEN, true)                                                        \
    X(ADDED_SHARES, "added_shares", TERM_TOKEN, true)                                                        \
    X(TARGET_HEALTH, "target_health", 18, true)                                                              \
    X(MAX_BONUS_HEALTH, "max_bonus_health", 18, true)                                                        \
    X(BONUS_FACTOR, "bonus_factor_bps", 0, true)                                                             \
    /* maker-dog-1: mat, hole, dirt, Hole, Dirt, dust, chop, chip, tip */                                    \
    X(LIQUIDATION_RATIO, "liquidation_ratio", 27, true)                                                      \
    X(HOLE, "hole", 18, true)                                                                                \
    X(DIRT, "dirt", 18, true)                                                                                \
    X(TOTAL_HOLE, "total_hole", 18, true)                                                                    \
    X(TOTAL_DIRT, "total_dirt", 18, true)                                                                    \
    X(DEBT_DUST, "debt_dust", 18, true)                                                                      \
    X(CHOP, "chop", 18, true)                                                                                \
    X(CHIP, "chip", 18, true)                                                                                \
    X(TIP, "tip", 18, true)                                                                                  \
    /* liquity-1: of all troves, and the stability pool's deposits */                                        \
    X(SYSTEM_COLL, "system_coll", TERM_TOKEN, true)                                                          \
    X(SYSTEM_DEBT, "system_debt", TERM_TOKEN, true)                                                          \
    X(POOL_DEPOSITS, "pool_deposits", TERM_TOKEN, true)                                                      \
    /* dydx-v4-1: the maintenance fraction is of the initial one */                                          \
    X(INITIAL_PPM, "initial_ppm", 0, false)                                                                  \
    X(MAINTENANCE_PPM, "maintenance_ppm", 0, false)                                                          \
    /* hyperliquid-1, mango-v4-1, dydx-v4-1 */                                                               \
    X(LOT, "lot", TERM_TOKEN, false)                                                                         \
    /* drift-v2-1; the first three of the quote's reserve, for the whole program */                          \
    X(LIQUIDATION_BUFFER, "liquidation_buffer", 4, true)                                                     \
    X(INITIAL_PCT, "initial_pct", 4, true)                                                                   \
    X(LIQUIDATION_SLOTS, "liquidation_slots", 0, true)                                                       \
    X(TOKEN_DECIMALS, "token_decimals", 0, true)                                                             \
    X(LIABILITY_WEIGHT, "liability_weight", 4, true)                                                         \
    X(SPOT_IMF, "spot_imf", 6, true)                                                                         \
    X(ASSET_TIER, "asset_tier", 0, true)                                                                     \
    X(PERP_IMF, "perp_imf", 6, false)                                                                        \
    X(HIGH_LEVERAGE_RATIO, "high_leverage_ratio", 4, false)                                                  \
    X(CONTRACT_TIER, "contract_tier", 0, false)                                                              \
    X(SHORT_FUNDING_ABOVE, "short_funding_above", 18, false)                                                 \
    X(SHORT_FUNDING_BELOW, "short_funding_below", 18, false)                                                 \
    /* mango-v4-1 (and lot): I80F48 as bits */                                                               \
    X(MAINT_ASSET_WEIGHT, "maint_asset_weight_fx", 0, true)                                                  \
    X(MAINT_LIAB_WEIGHT, "maint_liab_weight_fx", 0, true)                                                    \
    X(INIT_ASSET_WEIGHT, "init_asset_weight_fx", 0, true)                                                    \
    X(INIT_LIAB_WEIGHT, "init_liab_weight_fx", 0, true)                                                      \
    X(DEPOSIT_INDEX_FX, "deposit_index_fx", 0, true)                                                         \
    X(BORROW_INDEX_FX, "borrow_index_fx", 0, true)                                                           \
    X(LIQUIDATION_FEE_FX, "liquidation_fee_fx", 0, true)                                                     \
    X(PLATFORM_FEE_FX, "platform_liquidation_fee_fx", 0, true)                                               \
    X(NO_ASSET_LIQUIDATION, "disable_asset_liquidation", 0, true)                                            \
    X(MAINT_BASE_ASSET_FX, "maint_base_asset_weight_fx", 0, false)                                           \
    X(INIT_BASE_ASSET_FX, "init_base_asset_weight_fx", 0, false)                                             \
    X(MAINT_BASE_LIAB_FX, "maint_base_liab_weight_fx", 0, false)                                             \
    X(INIT_BASE_LIAB_FX, "init_base_liab_weight_fx", 0, false)                                               \
    X(MAINT_OVERALL_FX, "maint_overall_asset_weight_fx", 0, false)                                           \
    X(INIT_OVERALL_FX, "init_overall_asset_weight_fx", 0, false)                                             \
    X(BASE_LIQUIDATION_FEE_FX, "base_liquidation_fee_fx", 0, false)                                          \
    X(PERP_PLATFORM_FEE_FX, "perp_platform_liquidation_fee_fx", 0, false)                                    \
    X(POSITIVE_PNL_FEE_FX, "positive_pnl_liquidation_fee_fx", 0, false)                                      \
    /* dydx-v4-1: price steps, and the chain's LiquidationsConfig */                                         \
    X(SUBTICKS_PER_TICK, "subticks_per_tick", 0, false)                                                      \
    X(SUBTICK_DECIMALS, "subtick_decimals", 0, false)                                                        \
    X(SPREAD_PPM, "spread_to_maintenance_ppm", 0, false)                                                     \
    X(BANKRUPTCY_ADJUSTMENT, "bankruptcy_adjustment_ppm", 0, false)                                          \
    X(MAX_PORTION, "max_position_portion_ppm", 0, false)                                                     \
    X(MIN_LIQUIDATED, "min_position_notional", TERM_CASH, false)                                             \
    X(MAX_LIQUIDATED, "max_notional_liquidated", TERM_CASH, false)                                           \
    X(MAX_INSURANCE_LOST, "max_insurance_lost", TERM_CASH, false)

enum term {
    TERM_NONE,
#define TERM_NUMBER(key, name, decimals, reserve) TERM_##key,
    TERMS(TERM_NUMBER)
#undef TERM_NUMBER
        TERM_COUNT
};
_Static_assert(TERM_COUNT <= 255, "a byte in journals");

struct terms {
    uint8_t n;
    uint8_t key[INSTRUMENT_TERMS_MAX]; // enum term, ascending
    u128 value[INSTRUMENT_TERMS_MAX];
};

static inline u128 term_get(const struct terms *t, enum term key) // 0: not told
{
    for (unsigned k = 0; k < t->n; k++)
        if (t->key[k] == key)
            return t->value[k];
    return 0;
}

const char *term_name(enum term key);
enum term term_find(const char *name); // TERM_NONE: there is none
bool term_reserve(enum term key);      // of reserves; else of perpetuals
unsigned term_decimals(enum term key, unsigned size_decimals, unsigned cash_decimals);
bool term_set(struct terms *t, enum term key, u128 value); // 0 takes it out; false: no room
bool terms_equal(const struct terms *a, const struct terms *b);
bool terms_sound(const struct terms *t); // ascending, known, within TERM_BITS
// Are they among keys[0..n-1]? For rules, which refuse what they do not know: 0, or -1 with *e naming
// account, instrument and term.
int terms_fit(const struct terms *t, const enum term *keys, unsigned n, uint32_t account,
              const char *instrument, struct err *e);

#endif
