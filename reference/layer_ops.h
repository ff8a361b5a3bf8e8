// ReferenceLayerOps: the rest of a LLaMA layer on the CPU, in fp32, from weights in any DType.
// Temporaries are taken from `memory` under "workspace" and freed before return. Results do not
// depend on the number of threads.
#pragma once

#include <cstdint>
#include <span>

#include "core/ops/layer_ops.h"
#include "core/tensor/memory.h"
#include "reference/simd/kernels.h"
#include "reference/thread_pool.h"

namespace sw {

class ReferenceLayerOps final : public LayerOps {
 public:
  // All three are borrowed and must outlive this object.
  ReferenceLayerOps(ThreadPool& pool, const simd::Kernels& kernels, Memory& memory)
      : pool_(pool), kernels_(kernels), memory_(memory) {}

  void Embed(const WeightView& table, std::span<const int32_t> ids,
             const TensorView& out) const override;
  void RmsNorm(const TensorView& x, const WeightView& weight, float eps,
               const TensorView& out) const override;
  // Up to 8 rows are multiplied with the stored weights as they are, more rows with panels of
  // weights widened to fp32. The two sum in different orders and differ by rounding.
  void MatMul(const TensorView& x, const WeightView& w, const TensorView& out,
              bool accumulate) const override;
  void RopeAppend(const TensorView& q, const TensorView& k, const TensorView& v,
                  const float* inv_freq, int first_pos, const KvView& kv) const override;
  void SiluMul(const TensorView& gate, const TensorView& up, const TensorView& out) const override;
  // BugError when a row holds a NaN.
  void ArgMax(const TensorView& x, int32_t* out) const override;

 private:
  void MultiplyFewRows(const TensorView& x, const WeightView& w, const TensorView& out,
                       bool accumulate) const;
  void MultiplyPanelByPanel(const TensorView& x, const WeightView& w, const TensorView& out,
                            bool accumulate) const;
  void MultiplyPanels(const TensorView& x, const WeightView& w, const TensorView& out,
                      bool accumulate) const;

  ThreadPool& pool_;
  const simd::Kernels& kernels_;
  Memory& memory_;
};

}  // namespace sw
