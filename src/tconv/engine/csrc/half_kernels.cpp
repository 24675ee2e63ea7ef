#include "half_kernels.h"

#include <string_view>

#include "environment.h"
#include "kernels.h"

namespace tconv {

const HalfKernels* half_kernels_amx();

namespace {

// The least first.
void parts_by_vectors(const Product& job) {
    Product one = job;
    for (int64_t both = kParts - 1; both >= 0; --both)
        for (int64_t part = both; part >= 0; --part, one.fresh = false) {
            one.a = job.a + part * job.a_apart, one.b = job.b + (both - part) * job.b_apart;
            kernels().half_product(one);
        }
}

// Products without instructions for them; a step is as deep as they come.
const HalfKernels* by_vectors() {
    static const HalfKernels table = {"vectors", 1.2 * kernels().width, [](int64_t) {},
                                      kernels().half_product, parts_by_vectors, [] {}};
    return &table;
}

const HalfKernels* choose() {
#if defined(TCONV_AMX)
    const std::string_view wanted = wanted_isa();
    if (wanted.empty() || wanted == "amx")
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
