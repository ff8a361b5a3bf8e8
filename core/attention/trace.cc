#include "core/attention/trace.h"

#include <algorithm>
#include <set>

#include "core/base/check.h"

namespace sw {
namespace {

void Keep(int layer, HostSelection lists, size_t num_layers, std::vector<HostSelection>& kept) {
  kept.resize(num_layers);
  kept[static_cast<size_t>(layer)] = std::move(lists);
}

}  // namespace

std::vector<int> WatchedBlocks(std::span<const WatchedTokens> watched, int block_size) {
  std::set<int> blocks;
  for (const WatchedTokens& tokens : watched) {
    SW_CHECK(0 <= tokens.begin && tokens.begin <= tokens.end, "[{}, {})", tokens.begin, tokens.end);
    for (int t = tokens.begin; t < tokens.end; ++t) blocks.insert(t / block_size);
  }
  return {blocks.begin(), blocks.end()};
}

double HitRate(const HostSelection& selection, int row, std::span<const int> blocks) {
  if (blocks.empty()) return -1.0;
  int64_t hits = 0;
  for (int group = 0; group < selection.num_groups; ++group) {
    const auto index = static_cast<size_t>(group * selection.num_q_blocks + row);
    const std::vector<int32_t>& ids = selection.rows.at(index);
    for (const int block : blocks) hits += std::binary_search(ids.begin(), ids.end(), block);
  }
  return static_cast<double>(hits) /
         (static_cast<double>(blocks.size()) * static_cast<double>(selection.num_groups));
}

void RecordDense(Pass pass, int kv_len, LayerTrace& layer) {
  if (pass == Pass::kPrefill) {
    const double pairs = CausalPairs(0, kv_len);
    layer.prefill += {pairs, pairs};
  } else {
    layer.decode += {static_cast<double>(kv_len), static_cast<double>(kv_len)};
  }
}

void RecordPrefillLists(int layer, HostSelection lists, int kv_len, int block_size,
                        AttentionTrace& trace) {
  lists.CheckInvariants();
  const std::vector<int> watched = WatchedBlocks(trace.watched, block_size);
  LayerTrace& entry = trace.layers.at(static_cast<size_t>(layer));
  entry.prefill_sparse = true;
  entry.prefill += PrefillPairs(lists, {kv_len, block_size});
  entry.prefill_hit_rate = HitRate(lists, lists.num_q_blocks - 1, watched);
  if (trace.keep_lists) Keep(layer, std::move(lists), trace.layers.size(), trace.prefill_lists);
}

void RecordDecodeLists(int layer, HostSelection lists, int kv_len, int block_size,
                       AttentionTrace& trace) {
  lists.CheckInvariants();
  const std::vector<int> watched = WatchedBlocks(trace.watched, block_size);
  LayerTrace& entry = trace.layers.at(static_cast<size_t>(layer));
  entry.decode_sparse = true;
  entry.decode += DecodePairs(lists, {kv_len, block_size});
  if (!watched.empty()) {
    entry.decode_hit_rate.push_back(static_cast<float>(HitRate(lists, 0, watched)));
  }
  if (trace.keep_lists) Keep(layer, std::move(lists), trace.layers.size(), trace.last_decode_lists);
}

}  // namespace sw
