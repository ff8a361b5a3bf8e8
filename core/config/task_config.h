// What is asked of the model: one suite of tasks, at some lengths, some samples of each.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sw {

enum class NiahHaystack { kNoise, kNeedle };
enum class NiahContent { kWords, kNumbers, kUuids };

// The general needle-in-a-haystack task (RULER section 3.1); the named tasks are points of it.
struct NiahConfig {
  NiahHaystack haystack =
      NiahHaystack::kNoise;  // noise: one fixed sentence; needle: distractor needles
  NiahContent key = NiahContent::kWords;
  NiahContent value = NiahContent::kNumbers;
  int num_keys = 1;     // raised to num_queries when smaller
  int num_values = 1;   // values (hence needles) per key
  int num_queries = 1;  // keys asked for
};

struct TaskConfig {
  std::string suite = "ruler";
  // niah_single_1, niah_multikey_2, niah_multikey_3, or `niah` with the parameters below.
  std::vector<std::string> names = {"niah_single_1"};
  std::vector<int> lengths = {1024};  // tokens of prompt + answer budget, at most
  int samples = 10;                   // per task and length; upstream RULER uses 500
  uint64_t seed = 42;
  std::string model_template = "auto";  // YAML `template`: auto, base, chatml
  std::optional<int> max_new_tokens;    // default: RULER's own budget for the task (niah 128)
  NiahConfig niah;                      // used by the task name `niah`
  std::string words = "wonderwords";    // word list: wonderwords, or a folder with its two files
};

}  // namespace sw
