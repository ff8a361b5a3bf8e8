// SketchScores: the block scores that sketch_walk and one_hop share, for prompts and decode steps.
// It owns the transform and turns one layer's Q and K into E, row factors and decode caches.
#pragma once

#include <optional>

#include "core/attention/select/sketch_transform.h"
#include "core/attention/walk_state.h"
#include "core/config/policy_config.h"

namespace sw {

struct SketchSettings {
  int block_size = 64;
  int sketch_dim = 64;
  double sparsity_exponent = 8;
  uint64_t sketch_seed = 0;
  ScoreScale score_scale = ScoreScale::kSqrtR;
  Normaliser normaliser = Normaliser::kAll;
  FinishedRowMode finished_row = FinishedRowMode::kLast;
};

// C is SketchWalkConfig or OneHopConfig.
template <class C>
SketchSettings SketchSettingsOf(const C& c) {
  return {.block_size = c.sparse.block_size,
          .sketch_dim = c.sketch_dim,
          .sparsity_exponent = c.sparsity_exponent,
          .sketch_seed = c.sketch_seed,
          .score_scale = c.score_scale,
          .normaliser = c.normaliser,
          .finished_row = c.finished_row};
}

class SketchScores {
 public:
  // Draws the transform from the seed unless one is given; its r must be settings.sketch_dim.
  SketchScores(const SketchSettings& settings, const HeadShape& heads, Backend& backend,
               const std::optional<SketchTransform>& transform);

  // A state whose layers from `first_cached_layer` on hold decode caches (num_layers: none does).
  std::unique_ptr<SketchWalkState> NewState(const SequenceShape& shape,
                                            int first_cached_layer) const;

  // Steps 1 to 3 of the prompt: scratch.q_sketch and k_sketch.
  void Summarise(const LayerInputs& in, SketchScratch& scratch) const;
  // Steps 4 and 5: scratch.scores (A), e and log_factor.
  void Score(const LayerInputs& in, SketchScratch& scratch) const;
  // What decode needs of this layer, from the sketches that Summarise left.
  void SeedCache(const LayerInputs& in, SketchWalkState& state) const;
  // Algorithm 2, steps 2 to 5, for one layer: its cache, then state.walk.decode_row. `first`: the
  // row starts here. `row_stage` is what the row's time is booked to.
  void DecodeRow(const LayerInputs& in, bool first, Stage row_stage, SketchWalkState& state) const;
  // Frees what only the prompt needed and reports restarts.
  void EndPass(Pass pass, SketchWalkState& state, AttentionTrace& trace) const;

 private:
  SketchCacheView CacheOf(SketchWalkState& state, int layer) const;

  SketchSettings settings_;
  HeadShape heads_;
  Backend& backend_;
  DeviceSketch sketch_;
  SketchDecodeParams params_;
};

}  // namespace sw
