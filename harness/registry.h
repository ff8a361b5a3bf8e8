// From names to things: the one place that knows every implementation. Nothing registers itself.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/run_config.h"
#include "core/ops/backend.h"
#include "harness/paths.h"
#include "tasks/ruler/ruler_data.h"
#include "tasks/task.h"

namespace sw {

// `auto` is the fastest backend of this build and machine. num_threads 0: all of the machine's.
// UserError for a backend that this build does not have.
std::unique_ptr<Backend> MakeBackend(BackendKind kind, int num_threads);

// Which backends this build has, for `doctor` and messages.
std::vector<std::string> BackendNames();

// MissingData or UserError as MakeRulerTask says.
std::unique_ptr<Task> MakeTask(const TaskConfig& config, const std::string& name, int length,
                               const RulerData& data);

// The tasks of every suite as "suite name".
std::vector<std::pair<std::string, std::string>> TaskNames();

// The word list that task.words names: `wonderwords` is data/wonderwords/ of a root, anything with
// a slash is a folder. Nothing when the list named wonderwords has not been fetched; UserError when
// a folder lacks one of its files.
std::optional<WordList> LoadWords(const std::string& words, const DataRoots& roots);

}  // namespace sw
