// Block scores and walk steps on given sketches, for the tests of walk_ops.
#pragma once

#include <cmath>
#include <vector>

#include "core/ops/attention_ops.h"
#include "reference/attention_ops.h"
#include "reference/host_memory.h"
#include "reference/sketch_test_data.h"

namespace sw::testing {

// One layer's sketched block means.
struct BlockSketches {
  int num_blocks = 0;
  int sketch_dim = 0;
  std::vector<float> q, k;  // [b, r]

  // Scores of random sketches have about the standard deviation `spread`.
  static BlockSketches Random(Rng& rng, int num_blocks, int sketch_dim, double spread) {
    const int64_t count = int64_t{num_blocks} * sketch_dim;
    return {num_blocks, sketch_dim, RandomNumbers(rng, count, spread), RandomNumbers(rng, count)};
  }
  float divisor() const { return std::sqrt(static_cast<float>(sketch_dim)); }
};

// What ScoreBlocks computes.
struct ScoredBlocks {
  int num_blocks = 0;
  int64_t e_stride = 0;
  float exponent = 8;
  std::vector<float> scores, e, log_factor;

  float A(int i, int j) const { return scores[int64_t{i} * num_blocks + j]; }
  float E(int i, int j) const { return e[i * e_stride + j]; }
};

inline ScoredBlocks Score(const AttentionOps& ops, const BlockSketches& x, ScoreColumns columns,
                          float exponent = 8, int padding = 0) {
  const int64_t b = x.num_blocks;
  ScoredBlocks out{.num_blocks = x.num_blocks,
                   .e_stride = b + padding,
                   .exponent = exponent,
                   .scores = std::vector<float>(static_cast<size_t>(b * b)),
                   .e = std::vector<float>(static_cast<size_t>(b * (b + padding)), -7.0f),
                   .log_factor = std::vector<float>(static_cast<size_t>(b))};
  ops.ScoreBlocks({.num_blocks = x.num_blocks,
                   .sketch_dim = x.sketch_dim,
                   .q_sketch = x.q.data(),
                   .k_sketch = x.k.data(),
                   .score_divisor = x.divisor(),
                   .sparsity_exponent = exponent,
                   .columns = columns,
                   .scores = out.scores.data(),
                   .e = out.e.data(),
                   .e_stride = out.e_stride,
                   .log_factor = out.log_factor.data()});
  return out;
}

// R of one sequence, carried from layer to layer.
struct Walker {
  std::vector<float> walk;
  int64_t restarts = 0;
  bool with_scores = true;

  void Step(const AttentionOps& ops, const ScoredBlocks& layer) {
    const bool first = walk.empty();
    if (first) walk.assign(layer.scores.size(), std::nanf(""));
    ops.WalkStep({.num_blocks = layer.num_blocks,
                  .e = layer.e.data(),
                  .e_stride = layer.e_stride,
                  .log_factor = layer.log_factor.data(),
                  .scores = with_scores ? layer.scores.data() : nullptr,
                  .sparsity_exponent = layer.exponent,
                  .first = first,
                  .walk = walk.data(),
                  .restarts = &restarts});
  }
};

}  // namespace sw::testing
