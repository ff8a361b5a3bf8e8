// sketch_walk without the walk: every layer chooses by its own scores. Answers whether walking
// helps. A row of W ranks its blocks as the row of A does, so prompts are picked by A itself, which
// cannot underflow.
#pragma once

#include "core/attention/block_selector.h"
#include "core/attention/select/sketch_scores.h"

namespace sw {

class OneHopSelector final : public BlockSelector {
 public:
  OneHopSelector(const OneHopConfig& config, const HeadShape& heads, Backend& backend,
                 const std::optional<SketchTransform>& transform = std::nullopt);

 private:
  std::unique_ptr<SelectorState> DoNewSequence(const SequenceShape& shape) const override;
  void DoSelectPrefill(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                       const SelectionOut& out) const override;
  void DoSelectDecode(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                      const SelectionOut& out) const override;
  void DoObservePrefill(const LayerInputs& in, SelectorState& state) const override;
  void DoEndPass(Pass pass, SelectorState& state, AttentionTrace& trace) const override;

  OneHopConfig config_;
  SketchScores scores_;
};

}  // namespace sw
