// ReferenceAttentionOps: the operations of block-sparse attention on the CPU, in fp32.
//   attend_*.cc, block_mass.cc            attention itself
//   select_ops.cc, walk_ops.cc, decode_ops.cc   what chooses the blocks
// Views must be F32. Temporaries are taken from `memory` under "workspace" and freed before return.
// Results do not depend on the number of threads.
#pragma once

#include "core/ops/attention_ops.h"
#include "core/tensor/memory.h"
#include "reference/simd/kernels.h"
#include "reference/thread_pool.h"

namespace sw {

class ReferenceAttentionOps final : public AttentionOps {
 public:
  // All three are borrowed and must outlive this object.
  ReferenceAttentionOps(ThreadPool& pool, const simd::Kernels& kernels, Memory& memory)
      : pool_(pool), kernels_(kernels), memory_(memory) {}

  void SummariseQueries(const QueryView& q, int block_size, float* out) const override;
  void SummariseKeys(const KvView& kv, int block_size, float* out) const override;
  void Sketch(const SketchView& sketch, const float* in, int rows, float* out) const override;
  void ScoreBlocks(const ScoreBlocksParams& params) const override;
  void WalkStep(const WalkStepParams& params) const override;
  void PickBlocks(const PickBlocksParams& params) const override;
  void BlockMass(const QueryView& q, const KvView& kv, int block_size, int num_groups,
                 MassJoin join, float* scores, int64_t score_stride) const override;
  void SeedSketchCache(const SketchDecodeParams& params, int num_tokens, const float* q_sketch,
                       const float* k_sketch, const SketchCacheView& cache) const override;
  void AppendSketch(const SketchDecodeParams& params, const QueryView& q, const KvView& kv,
                    const SketchCacheView& cache) const override;
  void WalkRow(const SketchDecodeParams& params, int kv_len, const SketchCacheView& cache,
               bool first, float* row, int64_t* restarts) const override;
  void AttendDense(const QueryView& q, const KvView& kv, const TensorView& out) const override;
  void AttendBlocks(const QueryView& q, const KvView& kv, const BlockSelection& selection,
                    int block_size, const TensorView& out) const override;
  void AttendDecode(const QueryView& q, const KvView& kv, const BlockSelection& selection,
                    int block_size, const TensorView& out) const override;

 private:
  ThreadPool& pool_;
  const simd::Kernels& kernels_;
  Memory& memory_;
};

}  // namespace sw
