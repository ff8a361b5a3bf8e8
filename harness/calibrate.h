// How quick a backend is on this machine, from a fraction of a second of its own operations.
#pragma once

#include "core/model/llama_weights.h"
#include "core/ops/backend.h"

namespace sw {

// Floating-point operations per second, by kind of work.
struct Rates {
  double prefill_matmul = 0;
  double decode_matmul = 0;  // one row: bound by reading the weights
  double prefill_attention = 0;
  double decode_attention = 0;
  double block_mass = 0;
};
// Well under a second for a small model: products and attention of the model's own shapes and
// weight type, best of a few.
Rates Calibrate(Backend& backend, const LlamaShape& model, DType weight_dtype);

}  // namespace sw
