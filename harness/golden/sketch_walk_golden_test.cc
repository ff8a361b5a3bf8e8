// The reference backend's operations against the golden vectors, every case of the file, on every
// instruction set that this machine runs.
//
// The subject computes in fp32, the file in fp64. A score is a sum of r products of numbers near 1
// and errs by a few 2^-24 of its size, which is below 20: 1e-5 covers it with outputs and R as
// well, but for the exponent s on W, which turns a score's error x into a relative error s x of R.
#include <algorithm>

#include "core/testing/catch.h"
#include "harness/golden/sketch_golden.h"
#include "reference/attention_ops.h"
#include "reference/compare.h"
#include "reference/host_memory.h"
#include "reference/sketch_rig.h"

namespace sw {
namespace {

constexpr double kAllowed = 1e-5;

testing::SketchRigConfig RigConfig(const golden::SketchConfig& c) {
  testing::SketchRigConfig config;
  config.heads = {.num_q_heads = c.heads, .num_kv_heads = c.kv_heads, .head_dim = c.head_dim};
  config.num_layers = c.layers;
  config.capacity_tokens = c.total_tokens;
  config.block_size = c.block_size;
  config.signs.assign(c.signs.begin(), c.signs.end());
  config.rows.assign(c.rows.begin(), c.rows.end());
  config.sqrt_d = c.sqrt_d;
  config.sparsity_exponent = static_cast<float>(c.sparsity_exponent);
  config.columns = c.causal ? ScoreColumns::kCausal : ScoreColumns::kAll;
  config.finished_row = c.mean_finished ? FinishedRow::kMean : FinishedRow::kLast;
  config.keep = {.forced = {.sink_blocks = c.sink_blocks,
                            .local_blocks = c.local_blocks,
                            .dense_tail_blocks = c.dense_tail_blocks},
                 .top_blocks = c.top_blocks,
                 .density = c.density};
  config.skip_layers = c.skip_layers;
  config.walk_from_layer0 = c.from_layer0;
  return config;
}

std::vector<float> TokensOf(const std::vector<double>& flat, int begin, int end, int width) {
  return {flat.begin() + int64_t{begin} * width, flat.begin() + int64_t{end} * width};
}

void CheckRows(const std::vector<float>& got, const std::vector<std::vector<double>>& want,
               bool lower_only) {
  const size_t b = want.size();
  REQUIRE(got.size() == b * b);
  for (size_t i = 0; i < b; ++i) {
    for (size_t j = 0; j < (lower_only ? i + 1 : b); ++j) {
      INFO("row " << i << " column " << j << ": " << got[i * b + j] << " for " << want[i][j]);
      REQUIRE(Passes(got[i * b + j], want[i][j], kAllowed));
    }
  }
}

void CheckPrefill(testing::SketchRig& rig, const golden::Case& c) {
  const golden::SketchConfig& g = c.config;
  const int q_width = g.heads * g.head_dim, kv_width = g.kv_heads * g.head_dim;
  for (int layer = 0; layer < g.layers; ++layer) {
    INFO("prefill layer " << layer);
    const golden::PrefillLayer& want = c.prefill[layer];
    const testing::RigPrefill got =
        rig.Prefill(layer, TokensOf(c.q[layer], 0, g.prefill_tokens, q_width),
                    TokensOf(c.k[layer], 0, g.prefill_tokens, kv_width),
                    TokensOf(c.v[layer], 0, g.prefill_tokens, kv_width));
    CheckRows(got.scores, want.scores, false);
    CheckRows(got.walk, want.walk, true);
    if (g.IsSparse(layer)) {
      REQUIRE(got.blocks.size() == want.blocks.size());
      for (size_t i = 0; i < want.blocks.size(); ++i) {
        INFO("query block " << i);
        CHECK(golden::SameChoice(got.blocks[i], want.blocks[i], want.min_log_margin));
      }
    }
    const std::vector<float> last(got.out.end() - static_cast<int64_t>(want.out_last_rows.size()),
                                  got.out.end());
    const Comparison rows = CompareRange(last, want.out_last_rows, {.absolute = kAllowed});
    INFO(rows.Describe());
    CHECK(rows.ok());
    double sum = 0;
    for (const float x : got.out) sum += x;
    CHECK(Passes(sum, want.out_sum, kAllowed * std::sqrt(static_cast<double>(got.out.size()))));
  }
}

void CheckDecode(testing::SketchRig& rig, const golden::Case& c) {
  const golden::SketchConfig& g = c.config;
  const int q_width = g.heads * g.head_dim, kv_width = g.kv_heads * g.head_dim;
  for (int t = g.prefill_tokens; t < g.total_tokens; ++t) {
    for (int layer = 0; layer < g.layers; ++layer) {
      INFO("decode token " << t << " layer " << layer);
      const golden::DecodeLayer& want = c.decode[t - g.prefill_tokens][layer];
      const testing::RigDecode got = rig.Decode(layer, TokensOf(c.q[layer], t, t + 1, q_width),
                                                TokensOf(c.k[layer], t, t + 1, kv_width),
                                                TokensOf(c.v[layer], t, t + 1, kv_width));
      if (g.IsSparse(layer)) CHECK(golden::SameChoice(got.blocks, want.blocks, want.log_margin));
      const Comparison out = CompareRange(got.out, want.out, {.absolute = kAllowed});
      INFO(out.Describe());
      CHECK(out.ok());
    }
  }
}

TEST_CASE("golden SketchWalk vectors: the reference operations, prefill and decode") {
  const std::vector<golden::Case> cases = golden::ReadSketchGolden();
  ThreadPool pool(2);
  HostMemory memory;
  for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
    INFO("instruction set " << (*set)->name);
    const ReferenceAttentionOps ops(pool, **set, memory);
    for (const golden::Case& c : cases) {
      INFO(c.name);
      testing::SketchRig rig(RigConfig(c.config), ops, memory);
      if (c.config.prefill_tokens > 0) CheckPrefill(rig, c);
      CheckDecode(rig, c);
      CHECK(rig.restarts() == 0);
    }
  }
}

}  // namespace
}  // namespace sw
