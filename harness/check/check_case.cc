#include "harness/check/check_case.h"

#include <fmt/format.h>

#include "core/config/visit_fields.h"

namespace sw {
namespace {

CheckCase Shape(int q_heads, int kv_heads, int head_dim, int tokens, int block_size) {
  CheckCase c;
  c.heads = {q_heads, kv_heads, head_dim};
  c.tokens = tokens;
  c.policy.sparse.block_size = block_size;
  c.policy.sparse.top_blocks = 3;
  c.policy.sparse.skip_layers = 1;
  c.policy.sketch_dim = head_dim >= 64 ? 64 : 8;
  c.seed = static_cast<uint64_t>(tokens * 131 + q_heads * 17 + head_dim + block_size);
  return c;
}

template <class Change>
CheckCase With(CheckCase c, Change change) {
  change(c);
  return c;
}

}  // namespace

std::string CheckCase::Describe() const {
  const SparseConfig& s = policy.sparse;
  const std::string keep = s.density ? fmt::format("density={}", *s.density)
                                     : fmt::format("tau={}", s.top_blocks.value_or(16));
  return fmt::format(
      "h={}/{} d={} n={}+{} B={} {} r={} s={} sinks={} locals={} normaliser={} "
      "scale={} from={} finished={} seed={}",
      heads.num_q_heads, heads.num_kv_heads, heads.head_dim, tokens, steps, s.block_size, keep,
      policy.sketch_dim, policy.sparsity_exponent, s.sink_blocks, s.local_blocks,
      EnumName(policy.normaliser), EnumName(policy.score_scale), EnumName(policy.walk_from),
      EnumName(policy.finished_row), seed);
}

std::vector<CheckCase> AttentionCases() {
  std::vector<CheckCase> cases;
  for (const int block : {8, 32, 64}) {
    for (const int tokens : {1, block - 1, block, block + 1, 5 * block + 3}) {
      cases.push_back(Shape(3, 1, 64, tokens, block));
    }
  }
  for (const auto& [q_heads, kv_heads] : {std::pair{2, 2}, {9, 3}, {8, 2}, {8, 1}}) {
    for (const int head_dim : {8, 12, 64, 128}) {
      cases.push_back(Shape(q_heads, kv_heads, head_dim, 201, 32));
    }
  }
  return cases;
}

std::vector<CheckCase> SketchWalkCases() {
  const CheckCase base = With(Shape(4, 2, 16, 93, 8), [](CheckCase& c) { c.steps = 20; });
  using C = CheckCase;
  return {
      base,
      With(base, [](C& c) { c.policy.normaliser = Normaliser::kCausal; }),
      With(base, [](C& c) { c.policy.finished_row = FinishedRowMode::kMean; }),
      With(base, [](C& c) { c.policy.score_scale = ScoreScale::kSqrtD; }),
      With(base, [](C& c) { c.policy.walk_from = WalkFrom::kLayer0; }),
      With(base, [](C& c) { c.policy.sketch_dim = 16; }),
      With(base, [](C& c) { c.policy.sketch_dim = 3; }),
      With(base, [](C& c) { c.policy.sparsity_exponent = 2; }),
      With(base, [](C& c) { c.policy.sparse.sink_blocks = 2, c.policy.sparse.local_blocks = 3; }),
      With(base, [](C& c) { c.policy.sparse.sink_blocks = 0; }),
      With(base, [](C& c) { c.policy.sparse.dense_tail_blocks = 2; }),
      With(base, [](C& c) { c.policy.sparse.top_blocks.reset(), c.policy.sparse.density = 0.3; }),
      With(base, [](C& c) { c.policy.sparse.top_blocks = 999; }),
      With(base, [](C& c) { c.tokens = 96, c.steps = 17; }),
      With(base, [](C& c) { c.tokens = 1, c.steps = 30; }),
      With(base, [](C& c) { c.tokens = 5; }),
      With(base, [](C& c) { c.num_layers = 8; }),
      With(base,
           [](C& c) {
             c.heads = {9, 3, 64}, c.policy.sketch_dim = 32;
           }),
      With(base,
           [](C& c) {
             c.heads = {8, 1, 12};
           }),
      With(base,
           [](C& c) {
             c.heads = {4, 1, 128}, c.policy.sketch_dim = 64, c.tokens = 300,
             c.policy.sparse.block_size = 32, c.policy.sparse.top_blocks = 4;
           }),
  };
}

}  // namespace sw
