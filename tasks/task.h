// SEAM Task: text in, text out. A task makes samples from (seed, index) and scores answers; it
// knows no model and no kernel, only a tokenizer to fit prompts to a length.
#pragma once

#include "core/base/check.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sw {

// A task whose outside data (word lists, texts) is not there: listed as not run, others go on.
struct MissingData : UserError {
  using UserError::UserError;
};

struct TokenRange {
  int begin = 0;
  int end = 0;  // half-open
};

struct Sample {
  int index = 0;
  std::string prompt;                // complete text: model template, task text, answer prefix
  std::vector<int32_t> prompt_ids;   // of `prompt`, with the BOS the checkpoint asks for, once
  std::vector<std::string> outputs;  // references
  std::string forced_answer;         // what forced scoring appends to the prompt, e.g. " 7310254"
  // Tokens of prompt_ids that hold the queried needles, in document order; empty for tasks without.
  std::vector<TokenRange> needles;
  std::vector<double> needle_depths;  // where each starts, as a share of the prompt, [0, 1)
  int bos_count = 0;                  // BOS tokens in prompt_ids: 0 or 1
  int haystack_units = 0;             // noise lines, distractor needles, ...
};

class Task {
 public:
  virtual ~Task() = default;

  virtual std::string name() const = 0;  // "niah_single_1"
  virtual int length() const = 0;        // tokens: prompt + max_new_tokens never exceeds it
  virtual int max_new_tokens() const = 0;
  // What differs from upstream's protocol ("max_new_tokens 32 instead of 128"); goes in the record.
  virtual std::vector<std::string> departures() const = 0;

  // The same (config, index) gives the same sample on every machine. Throws UserError when even the
  // smallest haystack does not fit the length.
  virtual Sample MakeSample(int index) const = 0;
  // In [0, 1]: the share of references found (string_match_all), or any (string_match_part).
  virtual double Score(const Sample& sample, std::string_view answer) const = 0;
};

}  // namespace sw
