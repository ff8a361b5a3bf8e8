// What every sparse policy must hold, whatever its selector.
#include "core/attention/sparse.h"

#include <algorithm>
#include <set>

#include "core/attention/policy_factory.h"
#include "core/attention/policy_rig.h"
#include "core/base/check.h"
#include "core/testing/catch.h"
#include "reference/compare.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

using testing::LayerData;
using testing::LayerOutputs;
using testing::PolicyRun;

SparseConfig& SparseOf(PolicyConfig& config) {
  SparseConfig* sparse = nullptr;
  std::visit(
      [&](auto& c) {
        if constexpr (requires { c.sparse; }) sparse = &c.sparse;
      },
      config);
  SW_CHECK(sparse != nullptr);
  return *sparse;
}

// Every policy with a sparse part, small enough for tests.
std::vector<PolicyConfig> SmallPolicies(int sketch_dim) {
  std::vector<PolicyConfig> configs;
  for (const std::string_view name : PolicyNames()) {
    PolicyConfig config = *PolicyFromName(name);
    if (SparsePartOf(config) == nullptr) continue;
    if (auto* walk = std::get_if<SketchWalkConfig>(&config)) walk->sketch_dim = sketch_dim;
    if (auto* hop = std::get_if<OneHopConfig>(&config)) hop->sketch_dim = sketch_dim;
    SparseConfig& sparse = SparseOf(config);
    sparse.block_size = 8;
    sparse.top_blocks = 4;
    sparse.skip_layers = 1;
    configs.push_back(config);
  }
  OracleConfig per_head;
  per_head.sparse = *SparsePartOf(configs.front());
  per_head.share = Share::kHead;
  per_head.aggregate = Aggregate::kMax;
  configs.push_back(per_head);
  SketchWalkConfig from_0 = std::get<SketchWalkConfig>(configs.front());
  from_0.walk_from = WalkFrom::kLayer0;
  configs.push_back(from_0);
  return configs;
}

struct Outcome {
  LayerOutputs prefill;
  std::vector<LayerOutputs> decode;
  AttentionTrace trace;
};

Outcome Run(const PolicyConfig& config, const LayerData& data, int prompt, Backend& backend,
            uint64_t sample_key = 0) {
  const auto policy = MakePolicy(config, data.heads, data.num_layers, backend);
  PolicyRun run(*policy, data, backend, 0, sample_key);
  run.trace().keep_lists = true;
  Outcome outcome{.prefill = run.Prefill(prompt), .decode = {}, .trace = {}};
  while (run.len() < data.num_tokens) outcome.decode.push_back(run.Decode());
  outcome.trace = run.trace();
  return outcome;
}

bool Near(const LayerOutputs& a, const LayerOutputs& b) {
  if (a.size() != b.size()) return false;
  for (size_t layer = 0; layer < a.size(); ++layer) {
    const Comparison compared = CompareRange(a[layer], b[layer], {1e-5, 1e-5});
    if (!compared.ok()) return false;
  }
  return true;
}

constexpr HeadShape kHeads{4, 2, 8};

}  // namespace

TEST_CASE("every policy's lists are causal, distinct, ascending, forced and of the right length") {
  ReferenceBackend backend({.num_threads = 2});
  for (const PolicyConfig& small : SmallPolicies(8)) {
    for (const int prompt : {1, 7, 8, 9, 61}) {
      PolicyConfig config = small;
      SparseConfig& sparse = SparseOf(config);
      sparse.sink_blocks = 2;
      sparse.local_blocks = 2;
      sparse.dense_tail_blocks = 1;
      sparse.top_blocks = 5;
      INFO(PolicyName(config) << ", " << prompt << " tokens");
      const LayerData data = testing::RandomLayers(kHeads, 3, prompt + 18, 2);
      const auto policy = MakePolicy(config, data.heads, data.num_layers, backend);
      PolicyRun run(*policy, data, backend);
      run.trace().keep_lists = true;
      run.Prefill(prompt);
      const int blocks = (prompt + 7) / 8;
      for (size_t layer = 1; layer < 3; ++layer) {
        const HostSelection& lists = run.trace().prefill_lists[layer];
        CHECK_NOTHROW(lists.CheckInvariants());
        REQUIRE(lists.num_q_blocks == blocks);
        for (size_t row = 0; row < lists.rows.size(); ++row) {
          const int i = static_cast<int>(row) % blocks;
          const std::set<int32_t> kept(lists.rows[row].begin(), lists.rows[row].end());
          CHECK(static_cast<int>(kept.size()) == (i == blocks - 1 ? i + 1 : std::min(5, i + 1)));
          for (const int forced : {0, std::min(1, i), std::max(0, i - 1), i}) {
            CHECK(kept.count(forced) == 1);
          }
        }
      }
      while (run.len() < data.num_tokens) {
        run.Decode();
        const int c = (run.len() - 1) / 8;
        for (size_t layer = 1; layer < 3; ++layer) {
          const HostSelection& lists = run.trace().last_decode_lists[layer];
          CHECK_NOTHROW(lists.CheckInvariants());
          REQUIRE(lists.q_block_begin == c);
          for (const std::vector<int32_t>& row : lists.rows) {
            const std::set<int32_t> kept(row.begin(), row.end());
            CHECK(static_cast<int>(kept.size()) == std::min(5, c + 1));  // no tail in decode
            for (const int forced : {0, std::min(1, c), std::max(0, c - 1), c}) {
              CHECK(kept.count(forced) == 1);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("keeping every block, by count or by density, is dense attention to the bit") {
  ReferenceBackend backend({.num_threads = 2});
  const int prompt = GENERATE(1, 7, 8, 9, 45);
  const LayerData data = testing::RandomLayers(kHeads, 3, prompt + 11, 3);
  const Outcome dense = Run(DenseConfig{}, data, prompt, backend);
  for (PolicyConfig config : SmallPolicies(8)) {
    for (const bool by_density : {false, true}) {
      INFO(PolicyName(config) << (by_density ? " by density" : " by count"));
      SparseConfig& sparse = SparseOf(config);
      sparse.top_blocks.reset();
      sparse.density.reset();
      if (by_density) {
        sparse.density = 1.0;
      } else {
        sparse.top_blocks = 7;
      }
      const Outcome outcome = Run(config, data, prompt, backend);
      CHECK(outcome.prefill == dense.prefill);
      CHECK(outcome.decode == dense.decode);
      for (size_t layer = 0; layer < 3; ++layer) {
        const LayerTrace& trace = outcome.trace.layers[layer];
        CHECK(trace.prefill_sparse == (layer >= 1));
        CHECK(trace.decode_sparse == (layer >= 1));
        CHECK(trace.prefill.kept == trace.prefill.causal);
        CHECK(trace.decode.kept == trace.decode.causal);
      }
    }
  }
}

TEST_CASE("a list of every block, attended block by block, is dense attention within rounding") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, 2, 45, 4);
  const Outcome dense = Run(DenseConfig{}, data, 45, backend);
  // One short list keeps the policy from replacing the block path by the dense one: all rows but
  // the last two keep everything.
  LocalSinkConfig config{
      .sparse = {.block_size = 8, .top_blocks = 4, .density = {}, .skip_layers = 0}};
  const Outcome outcome = Run(config, data, 45, backend);
  REQUIRE(outcome.trace.prefill_lists[0].rows.back().size() == 4);
  const auto full_rows = static_cast<size_t>(4 * 8) * static_cast<size_t>(data.q_width());
  for (size_t layer = 0; layer < 2; ++layer) {
    const std::vector<float> got(outcome.prefill[layer].begin(),
                                 outcome.prefill[layer].begin() + static_cast<int64_t>(full_rows));
    const std::vector<float> want(dense.prefill[layer].begin(),
                                  dense.prefill[layer].begin() + static_cast<int64_t>(full_rows));
    CHECK(CompareRange(got, want, {1e-5, 1e-5}).ok());
    CHECK(outcome.prefill[layer] != dense.prefill[layer]);  // the short rows do differ
  }
}

TEST_CASE("skip layers and dense phases are dense attention to the bit") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, 3, 80, 5);
  const int prompt = 69;
  const Outcome dense = Run(DenseConfig{}, data, prompt, backend);
  for (PolicyConfig config : SmallPolicies(8)) {
    INFO(PolicyName(config));
    const Outcome both = Run(config, data, prompt, backend);
    CHECK(both.prefill[0] == dense.prefill[0]);
    CHECK_FALSE(Near({both.prefill[1]}, {dense.prefill[1]}));
    SparseConfig& sparse = SparseOf(config);
    sparse.decode = PhaseMode::kDense;
    const Outcome sparse_dense = Run(config, data, prompt, backend);
    CHECK(sparse_dense.prefill == both.prefill);
    CHECK(sparse_dense.decode == dense.decode);
    sparse.prefill = PhaseMode::kDense;
    const Outcome dense_dense = Run(config, data, prompt, backend);
    CHECK(dense_dense.prefill == dense.prefill);
    CHECK(dense_dense.decode == dense.decode);
    sparse.decode = PhaseMode::kSparse;
    const Outcome dense_sparse = Run(config, data, prompt, backend);
    CHECK(dense_sparse.prefill == dense.prefill);
    // The caches that a dense prefill leaves are those that a sparse one leaves.
    CHECK(dense_sparse.decode == both.decode);
    for (size_t layer = 0; layer < 3; ++layer) {
      CHECK_FALSE(dense_sparse.trace.layers[layer].prefill_sparse);
      CHECK(dense_sparse.trace.layers[layer].decode_sparse == (layer >= 1));
      CHECK(sparse_dense.trace.layers[layer].prefill_sparse == (layer >= 1));
      CHECK_FALSE(sparse_dense.trace.layers[layer].decode_sparse);
    }
    sparse.skip_layers = 3;
    const Outcome all_skipped = Run(config, data, prompt, backend);
    CHECK(all_skipped.prefill == dense.prefill);
    CHECK(all_skipped.decode == dense.decode);
  }
}

TEST_CASE("the dense tail attends to everything in a prefill and to nothing more in decode") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, 2, 80, 6);
  const int prompt = 69;
  const Outcome dense = Run(DenseConfig{}, data, prompt, backend);
  for (PolicyConfig config : SmallPolicies(8)) {
    INFO(PolicyName(config));
    const Outcome plain = Run(config, data, prompt, backend);
    SparseOf(config).dense_tail_blocks = 2;
    const Outcome tail = Run(config, data, prompt, backend);
    const auto tail_begin = static_cast<int64_t>(7 * 8 * data.q_width());
    const auto rows = [&](const LayerOutputs& outputs, bool of_tail) {
      const std::vector<float>& all = outputs[1];
      return of_tail ? std::vector<float>(all.begin() + tail_begin, all.end())
                     : std::vector<float>(all.begin(), all.begin() + tail_begin);
    };
    CHECK(CompareRange(rows(tail.prefill, true), rows(dense.prefill, true), {1e-5, 1e-5}).ok());
    CHECK_FALSE(
        CompareRange(rows(plain.prefill, true), rows(dense.prefill, true), {1e-5, 1e-5}).ok());
    CHECK(rows(tail.prefill, false) == rows(plain.prefill, false));
    CHECK(tail.decode == plain.decode);
  }
}

TEST_CASE("sequences of one policy do not influence each other, in any order or interleaved") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData first = testing::RandomLayers(kHeads, 3, 60, 7);
  const LayerData second = testing::RandomLayers(kHeads, 3, 75, 8);
  for (const PolicyConfig& config : SmallPolicies(8)) {
    INFO(PolicyName(config));
    const Outcome want_first = Run(config, first, 50, backend, 1);
    const Outcome want_second = Run(config, second, 65, backend, 2);
    const auto policy = MakePolicy(config, kHeads, 3, backend);
    PolicyRun b(*policy, second, backend, 0, 2);
    PolicyRun a(*policy, first, backend, 0, 1);
    CHECK(b.Prefill(65) == want_second.prefill);
    CHECK(a.Prefill(50) == want_first.prefill);
    for (size_t step = 0; step < want_first.decode.size(); ++step) {
      CHECK(a.Decode() == want_first.decode[step]);
      CHECK(b.Decode() == want_second.decode[step]);
    }
    CHECK(a.trace().walk_restarts == want_first.trace.walk_restarts);
  }
}

TEST_CASE("layers within one pass of interleaved sequences keep to their own walk") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData first = testing::RandomLayers(kHeads, 4, 70, 9);
  const LayerData second = testing::RandomLayers(kHeads, 4, 62, 10);
  const PolicyConfig config = SmallPolicies(8).front();
  const Outcome want = Run(config, first, 66, backend);
  const auto policy = MakePolicy(config, kHeads, 4, backend);
  PolicyRun a(*policy, first, backend);
  PolicyRun b(*policy, second, backend);
  for (int layer = 0; layer < 4; ++layer) {
    CHECK(a.PrefillLayer(layer, 66) == want.prefill[static_cast<size_t>(layer)]);
    b.PrefillLayer(layer, 57);
  }
  for (int layer = 0; layer < 4; ++layer) {
    CHECK(a.DecodeLayer(layer, 66) == want.decode[0][static_cast<size_t>(layer)]);
    b.DecodeLayer(layer, 57);
  }
}

TEST_CASE("more room than the sequence needs changes nothing") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, 3, 60, 12);
  for (const PolicyConfig& config : SmallPolicies(8)) {
    INFO(PolicyName(config));
    const Outcome want = Run(config, data, 41, backend);
    const auto policy = MakePolicy(config, kHeads, 3, backend);
    PolicyRun run(*policy, data, backend, 333);
    CHECK(run.Prefill(41) == want.prefill);
    for (const LayerOutputs& step : want.decode) CHECK(run.Decode() == step);
  }
}

TEST_CASE("prefill-only memory is given back after the last layer, all of it with the sequence") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, 3, 203, 13);
  for (const PolicyConfig& config : SmallPolicies(8)) {
    INFO(PolicyName(config));
    const auto usage = [&](const char* part) { return backend.memory().Usage()[part]; };
    const auto policy = MakePolicy(config, kHeads, 3, backend);
    const int64_t policy_bytes = usage("selection").current_bytes;
    {
      PolicyRun run(*policy, data, backend);
      const int64_t fresh_selection = usage("selection").current_bytes;
      const int64_t fresh_workspace = usage("workspace").current_bytes;
      run.PrefillLayer(0, 197);
      run.PrefillLayer(1, 197);
      CHECK(usage("selection").current_bytes > fresh_selection);  // lists, and R where it walks
      const int64_t at_second_layer = usage("workspace").current_bytes;
      CHECK(at_second_layer > fresh_workspace);  // scratch waits for the next layer
      run.PrefillLayer(2, 197);
      CHECK(usage("selection").current_bytes == fresh_selection);
      CHECK(usage("workspace").current_bytes == fresh_workspace);
      run.DecodeLayer(0, 197);
      run.DecodeLayer(1, 197);
      run.DecodeLayer(2, 197);
      const int64_t after_step = usage("workspace").current_bytes;
      for (int layer = 0; layer < 3; ++layer) run.DecodeLayer(layer, 198);
      CHECK(usage("workspace").current_bytes == after_step);
      CHECK(usage("selection").current_bytes == fresh_selection);
    }
    CHECK(usage("selection").current_bytes == policy_bytes);
    CHECK(usage("workspace").current_bytes == 0);
    CHECK(usage("kv_cache").current_bytes == 0);
  }
}

TEST_CASE("a dense decode phase keeps no decode caches") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, 3, 203, 13);
  PolicyConfig config = SmallPolicies(8).front();
  const auto both = MakePolicy(config, kHeads, 3, backend);
  SparseOf(config).decode = PhaseMode::kDense;
  const auto prefill_only = MakePolicy(config, kHeads, 3, backend);
  const auto bytes_of = [&](const AttentionPolicy& policy) {
    const int64_t before = backend.memory().Usage()["selection"].current_bytes;
    const PolicyRun run(policy, data, backend);
    return backend.memory().Usage()["selection"].current_bytes - before;
  };
  CHECK(bytes_of(*both) > 2 * 26 * 26 * 4);  // E of two layers at least
  CHECK(bytes_of(*prefill_only) < 100);
}

TEST_CASE("stages are booked to their layer, attention time is all of them") {
  ReferenceBackend backend({.num_threads = 1});
  backend.clock().Enable(true);
  const LayerData data = testing::RandomLayers(kHeads, 2, 70, 14);
  const auto booked = [&](const PolicyConfig& config) {
    Run(config, data, 66, backend);
    return backend.clock().Drain();
  };
  const auto has = [](const StageSeconds& layer, Stage stage) {
    return layer.seconds[static_cast<size_t>(stage)] > 0.0;
  };
  const std::vector<PolicyConfig> policies = SmallPolicies(8);
  for (const PolicyConfig& config : policies) {
    INFO(PolicyName(config));
    const std::vector<StageSeconds> layers = booked(config);
    REQUIRE(layers.size() == 2);
    const bool walks = std::holds_alternative<SketchWalkConfig>(config);
    const bool sketches = walks || std::holds_alternative<OneHopConfig>(config);
    CHECK(has(layers[0], Stage::kAttend));
    CHECK_FALSE(has(layers[0], Stage::kPick));
    CHECK(has(layers[1], Stage::kAttend));
    CHECK(has(layers[1], Stage::kPick));
    CHECK(has(layers[1], Stage::kSummarise) == sketches);
    CHECK(has(layers[1], Stage::kScore) == sketches);
    CHECK(has(layers[1], Stage::kWalk) == walks);
    CHECK(has(layers[1], Stage::kMass) == std::holds_alternative<OracleConfig>(config));
  }
}

}  // namespace sw
