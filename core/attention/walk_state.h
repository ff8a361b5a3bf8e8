// What sketch_walk and one_hop carry for one sequence.
#pragma once

#include <cstdint>
#include <vector>

#include "core/attention/block_selector.h"
#include "core/ops/attention_ops.h"
#include "core/tensor/buffer.h"

namespace sw {

// The walk is across layers: one R per sequence, carried from layer to layer, never one per layer.
struct WalkState {
  Buffer<float> rows;  // prefill: R, [b, b], row i uses j <= i, maximum 1; freed after the prefill
  Buffer<float>
      decode_row;  // decode: R's row of the current block, rebuilt layer by layer at each step
  Buffer<int64_t> restarts;  // [1] rows that had to start again, since the sequence began
};

// For decode, one per layer that the walk passes through; the fields are SketchCacheView's.
struct LayerSketchCache {
  Buffer<float> key_sketch;
  Buffer<int32_t> key_count;
  Buffer<float> query_sketch;
  Buffer<float> query_sum;
  Buffer<int32_t> query_count;
  Buffer<float> e;
  Buffer<float> row_max;
  Buffer<float> row_lse;

  // Contents undefined until seeded.
  static LayerSketchCache Make(Memory& memory, int capacity_blocks, int sketch_dim);
  SketchCacheView View(int capacity_blocks, int sketch_dim);
};

// Prefill scratch of one layer, reused by the next one.
struct SketchScratch {
  int num_blocks = 0;
  Buffer<float> mean;        // [b, head_dim] of the queries, then of the keys
  Buffer<float> q_sketch;    // [b, sketch_dim]
  Buffer<float> k_sketch;    // [b, sketch_dim]
  Buffer<float> scores;      // A, [b, b]
  Buffer<float> e;           // [b, b]
  Buffer<float> log_factor;  // [b]
};

struct SketchWalkState final : SelectorState {
  int capacity_blocks = 0;
  WalkState walk;
  std::vector<LayerSketchCache> layers;  // [num_layers]; empty buffers where the walk does not pass
  SketchScratch scratch;
};

}  // namespace sw
