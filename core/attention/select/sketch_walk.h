// SketchWalk (arXiv 2602.07397): block scores from sketched block means, and a walk over layers
// that carries what earlier layers found. Algorithm 1 for prompts, Algorithm 2 for decode steps.
#pragma once

#include <optional>

#include "core/attention/block_selector.h"
#include "core/attention/select/sketch_scores.h"

namespace sw {

class SketchWalkSelector final : public BlockSelector {
 public:
  // `transform` replaces the draw from config.sketch_seed (golden tests).
  SketchWalkSelector(const SketchWalkConfig& config, const HeadShape& heads, Backend& backend,
                     const std::optional<SketchTransform>& transform = std::nullopt);

 private:
  std::unique_ptr<SelectorState> DoNewSequence(const SequenceShape& shape) const override;
  void DoSelectPrefill(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                       const SelectionOut& out) const override;
  void DoSelectDecode(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                      const SelectionOut& out) const override;
  // With walk_from: layer0 the walk passes through layers that attend densely; and a phase that is
  // dense still keeps the caches that the other one needs.
  void DoObservePrefill(const LayerInputs& in, SelectorState& state) const override;
  void DoObserveDecode(const LayerInputs& in, SelectorState& state) const override;
  void DoEndPass(Pass pass, SelectorState& state, AttentionTrace& trace) const override;

  int first_walked_layer(int num_layers) const;
  bool Walks(Pass pass) const;
  void AdvancePrefill(const LayerInputs& in, SketchWalkState& state) const;
  void AdvanceDecode(const LayerInputs& in, SketchWalkState& state) const;

  SketchWalkConfig config_;
  SketchScores scores_;
};

}  // namespace sw
