// BlockSelection: which key blocks each query block attends to. Lists live in backend memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/ops/block_layout.h"
#include "core/tensor/buffer.h"

namespace sw {

struct BlockSelection {
  int num_groups = 1;  // lists per layer: 1 (layer), num_kv_heads (kv_group) or num_q_heads (head)
  int num_q_blocks = 0;   // rows per group
  int q_block_begin = 0;  // the query block of row 0; above 0 in decode
  int row_capacity = 0;   // row r's ids start at r * row_capacity
  // [num_groups * num_q_blocks]; row of (g, i) is g * num_q_blocks + i.
  const int32_t* counts = nullptr;
  // [num_groups * num_q_blocks * row_capacity]; each row ascending, distinct, causal.
  const int32_t* block_ids = nullptr;

  int GroupOf(int q_head, int num_q_heads) const {
    return static_cast<int>(static_cast<int64_t>(q_head) * num_groups / num_q_heads);
  }
  int64_t RowOf(int group, int row) const {
    return static_cast<int64_t>(group) * num_q_blocks + row;
  }
};

// Owner of one selection's lists.
struct BlockSelectionBuffer {
  Buffer<int32_t> counts;
  Buffer<int32_t> block_ids;
  int num_groups = 1;
  int num_q_blocks = 0;
  int q_block_begin = 0;
  int row_capacity = 0;

  // Room for the given lists; contents undefined.
  static BlockSelectionBuffer Make(Memory& memory, int num_groups, int num_q_blocks,
                                   int q_block_begin, int row_capacity);
  BlockSelection View() const;
};

// A selection copied to the host: rows[group * num_q_blocks + row] is that row's list.
struct HostSelection {
  int num_groups = 1;
  int num_q_blocks = 0;
  int q_block_begin = 0;
  std::vector<std::vector<int32_t>> rows;

  static HostSelection From(const BlockSelectionBuffer& buffer);
  // Throws BugError unless every row is ascending, distinct, causal and holds its diagonal block.
  void CheckInvariants() const;
};

// Blocks that every row holds whatever its scores say (algorithm step 7).
struct ForcedRule {
  int sink_blocks = 1;        // blocks j < sink_blocks
  int local_blocks = 1;       // blocks j > i - max(1, local_blocks): block i itself included
  int dense_tail_blocks = 0;  // every block of the last rows of a prefill; 0 in decode

  // `num_q_blocks`: blocks of the sequence (for the tail). True when row i must keep block j <= i.
  bool Holds(int i, int j, int num_q_blocks) const;
  // How many blocks row i is forced to keep.
  int Count(int i, int num_q_blocks) const;
};

// How many blocks row i keeps in all: top_blocks, or max(forced, ceil(density (i + 1) - 1e-9));
// never more than i + 1. Computed once in double, on the host.
struct KeepRule {
  ForcedRule forced;
  int top_blocks = 16;   // used when density is 0
  double density = 0.0;  // in (0, 1]; a ragged block counts as one

  int Count(int i, int num_q_blocks) const;
};

// (query, key) token pairs, exact: the measured density is kept_pairs / causal_pairs.
struct PairCount {
  double kept = 0;  // mean over groups
  double causal = 0;
  PairCount& operator+=(const PairCount& other) {
    kept += other.kept;
    causal += other.causal;
    return *this;
  }
};
// Pairs of a prefill selection over a sequence of layout.num_tokens tokens.
PairCount PrefillPairs(const HostSelection& selection, const BlockLayout& layout);
// Pairs of one decode step: the one query is the last token of the layout.
PairCount DecodePairs(const HostSelection& selection, const BlockLayout& layout);
// Pairs of dense causal attention over tokens [first, first + count) with everything before them.
double CausalPairs(int64_t first, int64_t count);

}  // namespace sw
