#include "core/attention/select/sketch_scores.h"

#include <cmath>

#include "core/base/check.h"

namespace sw {
namespace {

Buffer<float> Scratch(Memory& memory, int rows, int cols) {
  return {memory, "workspace", static_cast<size_t>(rows) * static_cast<size_t>(cols)};
}

}  // namespace

SketchScores::SketchScores(const SketchSettings& settings, const HeadShape& heads, Backend& backend,
                           const std::optional<SketchTransform>& transform)
    : settings_(settings),
      heads_(heads),
      backend_(backend),
      sketch_(transform
                  ? *transform
                  : DrawSketchTransform(heads.head_dim, settings.sketch_dim, settings.sketch_seed),
              backend.memory()) {
  const SketchView view = sketch_.View();
  SW_CHECK(view.sketch_dim == settings.sketch_dim && view.head_dim == heads.head_dim,
           "a transform of {} to {} numbers for head_dim {}, sketch_dim {}", view.head_dim,
           view.sketch_dim, heads.head_dim, settings.sketch_dim);
  const int under_root =
      settings.score_scale == ScoreScale::kSqrtR ? settings.sketch_dim : heads.head_dim;
  params_ = {.sketch = view,
             .heads = heads,
             .block_size = settings.block_size,
             .score_divisor = std::sqrt(static_cast<float>(under_root)),
             .sparsity_exponent = static_cast<float>(settings.sparsity_exponent),
             .columns = settings.normaliser == Normaliser::kAll ? ScoreColumns::kAll
                                                                : ScoreColumns::kCausal,
             .finished_row = settings.finished_row == FinishedRowMode::kLast ? FinishedRow::kLast
                                                                             : FinishedRow::kMean};
}

std::unique_ptr<SketchWalkState> SketchScores::NewState(const SequenceShape& shape,
                                                        int first_cached_layer) const {
  SW_CHECK(shape.heads == heads_);
  auto state = std::make_unique<SketchWalkState>();
  Memory& memory = backend_.memory();
  state->capacity_blocks = CeilDiv(shape.capacity_tokens, settings_.block_size);
  state->walk.restarts = Buffer<int64_t>(memory, "selection", 1);
  state->walk.restarts.FillZero();
  state->layers.resize(static_cast<size_t>(shape.num_layers));
  if (first_cached_layer >= shape.num_layers) return state;
  for (int layer = first_cached_layer; layer < shape.num_layers; ++layer) {
    state->layers[static_cast<size_t>(layer)] =
        LayerSketchCache::Make(memory, state->capacity_blocks, settings_.sketch_dim);
  }
  state->walk.decode_row =
      Buffer<float>(memory, "selection", static_cast<size_t>(state->capacity_blocks));
  return state;
}

void SketchScores::Summarise(const LayerInputs& in, SketchScratch& scratch) const {
  const int blocks = CeilDiv(in.kv.len, settings_.block_size);
  if (scratch.num_blocks == 0) {
    Memory& memory = backend_.memory();
    scratch.num_blocks = blocks;
    scratch.mean = Scratch(memory, blocks, heads_.head_dim);
    scratch.q_sketch = Scratch(memory, blocks, settings_.sketch_dim);
    scratch.k_sketch = Scratch(memory, blocks, settings_.sketch_dim);
  }
  SW_CHECK(scratch.num_blocks == blocks, "scratch of {} blocks, layer of {}", scratch.num_blocks,
           blocks);
  const StageTimer timer(backend_.clock(), in.layer, Stage::kSummarise);
  const AttentionOps& ops = backend_.attention();
  ops.SummariseQueries(in.q, settings_.block_size, scratch.mean.data());
  ops.Sketch(params_.sketch, scratch.mean.data(), blocks, scratch.q_sketch.data());
  ops.SummariseKeys(in.kv, settings_.block_size, scratch.mean.data());
  ops.Sketch(params_.sketch, scratch.mean.data(), blocks, scratch.k_sketch.data());
}

void SketchScores::Score(const LayerInputs& in, SketchScratch& scratch) const {
  const int blocks = scratch.num_blocks;
  if (scratch.e.empty()) {
    Memory& memory = backend_.memory();
    scratch.e = Scratch(memory, blocks, blocks);
    scratch.log_factor = Scratch(memory, blocks, 1);
    scratch.scores = Scratch(memory, blocks, blocks);
  }
  const StageTimer timer(backend_.clock(), in.layer, Stage::kScore);
  backend_.attention().ScoreBlocks({.num_blocks = blocks,
                                    .sketch_dim = settings_.sketch_dim,
                                    .q_sketch = scratch.q_sketch.data(),
                                    .k_sketch = scratch.k_sketch.data(),
                                    .score_divisor = params_.score_divisor,
                                    .sparsity_exponent = params_.sparsity_exponent,
                                    .columns = params_.columns,
                                    .scores = scratch.scores.data(),
                                    .e = scratch.e.data(),
                                    .e_stride = blocks,
                                    .log_factor = scratch.log_factor.data()});
}

void SketchScores::SeedCache(const LayerInputs& in, SketchWalkState& state) const {
  const StageTimer timer(backend_.clock(), in.layer, Stage::kScore);
  backend_.attention().SeedSketchCache(params_, in.kv.len, state.scratch.q_sketch.data(),
                                       state.scratch.k_sketch.data(), CacheOf(state, in.layer));
}

void SketchScores::DecodeRow(const LayerInputs& in, bool first, Stage row_stage,
                             SketchWalkState& state) const {
  const SketchCacheView cache = CacheOf(state, in.layer);
  const AttentionOps& ops = backend_.attention();
  {
    const StageTimer timer(backend_.clock(), in.layer, Stage::kSummarise);
    ops.AppendSketch(params_, in.q, in.kv, cache);
  }
  const StageTimer timer(backend_.clock(), in.layer, row_stage);
  ops.WalkRow(params_, in.kv.len, cache, first, state.walk.decode_row.data(),
              state.walk.restarts.data());
}

void SketchScores::EndPass(Pass pass, SketchWalkState& state, AttentionTrace& trace) const {
  if (pass == Pass::kPrefill) {
    state.scratch = {};
    state.walk.rows = {};
  }
  trace.walk_restarts = state.walk.restarts.ToHost()[0];
}

SketchCacheView SketchScores::CacheOf(SketchWalkState& state, int layer) const {
  LayerSketchCache& cache = state.layers.at(static_cast<size_t>(layer));
  SW_CHECK(!cache.e.empty(), "layer {} has no decode cache", layer);
  return cache.View(state.capacity_blocks, settings_.sketch_dim);
}

}  // namespace sw
