// From a YAML config to an Experiment. Every message says where (file:line:column, or the --set
// text), what is wrong, and what is known instead.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/config/run_config.h"

namespace sw {

// `sets` are "key.key=value" as given to --set, applied in order before anything is checked. A
// config without a dense arm gets one in front; that and the like is told in `notes`, when given.
// Values are checked as far as they can be without the model. Throws UserError.
Experiment ParseExperiment(const std::string& text, const std::string& filename,
                           std::span<const std::string> sets,
                           std::vector<std::string>* notes = nullptr);

// The same for a file. Experiment::name is its stem.
Experiment LoadExperiment(const std::string& path, std::span<const std::string> sets,
                          std::vector<std::string>* notes = nullptr);

// All of a file's text; UserError when it cannot be read.
std::string ReadTextFile(const std::string& path);

}  // namespace sw
