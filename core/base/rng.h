// Counter-based random numbers: value = f(seed, stream, index), the same on every machine, compiler
// and thread count. No hidden state, so samples can be drawn in any order or in parallel.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace sw {

// 64 well-mixed bits for the triple; SplitMix64's finaliser applied to each word in turn.
uint64_t RandomBits(uint64_t seed, uint64_t stream, uint64_t index);

// A stream number from a name, so that unrelated draws never share a stream (FNV-1a, 64 bits).
uint64_t StreamOf(std::string_view name);

// A cursor over one (seed, stream). Cheap to copy.
class Rng {
 public:
  Rng(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {}

  uint64_t NextBits() { return RandomBits(seed_, stream_, index_++); }
  // Uniform in [0, bound), free of modulo bias; bound >= 1.
  uint64_t Below(uint64_t bound);
  // Uniform in [low, high], both ends included.
  int64_t Between(int64_t low, int64_t high);
  // Uniform in [0, 1) with 53 bits.
  double Uniform();
  // Standard normal (Box-Muller); for test data.
  double Normal();

  template <class T>
  void Shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }
  // `count` distinct numbers of [0, bound), in random order; count <= bound.
  std::vector<uint64_t> Sample(uint64_t bound, uint64_t count);

 private:
  uint64_t seed_;
  uint64_t stream_;
  uint64_t index_ = 0;
};

}  // namespace sw
