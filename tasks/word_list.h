// Adjectives and nouns: RULER's keys are adjective-noun pairs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sw {

struct WordList {
  std::vector<std::string> adjectives;  // distinct, in file order, never empty
  std::vector<std::string> nouns;       // likewise
};

// One word per line; trailing whitespace and empty lines are dropped, inner spaces kept ("ad hoc").
// `where` names the list in messages. UserError when either text holds no word.
WordList ParseWordList(std::string_view adjectives, std::string_view nouns, std::string_view where);

}  // namespace sw
