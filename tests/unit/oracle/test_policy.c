// SPDX-License-Identifier: Apache-2.0
// Policies: the text and its errors, each action by eye, random policies against judge_policy.py, which is
// written from docs/oracle.md. Attacks are in test_manipulation.c.
#include "base/prng.h"
#include "oracle/policytest.h"
#include "run_suite.h"

// ---- text

START_TEST(test_every_key)
{
    ck_assert_msg(
        parse("# all of it\n"
              "asset X\n"
              "  source deribit BTC#PERPETUAL mark weight=3 max_age_ms=2000 # comment\n"
              "\tsource cde BIP mid max_age_ms=0\r\n"
              "source cme BTCZ6 last heartbeat_ms=3600000 threshold_bps=50 grace_ms=60000\n"
              "reference starbase btc_usd index\n"
              "fallback deribit btc_usd index max_age_ms=10\n"
              "aggregate maker quorum=3\nmin_live 3\ntwap geometric window_ms=300000 warmup=partial\n"
              "publish twap\ntoo_few last_good\n"
              "limits max_spread_bps=10 return_bps=500 last_good_ms=1500\n"
              "guard band low=0.01 high=92233720368547758.07 then=clamp\n"
              "guard deviation bps=200 of=reference then=fallback confirm_ms=3000\n"
              "guard jump bps=5000 of=previous\n"
              "guard ratio max=5 of=twap then=halt\n"
              "guard rate bps=100 every_ms=1000 then=clamp\n"
              "guard cap snapshot=1.15 at=1700000000 yearly_bps=968 then=clamp\n"
              "guard trend ticks=100 then=last_good\n"
              "guard deviation bps=1 of=stable") == 0,
        "%s", why.msg);
    const struct policy *p = &policy[0];
    ck_assert_uint_eq(p->n_sources, 5);
    ck_assert_str_eq(p->source[0].name, "BTC#PERPETUAL");
    ck_assert(p->source[0].venue == VENUE_DERIBIT && p->source[0].field == FIELD_MARK &&
              p->source[0].weight == 3);
    ck_assert(p->source[1].role == ROLE_SOURCE && p->source[1].field == FIELD_MID &&
              p->source[1].max_age_ms == 0);
    ck_assert(p->source[2].max_age_ms == 3660000 && p->source[2].threshold_ppm == 5000);
    ck_assert(p->source[3].role == ROLE_REFERENCE && p->source[4].role == ROLE_FALLBACK);
    ck_assert(p->aggregate == AGGREGATE_MAKER && p->quorum == 3 && p->min_live == 3);
    ck_assert(p->mean == MEAN_GEOMETRIC && p->window_ms == 300000 && p->partial && p->publish_mean);
    ck_assert(p->too_few == ACT_LAST_GOOD && p->last_good_ms == 1500 && p->return_ppm == 50000);
    ck_assert_uint_eq(p->n_guards, 8);
    ck_assert(p->guard[0].low == 1 && p->guard[0].high == INT64_MAX && p->guard[0].action == ACT_CLAMP);
    ck_assert(p->guard[1].ppm == 20000 && p->guard[1].confirm_ms == 3000 &&
              p->guard[1].action == ACT_FALLBACK);
    ck_assert(p->guard[2].action == ACT_HOLD && p->guard[2].ref == REF_PREVIOUS);
    ck_assert(p->guard[3].ratio == 5 && p->guard[3].ref == REF_TWAP);
    ck_assert(p->guard[4].ppm == 10000 && p->guard[4].interval_ms == 1000);
    ck_assert(p->guard[5].cap.snapshot == 115 && p->guard[5].cap.at_s == 1700000000);
    ck_assert(p->guard[6].ratio == 100 && p->guard[7].ref == REF_STABLE);
}
END_TEST

START_TEST(test_defaults)
{
    ck_assert_int_eq(parse(""), 0); // an asset without a section: what its row in the store says
    const struct policy *p = &policy[0];
    ck_assert(p->n_sources == 2 && p->min_live == 1 && p->aggregate == AGGREGATE_SINGLE && p->n_guards == 1);
    ck_assert_str_eq(p->source[0].name, "X-PERPETUAL");
    ck_assert(p->source[0].max_age_ms == 5000 && p->source[1].field == FIELD_INDEX);
    ck_assert(p->guard[0].ppm == 20000 && p->guard[0].ref == REF_REFERENCE);
    ck_assert_int_eq(policy_finish(&policy[0], &why), 0);
    ck_assert_int_eq(parse("asset X\nsource cde A mark\nsource cde B mark\naggregate median\n"), 0);
    ck_assert(p->min_live == 2 && p->too_few == ACT_HOLD && p->source[0].weight == 1 && p->n_guards == 0);
    ck_assert_int_eq(parse("asset X\nsource cde A mark\nsource cde B mark\naggregate maker\n"), 0);
    ck_assert(p->quorum == 1 && p->min_live == 1);
}
END_TEST

#define S "asset X\nsource cde A mark\n"
static const struct {
    const char *text, *error; // a piece of it
} WRONG[] = {
    {"source cde A mark\n", "p.conf:1: source before any asset; write `asset NAME` first"},
    {"asset Y\n", "p.conf:1: asset Y: the store has no such asset"},
    {"asset\n", "word 2 must be the name"},
    {"asset 1/X\n", "is a reciprocal"},
    {S "asset X\n", "p.conf:3: asset X has a section already"},
    {"asset X\n\nmin_live 1\n", "p.conf:3: asset X (the section that ends here): no source"},
    {"asset X\nsource nyse A mark\n", "p.conf:2: nyse: no such venue"},
    {"asset X\nsource cde A\n", "word 4 must be mark, index, mid or last"},
    {"asset X\nsource cde A bid\n", "field bid: write one of mark, index, mid, last"},
    {"asset X\nsource cde weight=1 mark\n", "word 3 must be an instrument"},
    {S "source cde A mark\n", "p.conf:3: source cde A mark stands there twice"},
    {S "source cde B mark\n", "2 sources; write `aggregate median`"},
    {"asset X\nsource cde A mark weight=0\n", "weight=0: write a whole number from 1 to 1000000"},
    {"asset X\nsource cde A mark weight=1.5\n", "weight=1.5: write a whole number"},
    {"asset X\nsource cde A mark weight=\n", "weight=: write a whole number"},
    {"asset X\nsource cde A mark weight=-1\n", "write a whole number"},
    {"asset X\nsource cde A mark max_age_ms=99999999999999999999999\n", "write a whole number"},
    {"asset X\nsource cde A mark max_age_ms=4294967296\n", "write a whole number from 0 to 4294967295"},
    {"asset X\nsource cde A mark max_age_ms=1 max_age_ms=2\n", "max_age_ms=2 does not belong to source"},
    {"asset X\nsource cde A mark max_age_ms=1 heartbeat_ms=2\n", "write one"},
    {"asset X\nsource cde A mark color=red\n", "color=red does not belong to source; leave it out"},
    {"asset X\nsource cde A mark extra\n", "extra does not belong"},
    {"asset X\nsource cde A mark threshold_bps=5\n", "names none; write `reference"},
    {"asset X\nsource cde 0123456789012345678901234567890123456789012345678901234567890123 mark\n",
     "63 characters"},
    {S "reference cde A index\n", "the reference is not used"},
    {S "fallback cde B mark\n", "the fallback is not used"},
    {S "too_few fallback\n", "it falls back and names no"},
    {S "too_few last_good\n", "write `limits last_good_ms=N`"},
    {S "limits last_good_ms=5\n", "last_good_ms= is not used"},
    {S "limits return_bps=5\n", "return_bps= without a fallback"},
    {S "too_few clamp\n", "no price to clamp"},
    {S "min_live 2\n", "min_live 2 of 1 sources; write at most 1"},
    {S "min_live 0\n", "from 1 to 16"},
    {S "aggregate mean\n", "aggregate mean: write one of single, median, weighted, maker, pyth"},
    {S "source cde B mark\nsource cde C mark\naggregate maker\nmin_live 2\n", "min_live 2 below quorum=3"},
    {S "aggregate pyth\n",
     "p.conf:3: asset X (the section that ends here): source A: nothing says how sure it is"},
    {"asset X\nsource cde A mark conf_bps=5\n", "conf_bps= belongs to the sources of `aggregate pyth`"},
    {"asset X\nsource cde A mid\nreference cde B mark conf_bps=5\naggregate pyth\nguard deviation bps=5 "
     "of=reference\n",
     "conf_bps= belongs to the sources"},
    {"asset X\nsource cde A mark conf_bps=10000\naggregate pyth\n",
     "conf_bps=10000: write a whole number from 1 to 9999"},
    {S "guard confidence bps=5\n", "guard confidence: only `aggregate pyth` has one"},
    {S "guard confidence of=previous\n", "guard confidence: write bps=..."},
    {"asset X\nsource cde A mid\naggregate pyth\nguard confidence bps=5 then=clamp\n",
     "it knows no price to clamp to"},
    {S "aggregate median quorum=1\n", "quorum= belongs to `aggregate maker`"},
    {S "source cde B mark\naggregate maker quorum=2\n", "write an odd number"},
    {S "aggregate maker quorum=3\n", "quorum=3 of 1 sources"},
    {S "twap geometric window_ms=5\n", "the twap is not used"},
    {S "twap geometric\n", "write window_ms=N"},
    {S "twap harmonic window_ms=5\n", "write one of geometric, arithmetic"},
    {S "publish twap\n", "it uses a TWAP and names none"},
    {S "publish soon\n", "write one of spot, twap"},
    {S "guard\n", "word 2 must be band, deviation"},
    {S "guard wall\n", "guard wall: write band"},
    {S "guard band low=1\n", "guard band: write high=..."},
    {S "guard band low=2 high=1\n", "low= is above high="},
    {S "guard band low=0 high=1\n", "write a price above 0"},
    {S "guard band low=0.001 high=1\n", "more than 2 decimals"},
    {S "guard band low=x high=1\n", "is not a number"},
    {S "guard band low=1 high=92233720368547758.08\n", "fits 63 bits"},
    {S "guard deviation bps=5\n", "write of=..."},
    {S "guard deviation bps=5 of=moon\n", "of moon: write one of reference, previous, twap, stable"},
    {S "guard deviation bps=0 of=previous\n", "from 1 to 1000000"},
    {S "guard deviation bps=5 of=reference\n", "it compares with a reference and names none"},
    {S "guard deviation bps=5 of=twap\n", "it uses a TWAP"},
    {S "guard jump bps=5 of=previous then=clamp\n", "it knows no price to clamp to"},
    {S "guard band low=1 high=2 then=clamp confirm_ms=5\n", "leave it out"},
    {S "guard rate bps=5 every_ms=5\nguard rate bps=5 every_ms=5\n", "two guards of kind rate"},
    {S "guard cap snapshot=1 at=soon yearly_bps=5\n", "at=soon: write a whole number"},
    {S "twap arithmetic window_ms=9\nguard trend ticks=5\n", "write `twap geometric`"},
    {S "guard band low=1 high=2 then=pray\n", "then pray: write one of hold"},
    {S "fall back\n", "fall: no such statement"},
    {S "limits a b c d e f g h i j k l m n o p q\n", "more than 16 words"},
};

START_TEST(test_errors_name_line_and_remedy)
{
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        ck_assert_msg(parse(WRONG[i].text) == -1, "taken: %s", WRONG[i].text);
        ck_assert_msg(strstr(why.msg, WRONG[i].error) && strncmp(why.msg, "p.conf:", 7) == 0,
                      "%s\n%s\nexpected: %s", WRONG[i].text, why.msg, WRONG[i].error);
    }
    char many[1200] = "asset X\naggregate median\n";
    for (int i = 0; i < 17; i++)
        (void)snprintf(many + strlen(many), 64, "source cde S%d mark\n", i);
    ck_assert_int_eq(parse(many), -1);
    ck_assert_ptr_nonnull(strstr(why.msg, "more than 16 sources"));
    (void)strcpy(many, S);
    for (int i = 0; i < 9; i++)
        (void)strcat(many, "guard band low=1 high=2\n");
    ck_assert_int_eq(parse(many), -1);
    ck_assert_ptr_nonnull(strstr(why.msg, "more than 8 guards"));
    memset(many, 'a', 512);
    many[512] = '\0';
    ck_assert_int_eq(parse(many), -1);
    ck_assert_ptr_nonnull(strstr(why.msg, "a line of 512 bytes"));
    ck_assert_int_eq(parse("as\x1b[31mset X\n\x7f"), -1); // quoted, but not obeyed by a terminal
    for (const char *c = why.msg; *c; c++)
        ck_assert_int_ge(*c, ' ');
    ck_assert_ptr_nonnull(strstr(why.msg, "as?[31mset"));
    ck_assert_int_eq(policy_parse("f", "asset\0X", 7, &market, policy, NULL), -1);
}
END_TEST

// Whatever the bytes: an error or a policy that stands on its own feet, and no reading outside (sanitizers).
START_TEST(test_any_bytes)
{
    static const char good[] = S "source deribit B index weight=2 max_age_ms=5\nreference cde C mid\n"
                                 "aggregate weighted\nmin_live 1\ntwap geometric window_ms=9 warmup=hold\n"
                                 "guard deviation bps=7 of=reference then=clamp\nguard trend ticks=4\n";
    struct prng r;
    size_t taken = 0;
    prng_seed(&r, test_seed(7));
    for (size_t cut = 0; cut < sizeof good; cut++) {
        one_asset();
        taken += policy_parse("f", good, cut, &market, policy, &why) == 0;
    }
    for (int i = 0; i < 20000; i++) {
        char text[sizeof good];
        size_t at = (size_t)(prng_u64(&r) % (sizeof good - 1));
        memcpy(text, good, sizeof good);
        text[at] = i & 1 ? (char)prng_u64(&r) : " \n=#0129ax\t"[prng_u64(&r) % 11];
        one_asset();
        if (policy_parse("f", text, sizeof good - 1, &market, policy, &why) != 0)
            continue;
        taken++;
        start();
        says(0, 100, 1);
        says(1, 100, 1);
        says(2, 100, 1);
        ck_assert(result.reason < REASON_COUNT);
    }
    ck_assert_uint_gt(taken, 100);
}
END_TEST

// ---- actions

START_TEST(test_fallback_and_return)
{
    use("asset X\nsource deribit A mark max_age_ms=1000\nfallback cde B mark max_age_ms=1000\n"
        "guard jump bps=5000 of=previous then=fallback\ntoo_few fallback\nlimits return_bps=500\n");
    says(1, 10000, 1);
    assert_price(10000); // the first has not spoken yet
    ck_assert_uint_eq(result.by, BY_FALLBACK);
    says(0, 10600, 1); // 6 % off the second: not trusted
    assert_price(10000);
    says(1, 11131, 1); // 5 % is of the smaller of the two
    says(0, 10600, 1);
    ck_assert_uint_eq(result.by, BY_FALLBACK);
    says(1, 10000, 1);
    says(0, 10500, 1);
    assert_price(10500);
    ck_assert_uint_eq(result.by, BY_SOURCES);
    says(0, 22000, 1); // more than half of the greater
    assert_price(10000);
    ck_assert_uint_eq(result.by, BY_FALLBACK);
    ck_assert_uint_eq(state.fallbacks, 2);
    says(1, 30000, 1); // so is the second: the last good price, no order
    assert_held("guard", 10000);
    says(1, 10100, 1);
    assert_price(10100);
    says(0, 10100, 1);
    assert_price(10100);
    ck_assert_uint_eq(result.by, BY_SOURCES);
    says(0, 10200, 1001); // the second is silent: nothing to agree with
    assert_price(10200);
}
END_TEST

START_TEST(test_last_good_is_limited)
{
    use("asset X\nsource deribit A mark max_age_ms=100\ntoo_few last_good\nlimits last_good_ms=500\n");
    says(0, 700, 1);
    now_ns += UINT64_C(500000000);
    eval();
    assert_price(700);
    ck_assert_uint_eq(result.by, BY_LAST_GOOD);
    now_ns++;
    eval();
    assert_held("stale", 700);
}
END_TEST

// P5: what lost packets or is halted is not the last good price's to bridge; a live one with a bad value is.
START_TEST(test_last_good_bridges_no_gap_and_no_halt)
{
    static const uint8_t broken[] = {OBS_GAPPED, OBS_HALTED, OBS_UNSURE};
    use("asset X\nsource deribit A mark\nsource deribit B mark\naggregate median\ntoo_few last_good\n"
        "limits last_good_ms=500\n");
    says(0, 700, 1);
    says(1, 700, 0);
    for (int i = 0; i < 3; i++) {
        obs[1].flags = broken[i];
        eval();
        assert_held(broken[i] == OBS_HALTED ? "halted" : "gap", 700);
        ck_assert(observation_bad(&obs[0], now_ns)); // the first reason is another: the gap still counts
        eval();
        assert_held("range", 700);
        obs[1].flags = 0;
        eval();
        assert_price(700);
        ck_assert_uint_eq(result.by, BY_LAST_GOOD);
        says(0, 700, 0);
        ck_assert_uint_eq(result.by, BY_SOURCES);
    }
}
END_TEST

// Journals from before that rule are replayed without it.
START_TEST(test_last_good_by_older_rules)
{
    use("asset X\nsource deribit A mark\ntoo_few last_good\nlimits last_good_ms=500\n");
    policy[0].loose_last_good = true;
    says(0, 700, 1);
    obs[0].flags = OBS_GAPPED;
    eval();
    ck_assert_uint_eq(result.by, BY_LAST_GOOD);
}
END_TEST

// Maker's price is as old as the oldest value that made it, however young its sources are now.
START_TEST(test_maker_price_ages)
{
    use("asset X\nsource cde A mark max_age_ms=1000\nsource cde B mark max_age_ms=1000\n"
        "source cde C mark max_age_ms=1000\naggregate maker\n");
    says(0, 5, 1);
    uint64_t oldest = now_ns;
    says(1, 6, 1);
    says(2, 7, 1);
    assert_price(6);
    for (int i = 0; i < 9; i++) {
        says(0, 50, 100);
        says(1, 60, 0);
        assert_price(6);
        ck_assert_uint_eq(result.time_ns, oldest);
    }
    says(0, 50, 101); // C is too old: nobody can poke, nothing may rest on the price any more
    assert_held("stale", 6);
}
END_TEST

// Three venues as sure as their spreads, or as conf_bps says where that is more.
START_TEST(test_pyth_confidence)
{
    use("asset X\nsource cme A mid\nsource cde B mark conf_bps=10\nsource cme C mid conf_bps=100\n"
        "fallback cde D mark\naggregate pyth\nguard confidence bps=150 then=fallback\n");
    ck_assert(observation_mid(&obs[0], 9990, 10011, 0, now_ns, 0)); // 10000 +- 11
    says(1, 10000, 1);                                              // +- 10
    assert_price(10000);
    ck_assert_int_eq(result.conf, 10); // votes 9989 9990 10000 10000 10010 10011
    ck_assert_uint_eq(result.time_ns, now_ns - 1000000);
    ck_assert(observation_mid(&obs[2], 10200, 10202, 0, now_ns, 0)); // 10201 +- 102
    eval();
    assert_price(10010); // 9989 9990 10000 10000 10010 10011 10099 10201 10303
    ck_assert_int_eq(result.conf, 89);
    says(1, 10300, 1); // 9989 10000 10011 10099 10201 10290 10300 10303 10310: 10201 +- 190
    ck_assert_uint_eq(result.guard, 0);
    ck_assert_int_eq(result.conf, 190);
    assert_held("guard", 10010);
    says(3, 10100, 0); // the fallback's own price has no confidence that could be too wide
    assert_price(10100);
    ck_assert_uint_eq(result.by, BY_FALLBACK);
    says(1, 10001, 1);
    assert_price(10011);
    ck_assert_uint_eq(result.by, BY_SOURCES);
    says(1, 1, 1); // one in three lies: the middle is 10000, but 2 is at a quarter of the votes
    ck_assert_int_eq(result.conf, 9998);
    ck_assert_uint_eq(result.by, BY_FALLBACK);
    obs[0].price = obs[1].price = INT64_MAX; // p + c is beyond 64 bits: one that votes is too few
    eval();
    assert_held("absent", 10100);
}
END_TEST

START_TEST(test_halt_until_the_operator)
{
    use("asset X\nsource deribit A mark\nguard deviation bps=100 of=previous then=hold confirm_ms=10\n"
        "guard band low=1 high=500 then=halt\ntoo_few halt\n");
    eval();
    assert_held("absent", 0); // nothing to halt yet
    says(0, 10000, 1);
    says(0, 10000, 1);
    says(0, 70000, 1); // both fire: the halting one decides
    assert_held("halt", 10000);
    ck_assert_uint_eq(result.guard, 1);
    says(0, 10000, 1);
    assert_held("halt", 10000);
    policy_resume(&state);
    says(0, 10500, 1); // nothing previous to compare with
    assert_price(10500);
    obs[0].flags = OBS_GAPPED;
    eval();
    assert_held("halt", 10500);
    ck_assert_uint_eq(state.halts, 2);
    ck_assert_uint_eq(result.guard, NO_GUARD);
}
END_TEST

START_TEST(test_confirm)
{
    use("asset X\nsource deribit A mark\nguard deviation bps=100 of=previous confirm_ms=50\n");
    says(0, 10000, 1);
    says(0, 10200, 1);
    assert_held("guard", 10000);
    says(0, 10000, 40);
    assert_price(10000);
    says(0, 10200, 1);
    says(0, 10300, 49);
    assert_held("guard", 10000);
    says(0, 10300, 1);
    assert_price(10300);
    ck_assert_uint_eq(state.fired[0], 2);
}
END_TEST

START_TEST(test_rate_clamp)
{
    use("asset X\nsource deribit A mark\nguard rate bps=100 every_ms=1000 then=clamp\n");
    says(0, 10000, 1);
    says(0, 20000, 1);
    assert_price(10100);
    says(0, 20000, 998);
    assert_price(10100); // the second is not over
    says(0, 20000, 1);
    assert_price(10200);
    says(0, 20000, 500);
    assert_price(10302); // 1 % of the new anchor
    says(0, 1, 10000);
    assert_price(10200 - 10200 * 11 / 100);
}
END_TEST

START_TEST(test_published_twap)
{
    use("asset X\nsource deribit A mark\ntwap arithmetic window_ms=100\npublish twap\n");
    says(0, 1000, 1);
    assert_held("warmup", 0);
    says(0, 2000, 60);
    assert_held("warmup", 0);
    now_ns += UINT64_C(40000000);
    eval();
    assert_price(1400); // 60 ms of 1000, 40 ms of 2000
    now_ns += UINT64_C(61000000);
    eval();
    assert_price(2000);

    now_ns += UINT64_C(100000000);
    says(0, 2000, 1u << 30);
    assert_price(2000);
    says(0, 3000, 1u << 31); // 25 days of silence: the ring begins anew
    assert_held("warmup", 2000);
    now_ns += UINT64_C(100000000);
    eval();
    assert_price(3000);

    use("asset X\nsource deribit A mark\ntwap geometric window_ms=100 warmup=partial\npublish twap\n");
    says(0, 1000000, 1);
    assert_price(999998); // tick 138162: floor(1.0001^138162); a tick is 1 bp
    says(0, 4000000, 50);
    now_ns += UINT64_C(50000000);
    eval();
    ck_assert(result.price > 1999600 &&
              result.price <= 2000000); // the geometric mean, two ticks at most below
}
END_TEST

START_TEST(test_onchain_feed)
{
    // Chainlink's: heartbeat 3600 s, threshold 0.5 %, a minute's grace for both.
    use("asset X\nsource deribit FEED index heartbeat_ms=3600000 threshold_bps=50 grace_ms=60000\n"
        "reference deribit A mark max_age_ms=5000\n");
    says(1, 100000, 0);
    says(0, 100000, 0);
    for (int i = 0; i < 3660; i++) {
        says(1, 100000 + i % 2 * 500, 1000); // never beyond 0.5 %
        assert_price(100000);
    }
    says(1, 100000, 1000);
    assert_held("stale", 100000); // heartbeat and grace are over
    says(0, 100000, 0);
    assert_price(100000);
    for (int i = 0; i < 61; i++) {
        says(1, 100501, 1000); // it is due; it has a minute
        assert_price(100000);
    }
    says(1, 100501, 1);
    assert_held("stale", 100000);
    says(0, 100501, 1);
    assert_price(100501);
}
END_TEST

START_TEST(test_age_is_that_of_the_quorum)
{
    use("asset X\nsource cde A mark\nsource cde B mark\nsource cde C mark\naggregate median\nmin_live 2\n");
    says(0, 5, 1);
    uint64_t first = now_ns;
    says(1, 6, 1);
    ck_assert_uint_eq(result.time_ns, first);
    uint64_t second = now_ns;
    says(2, 7, 5);
    ck_assert_uint_eq(result.time_ns, second);
    ck_assert_uint_eq(result.live, 7);
}
END_TEST

static enum policy_reason still(uint64_t after_ms)
{
    return policy_still(&policy[0], &state, obs, &result, now_ns + after_ms * UINT64_C(1000000));
}

START_TEST(test_still_good_later)
{
    use("asset X\nsource cde A mark max_age_ms=100\nsource cde B mark max_age_ms=200\nsource cde C mark\n"
        "reference cde D mark max_age_ms=150\nfallback cde E mark max_age_ms=300\naggregate median\nmin_live "
        "2\n"
        "guard deviation bps=500 of=reference then=last_good\ntoo_few fallback\nlimits last_good_ms=30\n");
    ck_assert_int_eq(still(0), REASON_STALE); // nothing evaluated yet
    eval();
    ck_assert_int_eq(still(0), REASON_ABSENT);
    for (unsigned i = 0; i < 5; i++)
        says(i, 1000, 0);
    ck_assert_int_eq(still(150), REASON_NONE); // A is too old, B and C are not
    ck_assert_int_eq(still(151), REASON_GUARD);
    ck_assert_int_eq(still(201), REASON_STALE);
    obs[0].flags = obs[1].flags = OBS_HALTED;
    eval();
    ck_assert_uint_eq(result.by, BY_FALLBACK);
    ck_assert_int_eq(still(150), REASON_NONE);
    says(3, 1000, 150);
    ck_assert_int_eq(still(150), REASON_NONE);
    ck_assert_int_eq(still(151), REASON_STALE); // the fallback, of 300 ms
    obs[0].flags = obs[1].flags = 0;
    says(0, 3000, 0);
    says(1, 3000, 0);
    ck_assert_uint_eq(result.by, BY_LAST_GOOD);
    ck_assert_int_eq(still(30), REASON_NONE);
    ck_assert_int_eq(still(31), REASON_STALE);
}
END_TEST

// ---- random policies

static char file_text[4096];

static void check_line(char *text)
{
    if (text[0] == 't') {
        (void)strcat(file_text, text + 2);
        (void)strcat(file_text, "\n");
        return;
    }
    char *save, *kind = strtok_r(text, " ", &save);
    unsigned i;
    switch (*kind) {
    case 'e':
        use(file_text);
        file_text[0] = '\0';
        break;
    case 'x':
        policy_resume(&state);
        break;
    case 'f':
        i = (unsigned)word_u64(&save);
        obs[i].flags = (uint8_t)((obs[i].flags & OBS_BAD) | word_u64(&save));
        break;
    case 'o': {
        i = (unsigned)word_u64(&save);
        int64_t price = word_i64(&save);
        uint64_t time = word_u64(&save), ts = word_u64(&save);
        bool taken = price ? observation_take(&obs[i], price, time, ts) : observation_bad(&obs[i], ts);
        ck_assert_int_eq(taken, word_i64(&save));
        break;
    }
    default:
        now_ns = word_u64(&save);
        eval();
        ck_assert_int_eq(result.conf, word_i64(&save));
        ck_assert_int_eq(result.price, word_i64(&save));
        ck_assert_uint_eq(result.time_ns, word_u64(&save));
        ck_assert_uint_eq(result.live, word_u64(&save));
        ck_assert_uint_eq(result.reason, word_u64(&save));
        ck_assert_uint_eq(result.by, word_u64(&save));
        ck_assert_uint_eq(result.guard, word_u64(&save));
    }
}

START_TEST(test_against_judge)
{
    ck_assert_uint_gt(judged("judge_policy.py", test_rounds(1500), check_line), 65 * test_rounds(1500));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("policy");
    TCase *t = tcase_create("policy");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_every_key);
    tcase_add_test(t, test_defaults);
    tcase_add_test(t, test_errors_name_line_and_remedy);
    tcase_add_test(t, test_any_bytes);
    tcase_add_test(t, test_fallback_and_return);
    tcase_add_test(t, test_last_good_is_limited);
    tcase_add_test(t, test_last_good_bridges_no_gap_and_no_halt);
    tcase_add_test(t, test_last_good_by_older_rules);
    tcase_add_test(t, test_maker_price_ages);
    tcase_add_test(t, test_pyth_confidence);
    tcase_add_test(t, test_halt_until_the_operator);
    tcase_add_test(t, test_confirm);
    tcase_add_test(t, test_rate_clamp);
    tcase_add_test(t, test_published_twap);
    tcase_add_test(t, test_onchain_feed);
    tcase_add_test(t, test_age_is_that_of_the_quorum);
    tcase_add_test(t, test_still_good_later);
    tcase_add_test(t, test_against_judge);
    suite_add_tcase(s, t);
    return run_suite(s);
}
