// SparsePolicy: everything that block-sparse arms share, so that they differ in the score alone:
// skip layers, phases, forced blocks, keep rule, attention over the lists, and the trace of what
// was kept. The choice of blocks is its BlockSelector's.
#pragma once

#include "core/attention/block_selector.h"
#include "core/config/policy_config.h"

namespace sw {

struct SparseState;

class SparsePolicy final : public AttentionPolicy {
 public:
  // `name` must have static storage; `config` must be valid (ValidatePolicy); `backend` must
  // outlive the policy and be the selector's.
  SparsePolicy(std::string_view name, const SparseConfig& config,
               std::unique_ptr<const BlockSelector> selector, Backend& backend);

  std::string_view name() const override { return name_; }
  std::unique_ptr<SequenceState> NewSequence(const SequenceShape& shape) const override;
  void Prefill(const LayerInputs& in, SequenceState& state, const TensorView& out) const override;
  void Decode(const LayerInputs& in, SequenceState& state, const TensorView& out) const override;

  // How many blocks the rows of a phase keep; the dense tail is the prefill's alone.
  KeepRule RuleOf(Pass pass) const;

 private:
  bool IsSparse(Pass pass, int layer) const;
  SparseState& StateOf(SequenceState& state) const;
  void AttendDense(const LayerInputs& in, const TensorView& out) const;
  void PrefillThroughLists(const LayerInputs& in, SparseState& state, const TensorView& out) const;
  void DecodeThroughLists(const LayerInputs& in, SparseState& state, const TensorView& out) const;

  std::string_view name_;
  SparseConfig config_;
  std::unique_ptr<const BlockSelector> selector_;
  Backend& backend_;
};

}  // namespace sw
