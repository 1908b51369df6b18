// SPDX-License-Identifier: Apache-2.0
// Import: exact amounts, both formats give the same book, and every refusal names file, line and reason and
// changes nothing.
#include <check.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "accounts/decimal.h"
#include "accounts/export.h"
#include "accounts/import_base.h"
#include "accounts/store.h"
#include "base/test_seed.h"
#include "run_suite.h"

static uint64_t seed;
static char dir[] = "/tmp/tripline-import-XXXXXX";

// ---- whole files

START_TEST(test_examples_exact)
{
    const struct market *m = &base.market;
    ck_assert_uint_eq(m->n_assets, 6);
    ck_assert_uint_eq(m->n_instruments, 5);
    ck_assert_uint_eq(m->asset[1].base, 0);
    ck_assert_uint_eq(m->asset[1].stale_ms, 60000);           // its base's
    ck_assert(m->instrument[0].tier[2].floor == 10050000000); // 100.5 BTC
    ck_assert_uint_eq(m->instrument[0].inverse, 1);
    char text[DEC_TEXT_MAX];
    dec_format((i128)m->instrument[4].liquidity_index, 27, text);
    ck_assert_str_eq(text, "1.128447000000000000000000001"); // no double could
    ck_assert_uint_eq(base.n_accounts, 3);
    const struct account *a = &base.account[0];
    ck_assert_uint_eq(a->id, 7);
    ck_assert_str_eq(a->name, "Delta, \"one\"");
    ck_assert(a->cash == 1234560000);
    ck_assert_uint_eq(a->n_positions, 2);
    ck_assert(a->position[0].size == 2500 && a->position[0].entry == 63999999999999);
    ck_assert(a->position[1].size == -2500000 && a->position[1].entry == 11000000);
    a = &base.account[2];
    ck_assert_uint_eq(a->emode, 1);
    ck_assert(a->position[0].supply == (i128)10500000000000000000ull && a->position[0].collateral);
    ck_assert(a->position[1].debt == 12000250000 && !a->position[1].collateral);
}
END_TEST

START_TEST(test_json_equals_csv)
{
    struct book b = {0};
    take("book.json", &b);
    static uint8_t x[MARKET_BYTES_MAX], y[MARKET_BYTES_MAX];
    size_t n = market_encode(&base.market, x, sizeof x);
    ck_assert_uint_eq(market_encode(&b.market, y, sizeof y), n);
    ck_assert_mem_eq(x, y, n);
    ck_assert_uint_eq(b.n_accounts, base.n_accounts);
    for (size_t i = 0; i < b.n_accounts; i++)
        ck_assert(account_equal(&b.account[i], &base.account[i]));
    book_free(&b);
}
END_TEST

struct file {
    const char *name, *text, *error;
};
#define ACC   "account,name,rule,cash,emode,instrument,size,entry,supply,debt,collateral\n"
#define AST   "name,kind,source,decimals,base,stale_ms,guard_ppm\n"
#define SHOCK "scenario,instrument,shock_ppm\n"
#define S1(n) n ",BTC_USDC-PERPETUAL,1\n"
#define S4(n) S1(n "1") S1(n "2") S1(n "3") S1(n "4")
#define INS_W                                                                                                \
    "name,kind,asset,size_decimals,currency,cash_decimals,tiers,fee_ppm,penalty_ppm,profit_weight_ppm\n"
#define INS "name,kind,asset,size_decimals,currency,cash_decimals,tiers,fee_ppm,penalty_ppm\n"
#define CUR "account,rule,currency,cash,instrument,size,entry\n"
#define RES                                                                                                  \
    "name,kind,asset,size_decimals,lt_bps,lb_bps,fee_bps,emode,emode_lt_bps,emode_lb_bps,liquidity_index,"   \
    "borrow_index\n"
#define RES_E                                                                                                \
    "name,kind,asset,size_decimals,lt_bps,lb_bps,fee_bps,emode,emode_lt_bps,emode_lb_bps,liquidity_index,"   \
    "borrow_index,emodes\n"
#define J(list, entry) "{\n\"" list "\": [\n" entry "]}"
static const struct file REFUSED[] = {
    // format
    {"x.txt", "a", "must end in .csv or .json"},
    {"x.csv", "", "x.csv:1: no header"},
    {"x.csv", "# only a comment\n", "x.csv:2: no header"},
    {"x.csv", "foo,bar\n", "x.csv:1: this header is not one of"},
    {"x.csv", "account,rule,colour\n", "x.csv:1: unknown column 'colour'"},
    {"x.csv", "account,rule,id\n", "x.csv:1: unknown column 'id'"},
    {"x.csv", "account,rule,\n", "x.csv:1: unknown column ''"},
    {"x.csv", "account,rule,rule\n", "x.csv:1: column 'rule' occurs twice"},
    {"x.csv", "\n\naccount,rule\n1\n", "x.csv:4: 1 columns, the header has 2"},
    {"x.csv", "account,rule\n1,\"perp\n", "x.csv:2: quoted field without"},
    {"x.json", "[]", "x.json:1: an object with assets"},
    {"x.json", "{\"assets\": [],\n \"acounts\": []}", "x.json:2: unknown name 'acounts'"},
    {"x.json", "{\"accounts\": {}}", "x.json:1: accounts: a list"},
    {"x.json", "{\"accounts\":\n [7]}", "x.json:2: an object { } was expected"},
    {"x.json", J("accounts", "{\"id\": 1,\n \"role\": 2}"), "x.json:4: unknown name 'role'; known: id name"},
    {"x.json", J("accounts", "{\"id\": [1]}"), "x.json:3: id: a number or text was expected"},
    {"x.json", J("accounts", "{\"id\": 1, \"rule\": \"aave-3.5\", \"positions\": {}}"), "positions: a list"},
    {"x.json", "{\"accounts\": [\n{\"id\": 1},\n\n]}", "x.json:4: a value was expected"},
    // assets
    {"x.csv", AST "X,mark,X,9,,60000,0\nX,mark,X,9,,60000,0\n",
     "x.csv:3: asset X is defined twice (first in line 2)"},
    {"x.csv", AST "X,future,X,9,,60000,0\n", "x.csv:2: kind 'future' is not one of mark, index, reciprocal"},
    {"x.csv", AST "X,mark,X,19,,60000,0\n", "x.csv:2: decimals must be 0 to 18"},
    {"x.csv", AST "X,mark,X,9,,,0\n", "x.csv:2: stale_ms is missing"},
    {"x.csv", AST "X,mark,X,9,,60000,1000000\n", "x.csv:2: guard_ppm must be 0 to 999999"},
    {"x.csv", AST "X,mark,,9,,60000,0\n", "x.csv:2: source is missing"},
    {"x.csv", AST "X Y,mark,X,9,,60000,0\n", "x.csv:2: name 'X Y'"},
    {"x.csv", AST "a-name-of-more-than-thirty-one-chars,mark,X,9,,60000,0\n", "x.csv:2: name 'a-name"},
    {"x.csv", AST "X,mark,a-name-of-more-than-thirty-one-chars,9,,60000,0\n", "x.csv:2: source 'a-name"},
    {"x.csv", AST "X,mark,X,9,eth_usd,60000,0\n", "x.csv:2: only a reciprocal has a base"},
    {"x.csv", AST "1/X,reciprocal,,18,X,,\n", "x.csv:2: base: there is no asset 'X'"},
    {"x.csv", AST "1/X,reciprocal,,18,1/BTC-PERPETUAL,,\n", "x.csv:2: base must be a mark or index asset"},
    {"x.csv", AST "1/X,reciprocal,eth,18,eth_usd,,\n",
     "x.csv:2: asset 1/X: a reciprocal has a base, not a source"},
    {"x.csv", AST "eth_usd,index,eth_usd,9,,60000,0\n",
     "x.csv:2: asset eth_usd is in the store with another"},
    // instruments
    {"x.csv", INS "X,linear,nope,0,USDC,6,0:10000,1,1\n", "x.csv:2: asset: there is no asset 'nope'"},
    {"x.csv", INS "X,option,eth_usd,0,USDC,6,0:10000,1,1\n",
     "x.csv:2: kind 'option' is not one of linear, inverse, reserve"},
    {"x.csv", INS "X,linear,eth_usd,0,USDC,6,,1,1\n",
     "x.csv:2: instrument X: needs 1 to 16 maintenance tiers"},
    {"x.csv", INS "X,linear,eth_usd,0,USDC,6,5:10000,1,1\n",
     "x.csv:2: instrument X: the first tier's floor must be 0"},
    {"x.csv", INS "X,linear,eth_usd,0,USDC,6,0:10000;5:9000,1,1\n",
     "x.csv:2: instrument X: tier 2: floors and rates"},
    {"x.csv", INS "X,linear,eth_usd,0,USDC,6,0:10000;5:,1,1\n", "x.csv:2: rate_ppm is missing"},
    {"x.csv", INS "X,linear,eth_usd,0,USDC,6,0;5:10000,1,1\n", "x.csv:2: tiers: floor:rate_ppm pairs"},
    {"x.csv", INS "X,linear,eth_usd,0,USDC,6,0:10000;1.0000001:20000,1,1\n",
     "x.csv:2: floor: '1.0000001' has more than 6"},
    {"x.csv", INS "X,linear,eth_usd,0,USDC,6,0:10000,1,\n", "x.csv:2: penalty_ppm is missing"},
    {"x.csv", INS "X,linear,eth_usd,0,USDC,,0:10000,1,1\n", "x.csv:2: cash_decimals is missing"},
    {"x.csv", INS "X,inverse,eth_usd,0,BTC,8,0:10000,1,1\n",
     "x.csv:2: an inverse perpetual needs an asset of kind recip"},
    {"x.csv", INS "X,linear,1/BTC-PERPETUAL,0,USDC,6,0:10000,1,1\n",
     "x.csv:2: instrument X: asset must be a mark or index"},
    {"x.csv", INS "X,linear,eth_usd,0,USDC,6,0:1,1,1\nX,linear,eth_usd,0,USDC,6,0:1,1,1\n",
     "x.csv:3: instrument X is defined twice"},
    {"x.csv", INS "X,reserve,eth_usd,18,,6,,,\n", "x.csv:2: cash_decimals does not apply to a reserve"},
    {"x.csv", INS "WETH,linear,eth_usd,18,USDC,6,0:10000,1,1\n",
     "x.csv:2: instrument WETH is in the store with another"},
    {"x.csv", INS "BTC_USDC-PERPETUAL,linear,BTC_USDC-PERPETUAL,3,USDC,6,0:10000,1,1\n",
     "is in the store with another kind, asset"},
    {"x.csv", INS "X,linear,eth_usd,0,,6,0:10000,1,1\n", "x.csv:2: currency is missing"},
    {"x.csv", INS "X,linear,eth_usd,0,usdc,6,0:10000,1,1\n", "x.csv:2: currency 'usdc' must be 1 to 7 upper"},
    {"x.csv", INS "X,linear,eth_usd,0,TOOLONGX,6,0:10000,1,1\n", "x.csv:2: currency 'TOOLONGX' must be"},
    {"x.csv", INS "X,reserve,eth_usd,18,USDC,,,,\n", "x.csv:2: currency does not apply to a reserve"},
    {"x.csv", INS "X,linear,eth_usd,0,USDC,8,0:10000,1,1\n",
     "x.csv:2: instrument X: cash_decimals of USDC are 8, but 6 for instrument BTC_USDC-PERPETUAL"},
    {"x.csv", INS "BTC_USDC-PERPETUAL,linear,BTC_USDC-PERPETUAL,4,USDT,6,0:10000,1,1\n",
     "x.csv:2: instrument BTC_USDC-PERPETUAL is in the store with another kind, asset, currency"},
    {"x.json",
     J("instruments",
       "{\"name\": \"X\", \"kind\": \"linear\", \"asset\": \"eth_usd\", \"size_decimals\": 0,\n"
       "\"cash_decimals\": 6, \"fee_ppm\": 1, \"penalty_ppm\": 1,\n"
       "\"tiers\": [\n{\"floor\": 0, \"rate_ppm\": 1}]}"),
     "x.json:3: currency is missing"},
    {"x.csv", RES "X,reserve,eth_usd,18,8000,,1000,,,,1,1\n", "x.csv:2: lb_bps is missing"},
    {"x.csv", RES "X,reserve,eth_usd,18,8000,9999,1000,,,,1,1\n", "x.csv:2: instrument X: lb_bps must be"},
    {"x.csv", RES "X,reserve,eth_usd,18,10001,10500,1000,,,,1,1\n", "x.csv:2: lt_bps must be 0 to 10000"},
    {"x.csv", RES "X,reserve,eth_usd,18,8000,10500,1000,,,,0.9,1\n",
     "x.csv:2: instrument X: liquidity_index and borrow"},
    {"x.csv", RES "X,reserve,eth_usd,18,8000,10500,1000,1,,,1,1\n", "x.csv:2: emode_lt_bps is missing"},
    {"x.csv", RES "X,reserve,eth_usd,18,8000,10500,1000,,9000,10100,1,1\n",
     "x.csv:2: instrument X: eMode parameters without"},
    {"x.csv", RES_E "X,reserve,eth_usd,18,8000,10500,1000,1,9000,10100,1,1,2:9000\n",
     "x.csv:2: emodes: emode:lt_bps:lb_bps triples"},
    {"x.csv", RES_E "X,reserve,eth_usd,18,8000,10500,1000,1,9000,10100,1,1,1:9000:10100\n",
     "x.csv:2: instrument X: eMode category 1: categories are"},
    {"x.csv", RES_E "X,reserve,eth_usd,18,8000,10500,1000,1,9000,10100,1,1,2:9000:10100;2:9000:10100\n",
     "x.csv:2: instrument X: eMode category 2: categories are"},
    {"x.csv", RES_E "X,reserve,eth_usd,18,8000,10500,1000,1,9000,10100,1,1,0:9000:10100\n",
     "x.csv:2: instrument X: eMode category 0: categories are"},
    {"x.csv", RES_E "X,reserve,eth_usd,18,8000,10500,1000,1,9000,10100,1,1,2:9000:9999\n",
     "x.csv:2: instrument X: eMode category 2: lt_bps must"},
    {"x.csv", RES_E "X,reserve,eth_usd,18,8000,10500,1000,,,,1,1,2:9000:10100\n",
     "x.csv:2: instrument X: eMode parameters without"},
    {"x.json",
     J("instruments",
       "{\"name\": \"X\", \"kind\": \"reserve\", \"asset\": \"eth_usd\", \"size_decimals\": 18,"
       "\"lt_bps\": 0, \"fee_bps\": 0, \"liquidity_index\": 1, \"borrow_index\": 1,\n"
       "\"tiers\": [\n{\"floor\": 0, \"rate_ppm\": 1}]}"),
     "x.json:5: tiers do not apply to a reserve"},
    {"x.csv", INS "X,linear,eth_usd,0,USDC,6,0:10000;5:20000;5:30000,1,1\n",
     "x.csv:2: instrument X: tier 3: floors and rates"},
    {"x.csv",
     "name,kind,asset,inverse,size_decimals,currency,cash_decimals,tiers,fee_ppm,penalty_ppm\n"
     "X,inverse,eth_usd,1/BTC-PERPETUAL,0,ETH,8,0:10000,1,1\n",
     "x.csv:2: instrument X: inverse must name the reciprocal of asset eth_usd"},
    {"x.csv", "account,rule\n1,aave-3.5,7\n", "x.csv:2: 3 columns, the header has 2"},
    {"x.csv", INS_W "X,linear,eth_usd,0,USDC,6,0:10000,1,1,1000001\n",
     "x.csv:2: profit_weight_ppm must be 0 to 1000000"},
    {"x.csv", INS_W "BTC-PERPETUAL,inverse,BTC-PERPETUAL,0,BTC,8,0:10000,1,1,5\n",
     "profit_weight_ppm must be 0 to"},
    // scenarios
    {"x.csv", SHOCK "down,nope,-5\n", "x.csv:2: instrument: there is no linear perpetual 'nope'"},
    {"x.csv", SHOCK "down,BTC-PERPETUAL,-5\n",
     "x.csv:2: instrument: there is no linear perpetual 'BTC-PERPETUAL'"},
    {"x.csv", SHOCK "down,WETH,-5\n", "x.csv:2: instrument: there is no linear perpetual 'WETH'"},
    {"x.csv", SHOCK "down,BTC_USDC-PERPETUAL,0\n", "x.csv:2: shock_ppm must be within 1000000, and not 0"},
    {"x.csv", SHOCK "down,BTC_USDC-PERPETUAL,1000001\n", "x.csv:2: shock_ppm must be within"},
    {"x.csv", SHOCK "down,BTC_USDC-PERPETUAL,-1000001\n", "x.csv:2: shock_ppm must be within"},
    {"x.csv", SHOCK "down,BTC_USDC-PERPETUAL,1.5\n", "x.csv:2: shock_ppm: '1.5' has more than 0 decimals"},
    {"x.csv", SHOCK "down,BTC_USDC-PERPETUAL,\n", "x.csv:2: shock_ppm is missing"},
    {"x.csv", SHOCK ",BTC_USDC-PERPETUAL,1\n", "x.csv:2: scenario is missing"},
    {"x.csv", SHOCK "a b,BTC_USDC-PERPETUAL,1\n", "x.csv:2: scenario 'a b'"},
    {"x.csv", SHOCK "down,BTC_USDC-PERPETUAL,1\ndown,BTC_USDC-PERPETUAL,1\n",
     "x.csv:3: scenario down shocks BTC_USDC-PERPETUAL twice"},
    {"x.csv", SHOCK S4("a") S4("b") S4("c") S4("d") "more,BTC_USDC-PERPETUAL,1\n",
     "x.csv:18: more than 16 scenarios"},
    {"x.csv", "scenario,instrument,shock_ppm,asset\n", "x.csv:1: unknown column 'asset'"},
    {"x.json", J("scenarios", "{\"scenario\": \"s\", \"instrument\": \"X\", \"shock\": 1}"),
     "unknown name 'shock'; known: scenario instrument shock_ppm"},
    // accounts
    {"x.csv", ACC "0,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n", "x.csv:2: account id must be 1 to"},
    {"x.csv", ACC "4294967296,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n",
     "x.csv:2: id must be 0 to 4294967295"},
    {"x.csv", ACC "-1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n", "x.csv:2: id must be 0 to"},
    {"x.csv", ACC "1.5,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n",
     "x.csv:2: id: '1.5' has more than 0 decimals"},
    {"x.csv", ACC ",,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n", "x.csv:2: id is missing"},
    {"x.csv", ACC "1,,,1,,BTC_USDC-PERPETUAL,1,1,,,\n", "x.csv:2: rule is missing"},
    {"x.csv", ACC "1,,perp-9,1,,BTC_USDC-PERPETUAL,1,1,,,\n",
     "x.csv:2: unknown rule 'perp-9'; known: perp-linear-1"},
    {"x.csv", ACC "1,,perp-linear-1,1,,NOPE,1,1,,,\n", "x.csv:2: there is no instrument 'NOPE'"},
    {"x.csv", ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,0.00001,1,,,\n",
     "x.csv:2: size: '0.00001' has more than 4"},
    {"x.csv", ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,0,1,,,\n", "x.csv:2: size must not be 0"},
    {"x.csv", ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,,1,,,\n", "x.csv:2: size is missing"},
    {"x.csv", ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,,,,\n", "x.csv:2: entry is missing"},
    {"x.csv", ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,-3,,,\n", "x.csv:2: entry is out of range"},
    {"x.csv", ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,10000000000,,,\n",
     "x.csv:2: entry is out of range"},
    {"x.csv", ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,5,,\n",
     "x.csv:2: supply does not apply to a perpetual"},
    {"x.csv", ACC "1,,perp-linear-1,1.0000001,,BTC_USDC-PERPETUAL,1,1,,,\n",
     "x.csv:2: cash: '1.0000001' has more than 6"},
    {"x.csv", ACC "1,,perp-linear-1,5,256,BTC_USDC-PERPETUAL,1,1,,,\n", "x.csv:2: emode must be 0 to 255"},
    {"x.csv", ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n1,,,,,BTC_USDC-PERPETUAL,2,1,,,\n",
     "x.csv:3: account 1: a second position in BTC_USDC-PERPETUAL"},
    {"x.csv",
     ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n2,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n"
         "1,,,2,,PEPE_USDC-PERPETUAL,2,1,,,\n",
     "x.csv:4: account 1: cash '2' differs from line 2"},
    {"x.csv",
     ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n1,late name,,,,PEPE_USDC-PERPETUAL,2,1,,,\n",
     "x.csv:3: account 1: name 'late name' differs from line 2"},
    {"x.csv", ACC "1,a name that is longer than it may be,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n",
     "x.csv:2: name 'a name"},
    {"x.csv", ACC "1,,aave-3.5,,,WETH,1,,1,,true\n", "x.csv:2: size does not apply to a reserve"},
    {"x.csv", ACC "1,,aave-3.5,,,WETH,,,1,,\n", "x.csv:2: collateral is missing"},
    {"x.csv", ACC "1,,aave-3.5,,,WETH,,,1,,maybe\n", "x.csv:2: collateral must be true or false"},
    {"x.csv", ACC "1,,aave-3.5,,,WETH,,,0,0,true\n", "x.csv:2: supply or debt must be above 0"},
    {"x.csv", ACC "1,,aave-3.5,,,WETH,,,1,-1,true\n", "x.csv:2: supply or debt must be above 0"},
    {"x.csv", ACC "1,,aave-3.5,5,,WETH,,,1,,true\n", "x.csv:2: account 1 has cash but no perpetual"},
    // currencies
    {"x.csv", CUR "1,perp-inverse-1,BTC,1,BTC-PERPETUAL,1,1\n1,,,,ETH-PERPETUAL,1,1\n",
     "x.csv:3: account 1: ETH-PERPETUAL settles in ETH, the account's currency is BTC (line 2)"},
    {"x.csv",
     CUR "1,perp-inverse-1,,1,BTC-PERPETUAL,1,1\n2,perp-inverse-1,,1,BTC-PERPETUAL,1,1\n"
         "1,,,,ETH-PERPETUAL,1,1\n",
     "x.csv:4: account 1: ETH-PERPETUAL settles in ETH, its other positions in BTC"},
    {"x.csv", CUR "1,perp-inverse-1,ETH,1,BTC-PERPETUAL,1,1\n",
     "x.csv:2: account 1: BTC-PERPETUAL settles in BTC, the account's currency is ETH"},
    {"x.csv", CUR "1,perp-inverse-1,BTC,1,BTC-PERPETUAL,1,1\n1,,ETH,,ETH-PERPETUAL,1,1\n",
     "x.csv:3: account 1: currency 'ETH' differs from line 2"},
    {"x.csv", CUR "1,perp-inverse-1,,1,BTC-PERPETUAL,1,1\n1,,BTC,,,,\n",
     "x.csv:3: account 1: currency 'BTC' differs from line 2"},
    {"x.csv", CUR "1,perp-linear-1,usdc,1,BTC_USDC-PERPETUAL,1,1\n", "x.csv:2: currency 'usdc' must be"},
    {"x.csv", CUR "1,perp-linear-1,,5,,,\n",
     "x.csv:2: account 1 has cash but no perpetual that says its currency"},
    {"x.csv", CUR "1,perp-linear-1,EUR,5,,,\n",
     "x.csv:2: account 1: no perpetual settles in EUR: give cash_decimals"},
    {"x.csv", CUR "1,aave-3.5,USDC,,,,\n",
     "x.csv:2: account 1: a lending account has no settlement currency"},
    {"x.json",
     J("accounts", "{\"id\": 5, \"rule\": \"perp-inverse-1\", \"positions\": [\n"
                   "{\"instrument\": \"BTC-PERPETUAL\", \"size\": 1, \"entry\": 1},\n"
                   "{\"instrument\": \"ETH-PERPETUAL\", \"size\": 1, \"entry\": 1}]}"),
     "x.json:5: account 5: ETH-PERPETUAL settles in ETH, its other positions in BTC"},
    // through the rule's own validation
    {"x.csv", ACC "\n1,,perp-linear-1,1,,BTC-PERPETUAL,1,1,,,\n",
     "x.csv:3: account 1: instrument BTC-PERPETUAL is not a linear"},
    {"x.csv", ACC "1,,perp-inverse-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n",
     "x.csv:2: account 1: instrument BTC_USDC-PERPETUAL is not"},
    {"x.csv", ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n1,,,,,BTC-PERPETUAL,2,1,,,\n",
     "x.csv:3: account 1: BTC-PERPETUAL settles in BTC, its other positions in USDC"},
    {"x.csv", ACC "1,,aave-3.5,,,BTC_USDC-PERPETUAL,1,1,,,\n", "x.csv:2: account 1: "},
    {"x.json", J("accounts", "{\"id\": 5, \"rule\": \"aave-3.5\"},\n{\"id\": 5, \"rule\": \"aave-3.5\"}"),
     "x.json:4: account 5 occurs twice (first in line 3)"},
    {"x.json",
     J("accounts",
       "{\"id\": 5, \"rule\": \"aave-3.5\", \"positions\": [\n{\"instrument\": \"WETH\", \"supply\": 1}]}"),
     "x.json:4: collateral is missing"},
};

// A second inverse coin of the same decimals: what tells it from the first is its currency alone.
static void add_eth_inverse(struct market *m)
{
    unsigned a = m->n_assets, i = m->n_instruments;
    m->asset[a] = m->asset[0];
    m->asset[a + 1] = m->asset[1];
    m->asset[a + 1].base = (uint16_t)a;
    m->instrument[i] = m->instrument[0];
    m->instrument[i].asset = (uint16_t)a;
    m->instrument[i].inverse = (uint16_t)(a + 1);
    memcpy(m->instrument[i].currency, "ETH", 4);
    (void)snprintf(m->asset[a].name, NAME_LEN, "ETH-PERPETUAL");
    (void)snprintf(m->asset[a + 1].name, NAME_LEN, "1/ETH-PERPETUAL");
    (void)snprintf(m->instrument[i].name, NAME_LEN, "ETH-PERPETUAL");
    m->n_assets = (uint16_t)(a + 2);
    m->n_instruments = (uint16_t)(i + 1);
    struct err e = {""};
    ck_assert_msg(market_check(m, &e) == 0, "%s", e.msg);
}

START_TEST(test_refused)
{
    const struct file *f = &REFUSED[_i];
    add_eth_inverse(&base.market);
    size_t len = strlen(f->text);
    char *text = malloc(len + 1);
    struct book *out = malloc(sizeof *out);
    struct err e = {""};
    memcpy(text, f->text, len);
    ck_assert_int_eq(import_text(f->name, text, len, &base, out, &e), -1);
    ck_assert_msg(strstr(e.msg, f->error) != NULL, "expected '%s' in: %s", f->error, e.msg);
    ck_assert_ptr_null(out->account);
    free(text);
    free(out);
}
END_TEST

static int import_string(const char *name, const char *content, const struct book *on, struct book *out,
                         struct err *e)
{
    size_t len = strlen(content);
    char *text = malloc(len + 1);
    memcpy(text, content, len);
    int rc = import_text(name, text, len, on, out, e);
    free(text);
    return rc;
}

// Where an account's currency comes from: its perpetuals, or what is given where it has none.
// Scenarios and weights: added to a store, replaced as a whole, written out and read again.
START_TEST(test_scenarios)
{
    static const char FIRST[] = SHOCK "down,BTC_USDC-PERPETUAL,-150000\nup,PEPE_USDC-PERPETUAL,1000000\n"
                                      "down,PEPE_USDC-PERPETUAL,-1000000\n";
    static const char SECOND[] = SHOCK "down,PEPE_USDC-PERPETUAL,7\n";
    static uint8_t x[MARKET_BYTES_MAX], y[MARKET_BYTES_MAX];
    struct book a = {0}, b = {0}, c = {0}, none = {0};
    struct err e = {""};
    ck_assert_msg(import_text("a.csv", FIRST, sizeof FIRST - 1, &base, &a, &e) >= 0, "%s", e.msg);
    const struct market *m = &a.market;
    int btc = market_instrument(m, "BTC_USDC-PERPETUAL"), pepe = market_instrument(m, "PEPE_USDC-PERPETUAL");
    ck_assert_uint_eq(m->n_scenarios, 2);
    ck_assert_str_eq(m->scenario[0].name, "down");
    ck_assert(m->scenario[0].shock_ppm[btc] == -150000 && m->scenario[0].shock_ppm[pepe] == -1000000);
    ck_assert(m->scenario[1].shock_ppm[btc] == 0 && m->scenario[1].shock_ppm[pepe] == 1000000);
    ck_assert_msg(import_text("b.csv", SECOND, sizeof SECOND - 1, &a, &b, &e) >= 0, "%s", e.msg);
    ck_assert_uint_eq(b.market.n_scenarios, 2);
    ck_assert(b.market.scenario[0].shock_ppm[btc] == 0 && b.market.scenario[0].shock_ppm[pepe] == 7);
    ck_assert(b.market.scenario[1].shock_ppm[pepe] == 1000000);
    a.market.instrument[btc].profit_weight_ppm = 900000;
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    ck_assert_int_eq(book_export(&a, f), 0);
    fclose(f);
    ck_assert_msg(import_text("c.json", text, len, &none, &c, &e) >= 0, "%s", e.msg);
    size_t n = market_encode(&a.market, x, sizeof x);
    ck_assert_uint_eq(market_encode(&c.market, y, sizeof y), n);
    ck_assert_mem_eq(x, y, n);
    free(text);
    book_free(&a);
    book_free(&b);
    book_free(&c);
}
END_TEST

START_TEST(test_currencies)
{
    struct book out;
    struct err e = {""};
    ck_assert_str_eq(base.market.instrument[0].currency, "BTC");
    ck_assert_str_eq(base.market.instrument[3].currency, "");
    ck_assert_str_eq(base.account[0].currency, "USDC");
    ck_assert_str_eq(base.account[1].currency, "BTC");
    ck_assert_str_eq(base.account[2].currency, "");
    add_eth_inverse(&base.market);
    ck_assert_msg(import_string("x.csv",
                                CUR "1,perp-inverse-1,,1,ETH-PERPETUAL,1,1\n2,perp-inverse-1,ETH,1,,,\n"
                                    "3,perp-linear-1,,,,,\n4,perp-inverse-1,BTC,1,BTC-PERPETUAL,1,1\n",
                                &base, &out, &e) == 4,
                  "%s", e.msg);
    static const char *const want[] = {"ETH", "ETH", "", "BTC"};
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_str_eq(out.account[i].currency, want[i]);
        ck_assert(out.account[i].cash == (i == 2 ? 0 : 100000000)); // decimals come with the currency
    }
    // Both checks of a finished account name both currencies: the structure's and the rule's own.
    struct account a = out.account[0];
    memcpy(a.currency, "BTC", 4);
    ck_assert_int_eq(account_check(&out.market, &a, &e), -1);
    ck_assert_str_eq(e.msg, "account 1: ETH-PERPETUAL settles in ETH, the account's cash is in BTC");
    a = out.account[3]; // 4: a second position, in the other coin
    a.position[a.n_positions] = out.account[0].position[0];
    a.n_positions++;
    ck_assert_int_eq(account_check(&out.market, &a, &e), -1);
    ck_assert_str_eq(e.msg, "account 4: ETH-PERPETUAL settles in ETH, the account's cash is in BTC");
    ck_assert_int_eq(a.rule->validate(&out.market, &a, &e), -1);
    ck_assert_str_eq(e.msg,
                     "account 4: instrument ETH-PERPETUAL settles in ETH, the account's cash is in BTC");
    memset(a.currency, 0, sizeof a.currency);
    ck_assert_int_eq(account_check(&out.market, &a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "no currency"));
    memcpy(a.currency, "btc", 4);
    ck_assert_int_eq(account_check(NULL, &a, &e), -1);
    memset(a.currency, 'B', sizeof a.currency); // not terminated
    ck_assert_int_eq(account_check(NULL, &a, &e), -1);
    book_free(&out);
}
END_TEST

START_TEST(test_too_many_positions)
{
    struct book b = {0}, out;
    struct err e = {""};
    size_t size = 1 << 16, n = 0;
    char *text = malloc(size);
    memcpy(&b.market, &base.market, sizeof b.market);
    for (unsigned i = b.market.n_instruments; i < 80; i++) {
        b.market.instrument[i] = b.market.instrument[2];
        (void)snprintf(b.market.instrument[i].name, NAME_LEN, "X-%u", i);
    }
    b.market.n_instruments = 80;
    n += (size_t)snprintf(text, size, "account,rule,instrument,size,entry\n");
    for (unsigned i = 79; i > 79 - 65; i--)
        n += (size_t)snprintf(text + n, size - n, "1,perp-linear-1,X-%u,1,1\n", i);
    ck_assert_int_eq(import_text("x.csv", text, n, &b, &out, &e), -1);
    ck_assert_msg(strstr(e.msg, "x.csv:66: account 1: more than 64 positions") != NULL, "%s", e.msg);
    free(text);
}
END_TEST

// ---- merging and stores
// --------------------------------------------------------------------------------------

START_TEST(test_merge)
{
    struct book out;
    struct err e = {""};
    // Account 7 changes, 8 is new, 9 and 11 stay.
    ck_assert_int_eq(import_string("x.csv",
                                   ACC "8,new,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,60000,,,\n"
                                       "7,,perp-linear-1,99,,BTC_USDC-PERPETUAL,1,60000,,,\n",
                                   &base, &out, &e),
                     2);
    ck_assert_uint_eq(out.n_accounts, 4);
    ck_assert_uint_eq(out.account[0].id, 7);
    ck_assert(out.account[0].cash == 99000000);
    ck_assert_uint_eq(out.account[0].n_positions, 1);
    ck_assert_uint_eq(out.account[0].epoch, 1); // a new state
    ck_assert_uint_eq(out.account[1].id, 8);
    ck_assert_uint_eq(out.account[1].epoch, 0);
    ck_assert(account_equal(&out.account[2], &base.account[1]));
    ck_assert(account_equal(&out.account[3], &base.account[2]));
    // The same file again changes nothing, so it is no new state.
    struct book again;
    ck_assert_int_eq(
        import_string("x.csv", ACC "7,,perp-linear-1,99,,BTC_USDC-PERPETUAL,1,60000,,,\n", &out, &again, &e),
        1);
    ck_assert_uint_eq(again.account[0].epoch, 1);
    book_free(&again);
    book_free(&out);
    // Parameters of an instrument may change, and accounts of the store are judged by the new ones.
    ck_assert_int_eq(import_string("x.csv",
                                   INS "BTC_USDC-PERPETUAL,linear,BTC_USDC-PERPETUAL,4,USDC,6,0:20000,1,2\n",
                                   &base, &out, &e),
                     0);
    ck_assert_uint_eq(out.n_accounts, 3);
    ck_assert_uint_eq(out.market.instrument[1].tier[0].rate_ppm, 20000);
    ck_assert_uint_eq(out.market.instrument[1].n_tiers, 1);
    book_free(&out);
    ck_assert_int_eq(
        import_string("x.csv",
                      INS "BTC_USDC-PERPETUAL,linear,BTC_USDC-PERPETUAL,4,USDC,6,0:20000,600000,600000\n",
                      &base, &out, &e),
        -1);
    ck_assert_msg(strstr(e.msg, "an account of the store does not fit") != NULL, "%s", e.msg);
}
END_TEST

// Ids of every kind of spacing, each named twice and far apart: found again whatever else shares its place in
// the hash.
START_TEST(test_many_accounts)
{
    enum { N = 4000 };
    static uint32_t id[N];
    struct prng r;
    struct book out;
    struct err e = {""};
    size_t size = (size_t)N * 2 * 64, n = 0;
    char *text = malloc(size);
    prng_seed(&r, seed + 5);
    for (unsigned i = 0; i < N; i++) // strictly ascending, so distinct
        id[i] = _i == 0   ? 100 + i
                : _i == 1 ? (i + 1) << 16
                          : i * 1000000 + 100 + (uint32_t)prng_below(&r, 999000);
    n += (size_t)snprintf(text, size, "account,rule,cash,instrument,size,entry\n");
    for (unsigned half = 0; half < 2; half++)
        for (unsigned i = 0; i < N; i++)
            n += (size_t)snprintf(text + n, size - n, "%u,perp-linear-1,%u,%s,1,1\n", id[i], i,
                                  half ? "BTC_USDC-PERPETUAL" : "PEPE_USDC-PERPETUAL");
    ck_assert_msg(import_text("x.csv", text, n, &base, &out, &e) == N, "%s", e.msg);
    ck_assert_uint_eq(out.n_accounts, N + 3);
    for (unsigned i = 0; i < N; i++) { // the store's three come first
        const struct account *a = &out.account[i + 3];
        ck_assert(a->id == id[i] && a->n_positions == 2 && a->cash == (i128)i * 1000000);
    }
    book_free(&out);
    free(text);
}
END_TEST

START_TEST(test_store_all_or_nothing)
{
    char db[160], csv[160];
    struct err e = {""};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(db, sizeof db, "%s/s.db", dir);
    (void)snprintf(csv, sizeof csv, "%s/x.csv", dir);
    // A first import that fails leaves no file behind.
    write_text(csv, ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n");
    ck_assert_int_eq(store_import(db, csv, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "x.csv:2: there is no instrument"));
    ck_assert_int_ne(access(db, F_OK), 0);
    ck_assert_int_eq(store_import(db, "tests/data/accounts/book.json", &e), 3);
    uint64_t before = fingerprint(db);
    // Two good accounts before a bad one: none is taken, the file is not touched.
    write_text(
        csv,
        ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n2,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n"
            "3,,perp-linear-1,1,,BTC_USDC-PERPETUAL,x,1,,,\n");
    ck_assert_int_eq(store_import(db, csv, &e), -1);
    ck_assert_msg(strstr(e.msg, "x.csv:4: size: 'x' is not a number") != NULL, "%s", e.msg);
    ck_assert(fingerprint(db) == before);
    ck_assert_int_eq(store_import(db, "/nonexistent/y.csv", &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "/nonexistent/y.csv: No such file"));
    ck_assert_int_eq(store_import(db, dir, &e), -1);
    struct book b;
    ck_assert_int_eq(store_load(db, &b, &e), 0);
    struct account one;
    for (size_t i = 0; i < 3; i++)
        ck_assert(account_equal(book_account(&b, i, &one), &base.account[i]));
    book_free(&b);
    unlink(db);
    unlink(csv);
    rmdir(dir);
}
END_TEST

// A disk that is full in the middle of the transaction.
START_TEST(test_import_disk_full)
{
    char db[160];
    struct err e = {""};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(db, sizeof db, "%s/s.db", dir);
    ck_assert_int_eq(store_import(db, "tests/data/accounts/book.json", &e), 3);
    uint64_t before = fingerprint(db);
    struct rlimit limit = {16384, 16384};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(store_import(db, "tests/data/accounts/book.json", &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, db));
    ck_assert(fingerprint(db) == before);
    unlink(db);
    ck_assert_int_eq(store_import(db, "tests/data/accounts/book.json", &e), -1);
    ck_assert_int_ne(access(db, F_OK), 0);
    ck_assert_int_eq(store_save(db, &base, &e), -1);
    ck_assert_int_ne(access(db, F_OK), 0);
    rmdir(dir);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))

int main(void)
{
    seed = test_seed(20261120);
    Suite *s = suite_create("accounts/import");
    TCase *t = tcase_create("import");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, load_base, free_base);
    tcase_add_test(t, test_examples_exact);
    tcase_add_test(t, test_json_equals_csv);
    tcase_add_loop_test(t, test_refused, 0, COUNT(REFUSED));
    tcase_add_test(t, test_scenarios);
    tcase_add_test(t, test_currencies);
    tcase_add_test(t, test_too_many_positions);
    tcase_add_test(t, test_merge);
    tcase_add_loop_test(t, test_many_accounts, 0, 3);
    tcase_add_test(t, test_store_all_or_nothing);
    tcase_add_test(t, test_import_disk_full);
    suite_add_tcase(s, t);
    return run_suite(s);
}
