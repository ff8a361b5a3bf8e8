#include "core/attention/select/local_sink.h"

#include <vector>

namespace sw {
namespace {

struct LocalSinkState final : SelectorState {
  int capacity_blocks = 0;
  Buffer<float> prefill_scores;  // [b, b], freed after the prefill
  Buffer<float> decode_scores;   // [capacity_blocks], the same at every step
};

LocalSinkState& StateOf(SelectorState& state) { return static_cast<LocalSinkState&>(state); }

// `rows` rows of 1, 2, ..., cols.
Buffer<float> Positions(Memory& memory, int rows, int cols) {
  std::vector<float> host;
  host.reserve(static_cast<size_t>(rows) * static_cast<size_t>(cols));
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < cols; ++j) host.push_back(static_cast<float>(j + 1));
  }
  Buffer<float> scores(memory, "workspace", host.size());
  scores.CopyFrom(host);
  return scores;
}

}  // namespace

LocalSinkSelector::LocalSinkSelector(const LocalSinkConfig& config, Backend& backend)
    : BlockSelector(backend, config.sparse.block_size, 1) {}

std::unique_ptr<SelectorState> LocalSinkSelector::DoNewSequence(const SequenceShape& shape) const {
  auto state = std::make_unique<LocalSinkState>();
  state->capacity_blocks = CeilDiv(shape.capacity_tokens, block_size());
  return state;
}

void LocalSinkSelector::DoSelectPrefill(const LayerInputs& in, const SelectionRule& rule,
                                        SelectorState& base, const SelectionOut& out) const {
  LocalSinkState& state = StateOf(base);
  if (state.prefill_scores.empty()) {
    state.prefill_scores = Positions(backend().memory(), rule.num_blocks, rule.num_blocks);
  }
  Pick(in.layer, rule, state.prefill_scores.data(), rule.num_blocks, out);
}

void LocalSinkSelector::DoSelectDecode(const LayerInputs& in, const SelectionRule& rule,
                                       SelectorState& base, const SelectionOut& out) const {
  LocalSinkState& state = StateOf(base);
  if (state.decode_scores.empty()) {
    state.decode_scores = Positions(backend().memory(), 1, state.capacity_blocks);
  }
  Pick(in.layer, rule, state.decode_scores.data(), state.capacity_blocks, out);
}

void LocalSinkSelector::DoEndPass(Pass pass, SelectorState& state, AttentionTrace&) const {
  if (pass == Pass::kPrefill) StateOf(state).prefill_scores = {};
}

}  // namespace sw
