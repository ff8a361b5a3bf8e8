#include "harness/command/prepare.h"

#include <cstdio>

#include "core/attention/policy_factory.h"
#include "core/model/llama.h"
#include "harness/config_io.h"
#include "harness/io/bpe_tokenizer.h"
#include "harness/registry.h"
#include "tasks/model_template.h"

namespace sw {
namespace {

// Says in which config, and in which part of it, the trouble is.
template <class Body>
void In(const std::string& path, const std::string& part, Body&& body) {
  try {
    body();
  } catch (const MissingData&) {
    throw;
  } catch (const UserError& error) {
    throw UserError(fmt::format("{}: {}: {}", path, part, error.what()));
  }
}

void CheckArms(const LoadedConfig& config, const Prepared& prepared) {
  const LlamaShape& shape = prepared.model->shape();
  const HeadShape heads{shape.num_q_heads, shape.num_kv_heads, shape.head_dim};
  for (const ArmConfig& arm : config.experiment.arms) {
    In(config.path, fmt::format("arm '{}'", arm.label), [&] {
      ValidatePolicy(arm.policy, shape.head_dim, shape.num_layers);
      MakePolicy(arm.policy, heads, shape.num_layers, *prepared.backend);
    });
  }
}

void CheckLengths(const LoadedConfig& config, const Prepared& prepared) {
  const int context_len = prepared.model->shape().context_len;
  for (const int length : config.experiment.task.lengths) {
    if (length <= context_len) continue;
    FailUser("{}: task.lengths has {}, but the context of {} is {} tokens; use lengths up to {}",
             config.path, length, prepared.model_file.name, context_len, context_len);
  }
}

// The first sample of every task and length: an impossible one fails here, not in hours.
void CheckTasks(const LoadedConfig& config, Prepared& prepared) {
  const TaskConfig& task_config = config.experiment.task;
  const RulerData data{prepared.tokenizer.get(), ResolveModelTemplate(prepared.template_name),
                       prepared.words ? &*prepared.words : nullptr};
  std::string missing;
  for (const std::string& name : task_config.names) {
    for (const int length : task_config.lengths) {
      try {
        In(config.path, fmt::format("task {} at {} tokens", name, length), [&] {
          const std::unique_ptr<Task> task = MakeTask(task_config, name, length, data);
          task->MakeSample(0);
          prepared.max_new_tokens[{name, length}] = task->max_new_tokens();
        });
      } catch (const MissingData& error) {
        missing = error.what();
        fmt::print(stderr, "warning: task {} at {} tokens will not run: {}\n", name, length,
                   missing);
      }
    }
  }
  if (prepared.max_new_tokens.empty()) {
    throw UserError(fmt::format("{}: no task can run: {}", config.path, missing));
  }
}

void CheckHash(const ResolvedModel& model, const Checkpoint& checkpoint) {
  if (model.sha256.empty() || model.sha256 == checkpoint.sha256) return;
  FailUser(
      "{}: is not the file that model '{}' names\n  SHA-256  {}\n  expected {}\n  remove it and "
      "fetch it again, or give the file's path as the model",
      model.file.string(), model.name, checkpoint.sha256, model.sha256);
}

}  // namespace

LoadedConfig LoadConfig(const std::string& config, const std::vector<std::string>& sets,
                        const DataRoots& roots, bool quiet) {
  LoadedConfig loaded;
  loaded.path = roots.ResolveConfig(config).string();
  std::vector<std::string> notes;
  loaded.experiment = LoadExperiment(loaded.path, sets, &notes);
  if (!quiet) {
    for (const std::string& note : notes) fmt::print(stderr, "note: {}\n", note);
  }
  return loaded;
}

Prepared Prepare(const LoadedConfig& config, const DataRoots& roots, int num_threads) {
  const Experiment& experiment = config.experiment;
  Prepared prepared;
  prepared.model_file = roots.ResolveModel(experiment.model);
  prepared.backend = MakeBackend(experiment.backend, num_threads);
  prepared.words = LoadWords(experiment.task.words, roots);
  prepared.checkpoint = LoadLlamaGguf(prepared.model_file.file.string());
  CheckHash(prepared.model_file, prepared.checkpoint);
  prepared.tokenizer = TokenizerFromGguf(*prepared.checkpoint.file);
  prepared.model = std::make_unique<Llama>(prepared.checkpoint.weights, *prepared.backend);
  prepared.template_name = experiment.task.model_template == "auto"
                               ? prepared.checkpoint.template_name
                               : experiment.task.model_template;
  CheckArms(config, prepared);
  CheckLengths(config, prepared);
  CheckTasks(config, prepared);
  return prepared;
}

}  // namespace sw
