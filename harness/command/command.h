// The commands of the program, one function each: it adds a subcommand whose callback does the
// work. Callbacks throw UserError and write what they return to `exit_code`.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sw {

// Exit codes of every command.
inline constexpr int kExitOk = 0;
inline constexpr int kExitCheckFailed = 1;
inline constexpr int kExitUser = 2;
inline constexpr int kExitBug = 70;

struct CommandContext {
  std::vector<std::string> command_line;  // argv, for the record
  int exit_code = kExitOk;
};

void AddRunCommand(CLI::App& app, CommandContext& context);
void AddCheckCommand(CLI::App& app, CommandContext& context);
void AddDescribeCommand(CLI::App& app);
void AddTasksCommand(CLI::App& app);
void AddModelsCommand(CLI::App& app);
void AddDoctorCommand(CLI::App& app);

}  // namespace sw
