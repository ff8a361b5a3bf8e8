// Algorithms 1 and 2 as a whole: a sketch_walk policy on the backend against the float64 oracle,
// layer by layer, prefill and decode. Lists must be equal unless the oracle's own scores of the
// blocks that differ are closer than float32 can tell apart.
#include <algorithm>
#include <cmath>

#include "core/attention/policy_factory.h"
#include "core/attention/select/sketch_transform.h"
#include "core/cache/kv_cache.h"
#include "harness/check/check_inputs.h"
#include "harness/check/checks_internal.h"
#include "reference/oracle/sketch_walk.h"

namespace sw {
namespace {

// Walk values carry s times the error of a score and the product's rounding: 1e-4 in the logarithm
// is ten times what random inputs of these sizes show.
constexpr double kTieLog = 1e-4;

oracle::Config OracleConfig(const SketchWalkConfig& c) {
  return {.block_size = c.sparse.block_size,
          .sparsity_exponent = c.sparsity_exponent,
          .top_blocks = c.sparse.top_blocks.value_or(16),
          .density = c.sparse.density.value_or(0.0),
          .skip_layers = c.sparse.skip_layers,
          .sink_blocks = c.sparse.sink_blocks,
          .local_blocks = c.sparse.local_blocks,
          .dense_tail_blocks = c.sparse.dense_tail_blocks,
          .scale_by_head_dim = c.score_scale == ScoreScale::kSqrtD,
          .causal_normaliser = c.normaliser == Normaliser::kCausal,
          .walk_from_layer0 = c.walk_from == WalkFrom::kLayer0,
          .mean_finished_row = c.finished_row == FinishedRowMode::kMean};
}

// One number per list: 0 when equal or tied, 1 when they differ, so that the comparer can judge.
double Differs(const std::vector<int32_t>& got, const oracle::BlockList& want,
               const oracle::Row& walk) {
  if (std::equal(got.begin(), got.end(), want.begin(), want.end())) return 0.0;
  if (got.size() != want.size()) return 1.0;
  std::vector<int> only_got, only_want;
  std::set_difference(got.begin(), got.end(), want.begin(), want.end(),
                      std::back_inserter(only_got));
  std::set_difference(want.begin(), want.end(), got.begin(), got.end(),
                      std::back_inserter(only_want));
  for (const int a : only_got) {
    for (const int b : only_want) {
      const double gap = std::log(walk[static_cast<size_t>(a)] / walk[static_cast<size_t>(b)]);
      if (!(std::abs(gap) <= kTieLog)) return 1.0;
    }
  }
  return 0.0;
}

class SketchWalkCheck {
 public:
  SketchWalkCheck(const CheckCase& c, Backend& backend, CheckResult& result)
      : case_(c), backend_(backend), result_(result), total_(c.tokens + c.steps) {
    for (int layer = 0; layer < c.num_layers; ++layer) {
      const auto stream = static_cast<uint64_t>(layer) * 10;
      q_.push_back(RandomTokens(c.seed, stream, total_, c.heads.num_q_heads, c.heads.head_dim));
      k_.push_back(
          RandomTokens(c.seed, stream + 1, total_, c.heads.num_kv_heads, c.heads.head_dim));
      v_.push_back(
          RandomTokens(c.seed, stream + 2, total_, c.heads.num_kv_heads, c.heads.head_dim));
    }
  }

  void Run() {
    const auto policy = MakePolicy(case_.policy, case_.heads, case_.num_layers, backend_);
    const auto state = policy->NewSequence({case_.heads, case_.num_layers, total_, 0});
    state->trace.keep_lists = true;
    const SketchTransform drawn = DrawSketchTransform(case_.heads.head_dim, case_.policy.sketch_dim,
                                                      case_.policy.sketch_seed);
    oracle::SketchWalk want(
        OracleConfig(case_.policy),
        {{drawn.signs.begin(), drawn.signs.end()}, {drawn.rows.begin(), drawn.rows.end()}},
        case_.num_layers);
    Prefill(*policy, *state, want);
    for (int t = case_.tokens; t < total_; ++t) Decode(t, *policy, *state, want);
  }

 private:
  using Range = std::pair<int, int>;

  static oracle::Tokens Slice(const oracle::Tokens& x, Range range) {
    return {x.begin() + range.first, x.begin() + range.second};
  }
  Buffer<float> MakeOut(int tokens) {
    return {backend_.memory(), "check",
            static_cast<size_t>(tokens) *
                static_cast<size_t>(case_.heads.num_q_heads * case_.heads.head_dim)};
  }
  TensorView ViewOf(Buffer<float>& out, int tokens) const {
    const int64_t width = static_cast<int64_t>(case_.heads.num_q_heads) * case_.heads.head_dim;
    return {DType::kF32, out.data(), tokens, width, width};
  }

  void Prefill(const AttentionPolicy& policy, SequenceState& state, oracle::SketchWalk& want) {
    std::vector<oracle::PrefillResult> expected;
    for (int layer = 0; layer < case_.num_layers; ++layer) {
      const auto l = static_cast<size_t>(layer);
      const Range prompt{0, case_.tokens};
      expected.push_back(
          want.Prefill(layer, Slice(q_[l], prompt), Slice(k_[l], prompt), Slice(v_[l], prompt)));
      LayerOnBackend inputs(q_[l], k_[l], v_[l], backend_);
      Buffer<float> out = MakeOut(case_.tokens);
      policy.Prefill({layer, inputs.Queries(0, case_.tokens), inputs.Keys(case_.tokens)}, state,
                     ViewOf(out, case_.tokens));
      backend_.Synchronise();
      Book(case_.Describe(), "prefill out",
           CompareRange(out.ToHost(), Flatten(expected.back().out), {.absolute = 2e-5}), result_);
    }
    for (int layer = case_.policy.sparse.skip_layers; layer < case_.num_layers; ++layer) {
      const auto l = static_cast<size_t>(layer);
      std::vector<double> differs;
      const HostSelection& got = state.trace.prefill_lists.at(l);
      for (size_t row = 0; row < got.rows.size(); ++row) {
        differs.push_back(Differs(got.rows[row], expected[l].blocks[row], expected[l].walk[row]));
      }
      Book(case_.Describe(), "prefill lists",
           CompareRange(differs, std::vector<double>(differs.size(), 0.0), {}), result_);
    }
  }

  void Decode(int t, const AttentionPolicy& policy, SequenceState& state,
              oracle::SketchWalk& want) {
    std::vector<oracle::DecodeResult> expected;
    for (int layer = 0; layer < case_.num_layers; ++layer) {
      const auto l = static_cast<size_t>(layer);
      const auto token = static_cast<size_t>(t);
      expected.push_back(want.Decode(layer, q_[l][token], k_[l][token], v_[l][token]));
      LayerOnBackend inputs(q_[l], k_[l], v_[l], backend_);
      Buffer<float> out = MakeOut(1);
      policy.Decode({layer, inputs.Queries(t, 1), inputs.Keys(t + 1)}, state, ViewOf(out, 1));
      backend_.Synchronise();
      Book(case_.Describe(), "decode out",
           CompareRange(out.ToHost(), Flatten(expected.back().out), {.absolute = 2e-5}), result_);
    }
    std::vector<double> differs;
    for (int layer = case_.policy.sparse.skip_layers; layer < case_.num_layers; ++layer) {
      const auto l = static_cast<size_t>(layer);
      differs.push_back(Differs(state.trace.last_decode_lists.at(l).rows.at(0), expected[l].blocks,
                                expected[l].walk));
    }
    Book(case_.Describe(), "decode lists",
         CompareRange(differs, std::vector<double>(differs.size(), 0.0), {}), result_);
  }

  const CheckCase& case_;
  Backend& backend_;
  CheckResult& result_;
  int total_;
  std::vector<oracle::Tokens> q_, k_, v_;  // per layer
};

}  // namespace

CheckResult CheckSketchWalk(Backend& backend) {
  CheckResult result;
  for (const CheckCase& c : SketchWalkCases()) {
    ++result.cases;
    SketchWalkCheck(c, backend, result).Run();
  }
  return result;
}

}  // namespace sw
