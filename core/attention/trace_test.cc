// The numbers of a trace, against counting one (query, key) pair at a time.
#include "core/attention/trace.h"

#include <algorithm>

#include "core/attention/policy_factory.h"
#include "core/attention/policy_rig.h"
#include "core/base/check.h"
#include "core/testing/catch.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

using testing::LayerData;
using testing::PolicyRun;

constexpr HeadShape kHeads{4, 2, 8};
constexpr int kBlock = 8;

bool Holds(const std::vector<int32_t>& list, int block) {
  return std::find(list.begin(), list.end(), block) != list.end();
}

// Pairs (query, key <= query) whose key block stands in the query block's list, mean over groups.
double CountPairs(const HostSelection& lists, int first_query, int end) {
  double pairs = 0;
  for (int group = 0; group < lists.num_groups; ++group) {
    for (int q = first_query; q < end; ++q) {
      const int row = group * lists.num_q_blocks + q / kBlock - lists.q_block_begin;
      for (int k = 0; k <= q; ++k) {
        pairs += Holds(lists.rows[static_cast<size_t>(row)], k / kBlock);
      }
    }
  }
  return pairs / lists.num_groups;
}

double CountHits(const HostSelection& lists, const std::vector<int>& blocks) {
  double hits = 0;
  for (int group = 0; group < lists.num_groups; ++group) {
    const int last = (group + 1) * lists.num_q_blocks - 1;
    for (const int block : blocks) hits += Holds(lists.rows[static_cast<size_t>(last)], block);
  }
  return hits / static_cast<double>(blocks.size()) / lists.num_groups;
}

std::vector<PolicyConfig> Arms() {
  const SparseConfig sparse{.block_size = kBlock, .top_blocks = 4, .density = {}, .skip_layers = 1};
  SketchWalkConfig walk;
  walk.sparse = sparse;
  walk.sketch_dim = 8;
  OracleConfig per_kv_head;
  per_kv_head.sparse = sparse;
  per_kv_head.share = Share::kKvGroup;
  return {walk, per_kv_head, RandomConfig{.sparse = sparse}};
}

}  // namespace

TEST_CASE("pairs and hit rates of a run are those of its lists") {
  ReferenceBackend backend({.num_threads = 2});
  const int prompt = GENERATE(3, 72, 77);
  const LayerData data = testing::RandomLayers(kHeads, 3, prompt + 20, 6);
  for (const PolicyConfig& config : Arms()) {
    INFO(PolicyName(config) << ", " << prompt << " tokens");
    const auto policy = MakePolicy(config, kHeads, 3, backend);
    PolicyRun run(*policy, data, backend);
    run.trace().keep_lists = true;
    // Two needles over three blocks, one of them shared; short prompts: the only block.
    const std::vector<int> needle_blocks =
        prompt > 50 ? std::vector<int>{2, 3, 5} : std::vector<int>{0};
    run.trace().watched = prompt > 50 ? std::vector<WatchedTokens>{{22, 25}, {26, 27}, {40, 48}}
                                      : std::vector<WatchedTokens>{{1, 3}};
    run.Prefill(prompt);
    const double causal = prompt * (prompt + 1) / 2.0;
    const AttentionTrace& trace = run.trace();
    CHECK(trace.layers[0].prefill.kept == causal);
    CHECK(trace.layers[0].prefill_hit_rate == -1.0);
    CHECK(trace.prefill_lists[0].rows.empty());
    for (size_t layer = 1; layer < 3; ++layer) {
      CHECK(trace.layers[layer].prefill.causal == causal);
      CHECK(trace.layers[layer].prefill.kept == CountPairs(trace.prefill_lists[layer], 0, prompt));
      CHECK(std::abs(trace.layers[layer].prefill_hit_rate -
                     CountHits(trace.prefill_lists[layer], needle_blocks)) <= 1e-12);
      CHECK(trace.layers[layer].decode.causal == 0);
      CHECK(trace.layers[layer].decode_hit_rate.empty());
    }
    std::vector<double> kept(3, 0.0);
    double decode_causal = 0;
    for (size_t step = 0; run.len() < data.num_tokens; ++step) {
      run.Decode();
      decode_causal += run.len();
      for (size_t layer = 0; layer < 3; ++layer) {
        const LayerTrace& entry = trace.layers[layer];
        CHECK(entry.decode.causal == decode_causal);
        if (layer == 0) {
          CHECK(entry.decode.kept == decode_causal);
          CHECK(entry.decode_hit_rate.empty());
          continue;
        }
        const HostSelection& lists = trace.last_decode_lists[layer];
        kept[layer] += CountPairs(lists, run.len() - 1, run.len());
        CHECK(std::abs(entry.decode.kept - kept[layer]) <= 1e-9);
        REQUIRE(entry.decode_hit_rate.size() == step + 1);
        CHECK(std::abs(entry.decode_hit_rate.back() - CountHits(lists, needle_blocks)) <= 1e-6);
      }
    }
  }
}

TEST_CASE("without a watch or keep_lists there are no hit rates and no lists") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, 3, 50, 6);
  const auto policy = MakePolicy(Arms().front(), kHeads, 3, backend);
  PolicyRun run(*policy, data, backend);
  run.Prefill(45);
  run.Decode();
  CHECK(run.trace().prefill_lists.empty());
  CHECK(run.trace().last_decode_lists.empty());
  for (const LayerTrace& layer : run.trace().layers) {
    CHECK(layer.prefill_hit_rate == -1.0);
    CHECK(layer.decode_hit_rate.empty());
  }
  CHECK(run.trace().layers[2].prefill.kept < run.trace().layers[2].prefill.causal);
}

TEST_CASE("the dense policy keeps every pair") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, 2, 12, 6);
  const auto policy = MakePolicy(DenseConfig{}, kHeads, 2, backend);
  PolicyRun run(*policy, data, backend);
  run.trace().watched = {{0, 1}};
  run.Prefill(9);
  run.Decode();
  run.Decode();
  REQUIRE(run.trace().layers.size() == 2);
  for (const LayerTrace& layer : run.trace().layers) {
    CHECK(layer.prefill.kept == 45);
    CHECK(layer.prefill.causal == 45);
    CHECK(layer.decode.kept == 21);
    CHECK(layer.decode.causal == 21);
    CHECK_FALSE(layer.prefill_sparse);
    CHECK_FALSE(layer.decode_sparse);
    CHECK(layer.prefill_hit_rate == -1.0);
    CHECK(layer.decode_hit_rate.empty());
  }
}

TEST_CASE("watched blocks are those that hold a watched token") {
  CHECK(WatchedBlocks({}, 8).empty());
  const std::vector<WatchedTokens> watched = {{15, 17}, {16, 18}, {40, 40}, {7, 8}};
  CHECK(WatchedBlocks(watched, 8) == std::vector<int>{0, 1, 2});
  const std::vector<WatchedTokens> backwards = {{3, 2}};
  CHECK_THROWS_AS(WatchedBlocks(backwards, 8), BugError);
}

TEST_CASE("a hit rate is the mean over groups of the share of blocks in the row") {
  const HostSelection lists{2, 2, 3, {{0, 3}, {1, 4}, {2, 3}, {0, 1, 4}}};
  const std::vector<int> blocks = {0, 1};
  CHECK(HitRate(lists, 0, blocks) == 0.25);
  CHECK(HitRate(lists, 1, blocks) == 0.75);
  CHECK(HitRate(lists, 1, {}) == -1.0);
}

TEST_CASE("lists that break an invariant are not recorded") {
  AttentionTrace trace;
  trace.layers.resize(1);
  HostSelection twice{1, 2, 0, {{0}, {0, 0, 1}}};
  CHECK_THROWS_AS(RecordPrefillLists(0, twice, 16, 8, trace), BugError);
  HostSelection future{1, 1, 1, {{0, 2}}};
  CHECK_THROWS_AS(RecordDecodeLists(0, future, 16, 8, trace), BugError);
  CHECK_FALSE(trace.layers[0].prefill_sparse);
}

}  // namespace sw
