// swharness doctor: what this machine has and what it lacks, with the remedy.
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "harness/command/command.h"
#include "harness/machine.h"
#include "harness/paths.h"
#include "harness/registry.h"
#include "harness/report/environment.h"

namespace sw {
namespace {

void Say(const char* what, const std::string& text) { fmt::print("{:<12}{}\n", what, text); }

std::string Gib(int64_t bytes) {
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1024.0 * 1024.0 * 1024.0));
}

void SayModels(const DataRoots& roots) {
  for (const ModelEntry& entry : roots.Models()) {
    const auto file = roots.WeightsOf(entry);
    Say("weights",
        fmt::format("{}: {}", entry.name, file ? file->string() : "missing; run: " + entry.fetch));
  }
}

void Doctor() {
  const DataRoots roots(PathSources::OfThisProcess());
  const auto backend = MakeBackend(BackendKind::kAuto, 0);
  const Environment environment = MakeEnvironment(backend->device(), {});
  const DeviceInfo& device = environment.device;
  Say("version", fmt::format("{}, commit {}{}, {}, {}", environment.version, environment.commit,
                             environment.dirty ? " with changes" : "", environment.compiler,
                             environment.build_type));
  Say("system", environment.os);
  Say("processor", environment.cpu);
  Say("backend", fmt::format("{}: {} threads, {}; this build has: {}", device.backend,
                             device.num_threads, device.simd, fmt::join(BackendNames(), ", ")));
  Say("memory",
      fmt::format("{}, {} free", Gib(environment.memory_bytes), Gib(AvailableMemoryBytes())));
  for (const auto& root : roots.roots()) Say("data root", root.string());
  SayModels(roots);
  Say("words", LoadWords("wonderwords", roots) ? "wonderwords: here"
                                               : "wonderwords: missing; run: scripts/fetch_words");
  // The harness itself draws nothing; scripts/plot.py does.
  const bool has_matplotlib =
      std::system("python3 -c 'import matplotlib' >/dev/null 2>&1") == 0;  // NOLINT(cert-env33-c)
  Say("plots", has_matplotlib
                   ? "matplotlib: here"
                   : "matplotlib: missing; run: sudo apt-get install python3-matplotlib");
}

}  // namespace

void AddDoctorCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand("doctor", "what this machine has and lacks");
  command->footer("example: swharness doctor");
  command->callback(Doctor);
}

}  // namespace sw
