#include "gather_weights.h"

#include <algorithm>
#include <cstring>

#include "caches.h"
#include "pool.h"
#include "streaming.h"

namespace tconv {

const float* GatherWeights::natural(const TapRun& run, int64_t tap, int64_t group, int64_t lane, int64_t channel) const {
    const int64_t per_phase = plan_.lanes / plan_.lattices[2].phases;
    const int64_t innermost = run.innermost[tap].index[lane / per_phase];
    if (innermost < 0) return nullptr;
    const int64_t index = run.outer + innermost, within = lane % per_phase;
    return plan_.transposed ? kernel_.at(index, within, group * plan_.depth + channel)
                            : kernel_.at(index, channel, group * per_phase + within);
}

void GatherWeights::lay(const Piece& piece) const {
    const int64_t width = plan_.width, channels = piece.channels;
    const int64_t group = piece.panel / plan_.panels_per_group(), first = piece.panel % plan_.panels_per_group() * width;
    const int64_t per_channel = plan_.transposed ? kernel_.per_column : kernel_.per_row;
    const auto from = [&](int64_t lane, int64_t channel) {
        return natural(piece.run, piece.tap, group, lane, piece.channel + channel);
    };
    const auto lanes_of = [&](int64_t panel) { return std::min(width, plan_.lanes - first - panel * width); };
    if (!plan_.transposed && !plan_.in_blocks) {  // the lanes are innermost: runs of them are dealt out to the panels
        const float* row = from(first, 0);
        for (int64_t c = 0; c < channels; ++c, row += kernel_.per_row)
            for (int64_t panel = 0; panel < piece.panels; ++panel) {
                float* out = piece.out + panel * piece.apart + c * width;
                const int64_t lanes = lanes_of(panel);
                std::memcpy(out, row + panel * width, lanes * sizeof(float));
                std::memset(out + lanes, 0, (width - lanes) * sizeof(float));
            }
        return;
    }
    for (int64_t panel = 0; panel < piece.panels; ++panel) {
        float* out = piece.out + panel * piece.apart;
        const int64_t lane0 = first + panel * width, lanes = lanes_of(panel);
        if (!plan_.in_blocks && lanes == width) {  // the channels are: rows become columns
            const auto turn = piece.past ? kernels().turn_past : kernels().turn;
            turn(from(lane0, 0), kernel_.per_row, width, channels, out, width);
            continue;
        }
        constexpr int64_t kBlock = 16;
        for (int64_t c0 = 0; c0 < channels; c0 += kBlock)
            for (int64_t n = 0; n < width; ++n) {
                const float* lane = n < lanes ? from(lane0 + n, c0) : nullptr;
                const int64_t count = std::min(kBlock, channels - c0);
                for (int64_t c = 0; c < count; ++c) out[(c0 + c) * width + n] = lane ? lane[c * per_channel] : 0.0f;
            }
    }
}

void GatherWeights::lay(const Pass& pass, const Part& part, int64_t panel, int64_t panels, float* out) const {
    const Weights& weights = plan_.weights[pass.weights];
    const int64_t apart = part.taps * part.channels * plan_.width;
    for (int64_t t = 0; t < part.taps; ++t) {
        const Pass::Run& run = pass.runs[part.tap + t];
        // A part's channels are those of several taps, where these lie side by side.
        for (int64_t c = part.channel, end = part.channel + part.channels, next; c < end; c = next) {
            next = std::min(end, (c / plan_.depth + 1) * plan_.depth);
            lay({weights.runs[run.run], run.within + c / plan_.depth, panel, panels, c % plan_.depth, next - c, out, apart,
                 false});
            out += (next - c) * plan_.width;
        }
    }
}

// One panel for dot products: each lane's channels lie side by side.
void GatherWeights::pack_lanes(const Weights& weights, int64_t panel, float* out) const {
    const int64_t group = panel / plan_.panels_per_group(), lane0 = panel % plan_.panels_per_group() * plan_.width;
    const int64_t per_channel = plan_.transposed ? kernel_.per_column : kernel_.per_row;
    for (const TapRun& run : weights.runs)
        for (int64_t n = 0; n < plan_.width; ++n)
            for (int64_t tap = 0; tap < weights.length; ++tap) {
                const float* from = lane0 + n < plan_.lanes ? natural(run, tap, group, lane0 + n, 0) : nullptr;
                for (int64_t c = 0; c < plan_.depth; ++c) *out++ = from ? from[c * per_channel] : 0.0f;
            }
}

void GatherWeights::pack_depthwise(float* packed) const {
    for (const Weights& weights : plan_.weights) {
        float* out = packed + weights.packed;
        for (const TapRun& run : weights.runs)
            for (int64_t c = 0; c < plan_.problem.groups; ++c) *out++ = *natural(run, 0, c, 0, 0);
    }
}

void GatherWeights::pack(float* packed) const {
    if (plan_.form == Form::depthwise) return pack_depthwise(packed);
    // What the second cache has no room for is laid out past it.
    const bool past = plan_.packed_floats * 4 >= 16 * near_bytes() && plan_.width * 4 % kLine == 0;
    const int64_t per_group = plan_.panels_per_group(), floats = plan_.depth * plan_.width;
    // Work is shared out by panels and taps; the panels that are read together lie side by side in the kernel.
    const int64_t together = plan_.form == Form::dot ? 1 : plan_.together, sets = ceil_div(per_group, together);
    struct Task {
        const Weights* weights;
        int64_t panel, panels, run;
    };
    std::vector<Task> tasks;
    for (const Weights& weights : plan_.weights)
        for (int64_t group = 0; group < plan_.problem.groups; ++group)
            for (int64_t set = 0; set < sets; ++set)
                for (int64_t run = 0; run < static_cast<int64_t>(weights.runs.size()); ++run) {
                    const int64_t first = set * together;
                    tasks.push_back({&weights, group * per_group + first, std::min(together, per_group - first), run});
                    if (plan_.form == Form::dot) break;  // one for all runs
                }
    const int64_t all = static_cast<int64_t>(tasks.size()), few = std::max<int64_t>(1, all / (8 * threads()));
    parallel_for(ceil_div(all, few), [&](int64_t part) {
        for (int64_t i = part * few; i < std::min(all, (part + 1) * few); ++i) {
            const auto& [weights, panel, panels, run] = tasks[i];
            const int64_t apart = static_cast<int64_t>(weights->runs.size()) * weights->length * floats;
            float* out = packed + weights->packed + panel * apart;
            if (plan_.form == Form::dot) {
                pack_lanes(*weights, panel, out);
                continue;
            }
            for (int64_t tap = 0; tap < weights->length; ++tap)
                lay({weights->runs[run], tap, panel, panels, 0, plan_.depth,
                     out + (run * weights->length + tap) * floats, apart, past});
        }
        if (past) settle();
    });
}

const float* GatherWeights::at(const float* packed, const Pass& pass, int64_t panel, const Pass::Run& run) const {
    const Weights& weights = plan_.weights[pass.weights];
    const int64_t per_group = plan_.panels_per_group(), runs = static_cast<int64_t>(weights.runs.size());
    if (plan_.natural)
        return natural(weights.runs[run.run], run.within, panel / per_group, panel % per_group * plan_.width, 0);
    if (plan_.form == Form::depthwise) return packed + weights.packed + run.run * plan_.problem.groups;
    const float* whole = packed + weights.packed + (panel * runs + run.run) * weights.length * plan_.depth * plan_.width;
    return whole + run.within * plan_.depth * (plan_.form == Form::dot ? 1 : plan_.width);
}

}  // namespace tconv
