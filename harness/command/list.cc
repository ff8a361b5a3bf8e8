// swharness tasks and swharness models: what there is to name in a config.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "harness/command/command.h"
#include "harness/paths.h"
#include "harness/registry.h"

namespace sw {
namespace {

void ListTasks() {
  for (const auto& [suite, name] : TaskNames()) fmt::print("{}  {}\n", suite, name);
}

void ListModels() {
  const DataRoots roots(PathSources::OfThisProcess());
  const std::vector<ModelEntry> models = roots.Models();
  if (models.empty())
    FailUser("no model: no configs/model/*.yaml; set SWHARNESS_HOME to a checkout");
  for (const ModelEntry& entry : models) {
    const auto file = roots.WeightsOf(entry);
    fmt::print("{}  {}\n    {}\n", entry.name, entry.description,
               file ? file->string() : fmt::format("not here; fetch it with: {}", entry.fetch));
  }
}

}  // namespace

void AddTasksCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand("tasks", "list the tasks that a config may name");
  command->footer("example: swharness tasks");
  command->callback(ListTasks);
}

void AddModelsCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand("models", "list the models, and which are here");
  command->footer("example: swharness models");
  command->callback(ListModels);
}

}  // namespace sw
