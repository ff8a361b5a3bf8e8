// Algorithm 2, steps 2 to 5: block summaries that grow by one token at a time, and one row of the
// walk.
//
// E, row_max and row_lse speak of closed columns alone. The growing block's column is computed anew
// at each step and merged into the normaliser by log-sum-exp: it may exceed the old maximum, and
// taking an old value out again would cancel. A row of E is always exp(s (A - row_max)) of its
// scores: when the maximum moves the row is computed again, never scaled, so equal keys stay equal
// to the bit.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "core/ops/block_layout.h"
#include "core/tensor/buffer.h"
#include "reference/attention_ops.h"
#include "reference/flush_subnormals.h"
#include "reference/sketch_math.h"

namespace sw {
namespace {

constexpr double kNoWeight = -std::numeric_limits<double>::infinity();  // the logarithm of 0

double LogAddExp(double a, double b) {
  const double max = std::max(a, b);
  return max + std::log1p(std::exp(std::min(a, b) - max));
}

// Rows of E and scores of one walked layer.
class RowMath {
 public:
  RowMath(const SketchDecodeParams& params, const SketchCacheView& cache,
          const simd::Kernels& kernels)
      : params_(params), cache_(cache), kernels_(kernels) {}

  bool causal() const { return params_.columns == ScoreColumns::kCausal; }

  float Score(int q_block, int k_block) const {
    const int64_t r = cache_.sketch_dim;
    return kernels_.dot(cache_.query_sketch + q_block * r, cache_.key_sketch + k_block * r, r) /
           params_.score_divisor;
  }

  void Scores(int q_block, int columns, float* out) const {
    for (int j = 0; j < columns; ++j) out[j] = Score(q_block, j);
  }

  // out[j] = exp(s (scores[j] - shift)); out may be scores.
  void Weigh(const float* scores, int64_t n, float shift, float* out) const {
    kernels_.exp_sum(scores, n, shift, params_.sparsity_exponent, out);
  }

  float* E(int row) const { return cache_.e + static_cast<int64_t>(row) * cache_.capacity_blocks; }

  // Row `row` of E, its maximum and its normaliser, from nothing. `closed` blocks exist; with the
  // causal normaliser the columns past the diagonal are 0. scratch: room for `closed` numbers.
  void WriteRow(int row, int closed, float* scratch) const {
    const int columns = causal() ? row + 1 : closed;
    float* e = E(row);
    Scores(row, columns, e);
    const float max = kernels_.max(e, columns);
    const float sum = kernels_.exp_sum(e, columns, max, 1.0f, scratch);
    cache_.row_max[row] = max;
    cache_.row_lse[row] = max + std::log(sum);
    Weigh(e, columns, max, e);
    std::fill(e + columns, e + closed, 0.0f);
  }

  // Column c is complete: row l < c takes it in.
  void FoldColumn(int row, int c) const {
    float* e = E(row);
    if (causal()) {  // a column of the future: finished rows never change
      e[c] = 0.0f;
      return;
    }
    const float a = Score(row, c);
    cache_.row_lse[row] = static_cast<float>(LogAddExp(cache_.row_lse[row], a));
    if (a > cache_.row_max[row]) {
      cache_.row_max[row] = a;
      Scores(row, c + 1, e);
      Weigh(e, c + 1, a, e);
    } else {
      Weigh(&a, 1, cache_.row_max[row], e + c);
    }
  }

 private:
  const SketchDecodeParams& params_;
  const SketchCacheView& cache_;
  const simd::Kernels& kernels_;
};

// The logarithms of one hop's coefficients: row[j] sums exp(closed[l]) E[l, j] over the closed
// rows, and the growing column's own weights.
struct HopLogs {
  double* closed = nullptr;   // [c] of row l's factor
  double* growing = nullptr;  // [c] of row l's weight at column c
  double own = kNoWeight;     // of row c's factor
  double max = kNoWeight;     // of all above
};

// row_c: scores of row c over columns 0..c, max_c and lse_c their maximum and log-sum-exp.
HopLogs TakeLogs(const SketchDecodeParams& params, const SketchCacheView& cache,
                 const RowMath& math, const float* row, int c, double max_c, double lse_c,
                 double* memory) {
  const double s = params.sparsity_exponent;
  HopLogs logs{.closed = memory, .growing = memory + c};
  for (int l = 0; l < c; ++l) {
    const double weight = std::log(static_cast<double>(row[l]));
    double lse = cache.row_lse[l];
    logs.growing[l] = kNoWeight;
    if (!math.causal()) {
      const double a = math.Score(l, c);
      lse = LogAddExp(lse, a);
      logs.growing[l] = weight + s * (a - lse);
    }
    logs.closed[l] = weight + s * (cache.row_max[l] - lse);
    logs.max = std::max({logs.max, logs.closed[l], logs.growing[l]});
  }
  logs.own = std::log(static_cast<double>(row[c])) + s * (max_c - lse_c);
  logs.max = std::max(logs.max, logs.own);
  return logs;
}

constexpr int kHopColumns = 256;  // columns of E that one thread adds up at a time

// out[j] = own own_row[j] + sum over l < c of coefficients[l] E[l, j] for the closed columns
// [begin, begin + kHopColumns), up to c. One loop of fixed length for every column, the last ones
// included, so that equal columns give equal sums.
void AddUpColumns(const RowMath& math, const float* coefficients, float own, const float* own_row,
                  int c, int begin, float* out) {
  const FlushSubnormals flush;
  const int columns = std::min(kHopColumns, c - begin);
  float sums[kHopColumns] = {};
  float padded[kHopColumns] = {};
  const auto add = [&](float factor, const float* weights) {
    if (columns < kHopColumns) {
      std::copy(weights, weights + columns, padded);
      weights = padded;
    }
    for (int j = 0; j < kHopColumns; ++j) sums[j] += factor * weights[j];
  };
  for (int l = 0; l < c; ++l) {
    if (coefficients[l] != 0.0f) add(coefficients[l], math.E(l) + begin);
  }
  add(own, own_row + begin);
  std::copy(sums, sums + columns, out + begin);
}

// Block c is full: its query row is final, its column joins the rows before it, its own row begins.
void CloseBlock(const SketchDecodeParams& params, const SketchCacheView& cache, int c,
                const simd::Kernels& kernels, float* scratch) {
  if (params.finished_row == FinishedRow::kMean) {
    float* query = cache.query_sketch + static_cast<int64_t>(c) * cache.sketch_dim;
    for (int p = 0; p < cache.sketch_dim; ++p) {
      query[p] = cache.query_sum[p] / static_cast<float>(*cache.query_count);
    }
  }
  const RowMath math(params, cache, kernels);
  for (int row = 0; row < c; ++row) math.FoldColumn(row, c);
  math.WriteRow(c, c + 1, scratch);
}

void HeadMeanOfQuery(const QueryView& q, float* out) {
  for (int i = 0; i < q.head_dim; ++i) {
    double sum = 0.0;
    for (int head = 0; head < q.num_heads; ++head) sum += q.TokenF32(0)[head * q.head_dim + i];
    out[i] = static_cast<float>(sum / q.num_heads);
  }
}

void HeadMeanOfKey(const KvView& kv, int token, float* out) {
  for (int i = 0; i < kv.head_dim; ++i) {
    double sum = 0.0;
    for (int head = 0; head < kv.num_kv_heads; ++head) {
      sum += kv.KeysF32(head)[static_cast<int64_t>(token) * kv.head_dim + i];
    }
    out[i] = static_cast<float>(sum / kv.num_kv_heads);
  }
}

}  // namespace

void ReferenceAttentionOps::SeedSketchCache(const SketchDecodeParams& params, int num_tokens,
                                            const float* q_sketch, const float* k_sketch,
                                            const SketchCacheView& cache) const {
  const BlockLayout layout{num_tokens, params.block_size};
  const int blocks = layout.num_blocks();
  const int closed = num_tokens / params.block_size;
  const auto r = static_cast<int64_t>(cache.sketch_dim);
  SW_CHECK(blocks <= cache.capacity_blocks, "{} blocks, room for {}", blocks,
           cache.capacity_blocks);
  std::copy(q_sketch, q_sketch + blocks * r, cache.query_sketch);
  std::copy(k_sketch, k_sketch + blocks * r, cache.key_sketch);
  for (int j = 0; j < blocks; ++j) cache.key_count[j] = layout.Count(j);

  const int open_tokens = num_tokens - closed * params.block_size;
  *cache.query_count = open_tokens;
  for (int64_t p = 0; p < r; ++p) {
    cache.query_sum[p] =
        open_tokens > 0 ? q_sketch[closed * r + p] * static_cast<float>(open_tokens) : 0.0f;
  }
  const RowMath math(params, cache, kernels_);
  Buffer<float> scratch(memory_, "workspace",
                        static_cast<size_t>(closed) * static_cast<size_t>(pool_.num_threads()));
  pool_.ParallelFor(closed, [&](int64_t row, int worker) {
    math.WriteRow(static_cast<int>(row), closed, scratch.data() + worker * int64_t{closed});
  });
}

void ReferenceAttentionOps::AppendSketch(const SketchDecodeParams& params, const QueryView& q,
                                         const KvView& kv, const SketchCacheView& cache) const {
  CheckSketch(params.sketch);
  SW_CHECK(q.dtype == DType::kF32 && kv.dtype == DType::kF32);
  SW_CHECK(q.num_tokens == 1 && q.first_pos == kv.len - 1, "{} tokens at {}, cache of {}",
           q.num_tokens, q.first_pos, kv.len);
  const int c = q.first_pos / params.block_size;
  const int64_t r = cache.sketch_dim;
  SW_CHECK(c < cache.capacity_blocks && r == params.sketch.sketch_dim);

  if (q.first_pos % params.block_size == 0) {
    // A prompt that ends with a full block has closed it already: nothing is growing then.
    if (c > 0 && *cache.query_count > 0) {
      Buffer<float> row(memory_, "workspace", static_cast<size_t>(c));
      CloseBlock(params, cache, c - 1, kernels_, row.data());
    }
    cache.key_count[c] = 0;
    *cache.query_count = 0;
    std::fill(cache.query_sum, cache.query_sum + r, 0.0f);
  }

  Buffer<float> scratch(memory_, "workspace",
                        static_cast<size_t>(params.sketch.padded_dim + q.head_dim + r));
  float* mean = scratch.data() + params.sketch.padded_dim;
  float* key = mean + q.head_dim;
  HeadMeanOfKey(kv, q.first_pos, mean);
  SketchRow(params.sketch, mean, scratch.data(), key);
  // In double, so that a block of equal keys keeps its key to the bit.
  const double m = cache.key_count[c];
  float* running = cache.key_sketch + c * r;
  for (int64_t p = 0; p < r; ++p) {
    const double sum = m > 0 ? m * running[p] + key[p] : key[p];
    running[p] = static_cast<float>(sum / (m + 1));
  }
  ++cache.key_count[c];

  float* query = cache.query_sketch + c * r;
  HeadMeanOfQuery(q, mean);
  SketchRow(params.sketch, mean, scratch.data(), query);
  for (int64_t p = 0; p < r; ++p) cache.query_sum[p] += query[p];
  ++*cache.query_count;
}

void ReferenceAttentionOps::WalkRow(const SketchDecodeParams& params, int kv_len,
                                    const SketchCacheView& cache, bool first, float* row,
                                    int64_t* restarts) const {
  SW_CHECK(kv_len >= 1);
  const FlushSubnormals flush;
  const int c = (kv_len - 1) / params.block_size;
  SW_CHECK(c < cache.capacity_blocks);
  const RowMath math(params, cache, kernels_);
  const auto width = static_cast<size_t>(c) + 1;
  Buffer<float> floats(memory_, "workspace", 3 * width);
  float* scores = floats.data();
  float* own_row = scores + width;
  float* coefficients = own_row + width;
  math.Scores(c, c + 1, scores);
  const float max_c = kernels_.max(scores, c + 1);
  if (first) {
    math.Weigh(scores, c + 1, max_c, row);  // W's row divided by its maximum
    return;
  }

  const float sum_c = kernels_.exp_sum(scores, c + 1, max_c, 1.0f, own_row);
  Buffer<double> doubles(memory_, "workspace", 2 * width);
  const HopLogs logs = TakeLogs(params, cache, math, row, c, max_c,
                                max_c + std::log(static_cast<double>(sum_c)), doubles.data());
  bool alive = std::isfinite(logs.max);
  if (alive) {
    double growing = 0.0;
    for (int l = 0; l < c; ++l) {
      coefficients[l] = static_cast<float>(std::exp(logs.closed[l] - logs.max));
      growing += std::exp(logs.growing[l] - logs.max);
    }
    // Row c is not in E yet; its scores over all of its columns are at hand.
    const auto own = static_cast<float>(std::exp(logs.own - logs.max));
    math.Weigh(scores, c + 1, max_c, own_row);
    pool_.ParallelFor(CeilDiv(c, kHopColumns), [&](int64_t n, int) {
      AddUpColumns(math, coefficients, own, own_row, c, static_cast<int>(n) * kHopColumns, row);
    });
    row[c] = static_cast<float>(growing) + own * own_row[c];
    alive = RescaleRow(row, c + 1, kernels_.max(row, c + 1));
  }
  if (!alive) {
    math.Weigh(scores, c + 1, max_c, row);
    ++*restarts;
  }
}

}  // namespace sw
