# SPDX-License-Identifier: Apache-2.0
"""Wrong versions of host/exec/split.c that split_diff.py --mutants must find: name, file, text that occurs
exactly once, replacement."""
S = "host/exec/split.c"
MUTANTS = [
    ("tried on what the try before has left", S, "    account_copy(t->after, t->a);\n", "    if (t->after->id == 0)\n        account_copy(t->after, t->a);\n"),
    ("a refusal is as good as leaving it", S, "return false; // leaves dust", "return true; // leaves dust"),
    ("repays one unit less than asked", S, "    t->leg[0].qty = qty;\n    if", "    t->leg[0].qty = qty > 1 ? qty - 1 : qty;\n    if"),
    ("healthy is taken for liquidatable", S, "return h.liquidatable;", "return !h.liquidatable;"),
    ("stops after the first guess", S, "i < STEPS_MAX &&", "i < 1 &&"),
    ("only two steps", S, "i < STEPS_MAX &&", "i < 2 &&"),
    ("the sides of the search are swapped", S, "        if (leaves)\n", "        if (!leaves)\n"),
    ("gives what no longer leaves it", S, "    return lo;\n", "    return hi;\n"),
    ("gives one less", S, "    return lo;\n", "    return lo > 1 ? lo - 1 : lo;\n"),
    ("grain of a thousandth", S, "i256_div_floor(i256_from_i128(first), value)", "i256_div_floor(i256_from_i128(first), i256_from_i64(100))"),
    ("search ends two grains off", S, "hi - lo > grain &&", "hi - lo > 3 * grain &&"),
    ("always all first", S, "if (!leaves_it(&t, first, &left)) {", "if (false) {"),
    ("half of it first", S, "        if (first == 0 || !leaves_it(&t, first, &left))", "        first /= 2;\n        if (first == 0 || !leaves_it(&t, first, &left))"),
    ("the second sized before the first", S, "a->rule->size(m, scratch, px, &most, second)", "a->rule->size(m, a, px, &most, second)"),
    ("the second restores a health", S, ".dust = INT64_MAX}", ".dust = 0}"),
    ("two orders always", S, "return i256_cmp(i256_add(first->reward", "return true || i256_cmp(i256_add(first->reward"),
    ("two orders never", S, "return i256_cmp(i256_add(first->reward", "return false && i256_cmp(i256_add(first->reward"),
    ("as much is more", S, "all->reward) > 0 &&", "all->reward) >= 0 &&"),
    ("the first's reward forgotten", S, "i256_add(first->reward, second.reward)", "second.reward"),
    ("rounded for us", S, "i256_div10_floor(", "i256_div10_ceil("),
    ("everybody's flows", S, "f->party != PARTY_LIQUIDATOR || ", ""),
    ("what is got is paid too", S, "        if (i256_sign(worth) < 0)\n            out", "        out"),
    ("the price's decimals forgotten", S, "in->size_decimals + (unsigned)m->asset[in->asset].decimals", "in->size_decimals"),
    ("told as the whole", S, "first->full = false;", "first->full = all->full;"),
    ("the whole quantity", S, "    first->leg[0].qty = qty;\n", ""),
    ("the whole's value and reward", S, "    earned(m, px, settlement, first);\n", ""),
    ("a share of the whole", S, "    earned(m, px, settlement, first);\n",
     "    earned(m, px, settlement, first);\n    first->reward = i256_div_floor(i256_mul(all->reward, i256_from_i128(qty)), i256_from_i128(all->leg[0].qty));\n"),
]
