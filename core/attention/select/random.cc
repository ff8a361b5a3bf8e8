#include "core/attention/select/random.h"

#include <vector>

#include "core/base/rng.h"

namespace sw {
namespace {

struct RandomState final : SelectorState {
  uint64_t sample_key = 0;
  int capacity_blocks = 0;
  std::vector<float> host;       // the scores of one layer before they are uploaded
  Buffer<float> prefill_scores;  // [b, b], freed after the prefill
  Buffer<float> decode_scores;   // [capacity_blocks]
};

RandomState& StateOf(SelectorState& state) { return static_cast<RandomState&>(state); }

// Scores of the row's causal blocks in [0, 1): 24 bits, exact in float. `where` is the query block
// of a prompt or the position of a decode step.
void DrawRow(uint64_t seed, uint64_t phase_stream, uint64_t sample_key, int layer, int where,
             int num_causal, float* row) {
  const uint64_t place = static_cast<uint64_t>(layer) << 32 | static_cast<uint32_t>(where);
  const uint64_t stream = RandomBits(sample_key, phase_stream, place);
  for (int j = 0; j < num_causal; ++j) {
    const uint64_t bits = RandomBits(seed, stream, static_cast<uint64_t>(j));
    row[j] = static_cast<float>(bits >> 40) * 0x1.0p-24f;
  }
}

}  // namespace

RandomSelector::RandomSelector(const RandomConfig& config, Backend& backend)
    : BlockSelector(backend, config.sparse.block_size, 1), config_(config) {}

std::unique_ptr<SelectorState> RandomSelector::DoNewSequence(const SequenceShape& shape) const {
  auto state = std::make_unique<RandomState>();
  state->sample_key = shape.sample_key;
  state->capacity_blocks = CeilDiv(shape.capacity_tokens, block_size());
  return state;
}

void RandomSelector::DoSelectPrefill(const LayerInputs& in, const SelectionRule& rule,
                                     SelectorState& base, const SelectionOut& out) const {
  RandomState& state = StateOf(base);
  const auto blocks = static_cast<size_t>(rule.num_blocks);
  if (state.prefill_scores.empty()) {
    state.host.assign(blocks * blocks, 0.0f);
    state.prefill_scores = Buffer<float>(backend().memory(), "workspace", blocks * blocks);
  }
  for (int i = 0; i < rule.num_blocks; ++i) {
    DrawRow(config_.seed, StreamOf("random.prefill"), state.sample_key, in.layer, i, i + 1,
            state.host.data() + static_cast<size_t>(i) * blocks);
  }
  state.prefill_scores.CopyFrom(state.host);
  Pick(in.layer, rule, state.prefill_scores.data(), rule.num_blocks, out);
}

void RandomSelector::DoSelectDecode(const LayerInputs& in, const SelectionRule& rule,
                                    SelectorState& base, const SelectionOut& out) const {
  RandomState& state = StateOf(base);
  const auto capacity = static_cast<size_t>(state.capacity_blocks);
  if (state.decode_scores.empty()) {
    state.host.assign(capacity, 0.0f);
    state.decode_scores = Buffer<float>(backend().memory(), "workspace", capacity);
  }
  DrawRow(config_.seed, StreamOf("random.decode"), state.sample_key, in.layer, in.kv.len - 1,
          rule.num_blocks, state.host.data());
  state.decode_scores.CopyFrom(state.host);
  Pick(in.layer, rule, state.decode_scores.data(), state.capacity_blocks, out);
}

void RandomSelector::DoEndPass(Pass pass, SelectorState& base, AttentionTrace&) const {
  if (pass != Pass::kPrefill) return;
  RandomState& state = StateOf(base);
  state.prefill_scores = {};
  state.host = {};
}

}  // namespace sw
