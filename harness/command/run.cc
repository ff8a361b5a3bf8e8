// swharness run, and swharness describe: the same config, with and without the work.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <fmt/chrono.h>
#include <CLI/CLI.hpp>

#include "core/config/visit_fields.h"
#include "harness/command/command.h"
#include "harness/command/plan.h"
#include "harness/command/prepare.h"
#include "harness/machine.h"
#include "harness/report/environment.h"
#include "harness/run/runner.h"

namespace sw {
namespace {

namespace fs = std::filesystem;

struct RunOptions {
  std::string config;
  std::vector<std::string> sets;
  std::string out;
  int limit = 0;
  int threads = 0;
  bool dry_run = false;
  bool quiet = false;
};

void AddConfigOptions(CLI::App& command, RunOptions& options) {
  command.add_option("config", options.config, "a YAML file, or a name of configs/")
      ->required()
      ->type_name("CONFIG");
  command
      .add_option(
          "--set", options.sets,
          "change a value of the config: task.samples=3, arms.sketch_walk.density=[0.1,0.2]")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--limit", options.limit, "samples per point at most")
      ->check(CLI::Range(1, 1 << 30))
      ->type_name("N");
  command.add_option("--threads", options.threads, "threads to compute with (default: all)")
      ->check(CLI::Range(1, 4096))
      ->type_name("N");
}

// Throws UserError unless the folder is new or empty.
void CheckIsFree(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return;
  if (!fs::is_directory(folder, error)) {
    FailUser("--out {}: is a file; give the name of a folder", folder.string());
  }
  if (!fs::is_empty(folder, error)) {
    FailUser("--out {}: the folder is not empty; give another one, or remove it", folder.string());
  }
}

// results/runs/NAME-YYYYmmdd-HHMMSS; a number behind it when another run began in the same second.
fs::path DefaultOut(const std::string& name) {
  const std::string stamp =
      fmt::format("{}-{:%Y%m%d-%H%M%S}", name, fmt::localtime(std::time(nullptr)));
  fs::path folder = fs::path("results") / "runs" / stamp;
  for (int i = 2; fs::exists(folder); ++i) {
    folder = fs::path("results") / "runs" / fmt::format("{}-{}", stamp, i);
  }
  return folder;
}

void MakeFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && access(folder.c_str(), W_OK) != 0) error.assign(errno, std::generic_category());
  if (error) {
    FailUser("{}: cannot be made or written: {}; --out names another folder", folder.string(),
             error.message());
  }
}

// scripts/swharness asks in this way where the results are.
void TellResultFolder(const fs::path& folder) {
  const char* file = std::getenv("SWHARNESS_RESULT_DIR_FILE");
  if (file == nullptr || *file == '\0') return;
  std::ofstream out(file, std::ios::trunc);
  out << fs::absolute(folder).string() << "\n";
  out.flush();
  if (!out) FailUser("SWHARNESS_RESULT_DIR_FILE {}: cannot be written", file);
}

// Records are read on other machines: a file under a data root is named from there.
std::string PortablePath(const fs::path& file, const DataRoots& roots) {
  for (const fs::path& root : roots.roots()) {
    const fs::path relative = file.lexically_relative(root);
    if (!relative.empty() && *relative.begin() != "..") return relative.string();
  }
  return file.string();
}

ModelInfo InfoOf(const Prepared& prepared, const DataRoots& roots) {
  const LlamaShape& shape = prepared.model->shape();
  return {.name = prepared.model_file.name,
          .path = PortablePath(prepared.model_file.file, roots),
          .weights_sha256 = prepared.checkpoint.sha256,
          .num_layers = shape.num_layers,
          .num_q_heads = shape.num_q_heads,
          .num_kv_heads = shape.num_kv_heads,
          .head_dim = shape.head_dim,
          .context_len = shape.context_len};
}

int Run(const RunOptions& options, const CommandContext& context) {
  const DataRoots roots(PathSources::OfThisProcess());
  const int64_t available_bytes = AvailableMemoryBytes();
  const LoadedConfig config = LoadConfig(options.config, options.sets, roots, options.quiet);
  if (!options.out.empty()) CheckIsFree(options.out);
  Prepared prepared = Prepare(config, roots, options.threads);
  const Plan plan = PlanWithModel(config.experiment, prepared, options.limit);
  if (options.dry_run) fmt::print("{}", PlanText(plan));
  RefuseWhatDoesNotFit(plan, available_bytes);
  if (options.dry_run) return kExitOk;

  const fs::path out =
      options.out.empty() ? DefaultOut(config.experiment.name) : fs::path(options.out);
  MakeFolder(out);
  TellResultFolder(out);
  RunInputs inputs;
  inputs.experiment = config.experiment;
  inputs.backend = prepared.backend.get();
  inputs.model = prepared.model.get();
  inputs.tokenizer = prepared.tokenizer.get();
  inputs.default_template = prepared.checkpoint.template_name;
  inputs.model_info = InfoOf(prepared, roots);
  inputs.environment = MakeEnvironment(prepared.backend->device(), context.command_line);
  inputs.words = prepared.words ? &*prepared.words : nullptr;
  inputs.out_dir = out;
  inputs.limit = options.limit;
  inputs.quiet = options.quiet;
  return RunExperiment(inputs);
}

// Works without the weights, too: then it tells what the config alone says.
void Describe(const RunOptions& options) {
  const DataRoots roots(PathSources::OfThisProcess());
  const int64_t available_bytes = AvailableMemoryBytes();
  const LoadedConfig config = LoadConfig(options.config, options.sets, roots, options.quiet);
  fmt::print("{}: model {}, backend {}\n\n", config.path, config.experiment.model,
             EnumName(config.experiment.backend));
  std::string missing;
  try {
    roots.ResolveModel(config.experiment.model);
  } catch (const UserError& error) {
    missing = error.what();
  }
  if (!missing.empty()) {
    fmt::print("{}\nno seconds and no GiB: {}\n",
               PlanText(PlanWithoutModel(config.experiment, options.limit)), missing);
    return;
  }
  const Prepared prepared = Prepare(config, roots, options.threads);
  const Plan plan = PlanWithModel(config.experiment, prepared, options.limit);
  fmt::print("{}", PlanText(plan));
  RefuseWhatDoesNotFit(plan, available_bytes);
}

}  // namespace

void AddRunCommand(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "run a sweep and write its results");
  AddConfigOptions(*command, *options);
  command->add_option("--out", options->out, "folder for the results (default: results/runs/...)")
      ->type_name("DIR");
  command->add_flag("--dry-run", options->dry_run,
                    "check everything and tell cost, but run nothing");
  command->add_flag("--quiet", options->quiet, "no progress, only the results");
  command->footer("example: swharness run configs/niah.yaml --set task.samples=3 --out /tmp/niah");
  command->callback([options, &context] { context.exit_code = Run(*options, context); });
}

void AddDescribeCommand(CLI::App& app) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command =
      app.add_subcommand("describe", "what a config expands to: points, density, seconds, memory");
  AddConfigOptions(*command, *options);
  command->footer("example: swharness describe niah --set 'arms.oracle.density=[0.1,0.2]'");
  command->callback([options] { Describe(*options); });
}

}  // namespace sw
