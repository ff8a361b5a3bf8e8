// From a config's name to everything that its sweep needs, loaded and checked before any heavy
// work.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config/run_config.h"
#include "core/model/causal_lm.h"
#include "core/ops/backend.h"
#include "core/text/tokenizer.h"
#include "harness/io/llama_checkpoint.h"
#include "harness/paths.h"
#include "tasks/word_list.h"

namespace sw {

struct LoadedConfig {
  std::string path;
  Experiment experiment;
};

// Finds and reads a config; notes about it go to stderr unless `quiet`.
LoadedConfig LoadConfig(const std::string& config, const std::vector<std::string>& sets,
                        const DataRoots& roots, bool quiet);

// Members in the order that they borrow from each other.
struct Prepared {
  ResolvedModel model_file;
  std::unique_ptr<Backend> backend;
  Checkpoint checkpoint;
  std::unique_ptr<Tokenizer> tokenizer;
  std::optional<WordList> words;
  std::unique_ptr<CausalLm> model;
  std::string template_name;  // task.template with `auto` resolved
  // New tokens that a task may answer with, by (task, length); absent when its data are missing.
  std::map<std::pair<std::string, int>, int> max_new_tokens;
};

// Loads the model and checks every point against it: arms, lengths, prompts that fit. Throws
// UserError with the config's path. Tasks whose data are missing are told on stderr; when that is
// all of them, it is an error.
Prepared Prepare(const LoadedConfig& config, const DataRoots& roots, int num_threads);

}  // namespace sw
