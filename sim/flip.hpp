// SPDX-License-Identifier: Apache-2.0
// Flips bits in the memories of a Verilated device whose geometry says -parity (sim/flip.vlt makes them
// visible).
#ifndef TRIPLINE_SIM_FLIP_HPP
#define TRIPLINE_SIM_FLIP_HPP

#include "Vhc_top.h"
#include "board.h"
#include "verilated.h"
#include "verilated_sym_props.h"
#include "verilated_syms.h"

#include <string>

namespace flip
{

struct Place {
    std::string scope;
    const char *name;
};

inline Place place_of(board_memory memory, unsigned lane)
{
    const std::string core = "top.hc_top.u_core.", array = core + "u_lane_array.",
                      prices = core + "u_frontend.u_price_file", usage = core + "u_frontend.g_usage.u_usage",
                      one = array + "g_lane[" + std::to_string(lane) + "].u_lane";
    switch (memory) {
    case BOARD_COEF:
        return {one, "coef_mem"};
    case BOARD_H:
        return {one, "h_mem"};
    case BOARD_H_PARITY:
        return {array + "g_parity", "parity_mem"};
    case BOARD_ARMED:
        return {core + "u_lane_array", "armed_mem"};
    case BOARD_ARMED_AGAIN:
        return {array + "g_parity", "again_mem"};
    case BOARD_PRICE:
        return {prices, "price_mem"};
    case BOARD_BAND_LO:
        return {prices, "lo_mem"};
    case BOARD_BAND_HI:
        return {prices, "hi_mem"};
    case BOARD_USED:
        return {usage, "used_mem"};
    case BOARD_COUNT:
        return {usage, "count_mem"};
    default:
        return {usage + ".g_parity", "again_mem"};
    }
}

// One dimension: a memory of single bits.
inline bool bit(const VerilatedContext &context, board_memory memory, unsigned lane, unsigned index,
                unsigned at)
{
    const Place p = place_of(memory, lane);
    const VerilatedScope *scope = context.scopeFind(p.scope.c_str());
    const VerilatedVar *var = scope ? scope->varFind(p.name) : nullptr;
    if (!var)
        return false;
    const bool single = var->udims() == 0;
    const unsigned words =
        static_cast<unsigned>(single ? var->packed().elements() : var->unpacked().elements());
    const unsigned width = single ? 1 : static_cast<unsigned>(var->packed().elements());
    if (index >= words || at >= width)
        return false;
    const unsigned bytes = width <= 8    ? 1
                           : width <= 16 ? 2
                           : width <= 32 ? 4
                           : width <= 64 ? 8
                                         : (width + 31) / 32 * 4;
    // Elements are little-endian words on every host that Verilator's own models run on.
    static_cast<unsigned char *>(var->datap())[static_cast<size_t>(index) * bytes + at / 8] ^=
        static_cast<unsigned char>(1u << (at % 8));
    return true;
}

} // namespace flip

#endif
