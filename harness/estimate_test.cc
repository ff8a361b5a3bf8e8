#include "harness/estimate.h"

#include "core/testing/catch.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

constexpr LlamaShape kModel{.num_layers = 6,
                            .hidden_dim = 24,
                            .ffn_dim = 64,
                            .num_q_heads = 6,
                            .num_kv_heads = 2,
                            .head_dim = 8,
                            .vocab_size = 100,
                            .context_len = 4096};

PolicyConfig Walk(std::optional<int> top_blocks, std::optional<double> density) {
  SketchWalkConfig config;
  config.sparse.block_size = 32;
  config.sparse.top_blocks = top_blocks;
  config.sparse.density = density;
  return config;
}

EstimateInputs Inputs() {
  return {.model = kModel,
          .weight_bytes = 1 << 20,
          .activation_dtype = DType::kF32,
          .samples = 10,
          .batch = 1,
          .rates = {1e9, 1e8, 1e9, 1e8, 1e9}};
}

RunPoint Point(const PolicyConfig& policy, int length, Scoring scoring) {
  return {"niah_single_1", length, scoring, {policy, "arm"}};
}

TEST_CASE("What an arm keeps follows from its rule") {
  const KeepEstimate count = EstimateKeep(Walk(13, {}), kModel, 1000);
  CHECK(count.num_blocks == 32);
  CHECK(count.last_row == 13);
  CHECK(count.free_last_row == 11);  // without a sink and the own block
  CHECK_FALSE(count.keeps_all);
  // A share of the causal row: ceil(0.2 * 32) = 7.
  CHECK(EstimateKeep(Walk({}, 0.2), kModel, 1000).last_row == 7);
  // Two of six layers stay dense.
  CHECK(count.density == Approx((2 + 4 * count.density_sparse) / 6));
  // Default: 16 blocks.
  CHECK(EstimateKeep(Walk({}, {}), kModel, 1000).last_row == 16);
  const KeepEstimate dense = EstimateKeep(DenseConfig{}, kModel, 1000);
  CHECK(dense.num_blocks == 0);
  CHECK(dense.density == 1.0);
  CHECK_FALSE(dense.is_degenerate());
}

TEST_CASE("A dense phase keeps every pair") {
  SketchWalkConfig config;
  config.sparse.prefill = PhaseMode::kDense;
  CHECK(EstimateKeep(config, kModel, 4000).density == 1.0);
}

TEST_CASE("Rows without a choice are flagged") {
  CHECK(EstimateKeep(Walk(2, {}), kModel, 1000).is_degenerate());        // all forced
  CHECK(EstimateKeep(Walk(3, {}), kModel, 1000).is_degenerate());        // one free
  CHECK_FALSE(EstimateKeep(Walk(4, {}), kModel, 1000).is_degenerate());  // two
  CHECK(EstimateKeep(Walk(32, {}), kModel, 1000).is_degenerate());       // all kept
  CHECK_FALSE(EstimateKeep(Walk(31, {}), kModel, 1000).is_degenerate());
  CHECK(EstimateKeep(Walk(9, {}), kModel, 20).is_degenerate());  // one ragged block
  // A dense tail is not the selector's choice either: the row before it is looked at.
  SketchWalkConfig tail;
  tail.sparse.top_blocks = 2;
  tail.sparse.dense_tail_blocks = 4;
  CHECK(EstimateKeep(tail, kModel, 1000).is_degenerate());
}

TEST_CASE("Seconds grow with samples, length and new tokens") {
  const EstimateInputs inputs = Inputs();
  const PolicyConfig walk = Walk({}, 0.2);
  const auto seconds = [&](const PolicyConfig& policy, int length, Scoring scoring, int tokens) {
    return EstimatePoint(Point(policy, length, scoring), tokens, inputs).seconds;
  };
  const double base = seconds(walk, 1024, Scoring::kGenerate, 16);
  CHECK(base > 0);
  CHECK(seconds(walk, 2048, Scoring::kGenerate, 16) > 2 * base);
  CHECK(seconds(walk, 1024, Scoring::kGenerate, 64) > base);
  CHECK(seconds(DenseConfig{}, 1024, Scoring::kForced, 16) >
        seconds(walk, 1024, Scoring::kForced, 16));
  // Forced scoring decodes nothing.
  CHECK(seconds(walk, 1024, Scoring::kForced, 16) == seconds(walk, 1024, Scoring::kForced, 64));
  EstimateInputs twice = inputs;
  twice.samples = 20;
  CHECK(EstimatePoint(Point(walk, 1024, Scoring::kGenerate), 16, twice).seconds ==
        Approx(2 * base));
}

TEST_CASE("Peak memory holds weights, caches and selection") {
  EstimateInputs inputs = Inputs();
  const auto peak = [&](const PolicyConfig& policy, int length) {
    return EstimatePoint(Point(policy, length, Scoring::kGenerate), 16, inputs).peak_bytes;
  };
  // Keys and values of 2 heads of 8 floats in 6 layers.
  const int64_t cache = int64_t{1024} * 6 * 2 * 2 * 8 * 4;
  const int64_t dense = peak(DenseConfig{}, 1024);
  CHECK(dense > inputs.weight_bytes + cache);
  CHECK(peak(Walk({}, 0.2), 1024) > dense);
  OracleConfig per_head;
  per_head.share = Share::kHead;
  CHECK(peak(per_head, 1024) > peak(OracleConfig{}, 1024));
  inputs.batch = 3;
  CHECK(peak(DenseConfig{}, 1024) == dense + 2 * cache);
}

TEST_CASE("Calibration of the backend is quick and gives speeds that can be") {
  ReferenceBackend backend({.num_threads = 2, .memory_limit_bytes = 0});
  LlamaShape shape = kModel;
  shape.hidden_dim = 64;
  shape.ffn_dim = 256;
  const Rates rates = Calibrate(backend, shape, DType::kQ8_0);
  for (const double rate : {rates.prefill_matmul, rates.decode_matmul, rates.prefill_attention,
                            rates.decode_attention, rates.block_mass}) {
    CHECK(rate > 1e5);
    CHECK(rate < 1e15);
  }
}

}  // namespace
}  // namespace sw
