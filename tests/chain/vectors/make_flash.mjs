// SPDX-License-Identifier: Apache-2.0
// Writes tests/data/flash/*.txt: random orders, events and errors of the liquidation contract, encoded by ethers 6.17.0
// from the signatures below. The same seed gives the same files. After make deps-chain, from the project root:
//   CHAIN_DIR=build/chain node tests/chain/vectors/make_flash.mjs [FOLDER] [SEED]
// One vector a line, fields apart by a blank, bytes as hexadecimal digits without 0x, "-" for none:
//   orders.txt   the order as tests/unit/exec/flashtext.h reads it, calldata of liquidate
//   batches.txt  required, gas of each, first order (its line from 0), number of orders, calldata of liquidateMany
//   results.txt  "done", topics joined by commas, data, repaid, seized, premium, profit, paid; or "failed", topics, data, reason
//   reverts.txt  signature, or "text" with + for blanks; data
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const { ethers } = createRequire(import.meta.url)("../js/node.js");
const folder = process.argv[2] ?? "tests/data/flash";
let state = BigInt(process.argv[3] ?? 1);
const ORDER = "(address,address,address,address,uint256,uint256,uint256,uint256,uint256,address[],address[])";
const face = new ethers.Interface([
    `function liquidate(${ORDER} o) payable`, `function liquidateMany(${ORDER}[] o, uint256 required, uint256 gasEach) payable`,
    "event Liquidated(address indexed user, address indexed debt, address indexed collateral," +
        " uint256 repaid, uint256 seized, uint256 premium, uint256 profit, uint256 paid)",
    "event Failed(address indexed user, address indexed debt, address indexed collateral, bytes reason)",
    "error Error(string)", "error Panic(uint256)", "error Healthy(uint256)", "error NoProfit(uint256,uint256)", "error NoDebt()",
    "error RouterNotAllowed(address)", "error OutOfGas()", "error TooFew(uint256)", "error TokenRefused(address)",
    "error PaymentFailed(address)",
    "error MustNotLeaveDust()", "error HealthFactorNotBelowThreshold()", "error ReservePaused()", "error Unheard(uint256)",
    "error ERC20InsufficientBalance(address,uint256,uint256)", "error InvalidCollateralInEmode(address,uint256)",
]);

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
const bits = (n) => (n === 0 ? 0n : ((u64() << 192n) | (u64() << 128n) | (u64() << 64n) | u64()) >> BigInt(256 - n));
const address = () => "0x" + bits(160).toString(16).padStart(40, "0");
const amount = () => bits(pick([0, 1, 30, 64, 128, 255, 256]));
const bare = (s) => s.slice(2).toLowerCase() || "-";
const digits = (v) => v.toString(16).padStart(64, "0");
const many = (n, make) => Array.from({ length: n }, make);

function order() {
    const one = below(6) === 0, [debt, collateral] = one ? [address(), null] : [address(), address()];
    const all = below(5) === 0;
    const repay = all ? ethers.MaxUint256 : (amount() + 1n & ethers.MaxUint256) || 1n, tip = bits(pick([0, 0, 40, 126]));
    return [address(), debt, collateral ?? debt, address(), repay, amount(), tip, pick([0, 0, 1, 9999, below(10000)]), below(8),
        one ? [] : many(below(5), address), many(below(5), address)];
}

const text = (o) => [...o.slice(0, 4).map(bare), digits(o[4]), digits(o[5]), ...o.slice(6, 9),
    ...o.slice(9).map((via) => via.map(bare).join(",") || "-")].join(" ");

const ERRORS = [["Healthy", () => [amount()]], ["NoProfit", () => [amount(), amount()]], ["NoDebt", () => []],
    ["RouterNotAllowed", () => [address()]], ["OutOfGas", () => []], ["TooFew", () => [amount()]], ["TokenRefused", () => [address()]],
    ["PaymentFailed", () => [address()]], ["MustNotLeaveDust", () => []], ["HealthFactorNotBelowThreshold", () => []],
    ["ReservePaused", () => []], ["Panic", () => [pick([1n, 17n, 18n, 50n])]], ["Unheard", () => [amount()]],
    ["ERC20InsufficientBalance", () => [address(), amount(), amount()]],
    ["InvalidCollateralInEmode", () => [address(), amount()]]];
const TEXTS = ["", "45", "47", "103", "91", "7", "999", "1000", "UniswapV2Router: INSUFFICIENT_OUTPUT_AMOUNT", "UniswapV2: K",
    "UniswapV2: TRANSFER_FAILED", "UniswapV2Library: INSUFFICIENT_LIQUIDITY", "ERC20: transfer amount exceeds balance",
    "TransferHelper: TRANSFER_FROM_FAILED", "SafeERC20: low-level call failed", "something else", "x".repeat(63), "y".repeat(64),
    "z".repeat(65), "w".repeat(200)];

function result() {
    const who = many(3, address);
    const done = below(2) === 0;
    const values = done ? many(5, amount) : [pick(reverts).data.slice(0, 2 + 2 * 132)];
    const log = face.encodeEventLog(done ? "Liquidated" : "Failed", [...who, ...values]);
    const fields = [done ? "done" : "failed", log.topics.map(bare).join(","), bare(log.data)];
    return [...fields, ...values.map((v) => (done ? digits(v) : bare(v)))].join(" ");
}

const custom = (name, make) => ({ name: face.getError(name).format("sighash"), data: face.encodeErrorResult(name, make()) });
const reverts = [...ERRORS.flatMap(([name, make]) => many(2, () => custom(name, make))),
    ...TEXTS.map((t) => ({ name: `"${t.replaceAll(" ", "+")}"`, data: face.encodeErrorResult("Error", [t]) }))];
const orders = many(40, order);
const batches = many(12, () => {
    const n = 1 + below(6), first = below(orders.length - n), required = below(n + 1), each = 1n + bits(pick([10, 24, 60]));
    const data = face.encodeFunctionData("liquidateMany", [orders.slice(first, first + n), required, each]);
    return [required, each, first, n, bare(data)].join(" ");
});
const write = (name, lines) => fs.writeFileSync(path.join(folder, name), lines.join("\n") + "\n");
fs.mkdirSync(folder, { recursive: true });
write("orders.txt", orders.map((o) => `${text(o)} ${bare(face.encodeFunctionData("liquidate", [o]))}`));
write("batches.txt", batches);
write("reverts.txt", reverts.map((r) => `${r.name} ${bare(r.data)}`));
write("results.txt", many(40, result));
