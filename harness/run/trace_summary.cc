#include "harness/run/trace_summary.h"

#include <algorithm>

namespace sw {
namespace {

std::optional<double> DensityOf(const PairCount& pairs) {
  if (pairs.causal <= 0) return std::nullopt;
  return pairs.kept / pairs.causal;
}

std::optional<double> DecodeHitRate(const LayerTrace& layer, int steps) {
  const size_t count = std::min(layer.decode_hit_rate.size(), static_cast<size_t>(steps));
  if (!layer.decode_sparse || count == 0) return std::nullopt;
  double sum = 0.0;
  for (size_t i = 0; i < count; ++i) sum += static_cast<double>(layer.decode_hit_rate[i]);
  return sum / static_cast<double>(count);
}

}  // namespace

int StepsOfInterest(std::span<const int32_t> answer, double score,
                    const std::function<double(std::span<const int32_t>)>& score_of) {
  if (score <= 0) return kAllSteps;
  size_t tokens = 1;
  while (tokens < answer.size() && score_of(answer.first(tokens)) != score) ++tokens;
  return static_cast<int>(tokens) - 1;
}

void SummariseTrace(const AttentionTrace& trace, int decode_steps, SampleRecord& record) {
  PairCount prefill, prefill_sparse, decode, decode_sparse;
  record.prefill_hit_rate.clear();
  record.decode_hit_rate.clear();
  for (const LayerTrace& layer : trace.layers) {
    prefill += layer.prefill;
    decode += layer.decode;
    if (layer.prefill_sparse) prefill_sparse += layer.prefill;
    if (layer.decode_sparse) decode_sparse += layer.decode;
    const bool watched = layer.prefill_sparse && layer.prefill_hit_rate >= 0;
    record.prefill_hit_rate.push_back(watched ? std::optional<double>(layer.prefill_hit_rate)
                                              : std::nullopt);
    record.decode_hit_rate.push_back(DecodeHitRate(layer, decode_steps));
  }
  record.prefill_density = DensityOf(prefill).value_or(1.0);
  record.prefill_density_sparse = DensityOf(prefill_sparse);
  record.decode_density = DensityOf(decode);
  record.decode_density_sparse = DensityOf(decode_sparse);
  record.walk_restarts = trace.walk_restarts;
}

}  // namespace sw
