// SPDX-License-Identifier: Apache-2.0
// Facts of the schema: layouts and names. Checked against every XML by tests/e2e/test_decode_cme.py.
#include "feed/cme_wire.h"

// Tables are read by their columns.
// clang-format off
#define I32N      CME_I32 | CME_NULLABLE
#define I64N      CME_I64 | CME_NULLABLE
#define U64N      CME_U64 | CME_NULLABLE
#define NO_ACTION [CME_F_ACTION] = {CME_CONST_INT, 0, 0}

// Root of the incremental templates.
#define ROOT_EVENT .block = 11, .root = {[CME_F_TRANSACT] = {CME_U64, 0, 0}, [CME_F_EVENT] = {CME_U8, 8, 0}}

#define BOOK(e, orders_since)                                                                                \
    {                                                                                                        \
        CME_K_BOOK, e, ROOT_EVENT, .entry = 32, .groups = 1, .group8 = true, .last_since = orders_since,     \
                                   .in = {                                                                   \
                                       [CME_F_PX] = {I64N, 0, 0},                                            \
                                       [CME_F_SIZE] = {I32N, 8, 0},                                          \
                                       [CME_F_ID] = {CME_I32, 12, 0},                                        \
                                       [CME_F_RPT] = {CME_U32, 16, 0},                                       \
                                       [CME_F_COUNT] = {I32N, 20, 0},                                        \
                                       [CME_F_LEVEL] = {CME_U8, 24, 0},                                      \
                                       [CME_F_ACTION] = {CME_ACTION, 25, 0},                                 \
                                       [CME_F_TYPE] = {CME_TYPE_BOOK, 26, 0}                                 \
                                   }                                                                         \
    }

#define DAILY(e)                                                                                             \
    {                                                                                                        \
        CME_K_COUNTED, e, ROOT_EVENT, .entry = 32, .groups = 1, .in = {                                      \
            [CME_F_PX] = {I64N, 0, 0},                                                                       \
            [CME_F_SIZE] = {I32N, 8, 0},                                                                     \
            [CME_F_ID] = {CME_I32, 12, 0},                                                                   \
            [CME_F_RPT] = {CME_U32, 16, 0},                                                                  \
            [CME_F_ACTION] = {CME_ACTION, 23, 0},                                                            \
            [CME_F_TYPE] = {CME_TYPE_DAILY, 24, 0}                                                           \
        }                                                                                                    \
    }

#define LIMITS(e)                                                                                            \
    {                                                                                                        \
        CME_K_COUNTED, e, ROOT_EVENT, .entry = 32, .groups = 1, .in = {                                      \
            [CME_F_ID] = {CME_I32, 24, 0},                                                                   \
            [CME_F_RPT] = {CME_U32, 28, 0},                                                                  \
            NO_ACTION,                                                                                       \
            [CME_F_TYPE] = {CME_CONST_CHAR, 'g', 0}                                                          \
        }                                                                                                    \
    }

#define SESSION(e, size_since)                                                                               \
    {                                                                                                        \
        CME_K_COUNTED, e, ROOT_EVENT, .entry = 24, .groups = 1, .in = {                                      \
            [CME_F_PX] = {CME_I64, 0, 0},                                                                    \
            [CME_F_ID] = {CME_I32, 8, 0},                                                                    \
            [CME_F_RPT] = {CME_U32, 12, 0},                                                                  \
            [CME_F_ACTION] = {CME_ACTION, 17, 0},                                                            \
            [CME_F_TYPE] = {CME_TYPE_STATS, 18, 0},                                                          \
            [CME_F_SIZE] = {I32N, 19, size_since}                                                            \
        }                                                                                                    \
    }

#define SUMMARY(e, orders)                                                                                   \
    {                                                                                                        \
        CME_K_TRADE, e, ROOT_EVENT, .entry = 32, .groups = 1, .group8 = true, .in = {                        \
            [CME_F_PX] = {CME_I64, 0, 0},                                                                    \
            [CME_F_SIZE] = {CME_I32, 8, 0},                                                                  \
            [CME_F_ID] = {CME_I32, 12, 0},                                                                   \
            [CME_F_RPT] = {CME_U32, 16, 0},                                                                  \
            [CME_F_COUNT] = {orders, 20, 0},                                                                 \
            [CME_F_ACTION] = {CME_ACTION, 25, 0},                                                            \
            [CME_F_TYPE] = {CME_CONST_CHAR, '2', 0}                                                          \
        }                                                                                                    \
    }

#define ORDERS(e)                                                                                            \
    {                                                                                                        \
        CME_K_OTHER, e, ROOT_EVENT, .entry = 40, .groups = 1, .in = {                                        \
            [CME_F_ORDER] = {U64N, 0, 0},                                                                    \
            [CME_F_PX] = {I64N, 16, 0},                                                                      \
            [CME_F_SIZE] = {I32N, 24, 0},                                                                    \
            [CME_F_ID] = {CME_I32, 28, 0},                                                                   \
            [CME_F_ACTION] = {CME_ACTION, 32, 0},                                                            \
            [CME_F_TYPE] = {CME_TYPE_BOOK, 33, 0}                                                            \
        }                                                                                                    \
    }

#define SNAPSHOT_ROOT                                                                                        \
    .block = 59,                                                                                             \
    .root = {                                                                                                \
        [CME_F_ID] = {CME_I32, 8, 0}, [CME_F_RPT] = {CME_U32, 12, 0}, [CME_F_TRANSACT] = {CME_U64, 16, 0}}
#define BOOK_SNAPSHOT(e)                                                                                     \
    {                                                                                                        \
        CME_K_SNAPSHOT, e, SNAPSHOT_ROOT, .entry = 22, .groups = 1, .in = {                                  \
            [CME_F_PX] = {I64N, 0, 0},                                                                       \
            [CME_F_SIZE] = {I32N, 8, 0},                                                                     \
            [CME_F_COUNT] = {I32N, 12, 0},                                                                   \
            [CME_F_LEVEL] = {CME_I8 | CME_NULLABLE, 16, 0},                                                  \
            [CME_F_TYPE] = {CME_TYPE_ANY, 21, 0}                                                             \
        }                                                                                                    \
    }

#define ORDER_SNAPSHOT(e)                                                                                    \
    {                                                                                                        \
        CME_K_SNAPSHOT_ORDERS, e,                                                                            \
            .block = 28, .entry = 29, .groups = 1,                                                           \
            .root = {[CME_F_ID] = {CME_I32, 8, 0}, [CME_F_TRANSACT] = {CME_U64, 20, 0}}, .in = {             \
                [CME_F_ORDER] = {CME_U64, 0, 0},                                                             \
                [CME_F_PX] = {CME_I64, 16, 0},                                                               \
                [CME_F_SIZE] = {CME_I32, 24, 0},                                                             \
                [CME_F_TYPE] = {CME_TYPE_BOOK, 28, 0}                                                        \
            }                                                                                                \
    }

#define TCP_ROOT                                                                                             \
    .block = 37,                                                                                             \
    .root = {                                                                                                \
        [CME_F_TRANSACT] = {CME_U64, 0, 0}, [CME_F_EVENT] = {CME_U8, 8, 0}, [CME_F_ID] = {CME_I32, 9, 0}}

#define DEFINITION(e, b, g, since) \
    {                                                                                                        \
        CME_K_DEFINITION, e, .block = b, .groups = g, .last_since = since, .root = {                         \
            [CME_F_EVENT] = {CME_U8, CME_DEF_EVENT, 0},                                                      \
            [CME_F_ID] = {CME_I32, CME_DEF_ID, 0}                                                            \
        }                                                                                                    \
    }

const struct cme_template cme_templates[CME_TEMPLATES] = {
    [CME_CHANNEL_RESET] =
        {CME_K_RESET, 0, .block = 9, .entry = 2, .groups = 1,
         .root = {[CME_F_TRANSACT] = {CME_U64, 0, 0}, [CME_F_EVENT] = {CME_U8, 8, 0}},
         .in = {[CME_F_ACTION] = {CME_CONST_INT, 0, 2}, [CME_F_TYPE] = {CME_CONST_CHAR, 'J', 0}}},
    [CME_HEARTBEAT] = {CME_K_OTHER, 0, .block = 0},
    [CME_LOGIN] = {CME_K_OTHER, 0, .block = 1},
    [CME_LOGOUT] = {CME_K_OTHER, 0, .block = 180},
    [CME_DEF_FUTURE_7] = DEFINITION(-7, 213, 4, 0),
    [CME_DEF_SPREAD_7] = DEFINITION(-7, 193, 5, 0),
    [CME_DEF_OPTION_7] = DEFINITION(-7, 211, 6, 7),
    [CME_STATUS] = {CME_K_STATUS, 0, .block = 30,
                    .root = {[CME_F_TRANSACT] = {CME_U64, 0, 0},
                             [CME_F_ID] = {I32N, 20, 0},
                             [CME_F_EVENT] = {CME_U8, 26, 0}}},
    [CME_BOOK_7] = BOOK(-7, 7),
    [CME_DAILY_7] = DAILY(-7),
    [CME_LIMITS_7] = LIMITS(-7),
    [CME_SESSION_7] = SESSION(-7, 8),
    [CME_TRADE_7] = {CME_K_TRADE, -7, ROOT_EVENT, .entry = 32, .groups = 1,
                     .in = {[CME_F_PX] = {CME_I64, 0, 0},
                            [CME_F_SIZE] = {CME_I32, 8, 0},
                            [CME_F_ID] = {CME_I32, 12, 0},
                            [CME_F_RPT] = {CME_U32, 16, 0},
                            [CME_F_COUNT] = {I32N, 20, 0},
                            [CME_F_ACTION] = {CME_ACTION, 29, 0},
                            [CME_F_TYPE] = {CME_CONST_CHAR, '2', 0}}},
    [CME_VOLUME] = {CME_K_COUNTED, 0, ROOT_EVENT, .entry = 16, .groups = 1,
                    .in = {[CME_F_SIZE] = {CME_I32, 0, 0},
                           [CME_F_ID] = {CME_I32, 4, 0},
                           [CME_F_RPT] = {CME_U32, 8, 0},
                           [CME_F_ACTION] = {CME_ACTION, 12, 0},
                           [CME_F_TYPE] = {CME_CONST_CHAR, 'e', 0}}},
    [CME_SNAPSHOT_7] = BOOK_SNAPSHOT(-7),
    [CME_QUOTE_REQUEST] = {CME_K_OTHER, 0, .block = 35, .groups = 1,
                           .root = {[CME_F_TRANSACT] = {CME_U64, 0, 0}, [CME_F_EVENT] = {CME_U8, 31, 0}}},
    [CME_SUMMARY_7] = SUMMARY(-7, I32N),
    [CME_ORDERS_7] = ORDERS(-7),
    [CME_SNAPSHOT_ORDERS_7] = ORDER_SNAPSHOT(-7),
    [CME_BOOK] = BOOK(-9, 0),
    [CME_ORDERS] = ORDERS(-9),
    [CME_SUMMARY] = SUMMARY(-9, CME_I32),
    [CME_DAILY] = DAILY(-9),
    [CME_LIMITS] = LIMITS(-9),
    [CME_SESSION] = SESSION(-9, 0),
    [CME_SNAPSHOT] = BOOK_SNAPSHOT(-9),
    [CME_SNAPSHOT_ORDERS] = ORDER_SNAPSHOT(-9),
    [CME_DEF_FUTURE] = DEFINITION(-9, 216, 4, 0),
    [CME_DEF_OPTION] = DEFINITION(-9, 213, 6, 0),
    [CME_DEF_SPREAD] = DEFINITION(-9, 195, 5, 0),
    [CME_DEF_FIXED] = DEFINITION(-9, 338, 4, 0),
    [CME_DEF_REPO] = DEFINITION(-9, 255, 7, 13),
    [CME_DEF_FX] = DEFINITION(-9, 309, 5, 0),
    [CME_TOP_ORDERS] = {CME_K_OTHER, -9, .block = 13, .entry = 29, .groups = 1,
                        .root = {[CME_F_TRANSACT] = {CME_U64, 0, 0},
                                 [CME_F_EVENT] = {CME_U8, 8, 0},
                                 [CME_F_ID] = {CME_I32, 9, 0}},
                        .in = {[CME_F_ORDER] = {CME_U64, 0, 0},
                               [CME_F_PX] = {CME_I64, 16, 0},
                               [CME_F_SIZE] = {CME_I32, 24, 0},
                               [CME_F_TYPE] = {CME_TYPE_BOOK, 28, 0}}},
    [CME_WORKUP] = {CME_K_OTHER, -9, .block = 30, .groups = 1,
                    .root = {[CME_F_TRANSACT] = {CME_U64, 0, 0},
                             [CME_F_PX] = {I64N, 8, 0},
                             [CME_F_ID] = {CME_I32, 16, 0},
                             [CME_F_EVENT] = {CME_U8, 20, 0}}},
    [CME_SNAPSHOT_TCP] = {CME_K_OTHER, -9, TCP_ROOT, .entry = 26, .groups = 1,
                          .in = {[CME_F_PX] = {I64N, 0, 0},
                                 [CME_F_SIZE] = {I32N, 8, 0},
                                 [CME_F_COUNT] = {I32N, 16, 0},
                                 [CME_F_LEVEL] = {CME_I8 | CME_NULLABLE, 20, 0},
                                 [CME_F_TYPE] = {CME_TYPE_ANY, 22, 0}}},
    [CME_COLLATERAL] = {CME_K_OTHER, -9, ROOT_EVENT, .entry = 40, .groups = 1},
    [CME_BOOK_LONG] = {CME_K_BOOK, -9, ROOT_EVENT, .entry = 32, .groups = 1, .group8 = true,
                       .in = {[CME_F_PX] = {I64N, 0, 0},
                              [CME_F_SIZE] = {U64N, 8, 0},
                              [CME_F_ID] = {CME_I32, 16, 0},
                              [CME_F_RPT] = {CME_U32, 20, 0},
                              [CME_F_COUNT] = {I32N, 24, 0},
                              [CME_F_LEVEL] = {CME_U8, 28, 0},
                              [CME_F_ACTION] = {CME_ACTION, 29, 0},
                              [CME_F_TYPE] = {CME_TYPE_BOOK, 30, 0}}},
    [CME_SUMMARY_LONG] = {CME_K_TRADE, -9, ROOT_EVENT, .entry = 40, .groups = 1, .group8 = true,
                          .in = {[CME_F_PX] = {CME_I64, 0, 0},
                                 [CME_F_SIZE] = {CME_U64, 8, 0},
                                 [CME_F_ID] = {CME_I32, 16, 0},
                                 [CME_F_RPT] = {CME_U32, 20, 0},
                                 [CME_F_COUNT] = {CME_I32, 24, 0},
                                 [CME_F_ACTION] = {CME_ACTION, 33, 0},
                                 [CME_F_TYPE] = {CME_CONST_CHAR, '2', 0}}},
    [CME_VOLUME_LONG] = {CME_K_COUNTED, 0, ROOT_EVENT, .entry = 24, .groups = 1,
                         .in = {[CME_F_SIZE] = {CME_U64, 0, 0},
                                [CME_F_ID] = {CME_I32, 8, 0},
                                [CME_F_RPT] = {CME_U32, 12, 0},
                                [CME_F_ACTION] = {CME_ACTION, 16, 0},
                                [CME_F_TYPE] = {CME_CONST_CHAR, 'e', 0}}},
    [CME_SESSION_LONG] = {CME_K_COUNTED, -9, ROOT_EVENT, .entry = 32, .groups = 1,
                          .in = {[CME_F_PX] = {CME_I64, 0, 0},
                                 [CME_F_SIZE] = {U64N, 8, 0},
                                 [CME_F_ID] = {CME_I32, 16, 0},
                                 [CME_F_RPT] = {CME_U32, 20, 0},
                                 [CME_F_ACTION] = {CME_ACTION, 25, 0},
                                 [CME_F_TYPE] = {CME_TYPE_STATS, 26, 0}}},
    [CME_SNAPSHOT_TCP_LONG] = {CME_K_OTHER, -9, TCP_ROOT, .entry = 23, .groups = 1,
                               .in = {[CME_F_PX] = {I64N, 0, 0},
                                      [CME_F_SIZE] = {U64N, 8, 0},
                                      [CME_F_COUNT] = {I32N, 16, 0},
                                      [CME_F_LEVEL] = {CME_U8 | CME_NULLABLE, 20, 0},
                                      [CME_F_TYPE] = {CME_TYPE_ANY, 22, 0}}},
    [CME_SNAPSHOT_LONG] = {CME_K_SNAPSHOT, -9, SNAPSHOT_ROOT, .entry = 23, .groups = 1,
                           .in = {[CME_F_PX] = {I64N, 0, 0},
                                  [CME_F_SIZE] = {U64N, 8, 0},
                                  [CME_F_COUNT] = {I32N, 16, 0},
                                  [CME_F_LEVEL] = {CME_U8 | CME_NULLABLE, 20, 0},
                                  [CME_F_TYPE] = {CME_TYPE_ANY, 22, 0}}},
};

static const struct cme_definition DEFINITIONS[] = {
    // id               tick factor unit kind type
    {CME_DEF_FUTURE_7, 91, 99, 140, 0, 2},   {CME_DEF_SPREAD_7, 94, 102, 0, 2, 0},
    {CME_DEF_OPTION_7, 111, 127, 169, 1, 0}, {CME_DEF_FUTURE, 91, 99, 140, 0, 2},
    {CME_DEF_OPTION, 111, 127, 169, 1, 0},   {CME_DEF_SPREAD, 94, 102, 0, 2, 0},
    {CME_DEF_FIXED, 86, 94, 135, 4, 0},      {CME_DEF_REPO, 86, 94, 132, 4, 0},
    {CME_DEF_FX, 89, 97, 136, 4, 0},
};

static const struct {
    uint8_t form;
    char value;
    uint8_t since;
    const char *name;
} NAMES[] = {
    {CME_ACTION, 0, 0, "New"},
    {CME_ACTION, 1, 0, "Change"},
    {CME_ACTION, 2, 0, "Delete"},
    {CME_ACTION, 3, 0, "DeleteThru"},
    {CME_ACTION, 4, 0, "DeleteFrom"},
    {CME_ACTION, 5, 0, "Overlay"},

    {CME_TYPE_BOOK, '0', 0, "Bid"},
    {CME_TYPE_BOOK, '1', 0, "Offer"},
    {CME_TYPE_BOOK, 'E', 0, "ImpliedBid"},
    {CME_TYPE_BOOK, 'F', 0, "ImpliedOffer"},
    {CME_TYPE_BOOK, 'J', 0, "BookReset"},
    {CME_TYPE_BOOK, 'w', 12, "MarketBestOffer"},
    {CME_TYPE_BOOK, 'x', 12, "MarketBestBid"},

    {CME_TYPE_DAILY, '6', 0, "SettlementPrice"},
    {CME_TYPE_DAILY, 'B', 0, "ClearedVolume"},
    {CME_TYPE_DAILY, 'C', 0, "OpenInterest"},
    {CME_TYPE_DAILY, 'W', 0, "FixingPrice"},

    {CME_TYPE_STATS, '4', 0, "OpenPrice"},
    {CME_TYPE_STATS, '7', 0, "HighTrade"},
    {CME_TYPE_STATS, '8', 0, "LowTrade"},
    {CME_TYPE_STATS, '9', 10, "VWAP"},
    {CME_TYPE_STATS, 'N', 0, "HighestBid"},
    {CME_TYPE_STATS, 'O', 0, "LowestOffer"},

    {CME_TYPE_ANY, '0', 0, "Bid"},
    {CME_TYPE_ANY, '1', 0, "Offer"},
    {CME_TYPE_ANY, '2', 0, "Trade"},
    {CME_TYPE_ANY, '4', 0, "OpenPrice"},
    {CME_TYPE_ANY, '6', 0, "SettlementPrice"},
    {CME_TYPE_ANY, '7', 0, "TradingSessionHighPrice"},
    {CME_TYPE_ANY, '8', 0, "TradingSessionLowPrice"},
    {CME_TYPE_ANY, '9', 10, "VWAP"},
    {CME_TYPE_ANY, 'B', 0, "ClearedVolume"},
    {CME_TYPE_ANY, 'C', 0, "OpenInterest"},
    {CME_TYPE_ANY, 'E', 0, "ImpliedBid"},
    {CME_TYPE_ANY, 'F', 0, "ImpliedOffer"},
    {CME_TYPE_ANY, 'J', 0, "BookReset"},
    {CME_TYPE_ANY, 'N', 0, "SessionHighBid"},
    {CME_TYPE_ANY, 'O', 0, "SessionLowOffer"},
    {CME_TYPE_ANY, 'W', 0, "FixingPrice"},
    {CME_TYPE_ANY, 'e', 0, "ElectronicVolume"},
    {CME_TYPE_ANY, 'g', 0, "ThresholdLimitsandPriceBandVariation"},
    {CME_TYPE_ANY, 'w', 12, "MarketBestOffer"},
    {CME_TYPE_ANY, 'x', 12, "MarketBestBid"},
};
// clang-format on

const char *const cme_event_names[8] = {"LastTradeMsg",   "LastVolumeMsg", "LastQuoteMsg", "LastStatsMsg",
                                        "LastImpliedMsg", "RecoveryMsg",   "Reserved",     "EndOfEvent"};

const struct cme_definition *cme_definition(unsigned template_id)
{
    for (size_t i = 0; i < sizeof DEFINITIONS / sizeof DEFINITIONS[0]; i++)
        if (DEFINITIONS[i].id == template_id)
            return &DEFINITIONS[i];
    return NULL;
}

const char *cme_enum_name(uint8_t form, int64_t value, unsigned version)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (NAMES[i].form == form && NAMES[i].value == value)
            return version >= NAMES[i].since ? NAMES[i].name : NULL;
    return NULL;
}
