#include "harness/config_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness/config_io_arms.h"
#include "harness/config_io_fields.h"
#include "tasks/model_template.h"
#include "tasks/ruler/ruler_suite.h"

namespace sw {
namespace {

const std::vector<std::string> kTopKeys = {"model", "backend", "task",
                                           "arms",  "scoring", "measure"};

void CheckAtLeast(const char* field, int64_t value, int64_t low) {
  if (value < low) FailUser("{} is {}: it must be at least {}", field, value, low);
}

void CheckKnown(const char* what, const std::string& name, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  FailUser("unknown {} '{}'; {}", what, name, SuggestName(name, known));
}

void CheckTask(const TaskConfig& task) {
  CheckKnown("task suite", task.suite, {"ruler"});
  for (const std::string& name : task.names) CheckKnown("task", name, RulerTaskNames());
  for (const int length : task.lengths) CheckAtLeast("task.lengths", length, 1);
  CheckAtLeast("task.samples", task.samples, 1);
  std::vector<std::string> templates = ModelTemplateNames();
  templates.insert(templates.begin(), "auto");
  CheckKnown("template", task.model_template, templates);
  if (task.max_new_tokens) {
    CheckAtLeast("task.max_new_tokens", *task.max_new_tokens, 1);
    const int shortest = *std::min_element(task.lengths.begin(), task.lengths.end());
    if (*task.max_new_tokens >= shortest) {
      FailUser("task.max_new_tokens {} leaves no room for a prompt in {} tokens (task.lengths)",
               *task.max_new_tokens, shortest);
    }
  }
  CheckAtLeast("task.niah.num_keys", task.niah.num_keys, 1);
  CheckAtLeast("task.niah.num_values", task.niah.num_values, 1);
  CheckAtLeast("task.niah.num_queries", task.niah.num_queries, 1);
}

// Lengths come before the budget of new tokens, whichever was written first.
void ReadTask(const ConfigNode& node, TaskConfig& task) {
  ConfigNode sorted = node;
  std::stable_partition(sorted.entries.begin(), sorted.entries.end(),
                        [](const ConfigEntry& entry) { return entry.key != "max_new_tokens"; });
  ReadStruct(sorted, "task", task, CheckTask);
}

void CheckMeasure(const MeasureConfig& measure) {
  CheckAtLeast("measure.repeats", measure.repeats, 0);
  CheckAtLeast("measure.batch", measure.batch, 1);
  CheckAtLeast("measure.warmup", measure.warmup, 0);
}

const ConfigNode& Require(const ConfigNode& root, const char* key, const char* example) {
  const ConfigEntry* entry = root.Find(key);
  if (entry == nullptr) FailAt(root.where, "the key '{}' is missing; e.g. `{}`", key, example);
  return entry->value;
}

void AddDenseArm(std::vector<ArmConfig>& arms, std::vector<std::string>* notes) {
  const auto is_dense = [](const ArmConfig& arm) { return SparsePartOf(arm.policy) == nullptr; };
  if (std::any_of(arms.begin(), arms.end(), is_dense)) return;
  arms.insert(arms.begin(), ArmConfig{DenseConfig{}, "dense"});
  if (notes != nullptr) {
    notes->push_back(
        "added the arm dense: every other arm is compared with it on the same samples");
  }
}

}  // namespace

std::string ReadTextFile(const std::string& path) {
  if (std::filesystem::is_directory(path)) FailUser("{}: is a folder, not a file", path);
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) FailUser("{}: cannot be read: {}", path, std::strerror(errno));
  return text;
}

Experiment ParseExperiment(const std::string& text, const std::string& filename,
                           std::span<const std::string> sets, std::vector<std::string>* notes) {
  ConfigNode root = ParseConfigTree(text, filename);
  if (root.kind == ConfigNode::Kind::kNull) {
    FailAt(filename, "the config is empty; configs/niah.yaml is one to start from");
  }
  RequireMap(root, "the config");
  for (const std::string& set : sets) ApplySet(root, set);
  for (const ConfigEntry& entry : root.entries) {
    if (std::find(kTopKeys.begin(), kTopKeys.end(), entry.key) == kTopKeys.end()) {
      FailUnknownKey(entry, {"the config"}, kTopKeys);
    }
  }

  Experiment experiment;
  experiment.name = std::filesystem::path(filename).stem().string();
  ReadValue(Require(root, "model", "model: smollm2-135m"), "model", experiment.model);
  if (const ConfigEntry* entry = root.Find("backend")) {
    ReadValue(entry->value, "backend", experiment.backend);
  }
  if (const ConfigEntry* entry = root.Find("task")) ReadTask(entry->value, experiment.task);
  if (const ConfigEntry* entry = root.Find("scoring")) {
    ReadValue(entry->value, "scoring", experiment.scoring);
  }
  if (const ConfigEntry* entry = root.Find("measure")) {
    ReadStruct(entry->value, "measure", experiment.measure, CheckMeasure);
  }
  experiment.arms = ReadArms(Require(root, "arms", "arms: [dense, sketch_walk]"));
  AddDenseArm(experiment.arms, notes);
  return experiment;
}

Experiment LoadExperiment(const std::string& path, std::span<const std::string> sets,
                          std::vector<std::string>* notes) {
  return ParseExperiment(ReadTextFile(path), path, sets, notes);
}

}  // namespace sw
