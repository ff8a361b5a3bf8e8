// SEAM BlockSelector: the choice of blocks. SparsePolicy owns the skip layers, the phases, the
// forced blocks and the keep rule; a selector brings the scores. Selectors are const: everything
// that changes is in the SelectorState, of which every sequence has its own.
#pragma once

#include <memory>
#include <span>

#include "core/attention/attention_policy.h"

namespace sw {

enum class Pass { kPrefill, kDecode };

struct SelectorState {
  virtual ~SelectorState() = default;
};

// Which rows are asked for, and how many blocks each of them keeps.
struct SelectionRule {
  int q_block_begin = 0;  // query block of row 0
  int num_blocks = 0;     // blocks of the sequence so far
  ForcedRule forced;
  std::span<const int32_t> keep_counts;  // host; one per row, forced blocks counted

  int num_q_blocks() const { return static_cast<int>(keep_counts.size()); }
};

// Where the lists go, backend memory: counts [groups * rows], block_ids [groups * rows *
// row_capacity].
struct SelectionOut {
  int32_t* counts = nullptr;
  int32_t* block_ids = nullptr;
  int row_capacity = 0;
};

class BlockSelector {
 public:
  virtual ~BlockSelector() = default;
  BlockSelector(const BlockSelector&) = delete;
  BlockSelector& operator=(const BlockSelector&) = delete;

  // Lists per layer: 1, num_kv_heads or num_q_heads.
  int num_groups() const { return num_groups_; }
  std::unique_ptr<SelectorState> NewSequence(const SequenceShape& shape) const;

  // The lists of a layer that attends through them: all rows of a prompt, or the current block's
  // row.
  void SelectPrefill(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                     const SelectionOut& out) const;
  void SelectDecode(const LayerInputs& in, const SelectionRule& rule, SelectorState& state,
                    const SelectionOut& out) const;
  // The same moment in a layer that stays dense: a chance to update what other layers or the other
  // phase need. Called for every dense layer of both phases.
  void ObservePrefill(const LayerInputs& in, SelectorState& state) const;
  void ObserveDecode(const LayerInputs& in, SelectorState& state) const;
  // After the last layer of a pass: frees what only that pass needed, reports to the trace.
  void EndPass(Pass pass, SelectorState& state, AttentionTrace& trace) const;

 protected:
  // `backend` must outlive the selector.
  BlockSelector(Backend& backend, int block_size, int num_groups);

  Backend& backend() const { return backend_; }
  int block_size() const { return block_size_; }
  // PickBlocks, timed: scores [groups, rows, stride] in backend memory.
  void Pick(int layer, const SelectionRule& rule, const float* scores, int64_t stride,
            const SelectionOut& out) const;

 private:
  virtual std::unique_ptr<SelectorState> DoNewSequence(const SequenceShape& shape) const = 0;
  virtual void DoSelectPrefill(const LayerInputs& in, const SelectionRule& rule,
                               SelectorState& state, const SelectionOut& out) const = 0;
  virtual void DoSelectDecode(const LayerInputs& in, const SelectionRule& rule,
                              SelectorState& state, const SelectionOut& out) const = 0;
  virtual void DoObservePrefill(const LayerInputs&, SelectorState&) const {}
  virtual void DoObserveDecode(const LayerInputs&, SelectorState&) const {}
  virtual void DoEndPass(Pass, SelectorState&, AttentionTrace&) const {}

  Backend& backend_;
  int block_size_;
  int num_groups_;
};

}  // namespace sw
