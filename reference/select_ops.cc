// Block summaries, their sketch, and the choice of blocks (algorithm steps 1 to 3 and 7).
#include <algorithm>
#include <limits>
#include <span>

#include "core/base/check.h"
#include "core/ops/block_layout.h"
#include "core/tensor/buffer.h"
#include "reference/attention_ops.h"
#include "reference/sketch_math.h"

namespace sw {
namespace {

struct Candidate {
  float score;
  int32_t block;
};

// The larger score first; of equals the more recent block.
bool Precedes(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.block > b.block;
}

// One row of PickBlocks. candidates: room for i + 1. Writes `keep` ascending ids.
void PickRow(const PickBlocksParams& p, int i, int keep, const float* row, Candidate* candidates,
             int32_t* ids) {
  int num_forced = 0, num_candidates = 0;
  for (int j = 0; j <= i; ++j) {
    if (p.forced.Holds(i, j, p.num_blocks)) {
      SW_CHECK(num_forced < keep, "row {}: more forced blocks than the {} it keeps", i, keep);
      ids[num_forced++] = j;
    } else {
      // A NaN would break the order of all others; it goes last.
      const float score = row[j] == row[j] ? row[j] : -std::numeric_limits<float>::infinity();
      candidates[num_candidates++] = {score, j};
    }
  }
  const int chosen = keep - num_forced;
  if (chosen < num_candidates) {
    std::nth_element(candidates, candidates + chosen, candidates + num_candidates, Precedes);
  }
  for (int n = 0; n < chosen; ++n) ids[num_forced + n] = candidates[n].block;
  std::sort(ids, ids + keep);
}

}  // namespace

void ReferenceAttentionOps::SummariseQueries(const QueryView& q, int block_size, float* out) const {
  SW_CHECK(q.dtype == DType::kF32 && q.num_heads >= 1);
  SW_CHECK(q.first_pos % block_size == 0, "queries start inside a block, at {}", q.first_pos);
  const BlockLayout layout{q.num_tokens, block_size};
  const auto dim = static_cast<size_t>(q.head_dim);
  Buffer<double> sums(memory_, "workspace", dim * static_cast<size_t>(pool_.num_threads()));
  pool_.ParallelFor(layout.num_blocks(), [&](int64_t index, int worker) {
    const auto block = static_cast<int>(index);
    const std::span<double> sum(sums.data() + static_cast<size_t>(worker) * dim, dim);
    std::fill(sum.begin(), sum.end(), 0.0);
    for (int t = layout.Begin(block); t < layout.End(block); ++t) {
      const float* x = q.TokenF32(t);
      for (int head = 0; head < q.num_heads; ++head, x += dim) {
        for (size_t i = 0; i < dim; ++i) sum[i] += x[i];
      }
    }
    const double count = static_cast<double>(layout.Count(block)) * q.num_heads;
    float* mean = out + index * static_cast<int64_t>(dim);
    for (size_t i = 0; i < dim; ++i) mean[i] = static_cast<float>(sum[i] / count);
  });
}

void ReferenceAttentionOps::SummariseKeys(const KvView& kv, int block_size, float* out) const {
  SW_CHECK(kv.dtype == DType::kF32 && kv.num_kv_heads >= 1);
  const BlockLayout layout{kv.len, block_size};
  const auto dim = static_cast<size_t>(kv.head_dim);
  Buffer<double> sums(memory_, "workspace", dim * static_cast<size_t>(pool_.num_threads()));
  pool_.ParallelFor(layout.num_blocks(), [&](int64_t index, int worker) {
    const auto block = static_cast<int>(index);
    const std::span<double> sum(sums.data() + static_cast<size_t>(worker) * dim, dim);
    std::fill(sum.begin(), sum.end(), 0.0);
    for (int head = 0; head < kv.num_kv_heads; ++head) {
      const float* x = kv.KeysF32(head) + static_cast<int64_t>(layout.Begin(block)) * kv.head_dim;
      for (int t = 0; t < layout.Count(block); ++t, x += dim) {
        for (size_t i = 0; i < dim; ++i) sum[i] += x[i];
      }
    }
    const double count = static_cast<double>(layout.Count(block)) * kv.num_kv_heads;
    float* mean = out + index * static_cast<int64_t>(dim);
    for (size_t i = 0; i < dim; ++i) mean[i] = static_cast<float>(sum[i] / count);
  });
}

void ReferenceAttentionOps::Sketch(const SketchView& sketch, const float* in, int rows,
                                   float* out) const {
  CheckSketch(sketch);
  const auto padded = static_cast<size_t>(sketch.padded_dim);
  Buffer<float> scratch(memory_, "workspace", padded * static_cast<size_t>(pool_.num_threads()));
  pool_.ParallelFor(rows, [&](int64_t row, int worker) {
    SketchRow(sketch, in + row * sketch.head_dim,
              scratch.data() + static_cast<size_t>(worker) * padded, out + row * sketch.sketch_dim);
  });
}

void ReferenceAttentionOps::PickBlocks(const PickBlocksParams& p) const {
  if (p.num_q_blocks == 0) return;
  const int last = p.q_block_begin + p.num_q_blocks - 1;
  SW_CHECK(last < p.num_blocks && last < p.score_stride, "query block {} of {}, score stride {}",
           last, p.num_blocks, p.score_stride);
  const auto room = static_cast<size_t>(last) + 1;
  Buffer<Candidate> scratch(memory_, "workspace", room * static_cast<size_t>(pool_.num_threads()));
  const int64_t rows = static_cast<int64_t>(p.num_groups) * p.num_q_blocks;
  pool_.ParallelFor(rows, [&](int64_t n, int worker) {
    const int64_t row = rows - 1 - n;  // the last rows have the most candidates
    const auto q_row = static_cast<int>(row % p.num_q_blocks);
    const int i = p.q_block_begin + q_row;
    const int keep = p.keep_counts[q_row];
    SW_CHECK(1 <= keep && keep <= std::min(i + 1, p.row_capacity),
             "query block {} keeps {} blocks, room for {}", i, keep, p.row_capacity);
    PickRow(p, i, keep, p.scores + row * p.score_stride,
            scratch.data() + static_cast<size_t>(worker) * room,
            p.block_ids + row * p.row_capacity);
    p.counts[row] = keep;
  });
}

}  // namespace sw
