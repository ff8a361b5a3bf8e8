// All outcomes of one operating point, and the record that they make.
#pragma once

#include "core/ops/block_selection.h"
#include "harness/report/record.h"
#include "harness/run/sample_run.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sw {

// The last query block's list, as the arm's rules size it.
struct LastRow {
  int kept = 0;    // tau in effect, forced blocks counted
  int forced = 0;  // of them
  int causal = 0;  // blocks that the row could keep
};
// For a prompt of `tokens` tokens; nullopt for the dense arm. With a dense prefill it is the row of
// the first decode steps, which has no dense tail.
std::optional<LastRow> LastRowOf(const PolicyConfig& policy, int tokens);

class PointResults {
 public:
  explicit PointResults(RunPoint point) : point_(std::move(point)) {}

  void Add(GroupOutcome outcome);
  // The point ends here; what it has measured so far stays in its record.
  void Fail(RunStatus status, std::string detail);

  const RunPoint& point() const { return point_; }
  bool failed() const { return status_ != RunStatus::kOk; }
  int num_samples() const;

  // Everything that the outcomes tell; `dense` (nullable, may be this) is the arm to compare with.
  // The caller adds what it knows of task, template and departures. `seed` is the bootstrap's.
  RunRecord ToRecord(const PointResults* dense, uint64_t seed) const;

 private:
  void FillAccuracy(const PointResults* dense, uint64_t seed, RunRecord& record) const;
  void FillAttention(RunRecord& record) const;
  void FillTimes(const PointResults* dense, RunRecord& record) const;
  void FillMemory(RunRecord& record) const;
  std::vector<const SampleRecord*> Samples() const;

  RunPoint point_;
  RunStatus status_ = RunStatus::kOk;
  std::string detail_;
  std::vector<GroupOutcome> groups_;
};

// What should make a reader doubt the record: a sparse arm that beats dense, a selector without
// choice.
std::vector<std::string> WarningsOf(const RunRecord& record, const std::vector<LastRow>& last_rows);

}  // namespace sw
