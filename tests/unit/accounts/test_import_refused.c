// SPDX-License-Identifier: Apache-2.0
// Files that the import refuses: each is told with file, line and reason, and changes nothing.
#include <check.h>

#include "accounts/import_base.h"
#include "run_suite.h"

struct file {
    const char *name, *text, *error;
};
#define AST   "name,kind,source,decimals,base,stale_ms,guard_ppm\n"
#define S1(n) n ",BTC_USDC-PERPETUAL,1\n"
#define S4(n) S1(n "1") S1(n "2") S1(n "3") S1(n "4")
#define INS_W                                                                                                \
    "name,kind,asset,size_decimals,currency,cash_decimals,tiers,fee_ppm,penalty_ppm,profit_weight_ppm\n"
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
     "x.csv:2: unknown rule 'perp-9'; `tripline rule list` names them"},
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

START_TEST(test_refused)
{
    const struct file *f = &REFUSED[_i];
    struct book *out = malloc(sizeof *out);
    struct err e = {""};
    add_eth_inverse(&base.market);
    ck_assert_int_eq(import_string(f->name, f->text, &base, out, &e), -1);
    ck_assert_msg(strstr(e.msg, f->error) != NULL, "expected '%s' in: %s", f->error, e.msg);
    ck_assert_ptr_null(out->account);
    free(out);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))

int main(void)
{
    Suite *s = suite_create("accounts/import_refused");
    TCase *t = tcase_create("refused");
    tcase_add_checked_fixture(t, load_base, free_base);
    tcase_add_loop_test(t, test_refused, 0, COUNT(REFUSED));
    suite_add_tcase(s, t);
    return run_suite(s);
}
