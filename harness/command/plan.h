// What a config expands to: its points with what each keeps, takes and needs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/command/prepare.h"
#include "harness/estimate.h"

namespace sw {

struct PlannedPoint {
  RunPoint point;
  KeepEstimate keep;
  bool can_run = true;  // false: its task's data are missing
  double seconds = 0;
  int64_t peak_bytes = 0;  // 0: not known, the model is not here
};

struct Plan {
  std::vector<PlannedPoint> points;
  int samples = 0;  // per point
  bool has_costs = false;
  double seconds = 0;  // with warm-up passes
  int64_t peak_bytes = 0;
};

// From the config alone; `num_layers` is not known, so densities are those of a sparse layer.
Plan PlanWithoutModel(const Experiment& experiment, int limit);
// With seconds and bytes; calibrates the backend (under a second).
Plan PlanWithModel(const Experiment& experiment, const Prepared& prepared, int limit);

// An aligned table with a line of totals, and remarks about rows that compare nothing.
std::string PlanText(const Plan& plan);

// UserError naming the points whose peak is above `available_bytes` (0: not known, nothing
// refused).
void RefuseWhatDoesNotFit(const Plan& plan, int64_t available_bytes);

}  // namespace sw
