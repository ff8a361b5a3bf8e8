#include "core/attention/select/oracle.h"

namespace sw {
namespace {

struct OracleState final : SelectorState {
  int capacity_blocks = 0;
  Buffer<float> prefill_mass;  // [groups, b, b], freed after the prefill
  Buffer<float> decode_mass;   // [groups, 1, capacity_blocks]
};

OracleState& StateOf(SelectorState& state) { return static_cast<OracleState&>(state); }

int GroupsOf(Share share, const HeadShape& heads) {
  switch (share) {
    case Share::kKvGroup:
      return heads.num_kv_heads;
    case Share::kHead:
      return heads.num_q_heads;
    case Share::kLayer:
      break;
  }
  return 1;
}

}  // namespace

OracleSelector::OracleSelector(const OracleConfig& config, const HeadShape& heads, Backend& backend)
    : BlockSelector(backend, config.sparse.block_size, GroupsOf(config.share, heads)),
      config_(config) {}

std::unique_ptr<SelectorState> OracleSelector::DoNewSequence(const SequenceShape& shape) const {
  auto state = std::make_unique<OracleState>();
  state->capacity_blocks = CeilDiv(shape.capacity_tokens, block_size());
  if (config_.sparse.decode == PhaseMode::kSparse) {
    const int64_t size = static_cast<int64_t>(num_groups()) * state->capacity_blocks;
    state->decode_mass = Buffer<float>(backend().memory(), "workspace", static_cast<size_t>(size));
  }
  return state;
}

void OracleSelector::PickByMass(const LayerInputs& in, const SelectionRule& rule, float* scores,
                                int64_t stride, const SelectionOut& out) const {
  {
    const StageTimer timer(backend().clock(), in.layer, Stage::kMass);
    backend().attention().BlockMass(
        in.q, in.kv, block_size(), num_groups(),
        config_.aggregate == Aggregate::kSum ? MassJoin::kSum : MassJoin::kMax, scores, stride);
  }
  Pick(in.layer, rule, scores, stride, out);
}

void OracleSelector::DoSelectPrefill(const LayerInputs& in, const SelectionRule& rule,
                                     SelectorState& base, const SelectionOut& out) const {
  OracleState& state = StateOf(base);
  if (state.prefill_mass.empty()) {
    const int64_t size = static_cast<int64_t>(num_groups()) * rule.num_blocks * rule.num_blocks;
    state.prefill_mass = Buffer<float>(backend().memory(), "workspace", static_cast<size_t>(size));
  }
  PickByMass(in, rule, state.prefill_mass.data(), rule.num_blocks, out);
}

void OracleSelector::DoSelectDecode(const LayerInputs& in, const SelectionRule& rule,
                                    SelectorState& base, const SelectionOut& out) const {
  OracleState& state = StateOf(base);
  PickByMass(in, rule, state.decode_mass.data(), state.capacity_blocks, out);
}

void OracleSelector::DoEndPass(Pass pass, SelectorState& state, AttentionTrace&) const {
  if (pass == Pass::kPrefill) StateOf(state).prefill_mass = {};
}

}  // namespace sw
