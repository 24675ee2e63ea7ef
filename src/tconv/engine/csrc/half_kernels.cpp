#include "half_kernels.h"

#include <cstdlib>
#include <cstring>

#include "kernels.h"

namespace tconv {

const HalfKernels* half_kernels_amx();

namespace {

// Products without instructions for them; a step is as deep as they come.
const HalfKernels* by_vectors() {
    static const HalfKernels table = {"vectors", 1.2 * kernels().width, [](int64_t) {}, kernels().half_product, [] {}};
    return &table;
}

const HalfKernels* choose() {
#if defined(TCONV_AMX)
    const char* wanted = std::getenv("TCONV_ISA");
    if (!wanted || !std::strcmp(wanted, "amx"))
        if (const HalfKernels* table = half_kernels_amx()) return table;
#endif
    return by_vectors();
}

}  // namespace

const HalfKernels& half_kernels() {
    static const HalfKernels* const chosen = choose();
    return *chosen;
}

}  // namespace tconv
