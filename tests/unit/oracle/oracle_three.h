// SPDX-License-Identifier: Apache-2.0
// An oracle whose asset X has three sources at three venues, each on a stream of its own.
#ifndef TRIPLINE_TEST_ORACLE_THREE_H
#define TRIPLINE_TEST_ORACLE_THREE_H

#include "oracle/oracletest.h"

// X and Y have policies, ALSO the default one; two reciprocals stand around them.
enum { INV_Y = 0, X = 1, Y = 2, ALSO = 3, INV_X = 4, ASSETS = 5 };
enum { BTC = 7, BIP = 7, BTCZ6 = 9 }; // ids; the first two are the same number at two venues
enum { OPEN = INSTRUMENT_OPEN, SHUT = INSTRUMENT_NOT_OPEN };

static inline struct asset mark_asset(const char *name, const char *source)
{
    struct asset a = {.kind = ASSET_MARK, .decimals = 2, .stale_ms = 5000};
    strcpy(a.name, name);
    strcpy(a.source, source);
    return a;
}

static inline void set_market(void)
{
    memset(&m, 0, sizeof m);
    m.n_assets = ASSETS;
    m.asset[INV_Y] = (struct asset){.name = "1/Y", .kind = ASSET_RECIPROCAL, .decimals = 12, .base = Y};
    m.asset[X] = mark_asset("X", "BTC-PERPETUAL");
    m.asset[Y] = mark_asset("Y", "BTC-PERPETUAL");
    m.asset[ALSO] = mark_asset("also", "BTC-PERPETUAL");
    m.asset[INV_X] = (struct asset){.name = "1/X", .kind = ASSET_RECIPROCAL, .decimals = 12, .base = X};
}

static const char THREE[] = "asset X\naggregate median\n"
                            "source deribit BTC-PERPETUAL mark max_age_ms=2000\n"
                            "source cde BIP last max_age_ms=2000\n"
                            "source cme BTCZ6 mid max_age_ms=2000\n";

// Streams: Deribit 1, CDE 2, CME 3.
static inline void define_all(void)
{
    from(VENUE_DERIBIT, 1);
    define(BTC, "BTC-PERPETUAL", OPEN);
    from(VENUE_CDE, 2);
    define(BIP, "BIP", OPEN);
    from(VENUE_CME, 3);
    define(BTCZ6, "BTCZ6", OPEN);
    (void)end();
}

static inline void deribit_says(double mark)
{
    from(VENUE_DERIBIT, 1);
    ticker(BTC, mark, mark, OPEN);
    (void)end();
}

static inline void cde_says(double last)
{
    from(VENUE_CDE, 2);
    trade(BIP, last);
    (void)end();
}

static inline void cme_says(double bid, double ask)
{
    from(VENUE_CME, 3);
    quote_at(BTCZ6, bid, ask, 0);
    (void)end();
}

static inline void three(const char *more)
{
    char text[512];
    (void)snprintf(text, sizeof text, "%s%s", THREE, more);
    open_oracle(text);
    define_all();
    deribit_says(100);
    ck_assert_int_eq(hold(X), HOLD_ABSENT);
    cde_says(101);
    cme_says(101, 103);
    ck_assert_int_eq(hold(X), HOLD_NONE);
}

static inline int64_t price(uint16_t asset)
{
    return oracle_prices(o)[asset];
}

static inline uint32_t live(uint16_t asset)
{
    return oracle_result(o, asset)->live;
}

#endif
