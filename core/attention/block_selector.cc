#include "core/attention/block_selector.h"

#include <algorithm>

#include "core/base/check.h"

namespace sw {
namespace {

void CheckRule(const SelectionRule& rule, int kv_blocks, const SelectionOut& out) {
  SW_CHECK(rule.num_q_blocks() > 0 && rule.num_blocks == kv_blocks &&
               rule.q_block_begin + rule.num_q_blocks() == kv_blocks,
           "rows [{}, {}) of {} blocks", rule.q_block_begin,
           rule.q_block_begin + rule.num_q_blocks(), kv_blocks);
  SW_CHECK(out.counts != nullptr && out.block_ids != nullptr);
  for (int row = 0; row < rule.num_q_blocks(); ++row) {
    const int keep = rule.keep_counts[static_cast<size_t>(row)];
    const int causal = rule.q_block_begin + row + 1;
    SW_CHECK(1 <= keep && keep <= std::min(causal, out.row_capacity),
             "row {} keeps {} of {} blocks, room for {}", row, keep, causal, out.row_capacity);
  }
}

}  // namespace

BlockSelector::BlockSelector(Backend& backend, int block_size, int num_groups)
    : backend_(backend), block_size_(block_size), num_groups_(num_groups) {
  SW_CHECK(block_size >= 1 && num_groups >= 1);
}

std::unique_ptr<SelectorState> BlockSelector::NewSequence(const SequenceShape& shape) const {
  std::unique_ptr<SelectorState> state = DoNewSequence(shape);
  SW_CHECK(state != nullptr);
  return state;
}

void BlockSelector::SelectPrefill(const LayerInputs& in, const SelectionRule& rule,
                                  SelectorState& state, const SelectionOut& out) const {
  SW_CHECK(in.q.first_pos == 0 && in.q.num_tokens == in.kv.len);
  CheckRule(rule, CeilDiv(in.kv.len, block_size_), out);
  DoSelectPrefill(in, rule, state, out);
}

void BlockSelector::SelectDecode(const LayerInputs& in, const SelectionRule& rule,
                                 SelectorState& state, const SelectionOut& out) const {
  SW_CHECK(in.q.num_tokens == 1 && in.q.first_pos == in.kv.len - 1);
  SW_CHECK(rule.num_q_blocks() == 1 && rule.forced.dense_tail_blocks == 0);
  CheckRule(rule, CeilDiv(in.kv.len, block_size_), out);
  DoSelectDecode(in, rule, state, out);
}

void BlockSelector::ObservePrefill(const LayerInputs& in, SelectorState& state) const {
  DoObservePrefill(in, state);
}

void BlockSelector::ObserveDecode(const LayerInputs& in, SelectorState& state) const {
  DoObserveDecode(in, state);
}

void BlockSelector::EndPass(Pass pass, SelectorState& state, AttentionTrace& trace) const {
  DoEndPass(pass, state, trace);
}

void BlockSelector::Pick(int layer, const SelectionRule& rule, const float* scores, int64_t stride,
                         const SelectionOut& out) const {
  const StageTimer timer(backend_.clock(), layer, Stage::kPick);
  backend_.attention().PickBlocks({.num_groups = num_groups_,
                                   .num_q_blocks = rule.num_q_blocks(),
                                   .q_block_begin = rule.q_block_begin,
                                   .scores = scores,
                                   .score_stride = stride,
                                   .forced = rule.forced,
                                   .num_blocks = rule.num_blocks,
                                   .keep_counts = rule.keep_counts.data(),
                                   .counts = out.counts,
                                   .block_ids = out.block_ids,
                                   .row_capacity = out.row_capacity});
}

}  // namespace sw
