// The case lists of `swharness check`: shapes around every edge, all features, and corners.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config/policy_config.h"
#include "core/ops/kv_view.h"

namespace sw {

struct CheckCase {
  HeadShape heads{3, 1, 64};
  int tokens = 64;     // of the prompt
  int steps = 0;       // decode steps after it
  int num_layers = 3;  // for checks that go through layers; the first one is dense
  SketchWalkConfig policy;
  uint64_t seed = 1;

  // "h=9/3 d=64 n=193+20 B=64 tau=3 r=64 normaliser=causal seed=7": enough to repeat it.
  std::string Describe() const;
};

// Attention alone: lengths around block edges, GQA 1, 3, 4, 8, head_dim 8 to 128.
std::vector<CheckCase> AttentionCases();
// Whole sketch_walk prefill and decode: every choice of the algorithm page, growth over block
// edges.
std::vector<CheckCase> SketchWalkCases();

}  // namespace sw
