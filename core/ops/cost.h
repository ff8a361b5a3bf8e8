// Work of each stage of a forward pass, from shapes and the keep rule alone: floating-point
// operations (a multiply and an add are two) that this method executes, and those that dense
// attention would have executed in its place. Attention counts causal (query, key) pairs, so the
// figures hold for any kernel that wastes none; which blocks are kept does not matter, only how
// many.
#pragma once

#include <array>
#include <cstdint>

#include "core/ops/block_selection.h"
#include "core/ops/kv_view.h"
#include "core/ops/stage_clock.h"

namespace sw {

struct KernelCost {
  double flops = 0;        // executed
  double dense_flops = 0;  // of the dense equivalent; 0 for what dense attention has no need of

  KernelCost& operator+=(const KernelCost& other) {
    flops += other.flops;
    dense_flops += other.dense_flops;
    return *this;
  }
};

using StageCosts = std::array<KernelCost, kNumStages>;  // by Stage
StageCosts& operator+=(StageCosts& sum, const StageCosts& other);
KernelCost Total(const StageCosts& costs);
// Selection and attention: the stages of IsAttention.
KernelCost AttentionTotal(const StageCosts& costs);

struct LayerDims {
  HeadShape heads;
  int hidden_dim = 0;
  int ffn_dim = 0;
};

// How a layer finds its blocks.
enum class SelectionKind {
  kNone,    // dense
  kFree,    // lists without scores: local_sink, random
  kOneHop,  // block scores of sketches
  kWalk,    // and the walk over layers
  kMass,    // exact attention mass
};

struct SelectionCostShape {
  SelectionKind kind = SelectionKind::kNone;
  int block_size = 64;
  KeepRule rule;
  int sketch_dim = 64;
  int num_groups = 1;  // lists per layer
};

// (query, key) pairs that the rule keeps in a prefill of layout.num_tokens tokens; needs
// local_blocks >= 1, so that every row holds its own block.
PairCount PrefillPairs(const KeepRule& rule, const BlockLayout& layout);
// Pairs of a decode step whose token is the last of the layout.
PairCount DecodePairs(const KeepRule& rule, const BlockLayout& layout);

// One layer of a prefill of num_tokens tokens.
StageCosts PrefillLayerCost(const LayerDims& dims, const SelectionCostShape& selection,
                            int num_tokens);
// One layer of the decode step whose token is number kv_len of its sequence.
StageCosts DecodeLayerCost(const LayerDims& dims, const SelectionCostShape& selection, int kv_len);
// Final norm and logits of `rows` positions.
StageCosts HeadCost(int hidden_dim, int vocab_size, int rows);

}  // namespace sw
