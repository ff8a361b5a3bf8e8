#include "tasks/ruler/niah.h"

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/testing/catch.h"
#include "tasks/ruler/fake_tokenizer.h"
#include "tasks/ruler/ruler_suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

namespace sw {
namespace {

const WordList kWords = {
    .adjectives = {"red", "ad hoc", "zoot-suit", "quick", "hypothetical", "TV"},
    .nouns = {"owl", "fig", "jalapeño", "merchandise", "ice"}};

const FakeTokenizer::Options kBare = {.specials = {"<|im_start|>", "<|im_end|>"}};
const FakeTokenizer::Options kWithBos = {.specials = {"<s>", "<|im_start|>", "<|im_end|>"},
                                         .bos = "<s>"};
const FakeTokenizer::Options kMarked = {
    .specials = {"<s>"}, .piece_size = 5, .bos = "<s>", .leading_mark = true};

RulerData DataOf(const FakeTokenizer& tokenizer, const char* model_template = "base") {
  return {&tokenizer, ResolveModelTemplate(model_template), &kWords};
}

std::unique_ptr<Task> Make(const char* name, int length, const RulerData& data,
                           const TaskConfig& config = {}) {
  return MakeRulerTask(config, name, length, data);
}

TaskConfig General(const NiahConfig& niah) {
  TaskConfig config;
  config.niah = niah;
  return config;
}

std::string TextOf(const FakeTokenizer& tokenizer, const Sample& sample, const TokenRange& range) {
  return tokenizer.Decode(
      std::span(sample.prompt_ids)
          .subspan(static_cast<size_t>(range.begin), static_cast<size_t>(range.end - range.begin)));
}

std::string HashOf(const Sample& sample) {
  return fmt::format("{:016x}", StreamOf(sample.prompt + "|" + sample.forced_answer));
}

}  // namespace

TEST_CASE("samples are never too long and at least 90 % full") {
  for (const auto& options : {kBare, kWithBos, kMarked}) {
    const FakeTokenizer tokenizer(options);
    for (const char* name : {"niah_single_1", "niah_multikey_2", "niah_multikey_3"}) {
      for (const int length : {1024, 1531, 4096}) {
        const auto task = Make(name, length, DataOf(tokenizer));
        for (int index = 0; index < 5; ++index) {
          CAPTURE(name, length, index);
          const Sample sample = task->MakeSample(index);
          const int used = static_cast<int>(sample.prompt_ids.size()) + 128;
          CHECK(used <= length);
          CHECK(used * 10 >= length * 9);
          CHECK(sample.index == index);
        }
      }
    }
  }
}

TEST_CASE("one more line would not fit") {
  const FakeTokenizer tokenizer(kWithBos);
  const auto task = Make("niah_single_1", 1024, DataOf(tokenizer));
  const auto line_tokens = static_cast<int>(
      tokenizer
          .Encode("\nThe grass is green. The sky is blue. The sun is yellow. Here we go. "
                  "There and back again.")
          .ids.size());
  for (int index = 0; index < 10; ++index) {
    const int used = static_cast<int>(task->MakeSample(index).prompt_ids.size()) + 128;
    CHECK(used <= 1024);
    CHECK(used + line_tokens > 1024);
  }
}

TEST_CASE("a needle's tokens hold its whole sentence, and its depth is theirs") {
  for (const auto& options : {kBare, kWithBos, kMarked}) {
    const FakeTokenizer tokenizer(options);
    TaskConfig config = General({.num_keys = 4, .num_values = 2, .num_queries = 2});
    for (const char* name : {"niah_single_1", "niah_multikey_2", "niah_multikey_3", "niah"}) {
      const auto task = Make(name, 2048, DataOf(tokenizer), config);
      const Sample sample = task->MakeSample(3);
      REQUIRE(sample.needles.size() == sample.outputs.size());
      REQUIRE(sample.needle_depths.size() == sample.needles.size());
      std::set<std::string> answers(sample.outputs.begin(), sample.outputs.end());
      int last_end = 0;
      for (size_t i = 0; i < sample.needles.size(); ++i) {
        const TokenRange range = sample.needles[i];
        CHECK(range.begin >= last_end);
        last_end = range.end;
        const std::string text = TextOf(tokenizer, sample, range);
        CHECK(text.starts_with("One of the special magic "));
        CHECK(text.back() == '.');
        CHECK(text.find('\n') == std::string::npos);
        const std::string value = text.substr(text.find(" is: ") + 5);
        CHECK(answers.erase(value.substr(0, value.size() - 1)) == 1);
        CHECK(sample.needle_depths[i] ==
              static_cast<double>(range.begin) / static_cast<double>(sample.prompt_ids.size()));
        CHECK(sample.needle_depths[i] >= 0.0);
        CHECK(sample.needle_depths[i] < 1.0);
      }
    }
  }
}

TEST_CASE("the prompt's ids are its text, with the BOS once") {
  const FakeTokenizer bare(kBare), with_bos(kWithBos);
  const Sample without = Make("niah_single_1", 1024, DataOf(bare))->MakeSample(0);
  CHECK(without.bos_count == 0);
  CHECK(bare.Decode(without.prompt_ids) == without.prompt);

  const Sample with = Make("niah_single_1", 1024, DataOf(with_bos))->MakeSample(0);
  CHECK(with.bos_count == 1);
  CHECK(with.prompt_ids.front() == with_bos.bos_to_add());
  CHECK(with_bos.Decode(with.prompt_ids) == "<s>" + with.prompt);
}

TEST_CASE("a BOS that the template spells is not doubled") {
  // As in checkpoints whose BOS is the token that opens a turn.
  const FakeTokenizer tokenizer(
      {.specials = {"<|im_start|>", "<|im_end|>"}, .bos = "<|im_start|>"});
  const Sample chat = Make("niah_single_1", 1024, DataOf(tokenizer, "chatml"))->MakeSample(0);
  CHECK(chat.bos_count == 1);
  CHECK(tokenizer.Decode(chat.prompt_ids) == chat.prompt);
  CHECK(chat.prompt.starts_with("<|im_start|>user\nA special"));
  const Sample base = Make("niah_single_1", 1024, DataOf(tokenizer, "base"))->MakeSample(0);
  CHECK(tokenizer.Decode(base.prompt_ids) == "<|im_start|>" + base.prompt);
  CHECK(TextOf(tokenizer, base, base.needles.front()).starts_with("One of "));
  CHECK(TextOf(tokenizer, chat, chat.needles.front()).starts_with("One of "));
}

TEST_CASE("a small prompt, whole") {
  const FakeTokenizer tokenizer({.piece_size = 1});  // nearly a token per byte
  TaskConfig config;
  config.max_new_tokens = 10;
  const Sample sample = Make("niah_single_1", 600, DataOf(tokenizer), config)->MakeSample(0);
  CHECK(sample.prompt ==
        "A special magic number is hidden within the following text. Make sure to memorize it. I "
        "will quiz you about the number afterwards.\n"
        "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back "
        "again.\n"
        "One of the special magic numbers for hypothetical-fig is: 2442135.\n"
        "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back "
        "again.\n"
        "What is the special magic number for hypothetical-fig mentioned in the provided text? The "
        "special magic number for hypothetical-fig mentioned in the provided text is");
  CHECK(sample.outputs == std::vector<std::string>{"2442135"});
  CHECK(sample.forced_answer == " 2442135");
  CHECK(sample.haystack_units == 2);
}

TEST_CASE("a sample depends on seed, task, length and index, and on nothing else") {
  const FakeTokenizer tokenizer(kBare), fresh(kBare);
  const auto task = Make("niah_multikey_2", 1024, DataOf(tokenizer));
  const Sample second = task->MakeSample(1);
  const Sample first = task->MakeSample(0);
  const Sample again = Make("niah_multikey_2", 1024, DataOf(fresh))->MakeSample(0);
  CHECK(first.prompt == again.prompt);
  CHECK(first.outputs == again.outputs);
  CHECK(first.prompt != second.prompt);
  CHECK(first.outputs != second.outputs);
  TaskConfig other_seed;
  other_seed.seed = 43;
  CHECK(Make("niah_multikey_2", 1024, DataOf(tokenizer), other_seed)->MakeSample(0).outputs !=
        first.outputs);
  CHECK(Make("niah_multikey_2", 1025, DataOf(tokenizer))->MakeSample(0).outputs != first.outputs);
  CHECK(Make("niah_single_1", 1024, DataOf(tokenizer))->MakeSample(0).outputs != first.outputs);
}

TEST_CASE("samples are the same on every machine and in every version") {
  const FakeTokenizer tokenizer(kBare);
  const auto hashes = [&](const char* name) {
    const auto task = Make(name, 1024, DataOf(tokenizer, "chatml"));
    return HashOf(task->MakeSample(0)) + " " + HashOf(task->MakeSample(1)) + " " +
           HashOf(task->MakeSample(2));
  };
  CHECK(hashes("niah_single_1") == "512701ee75de0d0f cd20a9a822ccebe3 3c71828ccbe2abc6");
  CHECK(hashes("niah_multikey_2") == "f5cf972cdb8b36f1 5b2ff7aa6ee7cf66 2ebe8d2c102684ae");
  CHECK(hashes("niah_multikey_3") == "34d72ca3b3d7e38c 999a388490963195 2cf3d1b9f599c218");
}

TEST_CASE("needles are spread over the whole prompt") {
  const FakeTokenizer tokenizer(kBare);
  const auto task = Make("niah_single_1", 1024, DataOf(tokenizer));
  int quarter[4] = {0, 0, 0, 0};
  for (int index = 0; index < 200; ++index) {
    ++quarter[static_cast<size_t>(task->MakeSample(index).needle_depths.front() * 4)];
  }
  // 50 expected where the haystack fills the quarter; the question takes some of the last one.
  for (const int count : quarter) CHECK(count > 25);
}

TEST_CASE("answers follow the question when there are several") {
  const FakeTokenizer tokenizer(kBare);
  const TaskConfig config = General({.key = NiahContent::kUuids, .num_keys = 3, .num_queries = 3});
  const Sample sample = Make("niah", 1024, DataOf(tokenizer), config)->MakeSample(0);
  REQUIRE(sample.outputs.size() == 3);
  std::vector<std::string> keys;
  for (const std::string& value : sample.outputs) {
    const size_t is = sample.prompt.find(" is: " + value + ".");
    REQUIRE(is != std::string::npos);
    keys.push_back(sample.prompt.substr(is - 36, 36));
  }
  CHECK_THAT(sample.prompt,
             testing::HasText("What are all the special magic numbers for " + keys[0] + ", " +
                              keys[1] + ", and " + keys[2] + " mentioned in the provided text?"));
  CHECK(sample.forced_answer ==
        " " + sample.outputs[0] + ", " + sample.outputs[1] + ", " + sample.outputs[2]);
}

TEST_CASE("answers are scored by the share of references found") {
  const FakeTokenizer tokenizer(kBare);
  const auto one = Make("niah_single_1", 1024, DataOf(tokenizer));
  const Sample sample = one->MakeSample(0);
  CHECK(one->Score(sample, sample.forced_answer) == 1.0);
  CHECK(one->Score(sample, "") == 0.0);
  CHECK(one->Score(sample, sample.outputs.front().substr(0, 6)) == 0.0);
  const auto two = Make("niah", 1024, DataOf(tokenizer), General({.num_values = 4}));
  const Sample four = two->MakeSample(0);
  REQUIRE(four.outputs.size() == 4);
  CHECK(two->Score(four, "\x01" + four.outputs[2] + "\n") == 0.25);
  CHECK(two->Score(four, four.forced_answer) == 1.0);
}

TEST_CASE("a length that cannot hold the smallest sample is refused with the one that can") {
  const FakeTokenizer tokenizer(kWithBos);
  const RulerData data = DataOf(tokenizer);
  const std::string message =
      testing::MessageOf<UserError>([&] { Make("niah_single_1", 200, data)->MakeSample(0); });
  CHECK_THAT(message, testing::HasText("niah_single_1 at length 200"));
  CHECK_THAT(message, testing::HasText("haystack of 1 lines"));
  const size_t at = message.find("at least ") + 9;
  const int needed = std::stoi(message.substr(at));
  REQUIRE(needed > 200);
  // Another length draws another key, so only about that length is enough.
  const Sample smallest = Make("niah_single_1", needed + 10, data)->MakeSample(0);
  CHECK(smallest.haystack_units == 1);
  CHECK_THROWS_AS(Make("niah_single_1", needed - 10, data)->MakeSample(0), UserError);
  CHECK_THROWS_AS(Make("niah_single_1", 100, data)->MakeSample(0), UserError);
}

TEST_CASE("few tokenisations per sample") {
  for (const char* name : {"niah_single_1", "niah_multikey_2", "niah_multikey_3"}) {
    const FakeTokenizer tokenizer(kBare);
    const auto task = Make(name, 4096, DataOf(tokenizer));
    double prompts = 0;
    for (int index = 0; index < 20; ++index) {
      const size_t before = tokenizer.bytes_encoded();
      const Sample sample = task->MakeSample(index);
      const double worth = static_cast<double>(tokenizer.bytes_encoded() - before) /
                           static_cast<double>(sample.prompt.size());
      CHECK(worth <= 6.5);  // in prompts of full length
      prompts += worth;
    }
    CHECK(prompts <= 20 * 4.5);
  }
}

}  // namespace sw
