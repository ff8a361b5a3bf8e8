// From a sequence's AttentionTrace to the numbers of a SampleRecord.
#pragma once

#include "core/attention/sequence_state.h"
#include "harness/report/record.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <span>

namespace sw {

inline constexpr int kAllSteps = std::numeric_limits<int>::max();

// How many decode steps the needle's hit rate is averaged over: those up to the last token that the
// answer's score needed. That token is the last of the shortest prefix of `answer` that scores what
// the whole scores; the first token comes from the prefill, so a prefix of p tokens took p - 1
// steps. With score 0 all steps count.
int StepsOfInterest(std::span<const int32_t> answer, double score,
                    const std::function<double(std::span<const int32_t>)>& score_of);

// Fills densities, hit rates and walk restarts of `record`; `decode_steps` as StepsOfInterest says.
void SummariseTrace(const AttentionTrace& trace, int decode_steps, SampleRecord& record);

}  // namespace sw
