// Sinks and the nearest blocks, whatever the content (as StreamingLLM): the floor that a clever
// selector must beat. A block's score is its position, so the nearest fill what the forced ones
// leave.
#pragma once

#include "core/attention/block_selector.h"
#include "core/config/policy_config.h"

namespace sw {

class LocalSinkSelector final : public BlockSelector {
 public:
  LocalSinkSelector(const LocalSinkConfig& config, Backend& backend);

 private:
  std::unique_ptr<SelectorState> DoNewSequence(const SequenceShape& shape) const override;
  void DoSelectPrefill(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                       const SelectionOut& out) const override;
  void DoSelectDecode(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                      const SelectionOut& out) const override;
  void DoEndPass(Pass pass, SelectorState& state, AttentionTrace& trace) const override;
};

}  // namespace sw
