// SPDX-License-Identifier: Apache-2.0
// Writes tests/data/evm/*.txt: random transactions, messages and values of random Solidity types, made here and
// encoded and signed by ethers 6.17.0. The same seed gives the same files.
//   npm ci (in tests/chain), then: node tests/chain/vectors/make_evm.mjs [FOLDER] [SEED]
// One vector a line, fields apart by a blank, bytes as hexadecimal digits without 0x, "-" for none.
import fs from "node:fs";
import path from "node:path";
import { AbiCoder, Transaction, Wallet, concat, id, keccak256, toBeHex } from "ethers";

const folder = process.argv[2] ?? "tests/data/evm";
let state = BigInt(process.argv[3] ?? 1);

function u64() { // splitmix64
    const m = (1n << 64n) - 1n;
    state = (state + 0x9e3779b97f4a7c15n) & m;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & m;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & m;
    return z ^ (z >> 31n);
}
const below = (n) => Number(u64() % BigInt(n));
const pick = (list) => list[below(list.length)];
function hex(n) {
    let s = "";
    while (s.length < 2 * n)
        s += u64().toString(16).padStart(16, "0");
    return s.slice(0, 2 * n);
}
const bits = (n) => (n === 0 ? 0n : BigInt("0x" + hex(32)) >> BigInt(256 - n)); // any number of up to n bits
const upTo = (n) => bits(below(n + 1));
const bare = (s) => s.slice(2) || "-";
const digits = (v) => bare(toBeHex(v, 32));

// ---- transactions

function access() {
    return Array.from({ length: pick([0, 0, 0, 0, 1, 3]) }, () => ({
        address: "0x" + hex(20), storageKeys: Array.from({ length: below(4) }, () => "0x" + hex(32)) }));
}

function transaction(i) {
    const key = "0x" + hex(32), type = i % 3 ? 2 : 1;
    const length = i < 12 ? [0, 1, 1, 2, 54, 55, 56, 57, 255, 256, 257, 1000][i] : below(pick([5, 80, 80, 300]));
    const fees = [upTo(pick([1, 36, 64, 128])), upTo(pick([1, 36, 64, 128]))].sort((a, b) => (a < b ? -1 : 1));
    const t = { type, chainId: upTo(pick([1, 8, 16, 63])), nonce: Number(upTo(pick([1, 7, 8, 16, 32]))),
        gasLimit: upTo(pick([15, 24, 63])),
        to: below(12) ? "0x" + hex(20) : null, value: upTo(pick([1, 64, 256])),
        data: "0x" + hex(length), accessList: access() };
    if (type === 2)
        Object.assign(t, { maxPriorityFeePerGas: fees[0], maxFeePerGas: fees[1] });
    else
        t.gasPrice = fees[1];
    const made = Transaction.from(t), wallet = new Wallet(key);
    made.signature = wallet.signingKey.sign(made.unsignedHash);
    const list = t.accessList.map((a) => [a.address, ...a.storageKeys].map(bare).join(",")).join(";") || "-";
    return [type, bare(key), t.chainId, t.nonce, type === 2 ? fees[0] : 0, fees[1], t.gasLimit, t.to ? bare(t.to) : "-", t.value,
        bare(t.data), list, bare(made.serialized), bare(made.hash), wallet.address].join(" ");
}

// ---- personal signatures: key, message, signature, header of a bundle with the message as its body

async function message() {
    const wallet = new Wallet("0x" + hex(32)), body = Buffer.from(hex(below(200)), "hex");
    const header = `${wallet.address}:${await wallet.signMessage(keccak256(body))}`;
    return [bare(wallet.privateKey), bare("0x" + body.toString("hex")), bare(await wallet.signMessage(body)), header].join(" ");
}

// ---- values of random types. Beside the type and the encoding, a line has the value as tests/diff/evm_driver.c
// takes it: w word, b bytes, a words items... . (array), t words members... . (dynamic struct)

const plain = [
    ["uint256", () => { const v = bits(256); return [v, ["w", digits(v)]]; }],
    ["uint64", () => { const v = upTo(64); return [v, ["w", digits(v)]]; }],
    ["int256", () => { const v = bits(255) - (1n << 254n); return [v, ["w", digits(BigInt.asUintN(256, v))]]; }],
    ["bool", () => { const v = below(2); return [v === 1, ["w", digits(v)]]; }],
    ["address", () => { const v = hex(20); return ["0x" + v, ["w", v.padStart(64, "0")]]; }],
    ["bytes4", () => { const v = hex(4); return ["0x" + v, ["w", v.padEnd(64, "0")]]; }],
    ["bytes", () => { const v = hex(below(pick([3, 70]))); return ["0x" + v, ["b", v || "-"]]; }, true],
    ["string", () => { const v = "x".repeat(below(40)); return [v, ["b", Buffer.from(v).toString("hex") || "-"]]; }, true],
];

function random(depth) { // { type, words, dynamic, make(): [value, tokens] }
    const kind = depth ? below(10) : 9;
    if (kind < 2) {
        const item = random(depth - 1), words = item.dynamic ? 1 : item.words;
        return { type: item.type + "[]", words: 1, dynamic: true, make() {
            const made = Array.from({ length: below(4) }, item.make);
            return [made.map((m) => m[0]), ["a", String(made.length), String(words), ...made.flatMap((m) => m[1]), "."]];
        } };
    }
    if (kind < 4) {
        const parts = Array.from({ length: 1 + below(4) }, () => random(depth - 1));
        const words = parts.reduce((n, p) => n + (p.dynamic ? 1 : p.words), 0), dynamic = parts.some((p) => p.dynamic);
        return { type: `(${parts.map((p) => p.type).join(",")})`, words, dynamic, make() {
            const made = parts.map((p) => p.make()), tokens = made.flatMap((m) => m[1]);
            return [made.map((m) => m[0]), dynamic ? ["t", String(words), ...tokens, "."] : tokens];
        } };
    }
    const [type, make, dynamic] = pick(plain);
    return { type, words: 1, dynamic: dynamic === true, make };
}

function call() {
    const parts = Array.from({ length: 1 + below(4) }, () => random(3)), made = parts.map((p) => p.make());
    const words = parts.reduce((n, p) => n + (p.dynamic ? 1 : p.words), 0);
    const signature = `f(${parts.map((p) => p.type).join(",")})`;
    const encoded = AbiCoder.defaultAbiCoder().encode(parts.map((p) => p.type), made.map((m) => m[0]));
    const data = concat([id(signature).slice(0, 10), encoded]);
    return [signature, bare(data), words, ...made.flatMap((m) => m[1])].join(" ");
}

async function write(name, n, make) {
    const lines = [];
    for (let i = 0; i < n; i++)
        lines.push(await make(i));
    fs.writeFileSync(path.join(folder, name), lines.join("\n") + "\n");
}
fs.mkdirSync(folder, { recursive: true });
await write("transactions.txt", 200, transaction);
await write("messages.txt", 24, message);
await write("calls.txt", 100, call);
