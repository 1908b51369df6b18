// SPDX-License-Identifier: Apache-2.0
// What lies between a host program and the device's AXI ports: write-combining buffers, two PCIe links that
// keep order and take time, host memory, and a checker of what the device writes there. Knows nothing of the
// RTL. Time is counted in device cycles. Nothing allocates after construction and nothing costs time while it
// is empty.
#ifndef TRIPLINE_SIM_PCIE_HPP
#define TRIPLINE_SIM_PCIE_HPP

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "abi.h"
#include "base/prng.h"

namespace pcie
{

constexpr uint64_t kNever = UINT64_MAX;
constexpr uint32_t kLine = 64; // bytes of a write-combining buffer, and of the largest write

[[noreturn]] inline void violation(const char *what, uint64_t a, uint64_t b)
{
    std::fprintf(stderr, "sim: the device breaks a rule: %s (%#llx, %#llx)\n", what,
                 static_cast<unsigned long long>(a), static_cast<unsigned long long>(b));
    std::abort();
}

// N is a power of two. The caller looks before it pushes or pops.
template <class T, size_t N> class Queue
{
  public:
    bool empty() const { return head_ == tail_; }
    size_t size() const { return tail_ - head_; }
    bool full() const { return size() == N; }
    T &front() { return at_[head_ % N]; }
    const T &front() const { return at_[head_ % N]; }
    T &push() { return at_[tail_++ % N]; }
    void pop() { head_++; }
    void clear() { head_ = tail_ = 0; }

  private:
    std::array<T, N> at_{};
    size_t head_ = 0, tail_ = 0;
};

// percent(0) draws nothing, so that what is switched off changes nothing.
class Random
{
  public:
    explicit Random(uint64_t seed) { prng_seed(&state_, seed); }
    uint32_t below(uint32_t n) { return static_cast<uint32_t>((prng_u64(&state_) >> 32) * n >> 32); }
    bool percent(unsigned pct) { return pct && below(100) < pct; }

  private:
    prng state_;
};

// One request on its way to the device. Window writes hold `size` bytes at `offset`, inside one line.
struct Request {
    enum Kind : uint8_t { Window, Write, Read } kind;
    uint8_t size, burst; // burst: AXI type, 1 = INCR
    uint32_t offset, value;
    uint64_t due;
    uint8_t data[kLine];
};

// A window write at the AXI port.
struct Address {
    uint32_t offset;
    uint8_t len, size, burst;
};
struct Beat { // of its data
    uint32_t word[8], strobe;
    bool last;
};
constexpr uint32_t kBurst = 8; // beats, at most

// The write as a burst of 32-byte beats, or of the narrowest that are whole words and few enough.
template <class Addresses, class Beats>
void burst(const Request &r, bool narrow, Addresses &addresses, Beats &beats)
{
    const uint32_t end = r.offset + r.size;
    unsigned size = 5;
    while (narrow && r.burst == 1 && size > 2 && (end - 1) >> (size - 1) < (r.offset >> (size - 1)) + kBurst)
        size--;
    const uint32_t first = r.offset >> size, last = (end - 1) >> size;
    addresses.push() =
        Address{r.offset, static_cast<uint8_t>(last - first), static_cast<uint8_t>(size), r.burst};
    for (uint32_t k = first; k <= last; k++) {
        const uint32_t from = std::max(k << size, r.offset), to = std::min((k + 1) << size, end),
                       lane = from % 32;
        Beat &b = beats.push();
        std::memset(b.word, 0x5a, sizeof b.word); // what no strobe covers must not matter
        std::memcpy(reinterpret_cast<uint8_t *>(b.word) + lane, r.data + (from - r.offset), to - from);
        b.strobe = static_cast<uint32_t>(((UINT64_C(1) << (to - from)) - 1) << lane);
        b.last = k == last;
    }
}

// When something sent now arrives: `delay` later, up to jitter percent more, never before what was sent
// before.
class Clock
{
  public:
    Clock(unsigned jitter_pct, Random &random) : jitter_(jitter_pct), random_(random) {}
    uint64_t due(uint64_t now, uint64_t delay)
    {
        uint64_t spread = delay * jitter_ / 100;
        uint64_t t = now + delay + (spread ? random_.below(static_cast<uint32_t>(spread) + 1) : 0);
        return last_ = std::max(last_, t);
    }
    void reset() { last_ = 0; }

  private:
    unsigned jitter_;
    Random &random_;
    uint64_t last_ = 0;
};

// Host to device; the port sees a request in the cycle after it was made at the earliest. Between two fences
// window writes leave in any order, cut into aligned pieces of 4 to 64 bytes; a register write may overtake
// them. After that everything keeps its order. `whole`: beats stay whole and in order.
class DownLink
{
  public:
    DownLink(uint64_t write, uint64_t read, unsigned jitter_pct, bool whole, Random &random)
        : clock_(jitter_pct, random), random_(random), write_(write), read_(read / 2), whole_(whole)
    {
    }
    // A fence may send all that is combining, so room for it is kept free.
    bool room() const { return link_.size() + kCombining + kPiecesPerBeat < kLink; }
    bool empty() const { return link_.empty(); }
    bool combining() const { return n_combining_ > 0; }
    uint64_t due() const { return link_.empty() ? kNever : link_.front().due; }
    const Request &front() const { return link_.front(); }
    void pop() { link_.pop(); }

    void beat(uint64_t now, uint32_t offset, const void *bytes)
    {
        Request r{Request::Window, 32, 1, offset, 0, 0, {}};
        std::memcpy(r.data, bytes, 32);
        if (n_combining_) { // the other half of a line that is still here whole?
            Request &last = combining_[n_combining_ - 1];
            if (last.size == 32 && last.offset % kLine == 0 && last.offset + 32 == offset &&
                (whole_ || random_.below(2))) {
                std::memcpy(last.data + 32, bytes, 32);
                last.size = 64;
                return;
            }
        }
        if (n_combining_ + kPiecesPerBeat > kCombining)
            evict(now, kPiecesPerBeat);
        cut(r);
    }
    void raw(uint64_t now, uint32_t offset, const void *bytes, uint8_t size, uint8_t burst)
    {
        Request &r = link_.push();
        r = Request{Request::Window, size, burst, offset, 0, clock_.due(now + 1, write_), {}};
        std::memcpy(r.data, bytes, size);
    }
    void write(uint64_t now, uint32_t offset, uint32_t value)
    {
        link_.push() = Request{Request::Write, 4, 1, offset, value, clock_.due(now + 1, write_), {}};
    }
    void read(uint64_t now, uint32_t offset)
    {
        link_.push() = Request{Request::Read, 4, 1, offset, 0, clock_.due(now + 1, read_), {}};
    }
    void fence(uint64_t now) { evict(now, n_combining_); }
    void clear()
    {
        link_.clear();
        clock_.reset();
        n_combining_ = 0;
    }

  private:
    static constexpr size_t kCombining = 40, kLink = 1024, kPiecesPerBeat = 8;

    void cut(const Request &r)
    {
        if (whole_ || r.size == 4 || random_.below(2)) {
            combining_[n_combining_++] = r;
            return;
        }
        Request half = r;
        half.size = r.size / 2;
        cut(half);
        half.offset += half.size;
        std::memcpy(half.data, r.data + half.size, half.size);
        cut(half);
    }
    void evict(uint64_t now, size_t n)
    {
        for (; n > 0 && n_combining_ > 0; n--) {
            size_t i = whole_ ? 0 : random_.below(static_cast<uint32_t>(n_combining_));
            combining_[i].due = clock_.due(now + 1, write_);
            link_.push() = combining_[i];
            if (whole_)
                std::copy(&combining_[1], &combining_[n_combining_], &combining_[0]);
            else
                combining_[i] = combining_[n_combining_ - 1];
            n_combining_--;
        }
    }

    Clock clock_;
    Random &random_;
    uint64_t write_, read_;
    bool whole_;
    std::array<Request, kCombining + kPiecesPerBeat> combining_{};
    size_t n_combining_ = 0;
    Queue<Request, kLink> link_;
};

// Something on its way to the host: a record, or the answer to a read, which pushes the records before it.
struct Reply {
    bool answer;
    uint32_t value;
    uint64_t due, address, w[4];
};

// Host memory as the device may use it. Addresses are no more aligned than the definition asks for.
class Memory
{
  public:
    Memory(unsigned ring_log2, uint64_t seed) : mask_((UINT64_C(1) << ring_log2) - 1)
    {
        Random random(seed);
        uint64_t quarter = 1 + random.below(2); // the ring lies in one quarter of 2^64, the record in another
        ring_base = place(random, quarter);
        status_base = place(random, 3 - quarter);
        size_t bytes = (mask_ + 1) * sizeof(beat) + 64;
        store_.reset(static_cast<beat *>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)));
        if (!store_)
            throw std::bad_alloc();
        std::memset(static_cast<void *>(store_.get()), 0xa5, bytes); // clearing it is the driver's business
        status = store_.get();
        ring = store_.get() + 2;
    }
    // The 32 bytes at a bus address, or nullptr where the device has no business.
    beat *at(uint64_t address) const
    {
        if (address == status_base)
            return status;
        uint64_t i = (address - ring_base) / sizeof(beat);
        return address % sizeof(beat) == 0 && address >= ring_base && i <= mask_ ? ring + i : nullptr;
    }

    uint64_t ring_base, status_base;
    beat *ring, *status;

  private:
    // Anywhere in the quarter, with room for the largest ring behind it.
    static uint64_t place(Random &random, uint64_t quarter)
    {
        uint64_t high = random.below((1u << 30) - 1), low = random.below(UINT32_MAX);
        return quarter << 62 | high << 32 | (low & ~UINT64_C(63));
    }
    uint64_t mask_;
    struct Free {
        void operator()(beat *p) const { std::free(p); }
    };
    std::unique_ptr<beat, Free> store_;
};

// Device to host. Records arrive in order, each 8 bytes at a time from the lowest; some are seen half written
// for a cycle.
class UpLink
{
  public:
    UpLink(uint64_t event, uint64_t read, unsigned jitter_pct, bool whole, Random &random)
        : clock_(jitter_pct, random), random_(random), event_(event), read_(read - read / 2), whole_(whole)
    {
    }
    // For records; a place is kept for the answer to a read, of which one at most is under way.
    bool full() const { return link_.size() + 1 >= kPlaces; }
    bool empty() const { return link_.empty(); }
    uint64_t due() const { return link_.empty() ? kNever : link_.front().due; }
    void record(uint64_t now, uint64_t address, const uint64_t w[4])
    {
        Reply &r = link_.push();
        r = Reply{false, 0, clock_.due(now, event_), address, {w[0], w[1], w[2], w[3]}};
    }
    void answer(uint64_t now, uint32_t value)
    {
        if (link_.full())
            violation("an answer to a read that nobody waits for", value, now);
        link_.push() = Reply{true, value, clock_.due(now, read_), 0, {}};
    }
    // Carries out what is due; the number of words that became visible. *answered is set with *value.
    unsigned deliver(uint64_t now, const Memory &memory, bool *answered, uint32_t *value)
    {
        unsigned seen = 0;
        while (!link_.empty() && link_.front().due <= now) {
            const Reply &r = link_.front();
            if (r.answer) {
                *answered = true;
                *value = r.value;
            } else if (unsigned n = write(r, memory.at(r.address)); (seen += n, done_ < 4)) {
                return seen; // the rest in the next cycle
            }
            done_ = 0;
            link_.pop();
        }
        return seen;
    }
    void clear()
    {
        link_.clear();
        clock_.reset();
        done_ = 0;
    }

  private:
    unsigned write(const Reply &r, beat *to)
    {
        unsigned upto = !whole_ && done_ == 0 && random_.below(8) == 0 ? 1 + random_.below(3) : 4,
                 from = done_;
        for (; done_ < upto; done_++)
            to->w[done_] = r.w[done_];
        return upto - from;
    }

    Clock clock_;
    Random &random_;
    uint64_t event_, read_;
    bool whole_;
    unsigned done_ = 0; // words of the front record that are written
    static constexpr size_t kPlaces = 4096;
    Queue<Reply, kPlaces> link_;
};

// Follows the register writes that reached the device and holds every record against them.
class Checker
{
  public:
    explicit Checker(const Memory &memory) : memory_(&memory) {}
    void reset() { *this = Checker(*memory_, log2_, ring_, status_); }

    void written(uint64_t now, uint32_t offset, uint32_t value)
    {
        if (enabled_ && offset >= ABI_REG_RING_LOG2 && offset < ABI_REG_RING_CONSUMED)
            return; // ring and status memory stay where they are
        switch (offset) {
        case ABI_REG_CONTROL:
            if (value & ABI_CONTROL_RESET)
                reset(); // records it still owes from before may come until it is enabled again
            else
                control(now, value);
            break;
        case ABI_REG_RING_LOG2:
            log2_ = value;
            break;
        case ABI_REG_RING_BASE:
        case ABI_REG_RING_BASE + 4:
            half(ring_, offset & 4, value);
            break;
        case ABI_REG_STATUS_BASE:
        case ABI_REG_STATUS_BASE + 4:
            half(status_, offset & 4, value);
            break;
        case ABI_REG_RING_CONSUMED:
            consumed_ = value;
            break;
        default:
            break;
        }
    }
    void window_bytes(uint32_t n) { bytes_ += n; }
    void record(uint64_t address, const uint64_t w[4])
    {
        if (!memory_->at(address))
            violation("a record outside ring and status memory", address, ring_);
        if (!was_enabled_)
            return;
        if (address == status_)
            status(w);
        else
            event(address, w);
    }

  private:
    Checker(const Memory &memory, uint32_t log2, uint64_t ring, uint64_t status)
        : memory_(&memory), log2_(log2), ring_(ring), status_(status)
    {
    }
    void control(uint64_t now, uint32_t value)
    {
        quiet_from_ = value & ABI_CONTROL_QUIET ? std::min(quiet_from_, now + kQuietAfter) : kNever;
        enabled_ = value & ABI_CONTROL_ENABLE;
        was_enabled_ = was_enabled_ || enabled_;
    }
    static void half(uint64_t &x, bool high, uint32_t value)
    {
        x = high ? (x & UINT32_MAX) | uint64_t{value} << 32 : (x & ~uint64_t{UINT32_MAX}) | value;
    }
    void event(uint64_t address, const uint64_t w[4])
    {
        uint32_t size = 1u << log2_;
        if (address != ring_ + uint64_t{produced_ & (size - 1)} * sizeof(beat))
            violation("an event record out of turn", address, produced_);
        if (produced_ - consumed_ >= size)
            violation("an event record over one that has not been read", produced_, consumed_);
        if ((w[3] >> 56 & 1) != abi_phase(produced_, log2_))
            violation("the wrong phase in an event record", w[3], produced_);
        produced_++;
    }
    void status(const uint64_t w[4])
    {
        auto taken = static_cast<uint32_t>(w[0]), produced = static_cast<uint32_t>(w[0] >> 32);
        if (w[1] > quiet_from_) // the cycle in which it was made; it may arrive much later
            violation("a status record in quiet mode", w[0], w[3]);
        if (w[3] != ++serial_)
            violation("a status record out of turn", w[3], serial_);
        if (taken < taken_ || uint64_t{taken} * sizeof(beat) > bytes_)
            violation("more commands taken than written", taken, bytes_);
        if (produced > produced_)
            violation("more records reported than written", produced, produced_);
        taken_ = taken;
    }

    const Memory *memory_;
    uint32_t log2_ = 0;
    uint64_t ring_ = 0, status_ = 0;
    uint32_t consumed_ = 0, produced_ = 0, taken_ = 0;
    uint64_t serial_ = 0, bytes_ = 0;
    static constexpr uint64_t kQuietAfter = 4; // cycles after the write in which a record may still be made
    uint64_t quiet_from_ = kNever;
    bool enabled_ = false, was_enabled_ = false;
};

// One burst of reads at a time from the window, which has nothing to be read: each beat has to be zero.
class WindowRead
{
  public:
    void start(uint32_t offset, unsigned beats, uint8_t id)
    {
        offset_ = offset;
        left_ = beats;
        id_ = id;
        offering_ = true;
    }
    bool done() const { return left_ == 0; }
    template <class Top> void drive(Top &top, bool ready)
    {
        if (offering_ && !top.s_axi_arvalid) {
            top.s_axi_arid = id_;
            top.s_axi_araddr = static_cast<uint16_t>(offset_);
            top.s_axi_arlen = static_cast<uint8_t>(left_ - 1);
            top.s_axi_arsize = 5;
            top.s_axi_arburst = 1;
        }
        top.s_axi_arvalid = offering_;
        top.s_axi_rready = left_ && ready;
    }
    template <class Top> void look(const Top &top)
    {
        if (top.s_axi_arvalid && top.s_axi_arready)
            offering_ = false;
        if (!top.s_axi_rvalid)
            return;
        uint32_t data = 0;
        for (int i = 0; i < 8; i++)
            data |= top.s_axi_rdata[i];
        if (offering_ || !left_ || top.s_axi_rid != id_ || top.s_axi_rresp != 0 || data ||
            top.s_axi_rlast != (left_ == 1))
            violation("a read of the window gives a zero for each beat", left_, top.s_axi_rresp);
        left_ -= top.s_axi_rready;
    }

  private:
    uint32_t offset_ = 0;
    unsigned left_ = 0; // beats
    uint8_t id_ = 0;
    bool offering_ = false;
};

} // namespace pcie

#endif
