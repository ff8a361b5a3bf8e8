// PassOrder: the order in which one sequence's layers must arrive. One prefill, then decode steps
// of one token; within each, every layer once, ascending. A walk over layers is meaningless
// otherwise.
#pragma once

#include "core/attention/attention_policy.h"
#include "core/attention/block_selector.h"

namespace sw {

class PassOrder {
 public:
  explicit PassOrder(const SequenceShape& shape);

  const SequenceShape& shape() const { return shape_; }
  // Throws BugError when this layer of this pass is not the one that is due, or when q, kv and out
  // do not fit each other and the sequence.
  void Enter(Pass pass, const LayerInputs& in, const TensorView& out);
  // After the layer's work; true when it was the last layer of the pass.
  bool Leave();

 private:
  SequenceShape shape_;
  int tokens_ = 0;    // of the finished passes
  int pass_len_ = 0;  // kv.len of the pass under way
  int next_layer_ = 0;
};

}  // namespace sw
