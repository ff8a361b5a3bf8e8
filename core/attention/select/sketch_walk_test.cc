// sketch_walk and one_hop as policies, against Algorithms 1 and 2 in double precision.
#include "core/attention/select/sketch_walk.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/attention/policy_rig.h"
#include "core/attention/select/one_hop.h"
#include "core/attention/sparse.h"
#include "core/testing/catch.h"
#include "reference/compare.h"
#include "reference/oracle/sketch_walk.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

using testing::LayerData;
using testing::PolicyRun;

struct Case {
  std::string name;
  SketchWalkConfig config;
  HeadShape heads{4, 2, 8};
  int layers = 4;
  int prompt = 93;
  int total = 115;
};

SketchWalkConfig SmallConfig() {
  SketchWalkConfig c;
  c.sparse.block_size = 8;
  c.sparse.top_blocks = 5;
  c.sparse.skip_layers = 1;
  c.sketch_dim = 8;
  return c;
}

Case Make(std::string name, const std::function<void(Case&)>& change) {
  Case made{.name = std::move(name), .config = SmallConfig()};
  change(made);
  return made;
}

std::vector<Case> Cases() {
  return {
      Make("defaults", [](Case&) {}),
      Make("no skip layers", [](Case& c) { c.config.sparse.skip_layers = 0; }),
      Make("causal normaliser", [](Case& c) { c.config.normaliser = Normaliser::kCausal; }),
      Make("mean finished row", [](Case& c) { c.config.finished_row = FinishedRowMode::kMean; }),
      Make("mean and causal",
           [](Case& c) {
             c.config.finished_row = FinishedRowMode::kMean;
             c.config.normaliser = Normaliser::kCausal;
           }),
      Make("walk from layer 0",
           [](Case& c) {
             c.config.walk_from = WalkFrom::kLayer0;
             c.config.sparse.skip_layers = 2;
           }),
      Make("sqrt_d, r < d, d no power of two",
           [](Case& c) {
             c.heads = {4, 2, 12};
             c.config.sketch_dim = 5;
             c.config.score_scale = ScoreScale::kSqrtD;
           }),
      Make("r = 1", [](Case& c) { c.config.sketch_dim = 1; }),
      Make("density",
           [](Case& c) {
             c.config.sparse.top_blocks.reset();
             c.config.sparse.density = 0.3;
           }),
      Make("dense tail", [](Case& c) { c.config.sparse.dense_tail_blocks = 3; }),
      Make("no sinks", [](Case& c) { c.config.sparse.sink_blocks = 0; }),
      Make("more forced than kept",
           [](Case& c) {
             c.config.sparse.sink_blocks = 2;
             c.config.sparse.local_blocks = 3;
             c.config.sparse.top_blocks = 4;
           }),
      Make("exponent 1", [](Case& c) { c.config.sparsity_exponent = 1; }),
      Make("one query head per KV head",
           [](Case& c) {
             c.heads = {3, 3, 8};
           }),
      Make("three",
           [](Case& c) {
             c.heads = {9, 3, 8};
           }),
      Make("eight",
           [](Case& c) {
             c.heads = {8, 1, 8};
           }),
      Make("blocks of one token",
           [](Case& c) {
             c.config.sparse.block_size = 1;
             c.prompt = 17;
             c.total = 24;
           }),
      Make("one token",
           [](Case& c) {
             c.prompt = 1;
             c.total = 27;
             c.config.sparse.top_blocks = 2;
           }),
      Make("a token short of a block",
           [](Case& c) {
             c.prompt = 7;
             c.total = 34;
             c.config.sparse.top_blocks = 3;
           }),
      Make("one block",
           [](Case& c) {
             c.prompt = 8;
             c.total = 34;
             c.config.sparse.top_blocks = 3;
           }),
      Make("a token more than a block",
           [](Case& c) {
             c.prompt = 9;
             c.total = 34;
             c.config.sparse.top_blocks = 3;
           }),
      Make("head_dim 64, many layers",
           [](Case& c) {
             c.heads = {4, 1, 64};
             c.config.sketch_dim = 32;
             c.layers = 12;
             c.prompt = 150;
             c.total = 153;
           }),
      Make("the depth of a model",
           [](Case& c) {
             c.config.sparse.block_size = 2;
             c.config.sparse.top_blocks = 12;
             c.layers = 32;
             c.prompt = 161;
             c.total = 164;
           }),
  };
}

oracle::Config OracleConfigOf(const SketchWalkConfig& c, bool walk) {
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
          .mean_finished_row = c.finished_row == FinishedRowMode::kMean,
          .walk = walk};
}

oracle::Transform OracleTransform(const SketchTransform& t) {
  return {{t.signs.begin(), t.signs.end()}, {t.rows.begin(), t.rows.end()}};
}

oracle::Tokens TokensOf(const std::vector<float>& numbers, size_t begin, int tokens, int heads,
                        int dim) {
  oracle::Tokens made;
  size_t at = begin;
  for (int t = 0; t < tokens; ++t) {
    oracle::Matrix token;
    for (int h = 0; h < heads; ++h) {
      token.emplace_back(numbers.begin() + static_cast<int64_t>(at),
                         numbers.begin() + static_cast<int64_t>(at) + dim);
      at += static_cast<size_t>(dim);
    }
    made.push_back(std::move(token));
  }
  return made;
}

struct OracleInputs {
  oracle::Tokens q, k, v;
};

OracleInputs InputsOf(const LayerData& data, int layer, int begin, int tokens) {
  const HeadShape& s = data.heads;
  return {TokensOf(data.q, data.QAt(layer, begin), tokens, s.num_q_heads, s.head_dim),
          TokensOf(data.k, data.KvAt(layer, begin), tokens, s.num_kv_heads, s.head_dim),
          TokensOf(data.v, data.KvAt(layer, begin), tokens, s.num_kv_heads, s.head_dim)};
}

std::vector<double> Flat(const oracle::Tokens& tokens) {
  std::vector<double> flat;
  for (const auto& token : tokens) {
    for (const auto& head : token) flat.insert(flat.end(), head.begin(), head.end());
  }
  return flat;
}

// Lists agree, or differ only in blocks whose scores float cannot tell apart: almost equal ones, or
// ones that are nothing beside the row's maximum, 1.
bool SameBlocks(const std::vector<int32_t>& got, const oracle::BlockList& want,
                const oracle::Row& scores, int* near_ties) {
  if (std::equal(got.begin(), got.end(), want.begin(), want.end())) return true;
  if (got.size() != want.size()) return false;
  std::vector<int32_t> differing;
  std::set_symmetric_difference(got.begin(), got.end(), want.begin(), want.end(),
                                std::back_inserter(differing));
  double low = INFINITY;
  double high = 0.0;
  for (const int32_t j : differing) {
    low = std::min(low, scores[static_cast<size_t>(j)]);
    high = std::max(high, scores[static_cast<size_t>(j)]);
  }
  ++*near_ties;
  return high - low <= 1e-4 * high || high <= std::numeric_limits<float>::min();
}

struct Tally {
  int rows = 0;
  int near_ties = 0;
};

constexpr Tolerance kTolerance{.absolute = 2e-5, .relative = 2e-5};

void CheckPrefill(const Case& c, const LayerData& data, bool sparse_phase, PolicyRun& run,
                  oracle::SketchWalk& subject, Tally& tally) {
  run.trace().keep_lists = true;
  const testing::LayerOutputs outputs = run.Prefill(c.prompt);
  for (int layer = 0; layer < c.layers; ++layer) {
    INFO("prefill, layer " << layer);
    const OracleInputs in = InputsOf(data, layer, 0, c.prompt);
    const oracle::PrefillResult want = subject.Prefill(layer, in.q, in.k, in.v);
    const auto index = static_cast<size_t>(layer);
    const LayerTrace& trace = run.trace().layers[index];
    const bool sparse = sparse_phase && layer >= c.config.sparse.skip_layers;
    REQUIRE(trace.prefill_sparse == sparse);
    if (!sparse_phase) continue;
    const int ties_before = tally.near_ties;
    if (sparse) {
      const HostSelection& got = run.trace().prefill_lists[index];
      REQUIRE(got.rows.size() == want.blocks.size());
      for (size_t i = 0; i < got.rows.size(); ++i) {
        INFO("row " << i);
        ++tally.rows;
        REQUIRE(SameBlocks(got.rows[i], want.blocks[i], want.walk[i], &tally.near_ties));
      }
    }
    if (tally.near_ties > ties_before) continue;
    const Comparison compared = CompareRange(outputs[index], Flat(want.out), kTolerance);
    INFO(compared.Describe());
    REQUIRE(compared.ok());
  }
}

void CheckDecode(const Case& c, const LayerData& data, PolicyRun& run, oracle::SketchWalk& subject,
                 Tally& tally) {
  for (int t = c.prompt; t < c.total; ++t) {
    const testing::LayerOutputs outputs = run.Decode();
    for (int layer = 0; layer < c.layers; ++layer) {
      INFO("decode of token " << t << ", layer " << layer);
      const OracleInputs in = InputsOf(data, layer, t, 1);
      const oracle::DecodeResult want = subject.Decode(layer, in.q[0], in.k[0], in.v[0]);
      const auto index = static_cast<size_t>(layer);
      const int ties_before = tally.near_ties;
      if (layer >= c.config.sparse.skip_layers) {
        ++tally.rows;
        const HostSelection& got = run.trace().last_decode_lists[index];
        REQUIRE(got.rows.size() == 1);
        REQUIRE(SameBlocks(got.rows[0], want.blocks, want.walk, &tally.near_ties));
      }
      if (tally.near_ties > ties_before) continue;
      const Comparison compared = CompareRange(outputs[index], Flat({want.out}), kTolerance);
      INFO(compared.Describe());
      REQUIRE(compared.ok());
    }
  }
}

OneHopConfig OneHopOf(const SketchWalkConfig& c) {
  return {.sparse = c.sparse,
          .sketch_dim = c.sketch_dim,
          .sparsity_exponent = c.sparsity_exponent,
          .sketch_seed = c.sketch_seed,
          .score_scale = c.score_scale,
          .normaliser = c.normaliser,
          .finished_row = c.finished_row};
}

void CheckAgainstOracle(const Case& c, bool walk, Backend& backend) {
  const LayerData data = testing::RandomLayers(c.heads, c.layers, c.total, 11);
  const SketchTransform transform =
      DrawSketchTransform(c.heads.head_dim, c.config.sketch_dim, c.config.sketch_seed);
  std::unique_ptr<const BlockSelector> selector;
  if (walk) {
    selector = std::make_unique<SketchWalkSelector>(c.config, c.heads, backend);
  } else {
    selector = std::make_unique<OneHopSelector>(OneHopOf(c.config), c.heads, backend);
  }
  const SparsePolicy policy("test", c.config.sparse, std::move(selector), backend);
  PolicyRun run(policy, data, backend);
  oracle::SketchWalk subject(OracleConfigOf(c.config, walk), OracleTransform(transform), c.layers);
  Tally tally;
  CheckPrefill(c, data, c.config.sparse.prefill == PhaseMode::kSparse, run, subject, tally);
  CheckDecode(c, data, run, subject, tally);
  INFO(tally.near_ties << " near ties in " << tally.rows << " rows");
  CHECK(tally.near_ties <= tally.rows / 50);
  CHECK(run.trace().walk_restarts == subject.restarts());
}

}  // namespace

TEST_CASE("sketch_walk is Algorithms 1 and 2") {
  ReferenceBackend backend({.num_threads = 2});
  for (const Case& c : Cases()) {
    SECTION(c.name) { CheckAgainstOracle(c, /*walk=*/true, backend); }
  }
}

TEST_CASE("one_hop is the same without the walk") {
  ReferenceBackend backend({.num_threads = 2});
  for (const Case& c : Cases()) {
    // Without a walk there is nothing to start at layer 0.
    if (c.config.walk_from == WalkFrom::kLayer0) continue;
    SECTION(c.name) { CheckAgainstOracle(c, /*walk=*/false, backend); }
  }
}

TEST_CASE("decode after a dense prefill chooses what decode after a sparse one chooses") {
  ReferenceBackend backend({.num_threads = 2});
  const bool walk = GENERATE(true, false);
  const WalkFrom from = GENERATE(WalkFrom::kFirstSparse, WalkFrom::kLayer0);
  if (!walk && from == WalkFrom::kLayer0) return;
  Case c = Make("dense prefill", [&](Case& made) {
    made.config.sparse.prefill = PhaseMode::kDense;
    made.config.sparse.skip_layers = 2;
    made.config.walk_from = from;
  });
  CheckAgainstOracle(c, walk, backend);
}

TEST_CASE("the walk is carried from layer to layer, not kept per layer") {
  ReferenceBackend backend({.num_threads = 2});
  const HeadShape heads{4, 2, 8};
  const LayerData data = testing::RandomLayers(heads, 5, 160, 5);
  const SketchWalkConfig config = SmallConfig();
  const SparsePolicy walking("walk", config.sparse,
                             std::make_unique<SketchWalkSelector>(config, heads, backend), backend);
  const OneHopConfig hop = OneHopOf(config);
  const SparsePolicy hopping("hop", hop.sparse,
                             std::make_unique<OneHopSelector>(hop, heads, backend), backend);
  PolicyRun walk(walking, data, backend);
  PolicyRun one_hop(hopping, data, backend);
  walk.trace().keep_lists = one_hop.trace().keep_lists = true;
  walk.Prefill(150);
  one_hop.Prefill(150);
  // One layer's W is both at the first sparse layer; after it a state of each layer's own would
  // still be W.
  CHECK(walk.trace().prefill_lists[1].rows == one_hop.trace().prefill_lists[1].rows);
  for (size_t layer = 2; layer < 5; ++layer) {
    CHECK(walk.trace().prefill_lists[layer].rows != one_hop.trace().prefill_lists[layer].rows);
  }
  walk.Decode();
  one_hop.Decode();
  CHECK(walk.trace().last_decode_lists[1].rows == one_hop.trace().last_decode_lists[1].rows);
  int different = 0;
  for (size_t layer = 2; layer < 5; ++layer) {
    different +=
        walk.trace().last_decode_lists[layer].rows != one_hop.trace().last_decode_lists[layer].rows;
  }
  CHECK(different > 0);
}

TEST_CASE("the full transform changes no selection, whatever its signs") {
  ReferenceBackend backend({.num_threads = 2});
  const HeadShape heads{4, 2, 16};
  const LayerData data = testing::RandomLayers(heads, 4, 120, 7);
  SketchWalkConfig config = SmallConfig();
  config.sketch_dim = 16;
  std::vector<std::vector<HostSelection>> lists;
  for (const uint64_t seed : {0u, 1u, 2u}) {
    config.sketch_seed = seed;
    const SparsePolicy policy("walk", config.sparse,
                              std::make_unique<SketchWalkSelector>(config, heads, backend),
                              backend);
    PolicyRun run(policy, data, backend);
    run.trace().keep_lists = true;
    run.Prefill(117);
    lists.push_back(run.trace().prefill_lists);
  }
  for (size_t layer = 1; layer < 4; ++layer) {
    CHECK(lists[0][layer].rows == lists[1][layer].rows);
    CHECK(lists[0][layer].rows == lists[2][layer].rows);
  }
}

}  // namespace sw
