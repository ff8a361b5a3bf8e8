// SEAM AttentionPolicy: how a layer attends, in prefill and in decode. A policy is const:
// everything that changes is in the SequenceState, so one policy serves any number of sequences.
#pragma once

#include <memory>
#include <string_view>

#include "core/attention/sequence_state.h"
#include "core/ops/backend.h"

namespace sw {

struct SequenceShape {
  HeadShape heads;
  int num_layers = 0;
  int capacity_tokens = 0;  // prompt and everything that decode will add
  uint64_t sample_key = 0;  // stable identity of the sample; the random policy draws from it
};

// One layer of one sequence. kv already holds the keys and values of q's tokens; kv.len counts
// them.
struct LayerInputs {
  int layer = 0;
  QueryView q;
  KvView kv;
};

class AttentionPolicy {
 public:
  virtual ~AttentionPolicy() = default;

  virtual std::string_view name() const = 0;
  virtual std::unique_ptr<SequenceState> NewSequence(const SequenceShape& shape) const = 0;
  // A whole prompt: q.first_pos is 0, layers arrive in ascending order, once. out [tokens, H * d].
  virtual void Prefill(const LayerInputs& in, SequenceState& state,
                       const TensorView& out) const = 0;
  // One token at position kv.len - 1, layers in ascending order. out [1, H * d].
  virtual void Decode(const LayerInputs& in, SequenceState& state, const TensorView& out) const = 0;
};

}  // namespace sw
