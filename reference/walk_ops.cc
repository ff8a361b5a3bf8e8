// Block scores with their weights, and the walk over layers (algorithm steps 4 to 6).
//
// Every score and every number of R is one chain of multiply-adds (kernels.h: multiply), the same
// wherever the column stands. Blocks with equal keys therefore tie exactly, and the tie rule
// decides.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "core/tensor/buffer.h"
#include "reference/attention_ops.h"
#include "reference/flush_subnormals.h"
#include "reference/sketch_math.h"

namespace sw {
namespace {

constexpr int kScoreRows = 24;  // rows of A that one thread takes at a time

// Rows of R that one thread takes at a time: more reuse of a panel against finer shares.
int RowsPerShare(int num_blocks) { return num_blocks >= 1024 ? 96 : 24; }

// coefficients[l] = R[i,l] c_l / max, the maximum over l <= i, so that the largest is 1: in float
// alone the row factors (down to b^-s) or a product could vanish. All 0 when every product is 0.
void FoldRowFactors(const float* walk_row, const float* log_factor, int i, double* log_product,
                    float* coefficients) {
  double max = -std::numeric_limits<double>::infinity();
  for (int l = 0; l <= i; ++l) {
    log_product[l] = std::log(static_cast<double>(walk_row[l])) + log_factor[l];
    max = std::max(max, log_product[l]);
  }
  if (!std::isfinite(max)) return;
  for (int l = 0; l <= i; ++l) {
    coefficients[l] = static_cast<float>(std::exp(log_product[l] - max));
  }
}

// Row i of W, masked and divided by its maximum. Where E holds nothing normal up to column i (a
// later column is far ahead) the scores tell, and without them block i alone is left.
void RestartRow(const WalkStepParams& p, const simd::Kernels& kernels, int i, float* row) {
  const float* e = p.e + i * p.e_stride;
  std::copy(e, e + i + 1, row);
  if (RescaleRow(row, i + 1, kernels.max(row, i + 1))) return;
  if (p.scores != nullptr) {
    const float* scores = p.scores + static_cast<int64_t>(i) * p.num_blocks;
    kernels.exp_sum(scores, i + 1, kernels.max(scores, i + 1), p.sparsity_exponent, row);
    return;
  }
  std::fill(row, row + i, 0.0f);
  row[i] = 1.0f;
}

// R = W for one row; false when that counts as a restart.
bool FirstRow(const WalkStepParams& p, const simd::Kernels& kernels, int i, float* row) {
  const bool normal = std::isnormal(kernels.max(p.e + i * p.e_stride, i + 1));
  RestartRow(p, kernels, i, row);
  return normal;
}

// R <- R W for a run of rows. Every number is a chain over l of coefficient times E[l, j].
struct RowHop {
  const WalkStepParams& params;
  const simd::Kernels& kernels;
  const float*
      packed;  // E by panels of columns, each [b][panel], so that a run may use its first rows

  float* Row(int i) const { return params.walk + static_cast<int64_t>(i) * params.num_blocks; }

  // The rows [begin, end). coefficients: [end - begin, b], logs: [b], both scratch. Returns
  // restarts.
  int64_t Run(int begin, int end, float* coefficients, double* logs) const {
    const FlushSubnormals flush;
    const int64_t b = params.num_blocks;
    // Columns past a row's diagonal meet zeros; blocks past the last row of the run meet nothing.
    for (int i = begin; i < end; ++i) {
      float* row = coefficients + (i - begin) * b;
      std::fill(row, row + end, 0.0f);
      FoldRowFactors(Row(i), params.log_factor, i, logs, row);
    }
    const int panel = kernels.panel_cols;
    for (int64_t j = 0; j < end; j += panel) {
      kernels.multiply(end - begin, std::min<int64_t>(panel, end - j), end, coefficients, b,
                       packed + j * b, Row(begin) + j, b, false);
    }
    int64_t restarts = 0;
    for (int i = begin; i < end; ++i) {
      float* row = Row(i);
      if (!RescaleRow(row, i + 1, kernels.max(row, i + 1))) {
        RestartRow(params, kernels, i, row);
        ++restarts;
      }
      std::fill(row + i + 1, row + b, 0.0f);
    }
    return restarts;
  }
};

}  // namespace

void ReferenceAttentionOps::ScoreBlocks(const ScoreBlocksParams& p) const {
  const int b = p.num_blocks, r = p.sketch_dim;
  if (b == 0) return;
  SW_CHECK(p.e_stride >= b && p.score_divisor > 0.0f && r >= 1);
  Buffer<float> packed(memory_, "workspace", static_cast<size_t>(kernels_.PackedFloats(b, r)));
  kernels_.pack_rows(p.k_sketch, r, b, r, packed.data());
  Buffer<float> scratch(memory_, "workspace",
                        static_cast<size_t>(b) * static_cast<size_t>(pool_.num_threads()));
  pool_.ParallelFor(CeilDiv(b, kScoreRows), [&](int64_t share, int worker) {
    const auto begin = static_cast<int>(share) * kScoreRows;
    const int end = std::min(b, begin + kScoreRows);
    float* scores = p.scores != nullptr ? p.scores : p.e;
    const int64_t stride = p.scores != nullptr ? b : p.e_stride;
    kernels_.multiply(end - begin, b, r, p.q_sketch + static_cast<int64_t>(begin) * r, r,
                      packed.data(), scores + begin * stride, stride, false);
    for (int i = begin; i < end; ++i) {
      float* a = scores + i * stride;
      for (int j = 0; j < b; ++j) a[j] /= p.score_divisor;
      const int columns = p.columns == ScoreColumns::kAll ? b : i + 1;
      const float max = kernels_.max(a, columns);
      const float sum =
          kernels_.exp_sum(a, columns, max, 1.0f, scratch.data() + worker * int64_t{b});
      p.log_factor[i] = -p.sparsity_exponent * std::log(sum);
      float* e = p.e + i * p.e_stride;
      kernels_.exp_sum(a, columns, max, p.sparsity_exponent, e);
      std::fill(e + columns, e + b, 0.0f);
    }
  });
}

void ReferenceAttentionOps::WalkStep(const WalkStepParams& p) const {
  const int b = p.num_blocks;
  if (b == 0) return;
  SW_CHECK(p.e_stride >= b);
  std::atomic<int64_t> restarts{0};
  if (p.first) {
    pool_.ParallelFor(b, [&](int64_t i, int) {
      const FlushSubnormals flush;
      float* row = p.walk + i * b;
      if (!FirstRow(p, kernels_, static_cast<int>(i), row)) ++restarts;
      std::fill(row + i + 1, row + b, 0.0f);
    });
    *p.restarts += restarts;
    return;
  }

  const int panel = kernels_.panel_cols;
  Buffer<float> packed(memory_, "workspace", static_cast<size_t>(kernels_.PackedFloats(b, b)));
  pool_.ParallelFor(CeilDiv(b, panel), [&](int64_t n, int) {
    const int64_t j = n * panel;
    kernels_.pack_columns(p.e + j, p.e_stride, std::min<int64_t>(panel, b - j), b,
                          packed.data() + j * b);
  });

  const RowHop hop{p, kernels_, packed.data()};
  const int share_rows = RowsPerShare(b);
  const int shares = CeilDiv(b, share_rows);
  const auto threads = static_cast<size_t>(pool_.num_threads());
  const auto width = static_cast<size_t>(b);
  const size_t share_floats = static_cast<size_t>(share_rows) * width;
  Buffer<float> coefficients(memory_, "workspace", threads * share_floats);
  Buffer<double> logs(memory_, "workspace", threads * width);
  const auto run = [&](int64_t n, int worker) {
    const auto begin = static_cast<int>(shares - 1 - n) * share_rows;  // the longest rows first
    restarts += hop.Run(begin, std::min(b, begin + share_rows),
                        coefficients.data() + static_cast<size_t>(worker) * share_floats,
                        logs.data() + static_cast<size_t>(worker) * width);
  };
  pool_.ParallelFor(shares, run, 1);
  *p.restarts += restarts;
}

}  // namespace sw
