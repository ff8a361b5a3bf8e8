// What a sweep will keep, take and need before it runs: the work from shapes (core/ops/cost.h), the
// speed from a short calibration of the backend, the memory from what each part will allocate.
#pragma once

#include <cstdint>
#include <vector>

#include "core/config/run_config.h"
#include "core/model/llama_weights.h"
#include "core/ops/cost.h"
#include "harness/calibrate.h"

namespace sw {

SelectionCostShape SelectionShapeOf(const PolicyConfig& policy, const HeadShape& heads);

// What an arm keeps of a prompt of `length` tokens.
struct KeepEstimate {
  int num_blocks = 0;         // 0: dense, all below is then of no meaning
  int last_row = 0;           // blocks that the last query block keeps: tau
  int free_last_row = 0;      // of those, not forced: the selector's choice
  bool keeps_all = false;     // the last row keeps every block
  double density_sparse = 1;  // kept / causal pairs of a sparse layer in prefill
  double density = 1;         // over all layers

  // With fewer than two free blocks every selector keeps nearly the same: no comparison.
  bool is_degenerate() const { return num_blocks > 0 && (keeps_all || free_last_row < 2); }
};
KeepEstimate EstimateKeep(const PolicyConfig& policy, const LlamaShape& model, int length);

struct PointEstimate {
  KeepEstimate keep;
  double seconds = 0;            // of all samples; generation is taken to use its whole budget
  int64_t peak_bytes = 0;        // weights, cache, activations, selection
  KernelCost prefill_attention;  // of one sample, all layers
};

struct EstimateInputs {
  LlamaShape model;
  int64_t weight_bytes = 0;
  DType activation_dtype = DType::kF32;
  int samples = 0;  // per point
  int batch = 1;
  Rates rates;
};
// max_new_tokens: of the task; forced scoring takes one pass over the prompt instead.
PointEstimate EstimatePoint(const RunPoint& point, int max_new_tokens,
                            const EstimateInputs& inputs);

}  // namespace sw
