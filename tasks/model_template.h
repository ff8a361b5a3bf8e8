// The text that a checkpoint expects around a question. The task's answer prefix goes after the
// whole template: for a chat model it is the start of the assistant's turn.
#pragma once

#include "core/text/tokenizer.h"

#include <string>
#include <string_view>
#include <vector>

namespace sw {

struct ModelTemplate {
  std::string name;
  std::string text;  // holds {task_template} once
  // Spellings in `text` that must each be one token; a tokenizer without them is the wrong one.
  std::vector<std::string> special_tokens;
};

// base, chatml. The caller has resolved `auto` (SW_CHECK); UserError on any other name.
ModelTemplate ResolveModelTemplate(std::string_view name);

std::vector<std::string> ModelTemplateNames();

// UserError when the tokenizer lacks one of the template's special tokens.
void CheckTemplateFits(const ModelTemplate& model_template, const Tokenizer& tokenizer);

}  // namespace sw
