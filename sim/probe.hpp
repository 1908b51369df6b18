// SPDX-License-Identifier: Apache-2.0
// One cycle of the core as a probe sees it (drivers/probe.h); sim/public.vlt makes these signals visible.
#ifndef TRIPLINE_SIM_PROBE_HPP
#define TRIPLINE_SIM_PROBE_HPP

#include "Vhc_top.h"
#include "Vhc_top___024root.h"
#include "abi.h"
#include "probe.h"

namespace probing
{

// A vector of lanes: one word up to 64 of them, an array of words beyond.
template <class T> auto ones(const T &v, int) -> decltype(v.data(), 0u)
{
    unsigned n = 0;
    for (size_t i = 0; i < sizeof v / sizeof v.data()[0]; i++)
        n += static_cast<unsigned>(__builtin_popcount(v.data()[i]));
    return n;
}
template <class T> unsigned ones(const T &v, long)
{
    return static_cast<unsigned>(__builtin_popcountll(v));
}

// Before the clock rises: what the registers hold in this cycle, and what follows from it.
inline void look(const Vhc_top &top, probe &p)
{
    const auto &r = *top.rootp;
    probe_cycle &c = p.ring[p.seen++ % p.size];
    beat event;
    for (int i = 0; i < 4; i++)
        event.w[i] = r.hc_top__DOT__u_core__DOT__m_axis_tdata[2 * i] |
                     static_cast<uint64_t>(r.hc_top__DOT__u_core__DOT__m_axis_tdata[2 * i + 1]) << 32;
    c.cycle = r.hc_top__DOT__cycle;
    c.cmd_valid = r.hc_top__DOT__u_core__DOT__s_axis_tvalid;
    c.cmd_ready = r.hc_top__DOT__u_core__DOT__s_axis_tready;
    c.cmd = c.cmd_valid ? r.hc_top__DOT__u_core__DOT__s_axis_tdata[0] & 0xff : 0;
    c.a = r.hc_top__DOT__u_core__DOT__c0_valid;
    c.m = r.hc_top__DOT__u_core__DOT__u_lane_array__DOT__m_valid_q;
    c.p = r.hc_top__DOT__u_core__DOT__u_lane_array__DOT__p_valid_q;
    c.h = r.hc_top__DOT__u_core__DOT__u_lane_array__DOT__h_act;
    c.a_slot = static_cast<uint8_t>(r.hc_top__DOT__u_core__DOT__c0_slot);
    c.h_slot = static_cast<uint8_t>(r.hc_top__DOT__u_core__DOT__h_slot);
    c.hits = static_cast<uint16_t>(ones(r.hc_top__DOT__u_core__DOT__h_hit, 0));
    c.evt_valid = r.hc_top__DOT__u_core__DOT__m_axis_tvalid;
    c.evt_ready = r.hc_top__DOT__u_core__DOT__m_axis_tready;
    c.evt = c.evt_valid ? abi_opcode(&event) : 0;
    abi_trigger x;
    abi_unpack_trigger(&event, &x);
    c.row = c.evt == ABI_EVT_TRIGGER ? x.row : 0;
}

} // namespace probing

#endif
