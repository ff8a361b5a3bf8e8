// The matrix products of ReferenceLayerOps.
#include "core/base/check.h"
#include "core/ops/block_layout.h"
#include "core/tensor/buffer.h"
#include "reference/layer_ops.h"

#include <algorithm>
#include <cstdint>

namespace sw {
namespace {

constexpr int64_t kFewRows = 8;            // up to which weights are not worth widening first
constexpr int64_t kGemvOutputs = 32;       // of one work item
constexpr int64_t kXBytes = 768 << 10;     // of x in one work item: it stays in a core's own cache
constexpr int64_t kPanelBytes = 16 << 20;  // of widened weights at a time
constexpr int64_t kItemsPerThread = 8;     // that even out the threads

// A multiple of the 6 rows that the kernels take at once.
int64_t RowsAtOnce(const TensorView& x) {
  return std::clamp<int64_t>(kXBytes / (x.cols * 4) / 6 * 6, 24, 480);
}

}  // namespace

void ReferenceLayerOps::MatMul(const TensorView& x, const WeightView& w, const TensorView& out,
                               bool accumulate) const {
  SW_CHECK(x.dtype == DType::kF32 && out.dtype == DType::kF32, "the reference computes in f32");
  SW_CHECK(x.cols == w.cols && out.rows == x.rows && out.cols == w.rows,
           "[{}, {}] times [{}, {}]^T into [{}, {}]", x.rows, x.cols, w.rows, w.cols, out.rows,
           out.cols);
  if (x.rows == 0 || w.rows == 0) return;
  if (x.rows <= kFewRows) return MultiplyFewRows(x, w, out, accumulate);
  if (x.rows <= RowsAtOnce(x)) return MultiplyPanelByPanel(x, w, out, accumulate);
  MultiplyPanels(x, w, out, accumulate);
}

void ReferenceLayerOps::MultiplyFewRows(const TensorView& x, const WeightView& w,
                                        const TensorView& out, bool accumulate) const {
  const auto gemv = kernels_.gemv[static_cast<size_t>(w.dtype)];
  const int64_t row_bytes = RowBytes(w.dtype, w.cols);
  pool_.ParallelFor(CeilDiv(w.rows, kGemvOutputs), [&](int64_t item, int) {
    const int64_t begin = item * kGemvOutputs;
    const int64_t count = std::min(kGemvOutputs, w.rows - begin);
    for (int64_t i = 0; i < x.rows; i += simd::kMaxGemvRows) {
      const int64_t rows = std::min<int64_t>(simd::kMaxGemvRows, x.rows - i);
      gemv(rows, count, w.cols, x.RowAs<float>(i), x.stride, w.Row(begin), row_bytes,
           out.RowAs<float>(i) + begin, out.stride, accumulate);
    }
  });
}

// All rows fit a core's own cache: each panel is widened by the thread that uses it, just before.
void ReferenceLayerOps::MultiplyPanelByPanel(const TensorView& x, const WeightView& w,
                                             const TensorView& out, bool accumulate) const {
  const auto pack = kernels_.pack_weights[static_cast<size_t>(w.dtype)];
  const int64_t row_bytes = RowBytes(w.dtype, w.cols);
  const int64_t cols = kernels_.panel_cols;
  const int64_t panel_floats = cols * w.cols;
  Buffer<float> packed(memory_, "workspace", pool_.num_threads() * panel_floats);
  pool_.ParallelFor(
      CeilDiv(w.rows, cols),
      [&](int64_t panel, int worker) {
        const int64_t outputs = std::min(cols, w.rows - panel * cols);
        float* mine = packed.data() + worker * panel_floats;
        pack(w.Row(panel * cols), row_bytes, outputs, w.cols, mine);
        kernels_.multiply(x.rows, outputs, w.cols, x.RowAs<float>(0), x.stride, mine,
                          out.RowAs<float>(0) + panel * cols, out.stride, accumulate);
      },
      1);
}

// Many rows: panels are widened once, by all threads, then all of them pass over one share of the
// rows before the next share comes. Where there are few shares, the panels are shared out as well.

void ReferenceLayerOps::MultiplyPanels(const TensorView& x, const WeightView& w,
                                       const TensorView& out, bool accumulate) const {
  const auto pack = kernels_.pack_weights[static_cast<size_t>(w.dtype)];
  const int64_t row_bytes = RowBytes(w.dtype, w.cols);
  const int64_t cols = kernels_.panel_cols;
  const int64_t panel_floats = cols * w.cols;
  const int64_t all_panels = CeilDiv(w.rows, cols);
  const int64_t at_once = std::min(
      all_panels, std::max<int64_t>(pool_.num_threads(), kPanelBytes / (panel_floats * 4)));
  const int64_t rows_at_once = RowsAtOnce(x);
  const int64_t row_shares = CeilDiv(x.rows, rows_at_once);
  const int64_t panel_shares = CeilDiv(pool_.num_threads() * kItemsPerThread, row_shares);
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
    const int64_t share = CeilDiv(panels, panel_shares);
    const int64_t shares = CeilDiv(panels, share);
    pool_.ParallelFor(
        row_shares * shares,
        [&](int64_t item, int) {
          const int64_t begin = item / shares * rows_at_once;
          const int64_t rows = std::min(rows_at_once, x.rows - begin);
          const int64_t panel_begin = item % shares * share;
          const int64_t panel_end = std::min(panels, panel_begin + share);
          const int64_t outputs = (panel_end - panel_begin - 1) * cols + outputs_of(panel_end - 1);
          kernels_.multiply(rows, outputs, w.cols, x.RowAs<float>(begin), x.stride,
                            packed.data() + panel_begin * panel_floats,
                            out.RowAs<float>(begin) + (first + panel_begin) * cols, out.stride,
                            accumulate);
        },
        1);
  }
}

}  // namespace sw
