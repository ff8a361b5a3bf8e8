#include "core/config/run_config.h"

namespace sw {

std::vector<RunPoint> ExpandPoints(const Experiment& experiment) {
  std::vector<RunPoint> points;
  for (const Scoring scoring : experiment.scoring) {
    for (const std::string& task : experiment.task.names) {
      for (const int length : experiment.task.lengths) {
        for (const ArmConfig& arm : experiment.arms) points.push_back({task, length, scoring, arm});
      }
    }
  }
  return points;
}

}  // namespace sw
