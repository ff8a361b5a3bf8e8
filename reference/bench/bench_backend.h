// What all benchmarks here share: one backend, random numbers.
#pragma once

#include <vector>

#include "core/base/rng.h"
#include "reference/reference_backend.h"

namespace sw {

inline ReferenceBackend& BenchBackend() {
  static ReferenceBackend backend;
  return backend;
}

inline std::vector<float> RandomNumbers(int64_t count, uint64_t seed) {
  Rng rng(seed, StreamOf("bench"));
  std::vector<float> x(count);
  for (float& value : x) value = static_cast<float>(rng.Uniform() * 2 - 1);
  return x;
}

}  // namespace sw
