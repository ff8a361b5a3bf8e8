// Writes whole runs for results/schema_test.py to look at. Hidden: it needs a folder to write to.
#include "core/base/check.h"
#include "harness/run/runner.h"
#include "harness/run/runner_test_rig.h"

#include "core/testing/catch.h"

#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace sw {
namespace {

using testing::RunnerRig;

template <class Config>
ArmConfig SmallArm(Config config, std::string label) {
  config.sparse = testing::SmallBlocks(4);
  if constexpr (requires { config.sketch_dim; }) config.sketch_dim = 8;
  return {config, std::move(label)};
}

TEST_CASE("write runs for the schema check", "[.][write_runs]") {
  const char* folder = std::getenv("SW_WRITE_RUNS_TO");
  REQUIRE(folder != nullptr);
  const std::filesystem::path root(folder);

  RunnerRig rig;
  SketchWalkConfig by_density;
  by_density.sparse = testing::SmallBlocks(1);
  by_density.sparse.top_blocks.reset();
  by_density.sparse.density = 0.4;
  by_density.sparse.decode = PhaseMode::kDense;
  by_density.sketch_dim = 8;
  SketchWalkConfig impossible = by_density;
  impossible.sketch_dim = 1000;
  rig.experiment.arms = {{DenseConfig{}, "dense"},
                         SmallArm(SketchWalkConfig{}, "sketch_walk"),
                         {by_density, "sketch_walk density=0.4"},
                         {impossible, "sketch_walk impossible"},
                         SmallArm(OneHopConfig{}, "one_hop"),
                         SmallArm(OracleConfig{}, "oracle"),
                         SmallArm(LocalSinkConfig{}, "local_sink"),
                         SmallArm(RandomConfig{}, "random")};
  // With two blocks, sink and local, nothing is left to choose: a warning.
  LocalSinkConfig no_choice;
  no_choice.sparse = testing::SmallBlocks(2);
  rig.experiment.arms.push_back({no_choice, "local_sink no choice"});
  rig.experiment.scoring = {Scoring::kGenerate, Scoring::kForced};
  rig.experiment.measure = {.repeats = 2, .batch = 2, .warmup = 1};
  rig.experiment.task.names = {"letters", "lacking"};
  rig.hooks.reference = [](int index) { return std::string(1, index == 0 ? 'A' : '9'); };
  RunInputs inputs = rig.Inputs(root / "whole");
  inputs.make_task = [&](const std::string& name, int length) -> std::unique_ptr<Task> {
    if (name == "lacking") throw MissingData("no word list");
    return rig.MakeTask(name, length);
  };
  CHECK(RunExperiment(inputs) == 3);

  rig.experiment.task.names = {"letters"};
  rig.hooks.on_make = [](int index) {
    if (index == 2) raise(SIGTERM);
  };
  RunInputs interrupted = rig.Inputs(root / "interrupted");
  interrupted.limit = 3;
  CHECK(RunExperiment(interrupted) == 130);
}

}  // namespace
}  // namespace sw
