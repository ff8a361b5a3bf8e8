#include "harness/check/checks.h"

#include <fmt/format.h>

#include <utility>

#include "harness/check/checks_internal.h"
#include "tasks/nearest_name.h"

namespace sw {
namespace {

using Check = CheckResult (*)(Backend&);

constexpr std::pair<std::string_view, Check> kChecks[] = {
    {"matmul", CheckMatMul},
    {"rms_norm", CheckRmsNorm},
    {"silu_mul", CheckSiluMul},
    {"rope_append", CheckRope},
    {"attend_dense", CheckAttendDense},
    {"attend_blocks", CheckAttendBlocks},
    {"attend_decode", CheckAttendDecode},
    {"block_mass", CheckBlockMass},
    {"block_scores", CheckBlockScores},
    {"sketch_walk", CheckSketchWalk},
};

}  // namespace

void Book(const std::string& case_name, std::string_view what, const Comparison& comparison,
          CheckResult& result) {
  if (comparison.worst_share >= result.worst_share) {
    result.worst_share = comparison.worst_share;
    result.worst_case = case_name;
  }
  if (comparison.ok()) return;
  ++result.failed;
  result.failures.push_back(fmt::format("{}: {}: {}", case_name, what, comparison.Describe()));
}

std::vector<std::string_view> CheckNames() {
  std::vector<std::string_view> names;
  for (const auto& [name, check] : kChecks) names.push_back(name);
  return names;
}

CheckResult RunCheck(std::string_view op, Backend& backend) {
  for (const auto& [name, check] : kChecks) {
    if (name != op) continue;
    CheckResult result = check(backend);
    result.op = name;
    return result;
  }
  const std::vector<std::string_view> names = CheckNames();
  const std::vector<std::string> known(names.begin(), names.end());
  FailUser("check has no operation '{}'; {}", op, SuggestName(op, known));
}

}  // namespace sw
