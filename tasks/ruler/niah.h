// RULER's needle in a haystack (its May 2025 version): facts "One of the special magic numbers for
// KEY is: VALUE." among lines of noise or of other facts of the same form, and a question about one
// or several keys. Every sample is as long as it can be: the largest haystack that fits.
#pragma once

#include "core/config/task_config.h"
#include "tasks/ruler/niah_prompt.h"
#include "tasks/ruler/ruler_data.h"
#include "tasks/task.h"

#include <string>
#include <string_view>
#include <vector>

namespace sw {

class NiahDraw;

inline constexpr int kNiahMaxNewTokens = 128;

class NiahTask final : public Task {
 public:
  // `niah` are the parameters that `name` stands for; config.niah is not looked at. UserError on
  // parameters that make no sense, MissingData when words are needed and there are none.
  NiahTask(std::string name, const NiahConfig& niah, const TaskConfig& config, int length,
           const RulerData& data);

  std::string name() const override { return name_; }
  int length() const override { return length_; }
  int max_new_tokens() const override { return max_new_tokens_; }
  std::vector<std::string> departures() const override;
  Sample MakeSample(int index) const override;
  double Score(const Sample& sample, std::string_view answer) const override;

 private:
  struct Built;
  Built Build(NiahDraw& draw, const std::string& query, int units) const;
  void Validate() const;
  int NumNeedles() const;
  // One query with one value: the prompt speaks of one number.
  bool singular() const { return niah_.num_queries == 1 && niah_.num_values == 1; }
  bool needs_words() const {
    return niah_.key == NiahContent::kWords || niah_.value == NiahContent::kWords;
  }

  std::string name_;
  NiahConfig niah_;
  int length_;
  int max_new_tokens_;
  uint64_t seed_;
  int num_samples_;
  std::string words_name_;
  RulerData data_;
  std::string prompt_template_;
};

}  // namespace sw
