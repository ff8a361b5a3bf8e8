// Algorithm 2 on the operations against the oracle, which recomputes everything at every step.
#include "core/testing/catch.h"
#include "reference/attention_ops.h"
#include "reference/compare.h"
#include "reference/host_memory.h"
#include "reference/oracle/sketch_walk.h"
#include "reference/sequence_test_rig.h"

namespace sw {
namespace {

using testing::Numbers;
using testing::RigConfig;
using testing::SketchRig;
using testing::SketchRigConfig;
using testing::Slice;
using testing::ToTokens;

struct Subject {
  ThreadPool pool{2};
  HostMemory memory;
  ReferenceAttentionOps ops{pool, simd::BestKernels(), memory};
};

oracle::SketchWalk OracleOf(const SketchRigConfig& c) {
  oracle::Config config;
  config.block_size = c.block_size;
  config.sparsity_exponent = c.sparsity_exponent;
  config.top_blocks = c.keep.top_blocks;
  config.density = c.keep.density;
  config.skip_layers = c.skip_layers;
  config.sink_blocks = c.keep.forced.sink_blocks;
  config.local_blocks = c.keep.forced.local_blocks;
  config.dense_tail_blocks = c.keep.forced.dense_tail_blocks;
  config.scale_by_head_dim = c.sqrt_d;
  config.causal_normaliser = c.columns == ScoreColumns::kCausal;
  config.walk_from_layer0 = c.walk_from_layer0;
  config.mean_finished_row = c.finished_row == FinishedRow::kMean;
  oracle::Transform transform{.signs = {c.signs.begin(), c.signs.end()},
                              .rows = {c.rows.begin(), c.rows.end()}};
  return {config, transform, c.num_layers};
}

// Errors of A are a few 2^-24 of its size; the exponent makes them s times larger in R, and every
// layer adds its own.
constexpr double kWalkError = 5e-4;

void CheckRow(const std::vector<float>& got, const oracle::Row& want) {
  REQUIRE(got.size() == want.size());
  CHECK(*std::max_element(got.begin(), got.end()) == 1.0f);
  for (size_t j = 0; j < got.size(); ++j) {
    INFO("column " << j << ": " << got[j] << " for " << want[j]);
    REQUIRE(Passes(got[j], want[j], 1e-6 + kWalkError * want[j]));
  }
}

// Prefill of `prompt` tokens, then decode to the end, step by step beside the oracle.
void CheckAgainstOracle(const SketchRigConfig& config, const Numbers& x, int prompt) {
  Subject subject;
  SketchRig rig(config, subject.ops, subject.memory);
  oracle::SketchWalk oracle = OracleOf(config);
  const int heads = x.heads.num_q_heads, kv_heads = x.heads.num_kv_heads, d = x.heads.head_dim;
  if (prompt > 0) {
    const std::vector<testing::RigPrefill> got = Prefill(rig, x, prompt);
    for (int layer = 0; layer < config.num_layers; ++layer) {
      const oracle::PrefillResult want =
          oracle.Prefill(layer, ToTokens(Slice(x.q[layer], 0, prompt, x.q_width()), heads, d),
                         ToTokens(Slice(x.k[layer], 0, prompt, x.kv_width()), kv_heads, d),
                         ToTokens(Slice(x.v[layer], 0, prompt, x.kv_width()), kv_heads, d));
      for (size_t i = 0; i < got[layer].blocks.size(); ++i) {
        INFO("prefill layer " << layer << " row " << i);
        CHECK(testing::SameUpToRounding(got[layer].blocks[i], want.blocks[i], want.walk[i],
                                        2 * kWalkError));
      }
    }
  }
  for (int t = prompt; t < x.tokens; ++t) {
    const std::vector<testing::RigDecode> got = Decode(rig, x, t);
    for (int layer = 0; layer < config.num_layers; ++layer) {
      INFO("token " << t << " layer " << layer);
      const oracle::DecodeResult want =
          oracle.Decode(layer, ToTokens(Slice(x.q[layer], t, t + 1, x.q_width()), heads, d)[0],
                        ToTokens(Slice(x.k[layer], t, t + 1, x.kv_width()), kv_heads, d)[0],
                        ToTokens(Slice(x.v[layer], t, t + 1, x.kv_width()), kv_heads, d)[0]);
      CheckRow(got[layer].walk, want.walk);
      if (layer >= config.skip_layers) {
        CHECK(testing::SameUpToRounding(got[layer].blocks, want.blocks, want.walk, 2 * kWalkError));
      }
    }
  }
  CHECK(rig.restarts() == 0);
}

TEST_CASE("decode: equals the oracle for prompts around block boundaries, in every mode") {
  Rng rng(1, 0);
  const HeadShape heads{.num_q_heads = 4, .num_kv_heads = 2, .head_dim = 8};
  const Numbers x = Numbers::Random(rng, 3, 83, heads, 1.0);
  for (const int prompt : {0, 1, 7, 8, 9, 16, 61}) {
    for (const ScoreColumns columns : {ScoreColumns::kAll, ScoreColumns::kCausal}) {
      for (const FinishedRow finished : {FinishedRow::kLast, FinishedRow::kMean}) {
        INFO("prompt " << prompt << " causal " << (columns == ScoreColumns::kCausal) << " mean "
                       << (finished == FinishedRow::kMean));
        SketchRigConfig config = RigConfig(rng, heads, 3, 8, x.tokens);
        config.columns = columns;
        config.finished_row = finished;
        CheckAgainstOracle(config, x, prompt);
      }
    }
  }
}

TEST_CASE("decode: equals the oracle for GQA 1, 3, 4, 8 and head dims 8, 12, 64, 128") {
  Rng rng(2, 0);
  for (const auto& [q_heads, kv_heads] : {std::pair{2, 2}, {9, 3}, {8, 2}, {8, 1}}) {
    for (const int d : {8, 12, 64, 128}) {
      INFO("heads " << q_heads << "/" << kv_heads << " d " << d);
      const HeadShape heads{.num_q_heads = q_heads, .num_kv_heads = kv_heads, .head_dim = d};
      const Numbers x = Numbers::Random(rng, 2, 47, heads, 1.2);
      SketchRigConfig config = RigConfig(rng, heads, 2, d == 12 ? 5 : d / 2, x.tokens);
      config.block_size = 5;
      config.sqrt_d = d == 12;
      CheckAgainstOracle(config, x, 33);
    }
  }
}

TEST_CASE(
    "decode: equals the oracle with skip layers, the walk from layer 0, density, forced sets") {
  Rng rng(3, 0);
  const HeadShape heads{.num_q_heads = 6, .num_kv_heads = 2, .head_dim = 8};
  const Numbers x = Numbers::Random(rng, 4, 70, heads, 1.0);
  SketchRigConfig config = RigConfig(rng, heads, 4, 4, x.tokens);
  config.skip_layers = 2;
  config.walk_from_layer0 = true;
  config.keep.density = 0.4;
  config.keep.forced = {.sink_blocks = 2, .local_blocks = 2, .dense_tail_blocks = 2};
  CheckAgainstOracle(config, x, 43);
}

TEST_CASE("decode: a block far ahead of all before it, as it grows and when it is full") {
  // Keys jump by 20 in score: an old maximum would overflow, a difference of sums would cancel.
  Rng rng(4, 0);
  const HeadShape heads{.num_q_heads = 1, .num_kv_heads = 1, .head_dim = 4};
  Numbers x = Numbers::Random(rng, 2, 64, heads, 0.3);
  for (int layer = 0; layer < 2; ++layer) {
    for (int t = 0; t < 64; ++t) {
      x.q[layer][t * 4] = 2.0f;
      x.k[layer][t * 4] = t / 8 == 4 ? 4.0f : (t / 8 == 6 ? 7.0f : 0.0f);
    }
  }
  SketchRigConfig config = RigConfig(rng, heads, 2, 4, x.tokens);
  config.sparsity_exponent = 2;
  for (const int prompt : {0, 13, 32, 35}) {
    INFO("prompt " << prompt);
    CheckAgainstOracle(config, x, prompt);
  }
}

}  // namespace
}  // namespace sw
