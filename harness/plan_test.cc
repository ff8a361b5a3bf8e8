#include "harness/command/plan.h"

#include "core/base/check.h"
#include "core/testing/catch.h"
#include "harness/config_io.h"

namespace sw {
namespace {

using testing::HasText;
using testing::MessageOf;

Experiment Parse(const std::string& arms) {
  return ParseExperiment("model: m\ntask: {lengths: [1024], samples: 10}\narms: [" + arms + "]\n",
                         "x.yaml", {});
}

TEST_CASE("A plan without the model lists every point and what it keeps") {
  const Plan plan =
      PlanWithoutModel(Parse("dense, {sketch_walk: {block_size: 32, density: [0.2, 0.4]}}"), 3);
  REQUIRE(plan.points.size() == 3);
  CHECK(plan.samples == 3);
  const std::string text = PlanText(plan);
  CHECK_THAT(text, HasText("3 points of 3 samples"));
  CHECK_THAT(text, HasText("sketch_walk density=0.2"));
  CHECK_THAT(text, HasText("7/32"));   // ceil(0.2 * 32)
  CHECK_THAT(text, HasText("13/32"));  // ceil(0.4 * 32)
  CHECK_THAT(text, !HasText("selector is then"));
  CHECK_THAT(text, !HasText("nan"));
}

TEST_CASE("A row that compares nothing is flagged") {
  const std::string text = PlanText(PlanWithoutModel(Parse("dense, {oracle: {top_blocks: 3}}"), 0));
  CHECK_THAT(text, HasText("  !\n"));
  CHECK_THAT(text, HasText("every selector is then the same"));
}

TEST_CASE("What does not fit is refused by name") {
  Plan plan = PlanWithoutModel(Parse("dense, oracle"), 0);
  plan.has_costs = true;
  plan.points[0].peak_bytes = int64_t{1} << 30;
  plan.points[1].peak_bytes = int64_t{3} << 30;
  plan.peak_bytes = int64_t{3} << 30;
  CHECK_NOTHROW(RefuseWhatDoesNotFit(plan, int64_t{3} << 30));
  CHECK_NOTHROW(RefuseWhatDoesNotFit(plan, 0));
  const std::string error =
      MessageOf<UserError>([&] { RefuseWhatDoesNotFit(plan, int64_t{2} << 30); });
  CHECK_THAT(error, HasText("2.00 GiB are free"));
  CHECK_THAT(error, HasText("3.00 GiB  niah_single_1 1024 generate oracle"));
  CHECK_THAT(error, !HasText("dense"));
}

}  // namespace
}  // namespace sw
