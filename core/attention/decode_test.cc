// Decode beside prefill: what one step must share with a prompt that is one token longer.
#include <algorithm>

#include "core/attention/policy_factory.h"
#include "core/attention/policy_rig.h"
#include "core/attention/select/sketch_scores.h"
#include "core/testing/catch.h"
#include "reference/compare.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

using testing::LayerData;
using testing::PolicyRun;

constexpr int kBlock = 8;

SketchWalkConfig MeanWalk() {
  SketchWalkConfig config;
  config.sparse = {.block_size = kBlock, .top_blocks = 4, .density = {}, .skip_layers = 1};
  config.sketch_dim = 8;
  config.finished_row = FinishedRowMode::kMean;
  return config;
}

// All queries of the block that holds `token`, up to it, become the query of `token`: then the mean
// of the block is the query row that decode uses.
void RepeatQuery(LayerData& data, int token) {
  const int width = data.q_width();
  for (int layer = 0; layer < data.num_layers; ++layer) {
    const auto from = data.q.begin() + static_cast<int64_t>(data.QAt(layer, token));
    for (int t = token / kBlock * kBlock; t < token; ++t) {
      std::copy_n(from, width, data.q.begin() + static_cast<int64_t>(data.QAt(layer, t)));
    }
  }
}

SequenceShape ShapeOf(const LayerData& data) {
  return {.heads = data.heads, .num_layers = data.num_layers, .capacity_tokens = data.num_tokens};
}

}  // namespace

TEST_CASE("decode after prefill(n) selects what prefill(n + 1) selects with the same query row") {
  ReferenceBackend backend({.num_threads = 2});
  const HeadShape heads{6, 2, 8};
  const int prompt = GENERATE(8, 63, 64, 65, 70, 79);
  const Normaliser normaliser = GENERATE(Normaliser::kAll, Normaliser::kCausal);
  SketchWalkConfig config = MeanWalk();
  config.normaliser = normaliser;
  LayerData data = testing::RandomLayers(heads, 5, prompt + 1, 21);
  RepeatQuery(data, prompt);
  OneHopConfig hop;
  hop.sparse = config.sparse;
  hop.sketch_dim = config.sketch_dim;
  hop.finished_row = config.finished_row;
  hop.normaliser = normaliser;
  for (const PolicyConfig& arm : {PolicyConfig(config), PolicyConfig(hop)}) {
    INFO(PolicyName(arm) << ", " << prompt << " tokens");
    const auto policy = MakePolicy(arm, heads, 5, backend);
    PolicyRun stepped(*policy, data, backend);
    PolicyRun whole(*policy, data, backend);
    stepped.trace().keep_lists = whole.trace().keep_lists = true;
    stepped.Prefill(prompt);
    const testing::LayerOutputs step = stepped.Decode();
    const testing::LayerOutputs prefill = whole.Prefill(prompt + 1);
    for (size_t layer = 0; layer < 5; ++layer) {
      if (layer >= 1) {
        CHECK(stepped.trace().last_decode_lists[layer].rows[0] ==
              whole.trace().prefill_lists[layer].rows.back());
      }
      const std::vector<float> last(prefill[layer].end() - data.q_width(), prefill[layer].end());
      CHECK(CompareRange(step[layer], last, {1e-5, 1e-5}).ok());
    }
  }
}

TEST_CASE("many steps with finished_row mean still select as one prefill does, over block edges") {
  ReferenceBackend backend({.num_threads = 2});
  const HeadShape heads{4, 1, 8};
  for (const int prompt : {1, 5, 8, 43}) {
    const int total = 73;  // a block of one token: its query row is that token's in both
    const LayerData data = testing::RandomLayers(heads, 4, total, 22);
    const auto policy = MakePolicy(MeanWalk(), heads, 4, backend);
    PolicyRun stepped(*policy, data, backend);
    PolicyRun whole(*policy, data, backend);
    stepped.trace().keep_lists = whole.trace().keep_lists = true;
    stepped.Prefill(prompt);
    while (stepped.len() < total) stepped.Decode();
    whole.Prefill(total);
    for (size_t layer = 1; layer < 4; ++layer) {
      INFO("prompt of " << prompt << ", layer " << layer);
      CHECK(stepped.trace().last_decode_lists[layer].rows[0] ==
            whole.trace().prefill_lists[layer].rows.back());
    }
  }
}

TEST_CASE("finished_row last and mean are different rows after a decoded block") {
  ReferenceBackend backend({.num_threads = 2});
  const HeadShape heads{4, 1, 8};
  const LayerData data = testing::RandomLayers(heads, 4, 90, 23);
  SketchWalkConfig config = MeanWalk();
  const auto mean = MakePolicy(config, heads, 4, backend);
  config.finished_row = FinishedRowMode::kLast;
  const auto last = MakePolicy(config, heads, 4, backend);
  PolicyRun mean_run(*mean, data, backend);
  PolicyRun last_run(*last, data, backend);
  mean_run.trace().keep_lists = last_run.trace().keep_lists = true;
  mean_run.Prefill(40);
  last_run.Prefill(40);
  int different = 0;
  while (mean_run.len() < 90) {
    mean_run.Decode();
    last_run.Decode();
    for (size_t layer = 2; layer < 4; ++layer) {
      const bool same = mean_run.trace().last_decode_lists[layer].rows ==
                        last_run.trace().last_decode_lists[layer].rows;
      if (mean_run.len() <= 48) CHECK(same);  // no block has finished yet
      different += !same;
    }
  }
  CHECK(different > 0);
}

TEST_CASE("decoded and prefilled tokens leave the same block means and counts") {
  ReferenceBackend backend({.num_threads = 2});
  const HeadShape heads{6, 2, 12};
  const SketchWalkConfig config = MeanWalk();
  const SketchScores scores(SketchSettingsOf(config), heads, backend, std::nullopt);
  const int total = GENERATE(24, 25, 31, 40);
  const LayerData data = testing::RandomLayers(heads, 1, total, 24);
  KvCache cache({.num_layers = 1, .num_kv_heads = 2, .head_dim = 12, .capacity_tokens = total},
                backend.memory());
  const KvView all = cache.View(0, total);
  for (int t = 0; t < total; ++t) {
    for (int head = 0; head < 2; ++head) {
      const float* from = data.k.data() + data.KvAt(0, t) + head * 12;
      std::copy_n(from, 12, static_cast<float*>(all.k) + all.HeadOffset(head) + t * 12);
      std::copy_n(from, 12, static_cast<float*>(all.v) + all.HeadOffset(head) + t * 12);
    }
  }
  const auto inputs = [&](int begin, int end) {
    return LayerInputs{.layer = 0,
                       .q = {.data = data.q.data() + data.QAt(0, begin),
                             .num_tokens = end - begin,
                             .num_heads = 6,
                             .head_dim = 12,
                             .first_pos = begin,
                             .stride = data.q_width()},
                       .kv = cache.View(0, end)};
  };
  for (const int prompt : {1, 7, 8, 9, 23}) {
    INFO(prompt << " of " << total << " tokens prefilled");
    const auto stepped = scores.NewState(ShapeOf(data), 0);
    const auto whole = scores.NewState(ShapeOf(data), 0);
    scores.Summarise(inputs(0, prompt), stepped->scratch);
    scores.SeedCache(inputs(0, prompt), *stepped);
    for (int t = prompt; t < total; ++t) {
      scores.DecodeRow(inputs(t, t + 1), /*first=*/true, Stage::kWalk, *stepped);
    }
    scores.Summarise(inputs(0, total), whole->scratch);
    scores.SeedCache(inputs(0, total), *whole);
    const LayerSketchCache& got = stepped->layers[0];
    const LayerSketchCache& want = whole->layers[0];
    CHECK(got.key_count.ToHost() == want.key_count.ToHost());
    CHECK(got.key_count.ToHost()[0] == 8);
    CHECK(got.key_count.ToHost().back() == (total % 8 == 0 ? 8 : total % 8));
    CHECK(CompareRange(got.key_sketch.ToHost(), want.key_sketch.ToHost(), {1e-5, 1e-5}).ok());
  }
}

}  // namespace sw
