#include "core/attention/sparse.h"

#include <algorithm>

#include "core/attention/pass_order.h"
#include "core/attention/trace.h"
#include "core/base/check.h"

namespace sw {
namespace {

constexpr int kDefaultTopBlocks = 16;

}  // namespace

// One list per group and sparse layer, read back together after the step: no wait for the device
// between the layers.
struct DecodeLists {
  Buffer<int32_t> counts;     // [layers, groups]
  Buffer<int32_t> block_ids;  // [layers, groups, row_capacity]
  int num_groups = 1;
  int row_capacity = 0;

  SelectionOut Out(int layer) {
    return {counts.data() + layer * num_groups,
            block_ids.data() + static_cast<int64_t>(layer) * num_groups * row_capacity,
            row_capacity};
  }
};

struct SparseState final : SequenceState {
  SparseState(const SequenceShape& shape, const SparsePolicy* owning_policy)
      : owner(owning_policy), order(shape) {}

  const SparsePolicy* owner;
  PassOrder order;
  std::unique_ptr<SelectorState> selector;
  // Prefill: sizes of all rows, and one set of lists that the layers use in turn.
  std::vector<int32_t> keep_counts;
  BlockSelectionBuffer prefill_lists;
  DecodeLists decode_lists;
};

namespace {

bool EveryListIsFull(std::span<const int32_t> keep_counts, int q_block_begin) {
  for (size_t row = 0; row < keep_counts.size(); ++row) {
    if (keep_counts[row] != q_block_begin + static_cast<int>(row) + 1) return false;
  }
  return true;
}

void RecordDecodeStep(int kv_len, int block_size, int first_layer, SparseState& state) {
  const DecodeLists& lists = state.decode_lists;
  const std::vector<int32_t> counts = lists.counts.ToHost();
  const std::vector<int32_t> ids = lists.block_ids.ToHost();
  for (int layer = first_layer; layer < state.order.shape().num_layers; ++layer) {
    HostSelection selection{lists.num_groups, 1, (kv_len - 1) / block_size, {}};
    for (int group = 0; group < lists.num_groups; ++group) {
      const int row = (layer - first_layer) * lists.num_groups + group;
      const int count = counts[static_cast<size_t>(row)];
      SW_CHECK(0 <= count && count <= lists.row_capacity, "{} blocks in layer {}", count, layer);
      const auto begin = ids.begin() + static_cast<int64_t>(row) * lists.row_capacity;
      selection.rows.emplace_back(begin, begin + count);
    }
    RecordDecodeLists(layer, std::move(selection), kv_len, block_size, state.trace);
  }
}

}  // namespace

SparsePolicy::SparsePolicy(std::string_view name, const SparseConfig& config,
                           std::unique_ptr<const BlockSelector> selector, Backend& backend)
    : name_(name), config_(config), selector_(std::move(selector)), backend_(backend) {
  SW_CHECK(selector_ != nullptr);
}

KeepRule SparsePolicy::RuleOf(Pass pass) const {
  return {.forced = {.sink_blocks = config_.sink_blocks,
                     .local_blocks = config_.local_blocks,
                     .dense_tail_blocks = pass == Pass::kPrefill ? config_.dense_tail_blocks : 0},
          .top_blocks = config_.top_blocks.value_or(kDefaultTopBlocks),
          .density = config_.density.value_or(0.0)};
}

bool SparsePolicy::IsSparse(Pass pass, int layer) const {
  const PhaseMode mode = pass == Pass::kPrefill ? config_.prefill : config_.decode;
  return mode == PhaseMode::kSparse && layer >= config_.skip_layers;
}

SparseState& SparsePolicy::StateOf(SequenceState& base) const {
  auto* state = dynamic_cast<SparseState*>(&base);
  SW_CHECK(state != nullptr && state->owner == this, "the sequence belongs to another policy");
  return *state;
}

std::unique_ptr<SequenceState> SparsePolicy::NewSequence(const SequenceShape& shape) const {
  auto state = std::make_unique<SparseState>(shape, this);
  state->trace.layers.resize(static_cast<size_t>(shape.num_layers));
  state->selector = selector_->NewSequence(shape);
  const int sparse_layers = shape.num_layers - config_.skip_layers;
  if (config_.decode == PhaseMode::kSparse && sparse_layers > 0) {
    DecodeLists& lists = state->decode_lists;
    const int capacity_blocks = CeilDiv(shape.capacity_tokens, config_.block_size);
    lists.num_groups = selector_->num_groups();
    lists.row_capacity = RuleOf(Pass::kDecode).Count(capacity_blocks - 1, capacity_blocks);
    const auto rows = static_cast<size_t>(sparse_layers) * static_cast<size_t>(lists.num_groups);
    lists.counts = Buffer<int32_t>(backend_.memory(), "selection", rows);
    lists.block_ids = Buffer<int32_t>(backend_.memory(), "selection",
                                      rows * static_cast<size_t>(lists.row_capacity));
  }
  return state;
}

void SparsePolicy::AttendDense(const LayerInputs& in, const TensorView& out) const {
  const StageTimer timer(backend_.clock(), in.layer, Stage::kAttend);
  backend_.attention().AttendDense(in.q, in.kv, out);
}

void SparsePolicy::Prefill(const LayerInputs& in, SequenceState& base,
                           const TensorView& out) const {
  SparseState& state = StateOf(base);
  state.order.Enter(Pass::kPrefill, in, out);
  if (IsSparse(Pass::kPrefill, in.layer)) {
    PrefillThroughLists(in, state, out);
  } else {
    selector_->ObservePrefill(in, *state.selector);
    AttendDense(in, out);
    RecordDense(Pass::kPrefill, in.kv.len, state.trace.layers[static_cast<size_t>(in.layer)]);
  }
  if (state.order.Leave()) {
    selector_->EndPass(Pass::kPrefill, *state.selector, state.trace);
    state.prefill_lists = {};
    state.keep_counts = {};
  }
}

void SparsePolicy::PrefillThroughLists(const LayerInputs& in, SparseState& state,
                                       const TensorView& out) const {
  const int num_blocks = CeilDiv(in.kv.len, config_.block_size);
  const KeepRule rule = RuleOf(Pass::kPrefill);
  if (state.keep_counts.empty()) {
    for (int i = 0; i < num_blocks; ++i) state.keep_counts.push_back(rule.Count(i, num_blocks));
    state.prefill_lists = BlockSelectionBuffer::Make(
        backend_.memory(), selector_->num_groups(), num_blocks, 0,
        *std::max_element(state.keep_counts.begin(), state.keep_counts.end()));
  }
  BlockSelectionBuffer& lists = state.prefill_lists;
  selector_->SelectPrefill(in, {0, num_blocks, rule.forced, state.keep_counts}, *state.selector,
                           {lists.counts.data(), lists.block_ids.data(), lists.row_capacity});
  if (EveryListIsFull(state.keep_counts, 0)) {
    AttendDense(in, out);
  } else {
    const StageTimer timer(backend_.clock(), in.layer, Stage::kAttend);
    backend_.attention().AttendBlocks(in.q, in.kv, lists.View(), config_.block_size, out);
  }
  RecordPrefillLists(in.layer, HostSelection::From(lists), in.kv.len, config_.block_size,
                     state.trace);
}

void SparsePolicy::Decode(const LayerInputs& in, SequenceState& base, const TensorView& out) const {
  SparseState& state = StateOf(base);
  state.order.Enter(Pass::kDecode, in, out);
  if (IsSparse(Pass::kDecode, in.layer)) {
    DecodeThroughLists(in, state, out);
  } else {
    selector_->ObserveDecode(in, *state.selector);
    AttendDense(in, out);
    RecordDense(Pass::kDecode, in.kv.len, state.trace.layers[static_cast<size_t>(in.layer)]);
  }
  if (state.order.Leave()) {
    selector_->EndPass(Pass::kDecode, *state.selector, state.trace);
    if (!state.decode_lists.counts.empty()) {
      RecordDecodeStep(in.kv.len, config_.block_size, config_.skip_layers, state);
    }
  }
}

void SparsePolicy::DecodeThroughLists(const LayerInputs& in, SparseState& state,
                                      const TensorView& out) const {
  const int block = (in.kv.len - 1) / config_.block_size;
  const KeepRule rule = RuleOf(Pass::kDecode);
  const int32_t keep = rule.Count(block, block + 1);
  const std::span<const int32_t> keep_counts(&keep, 1);
  const SelectionOut lists = state.decode_lists.Out(in.layer - config_.skip_layers);
  selector_->SelectDecode(in, {block, block + 1, rule.forced, keep_counts}, *state.selector, lists);
  if (EveryListIsFull(keep_counts, block)) {
    AttendDense(in, out);
    return;
  }
  const BlockSelection selection{.num_groups = selector_->num_groups(),
                                 .num_q_blocks = 1,
                                 .q_block_begin = block,
                                 .row_capacity = lists.row_capacity,
                                 .counts = lists.counts,
                                 .block_ids = lists.block_ids};
  const StageTimer timer(backend_.clock(), in.layer, Stage::kAttend);
  backend_.attention().AttendDecode(in.q, in.kv, selection, config_.block_size, out);
}

}  // namespace sw
