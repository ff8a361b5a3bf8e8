// Properties of the walk that the algorithm page promises, on whole policies.
#include <algorithm>
#include <cmath>

#include "core/attention/policy_factory.h"
#include "core/attention/policy_rig.h"
#include "core/testing/catch.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

using testing::LayerData;
using testing::PolicyRun;

constexpr HeadShape kHeads{4, 2, 8};

SketchWalkConfig SmallWalk() {
  SketchWalkConfig c;
  c.sparse.block_size = 8;
  c.sparse.top_blocks = 5;
  c.sparse.skip_layers = 1;
  c.sketch_dim = 8;
  return c;
}

std::vector<HostSelection> PrefillLists(const PolicyConfig& config, const LayerData& data,
                                        int prompt, Backend& backend) {
  const auto policy = MakePolicy(config, data.heads, data.num_layers, backend);
  PolicyRun run(*policy, data, backend);
  run.trace().keep_lists = true;
  run.Prefill(prompt);
  return run.trace().prefill_lists;
}

// Mean position in [0, 1] of the blocks of the last rows that were chosen, not forced.
double MeanChosenPosition(const HostSelection& lists) {
  double sum = 0;
  int count = 0;
  for (size_t i = lists.rows.size() / 2; i < lists.rows.size(); ++i) {
    for (const int32_t j : lists.rows[i]) {
      if (j == 0 || j == static_cast<int32_t>(i)) continue;
      sum += static_cast<double>(j) / static_cast<double>(i);
      ++count;
    }
  }
  return sum / count;
}

}  // namespace

TEST_CASE("causal normaliser: whole blocks of a prefill do not see what follows them") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, 5, 160, 41);
  SketchWalkConfig config = SmallWalk();
  config.normaliser = Normaliser::kCausal;
  const auto whole = PrefillLists(config, data, 160, backend);
  for (const int prompt : {64, 93, 101}) {
    const auto part = PrefillLists(config, data, prompt, backend);
    for (size_t layer = 1; layer < 5; ++layer) {
      for (size_t i = 0; i < static_cast<size_t>(prompt / 8); ++i) {
        INFO(prompt << " tokens, layer " << layer << ", row " << i);
        CHECK(part[layer].rows[i] == whole[layer].rows[i]);
      }
    }
  }
  // With the softmax over all columns later blocks do matter from the second hop on.
  config.normaliser = Normaliser::kAll;
  const auto all_whole = PrefillLists(config, data, 160, backend);
  const auto all_part = PrefillLists(config, data, 93, backend);
  int different = 0;
  for (size_t i = 0; i < 11; ++i) {
    different += all_part[4].rows[i] != all_whole[4].rows[i];
  }
  CHECK(different > 0);
}

TEST_CASE(
    "causal normaliser: the walk drains into the first blocks, over all columns it does not") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, 6, 8 * 60, 42, 1.0f);
  SketchWalkConfig config = SmallWalk();
  const auto all = PrefillLists(config, data, 8 * 60, backend);
  config.normaliser = Normaliser::kCausal;
  const auto causal = PrefillLists(config, data, 8 * 60, backend);
  // One hop ranks by A alone, whatever the normaliser.
  CHECK(causal[1].rows == all[1].rows);
  CHECK(MeanChosenPosition(causal[1]) > 0.35);
  CHECK(MeanChosenPosition(causal[3]) < 0.2);
  CHECK(MeanChosenPosition(all[3]) > 0.3);
}

TEST_CASE("rows of very wide scores restart, are counted, and stay finite and valid") {
  ReferenceBackend backend({.num_threads = 2});
  LayerData data = testing::RandomLayers(kHeads, 4, 120, 43, 1.0f);
  // The last prompt block's keys point along every query: its column is far ahead of all others.
  for (float& number : data.q) number = std::abs(number);
  for (int layer = 0; layer < 4; ++layer) {
    for (int t = 104; t < 112; ++t) {
      for (int i = 0; i < data.kv_width(); ++i) {
        data.k[data.KvAt(layer, t) + static_cast<size_t>(i)] = 60.0f;
      }
    }
  }
  const auto policy = MakePolicy(SmallWalk(), kHeads, 4, backend);
  PolicyRun run(*policy, data, backend);
  run.trace().keep_lists = true;
  const testing::LayerOutputs outputs = run.Prefill(112);
  const int64_t after_prefill = run.trace().walk_restarts;
  CHECK(after_prefill >= 3 * 12);  // most of 14 rows in each of 3 layers
  for (const std::vector<float>& layer : outputs) {
    CHECK(std::all_of(layer.begin(), layer.end(), [](float x) { return std::isfinite(x); }));
  }
  // Restarted rows are this layer's own rows of W: one_hop's choice.
  OneHopConfig hop;
  hop.sparse = SmallWalk().sparse;
  hop.sketch_dim = 8;
  const auto hop_lists = PrefillLists(hop, data, 112, backend);
  for (size_t layer = 1; layer < 4; ++layer) {
    CHECK(run.trace().prefill_lists[layer].rows[12] == hop_lists[layer].rows[12]);
  }
  for (int step = 0; step < 8; ++step) {
    for (const std::vector<float>& layer : run.Decode()) {
      CHECK(std::all_of(layer.begin(), layer.end(), [](float x) { return std::isfinite(x); }));
    }
  }
  CHECK(run.trace().walk_restarts >= after_prefill);

  const LayerData calm = testing::RandomLayers(kHeads, 4, 120, 44, 1.0f);
  PolicyRun calm_run(*policy, calm, backend);
  calm_run.Prefill(112);
  CHECK(calm_run.trace().walk_restarts == 0);
}

}  // namespace sw
