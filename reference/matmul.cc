// The matrix products of ReferenceLayerOps.
#include "core/base/check.h"
#include "core/ops/block_layout.h"
#include "core/tensor/buffer.h"
#include "reference/layer_ops.h"

#include <algorithm>
#include <cstdint>

namespace sw {
namespace {

constexpr int64_t kGemvOutputs = 32;      // of one work item
constexpr int64_t kRowsPerItem = 240;     // of x, in one work item on panels
constexpr int64_t kPanelBytes = 16 << 20;  // of widened weights at a time

}  // namespace

void ReferenceLayerOps::MatMul(const TensorView& x, const WeightView& w, const TensorView& out,
                               bool accumulate) const {
  SW_CHECK(x.dtype == DType::kF32 && out.dtype == DType::kF32, "the reference computes in f32");
  SW_CHECK(x.cols == w.cols && out.rows == x.rows && out.cols == w.rows,
           "[{}, {}] times [{}, {}]^T into [{}, {}]", x.rows, x.cols, w.rows, w.cols, out.rows,
           out.cols);
  if (x.rows == 0 || w.rows == 0) return;
  if (x.rows <= simd::kMaxGemvRows) {
    MultiplyFewRows(x, w, out, accumulate);
  } else {
    MultiplyPanels(x, w, out, accumulate);
  }
}

void ReferenceLayerOps::MultiplyFewRows(const TensorView& x, const WeightView& w,
                                        const TensorView& out, bool accumulate) const {
  const auto gemv = kernels_.gemv[static_cast<size_t>(w.dtype)];
  const int64_t row_bytes = RowBytes(w.dtype, w.cols);
  pool_.ParallelFor(CeilDiv(w.rows, kGemvOutputs), [&](int64_t item, int) {
    const int64_t begin = item * kGemvOutputs;
    const int64_t count = std::min(kGemvOutputs, w.rows - begin);
    gemv(x.rows, count, w.cols, x.RowAs<float>(0), x.stride, w.Row(begin), row_bytes,
         out.RowAs<float>(0) + begin, out.stride, accumulate);
  });
}

void ReferenceLayerOps::MultiplyPanels(const TensorView& x, const WeightView& w,
                                       const TensorView& out, bool accumulate) const {
  const auto pack = kernels_.pack_weights[static_cast<size_t>(w.dtype)];
  const int64_t row_bytes = RowBytes(w.dtype, w.cols);
  const int64_t cols = kernels_.panel_cols;
  const int64_t panel_floats = cols * w.cols;
  const int64_t all_panels = CeilDiv(w.rows, cols);
  const int64_t at_once =
      std::clamp<int64_t>(kPanelBytes / (panel_floats * 4), pool_.num_threads(), all_panels);
  const int64_t row_items = CeilDiv(x.rows, kRowsPerItem);
  Buffer<float> packed(memory_, "workspace", at_once * panel_floats);
  for (int64_t first = 0; first < all_panels; first += at_once) {
    const int64_t panels = std::min(at_once, all_panels - first);
    const auto outputs_of = [&](int64_t panel) {
      return std::min(cols, w.rows - (first + panel) * cols);
    };
    pool_.ParallelFor(
        panels,
        [&](int64_t panel, int) {
          pack(w.Row((first + panel) * cols), row_bytes, outputs_of(panel), w.cols,
               packed.data() + panel * panel_floats);
        },
        1);
    pool_.ParallelFor(
        panels * row_items,
        [&](int64_t item, int) {
          const int64_t panel = item / row_items;
          const int64_t begin = item % row_items * kRowsPerItem;
          const int64_t rows = std::min(kRowsPerItem, x.rows - begin);
          kernels_.multiply(rows, outputs_of(panel), w.cols, x.RowAs<float>(begin), x.stride,
                            packed.data() + panel * panel_floats,
                            out.RowAs<float>(begin) + (first + panel) * cols, out.stride,
                            accumulate);
        },
        1);
  }
}

}  // namespace sw
