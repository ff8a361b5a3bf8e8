// What the walk must do whatever the inputs: hop across layers, stay finite at any depth, restart
// and count rows that vanish, and drain with the causal normaliser.
#include "core/testing/catch.h"
#include "reference/compare.h"
#include "reference/oracle/select.h"
#include "reference/walk_test_rig.h"

namespace sw {
namespace {

using testing::BlockSketches;
using testing::ScoredBlocks;
using testing::Walker;

struct Subject {
  ThreadPool pool{2};
  HostMemory memory;
  ReferenceAttentionOps ops{pool, simd::BestKernels(), memory};
};

// A block of one layer finds `via`, and `via` finds the goal in the next: only a walk that is
// carried from layer to layer leads there.
TEST_CASE("walk: one state across layers finds what two hops reach and one does not") {
  Subject subject;
  const int b = 24, from = 20, via = 11, goal = 5;
  const auto layer = [&](int query, int key) {
    BlockSketches x{b, b, std::vector<float>(b * b, 0.0f), std::vector<float>(b * b, 0.0f)};
    for (int i = 0; i < b; ++i) x.q[i * b + i] = x.k[i * b + i] = 1.0f;
    x.q[query * b + key] = 4.0f * x.divisor();
    return Score(subject.ops, x, ScoreColumns::kAll);
  };
  const ScoredBlocks first = layer(from, via), second = layer(via, goal);
  Walker carried, separate;
  carried.Step(subject.ops, first);
  carried.Step(subject.ops, second);
  separate.Step(subject.ops, second);
  const auto best = [&](const Walker& walker) {
    const float* row = walker.walk.data() + from * b;
    return std::max_element(row, row + from) - row;
  };
  CHECK(best(carried) == goal);
  CHECK(best(separate) != goal);
  CHECK(separate.walk[from * b + goal] == separate.walk[from * b + goal + 1]);
}

// Share of what rows in the second half pick beside the forced blocks that lies in the first
// eighth, which is 17 % of their causal blocks.
double ShareOfFirstBlocks(Subject& subject, ScoreColumns columns, int num_layers) {
  const int b = 96;
  Rng rng(6, 0);
  Walker walker;
  for (int layer = 0; layer < num_layers; ++layer) {
    walker.Step(subject.ops, Score(subject.ops, BlockSketches::Random(rng, b, 16, 0.3), columns));
  }
  oracle::Config config;
  config.top_blocks = 10;
  int64_t early = 0, all = 0;
  for (int i = b / 2; i < b; ++i) {
    const oracle::Row row(walker.walk.begin() + i * b, walker.walk.begin() + (i + 1) * b);
    for (const int j : oracle::SelectBlocks(config, row, i, b)) {
      if (oracle::IsForced(config, i, j, b)) continue;
      ++all;
      early += j < b / 8 ? 1 : 0;
    }
  }
  return static_cast<double>(early) / static_cast<double>(all);
}

TEST_CASE("walk: the causal normaliser drains into the first blocks, the one over all does not") {
  Subject subject;
  CHECK(ShareOfFirstBlocks(subject, ScoreColumns::kCausal, 1) < 0.3);
  CHECK(ShareOfFirstBlocks(subject, ScoreColumns::kCausal, 2) > 0.9);
  CHECK(ShareOfFirstBlocks(subject, ScoreColumns::kCausal, 4) > 0.95);
  for (const int layers : {1, 2, 4, 16}) {
    CHECK(ShareOfFirstBlocks(subject, ScoreColumns::kAll, layers) < 0.5);
  }
}

TEST_CASE("walk: with the causal normaliser a longer prompt leaves the earlier rows as they were") {
  Subject subject;
  Rng rng(7, 0);
  const int longer = 70, shorter = 41;
  for (const ScoreColumns columns : {ScoreColumns::kCausal, ScoreColumns::kAll}) {
    Walker whole, part;
    int64_t different = 0;
    for (int layer = 0; layer < 4; ++layer) {
      const BlockSketches x = BlockSketches::Random(rng, longer, 16, 1.0);
      BlockSketches head{shorter, 16, x.q, x.k};
      head.q.resize(shorter * 16);
      head.k.resize(shorter * 16);
      whole.Step(subject.ops, Score(subject.ops, x, columns));
      part.Step(subject.ops, Score(subject.ops, head, columns));
      for (int i = 0; i < shorter; ++i) {
        for (int j = 0; j <= i; ++j) {
          const float want = part.walk[i * shorter + j];
          different += Passes(whole.walk[i * longer + j], want, 1e-6 + 1e-5 * want) ? 0 : 1;
        }
      }
    }
    if (columns == ScoreColumns::kCausal) {
      CHECK(different == 0);
    } else {
      CHECK(different > 0);  // later keys move the row factors: stated, not hidden
    }
  }
}

TEST_CASE("walk: rows whose weights all lie in the future restart, and are counted") {
  Subject subject;
  const int b = 30;
  // Every query loves the last block's key: E underflows in all earlier columns.
  BlockSketches x{b, 1, std::vector<float>(b, 1.0f), std::vector<float>(b, 0.0f)};
  for (int j = 0; j < b; ++j) x.k[j] = 0.1f * static_cast<float>(j % 5);
  x.k[b - 1] = 40.0f;
  const ScoredBlocks scored = Score(subject.ops, x, ScoreColumns::kAll);
  REQUIRE(scored.E(10, 4) == 0.0f);
  const auto CheckRestarted = [&](const Walker& walker) {
    for (int i = 0; i < b - 1; ++i) {
      float best = 0.0f;
      for (int j = 0; j <= i; ++j) best = std::max(best, x.k[j]);
      for (int j = 0; j <= i; ++j) {
        CHECK(Passes(walker.walk[i * b + j], std::exp(8.0 * (x.k[j] - best)), 1e-5));
      }
    }
  };
  Walker walker;
  walker.Step(subject.ops, scored);
  CHECK(walker.restarts == b - 1);
  CheckRestarted(walker);
  walker.Step(subject.ops, scored);
  CHECK(walker.restarts == 2 * (b - 1));
  CheckRestarted(walker);

  Walker blind;  // without the scores nothing but the diagonal is known
  blind.with_scores = false;
  blind.Step(subject.ops, scored);
  CHECK(blind.restarts == b - 1);
  for (int i = 0; i < b - 1; ++i) {
    for (int j = 0; j <= i; ++j) CHECK(blind.walk[i * b + j] == (j == i ? 1.0f : 0.0f));
  }
}

TEST_CASE("walk: very wide scores and exponents give no zero row, no NaN, no infinity") {
  Subject subject;
  Rng rng(8, 0);
  for (const auto& [spread, exponent] :
       {std::pair{6.0, 8.0f}, {30.0, 8.0f}, {1.0, 1000.0f}, {0.01, 0.001f}, {1e4, 64.0f}}) {
    Walker walker;
    for (int layer = 0; layer < 10; ++layer) {
      INFO("spread " << spread << " exponent " << exponent << " layer " << layer);
      walker.Step(subject.ops, Score(subject.ops, BlockSketches::Random(rng, 65, 16, spread),
                                     ScoreColumns::kAll, exponent));
      for (int i = 0; i < 65; ++i) {
        const float* row = walker.walk.data() + i * 65;
        CHECK(*std::max_element(row, row + 65) == 1.0f);
        CHECK(std::all_of(row, row + 65, [](float x) { return x >= 0.0f && x <= 1.0f; }));
      }
    }
    if (exponent * spread > 100) CHECK(walker.restarts > 0);
  }
}

TEST_CASE("walk: 32 layers of 2048 blocks leave no row empty, no NaN, no infinity") {
  Subject subject;
  Rng rng(9, 0);
  const int b = 2048;
  std::vector<ScoredBlocks> layers;
  for (const double spread : {0.5, 1.0, 1.5}) {
    layers.push_back(
        Score(subject.ops, BlockSketches::Random(rng, b, 64, spread), ScoreColumns::kAll));
  }
  Walker walker;
  for (int layer = 0; layer < 32; ++layer) walker.Step(subject.ops, layers[layer % 3]);
  int64_t bad_rows = 0, bad_numbers = 0;
  for (int i = 0; i < b; ++i) {
    float max = 0.0f;
    for (int j = 0; j < b; ++j) {
      const float x = walker.walk[int64_t{i} * b + j];
      max = std::max(max, x);
      bad_numbers += (j > i ? x == 0.0f : x >= 0.0f && x <= 1.0f) ? 0 : 1;
    }
    bad_rows += max == 1.0f ? 0 : 1;
  }
  CHECK(bad_rows == 0);
  CHECK(bad_numbers == 0);
  CHECK(walker.restarts == 0);
}

}  // namespace
}  // namespace sw
