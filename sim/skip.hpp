// SPDX-License-Identifier: Apache-2.0
// Skipping cycles in which nothing can happen (sim/public.vlt makes these signals visible). A device with
// nothing to do changes in two places only: its cycle counter, and a counter of three that paces its look at
// RING_CONSUMED; so skips are multiples of three cycles. tests/cosim/pcie.c compares with runs that skip
// nothing.
#ifndef TRIPLINE_SIM_SKIP_HPP
#define TRIPLINE_SIM_SKIP_HPP

#include "Vhc_top.h"
#include "Vhc_top___024root.h"

namespace skip
{

constexpr uint64_t kStep = 3;

// No command, no part of one and no event is left; a status record may still be due.
inline bool idle(const Vhc_top &top)
{
    const auto *r = top.rootp;
    return r->hc_top__DOT__idle && !r->hc_top__DOT__resetting && !r->hc_top__DOT__win_clearing &&
           !r->hc_top__DOT__win_waiting && !r->hc_top__DOT__ring_waiting;
}
inline void count(Vhc_top &top, uint64_t cycles)
{
    top.rootp->hc_top__DOT__u_regs__DOT__cycle_o += cycles;
}

} // namespace skip

#endif
