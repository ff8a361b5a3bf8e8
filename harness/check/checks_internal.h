// Shared by the files of the checks: how a comparison becomes part of a CheckResult.
#pragma once

#include "harness/check/check_case.h"
#include "harness/check/checks.h"
#include "reference/compare.h"

namespace sw {

// Books one comparison of one case; `what` names the quantity ("out", "scores").
void Book(const std::string& case_name, std::string_view what, const Comparison& comparison,
          CheckResult& result);

CheckResult CheckMatMul(Backend& backend);
CheckResult CheckRmsNorm(Backend& backend);
CheckResult CheckSiluMul(Backend& backend);
CheckResult CheckRope(Backend& backend);
CheckResult CheckAttendDense(Backend& backend);
CheckResult CheckAttendBlocks(Backend& backend);
CheckResult CheckAttendDecode(Backend& backend);
CheckResult CheckBlockMass(Backend& backend);
CheckResult CheckBlockScores(Backend& backend);
CheckResult CheckSketchWalk(Backend& backend);

}  // namespace sw
