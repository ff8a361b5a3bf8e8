// The sketch_walk policy on the reference backend against the golden vectors, every case of the
// file: prefill, then every decode step. Lists are the file's; outputs are float against float64.
#include <span>

#include "core/attention/select/sketch_walk.h"
#include "core/attention/sparse.h"
#include "core/cache/kv_cache.h"
#include "core/testing/catch.h"
#include "harness/golden/sketch_golden.h"
#include "reference/compare.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

constexpr Tolerance kOutputs{.absolute = 1e-5};

SketchWalkConfig PolicyConfigOf(const golden::SketchConfig& g) {
  SketchWalkConfig c;
  c.sparse.block_size = g.block_size;
  if (g.density > 0) {
    c.sparse.density = g.density;
  } else {
    c.sparse.top_blocks = g.top_blocks;
  }
  c.sparse.skip_layers = g.skip_layers;
  c.sparse.sink_blocks = g.sink_blocks;
  c.sparse.local_blocks = g.local_blocks;
  c.sparse.dense_tail_blocks = g.dense_tail_blocks;
  c.sketch_dim = g.sketch_dim;
  c.sparsity_exponent = g.sparsity_exponent;
  c.score_scale = g.sqrt_d ? ScoreScale::kSqrtD : ScoreScale::kSqrtR;
  c.normaliser = g.causal ? Normaliser::kCausal : Normaliser::kAll;
  c.walk_from = g.from_layer0 ? WalkFrom::kLayer0 : WalkFrom::kFirstSparse;
  c.finished_row = g.mean_finished ? FinishedRowMode::kMean : FinishedRowMode::kLast;
  return c;
}

HeadShape HeadsOf(const golden::SketchConfig& g) { return {g.heads, g.kv_heads, g.head_dim}; }

SketchTransform TransformOf(const golden::SketchConfig& g) {
  return {g.head_dim, {g.signs.begin(), g.signs.end()}, {g.rows.begin(), g.rows.end()}};
}

// One sequence of a case, fed from the file's numbers.
class GoldenRun {
 public:
  GoldenRun(const golden::Case& c, const AttentionPolicy& policy, Backend& backend)
      : case_(c),
        policy_(policy),
        cache_({.num_layers = c.config.layers,
                .num_kv_heads = c.config.kv_heads,
                .head_dim = c.config.head_dim,
                .capacity_tokens = c.config.total_tokens},
               backend.memory()),
        state_(policy.NewSequence({.heads = HeadsOf(c.config),
                                   .num_layers = c.config.layers,
                                   .capacity_tokens = c.config.total_tokens})) {
    state_->trace.keep_lists = true;
  }

  std::vector<float> Layer(int layer, int begin, int end, bool decode) {
    const golden::SketchConfig& g = case_.config;
    const KvView kv = cache_.View(layer, end);
    const auto index = static_cast<size_t>(layer);
    for (int t = begin; t < end; ++t) {
      for (int head = 0; head < g.kv_heads; ++head) {
        for (int i = 0; i < g.head_dim; ++i) {
          const auto from = static_cast<size_t>((t * g.kv_heads + head) * g.head_dim + i);
          const int64_t to = kv.HeadOffset(head) + t * g.head_dim + i;
          static_cast<float*>(kv.k)[to] = static_cast<float>(case_.k[index][from]);
          static_cast<float*>(kv.v)[to] = static_cast<float>(case_.v[index][from]);
        }
      }
    }
    const int width = g.heads * g.head_dim;
    const auto q_begin = case_.q[index].begin() + static_cast<int64_t>(begin) * width;
    const std::vector<float> q(q_begin, q_begin + static_cast<int64_t>(end - begin) * width);
    std::vector<float> out(q.size());
    const LayerInputs in{
        layer, {DType::kF32, q.data(), end - begin, g.heads, g.head_dim, begin, width}, kv};
    const TensorView view{DType::kF32, out.data(), end - begin, width, width};
    if (decode) {
      policy_.Decode(in, *state_, view);
    } else {
      policy_.Prefill(in, *state_, view);
    }
    return out;
  }

  const AttentionTrace& trace() const { return state_->trace; }

 private:
  const golden::Case& case_;
  const AttentionPolicy& policy_;
  KvCache cache_;
  std::unique_ptr<SequenceState> state_;
};

void CheckPrefill(const golden::Case& c, GoldenRun& run) {
  const golden::SketchConfig& g = c.config;
  for (int layer = 0; layer < g.layers; ++layer) {
    INFO("prefill layer " << layer);
    const golden::PrefillLayer& want = c.prefill[static_cast<size_t>(layer)];
    const std::vector<float> out = run.Layer(layer, 0, g.prefill_tokens, /*decode=*/false);
    const LayerTrace& trace = run.trace().layers[static_cast<size_t>(layer)];
    CHECK(trace.prefill_sparse == g.IsSparse(layer));
    if (g.IsSparse(layer)) {
      const HostSelection& lists = run.trace().prefill_lists[static_cast<size_t>(layer)];
      REQUIRE(lists.rows.size() == want.blocks.size());
      for (size_t i = 0; i < want.blocks.size(); ++i) {
        INFO("query block " << i);
        CHECK(golden::SameChoice(lists.rows[i], want.blocks[i], want.min_log_margin));
      }
    }
    const std::span<const float> last(out.end() - static_cast<int64_t>(want.out_last_rows.size()),
                                      out.end());
    const Comparison rows = CompareRange(last, want.out_last_rows, kOutputs);
    INFO(rows.Describe());
    CHECK(rows.ok());
    double sum = 0;
    for (const float x : out) sum += x;
    // Errors of the summed numbers are independent; 1e-4 is far below one wrong block.
    CHECK(Passes(sum, want.out_sum, 1e-4));
  }
}

void CheckDecode(const golden::Case& c, GoldenRun& run) {
  const golden::SketchConfig& g = c.config;
  for (int t = g.prefill_tokens; t < g.total_tokens; ++t) {
    std::vector<std::vector<float>> outputs;
    for (int layer = 0; layer < g.layers; ++layer) {
      outputs.push_back(run.Layer(layer, t, t + 1, /*decode=*/true));
    }
    for (int layer = 0; layer < g.layers; ++layer) {
      INFO("decode token " << t << " layer " << layer);
      const auto index = static_cast<size_t>(layer);
      const golden::DecodeLayer& want = c.decode[static_cast<size_t>(t - g.prefill_tokens)][index];
      if (g.IsSparse(layer)) {
        const HostSelection& lists = run.trace().last_decode_lists[index];
        REQUIRE(lists.rows.size() == 1);
        CHECK(golden::SameChoice(lists.rows[0], want.blocks, want.log_margin));
      }
      const Comparison out = CompareRange(outputs[index], want.out, kOutputs);
      INFO(out.Describe());
      CHECK(out.ok());
    }
  }
}

TEST_CASE("golden SketchWalk vectors: the policy on the reference backend, prefill and decode") {
  ReferenceBackend backend({.num_threads = 2});
  for (const golden::Case& c : golden::ReadSketchGolden()) {
    INFO(c.name);
    const SketchWalkConfig config = PolicyConfigOf(c.config);
    ValidatePolicy(config, c.config.head_dim, c.config.layers);
    const SparsePolicy policy("sketch_walk", config.sparse,
                              std::make_unique<SketchWalkSelector>(config, HeadsOf(c.config),
                                                                   backend, TransformOf(c.config)),
                              backend);
    GoldenRun run(c, policy, backend);
    REQUIRE(c.config.prefill_tokens > 0);  // a policy decodes after a prompt only
    CheckPrefill(c, run);
    CheckDecode(c, run);
    CHECK(run.trace().walk_restarts == 0);
  }
}

}  // namespace
}  // namespace sw
