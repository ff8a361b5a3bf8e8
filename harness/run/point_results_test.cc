#include "harness/run/point_results.h"

#include "core/base/check.h"

#include "core/testing/catch.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace sw {
namespace {

using testing::HasText;

GroupOutcome OneSample(int index, double score, double ttft, std::vector<double> steps = {}) {
  GroupOutcome group;
  SampleRecord& sample = group.samples.emplace_back();
  sample.index = index;
  sample.ids_sha256 = std::to_string(index);
  sample.score = score;
  sample.timed = true;
  sample.ttft_s = ttft;
  sample.step_s = steps;
  group.prefill_tokens = {1000};
  group.step_s = steps;
  return group;
}

PointResults Point(PolicyConfig policy, std::string label) {
  return PointResults({"task", 1000, Scoring::kGenerate, {std::move(policy), std::move(label)}});
}

TEST_CASE("the comparison with dense is paired by sample") {
  PointResults dense = Point(DenseConfig{}, "dense");
  PointResults arm = Point(LocalSinkConfig{}, "local_sink");
  dense.Add(OneSample(0, 1, 4.0));
  dense.Add(OneSample(1, 0, 2.0));
  dense.Add(OneSample(2, 1, 8.0));
  dense.Add(OneSample(3, 1, 99.0));  // the other arm never got there
  arm.Add(OneSample(0, 0, 2.0));
  arm.Add(OneSample(1, 1, 2.0));
  arm.Add(OneSample(2, 0, 2.0));
  const RunRecord record = arm.ToRecord(&dense, 1);
  CHECK(std::abs(record.accuracy_minus_dense.value() - 100.0 * (1 - 2) / 3) < 1e-9);
  CHECK(record.only_dense_right == 2);
  CHECK(record.only_this_right == 1);
  CHECK(record.mcnemar_p == 1.0);              // 2 against 1
  CHECK(record.ttft.speedup_vs_dense == 2.0);  // median of 4, 2, 8 over 2
  CHECK(record.n == 3);
  CHECK(std::abs(record.accuracy_percent->value - 100.0 / 3) < 1e-9);
  const RunRecord alone = arm.ToRecord(nullptr, 1);
  CHECK_FALSE(alone.accuracy_minus_dense);
  CHECK_FALSE(alone.ttft.speedup_vs_dense);
  CHECK(alone.ttft.median_s == 2.0);
  CHECK_FALSE(alone.tpot.median_s);
}

TEST_CASE("partial credit is compared by who scored more") {
  PointResults dense = Point(DenseConfig{}, "dense");
  PointResults arm = Point(LocalSinkConfig{}, "local_sink");
  dense.Add(OneSample(0, 0.75, 1));
  dense.Add(OneSample(1, 0.5, 1));
  arm.Add(OneSample(0, 0.5, 1));
  arm.Add(OneSample(1, 0.5, 1));
  const RunRecord record = arm.ToRecord(&dense, 1);
  CHECK(record.interval_method == "bootstrap");
  CHECK(record.only_dense_right == 1);
  CHECK(record.only_this_right == 0);
  CHECK(std::abs(record.accuracy_minus_dense.value() + 12.5) < 1e-9);
}

TEST_CASE("stages are medians, absent ones count as nothing, decode is per step") {
  PointResults point = Point(DenseConfig{}, "dense");
  for (int i = 0; i < 3; ++i) {
    GroupOutcome group = OneSample(i, 1, 1.0, {0.1, 0.1});
    group.samples[0].prefill_stages_s = {{"attend", 1.0 + i}};
    if (i == 2) group.samples[0].prefill_stages_s["walk"] = 6.0;
    group.samples[0].decode_stages_s = {{"attend", 4.0 + 2 * i}};
    point.Add(std::move(group));
  }
  GroupOutcome untimed = OneSample(3, 1, 0.0);
  untimed.samples[0].timed = false;
  point.Add(std::move(untimed));
  const RunRecord record = point.ToRecord(&point, 1);
  CHECK(record.prefill_stages_s.at("attend") == 2.0);
  CHECK(record.prefill_stages_s.at("walk") == 0.0);  // of 0, 0 and 6
  CHECK(record.decode_stages_s.at("attend") == 3.0);
  CHECK(record.timed == 3);
  CHECK(record.n == 4);
  CHECK(record.tpot.samples_s.size() == 6);
}

TEST_CASE("memory peaks are the largest of all samples, part by part") {
  PointResults point = Point(DenseConfig{}, "dense");
  GroupOutcome a = OneSample(0, 1, 1);
  a.memory = {{{"kv_cache", 10}, {"weights", 7}}, 15, 100, "vm_hwm"};
  GroupOutcome b = OneSample(1, 1, 1);
  b.memory = {{{"kv_cache", 8}, {"selection", 3}}, 17, 90, "vm_hwm"};
  point.Add(std::move(a));
  point.Add(std::move(b));
  const RunRecord record = point.ToRecord(nullptr, 1);
  CHECK(record.peak_bytes_by_part ==
        std::map<std::string, int64_t>{{"kv_cache", 10}, {"selection", 3}, {"weights", 7}});
  CHECK(record.peak_bytes == 17);
  CHECK(record.resident_peak_bytes == 100);
  CHECK(record.resident_method == "vm_hwm");
}

TEST_CASE("the last row's list by the rules of the algorithm page") {
  SketchWalkConfig config;
  config.sparse.block_size = 64;
  CHECK_FALSE(LastRowOf(DenseConfig{}, 1000));
  // 4096 tokens: 64 blocks. Neither count nor density: 16.
  CHECK(LastRowOf(config, 4096)->kept == 16);
  CHECK(LastRowOf(config, 4096)->causal == 64);
  CHECK(LastRowOf(config, 4097)->causal == 65);
  CHECK(LastRowOf(config, 300)->kept == 5);  // no more than there are
  config.sparse.top_blocks = 13;
  CHECK(LastRowOf(config, 4096)->kept == 13);
  CHECK(LastRowOf(config, 4096)->forced == 2);  // the sink and the row's own block
  config.sparse.top_blocks.reset();
  config.sparse.density = 0.2;
  CHECK(LastRowOf(config, 4096)->kept == 13);  // ceil(12.8)
  config.sparse.dense_tail_blocks = 4;
  CHECK(LastRowOf(config, 4096)->kept == 64);
  config.sparse.prefill = PhaseMode::kDense;  // a decode row has no dense tail
  CHECK(LastRowOf(config, 4096)->kept == 13);
}

TEST_CASE("tau is the mean, least and most over the samples") {
  SketchWalkConfig config;
  config.sparse.density = 0.5;
  PointResults point = Point(config, "sketch_walk");
  for (const int tokens : {640, 641, 900}) {  // 10, 11 and 15 blocks
    GroupOutcome group = OneSample(tokens, 1, 1);
    group.prefill_tokens = {tokens};
    point.Add(std::move(group));
  }
  const RunRecord record = point.ToRecord(nullptr, 1);
  CHECK(std::abs(record.top_blocks_last_row->value - (5 + 6 + 8) / 3.0) < 1e-12);
  CHECK(record.top_blocks_last_row->low == 5);
  CHECK(record.top_blocks_last_row->high == 8);
  CHECK_FALSE(record.top_blocks_asked);
  CHECK(record.warnings.empty());
}

TEST_CASE("a selector without choice and an arm better than dense are warned about") {
  SketchWalkConfig config;
  config.sparse.top_blocks = 3;
  PointResults dense = Point(DenseConfig{}, "dense");
  PointResults arm = Point(config, "sketch_walk");
  for (int i = 0; i < 6; ++i) {
    dense.Add(OneSample(i, 0, 1));
    arm.Add(OneSample(i, i < 5 ? 1 : 0, 1));
  }
  // Five to nothing: p = 2 / 32, no warning yet.
  RunRecord record = arm.ToRecord(&dense, 1);
  REQUIRE(record.warnings.size() == 1);
  CHECK_THAT(record.warnings[0], HasText("fewer than two free blocks") && HasText("3 of 16"));
  dense.Add(OneSample(6, 0, 1));
  arm.Add(OneSample(6, 1, 1));
  record = arm.ToRecord(&dense, 1);  // 2 / 64
  REQUIRE(record.warnings.size() == 2);
  CHECK_THAT(record.warnings[0], HasText("better than dense") && HasText("BOS"));
  CHECK(dense.ToRecord(&dense, 1).warnings.empty());

  config.sparse.top_blocks = 16;
  PointResults full = Point(config, "sketch_walk");
  full.Add(OneSample(0, 1, 1));
  CHECK_THAT(full.ToRecord(nullptr, 1).warnings.at(0), HasText("keeps all of its 16 blocks"));
}

TEST_CASE("the first of equal logits wins and NaN never does") {
  CHECK(ArgMax(std::vector<float>{1, 3, 3, 2}) == 1);
  CHECK(ArgMax(std::vector<float>{-5}) == 0);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(ArgMax(std::vector<float>{1, kNan, 3}), UserError);
  CHECK_THROWS_AS(ArgMax(std::vector<float>{kNan, 1}), UserError);
}

TEST_CASE("a prompt's fingerprint is over little-endian ids") {
  // printf '\x01\x00\x00\x00\x00\x02\x00\x00' | sha256sum
  CHECK(IdsFingerprint(std::vector<int32_t>{1, 512}) ==
        "99fb3cc3089a84cd7dab716e7c722ec621ec4be866133d6c685b03d9aa660786");
}

}  // namespace
}  // namespace sw
