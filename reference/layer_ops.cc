#include "reference/layer_ops.h"

#include "core/base/check.h"
#include "core/ops/block_layout.h"
#include "core/tensor/dtype.h"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <vector>

namespace sw {
namespace {

constexpr int kRopeChunk = 64;  // positions that share a coarse angle

void CheckF32(const TensorView& x) {
  SW_CHECK(x.dtype == DType::kF32, "the reference computes in f32, not {}", NameOf(x.dtype));
}
void CheckSameShape(const TensorView& a, const TensorView& b) {
  SW_CHECK(a.rows == b.rows && a.cols == b.cols, "[{}, {}] and [{}, {}]", a.rows, a.cols, b.rows,
           b.cols);
}

struct Turn {
  double cos;
  double sin;
};
Turn TurnBy(double angle) { return {std::cos(angle), std::sin(angle)}; }

// Turns element i with element i + half of one head; `from` may be `to`.
void RotateHead(const float* from, const float* cos, const float* sin, int half, float* to) {
  for (int i = 0; i < half; ++i) {
    const float a = from[i];
    const float b = from[i + half];
    to[i] = a * cos[i] - b * sin[i];
    to[i + half] = b * cos[i] + a * sin[i];
  }
}

}  // namespace

void ReferenceLayerOps::Embed(const WeightView& table, std::span<const int32_t> ids,
                              const TensorView& out) const {
  CheckF32(out);
  SW_CHECK(out.rows == static_cast<int64_t>(ids.size()) && out.cols == table.cols);
  for (const int32_t id : ids) {
    if (id < 0 || id >= table.rows) {
      FailUser(
          "token id {} is outside the model's vocabulary of {}: the tokenizer and the weights "
          "do not belong together",
          id, table.rows);
    }
  }
  pool_.ParallelFor(out.rows, [&](int64_t t, int) {
    DequantiseRow(table.dtype, table.Row(ids[t]), table.cols, out.RowAs<float>(t));
  });
}

void ReferenceLayerOps::RmsNorm(const TensorView& x, const WeightView& weight, float eps,
                                const TensorView& out) const {
  CheckF32(x);
  CheckF32(out);
  CheckSameShape(x, out);
  SW_CHECK(weight.dtype == DType::kF32 && weight.rows == 1 && weight.cols == x.cols,
           "norm weight [{}, {}] for {} columns", weight.rows, weight.cols, x.cols);
  using Row = Eigen::Map<Eigen::ArrayXf>;
  using ConstRow = Eigen::Map<const Eigen::ArrayXf>;
  const ConstRow scale(static_cast<const float*>(weight.data), x.cols);
  pool_.ParallelFor(x.rows, [&](int64_t t, int) {
    const ConstRow in(x.RowAs<float>(t), x.cols);
    const float mean = in.square().sum() / static_cast<float>(x.cols);
    Row(out.RowAs<float>(t), x.cols) = in * (1.0f / std::sqrt(mean + eps)) * scale;
  });
}

// cos and sin of (p0 + p1) f from those of p0 f and p1 f with p0 a multiple of kRopeChunk, in
// double: as exact as computing each one, at a fraction of the calls, and the same for a position
// whatever the rows around it.
void ReferenceLayerOps::RopeAppend(const TensorView& q, const TensorView& k, const TensorView& v,
                                   const float* inv_freq, int first_pos, const KvView& kv) const {
  CheckF32(q);
  CheckF32(k);
  CheckF32(v);
  const int d = kv.head_dim;
  const int half = d / 2;
  const int q_heads = static_cast<int>(q.cols / d);
  const int64_t rows = q.rows;
  SW_CHECK(d % 2 == 0 && q.cols == static_cast<int64_t>(q_heads) * d, "head_dim {}", d);
  SW_CHECK(k.rows == rows && v.rows == rows && k.cols == v.cols &&
           k.cols == static_cast<int64_t>(kv.num_kv_heads) * d);
  SW_CHECK(kv.dtype == DType::kF32 && first_pos >= 0 && first_pos + rows <= kv.len &&
               kv.len <= kv.capacity,
           "positions {} + {} of {} in {}", first_pos, rows, kv.len, kv.capacity);
  if (rows == 0) return;

  const int64_t end = first_pos + rows;
  std::vector<Turn> fine(static_cast<size_t>(kRopeChunk) * half);
  const int fine_begin = rows >= kRopeChunk ? 0 : first_pos % kRopeChunk;
  const int64_t fine_count = std::min<int64_t>(rows, kRopeChunk);
  for (int64_t n = 0; n < fine_count; ++n) {
    const int64_t p = (fine_begin + n) % kRopeChunk;
    for (int i = 0; i < half; ++i) {
      fine[p * half + i] = TurnBy(static_cast<double>(p) * static_cast<double>(inv_freq[i]));
    }
  }
  const int64_t first_chunk = first_pos / kRopeChunk;
  pool_.ParallelFor(CeilDiv(end, kRopeChunk) - first_chunk, [&](int64_t item, int) {
    const int64_t chunk_pos = (first_chunk + item) * kRopeChunk;
    std::vector<Turn> coarse(half);
    for (int i = 0; i < half; ++i) {
      coarse[i] = TurnBy(static_cast<double>(chunk_pos) * static_cast<double>(inv_freq[i]));
    }
    std::vector<float> cos(half);
    std::vector<float> sin(half);
    const int64_t pos_end = std::min<int64_t>(end, chunk_pos + kRopeChunk);
    for (int64_t pos = std::max<int64_t>(first_pos, chunk_pos); pos < pos_end; ++pos) {
      for (int i = 0; i < half; ++i) {
        const Turn& a = coarse[i];
        const Turn& b = fine[(pos - chunk_pos) * half + i];
        cos[i] = static_cast<float>(a.cos * b.cos - a.sin * b.sin);
        sin[i] = static_cast<float>(a.sin * b.cos + a.cos * b.sin);
      }
      const int64_t t = pos - first_pos;
      float* q_row = q.RowAs<float>(t);
      for (int head = 0; head < q_heads; ++head) {
        RotateHead(q_row + head * d, cos.data(), sin.data(), half, q_row + head * d);
      }
      for (int head = 0; head < kv.num_kv_heads; ++head) {
        const int64_t to = kv.HeadOffset(head) + pos * d;
        RotateHead(k.RowAs<float>(t) + head * d, cos.data(), sin.data(), half,
                   static_cast<float*>(kv.k) + to);
        std::copy_n(v.RowAs<float>(t) + head * d, d, static_cast<float*>(kv.v) + to);
      }
    }
  });
}

void ReferenceLayerOps::SiluMul(const TensorView& gate, const TensorView& up,
                                const TensorView& out) const {
  CheckF32(gate);
  CheckF32(up);
  CheckF32(out);
  CheckSameShape(gate, up);
  CheckSameShape(gate, out);
  pool_.ParallelFor(gate.rows, [&](int64_t t, int) {
    kernels_.silu_mul(gate.RowAs<float>(t), up.RowAs<float>(t), gate.cols, out.RowAs<float>(t));
  });
}

void ReferenceLayerOps::ArgMax(const TensorView& x, int32_t* out) const {
  CheckF32(x);
  SW_CHECK(x.cols > 0);
  pool_.ParallelFor(x.rows, [&](int64_t t, int) {
    const float* row = x.RowAs<float>(t);
    SW_CHECK(!Eigen::Map<const Eigen::ArrayXf>(row, x.cols).hasNaN(), "row {} holds a NaN", t);
    const float largest = kernels_.max(row, x.cols);
    out[t] = static_cast<int32_t>(std::find(row, row + x.cols, largest) - row);
  });
}

}  // namespace sw
