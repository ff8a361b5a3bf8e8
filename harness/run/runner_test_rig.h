// What the runner's tests share: a tiny random LLaMA on the reference backend, a tokenizer of
// single letters, a task whose references the test chooses, and the same work done by hand.
#pragma once

#include "core/attention/attention_policy.h"
#include "core/model/llama.h"
#include "core/model/tiny_lm.h"
#include "harness/report/json_value.h"
#include "harness/run/runner.h"
#include "reference/reference_backend.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sw::testing {

// One token per byte of "A-Za-z0-9 ." (64 in all); other bytes become ".".
class LetterTokenizer final : public Tokenizer {
 public:
  Encoding Encode(std::string_view text) const override;
  std::string Decode(std::span<const int32_t> ids) const override;
  int vocab_size() const override { return 64; }
  int32_t IdOf(std::string_view piece) const override;
  bool IsSpecial(int32_t) const override { return false; }
  int32_t bos_to_add() const override { return -1; }
  std::span<const int32_t> stop_ids() const override { return stops; }

  std::vector<int32_t> stops;
  mutable int num_encodes = 0;
};

// What a LetterTask asks of the test; each hook may throw or raise a signal.
struct LetterTaskHooks {
  std::function<std::string(int index)> reference = [](int) { return std::string("Zz9"); };
  std::function<std::string(int index)> forced_answer = [](int) { return std::string("Zz9"); };
  std::function<void(int index)> on_make = [](int) {};
  std::function<void(int index, std::string_view answer)> on_score = [](int, std::string_view) {};
};

// Random letters with a needle of seven tokens somewhere; an answer is right when it holds the
// reference. Prompts have `length` - 2 index - max_new_tokens tokens.
class LetterTask final : public Task {
 public:
  LetterTask(std::string name, int length, int max_new_tokens, const LetterTokenizer& tokenizer,
             LetterTaskHooks hooks);

  std::string name() const override { return name_; }
  int length() const override { return length_; }
  int max_new_tokens() const override { return max_new_tokens_; }
  std::vector<std::string> departures() const override { return {"letters instead of RULER"}; }
  Sample MakeSample(int index) const override;
  double Score(const Sample& sample, std::string_view answer) const override;

 private:
  std::string name_;
  int length_;
  int max_new_tokens_;
  const LetterTokenizer& tokenizer_;
  LetterTaskHooks hooks_;
};

// A folder that goes when the test ends.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

SparseConfig SmallBlocks(int top_blocks);  // blocks of 16 tokens, one skipped layer

// A whole bench with small defaults: arms dense and sketch_walk, task "letters", length 150.
struct RunnerRig {
  explicit RunnerRig(const ReferenceOptions& options = {.num_threads = 1, .memory_limit_bytes = 0});

  RunInputs Inputs(const std::filesystem::path& out_dir);
  std::unique_ptr<Task> MakeTask(const std::string& name, int length) const;

  ReferenceBackend backend;
  TinyWeights weights;
  Llama model;
  LetterTokenizer tokenizer;
  LetterTaskHooks hooks;
  int max_new_tokens = 12;
  Experiment experiment;
};

std::vector<Json> ReadLines(const std::filesystem::path& path);
Json ReadJson(const std::filesystem::path& path);
// The lines of an arm, in file order; `arm` is the label.
std::vector<Json> LinesOfArm(const std::vector<Json>& sample_lines, const std::string& arm);

// Greedy generation and exact counting, written apart from the runner: every number by plain loops
// over the lists that the sequence kept.
struct ByHand {
  std::string answer;
  std::vector<int32_t> ids;
  std::vector<std::optional<double>> prefill_hits;            // per layer
  std::vector<std::vector<std::optional<double>>> step_hits;  // per decode step and layer
  double prefill_density = 0, decode_density = 0;             // all layers
  std::optional<double> prefill_density_sparse, decode_density_sparse;
};
ByHand GenerateByHand(RunnerRig& rig, const PolicyConfig& policy, const Sample& sample);

}  // namespace sw::testing
