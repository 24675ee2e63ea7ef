// The same three contractions as XLA custom calls: operands in, one result out, the problem as an attribute.
#include <nanobind/nanobind.h>

#include "contractions.h"
#include "halves.h"
#include "kernels.h"
#include "slopes.h"
#include "xla/ffi/api/ffi.h"

namespace nb = nanobind;
namespace ffi = xla::ffi;

namespace tconv {
namespace {

template <ffi::DataType type>
using Array = ffi::Buffer<type>;
using Numbers = ffi::Span<const int64_t>;

template <typename Body>
ffi::Error guarded(Body body) {
    try {
        body();
    } catch (const std::bad_alloc&) {
        return ffi::Error(ffi::ErrorCode::kResourceExhausted, "tconv: out of memory");
    } catch (const std::exception& error) {
        return ffi::Error(ffi::ErrorCode::kInvalidArgument, error.what());
    }
    return ffi::Error::Success();
}

template <typename Body>
ffi::Error guarded(Numbers numbers, Body body) {
    return guarded([&] { body(Problem(numbers.begin(), static_cast<int64_t>(numbers.size()))); });
}

template <ffi::DataType type>
ffi::Error xla_conv_transpose(Array<type> x, Array<type> kernel, ffi::Result<Array<type>> out, Numbers numbers) {
    return guarded(numbers, [&](const Problem& problem) {
        conv_transpose(problem, x.typed_data(), natural_view(problem, kernel.typed_data()), out->typed_data());
    });
}

template <ffi::DataType type>
ffi::Error xla_conv(Array<type> y, Array<type> kernel, ffi::Result<Array<type>> out, Numbers numbers) {
    return guarded(numbers, [&](const Problem& problem) {
        conv(problem, y.typed_data(), natural_view(problem, kernel.typed_data()), out->typed_data());
    });
}

template <ffi::DataType type>
ffi::Error xla_kernel_gradient(Array<type> y, Array<type> x, ffi::Result<Array<type>> out, Numbers numbers) {
    return guarded(numbers, [&](const Problem& problem) {
        kernel_gradient(problem, y.typed_data(), x.typed_data(), natural_view(problem, out->typed_data()));
    });
}

// The bias of a layer in float32: of no numbers where there is none.
class BiasOf {
  public:
    explicit BiasOf(const Array<ffi::F32>& bias) : data_(bias.element_count() ? bias.typed_data() : nullptr) {}
    explicit BiasOf(const Array<ffi::BF16>& bias) : wide_(bias.element_count()) {
        kernels().widen(bias.typed_data(), static_cast<int64_t>(wide_.size()), wide_.data());
        if (!wide_.empty()) data_ = wide_.data();
    }
    Finish finish(int64_t activation, float slope) const { return {data_, static_cast<Activation>(activation), slope}; }

  private:
    std::vector<float> wide_;
    const float* data_ = nullptr;
};

// The same two with a bias and an activation.
template <ffi::DataType type>
ffi::Error xla_conv_transpose_finished(Array<type> x, Array<type> kernel, Array<type> bias, ffi::Result<Array<type>> out,
                                       Numbers numbers, int64_t activation, float slope) {
    return guarded(numbers, [&](const Problem& problem) {
        const BiasOf added(bias);
        conv_transpose(problem, x.typed_data(), natural_view(problem, kernel.typed_data()), out->typed_data(),
                       added.finish(activation, slope));
    });
}

template <ffi::DataType type>
ffi::Error xla_conv_finished(Array<type> y, Array<type> kernel, Array<type> bias, ffi::Result<Array<type>> out,
                             Numbers numbers, int64_t activation, float slope) {
    return guarded(numbers, [&](const Problem& problem) {
        const BiasOf added(bias);
        conv(problem, y.typed_data(), natural_view(problem, kernel.typed_data()), out->typed_data(),
             added.finish(activation, slope));
    });
}

// The way back through an activation and a bias.
template <ffi::DataType type>
ffi::Error xla_back(Array<type> gradients, Array<type> results, ffi::Result<Array<type>> before,
                    ffi::Result<Array<ffi::F32>> bias, int64_t activation, float slope) {
    return guarded([&] {
        const auto channels = static_cast<int64_t>(bias->element_count());
        const auto places = static_cast<int64_t>(results.element_count()) / channels;
        before_finish(static_cast<Activation>(activation), slope, results.typed_data(), gradients.typed_data(), places,
                      channels, before->typed_data(), bias->typed_data());
    });
}

template <ffi::DataType type>
auto back_binding() {
    return ffi::Ffi::Bind().template Arg<Array<type>>().template Arg<Array<type>>().template Ret<Array<type>>()
        .template Ret<Array<ffi::F32>>().template Attr<int64_t>("activation").template Attr<float>("slope");
}

template <ffi::DataType type>
auto finished_binding() {
    return ffi::Ffi::Bind().template Arg<Array<type>>().template Arg<Array<type>>().template Arg<Array<type>>().template Ret<Array<type>>()
        .template Attr<Numbers>("numbers").template Attr<int64_t>("activation").template Attr<float>("slope");
}

template <ffi::DataType type>
auto binding() {
    return ffi::Ffi::Bind().template Arg<Array<type>>().template Arg<Array<type>>().template Ret<Array<type>>()
        .template Attr<Numbers>("numbers");
}

XLA_FFI_DEFINE_HANDLER(conv_transpose_f32, xla_conv_transpose<ffi::F32>, binding<ffi::F32>());
XLA_FFI_DEFINE_HANDLER(conv_f32, xla_conv<ffi::F32>, binding<ffi::F32>());
XLA_FFI_DEFINE_HANDLER(kernel_gradient_f32, xla_kernel_gradient<ffi::F32>, binding<ffi::F32>());
XLA_FFI_DEFINE_HANDLER(conv_transpose_finished_f32, xla_conv_transpose_finished<ffi::F32>, finished_binding<ffi::F32>());
XLA_FFI_DEFINE_HANDLER(conv_finished_f32, xla_conv_finished<ffi::F32>, finished_binding<ffi::F32>());
XLA_FFI_DEFINE_HANDLER(conv_transpose_bf16, xla_conv_transpose<ffi::BF16>, binding<ffi::BF16>());
XLA_FFI_DEFINE_HANDLER(conv_bf16, xla_conv<ffi::BF16>, binding<ffi::BF16>());
XLA_FFI_DEFINE_HANDLER(kernel_gradient_bf16, xla_kernel_gradient<ffi::BF16>, binding<ffi::BF16>());
XLA_FFI_DEFINE_HANDLER(conv_transpose_finished_bf16, xla_conv_transpose_finished<ffi::BF16>,
                       finished_binding<ffi::BF16>());
XLA_FFI_DEFINE_HANDLER(conv_finished_bf16, xla_conv_finished<ffi::BF16>, finished_binding<ffi::BF16>());

XLA_FFI_DEFINE_HANDLER(back_f32, xla_back<ffi::F32>, back_binding<ffi::F32>());
XLA_FFI_DEFINE_HANDLER(back_bf16, xla_back<ffi::BF16>, back_binding<ffi::BF16>());

template <typename Handler>
nb::capsule capsule(Handler* handler) {
    return nb::capsule(reinterpret_cast<void*>(handler));
}

}  // namespace

nb::dict xla_handlers() {
    nb::dict handlers;
    handlers["tconv_conv_transpose_f32"] = capsule(conv_transpose_f32);
    handlers["tconv_conv_transpose_bf16"] = capsule(conv_transpose_bf16);
    handlers["tconv_conv_f32"] = capsule(conv_f32);
    handlers["tconv_conv_bf16"] = capsule(conv_bf16);
    handlers["tconv_kernel_gradient_f32"] = capsule(kernel_gradient_f32);
    handlers["tconv_kernel_gradient_bf16"] = capsule(kernel_gradient_bf16);
    handlers["tconv_conv_transpose_finished_f32"] = capsule(conv_transpose_finished_f32);
    handlers["tconv_conv_transpose_finished_bf16"] = capsule(conv_transpose_finished_bf16);
    handlers["tconv_conv_finished_f32"] = capsule(conv_finished_f32);
    handlers["tconv_conv_finished_bf16"] = capsule(conv_finished_bf16);
    handlers["tconv_back_f32"] = capsule(back_f32);
    handlers["tconv_back_bf16"] = capsule(back_bf16);
    return handlers;
}

}  // namespace tconv
