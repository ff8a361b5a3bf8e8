// KvCache: the keys and values of one sequence, all layers, one allocation, head-major per layer.
#pragma once

#include "core/ops/kv_view.h"
#include "core/tensor/buffer.h"

namespace sw {

struct CacheShape {
  int num_layers = 0;
  int num_kv_heads = 0;
  int head_dim = 0;
  int capacity_tokens = 0;
  DType dtype = DType::kF32;

  int64_t BytesPerLayer() const;  // of K and V together
  int64_t Bytes() const { return BytesPerLayer() * num_layers; }
};

class KvCache {
 public:
  // Contents undefined until written. Throws OutOfMemory.
  KvCache(const CacheShape& shape, Memory& memory);

  const CacheShape& shape() const { return shape_; }
  // The first `len` tokens of a layer; borrows, the cache must outlive it.
  KvView View(int layer, int len);

 private:
  CacheShape shape_;
  Buffer<uint8_t> pages_;  // [layer][K, V][kv head][token][head_dim]
};

}  // namespace sw
