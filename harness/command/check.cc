// swharness check: conformance of a backend, operation by operation, against the float64 oracle.
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "core/config/visit_fields.h"
#include "harness/check/checks.h"
#include "harness/command/command.h"
#include "harness/registry.h"
#include "harness/report/json_value.h"

namespace sw {
namespace {

constexpr int kFailuresShown = 5;

struct CheckOptions {
  std::string backend = "auto";
  std::vector<std::string> ops;
  std::string json;
  int threads = 0;
};

BackendKind BackendOf(const std::string& name) {
  for (const auto& [kind, spelling] : EnumNames<BackendKind>::kNames) {
    if (spelling == name) return kind;
  }
  FailUser("--backend {}: use auto, cuda or reference", name);
}

Json ResultJson(const CheckResult& result) {
  return {{"op", result.op},
          {"cases", result.cases},
          {"failed", result.failed},
          {"worst_share_of_allowance", ToJson(result.worst_share)},
          {"worst_case", result.worst_case},
          {"failures", ToJson(result.failures)}};
}

void WriteJson(const std::string& path, const DeviceInfo& device,
               const std::vector<CheckResult>& results) {
  Json json = {{"backend", device.backend},
               {"device", device.name},
               {"simd", device.simd},
               {"oracle", "float64, plain loops"},
               {"ops", Json::array()}};
  for (const CheckResult& result : results) json["ops"].push_back(ResultJson(result));
  std::ofstream file(path);
  file << json.dump(2) << '\n';
  file.close();
  if (!file) FailUser("--json {}: cannot write there; check the folder and the free space", path);
}

int Check(const CheckOptions& options) {
  const auto backend = MakeBackend(BackendOf(options.backend), options.threads);
  const DeviceInfo& device = backend->device();
  fmt::print("backend {} ({}{}{}) against the float64 oracle\n", device.backend, device.name,
             device.simd.empty() ? "" : ", ", device.simd);
  if (device.backend == "reference") {
    fmt::print("CUDA kernels were not run: this build or machine has none\n");
  }
  std::vector<std::string> ops = options.ops;
  if (ops.empty()) {
    for (const std::string_view name : CheckNames()) ops.emplace_back(name);
  }
  std::vector<CheckResult> results;
  int failed = 0;
  fmt::print("{:<14}{:>7}{:>8}  {:>15}  {}\n", "operation", "cases", "failed", "of allowance",
             "worst case");
  for (const std::string& op : ops) {
    const CheckResult result = RunCheck(op, *backend);
    fmt::print("{:<14}{:>7}{:>8}  {:>14.1f}%  {}\n", result.op, result.cases, result.failed,
               100.0 * result.worst_share, result.worst_case);
    for (int i = 0; i < kFailuresShown && i < static_cast<int>(result.failures.size()); ++i) {
      fmt::print("  FAIL {}\n", result.failures[static_cast<size_t>(i)]);
    }
    failed += result.failed;
    results.push_back(result);
  }
  if (!options.json.empty()) WriteJson(options.json, device, results);
  if (failed == 0) {
    fmt::print("all checks passed\n");
  } else {
    fmt::print("{} comparisons failed\n", failed);
  }
  return failed == 0 ? kExitOk : kExitCheckFailed;
}

}  // namespace

void AddCheckCommand(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command =
      app.add_subcommand("check", "conformance: every operation against the float64 oracle");
  command->add_option("--backend", options->backend, "auto, cuda or reference");
  command->add_option("--op", options->ops, "only this operation (repeatable)");
  command->add_option("--json", options->json, "also write the results to this file");
  command->add_option("--threads", options->threads, "threads of the reference backend; 0: all");
  command->footer("example: swharness check --op attend_blocks --json check.json");
  command->callback([options, &context] { context.exit_code = Check(*options); });
}

}  // namespace sw
