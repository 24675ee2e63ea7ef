// Random problems through the engine, built with the sanitizers of GCC or Clang: every contraction against loops over the
// one relation, in whole numbers so that equal means equal, on every number of threads, and in blocks of memory of
// exactly the arrays' sizes, so that a read or a write beside them is reported.
//
// usage: fuzz COUNT [SEED]; TCONV_ISA chooses the instruction set
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "caches.h"
#include "contractions.h"
#include "halves.h"
#include "images.h"
#include "kernels.h"
#include "oracle.h"
#include "pool.h"
#include "slopes.h"
#include "split.h"
#include "streaming.h"
#include "winograd.h"

namespace {

using namespace oracle;
using tconv::Activation;
using tconv::KernelView;
using tconv::Problem;

std::mt19937_64 engine;

int64_t between(int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(engine); }

template <typename... Choices>
int64_t one_of(Choices... choices) {
    const int64_t all[] = {choices...};
    return all[between(0, sizeof...(choices) - 1)];
}

// As many numbers as are asked for and not one more, at the beginning of a line of memory or a few numbers after it.
template <typename Number>
class Numbers {
  public:
    explicit Numbers(int64_t count)
        : count_(count), skipped_(one_of(0, 0, 1, 2, 3)), block_(taken(count + skipped_), &std::free) {
        for (Number& value : *this) value = static_cast<Number>(std::is_same<Number, float>::value ? NAN : 0x7fc0);
    }
    Number* data() const { return block_.get() + skipped_; }
    int64_t size() const { return count_; }
    Number* begin() const { return data(); }
    Number* end() const { return data() + count_; }
    Number operator[](int64_t at) const { return data()[at]; }

  private:
    static Number* taken(int64_t count) {
        void* block = nullptr;
        if (posix_memalign(&block, tconv::kLine, count * sizeof(Number))) throw std::bad_alloc();
        return static_cast<Number*>(block);
    }

    int64_t count_, skipped_;
    std::unique_ptr<Number[], decltype(&std::free)> block_;
};
using Floats = Numbers<float>;
using Halves = Numbers<tconv::Half>;

Floats whole_numbers(int64_t count) {
    Floats made(count);
    for (float& value : made) value = static_cast<float>(between(-3, 3));
    return made;
}

Halves narrowed(const Floats& wide) {
    Halves made(wide.size());
    for (int64_t i = 0; i < wide.size(); ++i) {
        uint32_t bits;
        std::memcpy(&bits, wide.data() + i, sizeof bits);
        made.data()[i] = static_cast<tconv::Half>(bits >> 16);  // small whole numbers lose nothing
    }
    return made;
}

struct Case {
    std::vector<int64_t> numbers;  // as the Python side writes them
    KernelView lies, gradient_lies;  // strides of the kernel and its gradient; no data
    int64_t kernel_size, gradient_size;
    bool bias;
    Activation activation;
    float slope;
    tconv::Use winograd;
    tconv::Use split;
    int64_t near_bytes, streams_from;
    bool packed;
    tconv::HalfWay half_way;
};

Problem problem_of(const Case& drawn) { return {drawn.numbers.data(), static_cast<int64_t>(drawn.numbers.size())}; }

Case draw() {
    const int64_t rank = one_of(1, 1, 2, 2, 2, 3), groups = one_of(1, 1, 1, 2, 3, 8, 17);
    const bool large = between(0, 3) == 0;
    const int64_t most_each = groups > 3 ? 2 : one_of(1, 3, 8, 16, 20, 50, groups == 1 ? 130 : 50);
    const bool whole_lines = groups == 1 && between(0, 3) == 0;
    const int64_t ins = whole_lines ? one_of(16, 32, 48) : groups * between(1, most_each);
    const int64_t outs = whole_lines ? one_of(16, 32, 48) : groups * between(1, most_each);
    Case drawn;
    drawn.numbers = {rank, one_of(0, 1, 1, 2, 5, 40), ins, outs, groups};
    const int64_t size = rank == 1 ? (large ? 60 : 9) : rank == 2 ? (large ? 17 : 5) : (large ? 6 : 3);
    for (int64_t i = 0; i < rank; ++i) {
        const int64_t kernel = between(1, 5), stride = between(1, 4), dilation = one_of(1, 1, 2, 3);
        const int64_t lo = between(-3, 7), coarse = between(0, size), fine = between(0, 2 * size);
        drawn.numbers.insert(drawn.numbers.end(), {kernel, stride, dilation, lo, coarse, fine});
    }
    const Problem problem = problem_of(drawn);
    const int64_t taps = problem.taps(), rows = problem.rows();
    const auto lying = [taps](int64_t order, int64_t high, int64_t wide) {
        return order == 0   ? KernelView{nullptr, high * wide, wide, 1}    // taps, rows, columns
               : order == 1 ? KernelView{nullptr, high * wide, 1, high}    // taps, columns, rows
                            : KernelView{nullptr, 1, taps, high * taps};  // columns, rows, taps: channels first
    };
    // A kernel may be a part of an array with more columns and rows; its gradient is an array of its own.
    const int64_t order = between(0, 2), wide = ins + one_of(0, 0, 1, 2, 5), high = rows + one_of(0, 0, 1, 3);
    drawn.kernel_size = taps * high * wide, drawn.lies = lying(order, high, wide);
    drawn.gradient_size = taps * rows * ins, drawn.gradient_lies = lying(order, rows, ins);
    drawn.bias = between(0, 1);
    drawn.activation = static_cast<Activation>(between(0, 2) ? 0 : between(1, 6));
    drawn.slope = one_of(0, 1) ? 0.5f : 0.0f;
    drawn.winograd = static_cast<tconv::Use>(one_of(0, 1, 2, 2));
    drawn.split = static_cast<tconv::Use>(one_of(0, 0, 1, 2));
    drawn.near_bytes = one_of(0, 1 << 10, 16 << 10, 256 << 10);
    drawn.streams_from = one_of(0, int64_t{1} << 40);
    drawn.packed = between(0, 2) == 0;
    drawn.half_way = static_cast<tconv::HalfWay>(one_of(0, 1, 1, 2));
    return drawn;
}

void fail(const Case& drawn, const char* what, int threads, int64_t at, double got, double wanted) {
    std::fprintf(stderr, "%s, %d threads, [%lld]: got %g, wanted %g; problem:", what, threads, static_cast<long long>(at),
                 got, wanted);
    for (int64_t number : drawn.numbers) std::fprintf(stderr, " %lld", static_cast<long long>(number));
    std::fprintf(stderr, "; kernel steps %lld %lld %lld, bias %d, activation %d, slope %g, winograd %d, split %d, packed %d, "
                         "near bytes %lld, streams from %lld, halves %d\n",
                 static_cast<long long>(drawn.lies.per_tap), static_cast<long long>(drawn.lies.per_row),
                 static_cast<long long>(drawn.lies.per_column), drawn.bias, static_cast<int>(drawn.activation),
                 static_cast<double>(drawn.slope), static_cast<int>(drawn.winograd), static_cast<int>(drawn.split),
                 drawn.packed,
                 static_cast<long long>(drawn.near_bytes), static_cast<long long>(drawn.streams_from), static_cast<int>(drawn.half_way));
    std::exit(1);
}

// One contraction on one, two and three threads, each time into fresh memory.
template <typename Number, typename Run>
void check(const Case& drawn, const char* what, const std::vector<double>& wanted, Activation activation, Run run) {
    for (int threads = 1; threads <= 3; ++threads) {
        tconv::set_threads(threads);
        const Numbers<Number> got(static_cast<int64_t>(wanted.size()));
        run(got.data());
        const int64_t at = first_wrong(got.data(), wanted, activation);
        if (at < got.size()) fail(drawn, what, threads, at, value(got[at]), wanted[at]);
    }
}

// The way back through a finish, from numbers in the place of results and of their gradients.
template <typename Number>
void check_way_back(const Case& drawn, const Numbers<Number>& results, const Numbers<Number>& gradients, int64_t channels) {
    const int64_t places = results.size() / channels;
    const Slopes wanted = slopes(results.data(), gradients.data(), places, channels, drawn.activation, drawn.slope);
    const auto run = [&](Number* to, float* sums) {
        tconv::before_finish(drawn.activation, drawn.slope, results.data(), gradients.data(), places, channels, to, sums);
    };
    check<Number>(drawn, "before_finish", wanted.before, Activation::none, [&](Number* out) { run(out, nullptr); });
    const Numbers<Number> aside(results.size());
    check<float>(drawn, "bias of before_finish", wanted.bias, Activation::none, [&](float* out) { run(aside.data(), out); });
    if (drawn.activation == Activation::none)
        check<float>(drawn, "bias alone", wanted.bias, Activation::none, [&](float* out) { run(nullptr, out); });
}

// Images whose channels lie last, with their channels first, and back.
template <typename Number>
void check_images(const Case& drawn, const Numbers<Number>& last, int64_t images, int64_t channels) {
    if (images * channels == 0) return;
    const int64_t cells = last.size() / images / channels;
    const Numbers<Number> first(last.size());
    std::vector<double> wanted, before;
    for (int64_t i = 0; i < last.size(); ++i) {
        const int64_t image = i / (cells * channels), channel = i / cells % channels, cell = i % cells;
        first.data()[i] = last[(image * cells + cell) * channels + channel];
        wanted.push_back(value(first[i])), before.push_back(value(last[i]));
    }
    check<Number>(drawn, "channels first", wanted, Activation::none,
                  [&](Number* out) { tconv::turn_images(last.data(), images, cells, channels, out); });
    check<Number>(drawn, "channels last", before, Activation::none,
                  [&](Number* out) { tconv::turn_images(first.data(), images, channels, cells, out); });
}

void check_all(const Case& drawn) {
    const Problem problem = problem_of(drawn);
    const int64_t ins = problem.coarse_channels, outs = problem.fine_channels;
    const Floats x = whole_numbers(problem.batch * problem.coarse_cells() * ins);
    const Floats y = whole_numbers(problem.batch * problem.fine_cells() * outs);
    const Floats kernel = whole_numbers(drawn.kernel_size);
    const Floats bias_in = whole_numbers(ins), bias_out = whole_numbers(outs);
    KernelView weights = drawn.lies;
    weights.data = kernel.data();
    Sums wanted = sums(problem, x.data(), y.data(), weights, drawn.gradient_lies, drawn.gradient_size);
    finish_all(wanted.fine, drawn.bias ? bias_out.data() : nullptr, outs, drawn.activation, drawn.slope);
    finish_all(wanted.coarse, drawn.bias ? bias_in.data() : nullptr, ins, drawn.activation, drawn.slope);
    tconv::set_winograd(drawn.winograd);
    tconv::set_split(drawn.split);
    tconv::set_near_bytes(drawn.near_bytes);
    tconv::set_streams_from(drawn.streams_from);
    const auto finish = [&](const Floats& bias) {
        return tconv::Finish{drawn.bias ? bias.data() : nullptr, drawn.activation, drawn.slope};
    };
    tconv::Layouts kept;  // for both layers, and any number of threads
    tconv::Layouts* const layouts = drawn.packed ? &kept : nullptr;
    check<float>(drawn, "conv_transpose", wanted.fine, drawn.activation,
          [&](float* out) { tconv::conv_transpose(problem, x.data(), weights, out, finish(bias_out), layouts); });
    check<float>(drawn, "conv", wanted.coarse, drawn.activation,
          [&](float* out) { tconv::conv(problem, y.data(), weights, out, finish(bias_in), layouts); });
    check<float>(drawn, "kernel_gradient", wanted.gradient, Activation::none, [&](float* out) {
        KernelView into = drawn.gradient_lies;
        into.data = out;
        tconv::kernel_gradient(problem, y.data(), x.data(), into);
    });

    check_images(drawn, y, problem.batch, outs);

    const Floats gradients = whole_numbers(y.size());
    check_way_back(drawn, y, gradients, outs);

    using tconv::Half;
    const Halves half_x = narrowed(x), half_y = narrowed(y), half_kernel = narrowed(kernel);
    const auto lying = [](const KernelView& view, Half* data) {
        return tconv::HalfView{data, view.per_tap, view.per_row, view.per_column};
    };
    check_way_back(drawn, half_y, narrowed(gradients), outs);
    check_images(drawn, half_y, problem.batch, outs);
    tconv::set_half_way(drawn.half_way);
    check<Half>(drawn, "conv_transpose of halves", wanted.fine, drawn.activation, [&](Half* out) {
        tconv::conv_transpose(problem, half_x.data(), lying(drawn.lies, half_kernel.data()), out, finish(bias_out));
    });
    check<Half>(drawn, "conv of halves", wanted.coarse, drawn.activation, [&](Half* out) {
        tconv::conv(problem, half_y.data(), lying(drawn.lies, half_kernel.data()), out, finish(bias_in));
    });
    check<Half>(drawn, "kernel_gradient of halves", wanted.gradient, Activation::none, [&](Half* out) {
        tconv::kernel_gradient(problem, half_y.data(), half_x.data(), lying(drawn.gradient_lies, out));
    });
}

}  // namespace

int main(int argc, char** argv) {
    const int64_t count = argc > 1 ? std::atoll(argv[1]) : 1000, seed = argc > 2 ? std::atoll(argv[2]) : 0;
    for (int64_t i = 0; i < count; ++i) {
        engine.seed(seed * 1'000'000'007 + i);
        check_all(draw());
    }
    std::printf("%s: %lld problems, three contractions each of both dtypes on 1, 2 and 3 threads, all exact\n",
                std::strcmp(tconv::half_kernels().name, "amx") ? tconv::kernels().name : "amx",
                static_cast<long long>(count));
}
