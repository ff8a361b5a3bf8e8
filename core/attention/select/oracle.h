// The ceiling: the blocks that earn the most exact attention mass. Its scores cost as much as dense
// attention, so its time is no claim.
#pragma once

#include "core/attention/block_selector.h"
#include "core/config/policy_config.h"

namespace sw {

class OracleSelector final : public BlockSelector {
 public:
  OracleSelector(const OracleConfig& config, const HeadShape& heads, Backend& backend);

 private:
  std::unique_ptr<SelectorState> DoNewSequence(const SequenceShape& shape) const override;
  void DoSelectPrefill(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                       const SelectionOut& out) const override;
  void DoSelectDecode(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                      const SelectionOut& out) const override;
  void DoEndPass(Pass pass, SelectorState& state, AttentionTrace& trace) const override;
  void PickByMass(const LayerInputs& in, const SelectionRule& rule, float* scores, int64_t stride,
                  const SelectionOut& out) const;

  OracleConfig config_;
};

}  // namespace sw
