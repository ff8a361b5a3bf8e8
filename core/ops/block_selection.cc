#include "core/ops/block_selection.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"

namespace sw {

BlockSelectionBuffer BlockSelectionBuffer::Make(Memory& memory, int num_groups, int num_q_blocks,
                                                int q_block_begin, int row_capacity) {
  const auto rows = static_cast<size_t>(num_groups) * static_cast<size_t>(num_q_blocks);
  BlockSelectionBuffer made;
  made.counts = Buffer<int32_t>(memory, "selection", rows);
  made.block_ids = Buffer<int32_t>(memory, "selection", rows * static_cast<size_t>(row_capacity));
  made.num_groups = num_groups;
  made.num_q_blocks = num_q_blocks;
  made.q_block_begin = q_block_begin;
  made.row_capacity = row_capacity;
  return made;
}

BlockSelection BlockSelectionBuffer::View() const {
  return {.num_groups = num_groups,
          .num_q_blocks = num_q_blocks,
          .q_block_begin = q_block_begin,
          .row_capacity = row_capacity,
          .counts = counts.data(),
          .block_ids = block_ids.data()};
}

HostSelection HostSelection::From(const BlockSelectionBuffer& buffer) {
  const std::vector<int32_t> counts = buffer.counts.ToHost();
  const std::vector<int32_t> ids = buffer.block_ids.ToHost();
  HostSelection host{buffer.num_groups, buffer.num_q_blocks, buffer.q_block_begin, {}};
  host.rows.reserve(counts.size());
  for (size_t row = 0; row < counts.size(); ++row) {
    SW_CHECK(0 <= counts[row] && counts[row] <= buffer.row_capacity, "row {}: {} ids", row,
             counts[row]);
    const auto begin = ids.begin() + static_cast<int64_t>(row) * buffer.row_capacity;
    host.rows.emplace_back(begin, begin + counts[row]);
  }
  return host;
}

void HostSelection::CheckInvariants() const {
  SW_CHECK(rows.size() == static_cast<size_t>(num_groups) * static_cast<size_t>(num_q_blocks));
  for (size_t row = 0; row < rows.size(); ++row) {
    const std::vector<int32_t>& ids = rows[row];
    const int q_block = q_block_begin + static_cast<int>(row) % num_q_blocks;
    SW_CHECK(!ids.empty() && ids.front() >= 0, "row {} is empty or holds a negative block", row);
    SW_CHECK(ids.back() == q_block, "row {} ends at block {}, not at its diagonal {}", row,
             ids.back(), q_block);
    for (size_t k = 1; k < ids.size(); ++k) {
      SW_CHECK(ids[k - 1] < ids[k], "row {}: {} before {}", row, ids[k - 1], ids[k]);
    }
  }
}

bool ForcedRule::Holds(int i, int j, int num_q_blocks) const {
  if (j > i) return false;
  return j < sink_blocks || j > i - std::max(1, local_blocks) ||
         i >= num_q_blocks - dense_tail_blocks;
}

int ForcedRule::Count(int i, int num_q_blocks) const {
  if (i >= num_q_blocks - dense_tail_blocks) return i + 1;
  const int sinks = std::min(sink_blocks, i + 1);
  const int first_local = std::max(0, i + 1 - std::max(1, local_blocks));
  return sinks + (i + 1 - std::max(sinks, first_local));
}

int KeepRule::Count(int i, int num_q_blocks) const {
  const int asked =
      density > 0.0 ? static_cast<int>(std::ceil(density * (i + 1) - 1e-9)) : top_blocks;
  return std::min(i + 1, std::max(forced.Count(i, num_q_blocks), asked));
}

PairCount PrefillPairs(const HostSelection& selection, const BlockLayout& layout) {
  PairCount pairs;
  for (size_t row = 0; row < selection.rows.size(); ++row) {
    const int i = selection.q_block_begin + static_cast<int>(row) % selection.num_q_blocks;
    const double queries = layout.Count(i);
    for (const int32_t j : selection.rows[row]) {
      pairs.kept += j == i ? queries * (queries + 1) / 2 : queries * layout.Count(j);
    }
  }
  pairs.kept /= selection.num_groups;
  pairs.causal = CausalPairs(0, layout.num_tokens);
  return pairs;
}

PairCount DecodePairs(const HostSelection& selection, const BlockLayout& layout) {
  PairCount pairs;
  for (const std::vector<int32_t>& row : selection.rows) {
    for (const int32_t j : row) pairs.kept += layout.Count(j);
  }
  pairs.kept /= selection.num_groups;
  pairs.causal = layout.num_tokens;
  return pairs;
}

double CausalPairs(int64_t first, int64_t count) {
  const auto n = static_cast<double>(count);
  return static_cast<double>(first) * n + n * (n + 1) / 2;
}

}  // namespace sw
