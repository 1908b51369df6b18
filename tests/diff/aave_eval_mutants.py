# SPDX-License-Identifier: Apache-2.0
"""Wrong versions of `aave-v3` that aave_eval_diff.py must find. Those of the arithmetic are in rules_mutants.py."""

C = "aave_v3_eval.c"
MUTANTS = [(C, *x) for x in (
    ("{&rule_aave_1_19, &rule_aave_3_3", "{&rule_aave_3_3, &rule_aave_3_3"), ("&rule_aave_3_6, &rule_aave_3_7", "&rule_aave_3_6, &rule_aave_3_6"),
    ("&rule_aave_3_4,\n                                               &rule_aave_3_5", "&rule_aave_3_4,\n                                               &rule_aave_3_4"),
    ('"liquidity_index", INDEX_BITS, one', '"borrow_index", INDEX_BITS, one'), ("in->emode = w->a.emode = 1", "in->emode = 1"),
    ('state_u64(s, "emode_threshold", BPS)', "in->lt_bps"), ("in->emode_lb_bps = (uint32_t)", "in->emode_lb_bps = 0 * (uint32_t)"),
    ('in->lb_bps = bps_or(s, "liquidation_bonus", 2 * BPS)', "in->lb_bps = 10500"), ("in->fee_bps = bps_or", "in->fee_bps = 0 * bps_or"),
    ("w->px[i] == 0", "false"), ("RESERVES_MAX = 32", "RESERVES_MAX = 33"),
    ('in->grace_until = state_bool_or(s, "grace", false)', '(void)state_bool_or(s, "grace", false)'),
    ('state_bool_or(s, "collateral", false)', 'state_bool_or(s, "collateral", true)'),
    ("(i128)1 << (SCALED_BITS - 1)", "(i128)1 << 40"), ("grace_now(in) || grace_now", "grace_now(in) && grace_now"), ("if (!below_one)", "if (false)"),
    ("c->supply == 0 || !aave_counts", "!aave_counts"), ("d->debt == 0 ?", "false ?"),
    ("== paid)", "!= paid)"), ("x->flow[i].instrument == instrument &&", ""), ("flow_of(x, PARTY_VENUE, o->collateral", "flow_of(x, PARTY_VENUE, o->debt"),
    ("i256_add(received, fee))", "received)"), ("left_of(&w->a, o->debt)", "left_of(&w->a, o->collateral)"), ("c->supply != 0 && c->collateral", "c->supply != 0"),
    ("i256_mul_i64(d.debt, BPS)", "i256_mul_i64(d.debt, BPS + 1)"), ("none ? U256_MAX", "none ? U256_ZERO"),
    ("aave_average(d.weighted, d.collateral)", "(uint32_t)d.lt"), ("{.instrument = o->collateral}", "{.instrument = o->debt}"),
    ('"MustNotLeaveDust" : "InvalidBurnAmount"', '"InvalidBurnAmount" : "MustNotLeaveDust"'), ("x.n = 0;", ""),
    ("if (w.rule->validate(&w.m, &w.a, &why))", "if (false)"), ("h.liquidatable)", "i256_cmp(h.equity, h.requirement) < 0)"))]
