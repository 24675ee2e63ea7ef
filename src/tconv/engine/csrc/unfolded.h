// Kernels that lie as PyTorch has them, `(C, D, *K)`: for each coarse channel a run of fine channels and their taps. That is
// the kernel, as it lies, of a layer of one tap between coarse cells and unfolded ones: an unfolded cell is all that the
// kernel of a coarse cell meets on the fine grid, fine channel by fine channel and tap by tap.
//
//   conv             unfolds the fine array; the layer of one tap does the rest
//   conv_transpose   folds what that layer gives: what meets in a fine cell is added
//   kernel_gradient  is the kernel's gradient of that layer
//
// An unfolded array is as large as the kernel where there are as many coarse cells as coarse channels. Where there are half
// as many or fewer, this spares turning the kernel over, which would take longer than all else.
#pragma once

#include "contractions.h"

namespace tconv {

// Whether a kernel lies so, and turning it over would take longer than unfolding.
bool unfolds(const Problem& problem, const KernelView& kernel);
bool unfolds(const Problem& problem, const HalfView& kernel);

// A result of conv_transpose, or of conv. Where a tap reaches beyond the fine array it meets zeros, and zero times what is
// not finite is no zero: false, and the result means nothing, where that may have been.
template <typename Number>
bool unfolded(const Problem& problem, const Number* input, const KernelOf<Number>& kernel, Number* output, bool transposed,
              const Finish& finish);
template <typename Number>
bool unfolded_kernel_gradient(const Problem& problem, const Number* fine, const Number* coarse,
                              const KernelOf<Number>& kernel);

}  // namespace tconv
