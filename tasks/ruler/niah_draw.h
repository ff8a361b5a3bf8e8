// The random choices of one needle-in-a-haystack sample. Each kind of choice has its own stream of
// numbers, so the needles, the question and the i-th distractor stay the same while the search for
// the haystack's size tries one size after another.
#pragma once

#include "core/base/rng.h"
#include "core/config/task_config.h"
#include "tasks/word_list.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sw {

// One key or value: adjective-noun, seven digits without a leading zero, or a version-4 UUID.
// `words` may be null unless the content is words.
std::string DrawContent(NiahContent content, const WordList* words, Rng& rng);

struct NiahNeedles {
  std::vector<std::string> sentences;   // in placement order: the first goes lowest in the text
  std::vector<bool> queried;            // parallel to sentences
  std::vector<std::string> query_keys;  // in the order of the question
  std::vector<std::string> outputs;     // values of the queried keys, in that order
};

struct NiahContext {
  std::string text;
  struct Bytes {
    size_t begin;
    size_t end;
  };
  std::vector<Bytes> queried;  // queried needles in `text`, in document order
};

class NiahDraw {
 public:
  // `stream` names the sample, e.g. "niah_single_1/1024/7". `words` must outlive this.
  NiahDraw(const NiahConfig& niah, const WordList* words, uint64_t seed, const std::string& stream);

  const NiahNeedles& needles() const { return needles_; }

  // `units` haystack lines with the needles between them: each before a distinct line, so never
  // after the last; lines are joined by "\n". units >= number of needles.
  NiahContext Context(int units);

 private:
  void DrawNeedles();
  const std::string& HaystackLine(int i);
  // Lines that have a needle in front, ascending.
  std::vector<int> NeedleLines(int units) const;
  Rng Stream(const char* purpose) const;

  NiahConfig niah_;
  const WordList* words_;
  uint64_t seed_;
  std::string stream_;
  NiahNeedles needles_;
  Rng distractor_rng_;
  std::vector<std::string> distractors_;  // drawn so far
};

}  // namespace sw
