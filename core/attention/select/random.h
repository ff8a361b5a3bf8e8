// Random blocks beside the forced ones: the floor that any selector must beat. The draw is a
// function of (seed, sample, layer, query block) in a prompt and of (seed, sample, layer, position)
// in decode, so it is the same on every machine and in any order of samples.
#pragma once

#include "core/attention/block_selector.h"
#include "core/config/policy_config.h"

namespace sw {

class RandomSelector final : public BlockSelector {
 public:
  RandomSelector(const RandomConfig& config, Backend& backend);

 private:
  std::unique_ptr<SelectorState> DoNewSequence(const SequenceShape& shape) const override;
  void DoSelectPrefill(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                       const SelectionOut& out) const override;
  void DoSelectDecode(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                      const SelectionOut& out) const override;
  void DoEndPass(Pass pass, SelectorState& state, AttentionTrace& trace) const override;

  RandomConfig config_;
};

}  // namespace sw
