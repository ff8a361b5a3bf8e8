// Writing an AttentionTrace: what each layer attended to, counted from the lists themselves.
#pragma once

#include <span>
#include <vector>

#include "core/attention/block_selector.h"
#include "core/attention/sequence_state.h"

namespace sw {

// Blocks that hold a watched token, ascending, each once.
std::vector<int> WatchedBlocks(std::span<const WatchedTokens> watched, int block_size);
// Share of `blocks` in list `row` of each group, mean over the groups; -1 when there are none.
double HitRate(const HostSelection& selection, int row, std::span<const int> blocks);

// A layer that attended to everything; kv_len counts the keys of the pass.
void RecordDense(Pass pass, int kv_len, LayerTrace& layer);
// A layer that attended through lists. `kv_len` tokens in blocks of `block_size`. Throws BugError
// for lists that break an invariant. The lists are kept when trace.keep_lists asks for it.
void RecordPrefillLists(int layer, HostSelection lists, int kv_len, int block_size,
                        AttentionTrace& trace);
void RecordDecodeLists(int layer, HostSelection lists, int kv_len, int block_size,
                       AttentionTrace& trace);

}  // namespace sw
