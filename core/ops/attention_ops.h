// SEAM AttentionOps: the operations that block-sparse attention is made of, coarse enough to fuse
// inside and narrow enough to have a CPU twin. Symbols are those of the SketchWalk paper
// (arXiv 2602.07397): B block size, b blocks, d head_dim, r sketch_dim, s sparsity exponent, R
// walk, W weights, A block scores. All pointers are backend memory unless said otherwise; nothing
// here allocates results, callers own every buffer.
#pragma once

#include <cstdint>

#include "core/ops/block_selection.h"
#include "core/ops/kv_view.h"
#include "core/tensor/tensor_view.h"

namespace sw {

enum class ScoreColumns {
  kAll,
  kCausal
};                                        // columns that the softmax of a block-score row runs over
enum class FinishedRow { kLast, kMean };  // query row of a block that decode has filled
enum class MassJoin { kSum, kMax };       // how masses of queries and heads of one list are joined

// Subsampled randomised Hadamard transform: Hx = (1/sqrt(r)) P WHT(D x). x is padded with zeros to
// padded_dim, WHT is unnormalised in Sylvester order.
struct SketchView {
  int head_dim = 0;               // d
  int padded_dim = 0;             // d' = power of two >= d
  int sketch_dim = 0;             // r, 1 <= r <= d'
  const float* signs = nullptr;   // D: [d'], +1 or -1
  const int32_t* rows = nullptr;  // P: [r], distinct, in [0, d')
};

// A = <qs_i, ks_j> / score_divisor, then W = softmax(A)^s kept as E and row factors:
//   E[i,j] = exp(s (A[i,j] - max_i)) in [0, 1],  log_factor[i] = s (max_i - lse_i),
//   W[i,j] = E[i,j] exp(log_factor[i]).
// With kCausal the maximum and the sum run over j <= i and E is 0 for j > i.
struct ScoreBlocksParams {
  int num_blocks = 0;               // b
  int sketch_dim = 0;               // r
  const float* q_sketch = nullptr;  // [b, r]
  const float* k_sketch = nullptr;  // [b, r]
  float score_divisor = 1.0f;       // sqrt(r) or sqrt(d)
  float sparsity_exponent = 8.0f;   // s
  ScoreColumns columns = ScoreColumns::kAll;
  float* scores = nullptr;      // out, nullable: A, [b, b], all columns
  float* e = nullptr;           // out: [b, e_stride]
  int64_t e_stride = 0;         // elements from row to row, >= b
  float* log_factor = nullptr;  // out: [b]
};

// One hop of the walk over layers. R is [b, b] row-major; entries j > i are 0 and every row's
// maximum is 1. first: R = W; otherwise R = R W; then masked to j <= i and each row divided by its
// maximum. A row whose maximum is 0 or not a normal number restarts as its masked, rescaled row of
// W; where E holds nothing normal up to the diagonal (a later column is far ahead) that row comes
// from `scores`, and without them it is its diagonal block alone.
struct WalkStepParams {
  int num_blocks = 0;
  const float* e = nullptr;
  int64_t e_stride = 0;
  const float* log_factor = nullptr;
  const float* scores = nullptr;   // nullable: A [b, b], as ScoreBlocks wrote it
  float sparsity_exponent = 8.0f;  // s, read with scores
  bool first = false;
  float* walk = nullptr;        // in/out: R [b, b]
  int64_t* restarts = nullptr;  // in/out, backend memory: rows restarted are added
};

// Chooses blocks: the forced ones, then those with the largest score among the other j < i; ties go
// to the larger j; ids ascending.
struct PickBlocksParams {
  int num_groups = 1;
  int num_q_blocks = 0;           // rows per group
  int q_block_begin = 0;          // query block of row 0
  const float* scores = nullptr;  // [num_groups, num_q_blocks, score_stride]; column j is block j
  int64_t score_stride = 0;
  ForcedRule forced;                     // dense tail counted from block num_blocks
  int num_blocks = 0;                    // blocks of the sequence
  const int32_t* keep_counts = nullptr;  // host, [num_q_blocks]: KeepRule::Count of each row
  int32_t* counts = nullptr;             // out, as BlockSelection
  int32_t* block_ids = nullptr;          // out
  int row_capacity = 0;
};

// What decode keeps of one walked layer. capacity_blocks bounds the sequence's growth.
//   closed blocks: blocks that are full; the growing block c is the last one.
struct SketchCacheView {
  int capacity_blocks = 0;
  int sketch_dim = 0;
  float* key_sketch = nullptr;     // [capacity, r] sketch of the mean key of each block
  int32_t* key_count = nullptr;    // [capacity] tokens in each mean
  float* query_sketch = nullptr;   // [capacity, r] query row of each block
  float* query_sum = nullptr;      // [r] sum of the query sketches of the growing block's tokens
  int32_t* query_count = nullptr;  // [1] their number
  float* e = nullptr;        // [capacity, capacity]: E over closed columns, rows of closed blocks
  float* row_max = nullptr;  // [capacity] max of A over closed columns (j <= l with kCausal)
  float* row_lse = nullptr;  // [capacity] log-sum-exp of A over the same columns
};

struct SketchDecodeParams {
  SketchView sketch;
  HeadShape heads;
  int block_size = 0;
  float score_divisor = 1.0f;
  float sparsity_exponent = 8.0f;
  ScoreColumns columns = ScoreColumns::kAll;
  FinishedRow finished_row = FinishedRow::kLast;
};

class AttentionOps {
 public:
  virtual ~AttentionOps() = default;

  // Mean over heads and over the tokens a block really has: out [blocks, head_dim] (steps 1, 2).
  virtual void SummariseQueries(const QueryView& q, int block_size, float* out) const = 0;
  virtual void SummariseKeys(const KvView& kv, int block_size, float* out) const = 0;
  // in [rows, head_dim] -> out [rows, sketch_dim] (step 3).
  virtual void Sketch(const SketchView& sketch, const float* in, int rows, float* out) const = 0;
  virtual void ScoreBlocks(const ScoreBlocksParams& params) const = 0;
  virtual void WalkStep(const WalkStepParams& params) const = 0;
  virtual void PickBlocks(const PickBlocksParams& params) const = 0;

  // Exact attention mass of every (query block, key block): softmax over all causal keys of each
  // query and head, summed over the block's keys, joined over the block's queries and over the
  // heads that share a list. scores [num_groups, q blocks, score_stride], columns j > i are 0. q
  // covers [q.first_pos, q.first_pos + q.num_tokens); q blocks start at block q.first_pos / B.
  virtual void BlockMass(const QueryView& q, const KvView& kv, int block_size, int num_groups,
                         MassJoin join, float* scores, int64_t score_stride) const = 0;

  // Decode bookkeeping after a prefill of n tokens: q_sketch, k_sketch [b, r] are the prefill's
  // rows; fills every field of `cache` for the blocks of the prompt. A ragged last block stays
  // open: its query sum is its mean row times its n % B tokens.
  virtual void SeedSketchCache(const SketchDecodeParams& params, int num_tokens,
                               const float* q_sketch, const float* k_sketch,
                               const SketchCacheView& cache) const = 0;
  // Algorithm 2, steps 2 and 3, for the token at position q.first_pos (q holds that one token; its
  // key is already in kv): running mean of the growing block, its query row; the first token of a
  // new block first closes the block before it (folds its column into row_max, row_lse, E and
  // writes its row of E).
  virtual void AppendSketch(const SketchDecodeParams& params, const QueryView& q, const KvView& kv,
                            const SketchCacheView& cache) const = 0;
  // Algorithm 2, steps 4 and 5: row [c + 1] of the walk at this layer, masked and divided by its
  // maximum. first: it starts as W's row c, else row <- row W. c = (kv_len - 1) / block_size.
  virtual void WalkRow(const SketchDecodeParams& params, int kv_len, const SketchCacheView& cache,
                       bool first, float* row, int64_t* restarts) const = 0;

  // Exact causal attention of q over kv (scale 1/sqrt(d)); out row t is token t, [tokens, H * d].
  virtual void AttendDense(const QueryView& q, const KvView& kv, const TensorView& out) const = 0;
  // The same over the selected blocks only; q starts at token 0 (prefill). Blocks that are not
  // selected cost nothing.
  virtual void AttendBlocks(const QueryView& q, const KvView& kv, const BlockSelection& selection,
                            int block_size, const TensorView& out) const = 0;
  // One query token (the last of kv) over the blocks of the selection's single row.
  virtual void AttendDecode(const QueryView& q, const KvView& kv, const BlockSelection& selection,
                            int block_size, const TensorView& out) const = 0;
};

}  // namespace sw
