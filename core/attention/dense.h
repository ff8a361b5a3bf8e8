// DensePolicy: exact causal attention over everything; the arm that all others stand beside.
#pragma once

#include "core/attention/attention_policy.h"

namespace sw {

class DensePolicy final : public AttentionPolicy {
 public:
  // `backend` must outlive the policy.
  explicit DensePolicy(Backend& backend) : backend_(backend) {}

  std::string_view name() const override { return "dense"; }
  std::unique_ptr<SequenceState> NewSequence(const SequenceShape& shape) const override;
  void Prefill(const LayerInputs& in, SequenceState& state, const TensorView& out) const override;
  void Decode(const LayerInputs& in, SequenceState& state, const TensorView& out) const override;

 private:
  Backend& backend_;
};

}  // namespace sw
