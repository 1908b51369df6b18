// SPDX-License-Identifier: Apache-2.0
// Calls, events and errors of the liquidation contract against vectors that ethers made (tests/data/flash,
// tests/chain/vectors/make_flash.mjs); refusals, buffers that are too small, data that lies. SEED=n.
#include <check.h>
#include <stdio.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "exec/flashtext.h"
#include "run_suite.h"

enum { ROOM = 1 << 14, LINE_MAX_ = 1 << 16, WORDS = 16, ORDERS = 40 };

static char line[LINE_MAX_], *word[WORDS];
static uint8_t want[ROOM], have[ROOM];
static struct flash_order order[ORDERS];
static uint8_t item_bytes[ORDERS][FLASH_ITEM_MAX];
static struct flash_item item[ORDERS];

static FILE *vectors(const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof path, "tests/data/flash/%s", name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s: run from the root of the project", path);
    return f;
}

// The next vector's fields; how many.
static unsigned next(FILE *f)
{
    unsigned n = 0;
    if (!fgets(line, sizeof line, f))
        return 0;
    for (char *save, *t = strtok_r(line, " \n", &save); t && n < WORDS; t = strtok_r(NULL, " \n", &save))
        word[n++] = t;
    return n;
}

static size_t bytes_of(const char *t)
{
    size_t n;
    ck_assert(flashtext_bytes(t, want, sizeof want, &n));
    return n;
}

static void read_orders(void)
{
    FILE *f = vectors("orders.txt");
    struct err e;
    unsigned n = 0;
    for (; next(f) == FLASHTEXT_WORDS + 1; n++) {
        ck_assert_uint_lt(n, ORDERS);
        ck_assert(flashtext_order(word, &order[n]));
        ck_assert_msg(!flash_item(&order[n], item_bytes[n], FLASH_ITEM_MAX, &item[n], &e), "%s", e.msg);
    }
    (void)fclose(f);
    ck_assert_uint_eq(n, ORDERS);
}

static void check_bytes(size_t n, size_t expected)
{
    ck_assert_uint_eq(n, expected);
    ck_assert_mem_eq(have, want, n);
}

START_TEST(test_single)
{
    FILE *f = vectors("orders.txt");
    for (unsigned i = 0; next(f); i++) {
        size_t n = bytes_of(word[FLASHTEXT_WORDS]);
        check_bytes(flash_single(&item[i], have, FLASH_SINGLE_MAX), n);
        for (size_t size = 0; size < n; size += size + 40 < n ? 17 : 1)
            ck_assert_uint_eq(flash_single(&item[i], have, size), 0);
    }
    (void)fclose(f);
}
END_TEST

START_TEST(test_batch)
{
    FILE *f = vectors("batches.txt");
    unsigned lines = 0;
    for (; next(f) == 5; lines++) {
        size_t first = strtoul(word[2], NULL, 10), count = strtoul(word[3], NULL, 10), n = bytes_of(word[4]);
        uint64_t each = strtoull(word[1], NULL, 10);
        check_bytes(
            flash_batch(&item[first], count, strtoul(word[0], NULL, 10), each, have, FLASH_BATCH_ROOM(count)),
            n);
        memset(have, 0xee, sizeof have);
        ck_assert_uint_eq(flash_batch(&item[first], count, 0, each, have, n - 1), 0);
        ck_assert_uint_eq(have[n - 1], 0xee);
    }
    (void)fclose(f);
    ck_assert_uint_eq(lines, 12);
}
END_TEST

START_TEST(test_batch_refusals)
{
    struct flash_item many[FLASH_BATCH_MAX + 1];
    static uint8_t room[FLASH_BATCH_ROOM(FLASH_BATCH_MAX + 1)];
    for (size_t i = 0; i <= FLASH_BATCH_MAX; i++)
        many[i] = item[0];
    ck_assert_uint_gt(flash_batch(many, FLASH_BATCH_MAX, FLASH_BATCH_MAX, 1, room, sizeof room), 0);
    ck_assert_uint_eq(flash_batch(many, FLASH_BATCH_MAX + 1, 0, 1, room, sizeof room), 0);
    ck_assert_uint_eq(flash_batch(many, 0, 0, 1, room, sizeof room), 0);
    ck_assert_uint_eq(flash_batch(many, 2, 3, 1, room, sizeof room), 0);
    ck_assert_uint_eq(flash_batch(many, 2, 2, 0, room, sizeof room), 0);
}
END_TEST

// Whom a call is about, by its bytes alone; of bytes that are cut, nobody or those it was about.
START_TEST(test_users)
{
    static uint8_t room[FLASH_BATCH_ROOM(ORDERS)];
    struct evm_address who[ORDERS + 1];
    for (unsigned k = 0; k < ORDERS; k++) {
        size_t n = flash_single(&item[k], room, sizeof room);
        ck_assert_uint_eq(flash_users(room, n, who, ORDERS), 1);
        ck_assert(address_equal(&who[0], &order[k].user));
    }
    size_t n = flash_batch(item, ORDERS, 0, 1, room, sizeof room);
    ck_assert_uint_eq(flash_users(room, n, who, ORDERS + 1), ORDERS);
    for (unsigned k = 0; k < ORDERS; k++)
        ck_assert(address_equal(&who[k], &order[k].user));
    ck_assert_uint_eq(flash_users(room, n, who, 2), 2);
    ck_assert_uint_eq(flash_users(room, n, who, 0), 0);
    for (size_t cut = 0; cut < n; cut++) {
        size_t users = flash_users(room, cut, who, ORDERS + 1);
        ck_assert(users == 0 ||
                  (users == ORDERS && address_equal(&who[ORDERS - 1], &order[ORDERS - 1].user)));
    }
    ck_assert_uint_eq(flash_users(room, 4, who, ORDERS), 0);
    room[0] ^= 1; // another function
    ck_assert_uint_eq(flash_users(room, n, who, ORDERS), 0);
}
END_TEST

static bool taken(const struct flash_order *o, struct err *e)
{
    struct flash_item it;
    uint8_t buf[FLASH_ITEM_MAX];
    return flash_item(o, buf, sizeof buf, &it, e) == 0;
}

START_TEST(test_order_refusals)
{
    struct flash_order o = {.user = {{1}}, .debt = {{2}}, .collateral = {{3}}, .amount = FLASH_ALL};
    struct flash_order good = o;
    struct err e;
    struct flash_item it;
    uint8_t buf[FLASH_ITEM_MAX];
    ck_assert(taken(&o, &e));
    o.share = FLASH_SHARE_WHOLE - 1;
    ck_assert(taken(&o, &e));
    o.share = FLASH_SHARE_WHOLE;
    ck_assert(!taken(&o, &e) && strstr(e.msg, "10000"));
    o = good;
    o.flags = FLASH_LOAN | FLASH_CHECK_HEALTH | FLASH_PAY_OUT;
    ck_assert(taken(&o, &e));
    o.flags |= 8;
    ck_assert(!taken(&o, &e) && strstr(e.msg, "flags"));
    o = good;
    o.n_via = o.n_tip_via = FLASH_VIA_MAX;
    ck_assert(taken(&o, &e)); // FLASH_ITEM_MAX is enough
    ck_assert(flash_item(&o, buf, FLASH_ITEM_MAX - 1, &it, &e) == -1 && strstr(e.msg, "bytes"));
    o.n_via = FLASH_VIA_MAX + 1; // and room enough
    o.n_tip_via = 0;
    ck_assert(!taken(&o, &e) && strstr(e.msg, "tokens on the way"));
    o.n_via = 0;
    o.n_tip_via = FLASH_VIA_MAX + 1;
    ck_assert(!taken(&o, &e) && strstr(e.msg, "tokens on the way"));
    o = good;
    memset(&o.amount, 0, sizeof o.amount);
    ck_assert(!taken(&o, &e) && strstr(e.msg, "nothing"));
    o = good;
    o.collateral = o.debt;
    ck_assert(taken(&o, &e));
    o.n_via = 1;
    ck_assert(!taken(&o, &e) && strstr(e.msg, "one token"));
    ck_assert(!taken(&o, NULL));
}
END_TEST

#define ORDER_TYPE                                                                                           \
    "(address,address,address,address,uint256,uint256,uint256,uint256,uint256,address[],address[])"

// The constants are what the contract's signatures hash to.
START_TEST(test_constants)
{
    static const char *const events[] = {
        "Liquidated(address,address,address,uint256,uint256,uint256,uint256,uint256)",
        "Failed(address,address,address,bytes)"};
    uint32_t one = abi_selector("liquidate(" ORDER_TYPE ")");
    uint32_t many = abi_selector("liquidateMany(" ORDER_TYPE "[],uint256,uint256)");
    ck_assert_uint_gt(flash_single(&item[0], have, sizeof have), 0);
    ck_assert_uint_eq(be64_load(have) >> 32, one);
    ck_assert_uint_gt(flash_batch(item, 1, 0, 1, have, sizeof have), 0);
    ck_assert_uint_eq(be64_load(have) >> 32, many);
    FILE *f = vectors("results.txt");
    while (next(f)) {
        struct word topic, expected = abi_topic(events[strcmp(word[0], "done") != 0]);
        word[1][2 * WORD_BYTES] = '\0';
        ck_assert(flashtext_fixed(word[1], topic.b, WORD_BYTES));
        ck_assert(word_equal(&topic, &expected));
    }
    (void)fclose(f);
    for (size_t i = 0; i < revert_known(); i++) {
        ck_assert_uint_eq(revert_known_selector(i), abi_selector(revert_known_name(i)));
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(revert_known_selector(i), revert_known_selector(k));
    }
}
END_TEST

static const struct evm_address contract = {{0xc0, 0xff, 0xee}};

// Vector's fields 1 and 2: topics, data.
static struct abi_log log_of(uint8_t *data)
{
    struct abi_log l = {.address = contract, .data = data};
    for (char *save, *t = strtok_r(word[1], ",", &save); t; t = strtok_r(NULL, ",", &save))
        ck_assert(flashtext_fixed(t, l.topic[l.n_topics++].b, WORD_BYTES));
    ck_assert(flashtext_bytes(word[2], data, ROOM, &l.n_data));
    return l;
}

static void same_word(const struct word *w, const char *t)
{
    struct word expected;
    ck_assert(flashtext_fixed(t, expected.b, WORD_BYTES));
    ck_assert(word_equal(w, &expected));
}

static void same_who(const struct abi_log *l, const struct flash_result *r)
{
    const struct evm_address *who[] = {&r->user, &r->debt, &r->collateral};
    for (int i = 0; i < 3; i++) {
        struct word w = word_from_address(who[i]);
        ck_assert(word_equal(&w, &l->topic[i + 1]));
    }
}

START_TEST(test_results)
{
    static uint8_t data[ROOM];
    FILE *f = vectors("results.txt");
    unsigned n, done = 0, failed = 0;
    while ((n = next(f))) {
        struct flash_result r;
        struct abi_log l = log_of(data);
        if (strcmp(word[0], "done") == 0) {
            ck_assert_uint_eq(n, 8);
            ck_assert(flash_result(&l, &contract, &r) == FLASH_DONE);
            const struct word *w[] = {&r.repaid, &r.seized, &r.premium, &r.profit, &r.paid};
            for (int i = 0; i < 5; i++)
                same_word(w[i], word[3 + i]);
            done++;
        } else {
            struct revert direct;
            ck_assert(flash_result(&l, &contract, &r) == FLASH_FAILED);
            revert_decode(want, bytes_of(word[3]), &direct);
            ck_assert(direct.reason == r.why.reason && direct.selector == r.why.selector &&
                      direct.n_args == r.why.n_args);
            ck_assert_str_eq(direct.text, r.why.text);
            ck_assert_str_eq(direct.name, r.why.name);
            failed++;
        }
        same_who(&l, &r);
    }
    (void)fclose(f);
    ck_assert(done >= 10 && failed >= 10);
}
END_TEST

// Logs that are not ours, or not what they say, leave the result alone.
START_TEST(test_other_logs)
{
    static uint8_t data[ROOM];
    FILE *f = vectors("results.txt");
    while (next(f)) {
        struct flash_result r, before;
        memset(&r, 0x5a, sizeof r);
        before = r;
        struct abi_log l = log_of(data), good = l;
        struct evm_address other = contract;
        other.b[19] = 1;
        ck_assert(flash_result(&l, &other, &r) == FLASH_OTHER);
        l.n_topics = 3;
        ck_assert(flash_result(&l, &contract, &r) == FLASH_OTHER);
        for (unsigned i = 0; i < 4; i++) {
            l = good;
            l.topic[i].b[0] ^= 1; // another event, or no address
            ck_assert(flash_result(&l, &contract, &r) == FLASH_OTHER);
        }
        l = good;
        size_t least = strcmp(word[0], "done") == 0 ? 5 * WORD_BYTES : 2 * WORD_BYTES + strlen(word[3]) / 2;
        for (l.n_data = 0; l.n_data < least; l.n_data++)
            ck_assert(flash_result(&l, &contract, &r) == FLASH_OTHER);
        ck_assert_mem_eq(&r, &before, sizeof r);
        ck_assert(flash_result(&l, &contract, &r) != FLASH_OTHER);
    }
    (void)fclose(f);
}
END_TEST

static const struct {
    const char *name;
    enum revert_reason reason;
} reasons[] = {
    {"Healthy(uint256)", REVERT_HEALTHY},
    {"NoProfit(uint256,uint256)", REVERT_NO_PROFIT},
    {"NoDebt()", REVERT_NO_DEBT},
    {"RouterNotAllowed(address)", REVERT_NOT_ALLOWED},
    {"OutOfGas()", REVERT_GAS},
    {"TooFew(uint256)", REVERT_TOO_FEW},
    {"TokenRefused(address)", REVERT_TOKEN},
    {"PaymentFailed(address)", REVERT_PAYMENT},
    {"MustNotLeaveDust()", REVERT_DUST},
    {"HealthFactorNotBelowThreshold()", REVERT_HEALTHY},
    {"ReservePaused()", REVERT_CLOSED},
    {"Panic(uint256)", REVERT_PANIC},
    {"ERC20InsufficientBalance(address,uint256,uint256)", REVERT_TOKEN},
    {"InvalidCollateralInEmode(address,uint256)", REVERT_PROTOCOL},
    {"Unheard(uint256)", REVERT_UNKNOWN},
    {"\"\"", REVERT_EMPTY},
    {"\"45\"", REVERT_HEALTHY},
    {"\"47\"", REVERT_NO_DEBT},
    {"\"103\"", REVERT_DUST},
    {"\"91\"", REVERT_LOAN},
    {"\"7\"", REVERT_PROTOCOL},
    {"\"999\"", REVERT_PROTOCOL},
    {"\"1000\"", REVERT_UNKNOWN},
    {"\"UniswapV2Router:+INSUFFICIENT_OUTPUT_AMOUNT\"", REVERT_PRICE},
    {"\"UniswapV2:+K\"", REVERT_ROUTE},
    {"\"UniswapV2:+TRANSFER_FAILED\"", REVERT_TOKEN},
    {"\"UniswapV2Library:+INSUFFICIENT_LIQUIDITY\"", REVERT_LIQUIDITY},
    {"\"ERC20:+transfer+amount+exceeds+balance\"", REVERT_TOKEN},
    {"\"TransferHelper:+TRANSFER_FROM_FAILED\"", REVERT_TOKEN},
    {"\"SafeERC20:+low-level+call+failed\"", REVERT_TOKEN},
};

static enum revert_reason expected_reason(const char *name)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(name, reasons[i].name) == 0)
            return reasons[i].reason;
    ck_assert_msg(name[0] == '"', "%s", name); // long or other texts
    return REVERT_UNKNOWN;
}

static void check_text(const struct revert *r, char *quoted)
{
    size_t n = strlen(quoted) - 2;
    quoted[n + 1] = '\0';
    for (char *p = quoted + 1; *p; p++)
        if (*p == '+')
            *p = ' ';
    ck_assert_uint_eq(strlen(r->text), n < REVERT_TEXT_MAX - 1 ? n : REVERT_TEXT_MAX - 1);
    ck_assert(strncmp(r->text, quoted + 1, REVERT_TEXT_MAX - 1) == 0);
    ck_assert_str_eq(r->name, "Error(string)");
}

START_TEST(test_reverts)
{
    FILE *f = vectors("reverts.txt");
    while (next(f) == 2) {
        struct revert r;
        size_t n = bytes_of(word[1]);
        revert_decode(want, n, &r);
        ck_assert_msg(r.reason == expected_reason(word[0]), "%s: %s", word[0], revert_reason_name(r.reason));
        if (word[0][0] == '"') {
            check_text(&r, word[0]);
            continue;
        }
        bool known = r.reason != REVERT_UNKNOWN;
        ck_assert_str_eq(r.name, known ? word[0] : "");
        ck_assert_uint_eq(r.n_args, known ? (n - 4) / WORD_BYTES : 0);
        for (unsigned i = 0; i < r.n_args; i++)
            ck_assert_mem_eq(r.arg[i].b, want + 4 + WORD_BYTES * i, WORD_BYTES);
    }
    (void)fclose(f);
}
END_TEST

// Cut anywhere: the reason does not change while there are four bytes, a text keeps what is there of it.
START_TEST(test_cut_reverts)
{
    FILE *f = vectors("reverts.txt");
    while (next(f) == 2) {
        struct revert whole, cut;
        size_t n = bytes_of(word[1]);
        revert_decode(want, n, &whole);
        for (size_t k = 0; k < n; k++) {
            uint8_t *copy = malloc(k + 1); // so that a sanitizer sees a byte too far
            memcpy(copy, want, k);
            revert_decode(copy, k, &cut);
            free(copy);
            if (k < 4)
                ck_assert(cut.reason == (k ? REVERT_UNKNOWN : REVERT_EMPTY) && cut.selector == 0);
            else if (word[0][0] != '"')
                ck_assert(cut.reason == whole.reason && cut.selector == whole.selector);
            else
                ck_assert(strncmp(cut.text, whole.text, strlen(cut.text)) == 0);
        }
    }
    (void)fclose(f);
}
END_TEST

START_TEST(test_lying_reverts)
{
    struct revert r;
    uint8_t data[4 + 3 * WORD_BYTES] = {0x08, 0xc3, 0x79, 0xa0};
    data[4 + 31] = 32;
    memset(data + 4 + 32, 0xff, 32); // a length of 2^256 - 1
    revert_decode(data, sizeof data, &r);
    ck_assert(r.reason == REVERT_UNKNOWN && r.text[0] == '\0');
    memset(data + 4 + 32, 0, 24); // of 2^64 - 1: what is there
    memcpy(data + 4 + 64, "a\nb\x7f", 4);
    revert_decode(data, sizeof data, &r);
    ck_assert(strncmp(r.text, "a?b?", 4) == 0 && strlen(r.text) == 32);
    data[4 + 31] = 64; // the text is elsewhere
    revert_decode(data, sizeof data, &r);
    ck_assert(r.reason == REVERT_UNKNOWN && r.text[0] == '\0');
}
END_TEST

START_TEST(test_random_bytes)
{
    struct prng p;
    prng_seed(&p, test_seed(1));
    for (unsigned i = 0; i < 20000; i++) {
        size_t n = prng_below(&p, 200);
        uint8_t *data = malloc(n + 1);
        for (size_t k = 0; k < n; k++)
            data[k] = prng_below(&p, 3) ? 0 : (uint8_t)prng_below(&p, 256);
        struct revert r;
        if (n > 4 && prng_below(&p, 2)) {
            uint32_t s = revert_known_selector(prng_below(&p, (uint32_t)revert_known()));
            for (unsigned k = 0; k < 4; k++)
                data[k] = (uint8_t)(s >> (24 - 8 * k));
        }
        revert_decode(data, n, &r);
        ck_assert((unsigned)r.reason < REVERT_REASONS && r.name && memchr(r.text, 0, sizeof r.text));
        ck_assert_uint_le(r.n_args, REVERT_ARGS_MAX);
        free(data);
    }
}
END_TEST

START_TEST(test_reason_names)
{
    for (int a = 0; a < REVERT_REASONS; a++) {
        ck_assert(revert_reason_name((enum revert_reason)a) != NULL);
        for (int b = 0; b < a; b++)
            ck_assert_str_ne(revert_reason_name((enum revert_reason)a),
                             revert_reason_name((enum revert_reason)b));
    }
    ck_assert_str_eq(revert_reason_name(REVERT_REASONS), "?");
}
END_TEST

START_TEST(test_batch_gas)
{
    ck_assert_uint_eq(flash_batch_gas(1, 640000, 0), 640000 + 24000 + 20000 + 90000);
    ck_assert_uint_eq(flash_batch_gas(10, 640000, 1000), 10 * 664000 + 20000 + 90000 + 16000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("exec/flash");
    TCase *t = tcase_create("flash");
    tcase_add_checked_fixture(t, read_orders, NULL);
    tcase_add_test(t, test_single);
    tcase_add_test(t, test_batch);
    tcase_add_test(t, test_batch_refusals);
    tcase_add_test(t, test_users);
    tcase_add_test(t, test_order_refusals);
    tcase_add_test(t, test_constants);
    tcase_add_test(t, test_results);
    tcase_add_test(t, test_other_logs);
    tcase_add_test(t, test_reverts);
    tcase_add_test(t, test_cut_reverts);
    tcase_add_test(t, test_lying_reverts);
    tcase_add_test(t, test_random_bytes);
    tcase_add_test(t, test_reason_names);
    tcase_add_test(t, test_batch_gas);
    suite_add_tcase(s, t);
    return run_suite(s);
}
