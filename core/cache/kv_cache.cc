#include "core/cache/kv_cache.h"

#include "core/base/check.h"

namespace sw {

int64_t CacheShape::BytesPerLayer() const {
  return 2 * static_cast<int64_t>(num_kv_heads) * capacity_tokens * RowBytes(dtype, head_dim);
}

KvCache::KvCache(const CacheShape& shape, Memory& memory)
    : shape_(shape), pages_(memory, "kv_cache", static_cast<size_t>(shape.Bytes())) {
  SW_CHECK(shape.num_layers > 0 && shape.num_kv_heads > 0 && shape.head_dim > 0 &&
           shape.capacity_tokens > 0);
}

KvView KvCache::View(int layer, int len) {
  SW_CHECK(0 <= layer && layer < shape_.num_layers, "layer {}", layer);
  SW_CHECK(0 <= len && len <= shape_.capacity_tokens, "{} tokens in a cache of {}", len,
           shape_.capacity_tokens);
  uint8_t* keys = pages_.data() + layer * shape_.BytesPerLayer();
  return {.dtype = shape_.dtype,
          .k = keys,
          .v = keys + shape_.BytesPerLayer() / 2,
          .num_kv_heads = shape_.num_kv_heads,
          .head_dim = shape_.head_dim,
          .capacity = shape_.capacity_tokens,
          .len = len};
}

}  // namespace sw
