#include "core/cache/kv_cache.h"

#include <set>
#include <vector>

#include "core/testing/catch.h"
#include "reference/host_memory.h"

namespace sw {
namespace {

constexpr CacheShape kShape = {
    .num_layers = 3, .num_kv_heads = 2, .head_dim = 5, .capacity_tokens = 7};

}  // namespace

TEST_CASE("a cache takes keys and values of every layer once, and gives them back") {
  HostMemory memory;
  CHECK(kShape.BytesPerLayer() == 2 * 2 * 7 * 5 * 4);
  CHECK(kShape.Bytes() == 3 * kShape.BytesPerLayer());
  {
    const KvCache cache(kShape, memory);
    CHECK(memory.Usage()["kv_cache"].current_bytes == kShape.Bytes());
  }
  CHECK(memory.Usage()["kv_cache"].current_bytes == 0);
  CHECK(memory.Usage()["kv_cache"].peak_bytes == kShape.Bytes());
}

TEST_CASE("half-precision caches take half the bytes") {
  CacheShape half = kShape;
  half.dtype = DType::kBF16;
  CHECK(2 * half.Bytes() == kShape.Bytes());
  half.dtype = DType::kF16;
  CHECK(2 * half.Bytes() == kShape.Bytes());
}

TEST_CASE("every number of every layer has a place of its own inside the cache") {
  HostMemory memory;
  KvCache cache(kShape, memory);
  std::set<const float*> places;
  for (int layer = 0; layer < kShape.num_layers; ++layer) {
    const KvView view = cache.View(layer, kShape.capacity_tokens);
    for (int head = 0; head < kShape.num_kv_heads; ++head) {
      for (int i = 0; i < kShape.capacity_tokens * kShape.head_dim; ++i) {
        places.insert(view.KeysF32(head) + i);
        places.insert(view.ValuesF32(head) + i);
      }
    }
  }
  const auto bytes = static_cast<int64_t>(places.size() * sizeof(float));
  CHECK(bytes == kShape.Bytes());
  // No gaps: the last place ends where the allocation ends.
  CHECK(*places.rbegin() - *places.begin() + 1 == static_cast<int64_t>(places.size()));
}

TEST_CASE("a view shows the shape, its length and what was written through another view") {
  HostMemory memory;
  KvCache cache(kShape, memory);
  const KvView shorter = cache.View(1, 3);
  CHECK(shorter.len == 3);
  CHECK(shorter.capacity == 7);
  CHECK(shorter.num_kv_heads == 2);
  CHECK(shorter.head_dim == 5);
  CHECK(shorter.dtype == DType::kF32);
  const KvView all = cache.View(1, 7);
  static_cast<float*>(all.k)[all.HeadOffset(1) + 2 * 5 + 4] = 1.5f;
  static_cast<float*>(all.v)[all.HeadOffset(1) + 2 * 5 + 4] = -2.5f;
  CHECK(shorter.KeysF32(1)[2 * 5 + 4] == 1.5f);
  CHECK(shorter.ValuesF32(1)[2 * 5 + 4] == -2.5f);
  CHECK(cache.View(1, 0).len == 0);
}

TEST_CASE("a layer or a length outside the cache is a bug") {
  HostMemory memory;
  KvCache cache(kShape, memory);
  CHECK_THROWS_AS(cache.View(-1, 1), BugError);
  CHECK_THROWS_AS(cache.View(3, 1), BugError);
  CHECK_THROWS_AS(cache.View(0, 8), BugError);
  CHECK_THROWS_AS(cache.View(0, -1), BugError);
  CHECK_THROWS_AS(
      KvCache({.num_layers = 1, .num_kv_heads = 1, .head_dim = 4, .capacity_tokens = 0}, memory),
      BugError);
}

TEST_CASE("a cache that does not fit says so") {
  HostMemory memory(kShape.Bytes() - 1);
  CHECK_THROWS_AS(KvCache(kShape, memory), OutOfMemory);
}

}  // namespace sw
