#include "core/attention/dense.h"

#include "core/attention/pass_order.h"
#include "core/attention/trace.h"
#include "core/base/check.h"

namespace sw {
namespace {

struct DenseState final : SequenceState {
  explicit DenseState(const SequenceShape& shape) : order(shape) {}
  PassOrder order;
};

void Attend(Pass pass, Backend& backend, const LayerInputs& in, SequenceState& base,
            const TensorView& out) {
  auto* state = dynamic_cast<DenseState*>(&base);
  SW_CHECK(state != nullptr, "the sequence belongs to another policy");
  state->order.Enter(pass, in, out);
  {
    const StageTimer timer(backend.clock(), in.layer, Stage::kAttend);
    backend.attention().AttendDense(in.q, in.kv, out);
  }
  RecordDense(pass, in.kv.len, state->trace.layers[static_cast<size_t>(in.layer)]);
  state->order.Leave();
}

}  // namespace

std::unique_ptr<SequenceState> DensePolicy::NewSequence(const SequenceShape& shape) const {
  auto state = std::make_unique<DenseState>(shape);
  state->trace.layers.resize(static_cast<size_t>(shape.num_layers));
  return state;
}

void DensePolicy::Prefill(const LayerInputs& in, SequenceState& state,
                          const TensorView& out) const {
  Attend(Pass::kPrefill, backend_, in, state, out);
}

void DensePolicy::Decode(const LayerInputs& in, SequenceState& state, const TensorView& out) const {
  Attend(Pass::kDecode, backend_, in, state, out);
}

}  // namespace sw
