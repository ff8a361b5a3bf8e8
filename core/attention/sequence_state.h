// What a policy carries for one sequence, and what it tells the runner about it. The model passes
// it on and never looks inside.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/ops/block_selection.h"

namespace sw {

// Tokens [begin, end) whose blocks are watched for the needle-block hit rate.
struct WatchedTokens {
  int begin = 0;
  int end = 0;
};

struct LayerTrace {
  PairCount prefill;  // token pairs attended and causal; dense layers keep all of theirs
  PairCount decode;
  bool prefill_sparse = false;  // did this layer go through lists in that phase
  bool decode_sparse = false;
  // Share of the watched blocks in the last query block's list; -1 for dense layers or no watch.
  double prefill_hit_rate = -1.0;
  std::vector<float> decode_hit_rate;  // one per decode step, of the current block's list
};

struct AttentionTrace {
  std::vector<WatchedTokens> watched;  // set by the runner before the prefill
  std::vector<LayerTrace> layers;      // [num_layers]
  int64_t walk_restarts = 0;           // rows of R that had to start again; updated after each pass
  // When true, the prefill lists of every layer are kept (tests, audits); empty for dense layers.
  bool keep_lists = false;
  std::vector<HostSelection> prefill_lists;
  std::vector<HostSelection> last_decode_lists;
};

struct SequenceState {
  virtual ~SequenceState() = default;
  AttentionTrace trace;
};

}  // namespace sw
