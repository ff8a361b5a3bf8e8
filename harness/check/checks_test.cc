#include "harness/check/checks.h"

#include "core/testing/catch.h"
#include "harness/check/check_case.h"
#include "harness/check/checks_internal.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

TEST_CASE("check: the reference backend conforms to the oracle in every operation") {
  ReferenceBackend backend;
  for (const std::string_view op : CheckNames()) {
    const CheckResult result = RunCheck(op, backend);
    INFO(op << ": " << (result.failures.empty() ? "" : result.failures.front()));
    CHECK(result.failed == 0);
    CHECK(result.cases > 0);
    CHECK(result.worst_share <= 1.0);
  }
}

TEST_CASE("check: a wrong number is booked as a failure that names its case") {
  CheckResult result;
  Book("case a", "out", CompareRange(std::vector{1.0}, std::vector{1.0}, {.absolute = 1e-6}),
       result);
  CHECK(result.failed == 0);
  Book("case b", "out", CompareRange(std::vector{1.1}, std::vector{1.0}, {.absolute = 1e-6}),
       result);
  CHECK(result.failed == 1);
  CHECK(result.worst_case == "case b");
  CHECK_THAT(result.failures.at(0), testing::HasText("case b: out: 1 of 1 outside"));
}

TEST_CASE("check: an unknown operation names the nearest one") {
  ReferenceBackend backend;
  CHECK_THAT(testing::MessageOf<UserError>([&] { RunCheck("attend_bloks", backend); }),
             testing::HasText("attend_blocks"));
}

}  // namespace
}  // namespace sw
