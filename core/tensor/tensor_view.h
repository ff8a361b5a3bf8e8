// Borrowed matrices. Whoever made the view owns the memory and outlives it.
#pragma once

#include <cstdint>

#include "core/base/check.h"
#include "core/tensor/dtype.h"

namespace sw {

// A stored weight matrix [rows, cols], row-major, rows without padding: y = W x has rows outputs.
struct WeightView {
  DType dtype = DType::kF32;
  const void* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;

  const uint8_t* Row(int64_t row) const {
    return static_cast<const uint8_t*>(data) + row * RowBytes(dtype, cols);
  }
};

// An activation matrix [rows, cols] in the backend's activation type; `stride` elements from one
// row to the next (stride >= cols).
struct TensorView {
  DType dtype = DType::kF32;
  void* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  template <class T>
  T* RowAs(int64_t row) const {
    return static_cast<T*>(data) + row * stride;
  }
  // The rows [begin, end) as a view of their own; plain (unquantised) types only.
  TensorView Rows(int64_t begin, int64_t end) const {
    SW_CHECK(0 <= begin && begin <= end && end <= rows);
    auto* bytes = static_cast<uint8_t*>(data) + begin * stride * BlockBytes(dtype);
    return {dtype, bytes, end - begin, cols, stride};
  }
};

}  // namespace sw
