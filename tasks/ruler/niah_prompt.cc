#include "tasks/ruler/niah_prompt.h"

#include "core/base/check.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sw {
namespace {

constexpr std::string_view kTaskSlot = "{task_template}";
constexpr std::string_view kTypeSlot = "{type_needle_v}";
constexpr std::string_view kContextSlot = "{context}";
constexpr std::string_view kQuerySlot = "{query}";

constexpr std::string_view kTaskTemplate =
    "Some special magic {type_needle_v} are hidden within the following text. Make sure to "
    "memorize it. I will quiz you about the {type_needle_v} afterwards.\n{context}\nWhat are all "
    "the special magic {type_needle_v} for {query} mentioned in the provided text?";
constexpr std::string_view kAnswerPrefix =
    " The special magic {type_needle_v} for {query} mentioned in the provided text are";

std::string_view PluralOf(NiahContent type) {
  switch (type) {
    case NiahContent::kWords:
      return "words";
    case NiahContent::kNumbers:
      return "numbers";
    case NiahContent::kUuids:
      return "uuids";
  }
  SW_CHECK(false, "no such content");
  return {};
}

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::string NeedleSentence(NiahContent value_type, std::string_view key, std::string_view value) {
  return fmt::format("One of the special magic {} for {} is: {}.", PluralOf(value_type), key,
                     value);
}

std::string JoinQuery(std::span<const std::string> keys) {
  SW_CHECK(!keys.empty());
  std::string query = keys.front();
  for (size_t i = 1; i < keys.size(); ++i) {
    query += (i + 1 == keys.size() ? ", and " : ", ") + keys[i];
  }
  return query;
}

std::string NiahPromptTemplate(const ModelTemplate& model_template, bool singular) {
  const size_t slot = model_template.text.find(kTaskSlot);
  SW_CHECK(slot != std::string::npos, "template {} has no slot", model_template.name);
  std::string text = model_template.text;
  text.replace(slot, kTaskSlot.size(), kTaskTemplate);
  text += kAnswerPrefix;
  if (singular) {
    // Upstream's edits, in its order, on whatever they meet ("are" inside a word too).
    ReplaceAll(text, "Some", "A");
    ReplaceAll(text, "are all", "is");
    ReplaceAll(text, "are", "is");
    ReplaceAll(text, "answers", "answer");
  }
  return text;
}

NiahPrompt FillNiahPrompt(std::string_view prompt_template, NiahContent value_type, bool singular,
                          std::string_view context, std::string_view query) {
  std::string_view type = PluralOf(value_type);
  if (singular) type.remove_suffix(1);
  const std::array<std::pair<std::string_view, std::string_view>, 3> slots = {
      {{kTypeSlot, type}, {kContextSlot, context}, {kQuerySlot, query}}};

  NiahPrompt prompt;
  prompt.text.reserve(prompt_template.size() + context.size() + 4 * query.size());
  while (!prompt_template.empty()) {
    bool filled = false;
    for (const auto& [slot, content] : slots) {
      if (!prompt_template.starts_with(slot)) continue;
      if (slot == kContextSlot) prompt.context_begin = prompt.text.size();
      prompt.text += content;
      prompt_template.remove_prefix(slot.size());
      filled = true;
      break;
    }
    if (filled) continue;
    const size_t next = std::min(prompt_template.find('{', 1), prompt_template.size());
    prompt.text += prompt_template.substr(0, next);
    prompt_template.remove_prefix(next);
  }
  return prompt;
}

}  // namespace sw
