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
#include "kernels.h"
#include "pool.h"
#include "slopes.h"
#include "split.h"
#include "streaming.h"
#include "winograd.h"

namespace {

using tconv::Activation;
using tconv::Axis;
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

double value(float number) { return static_cast<double>(number); }
double value(tconv::Half half) {
    const uint32_t bits = static_cast<uint32_t>(half) << 16;
    float wide;
    std::memcpy(&wide, &bits, sizeof wide);
    return static_cast<double>(wide);
}

// The nearest number of eight binary digits, the even one of two.
double nearest(double number) {
    int exponent;
    const double mantissa = std::frexp(number, &exponent);
    return std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8);
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

// Calls see(image, coarse cell, fine cell, tap) for every pair of cells that a tap joins.
template <typename See>
void joined(const Problem& problem, See see) {
    const auto& [a0, a1, a2] = problem.axes;
    const auto fine = [](const Axis& axis, int64_t cell, int64_t tap) {
        return cell * axis.stride + tap * axis.dilation - axis.lo;
    };
    const auto outside = [](const Axis& axis, int64_t at) { return at < 0 || at >= axis.fine; };
    for (int64_t k0 = 0; k0 < a0.kernel; ++k0)
        for (int64_t c0 = 0; c0 < a0.coarse; ++c0) {
            const int64_t f0 = fine(a0, c0, k0);
            if (outside(a0, f0)) continue;
            for (int64_t k1 = 0; k1 < a1.kernel; ++k1)
                for (int64_t c1 = 0; c1 < a1.coarse; ++c1) {
                    const int64_t f1 = fine(a1, c1, k1);
                    if (outside(a1, f1)) continue;
                    for (int64_t k2 = 0; k2 < a2.kernel; ++k2)
                        for (int64_t c2 = 0; c2 < a2.coarse; ++c2) {
                            const int64_t f2 = fine(a2, c2, k2);
                            if (outside(a2, f2)) continue;
                            const int64_t tap = (k0 * a1.kernel + k1) * a2.kernel + k2;
                            for (int64_t n = 0; n < problem.batch; ++n)
                                see(((n * a0.coarse + c0) * a1.coarse + c1) * a2.coarse + c2,
                                    ((n * a0.fine + f0) * a1.fine + f1) * a2.fine + f2, tap);
                        }
                }
        }
}

// Calls see(coarse number, fine number, kernel number) for every product in the sums.
template <typename See>
void products(const Problem& problem, const KernelView& lies, See see) {
    const int64_t ins = problem.coarse_channels, outs = problem.fine_channels, rows = problem.rows();
    const int64_t columns = ins / problem.groups;
    joined(problem, [&](int64_t coarse, int64_t fine, int64_t tap) {
        for (int64_t c = 0; c < ins; ++c)
            for (int64_t row = 0; row < rows; ++row)
                see(coarse * ins + c, fine * outs + c / columns * rows + row,
                    tap * lies.per_tap + row * lies.per_row + c * lies.per_column);
    });
}

double finished(double sum, Activation activation, double slope) {
    switch (activation) {
        case Activation::none: return sum;
        case Activation::rectify: return sum < 0 ? sum * slope : sum;
        case Activation::sigmoid: return 1 / (1 + std::exp(-sum));
        case Activation::tanh: return std::tanh(sum);
        case Activation::gelu: return 0.5 * sum * std::erfc(-sum / std::sqrt(2.0));
        case Activation::gelu_tanh: return 0.5 * sum * (1 + std::tanh(0.7978845608028654 * (sum + 0.044715 * sum * sum * sum)));
        case Activation::silu: return sum / (1 + std::exp(-sum));
    }
    return NAN;
}

bool near(float got, double wanted, Activation activation) {
    const double most = activation <= Activation::rectify ? 0 : 1e-5 * std::max(1.0, std::abs(wanted));
    return std::abs(value(got) - wanted) <= most;
}
bool near(tconv::Half got, double wanted, Activation activation) {
    const double most = activation <= Activation::rectify ? 0 : 1.0 / 256 * std::max(1e-2, std::abs(wanted));
    return std::abs(value(got) - nearest(wanted)) <= most;
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
        for (int64_t i = 0; i < got.size(); ++i)
            if (!near(got[i], wanted[i], activation))
                fail(drawn, what, threads, i, value(got[i]), wanted[i]);
    }
}

void finish_all(std::vector<double>& sums, const Case& drawn, const Floats& bias) {
    for (size_t i = 0; i < sums.size(); ++i) {
        const double biased = sums[i] + (drawn.bias ? bias[static_cast<int64_t>(i) % bias.size()] : 0.0f);
        sums[i] = finished(biased, drawn.activation, drawn.slope);
    }
}

// Times the slope of an activation where it gave this; whole numbers stay whole.
double sloped(double gradient, double result, Activation activation, double slope) {
    switch (activation) {
        case Activation::rectify: return result > 0 ? gradient : gradient * slope;
        case Activation::sigmoid: return gradient * (1 - result) * result;
        case Activation::tanh: return gradient * (1 - result * result);
        default: return gradient;
    }
}

// The way back through a finish, from numbers in the place of results and of their gradients.
template <typename Number>
void check_way_back(const Case& drawn, const Numbers<Number>& results, const Numbers<Number>& gradients, int64_t channels) {
    const int64_t places = results.size() / channels;
    std::vector<double> before(results.size()), bias(channels);
    for (int64_t i = 0; i < results.size(); ++i) {
        before[i] = sloped(value(gradients[i]), value(results[i]), drawn.activation, static_cast<double>(drawn.slope));
        bias[i % channels] += before[i];
    }
    const auto run = [&](Number* to, float* sums) {
        tconv::before_finish(drawn.activation, drawn.slope, results.data(), gradients.data(), places, channels, to, sums);
    };
    check<Number>(drawn, "before_finish", before, Activation::none, [&](Number* out) { run(out, nullptr); });
    const Numbers<Number> aside(results.size());
    check<float>(drawn, "bias of before_finish", bias, Activation::none, [&](float* out) { run(aside.data(), out); });
    if (drawn.activation == Activation::none)
        check<float>(drawn, "bias alone", bias, Activation::none, [&](float* out) { run(nullptr, out); });
}

void check_all(const Case& drawn) {
    const Problem problem = problem_of(drawn);
    const int64_t ins = problem.coarse_channels, outs = problem.fine_channels;
    const Floats x = whole_numbers(problem.batch * problem.coarse_cells() * ins);
    const Floats y = whole_numbers(problem.batch * problem.fine_cells() * outs);
    const Floats kernel = whole_numbers(drawn.kernel_size);
    const Floats bias_in = whole_numbers(ins), bias_out = whole_numbers(outs);
    std::vector<double> fine(y.size()), coarse(x.size()), gradient(drawn.gradient_size);
    products(problem, drawn.lies, [&](int64_t c, int64_t f, int64_t k) {
        fine[f] += static_cast<double>(x[c]) * kernel[k];
        coarse[c] += static_cast<double>(y[f]) * kernel[k];
    });
    products(problem, drawn.gradient_lies, [&](int64_t c, int64_t f, int64_t k) {
        gradient[k] += static_cast<double>(x[c]) * y[f];
    });
    finish_all(fine, drawn, bias_out);
    finish_all(coarse, drawn, bias_in);
    KernelView weights = drawn.lies;
    weights.data = kernel.data();
    tconv::set_winograd(drawn.winograd);
    tconv::set_split(drawn.split);
    tconv::set_near_bytes(drawn.near_bytes);
    tconv::set_streams_from(drawn.streams_from);
    const auto finish = [&](const Floats& bias) {
        return tconv::Finish{drawn.bias ? bias.data() : nullptr, drawn.activation, drawn.slope};
    };
    tconv::Layouts kept;  // for both layers, and any number of threads
    tconv::Layouts* const layouts = drawn.packed ? &kept : nullptr;
    check<float>(drawn, "conv_transpose", fine, drawn.activation,
          [&](float* out) { tconv::conv_transpose(problem, x.data(), weights, out, finish(bias_out), layouts); });
    check<float>(drawn, "conv", coarse, drawn.activation,
          [&](float* out) { tconv::conv(problem, y.data(), weights, out, finish(bias_in), layouts); });
    check<float>(drawn, "kernel_gradient", gradient, Activation::none, [&](float* out) {
        KernelView into = drawn.gradient_lies;
        into.data = out;
        tconv::kernel_gradient(problem, y.data(), x.data(), into);
    });

    const Floats gradients = whole_numbers(y.size());
    check_way_back(drawn, y, gradients, outs);

    using tconv::Half;
    const Halves half_x = narrowed(x), half_y = narrowed(y), half_kernel = narrowed(kernel);
    const auto lying = [](const KernelView& view, Half* data) {
        return tconv::HalfView{data, view.per_tap, view.per_row, view.per_column};
    };
    check_way_back(drawn, half_y, narrowed(gradients), outs);
    tconv::set_half_way(drawn.half_way);
    check<Half>(drawn, "conv_transpose of halves", fine, drawn.activation, [&](Half* out) {
        tconv::conv_transpose(problem, half_x.data(), lying(drawn.lies, half_kernel.data()), out, finish(bias_out));
    });
    check<Half>(drawn, "conv of halves", coarse, drawn.activation, [&](Half* out) {
        tconv::conv(problem, half_y.data(), lying(drawn.lies, half_kernel.data()), out, finish(bias_in));
    });
    check<Half>(drawn, "kernel_gradient of halves", gradient, Activation::none, [&](Half* out) {
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
