// What one command runs: an Experiment as the user wrote it, and the points that it expands to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config/policy_config.h"
#include "core/config/task_config.h"

namespace sw {

enum class BackendKind { kAuto, kCuda, kReference };
enum class Scoring { kGenerate, kForced };

struct MeasureConfig {
  int repeats = 0;  // how many samples of a point are timed, from the first on; 0 = all
  int batch = 1;    // sequences decoded together (generate scoring)
  int warmup = 1;   // untimed passes of the dense arm before the first sample of each length
};

// One arm of the sweep: a policy at one operating point.
struct ArmConfig {
  PolicyConfig policy;
  std::string label;  // unique in the experiment: "dense", "sketch_walk density=0.2"
};

struct Experiment {
  std::string name;   // the config file's stem
  std::string model;  // a name under configs/model/ or a path to a .gguf file
  BackendKind backend = BackendKind::kAuto;
  TaskConfig task;
  std::vector<ArmConfig> arms;  // expanded: one entry per grid point, in written order
  std::vector<Scoring> scoring = {Scoring::kGenerate};
  MeasureConfig measure;
};

// One operating point: a task at a length, an arm, a way of scoring.
struct RunPoint {
  std::string task;
  int length = 0;
  Scoring scoring = Scoring::kGenerate;
  ArmConfig arm;
};

// Points in the order they are run and reported: scoring, then task, then length, then arm.
std::vector<RunPoint> ExpandPoints(const Experiment& experiment);

}  // namespace sw
