// Random inputs for the tests of the selecting operations, and their translation for the oracle.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/rng.h"
#include "core/ops/attention_ops.h"
#include "reference/oracle/sketch.h"
#include "reference/oracle/types.h"

namespace sw::testing {

inline std::vector<float> RandomNumbers(Rng& rng, int64_t count, double spread = 1.0) {
  std::vector<float> numbers(static_cast<size_t>(count));
  for (float& x : numbers) x = static_cast<float>(spread * rng.Normal());
  return numbers;
}

// D and P for head_dim padded to a power of two.
struct Transform {
  int head_dim = 0;
  std::vector<float> signs;
  std::vector<int32_t> rows;

  static Transform Draw(Rng& rng, int head_dim, int sketch_dim) {
    Transform drawn{.head_dim = head_dim, .signs = {}, .rows = {}};
    uint64_t padded = 1;
    while (padded < static_cast<uint64_t>(head_dim)) padded *= 2;
    for (uint64_t i = 0; i < padded; ++i) drawn.signs.push_back(rng.Below(2) == 0 ? 1.0f : -1.0f);
    for (const uint64_t row : rng.Sample(padded, static_cast<uint64_t>(sketch_dim))) {
      drawn.rows.push_back(static_cast<int32_t>(row));
    }
    return drawn;
  }
  int sketch_dim() const { return static_cast<int>(rows.size()); }
  SketchView View() const {
    return {.head_dim = head_dim,
            .padded_dim = static_cast<int>(signs.size()),
            .sketch_dim = sketch_dim(),
            .signs = signs.data(),
            .rows = rows.data()};
  }
  oracle::Transform ForOracle() const {
    return {.signs = {signs.begin(), signs.end()}, .rows = {rows.begin(), rows.end()}};
  }
};

inline oracle::Matrix ToMatrix(const std::vector<float>& flat, int cols) {
  oracle::Matrix matrix;
  for (auto at = flat.begin(); at != flat.end(); at += cols) matrix.emplace_back(at, at + cols);
  return matrix;
}

// [token][head][dim]
inline oracle::Tokens ToTokens(const std::vector<float>& flat, int heads, int dim) {
  oracle::Tokens tokens;
  for (const oracle::Row& token : ToMatrix(flat, heads * dim)) {
    oracle::Matrix split;
    for (auto at = token.begin(); at != token.end(); at += dim) split.emplace_back(at, at + dim);
    tokens.push_back(split);
  }
  return tokens;
}

// Tokens [begin, end) of a token-major array.
inline std::vector<float> Slice(const std::vector<float>& flat, int begin, int end, int width) {
  return {flat.begin() + int64_t{begin} * width, flat.begin() + int64_t{end} * width};
}

// The lists are equal, or where they differ the oracle's scores of the blocks that one of them
// holds alone are equal to within `relative`: what rounding may decide.
inline bool SameUpToRounding(const std::vector<int32_t>& got, const oracle::BlockList& want,
                             const oracle::Row& scores, double relative) {
  if (got.size() != want.size()) return false;
  double lowest = INFINITY, highest = -INFINITY;
  const auto visit = [&](const auto& from, const auto& other) {
    for (const int block : from) {
      if (std::find(other.begin(), other.end(), block) != other.end()) continue;
      lowest = std::min(lowest, scores[block]);
      highest = std::max(highest, scores[block]);
    }
  };
  visit(got, want);
  visit(want, got);
  return highest == -INFINITY || highest - lowest <= relative * highest;
}

}  // namespace sw::testing
