// What RULER's tasks take from outside. The caller reads the files and owns everything here, for
// longer than any task made from it.
#pragma once

#include "core/text/tokenizer.h"
#include "tasks/model_template.h"
#include "tasks/word_list.h"

namespace sw {

struct RulerData {
  const Tokenizer* tokenizer = nullptr;  // of the model under test
  ModelTemplate model_template;
  const WordList* words = nullptr;  // null when the list has not been fetched
};

}  // namespace sw
