// SPDX-License-Identifier: Apache-2.0
// The static market (assets, instruments) and the margin accounts, as every rule, the row compiler, the
// engine and the paper venue see them. Plain data: loaded by store.c, owned by the caller, changed only by
// settlement or a new state from the venue, on one thread.
//
// Units. A price is an int64 in quanta of 10^-decimals of its asset. A position of a perpetual is an integer
// in quanta of 10^-size_decimals; cash is in quanta of 10^-cash_decimals of the account's settlement
// currency. A currency is told by its name alone: BTC and ETH have the same quantum and are not the same
// money. Lending balances are scaled balances (Aave: balance = scaled * index / 1e27) in token units
// 10^-size_decimals. Funding of a perpetual is counted by an index, in FUNDING_DECIMALS decimals of
// settlement currency for one whole unit of size: who holds size while the index rises by x has lost size *
// x. Moments are whole seconds of the Unix epoch, as a chain's blocks tell them.
#ifndef TRIPLINE_ACCOUNTS_ACCOUNT_H
#define TRIPLINE_ACCOUNTS_ACCOUNT_H

#include "accounts/terms.h"

enum {
    NAME_LEN = 32,    // with terminator
    CURRENCY_LEN = 8, // with terminator
    MARKET_ASSETS_MAX = 256,
    MARKET_INSTRUMENTS_MAX = 256,
    ACCOUNT_POSITIONS_MAX = 64,
    TIERS_MAX = 16,
    SCENARIOS_MAX = 16,
    EMODES_MAX = 31, // eMode categories of a reserve beyond its first
    FUNDING_DECIMALS = 18,
    RULE_STATE_WORDS = 2, // below 2^RULE_STATE_BITS each
    RULE_STATE_BITS = 63,
};

// Where an asset's price comes from.
enum asset_source {
    ASSET_MARK = 1,       // mark price of the venue instrument called `source`
    ASSET_INDEX = 2,      // venue index called `source`, e.g. "btc_usd"
    ASSET_RECIPROCAL = 3, // 10^(decimals + base's decimals) / price of asset `base`, rounded to nearest
    ASSET_TOLD = 4,       // a chain's oracle, told as an input of its own (accounts/pair.h); never in a store
};

// One price stream and one device column.
struct asset {
    char name[NAME_LEN];   // unique
    char source[NAME_LEN]; // venue instrument or index name; empty for ASSET_RECIPROCAL
    uint8_t kind;          // enum asset_source
    uint8_t decimals;      // price quantum 10^-decimals, 0..18
    uint16_t base;         // ASSET_RECIPROCAL: index of the asset inverted
    uint32_t stale_ms;     // held when the last price is older than this; 0 = never
    uint32_t guard_ppm;    // held when |mark / index - 1| exceeds this; 0 = no guard
    uint32_t spread_ppm;   // width of its boxes (docs/scale.md); 0 = 1000000; a stablecoin's is less
};

enum instrument_kind {
    INST_LINEAR = 1,  // perpetual margined and settled in the quote currency
    INST_INVERSE = 2, // perpetual sized in quote, settled in base currency
    INST_RESERVE = 3, // lending reserve
};

// Maintenance tier: margin is max over k of (rate_k * N - cum_k), N the position's notional in the settlement
// currency, cum_k = cum_(k-1) + floor_k * (rate_k - rate_(k-1)) (mechanics: convex, so a max of affine
// forms).
struct tier {
    i128 floor;        // notional at which the tier starts, in cash quanta of the settlement currency
    uint32_t rate_ppm; // maintenance rate
};

// A further eMode category in which a reserve is collateral, and its parameters there.
struct emode {
    uint8_t id;              // 1..255
    uint16_t lt_bps, lb_bps; // as of the instrument
};

// What of an instrument moves with time, at one moment or at its worst within a span (accounts/moving.h).
struct instrument_at {
    bool set;                             // else this is as told
    bool grace;                           // reserves: not liquidatable yet
    uint32_t lt_bps, emode_lt_bps;        // of a span: the least
    u128 liquidity_index, borrow_index;   // of a span: the least, the greatest
    u128 liquidity_index_most;            // of a span: the greatest
    u128 borrow_index_binomial;           // as borrow_index, by the formula of Aave up to 3.3
    i128 funding_least, funding_greatest; // of a moment: one value
};

struct instrument {
    char name[NAME_LEN];
    uint8_t kind;                // enum instrument_kind
    uint8_t size_decimals;       // position or token quantum
    uint8_t cash_decimals;       // perpetuals: quantum of the settlement currency, one in all of a market
    char currency[CURRENCY_LEN]; // perpetuals: settlement currency ("USDC", "BTC"); accounts holding it must
                                 // agree. Empty for reserves
    uint16_t asset;              // the price that settles: mark (perpetuals) or reserve price
    uint16_t inverse;            // INST_INVERSE: the reciprocal asset's column (base == asset)
    // perpetuals
    uint16_t n_tiers; // 1..TIERS_MAX, first floor 0, floors and rates ascending
    struct tier tier[TIERS_MAX];
    uint32_t fee_ppm;           // venue's fee on liquidated notional
    uint32_t penalty_ppm;       // liquidation penalty on liquidated notional, to the liquidator
    uint32_t profit_weight_ppm; // INST_LINEAR: what of a position's unrealised profit counts in equity; a
                                // loss counts in full. 1..1000000; 0 = 1000000
    i128 funding_index;         // as told at told_at
    int64_t funding_rate;       // what it rises by in a second since
    // reserves (Aave's names)
    uint32_t lt_bps;       // liquidation threshold
    uint32_t lb_bps;       // liquidation bonus, 10500 = 5 %
    uint32_t fee_bps;      // protocol's share of the bonus
    uint8_t emode;         // eMode category whose parameters follow; 0 none
    uint32_t emode_lt_bps; // used when the account's eMode equals `emode`
    uint32_t emode_lb_bps;
    uint8_t n_emodes; // further ones, Aave v3.2 and later; ascending by id
    struct emode emodes[EMODES_MAX];
    u128 liquidity_index; // RAY, 1e27, as told at told_at
    u128 borrow_index;    // RAY
    u128 liquidity_rate;  // RAY a year, linear since told_at
    u128 borrow_rate;     // RAY a year, compounded since told_at
    // A ramp leads to the thresholds above: linear from these (until ramp_start) to those (from ramp_end). 0:
    // no ramp.
    uint32_t ramp_from_bps, emode_ramp_from_bps;
    uint64_t ramp_start, ramp_end;
    uint64_t grace_until; // no liquidation touches this reserve until after this moment; 0: none
    // all
    struct terms terms; // what single rules know beyond these
    uint64_t told_at;   // when the indexes and rates were told; 0 where nothing moves
    // Made from the above by market_now and market_window; never stored or sent.
    struct instrument_at now, span;
};

struct position {
    uint16_t instrument;
    bool collateral; // reserves: supply enabled as collateral
    uint8_t orders;  // USE_ORDERS: open orders, how many
    int64_t bids;    // and what they would buy and
    i128 size;       // perpetuals: signed, size quanta
    int64_t entry;   // perpetuals: average entry price in quanta of the instrument's asset
    int64_t asks;    // sell, >= 0, size quanta (reserves: token units, 10^-size_decimals)
    i128 supply;     // reserves: scaled supply, >= 0
    i128 debt;       // reserves: scaled variable debt, >= 0
    i128 funding;    // perpetuals: the instrument's funding index up to which funding is settled
    // Rules that say so (rule->uses) keep more in the fields of the other kind.
};

// A scenario of portfolio margin: what becomes of the prices of linear perpetuals, each as a fraction of the
// mark.
struct scenario {
    char name[NAME_LEN];                       // unique
    int32_t shock_ppm[MARKET_INSTRUMENTS_MAX]; // by instrument, -1000000..1000000; 0: the price stays
};

struct rule;

struct account {
    uint32_t id; // unique, > 0, the venue's number
    char name[NAME_LEN];
    const struct rule *rule;
    char currency[CURRENCY_LEN]; // of cash and of every perpetual held; empty for lending accounts, and where
                                 // there is neither cash nor a position
    uint8_t cash_decimals;
    uint8_t emode;
    uint32_t epoch; // number of state changes (fills, deposits) since import
    i128 cash;
    uint64_t rule_state[RULE_STATE_WORDS]; // what its rule remembers of it (docs/rules.md); most: 0
    uint16_t n_positions;                  // sorted by instrument, one per instrument
    struct position position[ACCOUNT_POSITIONS_MAX];
};

// The place of its position in this instrument; n_positions: it has none.
static inline unsigned account_place(const struct account *a, uint16_t instrument)
{
    unsigned i = 0;
    while (i < a->n_positions && a->position[i].instrument != instrument)
        i++;
    return i;
}

// NULL: it has none.
static inline const struct position *account_position(const struct account *a, uint16_t instrument)
{
    unsigned i = account_place(a, instrument);
    return i < a->n_positions ? &a->position[i] : NULL;
}

static inline bool account_remembers(const struct account *a) // does its rule, anything of it?
{
    uint64_t any = 0;
    for (unsigned k = 0; k < RULE_STATE_WORDS; k++)
        any |= a->rule_state[k];
    return any != 0;
}

struct market {
    uint16_t n_assets;
    uint16_t n_instruments;
    uint64_t now_s; // what market_now was called with last; 0: never
    bool lasting; // rows are made to outlast small changes of parameters (rule->shift); never stored or sent
    struct asset asset[MARKET_ASSETS_MAX];
    struct instrument instrument[MARKET_INSTRUMENTS_MAX];
    uint16_t n_scenarios;
    struct scenario scenario[SCENARIOS_MAX];
};

static inline i128 position_orders(const struct position *p) // both sides of what is ordered
{
    return (i128)p->bids + p->asks;
}

// The most that any account of a book has, or ever had, of an instrument: what new parameters are judged by.
// Open orders count twice, for each fill moves a position and what is paid for it.
struct reach {
    bool held;
    uint64_t rules;                            // bit k: held under rule_at(k)
    uint8_t supply_bits, debt_bits, size_bits; // of the magnitudes
    i128 funding_least, funding_most;          // indexes up to which funding is settled
};

// A whole store in memory, its accounts in one of two forms: a plain array (small books, tests), or packed
// (packed.h), which is what store_load gives. Both are reached by book_account and the other functions of
// book.h. `account` is malloc'ed; free with book_free().
struct packed;
struct book {
    struct market market;
    size_t n_accounts;
    struct account *account; // ascending by id; NULL in the packed form
    struct packed *packed;   // NULL in the array form
};
void book_free(struct book *b);

#endif
