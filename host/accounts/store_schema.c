// SPDX-License-Identifier: Apache-2.0
// Tables of the store. Integers that can exceed 64 bits are canonical decimal TEXT, checked by the schema,
// because SQLite's own integers end at 64 bits and a REAL would round them; in the tables of accounts, which
// may have tens of millions of rows, they are INTEGER where 64 bits hold them.
#include "accounts/store_columns.h"

#include <assert.h>

// clang-format off
static const char CLEAR[] =
    "DROP TABLE IF EXISTS positions; DROP TABLE IF EXISTS accounts; DROP TABLE IF EXISTS tiers;"
    "DROP TABLE IF EXISTS scenarios; DROP TABLE IF EXISTS emodes; DROP TABLE IF EXISTS credits; DROP TABLE IF EXISTS terms; DROP TABLE IF EXISTS instruments; DROP TABLE IF EXISTS assets;";
// Each at most 4095 characters, the standard's limit for a literal.
static const char SCHEMA_MARKET[] =
    "CREATE TABLE assets ("
    " id INTEGER PRIMARY KEY CHECK (id BETWEEN 0 AND 255), name TEXT NOT NULL UNIQUE,"
    " kind TEXT NOT NULL CHECK (kind IN ('mark','index','reciprocal')), source TEXT NOT NULL,"
    " decimals " NAT("decimals", "18") ","
    " base INTEGER REFERENCES assets(id) DEFERRABLE INITIALLY DEFERRED,"
    " stale_ms " NAT("stale_ms", "604800000") ", guard_ppm " NAT("guard_ppm", "999999") ","
    " spread_ppm " NAT("spread_ppm", "10000000") ","
    " CHECK ((kind = 'reciprocal') = (base IS NOT NULL))) STRICT;"
    "CREATE TABLE instruments ("
    " id INTEGER PRIMARY KEY CHECK (id BETWEEN 0 AND 255), name TEXT NOT NULL UNIQUE,"
    " kind TEXT NOT NULL CHECK (kind IN ('linear','inverse','reserve')),"
    " asset INTEGER NOT NULL REFERENCES assets(id), inverse INTEGER REFERENCES assets(id),"
    " size_decimals " NAT("size_decimals", "18") ","
    " currency " MONEY("currency") ", cash_decimals " NAT("cash_decimals", "18") ","
    " fee_ppm " NAT("fee_ppm", "999999") ", penalty_ppm " NAT("penalty_ppm", "999999") ","
    " profit_weight_ppm " NAT("profit_weight_ppm", "1000000") ","
    " lt_bps " NAT("lt_bps", "10000") ", lb_bps " NAT("lb_bps", "20000") ","
    " fee_bps " NAT("fee_bps", "10000") ","
    " emode " NAT("emode", "255") ", emode_lt_bps " NAT("emode_lt_bps", "10000") ","
    " emode_lb_bps " NAT("emode_lb_bps", "20000") ","
    " liquidity_index " WIDE("liquidity_index") ", borrow_index " WIDE("borrow_index") ","
    " liquidity_rate " WIDE("liquidity_rate") ", borrow_rate " WIDE("borrow_rate") ","
    " funding_index " WIDE("funding_index") ", funding_rate " WIDE("funding_rate") ","
    " told_at " NAT("told_at", "17179869183") ","
    " ramp_from_bps " NAT("ramp_from_bps", "10000") ", emode_ramp_from_bps " NAT("emode_ramp_from_bps", "10000") ","
    " ramp_start " NAT("ramp_start", "17179869183") ", ramp_end " NAT("ramp_end", "17179869183") ","
    " grace_until " NAT("grace_until", "17179869183") ","
    " CHECK ((kind = 'inverse') = (inverse IS NOT NULL)),"
    " CHECK ((kind = 'reserve') = (currency = ''))) STRICT;"
    "CREATE TABLE tiers ("
    " instrument INTEGER NOT NULL REFERENCES instruments(id),"
    " tier INTEGER NOT NULL CHECK (tier BETWEEN 0 AND 15),"
    " floor " WIDE("floor") ", rate_ppm INTEGER NOT NULL CHECK (rate_ppm BETWEEN 1 AND 999999),"
    " PRIMARY KEY (instrument, tier)) STRICT, WITHOUT ROWID;";
static const char SCHEMA_ACCOUNTS[] =
    "CREATE TABLE emodes ("
    " instrument INTEGER NOT NULL REFERENCES instruments(id), emode INTEGER NOT NULL CHECK (emode BETWEEN 1 AND 255),"
    " lt_bps " NAT("lt_bps", "10000") ", lb_bps " NAT("lb_bps", "20000") ","
    " PRIMARY KEY (instrument, emode)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE terms ("
    " instrument INTEGER NOT NULL REFERENCES instruments(id), term TEXT NOT NULL, value " WIDE("value") ","
    " PRIMARY KEY (instrument, term)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE scenarios ("
    " scenario INTEGER NOT NULL CHECK (scenario BETWEEN 0 AND 15), name TEXT NOT NULL,"
    " instrument INTEGER NOT NULL REFERENCES instruments(id),"
    " shock_ppm INTEGER NOT NULL CHECK (shock_ppm BETWEEN -1000000 AND 1000000 AND shock_ppm <> 0),"
    " PRIMARY KEY (scenario, instrument)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE accounts ("
    " id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 4294967295), name TEXT NOT NULL, rule TEXT NOT NULL,"
    " currency " MONEY("currency") ", cash_decimals " NAT("cash_decimals", "18") ","
    " cash " ANY_WIDE("cash") ", emode " NAT("emode", "255") ", epoch " NAT("epoch", "4294967295") ","
    " state1 " OPTIONAL_NAT("state1") ", state2 " OPTIONAL_NAT("state2") ") STRICT;" // NULL: 0, as nearly everywhere
    "CREATE TABLE positions ("
    " account INTEGER NOT NULL REFERENCES accounts(id),"
    " instrument INTEGER NOT NULL REFERENCES instruments(id),"
    " size " ANY_WIDE("size") ", entry " NAT("entry", "9223372036854775807") ","
    " supply " ANY_WIDE("supply") ", debt " ANY_WIDE("debt") ", collateral " NAT("collateral", "1") ","
    // NULL: 0, as nearly everywhere
    " funding " OPTIONAL_WIDE("funding") ", orders " OPTIONAL_NAT("orders") ","
    " bids " OPTIONAL_NAT("bids") ", asks " OPTIONAL_NAT("asks") ","
    " CHECK (supply NOT GLOB '-*' AND debt NOT GLOB '-*'),"
    " PRIMARY KEY (account, instrument)) STRICT, WITHOUT ROWID;"
    "PRAGMA application_id = 1953655152; PRAGMA user_version = 7;";
// clang-format on
static_assert(STORE_APPLICATION_ID == 1953655152 && STORE_SCHEMA_VERSION == 7, "written in SCHEMA as text");

int store_create_tables(struct store *s, struct err *e)
{
    if (store_exec(s, CLEAR, e) || store_exec(s, SCHEMA_MARKET, e) || store_exec(s, SCHEMA_ACCOUNTS, e))
        return -1;
    s->version = STORE_SCHEMA_VERSION;
    return 0;
}
