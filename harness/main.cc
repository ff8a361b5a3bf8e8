// swharness: accuracy, time and memory of block-sparse attention, of one operating point, in one
// record. This file knows the commands and the exit codes, nothing else.
#include <cstdio>
#include <exception>
#include <new>

#include <CLI/CLI.hpp>

#include "core/base/check.h"
#include "harness/command/command.h"
#include "harness/report/build_info.h"
#include "tasks/nearest_name.h"

namespace sw {
namespace {

std::string VersionText() {
  const BuildInfo& build = GetBuildInfo();
  return fmt::format("swharness {} (commit {}{}, {}, {})", build.version, build.commit,
                     build.dirty ? " with changes" : "", build.compiler, build.build_type);
}

void CheckCommandName(const CLI::App& app, const char* name) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  if (*name == '-' || std::find(known.begin(), known.end(), name) != known.end()) return;
  FailUser("unknown command '{}'; {}", name, SuggestName(name, known));
}

int Main(int argc, char** argv) {
  CommandContext context{.command_line = {argv, argv + argc}};
  CLI::App app(
      "Measures what block-sparse attention does to a LLaMA: accuracy, time, memory and "
      "density of one operating point, in one record.",
      "swharness");
  app.set_version_flag("--version", VersionText());
  app.footer(
      "Start with: swharness run configs/niah.yaml\nExit codes: 0 ok, 1 a check failed, 2 an error "
      "that you can "
      "mend, 3 some points failed, 70 a bug, 130 interrupted.");
  AddRunCommand(app, context);
  AddCheckCommand(app, context);
  AddDescribeCommand(app);
  AddTasksCommand(app);
  AddModelsCommand(app);
  AddDoctorCommand(app);
  if (argc < 2) {
    fmt::print(stderr, "{}", app.help());
    return kExitUser;
  }
  CheckCommandName(app, argv[1]);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUser;  // --help and --version arrive here, too
  }
  return context.exit_code;
}

}  // namespace
}  // namespace sw

int main(int argc, char** argv) {
  try {
    return sw::Main(argc, argv);
  } catch (const sw::UserError& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return sw::kExitUser;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr,
               "error: out of memory; use shorter lengths (task.lengths), a smaller "
               "measure.batch, or a machine with more\n");
    return sw::kExitUser;
  } catch (const std::exception& error) {
    fmt::print(stderr,
               "bug: {}\nThis is a fault of swharness. Please report it with the command line and "
               "the output of `swharness doctor`.\n",
               error.what());
    return sw::kExitBug;
  }
}
