// SPDX-License-Identifier: Apache-2.0
// host/exec/evm/flash.h and revert.h, line by line: a command on stdin, its answer on stdout, "refused" for
// what is none. ORDER is what exec/flashtext.h reads; bytes are hexadecimal digits, "-" for none.
//   single ORDER                        calldata
//   batch REQUIRED GAS_EACH ORDER...    calldata, gas for the whole
//   result CONTRACT EMITTER TOPICS DATA   other; done USER DEBT COLLATERAL REPAID SEIZED PREMIUM PROFIT PAID;
//                                       failed USER DEBT COLLATERAL and as for revert
//   revert DATA                         reason|name|text|arguments, joined by commas
#include <stdio.h>

#include "exec/flashtext.h"

enum { ROOM = 1 << 17, WORDS_MAX = 1 << 12 };

static char line[4 * ROOM];
static char *word[WORDS_MAX];
static uint8_t buf[ROOM], in[ROOM], item_bytes[FLASH_BATCH_MAX][FLASH_ITEM_MAX];

static void put_hex(const uint8_t *p, size_t n)
{
    static char text[2 * ROOM + 1];
    hex_put(p, n, text);
    printf("%.*s", (int)(2 * n), text);
}

static void put_revert(const struct revert *r)
{
    printf("%s|%s|%s|", revert_reason_name(r->reason), r->name, r->text);
    for (unsigned i = 0; i < r->n_args; i++) {
        printf(i ? "," : "");
        put_hex(r->arg[i].b, WORD_BYTES);
    }
}

static bool calldata(size_t n)
{
    if (n)
        put_hex(buf, n);
    return n != 0;
}

static bool single(void)
{
    struct flash_order o;
    struct flash_item item;
    return flashtext_order(word + 1, &o) && !flash_item(&o, item_bytes[0], FLASH_ITEM_MAX, &item, NULL) &&
           calldata(flash_single(&item, buf, sizeof buf));
}

static bool batch(size_t n)
{
    struct flash_order o;
    struct flash_item item[FLASH_BATCH_MAX];
    size_t count = (n - 3) / FLASHTEXT_WORDS;
    uint64_t gas_each = strtoull(word[2], NULL, 10);
    if (count > FLASH_BATCH_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!flashtext_order(word + 3 + i * FLASHTEXT_WORDS, &o) ||
            flash_item(&o, item_bytes[i], FLASH_ITEM_MAX, &item[i], NULL))
            return false;
    size_t used =
        flash_batch(item, count, strtoul(word[1], NULL, 10), gas_each, buf, FLASH_BATCH_ROOM(count));
    if (!calldata(used))
        return false;
    printf(" %llu", (unsigned long long)flash_batch_gas(count, gas_each, used));
    return true;
}

static void put_result(enum flash_outcome what, const struct flash_result *r)
{
    printf(what == FLASH_DONE ? "done " : "failed ");
    const struct evm_address *a[] = {&r->user, &r->debt, &r->collateral};
    for (int i = 0; i < 3; i++) {
        put_hex(a[i]->b, ADDRESS_BYTES);
        printf(" ");
    }
    if (what == FLASH_FAILED) {
        put_revert(&r->why);
        return;
    }
    const struct word *w[] = {&r->repaid, &r->seized, &r->premium, &r->profit, &r->paid};
    for (int i = 0; i < 5; i++) {
        printf(i ? " " : "");
        put_hex(w[i]->b, WORD_BYTES);
    }
}

static bool result(void)
{
    struct evm_address contract;
    struct abi_log l = {.data = in};
    struct flash_result r;
    if (!flashtext_fixed(word[1], contract.b, ADDRESS_BYTES) ||
        !flashtext_fixed(word[2], l.address.b, ADDRESS_BYTES) ||
        !flashtext_bytes(word[4], in, sizeof in, &l.n_data))
        return false;
    for (char *save, *t = strtok_r(word[3], ",", &save); t && l.n_topics < ABI_TOPICS_MAX;
         t = strtok_r(NULL, ",", &save))
        if (!flashtext_fixed(t, l.topic[l.n_topics++].b, WORD_BYTES))
            return false;
    enum flash_outcome what = flash_result(&l, &contract, &r);
    if (what == FLASH_OTHER)
        printf("other");
    else
        put_result(what, &r);
    return true;
}

static bool one(size_t n)
{
    struct revert r;
    size_t bytes;
    if (n == 1 + FLASHTEXT_WORDS && strcmp(word[0], "single") == 0)
        return single();
    if (n > 3 && strcmp(word[0], "batch") == 0)
        return batch(n);
    if (n == 5 && strcmp(word[0], "result") == 0)
        return result();
    if (n != 2 || strcmp(word[0], "revert") != 0 || !flashtext_bytes(word[1], in, sizeof in, &bytes))
        return false;
    revert_decode(in, bytes, &r);
    put_revert(&r);
    return true;
}

int main(void)
{
    while (fgets(line, sizeof line, stdin)) {
        size_t n = 0;
        for (char *save, *t = strtok_r(line, " \n", &save); t && n < WORDS_MAX;
             t = strtok_r(NULL, " \n", &save))
            word[n++] = t;
        printf(n && one(n) ? "\n" : "refused\n");
        fflush(stdout);
    }
    return 0;
}
