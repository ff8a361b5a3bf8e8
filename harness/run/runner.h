// The sweep: every sample of every task and length through every arm, and the files that tell of
// it.
#pragma once

#include "core/config/run_config.h"
#include "core/model/causal_lm.h"
#include "core/ops/backend.h"
#include "core/text/tokenizer.h"
#include "harness/report/record.h"
#include "tasks/task.h"
#include "tasks/word_list.h"

#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

namespace sw {

// Everything is borrowed but the values; backend, model and tokenizer must be there.
struct RunInputs {
  Experiment experiment;  // validated
  Backend* backend = nullptr;
  CausalLm* model = nullptr;
  const Tokenizer* tokenizer = nullptr;
  std::string default_template;  // what `template: auto` means for this model
  ModelInfo model_info;
  Environment environment;
  const WordList* words = nullptr;       // null: tasks that need it are recorded as missing data
  std::filesystem::path out_dir;         // made when it is not there; must not hold records yet
  int limit = 0;                         // samples per point at most; 0: as the config says
  bool quiet = false;                    // no progress
  std::ostream* table_out = &std::cout;  // where the table goes at the end; null: nowhere
  // The task of a name and length; default: RULER's (MakeRulerTask). For tests.
  std::function<std::unique_ptr<Task>(const std::string& name, int length)> make_task;
};

// Writes records.jsonl and samples.jsonl line by line, summary.json and summary.csv after each
// length, all in out_dir. What goes wrong inside a point ends that point alone and stands in its
// record. Returns the exit code: 0, 3 when some points failed, 130 when the user interrupted.
// UserError when nothing can be run or the files cannot be written.
int RunExperiment(const RunInputs& inputs);

}  // namespace sw
