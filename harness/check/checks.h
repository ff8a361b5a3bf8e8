// Conformance checks: every operation of a backend, and sketch_walk as a whole, against the float64
// oracle over the case lists.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/ops/backend.h"

namespace sw {

struct CheckResult {
  std::string op;
  int cases = 0;
  int failed = 0;
  double worst_share = 0.0;  // largest error met, as a share of what is allowed
  std::string worst_case;
  std::vector<std::string> failures;  // one line each: the case and what differed
};

// Names of the operations that can be checked, in order.
std::vector<std::string_view> CheckNames();
// Runs one of them over all of its cases.
CheckResult RunCheck(std::string_view op, Backend& backend);

}  // namespace sw
