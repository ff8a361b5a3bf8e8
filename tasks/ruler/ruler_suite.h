// RULER's tasks by name.
#pragma once

#include "core/config/task_config.h"
#include "tasks/ruler/ruler_data.h"
#include "tasks/task.h"

#include <memory>
#include <string>
#include <vector>

namespace sw {

// One task at one length; `config` gives what is common to all: seed, samples, max_new_tokens, the
// parameters of `niah`. The task keeps pointers into `data`. MissingData when the task needs a list
// that is not there; UserError on an unknown name, on parameters out of range and on a template
// that the tokenizer cannot spell.
std::unique_ptr<Task> MakeRulerTask(const TaskConfig& config, const std::string& name, int length,
                                    const RulerData& data);

// In the order of RULER's summaries, `niah` last.
std::vector<std::string> RulerTaskNames();

}  // namespace sw
