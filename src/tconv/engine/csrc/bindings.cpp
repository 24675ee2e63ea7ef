// The Python module: three functions on NumPy arrays, threads and instruction set, and the handlers for XLA.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <tuple>

#include "caches.h"
#include "contractions.h"
#include "halves.h"
#include "images.h"
#include "kernels.h"
#include "pool.h"
#include "scratch.h"
#include "slopes.h"
#include "split.h"
#include "streaming.h"
#include "winograd.h"

namespace nb = nanobind;

namespace tconv {

nb::dict xla_handlers();

namespace {

template <typename Number>
using In = nb::ndarray<const Number, nb::device::cpu, nb::c_contig>;
template <typename Number>
using Out = nb::ndarray<Number, nb::device::cpu, nb::c_contig>;
template <typename Number>
using InKernel = nb::ndarray<const Number, nb::device::cpu>;
template <typename Number>
using OutKernel = nb::ndarray<Number, nb::device::cpu>;

// A kernel array (*K, rows, columns) whose taps lie evenly: its last two axes in any order, its taps as one run.
template <typename Number, typename Kernel>
KernelOf<Number> view(const Kernel& kernel) {
    const int64_t rank = static_cast<int64_t>(kernel.ndim()) - 2;
    return {const_cast<Number*>(kernel.data()), kernel.stride(rank - 1), kernel.stride(rank), kernel.stride(rank + 1)};
}

using Bias = nb::ndarray<const float, nb::ndim<1>, nb::device::cpu, nb::c_contig>;

Finish finish(const std::optional<Bias>& bias, int activation, float slope) {
    return {bias ? bias->data() : nullptr, static_cast<Activation>(activation), slope};
}

nb::dict described(const PlanFacts& facts) {
    nb::dict said;
    said["form"] = facts.form;
    said["tile"] = nb::make_tuple(facts.tile_rows, facts.tile_lanes);
    said["products"] = facts.products;
    said["executed"] = facts.executed;
    said["packed"] = facts.packed_floats;
    said["in_parts"] = facts.in_parts;
    said["copies"] = facts.copies;
    said["streams"] = facts.streams;
    said["blocks"] = facts.blocks;
    return said;
}

Problem parse(const std::vector<int64_t>& numbers) { return {numbers.data(), static_cast<int64_t>(numbers.size())}; }

template <typename Number>
void add_gradient(nb::module_& m, const char* name) {
    m.def(name, [](const std::vector<int64_t>& numbers, const In<Number>& y, const In<Number>& x,
                   const OutKernel<Number>& out) {
        const Problem problem = parse(numbers);
        const KernelOf<Number> gradient = view<Number>(out);
        nb::gil_scoped_release release;
        kernel_gradient(problem, y.data(), x.data(), gradient);
    });
}

using FloatLayer = void(const Problem&, const float*, const KernelView&, float*, const Finish&, Layouts*);
using HalfLayer = void(const Problem&, const Half*, const HalfView&, Half*, const Finish&);

// A layer of float32 arrays; the layouts of a kernel that no longer changes are kept.
template <FloatLayer* layer>
void add_layer(nb::module_& m, const char* name) {
    m.def(name, [](const std::vector<int64_t>& numbers, const In<float>& array, const InKernel<float>& kernel,
                   const Out<float>& out, const std::optional<Bias>& bias, int activation, float slope,
                   Layouts* layouts) {
        const Problem problem = parse(numbers);
        const KernelView weights = view<float>(kernel);
        nb::gil_scoped_release release;
        layer(problem, array.data(), weights, out.data(), finish(bias, activation, slope), layouts);
    }, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg("bias") = nb::none(), nb::arg("activation") = 0,
        nb::arg("slope") = 0.0f, nb::arg("layouts") = nb::none());
}

// A layer of bfloat16 arrays, which come as the bits of their numbers.
template <HalfLayer* layer>
void add_half_layer(nb::module_& m, const char* name) {
    m.def(name, [](const std::vector<int64_t>& numbers, const In<Half>& array, const InKernel<Half>& kernel,
                   const Out<Half>& out, const std::optional<Bias>& bias, int activation, float slope) {
        const Problem problem = parse(numbers);
        const HalfView weights = view<Half>(kernel);
        nb::gil_scoped_release release;
        layer(problem, array.data(), weights, out.data(), finish(bias, activation, slope));
    }, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg("bias") = nb::none(), nb::arg("activation") = 0,
        nb::arg("slope") = 0.0f);
}

// Where numbers lie in memory that somebody else owns; 0 where there are none.
using Address = uintptr_t;
using Steps = std::tuple<int64_t, int64_t, int64_t>;  // of a kernel: from tap to tap, row to row, column to column

template <typename Number>
Number* at(Address address) { return reinterpret_cast<Number*>(address); }

// A layer told by addresses. Converting a framework's tensors to arrays takes longer than a small layer does.
template <typename Number, typename Layer>
void add_layer_at(nb::module_& m, const char* name, Layer layer) {
    m.def(name, [layer](const std::vector<int64_t>& numbers, Address array, Address kernel, const Steps& steps,
                        Address out, Address bias, int activation, float slope, Layouts* layouts) {
        const Problem problem = parse(numbers);
        const KernelOf<Number> weights{at<Number>(kernel), std::get<0>(steps), std::get<1>(steps), std::get<2>(steps)};
        const Finish finish{at<const float>(bias), static_cast<Activation>(activation), slope};
        nb::gil_scoped_release release;
        layer(problem, at<const Number>(array), weights, at<Number>(out), finish, layouts);
    }, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none());
}

// Images whose channels lie first, to ones whose channels lie last, or back.
template <typename Number>
void add_images_at(nb::module_& m, const char* name) {
    m.def(name, [](Address from, int64_t images, int64_t rows, int64_t columns, Address to) {
        nb::gil_scoped_release release;
        turn_images(at<const Number>(from), images, rows, columns, at<Number>(to));
    });
}

template <HalfLayer* layer>
void without_layouts(const Problem& problem, const Half* array, const HalfView& kernel, Half* out, const Finish& finish,
                     Layouts*) {
    layer(problem, array, kernel, out, finish);
}

// Places and channels as two axes; what is not asked for, or not there, is None.
template <typename Number>
void add_before_finish(nb::module_& m, const char* name) {
    m.def(name, [](int activation, float slope, const std::optional<In<Number>>& results, const In<Number>& gradients,
                   const std::optional<Out<Number>>& before, const std::optional<Out<float>>& bias) {
        const int64_t places = gradients.shape(0), channels = gradients.shape(1);
        const Number* known = results ? results->data() : nullptr;
        Number* to = before ? before->data() : nullptr;
        float* sums = bias ? bias->data() : nullptr;
        nb::gil_scoped_release release;
        before_finish(static_cast<Activation>(activation), slope, known, gradients.data(), places, channels, to, sums);
    }, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg().none(), nb::arg().none());
}

}  // namespace
}  // namespace tconv

NB_MODULE(_native, m) {
    using namespace tconv;
    nb::class_<Layouts>(m, "Layouts").def(nb::init<>());
    add_layer<conv_transpose>(m, "conv_transpose");
    add_layer<conv>(m, "conv");
    add_gradient<float>(m, "kernel_gradient");
    add_half_layer<conv_transpose>(m, "half_conv_transpose");
    add_half_layer<conv>(m, "half_conv");
    add_layer_at<float>(m, "conv_transpose_at", static_cast<FloatLayer*>(conv_transpose));
    add_layer_at<float>(m, "conv_at", static_cast<FloatLayer*>(conv));
    add_layer_at<Half>(m, "half_conv_transpose_at", without_layouts<conv_transpose>);
    add_layer_at<Half>(m, "half_conv_at", without_layouts<conv>);
    add_gradient<Half>(m, "half_kernel_gradient");
    add_images_at<float>(m, "images_at");
    add_images_at<Half>(m, "half_images_at");
    // So many floats in memory that is taken again once the array is no more; they begin with a line of memory.
    m.def("room", [](int64_t floats) {
        auto* const room = new Scratch(floats);
        const nb::capsule owner(room, [](void* held) noexcept { delete static_cast<Scratch*>(held); });
        return nb::ndarray<nb::numpy, float, nb::ndim<1>>(room->data(), {static_cast<size_t>(floats)}, owner);
    });
    add_before_finish<float>(m, "before_finish");
    add_before_finish<Half>(m, "half_before_finish");
    m.def("half_way", [] { return static_cast<int>(half_way()); });
    m.def("set_half_way", [](int way) { set_half_way(static_cast<HalfWay>(way)); });
    m.def("half_isa", [] { return half_kernels().name; });
    m.def("plan", [](const std::string& contraction, const std::vector<int64_t>& numbers, bool halves) {
        const Problem problem = parse(numbers);
        const bool transposed = contraction == "conv_transpose";
        if (contraction == "kernel_gradient")
            return described(halves ? plan_facts_of_half_gradient(problem) : plan_facts_of_gradient(problem));
        return described(halves ? plan_facts_of_halves(problem, transposed) : plan_facts(problem, transposed));
    });
    m.def("threads", &threads);
    m.def("set_threads", &set_threads);
    m.def("split", [] { return static_cast<int>(split()); });
    m.def("winograd", [] { return static_cast<int>(winograd()); });
    m.attr("LINE") = kLine;
    m.def("near_bytes", &near_bytes);
    m.def("set_near_bytes", &set_near_bytes);
    m.def("streams_from", &streams_from);
    m.def("set_streams_from", &set_streams_from);
    m.def("set_split", [](int use) { set_split(static_cast<Use>(use)); });
    m.def("set_winograd", [](int use) { set_winograd(static_cast<Use>(use)); });
    m.def("borrow_threads", [](uintptr_t parallel, uintptr_t max_threads, uintptr_t in_parallel) {
        borrow_threads({reinterpret_cast<decltype(OpenMP::parallel)>(parallel),
                        reinterpret_cast<decltype(OpenMP::max_threads)>(max_threads),
                        reinterpret_cast<decltype(OpenMP::in_parallel)>(in_parallel)});
    });
    m.def("isa", [] { return kernels().name; });
    m.def("xla_handlers", &xla_handlers);
}
