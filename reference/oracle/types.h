// The words of the oracle: double, plain nested vectors, whole matrices. Nothing is shared with
// the code that the oracle judges, nothing is meant to be fast.
#pragma once

#include <vector>

namespace sw::oracle {

using Row = std::vector<double>;
using Matrix = std::vector<Row>;
using Tokens = std::vector<Matrix>;  // [token][head][dim]
using BlockList = std::vector<int>;  // ascending ids
using BlockLists = std::vector<BlockList>;

inline Matrix Zeros(int rows, int cols) {
  return Matrix(static_cast<std::size_t>(rows), Row(static_cast<std::size_t>(cols), 0.0));
}
inline int Size(const auto& container) { return static_cast<int>(container.size()); }

// The operating point, in the symbols of the algorithm page.
struct Config {
  int block_size = 64;           // B
  double sparsity_exponent = 8;  // s
  int top_blocks = 16;           // tau, used when density is 0
  double density = 0;            // row i keeps ceil(density (i + 1) - 1e-9) blocks
  int skip_layers = 2;           // N
  int sink_blocks = 1;
  int local_blocks = 1;
  int dense_tail_blocks = 0;       // prefill only
  bool scale_by_head_dim = false;  // score_scale: sqrt_d instead of sqrt_r
  bool causal_normaliser = false;  // normaliser: causal instead of all
  bool walk_from_layer0 = false;   // walk_from: layer0 instead of first_sparse
  bool mean_finished_row = false;  // finished_row: mean instead of last
  bool walk = true;                // false: every layer chooses by its own W (one_hop)
};

}  // namespace sw::oracle
