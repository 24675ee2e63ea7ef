// The same three contractions as XLA custom calls: operands in, one result out, the problem as an attribute.
#include <nanobind/nanobind.h>

#include "contractions.h"
#include "xla/ffi/api/ffi.h"

namespace nb = nanobind;
namespace ffi = xla::ffi;

namespace tconv {
namespace {

using Floats = ffi::Buffer<ffi::F32>;

template <typename Body>
ffi::Error guarded(ffi::Span<const int64_t> numbers, Body body) {
    try {
        body(Problem(numbers.begin(), static_cast<int64_t>(numbers.size())));
    } catch (const std::bad_alloc&) {
        return ffi::Error(ffi::ErrorCode::kResourceExhausted, "tconv: out of memory");
    } catch (const std::exception& error) {
        return ffi::Error(ffi::ErrorCode::kInvalidArgument, error.what());
    }
    return ffi::Error::Success();
}

ffi::Error xla_conv_transpose(Floats x, Floats kernel, ffi::Result<Floats> out, ffi::Span<const int64_t> numbers) {
    return guarded(numbers, [&](const Problem& problem) {
        conv_transpose(problem, x.typed_data(), natural_view(problem, kernel.typed_data()), out->typed_data());
    });
}

ffi::Error xla_conv(Floats y, Floats kernel, ffi::Result<Floats> out, ffi::Span<const int64_t> numbers) {
    return guarded(numbers, [&](const Problem& problem) {
        conv(problem, y.typed_data(), natural_view(problem, kernel.typed_data()), out->typed_data());
    });
}

ffi::Error xla_kernel_gradient(Floats y, Floats x, ffi::Result<Floats> out, ffi::Span<const int64_t> numbers) {
    return guarded(numbers, [&](const Problem& problem) {
        kernel_gradient(problem, y.typed_data(), x.typed_data(), natural_view(problem, out->typed_data()));
    });
}

// The same two with a bias (of no numbers where there is none) and an activation.
Finish finish(const Floats& bias, int64_t activation, float slope) {
    return {bias.element_count() ? bias.typed_data() : nullptr, static_cast<Activation>(activation), slope};
}

ffi::Error xla_conv_transpose_finished(Floats x, Floats kernel, Floats bias, ffi::Result<Floats> out,
                                       ffi::Span<const int64_t> numbers, int64_t activation, float slope) {
    return guarded(numbers, [&](const Problem& problem) {
        conv_transpose(problem, x.typed_data(), natural_view(problem, kernel.typed_data()), out->typed_data(),
                       finish(bias, activation, slope));
    });
}

ffi::Error xla_conv_finished(Floats y, Floats kernel, Floats bias, ffi::Result<Floats> out,
                             ffi::Span<const int64_t> numbers, int64_t activation, float slope) {
    return guarded(numbers, [&](const Problem& problem) {
        conv(problem, y.typed_data(), natural_view(problem, kernel.typed_data()), out->typed_data(),
             finish(bias, activation, slope));
    });
}

auto finished_binding() {
    return ffi::Ffi::Bind().Arg<Floats>().Arg<Floats>().Arg<Floats>().Ret<Floats>()
        .Attr<ffi::Span<const int64_t>>("numbers").Attr<int64_t>("activation").Attr<float>("slope");
}

auto binding() {
    return ffi::Ffi::Bind().Arg<Floats>().Arg<Floats>().Ret<Floats>().Attr<ffi::Span<const int64_t>>("numbers");
}

XLA_FFI_DEFINE_HANDLER(conv_transpose_handler, xla_conv_transpose, binding());
XLA_FFI_DEFINE_HANDLER(conv_handler, xla_conv, binding());
XLA_FFI_DEFINE_HANDLER(kernel_gradient_handler, xla_kernel_gradient, binding());
XLA_FFI_DEFINE_HANDLER(conv_transpose_finished_handler, xla_conv_transpose_finished, finished_binding());
XLA_FFI_DEFINE_HANDLER(conv_finished_handler, xla_conv_finished, finished_binding());

template <typename Handler>
nb::capsule capsule(Handler* handler) {
    return nb::capsule(reinterpret_cast<void*>(handler));
}

}  // namespace

nb::dict xla_handlers() {
    nb::dict handlers;
    handlers["tconv_conv_transpose"] = capsule(conv_transpose_handler);
    handlers["tconv_conv"] = capsule(conv_handler);
    handlers["tconv_kernel_gradient"] = capsule(kernel_gradient_handler);
    handlers["tconv_conv_transpose_finished"] = capsule(conv_transpose_finished_handler);
    handlers["tconv_conv_finished"] = capsule(conv_finished_handler);
    return handlers;
}

}  // namespace tconv
