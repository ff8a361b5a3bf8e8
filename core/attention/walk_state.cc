#include "core/attention/walk_state.h"

namespace sw {

LayerSketchCache LayerSketchCache::Make(Memory& memory, int capacity_blocks, int sketch_dim) {
  const auto blocks = static_cast<size_t>(capacity_blocks);
  const auto dim = static_cast<size_t>(sketch_dim);
  const std::string part = "selection";
  LayerSketchCache made;
  made.key_sketch = Buffer<float>(memory, part, blocks * dim);
  made.key_count = Buffer<int32_t>(memory, part, blocks);
  made.query_sketch = Buffer<float>(memory, part, blocks * dim);
  made.query_sum = Buffer<float>(memory, part, dim);
  made.query_count = Buffer<int32_t>(memory, part, 1);
  made.e = Buffer<float>(memory, part, blocks * blocks);
  made.row_max = Buffer<float>(memory, part, blocks);
  made.row_lse = Buffer<float>(memory, part, blocks);
  return made;
}

SketchCacheView LayerSketchCache::View(int capacity_blocks, int sketch_dim) {
  return {.capacity_blocks = capacity_blocks,
          .sketch_dim = sketch_dim,
          .key_sketch = key_sketch.data(),
          .key_count = key_count.data(),
          .query_sketch = query_sketch.data(),
          .query_sum = query_sum.data(),
          .query_count = query_count.data(),
          .e = e.data(),
          .row_max = row_max.data(),
          .row_lse = row_lse.data()};
}

}  // namespace sw
