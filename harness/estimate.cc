#include "harness/estimate.h"

#include <algorithm>

namespace sw {
namespace {

template <class... Options>
struct Overloaded : Options... {
  using Options::operator()...;
};

// Tokens whose wide MLP activations exist at once.
constexpr int64_t kMlpChunkTokens = 1024;

KeepRule KeepRuleOf(const SparseConfig& config) {
  KeepRule rule;
  rule.forced = {config.sink_blocks, config.local_blocks, config.dense_tail_blocks};
  if (config.top_blocks) rule.top_blocks = *config.top_blocks;
  if (config.density) rule.density = *config.density;
  return rule;
}

int GroupsOf(Share share, const HeadShape& heads) {
  switch (share) {
    case Share::kLayer:
      return 1;
    case Share::kKvGroup:
      return heads.num_kv_heads;
    case Share::kHead:
      return heads.num_q_heads;
  }
  return 1;
}

LayerDims DimsOf(const LlamaShape& model) {
  return {{model.num_q_heads, model.num_kv_heads, model.head_dim}, model.hidden_dim, model.ffn_dim};
}

// Seconds of these stages: products at one rate, exact mass at another, the rest as attention.
double SecondsFor(const StageCosts& costs, double matmul, double attention, double mass) {
  double seconds = 0;
  for (size_t i = 0; i < costs.size(); ++i) {
    double rate = attention;
    switch (static_cast<Stage>(i)) {
      case Stage::kQkv:
      case Stage::kOutProj:
      case Stage::kMlp:
      case Stage::kHead:
        rate = matmul;
        break;
      case Stage::kMass:
        rate = mass;
        break;
      default:
        break;
    }
    seconds += costs[i].flops / rate;
  }
  return seconds;
}

int SkippedLayers(const PolicyConfig& policy, const LlamaShape& model) {
  const SparseConfig* sparse = SparsePartOf(policy);
  return sparse == nullptr ? model.num_layers : std::min(sparse->skip_layers, model.num_layers);
}

// `layer_cost(selection)` over the dense layers and the sparse ones of a phase.
template <class LayerCost>
StageCosts SumLayers(const PolicyConfig& policy, const LlamaShape& model, PhaseMode mode,
                     LayerCost&& layer_cost) {
  const SelectionCostShape selection = SelectionShapeOf(policy, DimsOf(model).heads);
  const int dense_layers =
      mode == PhaseMode::kDense ? model.num_layers : SkippedLayers(policy, model);
  StageCosts sum{};
  for (int layer = 0; layer < model.num_layers; ++layer) {
    sum += layer_cost(layer < dense_layers ? SelectionCostShape{} : selection);
  }
  return sum;
}

int64_t SelectionBytes(const PolicyConfig& policy, const LlamaShape& model, int64_t tokens) {
  const SparseConfig* sparse = SparsePartOf(policy);
  if (sparse == nullptr) return 0;
  const SelectionCostShape shape = SelectionShapeOf(policy, DimsOf(model).heads);
  const int64_t b = CeilDiv(tokens, sparse->block_size);
  const int64_t lists = shape.num_groups * b * (b + 1) * 4;
  switch (shape.kind) {
    case SelectionKind::kNone:
      return 0;
    case SelectionKind::kFree:
    case SelectionKind::kMass:
      return lists + shape.num_groups * b * b * 4;
    case SelectionKind::kOneHop:
    case SelectionKind::kWalk: {
      const int64_t cache =
          b * b * 4 + b * (2 * shape.sketch_dim + 3) * 4;  // per layer, for decode
      return lists + 2 * b * b * 4 + cache * (model.num_layers - SkippedLayers(policy, model));
    }
  }
  return 0;
}

int64_t PeakBytes(const RunPoint& point, const EstimateInputs& in) {
  const LlamaShape& m = in.model;
  const int64_t element = BlockBytes(in.activation_dtype);
  const int64_t tokens = point.length;
  const int64_t q_dim = static_cast<int64_t>(m.num_q_heads) * m.head_dim;
  const int64_t kv_dim = static_cast<int64_t>(m.num_kv_heads) * m.head_dim;
  const int64_t cache = 2 * kv_dim * tokens * m.num_layers * element;
  const int64_t wide = 2 * std::min(tokens, kMlpChunkTokens) * m.ffn_dim;
  const int64_t activations =
      (tokens * (2 * m.hidden_dim + 2 * q_dim + 2 * kv_dim) + wide) * element + m.vocab_size * 4;
  const int64_t sequences =
      point.scoring == Scoring::kGenerate ? std::min(in.batch, in.samples) : 1;
  return in.weight_bytes + activations +
         sequences * (cache + SelectionBytes(point.arm.policy, m, tokens));
}

}  // namespace

SelectionCostShape SelectionShapeOf(const PolicyConfig& policy, const HeadShape& heads) {
  SelectionCostShape shape;
  if (const SparseConfig* sparse = SparsePartOf(policy)) {
    shape.block_size = sparse->block_size;
    shape.rule = KeepRuleOf(*sparse);
  }
  std::visit(Overloaded{[&](const DenseConfig&) { shape.kind = SelectionKind::kNone; },
                        [&](const SketchWalkConfig& c) {
                          shape.kind = SelectionKind::kWalk;
                          shape.sketch_dim = c.sketch_dim;
                        },
                        [&](const OneHopConfig& c) {
                          shape.kind = SelectionKind::kOneHop;
                          shape.sketch_dim = c.sketch_dim;
                        },
                        [&](const OracleConfig& c) {
                          shape.kind = SelectionKind::kMass;
                          shape.num_groups = GroupsOf(c.share, heads);
                        },
                        [&](const LocalSinkConfig&) { shape.kind = SelectionKind::kFree; },
                        [&](const RandomConfig&) { shape.kind = SelectionKind::kFree; }},
             policy);
  return shape;
}

KeepEstimate EstimateKeep(const PolicyConfig& policy, const LlamaShape& model, int length) {
  KeepEstimate keep;
  const SparseConfig* sparse = SparsePartOf(policy);
  if (sparse == nullptr) return keep;
  const KeepRule rule = KeepRuleOf(*sparse);
  const BlockLayout layout{length, sparse->block_size};
  keep.num_blocks = layout.num_blocks();
  const int last = keep.num_blocks - 1;
  // The last row that the selector decides: a dense tail keeps everything by itself.
  const int row = std::max(0, last - sparse->dense_tail_blocks);
  keep.last_row = rule.Count(row, keep.num_blocks);
  keep.free_last_row = keep.last_row - rule.forced.Count(row, keep.num_blocks);
  keep.keeps_all = keep.last_row == row + 1;
  const PairCount pairs = PrefillPairs(rule, layout);
  const bool is_sparse = sparse->prefill == PhaseMode::kSparse;
  const int dense_layers = is_sparse ? SkippedLayers(policy, model) : model.num_layers;
  keep.density_sparse = pairs.kept / pairs.causal;
  keep.density =
      (dense_layers + (model.num_layers - dense_layers) * keep.density_sparse) / model.num_layers;
  return keep;
}

PointEstimate EstimatePoint(const RunPoint& point, int max_new_tokens, const EstimateInputs& in) {
  const PolicyConfig& policy = point.arm.policy;
  const LayerDims dims = DimsOf(in.model);
  const SparseConfig* sparse = SparsePartOf(policy);
  const PhaseMode prefill = sparse != nullptr ? sparse->prefill : PhaseMode::kDense;
  const PhaseMode decode = sparse != nullptr ? sparse->decode : PhaseMode::kDense;
  const bool generates = point.scoring == Scoring::kGenerate;
  const int prompt = std::max(1, generates ? point.length - max_new_tokens : point.length);

  PointEstimate estimate;
  estimate.keep = EstimateKeep(policy, in.model, point.length);
  StageCosts costs = SumLayers(policy, in.model, prefill, [&](const SelectionCostShape& s) {
    return PrefillLayerCost(dims, s, prompt);
  });
  estimate.prefill_attention = AttentionTotal(costs);
  const StageCosts head = HeadCost(in.model.hidden_dim, in.model.vocab_size, 1);
  const Rates& r = in.rates;
  double seconds = SecondsFor(costs, r.prefill_matmul, r.prefill_attention, r.block_mass) +
                   SecondsFor(head, r.decode_matmul, r.decode_attention, r.block_mass);
  if (generates) {
    // Every step costs nearly what the last one does.
    costs = SumLayers(policy, in.model, decode, [&](const SelectionCostShape& s) {
      return DecodeLayerCost(dims, s, point.length);
    });
    costs += head;
    seconds +=
        max_new_tokens * SecondsFor(costs, r.decode_matmul, r.decode_attention, r.block_mass);
  }
  estimate.seconds = seconds * in.samples;
  estimate.peak_bytes = PeakBytes(point, in);
  return estimate;
}

}  // namespace sw
