// What select_ops, walk_ops and decode_ops share: one row at a time, no threads, no allocation.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "core/base/check.h"
#include "core/ops/attention_ops.h"

namespace sw {

// In-place unnormalised Walsh-Hadamard transform in Sylvester order; n is a power of two.
inline void WalshHadamardInPlace(float* x, int n) {
  for (int half = 1; half < n; half *= 2) {
    for (int begin = 0; begin < n; begin += 2 * half) {
      for (int i = begin; i < begin + half; ++i) {
        const float sum = x[i] + x[i + half];
        x[i + half] = x[i] - x[i + half];
        x[i] = sum;
      }
    }
  }
}

inline void CheckSketch(const SketchView& sketch) {
  SW_CHECK(sketch.head_dim >= 1 && sketch.head_dim <= sketch.padded_dim &&
               std::has_single_bit(static_cast<unsigned>(sketch.padded_dim)),
           "head_dim {} padded to {}", sketch.head_dim, sketch.padded_dim);
  SW_CHECK(sketch.sketch_dim >= 1 && sketch.sketch_dim <= sketch.padded_dim, "sketch_dim {} of {}",
           sketch.sketch_dim, sketch.padded_dim);
}

// out [r] = H x; scratch [d'] is overwritten. out may be x.
inline void SketchRow(const SketchView& sketch, const float* x, float* scratch, float* out) {
  for (int i = 0; i < sketch.head_dim; ++i) scratch[i] = x[i] * sketch.signs[i];
  for (int i = sketch.head_dim; i < sketch.padded_dim; ++i) scratch[i] = 0.0f;
  WalshHadamardInPlace(scratch, sketch.padded_dim);
  const float scale = 1.0f / std::sqrt(static_cast<float>(sketch.sketch_dim));
  for (int p = 0; p < sketch.sketch_dim; ++p) out[p] = scratch[sketch.rows[p]] * scale;
}

// Divides the n numbers of a row by their maximum, which becomes exactly 1; false, and nothing
// done, when the maximum is 0 or not a normal number.
inline bool RescaleRow(float* row, int64_t n, float max) {
  if (!(max > 0.0f) || !std::isnormal(max)) return false;
  for (int64_t j = 0; j < n; ++j) row[j] /= max;
  return true;
}

}  // namespace sw
