// Block scores and the walk over layers against the oracle, at every instruction set of this
// machine.
#include "core/testing/catch.h"
#include "reference/compare.h"
#include "reference/oracle/select.h"
#include "reference/oracle/walk.h"
#include "reference/walk_test_rig.h"

namespace sw {
namespace {

using testing::BlockSketches;
using testing::ScoredBlocks;
using testing::ToMatrix;
using testing::Walker;

struct Subject {
  explicit Subject(const simd::Kernels& kernels = simd::BestKernels(), int threads = 2)
      : pool(threads), ops(pool, kernels, memory) {}
  ThreadPool pool;
  HostMemory memory;
  ReferenceAttentionOps ops;
};

std::vector<const simd::Kernels*> EverySet() {
  std::vector<const simd::Kernels*> sets;
  for (const simd::Kernels* const* set = simd::AllKernels(); *set != nullptr; ++set) {
    sets.push_back(*set);
  }
  return sets;
}

oracle::Matrix OracleScores(const BlockSketches& x) {
  return oracle::BlockScores(ToMatrix(x.q, x.sketch_dim), ToMatrix(x.k, x.sketch_dim),
                             std::sqrt(x.sketch_dim));
}

TEST_CASE("scores: A and W = E c equal the oracle's, both normalisers, every instruction set") {
  for (const simd::Kernels* set : EverySet()) {
    Subject subject(*set);
    Rng rng(1, 0);
    for (const int b : {1, 2, 7, 33, 64, 130}) {
      for (const int r : {1, 4, 12, 64, 128}) {
        const BlockSketches x = BlockSketches::Random(rng, b, r, 1.0);
        const oracle::Matrix want = OracleScores(x);
        for (const ScoreColumns columns : {ScoreColumns::kAll, ScoreColumns::kCausal}) {
          const bool causal = columns == ScoreColumns::kCausal;
          INFO(set->name << " b " << b << " r " << r << " causal " << causal);
          const ScoredBlocks got = Score(subject.ops, x, columns, 8, 3);
          const oracle::Matrix w = oracle::Weights(want, 8, causal);
          int64_t wrong = 0;
          for (int i = 0; i < b; ++i) {
            for (int j = 0; j < b; ++j) {
              // A errs by a few 2^-24 of its terms; W relatively by s = 8 times that, sums
              // included.
              wrong += Passes(got.A(i, j), want[i][j], 2e-5) ? 0 : 1;
              const double weight = got.E(i, j) * std::exp(static_cast<double>(got.log_factor[i]));
              wrong += Passes(weight, w[i][j], 4e-4 * w[i][j] + 1e-37) ? 0 : 1;
              wrong += causal && j > i && got.E(i, j) != 0.0f ? 1 : 0;
            }
            for (int j = b; j < b + 3; ++j) wrong += got.E(i, j) == -7.0f ? 0 : 1;  // the padding
          }
          CHECK(wrong == 0);
        }
      }
    }
  }
}

TEST_CASE("scores: equal keys tie to the bit in A, E and R, in whatever columns they stand") {
  for (const simd::Kernels* set : EverySet()) {
    Subject subject(*set);
    Rng rng(2, 0);
    for (const int b : {5, 17, 37, 131}) {
      INFO(set->name << " b " << b);
      Walker walker;
      for (int layer = 0; layer < 3; ++layer) {
        BlockSketches x = BlockSketches::Random(rng, b, 13, 1.0);
        const int twin = b - 2;  // in the edge of every tile
        std::copy_n(x.k.begin() + 13, 13, x.k.begin() + twin * 13);
        const ScoredBlocks scored = Score(subject.ops, x, ScoreColumns::kAll);
        walker.Step(subject.ops, scored);
        for (int i = 0; i < b; ++i) {
          CHECK(scored.A(i, 1) == scored.A(i, twin));
          CHECK(scored.E(i, 1) == scored.E(i, twin));
          if (i >= twin) CHECK(walker.walk[i * b + 1] == walker.walk[i * b + twin]);
        }
      }
    }
  }
}

TEST_CASE("walk: R equals the oracle's over eight layers, masked, every row's maximum exactly 1") {
  for (const simd::Kernels* set : EverySet()) {
    Subject subject(*set);
    Rng rng(3, 0);
    for (const int b : {1, 2, 23, 49, 97}) {
      for (const bool causal : {false, true}) {
        INFO(set->name << " b " << b << " causal " << causal);
        Walker walker;
        oracle::Matrix want;
        for (int layer = 0; layer < 8; ++layer) {
          const BlockSketches x = BlockSketches::Random(rng, b, 16, 0.6);
          walker.Step(subject.ops,
                      Score(subject.ops, x, causal ? ScoreColumns::kCausal : ScoreColumns::kAll));
          const oracle::Matrix scores = OracleScores(x);
          want = oracle::Walk(want, scores, oracle::Weights(scores, 8, causal), 8, nullptr);
          int64_t wrong = 0;
          for (int i = 0; i < b; ++i) {
            const float* row = walker.walk.data() + int64_t{i} * b;
            wrong += *std::max_element(row, row + b) == 1.0f ? 0 : 1;
            for (int j = 0; j < b; ++j) {
              wrong += j > i ? (row[j] == 0.0f ? 0 : 1)
                             : (Passes(row[j], want[i][j], 2e-5 + 4e-4 * want[i][j]) ? 0 : 1);
            }
          }
          CHECK(wrong == 0);
        }
        CHECK(walker.restarts == 0);
      }
    }
  }
}

TEST_CASE("walk: beyond 2048 blocks, some rows of the second layer against float64") {
  Subject subject;
  Rng rng(10, 0);
  const int b = 2101;
  const BlockSketches first = BlockSketches::Random(rng, b, 8, 0.8);
  const BlockSketches second = BlockSketches::Random(rng, b, 8, 0.8);
  Walker walker;
  walker.Step(subject.ops, Score(subject.ops, first, ScoreColumns::kAll));
  walker.Step(subject.ops, Score(subject.ops, second, ScoreColumns::kAll));
  const oracle::Matrix scores = OracleScores(first);
  const oracle::Matrix w = oracle::Weights(OracleScores(second), 8, false);
  for (const int i : {0, 1, 63, 1024, 2047, 2048, 2099, 2100}) {
    INFO("row " << i);
    const oracle::Row before = oracle::RestartRow(scores[i], i, 8);
    oracle::Row row(static_cast<size_t>(b), 0.0);
    for (int l = 0; l <= i; ++l) {
      for (int j = 0; j <= i; ++j) row[j] += before[l] * w[l][j];
    }
    REQUIRE(oracle::Rescale(row));
    int64_t wrong = 0;
    for (int j = 0; j < b; ++j) {
      const double got = walker.walk[int64_t{i} * b + j];
      wrong += Passes(got, row[j], 1e-6 + 5e-4 * row[j]) ? 0 : 1;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("walk: results do not depend on the number of threads") {
  Rng rng(4, 0);
  Subject one(simd::BestKernels(), 1), three(simd::BestKernels(), 3);
  Walker a, b;
  for (int layer = 0; layer < 3; ++layer) {
    const BlockSketches x = BlockSketches::Random(rng, 151, 16, 1.0);
    a.Step(one.ops, Score(one.ops, x, ScoreColumns::kAll));
    b.Step(three.ops, Score(three.ops, x, ScoreColumns::kAll));
    CHECK(a.walk == b.walk);
  }
}

TEST_CASE("walk: rescaling rows changes no selection, against float64 that never rescales") {
  Subject subject;
  Rng rng(5, 0);
  oracle::Config config;
  config.top_blocks = 6;
  for (const bool causal : {false, true}) {
    Walker walker;
    oracle::Matrix unscaled, rescaled;
    for (int layer = 0; layer < 6; ++layer) {
      const BlockSketches x = BlockSketches::Random(rng, 60, 16, 0.7);
      const ScoredBlocks scored =
          Score(subject.ops, x, causal ? ScoreColumns::kCausal : ScoreColumns::kAll);
      walker.Step(subject.ops, scored);
      const oracle::Matrix scores = OracleScores(x), w = oracle::Weights(scores, 8, causal);
      unscaled = oracle::WalkUnscaled(unscaled, w);
      rescaled = oracle::Walk(rescaled, scores, w, 8, nullptr);
      CHECK(oracle::SelectAll(config, unscaled) == oracle::SelectAll(config, rescaled));
      for (int i = 0; i < 60; ++i) {
        INFO("layer " << layer << " row " << i);
        REQUIRE(std::isnormal(*std::max_element(unscaled[i].begin(), unscaled[i].end())));
        const oracle::Row row(walker.walk.begin() + i * 60, walker.walk.begin() + (i + 1) * 60);
        CHECK(testing::SameUpToRounding(oracle::SelectBlocks(config, row, i, 60),
                                        oracle::SelectBlocks(config, unscaled[i], i, 60),
                                        unscaled[i], 1e-3));
      }
    }
  }
}

}  // namespace
}  // namespace sw
