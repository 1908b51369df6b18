// SPDX-License-Identifier: Apache-2.0
// Harness of the Verilated core. Every cycle: drive the inputs, settle with the clock low, look at
// both handshakes, rise.
#include "sim_api.h"

#include <array>
#include <cstring>
#include <memory>
#include <new>

#include "Vhc_core.h"
#include "build_hash.h"
#include "verilated.h"
#include "verilated_fst_c.h"

namespace
{

constexpr size_t kQueue = 4096;
constexpr unsigned kResetCycles = 8;
constexpr uint64_t kBringUpCycles = uint64_t{1} << 24; // more than any that fits a simulator needs

struct Ring {
    std::array<beat, kQueue> at;
    size_t head = 0, used = 0;
    bool full() const { return used == kQueue; }
    void push(const beat &b) { at[(head + used++) % kQueue] = b; }
    const beat &front() const { return at[head]; }
    void pop()
    {
        head = (head + 1) % kQueue;
        used--;
    }
    void clear() { head = used = 0; }
};

// xorshift64*: only has to be repeatable.
struct Random {
    uint64_t state;
    explicit Random(uint64_t seed) : state(seed * 2 + 1) {}
    bool percent(unsigned pct)
    {
        if (pct == 0)
            return false;
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return ((state * UINT64_C(0x2545f4914f6cdd1d)) >> 32) % 100 < pct;
    }
};

} // namespace

struct sim {
    explicit sim(const sim_config &c)
        : random_in(c.seed ^ UINT64_C(0x5851f42d4c957f2d)), random_out(c.seed ^ UINT64_C(0x14057b7ef767814f)),
          stall_in(c.stall_in_pct), stall_out(c.stall_out_pct)
    {
        context.randReset(2);
        context.randSeed(static_cast<int>(c.seed & 0x7fffffff) | 1);
        context.traceEverOn(c.trace != nullptr);
        core = std::make_unique<Vhc_core>(&context, "core");
        if (c.trace) {
            trace = std::make_unique<VerilatedFstC>();
            core->trace(trace.get(), 99);
            trace->open(c.trace);
        }
    }
    ~sim()
    {
        core->final();
        if (trace)
            trace->close();
    }

    void half(bool clock)
    {
        core->clk_i = clock;
        core->eval();
        if (trace)
            trace->dump(context.time());
        context.timeInc(1);
    }

    void offer()
    {
        if (offering || !commands.used || random_in.percent(stall_in))
            return;
        const beat &b = commands.front();
        for (int i = 0; i < 4; i++) {
            core->s_axis_tdata[2 * i] = static_cast<uint32_t>(b.w[i]);
            core->s_axis_tdata[2 * i + 1] = static_cast<uint32_t>(b.w[i] >> 32);
        }
        offering = true;
    }

    void take_event()
    {
        beat b;
        for (int i = 0; i < 4; i++)
            b.w[i] = core->m_axis_tdata[2 * i] | static_cast<uint64_t>(core->m_axis_tdata[2 * i + 1]) << 32;
        events.push(b);
    }

    void cycle()
    {
        offer();
        core->s_axis_tvalid = offering;
        core->m_axis_tready = !events.full() && !random_out.percent(stall_out);
        half(false);
        if (core->rst_ni && core->m_axis_tvalid && core->m_axis_tready)
            take_event();
        if (core->rst_ni && offering && core->s_axis_tready) {
            commands.pop();
            offering = false;
        }
        half(true);
        core->s_axis_tvalid = offering;
    }

    // Nothing offered or queued and the core at rest. idle_o depends on registers only, so it is
    // settled here.
    bool at_rest() const { return !commands.used && core->idle_o; }

    bool bring_up()
    {
        core->rst_ni = 0;
        for (unsigned i = 0; i < kResetCycles; i++)
            cycle();
        core->rst_ni = 1;
        for (uint64_t i = 0; i < kBringUpCycles; i++) {
            cycle();
            if (at_rest())
                return true;
        }
        return false;
    }

    VerilatedContext context;
    std::unique_ptr<Vhc_core> core;
    std::unique_ptr<VerilatedFstC> trace;
    Ring commands, events;
    Random random_in, random_out;
    unsigned stall_in, stall_out;
    bool offering = false; // a beat once offered stays until taken
};

extern "C" {

struct sim *sim_open(const struct sim_config *c, const char **why)
{
    auto *s = new (std::nothrow) sim(*c);
    if (!s) {
        *why = "out of memory";
        return nullptr;
    }
    if (s->trace && !s->trace->isOpen())
        *why = "the waveform file cannot be written";
    else if (!s->bring_up())
        *why = "the core did not finish clearing its memories";
    else
        return s;
    delete s;
    return nullptr;
}

int sim_reset(struct sim *s, uint64_t cycles)
{
    while (cycles--)
        s->cycle();
    s->commands.clear();
    s->events.clear();
    s->offering = false;
    return s->bring_up() ? 0 : -1;
}

size_t sim_submit(struct sim *s, const struct beat *cmd, size_t n)
{
    size_t i = 0;
    for (; i < n && !s->commands.full(); i++)
        s->commands.push(cmd[i]);
    return i;
}

size_t sim_poll(struct sim *s, struct beat *evt, size_t max)
{
    while (!s->events.used && !s->at_rest())
        s->cycle();
    size_t n = 0;
    for (; n < max && s->events.used; n++) {
        evt[n] = s->events.front();
        s->events.pop();
    }
    return n;
}

uint32_t sim_read(struct sim *s, uint32_t offset)
{
    Vhc_core &core = *s->core;
    core.s_axil_araddr = offset;
    core.s_axil_arvalid = 1;
    core.s_axil_rready = 1;
    bool taken = false;
    while (!taken) {
        core.eval();
        taken = core.s_axil_arready;
        s->cycle();
    }
    core.s_axil_arvalid = 0;
    uint32_t value = core.s_axil_rdata; // valid in the cycle after the address was taken
    s->cycle();
    core.s_axil_rready = 0;
    return value;
}

void sim_write(struct sim *s, uint32_t offset, uint32_t value)
{
    Vhc_core &core = *s->core;
    core.s_axil_awaddr = offset;
    core.s_axil_wdata = value;
    core.s_axil_wstrb = 0xf;
    core.s_axil_awvalid = core.s_axil_wvalid = core.s_axil_bready = 1;
    bool taken = false;
    while (!taken) {
        core.eval();
        taken = core.s_axil_awready && core.s_axil_wready;
        s->cycle();
    }
    core.s_axil_awvalid = core.s_axil_wvalid = 0;
    s->cycle();
    core.s_axil_bready = 0;
}

uint64_t sim_build_hash(void)
{
    return SIM_BUILD_HASH;
}

void sim_close(struct sim *s)
{
    delete s;
}

} // extern "C"
