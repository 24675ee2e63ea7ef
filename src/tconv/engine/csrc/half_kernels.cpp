#include "half_kernels.h"

#include <cstdlib>
#include <cstring>

#include "kernels.h"

namespace tconv {

const HalfKernels* half_kernels_amx();

namespace {

// Products without instructions for them, which take numbers of any depth.
constexpr void (*kNothing)() = [] {};
void by_vectors(const Product& job) { kernels().half_product(job); }
constexpr HalfKernels kVectors = {"vectors", [](int64_t) {}, by_vectors, kNothing};

const HalfKernels* choose() {
#if defined(TCONV_AMX)
    const char* wanted = std::getenv("TCONV_ISA");
    if (!wanted || !std::strcmp(wanted, "amx"))
        if (const HalfKernels* table = half_kernels_amx()) return table;
#endif
    return &kVectors;
}

}  // namespace

const HalfKernels& half_kernels() {
    static const HalfKernels* const chosen = choose();
    return *chosen;
}

}  // namespace tconv
