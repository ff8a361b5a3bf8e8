// The numbers of the subsampled randomised Hadamard transform, Hx = (1/sqrt(r)) P WHT(D x): one
// draw per run, the same in every layer, for queries and keys alike.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ops/attention_ops.h"
#include "core/tensor/buffer.h"

namespace sw {

// On the host, so that a record can hold it.
struct SketchTransform {
  int head_dim = 0;
  std::vector<float> signs;   // D: [d'], +1 or -1; d' is head_dim padded to a power of two
  std::vector<int32_t> rows;  // P: [r] rows of the Sylvester matrix, distinct, in [0, d')
};

// D and P from two streams of `seed`; P ascending. 1 <= sketch_dim <= d'.
SketchTransform DrawSketchTransform(int head_dim, int sketch_dim, uint64_t seed);

// A transform in a backend's memory. Throws BugError for one that is malformed.
class DeviceSketch {
 public:
  DeviceSketch(const SketchTransform& transform, Memory& memory);
  SketchView View() const;

 private:
  int head_dim_;
  Buffer<float> signs_;
  Buffer<int32_t> rows_;
};

}  // namespace sw
