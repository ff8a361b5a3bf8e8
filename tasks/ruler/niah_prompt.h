// The words of RULER's needle-in-a-haystack prompts (its May 2025 version), to the byte.
#pragma once

#include "core/config/task_config.h"
#include "tasks/model_template.h"

#include <span>
#include <string>
#include <string_view>

namespace sw {

// The noise haystack repeats this line.
inline constexpr std::string_view kNoiseLine =
    "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";

// "One of the special magic numbers for KEY is: VALUE."; the type is always plural.
std::string NeedleSentence(NiahContent value_type, std::string_view key, std::string_view value);

// "a", "a, and b", "a, b, and c".
std::string JoinQuery(std::span<const std::string> keys);

// The prompt with {type_needle_v}, {context} and {query} still open: model template around the task
// template, answer prefix after both. `singular` (one query, one value) rewords all of it, the
// model template included, as upstream does.
std::string NiahPromptTemplate(const ModelTemplate& model_template, bool singular);

struct NiahPrompt {
  std::string text;
  size_t context_begin = 0;  // byte of `text` where the context starts
};

// Fills the open places in one pass: what is filled in is not searched again.
NiahPrompt FillNiahPrompt(std::string_view prompt_template, NiahContent value_type, bool singular,
                          std::string_view context, std::string_view query);

}  // namespace sw
