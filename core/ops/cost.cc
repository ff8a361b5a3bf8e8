#include "core/ops/cost.h"

#include <bit>

#include "core/base/check.h"

namespace sw {
namespace {

KernelCost& At(StageCosts& costs, Stage stage) { return costs[static_cast<size_t>(stage)]; }

void AddShared(StageCosts& costs, Stage stage, double flops) { At(costs, stage) += {flops, flops}; }

void AddSelection(StageCosts& costs, Stage stage, double flops) {
  At(costs, stage) += {flops, 0.0};
}

double MatMulFlops(double m, double n, double k) { return 2.0 * m * n * k; }

// What dense and sparse layers do alike, for `rows` tokens.
void AddDenseParts(const LayerDims& dims, double rows, StageCosts& costs) {
  const double q_dim = static_cast<double>(dims.heads.num_q_heads) * dims.heads.head_dim;
  const double kv_dim = static_cast<double>(dims.heads.num_kv_heads) * dims.heads.head_dim;
  constexpr double kNormOps = 4;  // square, add, scale, weight
  constexpr double kRopeOps = 3;  // per element: two products, one sum
  AddShared(costs, Stage::kNorm, 2 * kNormOps * rows * dims.hidden_dim);
  AddShared(costs, Stage::kQkv, MatMulFlops(rows, q_dim + 2 * kv_dim, dims.hidden_dim));
  AddShared(costs, Stage::kRope, kRopeOps * rows * (q_dim + kv_dim));
  AddShared(costs, Stage::kOutProj, MatMulFlops(rows, dims.hidden_dim, q_dim));
  AddShared(costs, Stage::kMlp, 3 * MatMulFlops(rows, dims.ffn_dim, dims.hidden_dim));
}

// QK^T and PV of every query head over these pairs.
double AttendFlops(const HeadShape& heads, double pairs) {
  return 4.0 * pairs * heads.num_q_heads * heads.head_dim;
}

// Walsh-Hadamard transform of one vector: additions, signs, scaling of the rows kept.
double SketchFlops(int head_dim, int sketch_dim) {
  const auto padded = std::bit_ceil(static_cast<unsigned>(head_dim));
  return static_cast<double>(padded) * (std::bit_width(padded) - 1) + head_dim + sketch_dim;
}

constexpr double kSoftmaxOps = 5;  // per score: max, subtract, exp, power, sum

// Sums over rows of l <= i and j <= i: what is left of R W after both masks.
double WalkPairs(double b) { return b * (b + 1) * (2 * b + 1) / 6; }

void AddPrefillSelection(const LayerDims& dims, const SelectionCostShape& s, int num_tokens,
                         double pairs, StageCosts& costs) {
  const HeadShape& heads = dims.heads;
  const double b = CeilDiv(num_tokens, s.block_size);
  if (s.kind == SelectionKind::kOneHop || s.kind == SelectionKind::kWalk) {
    const double summed = static_cast<double>(num_tokens) * heads.head_dim;
    AddSelection(costs, Stage::kSummarise, summed * (heads.num_q_heads + heads.num_kv_heads));
    AddSelection(costs, Stage::kSummarise, 2 * b * SketchFlops(heads.head_dim, s.sketch_dim));
    AddSelection(costs, Stage::kScore, b * b * (2.0 * s.sketch_dim + kSoftmaxOps));
  }
  if (s.kind == SelectionKind::kWalk) AddSelection(costs, Stage::kWalk, 2 * WalkPairs(b));
  if (s.kind == SelectionKind::kMass) {
    const double scores = pairs * heads.num_q_heads;
    AddSelection(costs, Stage::kMass, scores * (2.0 * heads.head_dim + kSoftmaxOps));
  }
  AddSelection(costs, Stage::kPick, s.num_groups * b * (b + 1) / 2);  // one look at each score
}

void AddDecodeSelection(const LayerDims& dims, const SelectionCostShape& s, int kv_len,
                        StageCosts& costs) {
  const HeadShape& heads = dims.heads;
  const double b = CeilDiv(kv_len, s.block_size);
  if (s.kind == SelectionKind::kOneHop || s.kind == SelectionKind::kWalk) {
    const double summed = heads.head_dim;
    AddSelection(costs, Stage::kSummarise, summed * (heads.num_q_heads + heads.num_kv_heads));
    AddSelection(costs, Stage::kSummarise, 2 * SketchFlops(heads.head_dim, s.sketch_dim));
    // Row c and column c of the scores; the column folds into every row's sum.
    AddSelection(costs, Stage::kScore, 2 * b * (2.0 * s.sketch_dim + kSoftmaxOps));
  }
  if (s.kind == SelectionKind::kWalk) AddSelection(costs, Stage::kWalk, 2 * b * b);
  if (s.kind == SelectionKind::kMass) {
    const double scores = static_cast<double>(kv_len) * heads.num_q_heads;
    AddSelection(costs, Stage::kMass, scores * (2.0 * heads.head_dim + kSoftmaxOps));
  }
  AddSelection(costs, Stage::kPick, s.num_groups * b);
}

}  // namespace

StageCosts& operator+=(StageCosts& sum, const StageCosts& other) {
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
  return sum;
}

KernelCost Total(const StageCosts& costs) {
  KernelCost total;
  for (const KernelCost& cost : costs) total += cost;
  return total;
}

KernelCost AttentionTotal(const StageCosts& costs) {
  KernelCost total;
  for (size_t i = 0; i < costs.size(); ++i) {
    if (IsAttention(static_cast<Stage>(i))) total += costs[i];
  }
  return total;
}

PairCount PrefillPairs(const KeepRule& rule, const BlockLayout& layout) {
  PairCount pairs{.kept = 0, .causal = CausalPairs(0, layout.num_tokens)};
  const int num_blocks = layout.num_blocks();
  for (int i = 0; i < num_blocks; ++i) {
    // The own block of the row, then whole blocks: only the last block can be ragged.
    const double queries = layout.Count(i);
    const double earlier = rule.Count(i, num_blocks) - 1;
    pairs.kept += queries * (queries + 1) / 2 + queries * earlier * layout.block_size;
  }
  return pairs;
}

PairCount DecodePairs(const KeepRule& rule, const BlockLayout& layout) {
  SW_CHECK(layout.num_tokens > 0);
  const int last = layout.num_blocks() - 1;
  KeepRule in_decode = rule;
  in_decode.forced.dense_tail_blocks = 0;  // concerns prefill only
  const double earlier = in_decode.Count(last, last + 1) - 1;
  return {.kept = layout.Count(last) + earlier * layout.block_size,
          .causal = static_cast<double>(layout.num_tokens)};
}

StageCosts PrefillLayerCost(const LayerDims& dims, const SelectionCostShape& selection,
                            int num_tokens) {
  StageCosts costs{};
  AddDenseParts(dims, num_tokens, costs);
  const double causal = CausalPairs(0, num_tokens);
  double kept = causal;
  if (selection.kind != SelectionKind::kNone) {
    kept = PrefillPairs(selection.rule, {num_tokens, selection.block_size}).kept;
    AddPrefillSelection(dims, selection, num_tokens, causal, costs);
  }
  At(costs, Stage::kAttend) += {AttendFlops(dims.heads, kept), AttendFlops(dims.heads, causal)};
  return costs;
}

StageCosts DecodeLayerCost(const LayerDims& dims, const SelectionCostShape& selection, int kv_len) {
  StageCosts costs{};
  AddDenseParts(dims, 1, costs);
  double kept = kv_len;
  if (selection.kind != SelectionKind::kNone) {
    kept = DecodePairs(selection.rule, {kv_len, selection.block_size}).kept;
    AddDecodeSelection(dims, selection, kv_len, costs);
  }
  At(costs, Stage::kAttend) += {AttendFlops(dims.heads, kept), AttendFlops(dims.heads, kv_len)};
  return costs;
}

StageCosts HeadCost(int hidden_dim, int vocab_size, int rows) {
  StageCosts costs{};
  AddShared(costs, Stage::kHead, MatMulFlops(rows, vocab_size, hidden_dim));
  return costs;
}

}  // namespace sw
