// One field list per config struct: YAML, --set, run hash and record all walk it, so that none can
// forget a field. A visitor is called as visit("name", field) for each.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "core/config/policy_config.h"
#include "core/config/run_config.h"
#include "core/config/task_config.h"

namespace sw {

// Spelling of an enum in YAML: EnumNames<E>::kNames lists (value, name) pairs.
template <class E>
struct EnumNames;

#define SW_ENUM_NAMES(Enum, count, ...)                                              \
  template <>                                                                        \
  struct EnumNames<Enum> {                                                           \
    static constexpr std::array<std::pair<Enum, std::string_view>, count> kNames = { \
        {__VA_ARGS__}};                                                              \
  }
SW_ENUM_NAMES(PhaseMode, 2, {PhaseMode::kSparse, "sparse"}, {PhaseMode::kDense, "dense"});
SW_ENUM_NAMES(Normaliser, 2, {Normaliser::kAll, "all"}, {Normaliser::kCausal, "causal"});
SW_ENUM_NAMES(ScoreScale, 2, {ScoreScale::kSqrtR, "sqrt_r"}, {ScoreScale::kSqrtD, "sqrt_d"});
SW_ENUM_NAMES(WalkFrom, 2, {WalkFrom::kFirstSparse, "first_sparse"}, {WalkFrom::kLayer0, "layer0"});
SW_ENUM_NAMES(FinishedRowMode, 2, {FinishedRowMode::kLast, "last"},
              {FinishedRowMode::kMean, "mean"});
SW_ENUM_NAMES(Aggregate, 2, {Aggregate::kSum, "sum"}, {Aggregate::kMax, "max"});
SW_ENUM_NAMES(Share, 3, {Share::kLayer, "layer"}, {Share::kKvGroup, "kv_group"},
              {Share::kHead, "head"});
SW_ENUM_NAMES(NiahHaystack, 2, {NiahHaystack::kNoise, "noise"}, {NiahHaystack::kNeedle, "needle"});
SW_ENUM_NAMES(NiahContent, 3, {NiahContent::kWords, "words"}, {NiahContent::kNumbers, "numbers"},
              {NiahContent::kUuids, "uuids"});
SW_ENUM_NAMES(BackendKind, 3, {BackendKind::kAuto, "auto"}, {BackendKind::kCuda, "cuda"},
              {BackendKind::kReference, "reference"});
SW_ENUM_NAMES(Scoring, 2, {Scoring::kGenerate, "generate"}, {Scoring::kForced, "forced"});
#undef SW_ENUM_NAMES

template <class E>
constexpr std::string_view EnumName(E value) {
  for (const auto& [candidate, name] : EnumNames<E>::kNames) {
    if (candidate == value) return name;
  }
  return "?";
}

template <class V, class C>
void VisitSparse(V&& visit, C& c) {
  visit("block_size", c.block_size);
  visit("top_blocks", c.top_blocks);
  visit("density", c.density);
  visit("skip_layers", c.skip_layers);
  visit("prefill", c.prefill);
  visit("decode", c.decode);
  visit("sink_blocks", c.sink_blocks);
  visit("local_blocks", c.local_blocks);
  visit("dense_tail_blocks", c.dense_tail_blocks);
}

// Overloads for every policy; C is the struct, const or not.
template <class V, class C>
void VisitSketch(V&& visit, C& c) {
  VisitSparse(visit, c.sparse);
  visit("sketch_dim", c.sketch_dim);
  visit("sparsity_exponent", c.sparsity_exponent);
  visit("sketch_seed", c.sketch_seed);
  visit("score_scale", c.score_scale);
  visit("normaliser", c.normaliser);
  visit("finished_row", c.finished_row);
}

#define SW_VISIT(Struct, ...)                    \
  template <class V>                             \
  void VisitFields(V&& visit, Struct& c) {       \
    __VA_ARGS__                                  \
  }                                              \
  template <class V>                             \
  void VisitFields(V&& visit, const Struct& c) { \
    __VA_ARGS__                                  \
  }
SW_VISIT(DenseConfig, (void)visit; (void)c;)
SW_VISIT(SketchWalkConfig, VisitSketch(visit, c); visit("walk_from", c.walk_from);)
SW_VISIT(OneHopConfig, VisitSketch(visit, c);)
SW_VISIT(OracleConfig, VisitSparse(visit, c.sparse); visit("aggregate", c.aggregate);
         visit("share", c.share);)
SW_VISIT(LocalSinkConfig, VisitSparse(visit, c.sparse);)
SW_VISIT(RandomConfig, VisitSparse(visit, c.sparse); visit("seed", c.seed);)
SW_VISIT(NiahConfig, visit("haystack", c.haystack); visit("key", c.key); visit("value", c.value);
         visit("num_keys", c.num_keys); visit("num_values", c.num_values);
         visit("num_queries", c.num_queries);)
SW_VISIT(MeasureConfig, visit("repeats", c.repeats); visit("batch", c.batch);
         visit("warmup", c.warmup);)
SW_VISIT(TaskConfig, visit("suite", c.suite); visit("names", c.names); visit("lengths", c.lengths);
         visit("samples", c.samples); visit("seed", c.seed); visit("template", c.model_template);
         visit("max_new_tokens", c.max_new_tokens); visit("niah", c.niah); visit("words", c.words);)
#undef SW_VISIT

}  // namespace sw
