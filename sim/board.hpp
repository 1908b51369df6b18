// SPDX-License-Identifier: Apache-2.0
// The board: clock, AXI channels of the Verilated hc_top, and the links of pcie.hpp on their other side.
// Every cycle: drive the inputs, settle with the clock low (or know that nothing settles: skip.hpp), look at
// the handshakes, rise. board.h has what a driver sees of it, harness.cpp is between the two.
#ifndef TRIPLINE_SIM_BOARD_HPP
#define TRIPLINE_SIM_BOARD_HPP

#include "board.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "Vhc_top.h"
#include "pcie.hpp"
#include "verilated.h"
#if VM_COVERAGE
#include "verilated_cov.h"
#endif
#include "verilated_fst_c.h"
#ifdef SIM_SKIP // the model's own state is within reach (sim.mk): skip.hpp
#include "probe.hpp"
#include "skip.hpp"
#endif

struct board {
    static constexpr unsigned kResetCycles = 8;
    static constexpr uint64_t kDrain = 65536; // cycles, docs/host-interface.md
    static constexpr size_t kChannel = 8;     // transfers waiting at a channel of the window's port
    static constexpr size_t kReplies = 32;
    // Cycles of idleness before a device counts as at rest: a status record comes after 8.
    static constexpr uint64_t kSettle = 16;
    using Address = pcie::Address;
    using Beat = pcie::Beat;
    using Request = pcie::Request;

    struct Target { // of the device's AW channel
        uint64_t address;
        uint8_t id;
    };
    struct Response { // to the device
        uint8_t id, resp;
    };
    struct Data { // of the device's W channel
        uint64_t w[4];
    };

    static uint64_t cycles_of(uint64_t ns, uint64_t mhz) { return (ns * mhz + 500) / 1000; }

    static const device_card &card_of(const board_config &c)
    {
        return c.card ? *c.card : device_card_default;
    }

    explicit board(const board_config &c)
        : memory(card_of(c).ring_log2, c.seed), checker(memory),
          random_in(c.seed ^ UINT64_C(0x5851f42d4c957f2d)), random_out(c.seed ^ UINT64_C(0x14057b7ef767814f)),
          down(cycles_of(card_of(c).write_ns, card_of(c).clock_mhz),
               cycles_of(card_of(c).read_ns, card_of(c).clock_mhz), card_of(c).jitter_pct, card_of(c).whole,
               random_in),
          up(cycles_of(card_of(c).event_ns, card_of(c).clock_mhz),
             cycles_of(card_of(c).read_ns, card_of(c).clock_mhz), card_of(c).jitter_pct, card_of(c).whole,
             random_out),
          stall_in(c.stall_in_pct), stall_out(c.stall_out_pct), skipping(!c.every_cycle && !c.trace)
    {
        context.randReset(2);
        context.randSeed(static_cast<int>(c.seed & 0x7fffffff) | 1);
        context.traceEverOn(c.trace != nullptr);
        top = std::make_unique<Vhc_top>(&context, "top");
        if (c.trace) {
            trace = std::make_unique<VerilatedFstC>();
            top->trace(trace.get(), 99);
            trace->open(c.trace);
        }
    }
    ~board()
    {
        // Where the model signs off; else that of the board that ran last, which may be gone.
        Verilated::threadContextp(&context);
        top->final();
#if VM_COVERAGE
        if (const char *path = std::getenv("COVERAGE")) // one file a board: the reader adds them up
            context.coveragep()->write((std::string(path) + "." + std::to_string(serial++)).c_str());
#endif
        if (trace)
            trace->close();
    }

    void half(bool clock)
    {
        top->clk_i = clock;
        top->eval();
        if (trace)
            trace->dump(context.time());
        context.timeInc(1);
    }

    // The falling edge without its evaluation, where nobody looks at it.
    bool fall()
    {
#ifdef SIM_SKIP
        return skipping && skip::fall(*top->rootp, 0);
#else
        return false;
#endif
    }

    void reset()
    {
        down.clear();
        up.clear();
        checker.reset();
        aw.clear();
        w.clear();
        m_aw.clear();
        m_w.clear();
        replies.clear();
        window_read = pcie::WindowRead();
        unanswered = refusing = 0;
        access = Access::None;
        aw_on = w_on = held = lite_aw = lite_w = lite_ar = answered = false;
        top->s_axi_awvalid = top->s_axi_wvalid = top->s_axi_arvalid = 0;
        top->s_axil_awvalid = top->s_axil_wvalid = top->s_axil_arvalid = 0;
        top->m_axi_bvalid = 0;
        top->rst_ni = 0;
        for (unsigned i = 0; i < kResetCycles; i++) {
            context.assertOn(i >
                             1); // before its first clock a device may be in any state, and no promise holds
            half(false);
            half(true);
        }
#if VM_COVERAGE
        if (std::getenv("COVERAGE_FROM_RESET") && !begun)
            context.coveragep()->zero(); // what powering up did to a bit is no coverage
        begun = true;
#endif
        top->rst_ni = 1;
        top->clk_i = 0;
        top->eval(); // outputs follow this input
        now = evaluated = quiet = rest = 0;
        gives_up = pcie::kNever;
        visible = 0;
    }

    // ---- host to device: the head of the link is handed to the port it is for, in order even between the
    // ports
    void feed()
    {
        const Request &r = down.front();
        if (r.kind == Request::Window) {
            if (access != Access::None || aw.full() || w.size() + (narrow_pct ? pcie::kBurst : 2) > kChannel)
                return;
            pcie::burst(r, random_in.percent(narrow_pct), aw, w);
            unanswered++;
        } else {
            if (access != Access::None || unanswered)
                return;
            access = r.kind == Request::Write ? Access::Write : Access::Read;
            lite_offset = r.offset;
            lite_value = r.value;
            lite_aw = lite_w = r.kind == Request::Write;
            lite_ar = !lite_aw;
        }
        down.pop();
        quiet = 0;
    }

    void offer()
    {
        if (!aw_on && !aw.empty() && !random_in.percent(stall_in)) {
            const Address &a = aw.front();
            top->s_axi_awid = a.offset >> 5 & 0xf;
            top->s_axi_awaddr = a.offset;
            top->s_axi_awlen = a.len;
            top->s_axi_awsize = a.size;
            top->s_axi_awburst = a.burst;
            aw_on = true;
        }
        if (!w_on && !w.empty() && !random_in.percent(stall_in)) {
            const Beat &b = w.front();
            for (int i = 0; i < 8; i++)
                top->s_axi_wdata[i] = b.word[i];
            top->s_axi_wstrb = b.strobe;
            top->s_axi_wlast = b.last;
            w_on = true;
        }
        top->s_axi_awvalid = aw_on;
        top->s_axi_wvalid = w_on;
        top->s_axi_bready = !unanswered || !random_in.percent(stall_in);
        window_read.drive(*top, window_read.done() || !random_in.percent(stall_in));
        if (access != Access::None)
            offer_access();
    }

    void offer_access()
    {
        top->s_axil_awaddr = top->s_axil_araddr = lite_offset;
        top->s_axil_wdata = lite_value;
        top->s_axil_wstrb = 0xf;
        // once offered it stays
        top->s_axil_awvalid = lite_aw && (top->s_axil_awvalid || !random_in.percent(stall_in));
        top->s_axil_wvalid = lite_w && (top->s_axil_wvalid || !random_in.percent(stall_in));
        top->s_axil_arvalid = lite_ar && (top->s_axil_arvalid || !random_in.percent(stall_in));
        top->s_axil_bready = access == Access::Write && !random_in.percent(stall_in);
        top->s_axil_rready = access == Access::Read && !random_in.percent(stall_in);
    }

    void look_down()
    {
        if (aw_on && top->s_axi_awready) {
            aw.pop();
            aw_on = false;
            quiet = 0;
        }
        if (w_on && top->s_axi_wready) {
            checker.window_bytes(static_cast<uint32_t>(__builtin_popcount(w.front().strobe)));
            w.pop();
            w_on = false;
            quiet = 0;
        }
        if (top->s_axi_bvalid && top->s_axi_bready) {
            if (!unanswered)
                pcie::violation("a write response too many", top->s_axi_bid, 0);
            unanswered--;
            refused += top->s_axi_bresp != 0;
            quiet = 0;
        }
        window_read.look(*top);
        if (access != Access::None)
            look_access();
    }

    void written()
    {
        checker.written(now, lite_offset, lite_value);
        if (lite_offset == ABI_REG_CONTROL && lite_value & ABI_CONTROL_RESET)
            gives_up = now + kDrain;
    }

    void look_access()
    {
        quiet = 0;
        bool writing = lite_aw || lite_w, done = false;
        lite_aw = lite_aw && !(top->s_axil_awvalid && top->s_axil_awready);
        lite_w = lite_w && !(top->s_axil_wvalid && top->s_axil_wready);
        lite_ar = lite_ar && !(top->s_axil_arvalid && top->s_axil_arready);
        if (writing && !lite_aw && !lite_w)
            written(); // it may act on it from now on, answered or not
        if (access == Access::Write)
            done = top->s_axil_bvalid && top->s_axil_bready;
        else if (top->s_axil_rvalid && top->s_axil_rready) {
            up.answer(now, top->s_axil_rdata);
            done = true;
        }
        if (done) {
            access = Access::None;
            lite_off = true;
        }
    }

    // ---- device to host
    void take()
    {
        bool room = !up.full() && replies.size() < kReplies;
        top->m_axi_awready = room && !m_aw.full() && !(top->m_axi_awvalid && random_out.percent(stall_out));
        top->m_axi_wready = room && !m_w.full() && !(top->m_axi_wvalid && random_out.percent(stall_out));
        top->m_axi_bvalid = !replies.empty() && (top->m_axi_bvalid || !random_out.percent(stall_out));
        top->m_axi_bresp = replies.front().resp;
        top->m_axi_bid = replies.front().id;
    }

    void look_up()
    {
        if (top->m_axi_awvalid || held)
            look_address();
        if (top->m_axi_wvalid && top->m_axi_wready) {
            if (top->m_axi_wstrb != UINT32_MAX || !top->m_axi_wlast)
                pcie::violation("a record is one whole beat, a burst of its own", top->m_axi_wstrb,
                                top->m_axi_wlast);
            Data &d = m_w.push();
            for (int i = 0; i < 4; i++)
                d.w[i] = top->m_axi_wdata[2 * i] | static_cast<uint64_t>(top->m_axi_wdata[2 * i + 1]) << 32;
            quiet = 0;
        }
        if (top->m_axi_bvalid && top->m_axi_bready) {
            replies.pop();
            quiet = 0;
        }
        while (!m_aw.empty() && !m_w.empty()) {
            checker.record(m_aw.front().address, m_w.front().w);
            if (!refusing)
                up.record(now, m_aw.front().address, m_w.front().w);
            replies.push() = Response{m_aw.front().id, static_cast<uint8_t>(refusing ? 2 + refusing % 2 : 0)};
            refusing -= refusing > 0;
            m_aw.pop();
            m_w.pop();
        }
    }

    void look_address()
    {
        if (held && now < gives_up && (!top->m_axi_awvalid || top->m_axi_awaddr != held_address))
            pcie::violation("an address was withdrawn before it was taken", held_address, top->m_axi_awaddr);
        held = top->m_axi_awvalid && !top->m_axi_awready;
        held_address = top->m_axi_awaddr;
        if (held || !top->m_axi_awvalid)
            return;
        if (top->m_axi_awlen || top->m_axi_awsize != 5 || top->m_axi_awburst != 1)
            pcie::violation("a record is one whole beat, a burst of its own", top->m_axi_awlen,
                            top->m_axi_awsize);
        m_aw.push() = Target{top->m_axi_awaddr, top->m_axi_awid};
        quiet = 0;
    }

    // ---- time
    void cycle()
    {
        now++;
        evaluated++;
        quiet++;
        if (down.due() <= now)
            feed();
        offer();
        take();
        if (!fall())
            half(false);
        look_down();
        look_up();
#ifdef SIM_SKIP
        if (watching)
            probing::look(*top, *watching);
#endif
        half(true);
        if (lite_off) {
            top->s_axil_awvalid = top->s_axil_wvalid = top->s_axil_arvalid = 0;
            top->s_axil_bready = top->s_axil_rready = 0;
            lite_off = false;
        }
        settle();
        if (up.due() <= now)
            visible += up.deliver(now, memory, &answered, &answer);
    }

    // Nothing between the links and the device is under way.
    bool ports_empty() const
    {
        return aw.empty() && w.empty() && !unanswered && access == Access::None && m_aw.empty() &&
               m_w.empty() && replies.empty() && !top->m_axi_awvalid && !top->m_axi_wvalid;
    }

#ifdef SIM_SKIP
    bool device_idle() const
    {
        return skip::idle(*top);
    }
    bool at_rest() const
    {
        return rest >= kSettle;
    }
    bool done() const
    {
        return rest > 0 && down.empty() && up.empty() && !down.combining();
    }
    void settle()
    {
        rest = device_idle() && ports_empty() ? rest + 1 : 0;
    }
    // At rest a device does nothing but count cycles, so that is all that has to be done for cycles until
    // something arrives. The last one before that is simulated, which settles what depends on the count.
    void skip(uint64_t until)
    {
        uint64_t due = std::min({down.due(), up.due(), until});
        if (!skipping || due == pcie::kNever || due < now + 2 + skip::kStep || !at_rest())
            return;
        uint64_t n = (due - now - 2) / skip::kStep * skip::kStep;
        skip::count(*top, n);
        now += n;
        quiet += n;
        rest += n;
    }
#else
    // Asks the device through its registers, at the cost of some cycles, when its ports have been quiet for a
    // while.
    bool device_idle()
    {
        if (quiet % 64 != 3 * kSettle)
            return false;
        return ask(ABI_REG_STATUS) & ABI_STATUS_IDLE;
    }
    uint32_t ask(uint32_t offset)
    {
        uint64_t was = quiet;
        access = Access::Read;
        lite_ar = true;
        lite_offset = offset;
        while (access != Access::None)
            cycle();
        while (!answered)
            cycle();
        answered = false;
        quiet = was;
        return answer;
    }
    bool at_rest()
    {
        return ports_empty() && device_idle();
    }
    bool done()
    {
        return down.empty() && up.empty() && !down.combining() && at_rest();
    }
    void skip(uint64_t) {}
    void settle() {}
#endif

    bool advance(bool idle_is_enough)
    {
        while (!visible) {
            if (down.empty() && up.empty() && at_rest()) {
                if (!down.combining())
                    break;
                down.fence(now); // a processor does not keep them for ever
            }
            if ((quiet > board_patience && down.empty() && up.empty()) || (idle_is_enough && done()))
                break;
            skip(pcie::kNever);
            cycle();
        }
        bool seen = visible > 0; // also what came while a register was read
        visible = 0;
        return seen;
    }

    void room()
    {
        while (!down.room())
            cycle();
    }

#if VM_COVERAGE
    static inline unsigned serial;
    bool begun = false;
#endif
    VerilatedContext context;
    std::unique_ptr<Vhc_top> top;
    std::unique_ptr<VerilatedFstC> trace;
    pcie::Memory memory;
    pcie::Checker checker;
    pcie::Random random_in, random_out;
    pcie::DownLink down;
    pcie::UpLink up;
    unsigned stall_in, stall_out, narrow_pct = 0;
    bool skipping;
    probe *watching = nullptr;
    pcie::WindowRead window_read;

    uint64_t now = 0, evaluated = 0, refused = 0;
    uint64_t quiet = 0;   // cycles since something happened at a port
    uint64_t rest = 0;    // cycles since device and ports had something to do
    unsigned visible = 0; // words that the host has got
    pcie::Queue<Address, kChannel> aw;
    pcie::Queue<Beat, kChannel> w;
    bool aw_on = false, w_on = false; // offered, and so not to be withdrawn
    unsigned unanswered = 0;          // window writes without a response
    enum class Access { None, Write, Read } access = Access::None;
    bool lite_aw = false, lite_w = false, lite_ar = false, lite_off = false;
    uint32_t lite_offset = 0, lite_value = 0;
    bool answered = false;
    uint32_t answer = 0;
    pcie::Queue<Target, kChannel> m_aw;
    pcie::Queue<Data, kChannel> m_w;
    pcie::Queue<Response, kReplies> replies; // owed to the device
    unsigned refusing = 0;                   // records that will be answered with an error
    bool held = false;                       // an address is offered and was not taken
    uint64_t held_address = 0;
    uint64_t gives_up = pcie::kNever; // a reset by register does not wait longer for a bus that is stuck
};

#endif
