// SPDX-License-Identifier: Apache-2.0
// What the simulation spares itself, by looking behind the ports. tests/cosim/pcie.c compares with runs that
// spare nothing.
// Cycles in which nothing can happen (sim/public.vlt makes these signals visible): a device with nothing to
// do changes in two places only, its cycle counter and a counter of three that paces its look at
// RING_CONSUMED; so skips are multiples of three cycles.
// The clock's falling edge: nothing in the device waits for it, and no output follows an input without a
// register (but for rst_ni), so it is enough that the model forgets that the clock was high.
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
    top.rootp->hc_top__DOT__cycle += cycles;
}

// False: this Verilator keeps the clock's past elsewhere, and the falling edge has to be evaluated.
template <class Root> auto fall(Root &r, int) -> decltype(r.__Vtrigrprev__TOP__clk_i = 0, true)
{
    r.__Vtrigrprev__TOP__clk_i = 0;
    return true;
}
template <class Root> bool fall(Root &, long)
{
    return false;
}

} // namespace skip

#endif
