// SPDX-License-Identifier: Apache-2.0
// What encoding, hashing and signing cost (docs/evm.md): ns, p50 and p99 of single calls (those far below
// 1 us in batches, whose mean is one sample). A liquidation's transaction: 164 bytes of calldata to one
// contract.
//   evm [ROUNDS]
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hist.h"
#include "evm/abi.h"
#include "evm/hex.h"
#include "evm/keccak.h"
#include "evm/tx.h"

enum { ROUNDS = 20000, BATCH = 64, CALL_BYTES = 164, WARM = 100, P50 = 50000, P99 = 99000 };

static struct {
    struct private_key *key;
    struct evm_address pool, asset;
    struct tx tx;
    struct tx_template template;
    struct tx_signed last;
    uint8_t call[512], mem[1024], out[1024];
    char text[2048];
    struct word hash;
    uint64_t nonce;
} b;

static void keccak_120(void)
{
    keccak256(b.out, 120, &b.hash);
    b.out[0] ^= b.hash.b[0]; // each depends on the one before
}

// liquidationCall(collateral, debt, user, debtToCover, receiveAToken): 5 words
static void encode_call(void)
{
    struct abi_out o = abi_out_of(b.call, sizeof b.call);
    struct abi_head h = abi_call(&o, 0x00a718a9, 5);
    abi_put_address(&o, &h, &b.asset);
    abi_put_address(&o, &h, &b.pool);
    abi_put_address(&o, &h, &b.asset);
    abi_put_u128(&o, &h, b.nonce++);
    abi_put_u64(&o, &h, false);
    b.tx.n_data = abi_done(&o);
}

static void make_template(void)
{
    if (tx_template_init(&b.template, &b.tx, b.mem, sizeof b.mem, NULL))
        exit(1);
}

static void curve(void)
{
    struct signature s;
    key_sign(b.key, &b.hash, &s);
    b.hash = s.r;
}

static void sign_again(void)
{
    if (tx_sign(&b.template, b.key, b.nonce++, 2000000000, UINT64_C(60000000000), b.out, sizeof b.out,
                &b.last))
        exit(1);
}

static void sign_whole(void)
{
    make_template();
    sign_again();
}

static void hex_of_it(void)
{
    hex_put(b.out, b.last.n, b.text);
}

static void bundle_header(void)
{
    (void)key_bundle_header(b.key, b.text, 2 * b.last.n, b.text + 1024);
}

static void read_it(void)
{
    struct tx_decoded d;
    if (tx_decode(b.out, b.last.n, &d, NULL))
        exit(1);
    b.hash = d.hash;
}

static const struct {
    const char *name;
    void (*run)(void);
    unsigned batch;
} stages[] = {
    {"keccak256 of 120 bytes", keccak_120, BATCH},
    {"calldata of five arguments", encode_call, BATCH},
    {"template (RLP of all but nonce, fees)", make_template, BATCH},
    {"curve alone (recoverable signature)", curve, 1},
    {"template signed again (nonce, fees)", sign_again, 1},
    {"whole sign (template, hash, sign, hash)", sign_whole, 1},
    {"transaction as hexadecimal text", hex_of_it, BATCH},
    {"transaction decoded, both hashes", read_it, BATCH},
    {"header of a bundle (its body's hash, sign)", bundle_header, 1},
};

static struct hist h;

static void print(const char *name)
{
    printf("%-44s %9.0f %9.0f %9.0f\n", name, (double)h.min / 10, (double)hist_percentile(&h, P50) / 10,
           (double)hist_percentile(&h, P99) / 10);
}

// In tenths of a ns, of which a batch has some.
static uint64_t time_of(void (*run)(void), unsigned batch)
{
    uint64_t t = clock_ticks_begin();
    for (unsigned k = 0; k < batch; k++)
        run();
    return clock_ns(clock_ticks_end() - t) * 10 / batch;
}

static void measure(size_t stage, unsigned rounds)
{
    hist_init(&h);
    for (unsigned i = 0; i < rounds / stages[stage].batch + WARM; i++) {
        uint64_t t = time_of(stages[stage].run, stages[stage].batch);
        if (i >= WARM)
            hist_record(&h, t);
    }
    print(stages[stage].name);
}

// Of pairs side by side: the histogram is too coarse for a difference of two of its percentiles.
static void measure_difference(unsigned rounds)
{
    hist_init(&h);
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t alone = time_of(curve, 1), whole = time_of(sign_whole, 1);
        hist_record(&h, whole > alone ? whole - alone : 0);
    }
    print("whole sign less the curve, of neighbours");
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : ROUNDS;
    uint8_t secret[WORD_BYTES] = {1, 2, 3};
    struct err e;
    char clock[160];
    if (rounds < BATCH || !(b.key = key_from_bytes(secret, &e))) {
        fprintf(stderr, "usage: evm [ROUNDS, 64 or more]\n");
        return 2;
    }
    memset(&b.pool, 0x87, sizeof b.pool);
    memset(&b.asset, 0xc0, sizeof b.asset);
    b.tx = (struct tx){.type = TX_1559, .chain_id = 42161, .gas = 500000, .to = b.pool, .data = b.call};
    encode_call();
    sign_whole();
    clock_init();
    printf("clock: %s\ntransaction: %zu bytes of calldata, %zu bytes signed\n",
           clock_describe(clock, sizeof clock), b.tx.n_data, b.last.n);
    printf("%-44s %9s %9s %9s\n", "ns", "min", "p50", "p99");
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        measure(i, rounds);
    measure_difference(rounds);
    key_free(b.key);
    return 0;
}
