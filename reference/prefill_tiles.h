// PrefillTiles: many queries against many keys, tile by tile, for dense attention, attention over
// chosen blocks, and block masses. Never more than a tile of scores exists per thread.
//
// Keys are transposed once into strips (simd/attend_tile.h), block by block, each block starting a
// strip of its own; values stay in the cache. A query's result depends on its own keys, their
// blocks and the tiles that the list cuts them into, not on its neighbours or on where it stands.
#pragma once

#include <cstdint>

#include "core/ops/kv_view.h"
#include "core/tensor/buffer.h"
#include "core/tensor/memory.h"
#include "core/tensor/tensor_view.h"
#include "reference/simd/attend_tile.h"
#include "reference/simd/kernels.h"
#include "reference/thread_pool.h"

namespace sw {

// Key blocks to visit, ascending; ids == nullptr stands for 0, 1, ..., count - 1.
struct BlockList {
  const int32_t* ids = nullptr;
  int count = 0;
};

// Query heads [q_head, q_head + heads) of one KV head, tokens [token_begin, token_end) of the view.
struct QueryTile {
  int q_head = 0;
  int heads = 1;
  int token_begin = 0;
  int token_end = 0;
};

class PrefillTiles {
 public:
  // Packs the keys that the queries see. heads_per_tile: the most that a QueryTile will have.
  // Views are borrowed for the lifetime of this object; so are the other three.
  PrefillTiles(ThreadPool& pool, const simd::Kernels& kernels, Memory& memory, const QueryView& q,
               const KvView& kv, int block_size, int heads_per_tile);

  // The most tokens of one QueryTile.
  int tokens_per_tile() const { return tokens_per_tile_; }

  // Softmax attention over the listed blocks, causal by token, into the rows and heads of `out`.
  // Each query must see a key. Calls with different `worker` may run at once.
  void Attend(const QueryTile& tile, const BlockList& list, int worker,
              const TensorView& out) const;
  // Largest score and sum of exponents per row (token-major) and block, see simd::MassTile:
  // block_max and block_sum [rows][stride] hold -infinity and 0 before.
  void Mass(const QueryTile& tile, const BlockList& list, int worker, float* block_max,
            float* block_sum, int64_t stride) const;

 private:
  struct Scratch {
    float* q;
    float* scores;
    float* rescale;
    float* max;
    float* sum;
    float* out;
  };
  void PackKeys(ThreadPool& pool);
  Scratch ScratchOf(int worker) const;
  simd::QueryRows GatherQueries(const QueryTile& tile, float* q) const;
  template <class Visit>
  void ForEachTile(int kv_head, const BlockList& list, Visit&& visit) const;

  const simd::Kernels& kernels_;
  const QueryView& q_;
  const KvView& kv_;
  int block_size_;
  int num_keys_;
  int num_blocks_;
  int strips_per_block_;
  int tokens_per_tile_;
  int64_t rows_per_tile_;
  int64_t scratch_floats_;
  Buffer<float> packed_;           // [kv heads][blocks][strips per block][head_dim][lanes]
  mutable Buffer<float> scratch_;  // [workers][scratch_floats_]
};

}  // namespace sw
