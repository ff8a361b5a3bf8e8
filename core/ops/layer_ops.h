// SEAM LayerOps: the rest of a LLaMA layer.
#pragma once

#include <cstdint>
#include <span>

#include "core/ops/kv_view.h"
#include "core/tensor/tensor_view.h"

namespace sw {

class LayerOps {
 public:
  virtual ~LayerOps() = default;

  // out row t = row ids[t] of the table; ids are host memory, each checked against the table.
  virtual void Embed(const WeightView& table, std::span<const int32_t> ids,
                     const TensorView& out) const = 0;
  // out = x / sqrt(mean(x^2) + eps) * weight, per row; weight [1, cols] F32. out may be x.
  virtual void RmsNorm(const TensorView& x, const WeightView& weight, float eps,
                       const TensorView& out) const = 0;
  // out = x W^T, or out += x W^T with accumulate; x [m, k], W [n, k], out [m, n].
  virtual void MatMul(const TensorView& x, const WeightView& w, const TensorView& out,
                      bool accumulate) const = 0;
  // Rotates q in place and k into kv at positions [first_pos, first_pos + rows), copies v there.
  // Element i of a head turns with element i + d/2 by first_pos + t times inv_freq[i].
  // q [rows, H * d], k and v [rows, H_kv * d]; inv_freq [d / 2] backend memory; kv.len covers them.
  virtual void RopeAppend(const TensorView& q, const TensorView& k, const TensorView& v,
                          const float* inv_freq, int first_pos, const KvView& kv) const = 0;
  // out = silu(gate) * up, element by element; out may be gate.
  virtual void SiluMul(const TensorView& gate, const TensorView& up,
                       const TensorView& out) const = 0;
  // out[t] = index of the largest number of row t, the smallest index of equals; out host memory.
  virtual void ArgMax(const TensorView& x, int32_t* out) const = 0;
};

}  // namespace sw
