#include "core/attention/select/one_hop.h"

namespace sw {
namespace {

SketchWalkState& StateOf(SelectorState& state) { return static_cast<SketchWalkState&>(state); }

}  // namespace

OneHopSelector::OneHopSelector(const OneHopConfig& config, const HeadShape& heads, Backend& backend,
                               const std::optional<SketchTransform>& transform)
    : BlockSelector(backend, config.sparse.block_size, 1),
      config_(config),
      scores_(SketchSettingsOf(config), heads, backend, transform) {}

std::unique_ptr<SelectorState> OneHopSelector::DoNewSequence(const SequenceShape& shape) const {
  const bool decodes = config_.sparse.decode == PhaseMode::kSparse;
  return scores_.NewState(shape, decodes ? config_.sparse.skip_layers : shape.num_layers);
}

void OneHopSelector::DoSelectPrefill(const LayerInputs& in, const SelectionRule& rule,
                                     SelectorState& base, const SelectionOut& out) const {
  SketchWalkState& state = StateOf(base);
  scores_.Summarise(in, state.scratch);
  scores_.Score(in, state.scratch);
  if (config_.sparse.decode == PhaseMode::kSparse) scores_.SeedCache(in, state);
  Pick(in.layer, rule, state.scratch.scores.data(), rule.num_blocks, out);
}

void OneHopSelector::DoSelectDecode(const LayerInputs& in, const SelectionRule& rule,
                                    SelectorState& base, const SelectionOut& out) const {
  SketchWalkState& state = StateOf(base);
  scores_.DecodeRow(in, /*first=*/true, Stage::kScore, state);
  Pick(in.layer, rule, state.walk.decode_row.data(), state.capacity_blocks, out);
}

// A prompt that attends densely still leaves the caches that sparse decode needs.
void OneHopSelector::DoObservePrefill(const LayerInputs& in, SelectorState& base) const {
  if (in.layer < config_.sparse.skip_layers || config_.sparse.decode == PhaseMode::kDense) return;
  SketchWalkState& state = StateOf(base);
  scores_.Summarise(in, state.scratch);
  scores_.SeedCache(in, state);
}

void OneHopSelector::DoEndPass(Pass pass, SelectorState& state, AttentionTrace& trace) const {
  scores_.EndPass(pass, StateOf(state), trace);
}

}  // namespace sw
