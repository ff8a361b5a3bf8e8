// One layer's random queries, keys and values, as the subject reads them (float, strided,
// head-major) and as the oracle does (double, nested), and the allowance for what the subject makes
// of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/rng.h"
#include "core/ops/block_layout.h"
#include "core/ops/block_selection.h"
#include "core/ops/kv_view.h"
#include "reference/attention_ops.h"
#include "reference/compare.h"
#include "reference/host_memory.h"
#include "reference/oracle/attend.h"
#include "reference/thread_pool.h"

namespace sw::testing {

constexpr float kSentinel = -12345.5f;

struct AttendCase {
  HeadShape heads;
  int tokens = 0;
};

class AttendRig {
 public:
  // Cache rows past the tokens and the gaps of q hold NaN: nobody may read them.
  AttendRig(const AttendCase& shape, uint64_t seed, double spread = 1.0) : shape_(shape) {
    Rng rng(seed, StreamOf("attend_test"));
    const auto [h, h_kv, d] = shape.heads;
    const int n = shape.tokens;
    capacity_ = n + 3;
    stride_ = h * d + 5;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    q_.assign(static_cast<size_t>(n) * stride_, nan);
    k_.assign(static_cast<size_t>(h_kv) * capacity_ * d, nan);
    v_ = k_;
    for (int t = 0; t < n; ++t) {
      oracle_q.push_back(
          Draw(rng, h, d, spread, [&](int head) { return &q_[t * stride_ + head * d]; }));
      const auto row = [&](std::vector<float>& to) {
        return [&to, this, t, width = d](int head) { return &to[(head * capacity_ + t) * width]; };
      };
      oracle_k.push_back(Draw(rng, h_kv, d, spread, row(k_)));
      oracle_v.push_back(Draw(rng, h_kv, d, 1.0, row(v_)));
    }
  }

  QueryView Query(int begin, int end) const {
    return {DType::kF32,
            q_.data() + static_cast<int64_t>(begin) * stride_,
            end - begin,
            shape_.heads.num_q_heads,
            shape_.heads.head_dim,
            begin,
            stride_};
  }
  KvView Kv(int len) const {
    return {DType::kF32,
            const_cast<float*>(k_.data()),
            const_cast<float*>(v_.data()),
            shape_.heads.num_kv_heads,
            shape_.heads.head_dim,
            capacity_,
            len};
  }
  QueryView Query() const { return Query(0, shape_.tokens); }
  KvView Kv() const { return Kv(shape_.tokens); }
  const AttendCase& shape() const { return shape_; }
  std::vector<float>& values() { return v_; }
  std::vector<float>& queries() { return q_; }

  // Rounding of a score moves a weight by that share of itself; rounding of weights and sums adds a
  // few units per key. Roundings are taken for independent: four standard deviations of their sum.
  Tolerance Allowed() const {
    constexpr double kUnit = 0x1p-24;
    const double d = shape_.heads.head_dim;
    const double score = (4 * std::sqrt(d) + 2) * kUnit * LargestProduct() / std::sqrt(d);
    const double keys = (4 * std::sqrt(static_cast<double>(shape_.tokens)) + 16) * kUnit;
    double largest = 0;
    for (const auto& token : oracle_v) {
      for (const auto& head : token) {
        for (const double x : head) largest = std::max(largest, std::abs(x));
      }
    }
    return {.absolute = (2 * score + keys) * largest};
  }

  oracle::Tokens oracle_q, oracle_k, oracle_v;

 private:
  template <class At>
  static oracle::Matrix Draw(Rng& rng, int heads, int d, double spread, At&& at) {
    oracle::Matrix token;
    for (int head = 0; head < heads; ++head) {
      oracle::Row row;
      float* to = at(head);
      for (int i = 0; i < d; ++i) {
        to[i] = static_cast<float>(rng.Normal() * spread);
        row.push_back(to[i]);
      }
      token.push_back(row);
    }
    return token;
  }
  // An upper bound of sum |q_i k_i| over all pairs, by Cauchy and Schwarz.
  double LargestProduct() const {
    const auto longest = [](const oracle::Tokens& x) {
      double most = 0;
      for (const auto& token : x) {
        for (const auto& head : token) {
          double square = 0;
          for (const double value : head) square += value * value;
          most = std::max(most, square);
        }
      }
      return std::sqrt(most);
    };
    return longest(oracle_q) * longest(oracle_k);
  }

  AttendCase shape_;
  int capacity_ = 0;
  int64_t stride_ = 0;
  std::vector<float> q_, k_, v_;
};

// An output with gaps between its rows and a row behind them, all of them sentinels.
class Output {
 public:
  Output(int rows, int64_t cols)
      : rows_(rows), cols_(cols), stride_(cols + 3), data_((rows + 1) * stride_, kSentinel) {}

  TensorView View() { return {DType::kF32, data_.data(), rows_, cols_, stride_}; }
  bool SentinelsIntact() const {
    for (int64_t i = 0; i < static_cast<int64_t>(data_.size()); ++i) {
      const bool inside = i / stride_ < rows_ && i % stride_ < cols_;
      if (!inside && data_[i] != kSentinel) return false;
    }
    return true;
  }
  std::vector<float> Values() const {
    std::vector<float> values;
    for (int t = 0; t < rows_; ++t) {
      values.insert(values.end(), data_.begin() + t * stride_, data_.begin() + t * stride_ + cols_);
    }
    return values;
  }

 private:
  int rows_;
  int64_t cols_;
  int64_t stride_;
  std::vector<float> data_;
};

inline std::vector<double> Flat(const oracle::Tokens& x, int begin = 0) {
  std::vector<double> flat;
  for (size_t t = begin; t < x.size(); ++t) {
    for (const auto& head : x[t]) flat.insert(flat.end(), head.begin(), head.end());
  }
  return flat;
}

// Random causal lists for every group and query block, the diagonal among them.
struct RandomLists {
  BlockLayout layout;
  std::vector<oracle::BlockLists> of_group;
  std::vector<int32_t> counts, ids;

  RandomLists(int num_groups, int tokens, int block_size, double density, uint64_t seed)
      : layout{tokens, block_size}, of_group(num_groups) {
    Rng rng(seed, StreamOf("random_lists"));
    const int b = layout.num_blocks();
    ids.assign(static_cast<size_t>(num_groups) * b * b, -1);
    for (int g = 0; g < num_groups; ++g) {
      for (int i = 0; i < b; ++i) {
        oracle::BlockList list;
        for (int j = 0; j <= i; ++j) {
          if (j == i || rng.Uniform() < density) list.push_back(j);
        }
        std::copy(list.begin(), list.end(), ids.begin() + (static_cast<int64_t>(g) * b + i) * b);
        counts.push_back(static_cast<int32_t>(list.size()));
        of_group[g].push_back(list);
      }
    }
  }
  BlockSelection View() const {
    const int b = layout.num_blocks();
    return {static_cast<int>(of_group.size()), b, 0, b, counts.data(), ids.data()};
  }
};

// What the oracle makes of per-group lists: heads of each group from that group's attention.
inline oracle::Tokens OracleBlocks(const AttendRig& rig, const RandomLists& lists) {
  const int groups = static_cast<int>(lists.of_group.size());
  const int h = rig.shape().heads.num_q_heads;
  oracle::Tokens joined;
  for (int g = 0; g < groups; ++g) {
    const oracle::Tokens of_group = oracle::AttendBlocks(
        rig.oracle_q, rig.oracle_k, rig.oracle_v, lists.of_group[g], lists.layout.block_size);
    if (g == 0) joined = of_group;
    for (size_t t = 0; t < joined.size(); ++t) {
      for (int head = g * h / groups; head < (g + 1) * h / groups; ++head) {
        joined[t][head] = of_group[t][head];
      }
    }
  }
  return joined;
}

}  // namespace sw::testing
