// SPDX-License-Identifier: Apache-2.0
// Transactions: templates signed again and again, the rooms stated, sizes at every edge of a length's
// encoding, limits. Bytes and signatures are judged by tests/diff/evm_diff.py.
#include <check.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "evm/keccak.h"
#include "evm/tx.h"
#include "run_suite.h"

static uint8_t data[TX_BYTES_MAX], mem[2 * TX_BYTES_MAX], out[2 * TX_BYTES_MAX], other[2 * TX_BYTES_MAX];
static struct private_key *key;

static void begin(void)
{
    uint8_t secret[WORD_BYTES] = {1, 2, 3};
    key = key_from_bytes(secret, NULL);
    ck_assert_ptr_nonnull(key);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31 + 1);
}

static void end(void)
{
    key_free(key);
}

static struct tx some(uint8_t type, size_t n_data)
{
    struct tx t = {
        .type = type, .chain_id = 42161, .gas = 500000, .to = {{7, 8, 9}}, .data = data, .n_data = n_data};
    memset(&t.value, 0xff, sizeof t.value);
    return t;
}

// Signed in exactly the rooms stated, decoded, and one byte less of either refused.
static void check_rooms(const struct tx *t, uint64_t nonce, u128 tip, u128 fee)
{
    size_t template_room = TX_TEMPLATE_ROOM(t->n_data, t->n_access), room = TX_ROOM(t->n_data, t->n_access);
    struct tx_template p;
    struct tx_signed s;
    struct tx_decoded d;
    struct err e;
    struct evm_address sender;
    ck_assert_int_eq(tx_template_init(&p, t, mem, template_room, &e), 0);
    ck_assert_int_eq(tx_sign(&p, key, nonce, tip, fee, out, room, &s), 0);
    ck_assert_int_eq(tx_decode(out, s.n, &d, &e), 0);
    ck_assert(d.tx.nonce == nonce && d.tx.tip == tip && d.tx.fee == fee && d.tx.n_data == t->n_data);
    ck_assert(memcmp(d.tx.data, t->data, t->n_data) == 0 && d.tx.gas == t->gas && d.tx.create == t->create);
    ck_assert(word_equal(&d.hash, &s.hash) && tx_sender(&d, &sender) == 0);
    ck_assert(address_equal(&sender, key_address(key)));
    memset(other, 0xee, s.n + 1);
    ck_assert_int_eq(tx_sign(&p, key, nonce, tip, fee, other, s.n, &s), 0);
    ck_assert(memcmp(other, out, s.n) == 0 && other[s.n] == 0xee);
    ck_assert_int_eq(tx_sign(&p, key, nonce, tip, fee, other, s.n - 1, &s), -1);
    ck_assert_int_eq(tx_template_init(&p, t, mem, p.n_middle - 1, &e), -1);
    for (size_t cut = 0; cut < s.n; cut += 1 + cut / 16)
        ck_assert_int_eq(tx_decode(out, cut, &d, &e), -1);
    ck_assert_int_eq(tx_decode(out, s.n + 1, &d, &e), -1);
}

START_TEST(test_every_size)
{
    for (uint8_t type = TX_2930; type <= TX_1559; type++) {
        for (size_t n = 0; n < 400; n++) {
            struct tx t = some(type, n);
            if (n % 3 == 0)
                memset(&t.value, 0, sizeof t.value);
            t.create = n % 7 == 0;
            check_rooms(&t, n, type == TX_1559 ? n : 0, (u128)n << 60);
        }
        for (size_t n = 65530; n < 65540; n++) {
            struct tx t = some(type, n);
            check_rooms(&t, 1, 0, 1);
        }
        struct tx longest = some(type, 100); // every field as long as it can be
        longest.chain_id = longest.gas = UINT64_MAX;
        check_rooms(&longest, UINT64_MAX - 1, type == TX_1559 ? (u128)-1 : 0, (u128)-1);
    }
}
END_TEST

START_TEST(test_a_template_signed_again)
{
    struct prng r;
    struct tx t = some(TX_1559, 164);
    struct tx_template p;
    struct tx_signed s, first;
    struct tx_decoded d, like;
    struct err e;
    prng_seed(&r, test_seed(8));
    ck_assert_int_eq(tx_template_init(&p, &t, mem, sizeof mem, &e), 0);
    ck_assert_int_eq(tx_sign(&p, key, 5, 1, 2, other, sizeof other, &first), 0);
    ck_assert_int_eq(tx_decode(other, first.n, &like, &e), 0);
    for (int i = 0; i < 300; i++) {
        uint64_t nonce = prng_u64(&r) >> prng_below(&r, 64) >> 1;
        u128 fee = prng_u64(&r) >> prng_below(&r, 64), tip = fee / 3;
        ck_assert_int_eq(tx_sign(&p, key, nonce, tip, fee, out, sizeof out, &s), 0);
        ck_assert_int_eq(tx_decode(out, s.n, &d, &e), 0);
        ck_assert(d.tx.nonce == nonce && d.tx.tip == tip && d.tx.fee == fee);
        ck_assert(d.tx.n_data == like.tx.n_data && memcmp(d.tx.data, like.tx.data, d.tx.n_data) == 0);
        ck_assert(address_equal(&d.tx.to, &like.tx.to) && d.tx.gas == like.tx.gas && d.tx.chain_id == 42161);
    }
    ck_assert_int_eq(tx_sign(&p, key, 5, 1, 2, out, sizeof out, &s), 0); // as before: nothing was left behind
    ck_assert(s.n == first.n && memcmp(out, other, s.n) == 0 && word_equal(&s.hash, &first.hash));
}
END_TEST

START_TEST(test_longest)
{
    struct tx t = some(TX_1559, TX_BYTES_MAX - TX_FRONT_MAX - TX_MIDDLE_MAX - TX_BACK_MAX);
    check_rooms(&t, UINT64_MAX - 1, 0, (u128)-1);
    struct tx_template p;
    struct err e;
    t.n_data = TX_BYTES_MAX - TX_FRONT_MAX - TX_BACK_MAX;
    ck_assert_int_eq(tx_template_init(&p, &t, mem, sizeof mem, &e), -1);
    struct tx_decoded d;
    for (size_t n = TX_BYTES_MAX - 1; n <= TX_BYTES_MAX + 1;
         n++) { // by hand: gas price 1, signed with 1 and 1
        static const uint8_t type = TX_2930;
        struct rlp_out o = rlp_out_of(out, sizeof out);
        for (unsigned i = 0; i < 3; i++)
            rlp_put_u64(&o, 1);
        rlp_put_list(&o, rlp_mark(&o));
        rlp_put_bytes(&o, data, n - 19); // headers of 4 bytes each, 10 fields of one, the type
        for (unsigned i = 0; i < 6; i++)
            rlp_put_u64(&o, i == 3);
        rlp_put_list(&o, 0);
        rlp_put_raw(&o, &type, 1);
        ck_assert_uint_eq(rlp_mark(&o), n);
        ck_assert_int_eq(tx_decode(o.at, n, &d, &e), n > TX_BYTES_MAX ? -1 : 0);
    }
    ck_assert_int_eq(tx_decode(out, 0, &d, &e), -1);
}
END_TEST

START_TEST(test_access_lists)
{
    enum { ITEMS = 3, SLOTS = 5 };
    struct word slot[SLOTS];
    struct tx_access item[ITEMS] = {{{{1}}, slot, 2}, {{{2}}, NULL, 0}, {{{3}}, slot + 2, 3}};
    uint8_t access[TX_ACCESS_ROOM(ITEMS, SLOTS)];
    size_t n;
    for (size_t i = 0; i < SLOTS; i++)
        slot[i] = word_from_u64(i << 40);
    ck_assert_int_eq(tx_access_encode(item, ITEMS, access, sizeof access, &n), 0);
    for (size_t size = 0; size < n; size++) {
        size_t left = 77;
        ck_assert_int_eq(tx_access_encode(item, ITEMS, access, size, &left), -1);
        ck_assert_uint_eq(left, 77);
    }
    ck_assert_int_eq(tx_access_encode(item, ITEMS, access, n, &n), 0);
    memset(access, 0, sizeof access);
    ck_assert_int_eq(tx_access_encode(item, ITEMS, access, sizeof access, &n),
                     0); // begins there all the same
    bool bad = false;
    struct rlp_in list = rlp_in_of(access, n, &bad), slots;
    for (size_t i = 0; i < ITEMS; i++) {
        struct evm_address a;
        struct word w;
        ck_assert(tx_access_next(&list, &a, &slots) && address_equal(&a, &item[i].address));
        for (size_t k = 0; k < item[i].n_slots; k++)
            ck_assert(tx_slot_next(&slots, &w) && word_equal(&w, &item[i].slot[k]));
        ck_assert(!tx_slot_next(&slots, &w));
    }
    ck_assert(!rlp_more(&list) && !bad);
    struct tx t = some(TX_2930, 10);
    t.access = access;
    t.n_access = n;
    check_rooms(&t, 0, 0, 9);
    struct tx_template p;
    struct err e;
    t.n_access = n - 1; // no list any more: it must not be signed
    ck_assert_int_eq(tx_template_init(&p, &t, mem, sizeof mem, &e), -1);
    t.access = data;
    t.n_access = 4;
    ck_assert_int_eq(tx_template_init(&p, &t, mem, sizeof mem, &e), -1);
    ck_assert(tx_access_encode(item, 0, access, 0, &n) == 0 && n == 0);
}
END_TEST

START_TEST(test_what_cannot_be)
{
    struct tx t = some(TX_1559, 10);
    struct tx_template p;
    struct tx_signed s;
    struct err e;
    ck_assert_int_eq(tx_template_init(&p, &t, mem, sizeof mem, &e), 0);
    ck_assert_int_eq(tx_sign(&p, key, UINT64_MAX, 0, 1, out, sizeof out, &s), -1);
    ck_assert_int_eq(tx_sign(&p, key, 0, 2, 1, out, sizeof out, &s), -1);
    ck_assert_int_eq(tx_sign(&p, key, 0, 1, 1, out, sizeof out, &s), 0);
    t.type = TX_2930;
    ck_assert_int_eq(tx_template_init(&p, &t, mem, sizeof mem, &e), 0);
    ck_assert_int_eq(tx_sign(&p, key, 0, 1, 1, out, sizeof out, &s), -1);
    for (unsigned type = 0; type < 256; type++) {
        t.type = (uint8_t)type;
        bool known = type == TX_2930 || type == TX_1559;
        ck_assert_int_eq(tx_template_init(&p, &t, mem, sizeof mem, &e), known ? 0 : -1);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evm/tx");
    TCase *t = tcase_create("tx");
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_every_size);
    tcase_add_test(t, test_a_template_signed_again);
    tcase_add_test(t, test_longest);
    tcase_add_test(t, test_access_lists);
    tcase_add_test(t, test_what_cannot_be);
    suite_add_tcase(s, t);
    return run_suite(s);
}
