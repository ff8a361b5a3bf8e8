#include "tasks/word_list.h"

#include "core/base/check.h"
#include "tasks/unicode_text.h"

#include <unordered_set>

namespace sw {
namespace {

std::vector<std::string> DistinctLines(std::string_view text, std::string_view kind,
                                       std::string_view where) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<std::string> words;
  std::unordered_set<std::string_view> seen;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const std::string_view word = StripUnicodeRight(text.substr(0, newline));
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (!word.empty() && seen.insert(word).second) words.emplace_back(word);
  }
  if (words.empty()) {
    FailUser("word list {}: no {} in it; write one word per line, or run scripts/fetch_words",
             where, kind);
  }
  return words;
}

}  // namespace

WordList ParseWordList(std::string_view adjectives, std::string_view nouns,
                       std::string_view where) {
  return {.adjectives = DistinctLines(adjectives, "adjectives", where),
          .nouns = DistinctLines(nouns, "nouns", where)};
}

}  // namespace sw
