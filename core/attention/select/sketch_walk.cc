#include "core/attention/select/sketch_walk.h"

#include "core/base/check.h"

namespace sw {
namespace {

SketchWalkState& StateOf(SelectorState& state) { return static_cast<SketchWalkState&>(state); }

int NumLayers(const SketchWalkState& state) { return static_cast<int>(state.layers.size()); }

}  // namespace

SketchWalkSelector::SketchWalkSelector(const SketchWalkConfig& config, const HeadShape& heads,
                                       Backend& backend,
                                       const std::optional<SketchTransform>& transform)
    : BlockSelector(backend, config.sparse.block_size, 1),
      config_(config),
      scores_(SketchSettingsOf(config), heads, backend, transform) {}

// num_layers when no layer uses lists: then there is nothing to walk for.
int SketchWalkSelector::first_walked_layer(int num_layers) const {
  if (config_.sparse.skip_layers >= num_layers) return num_layers;
  return config_.walk_from == WalkFrom::kLayer0 ? 0 : config_.sparse.skip_layers;
}

bool SketchWalkSelector::Walks(Pass pass) const {
  return (pass == Pass::kPrefill ? config_.sparse.prefill : config_.sparse.decode) ==
         PhaseMode::kSparse;
}

std::unique_ptr<SelectorState> SketchWalkSelector::DoNewSequence(const SequenceShape& shape) const {
  return scores_.NewState(
      shape, Walks(Pass::kDecode) ? first_walked_layer(shape.num_layers) : shape.num_layers);
}

void SketchWalkSelector::AdvancePrefill(const LayerInputs& in, SketchWalkState& state) const {
  const int first_layer = first_walked_layer(NumLayers(state));
  if (in.layer < first_layer) return;
  scores_.Summarise(in, state.scratch);
  if (Walks(Pass::kPrefill)) {
    scores_.Score(in, state.scratch);
    const int blocks = state.scratch.num_blocks;
    if (state.walk.rows.empty()) {
      state.walk.rows = Buffer<float>(backend().memory(), "selection",
                                      static_cast<size_t>(blocks) * static_cast<size_t>(blocks));
    }
    const StageTimer timer(backend().clock(), in.layer, Stage::kWalk);
    backend().attention().WalkStep(
        {.num_blocks = blocks,
         .e = state.scratch.e.data(),
         .e_stride = blocks,
         .log_factor = state.scratch.log_factor.data(),
         .scores = state.scratch.scores.data(),
         .sparsity_exponent = static_cast<float>(config_.sparsity_exponent),
         .first = in.layer == first_layer,
         .walk = state.walk.rows.data(),
         .restarts = state.walk.restarts.data()});
  }
  if (Walks(Pass::kDecode)) scores_.SeedCache(in, state);
}

void SketchWalkSelector::AdvanceDecode(const LayerInputs& in, SketchWalkState& state) const {
  const int first_layer = first_walked_layer(NumLayers(state));
  if (in.layer < first_layer || !Walks(Pass::kDecode)) return;
  scores_.DecodeRow(in, in.layer == first_layer, Stage::kWalk, state);
}

void SketchWalkSelector::DoSelectPrefill(const LayerInputs& in, const SelectionRule& rule,
                                         SelectorState& base, const SelectionOut& out) const {
  SketchWalkState& state = StateOf(base);
  AdvancePrefill(in, state);
  Pick(in.layer, rule, state.walk.rows.data(), rule.num_blocks, out);
}

void SketchWalkSelector::DoSelectDecode(const LayerInputs& in, const SelectionRule& rule,
                                        SelectorState& base, const SelectionOut& out) const {
  SketchWalkState& state = StateOf(base);
  AdvanceDecode(in, state);
  Pick(in.layer, rule, state.walk.decode_row.data(), state.capacity_blocks, out);
}

void SketchWalkSelector::DoObservePrefill(const LayerInputs& in, SelectorState& state) const {
  if (Walks(Pass::kPrefill) || Walks(Pass::kDecode)) AdvancePrefill(in, StateOf(state));
}

void SketchWalkSelector::DoObserveDecode(const LayerInputs& in, SelectorState& state) const {
  AdvanceDecode(in, StateOf(state));
}

void SketchWalkSelector::DoEndPass(Pass pass, SelectorState& state, AttentionTrace& trace) const {
  scores_.EndPass(pass, StateOf(state), trace);
}

}  // namespace sw
