#include "tasks/model_template.h"

#include "core/base/check.h"
#include "tasks/nearest_name.h"

namespace sw {
namespace {

const std::vector<ModelTemplate>& KnownTemplates() {
  static const std::vector<ModelTemplate> kTemplates = {
      {"base", "{task_template}", {}},
      // As RULER's users write it. Checkpoints whose own ChatML opens with a default system turn
      // (SmolLM2) get none here, so that the question is all that the model is told.
      {"chatml",
       "<|im_start|>user\n{task_template}<|im_end|>\n<|im_start|>assistant\n",
       {"<|im_start|>", "<|im_end|>"}},
  };
  return kTemplates;
}

}  // namespace

std::vector<std::string> ModelTemplateNames() {
  std::vector<std::string> names;
  for (const ModelTemplate& known : KnownTemplates()) names.push_back(known.name);
  return names;
}

ModelTemplate ResolveModelTemplate(std::string_view name) {
  SW_CHECK(name != "auto", "the checkpoint decides what auto means");
  for (const ModelTemplate& known : KnownTemplates()) {
    if (known.name == name) return known;
  }
  std::vector<std::string> choices = {"auto"};
  for (std::string& known : ModelTemplateNames()) choices.push_back(std::move(known));
  FailUser("task.template: no model template '{}'; {}", name, SuggestName(name, choices));
}

void CheckTemplateFits(const ModelTemplate& model_template, const Tokenizer& tokenizer) {
  for (const std::string& token : model_template.special_tokens) {
    if (tokenizer.IdOf(token) < 0) {
      FailUser(
          "task.template {}: the tokenizer has no token {}; use `template: base`, or a checkpoint "
          "that was trained on this template",
          model_template.name, token);
    }
  }
}

}  // namespace sw
