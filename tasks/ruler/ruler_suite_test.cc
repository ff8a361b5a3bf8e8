#include "tasks/ruler/ruler_suite.h"

#include "core/base/check.h"
#include "core/testing/catch.h"
#include "tasks/ruler/fake_tokenizer.h"

#include <algorithm>

namespace sw {
namespace {

const WordList kWords = {.adjectives = {"red"}, .nouns = {"owl"}};

bool Holds(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

TEST_CASE("every known task is made and speaks its name") {
  const FakeTokenizer tokenizer({});
  const RulerData data = {&tokenizer, ResolveModelTemplate("base"), &kWords};
  CHECK(RulerTaskNames() ==
        std::vector<std::string>{"niah_single_1", "niah_multikey_2", "niah_multikey_3", "niah"});
  for (const std::string& name : RulerTaskNames()) {
    const auto task = MakeRulerTask({}, name, 1024, data);
    CHECK(task->name() == name);
    CHECK(task->length() == 1024);
    CHECK(task->max_new_tokens() == 128);
  }
}

TEST_CASE("the named tasks are the points of RULER's table") {
  const FakeTokenizer tokenizer({});
  const RulerData data = {&tokenizer, ResolveModelTemplate("base"), &kWords};
  const std::string noise = "The grass is green.";
  const Sample single = MakeRulerTask({}, "niah_single_1", 1024, data)->MakeSample(0);
  CHECK_THAT(single.prompt, testing::HasText(noise));
  CHECK_THAT(single.prompt, testing::HasText("magic numbers for red-owl is: "));
  const Sample multikey_2 = MakeRulerTask({}, "niah_multikey_2", 1024, data)->MakeSample(0);
  CHECK_THAT(multikey_2.prompt, !testing::HasText(noise));
  CHECK_THAT(multikey_2.prompt, testing::HasText("magic numbers for red-owl is: "));
  const Sample multikey_3 = MakeRulerTask({}, "niah_multikey_3", 1024, data)->MakeSample(0);
  CHECK_THAT(multikey_3.prompt, !testing::HasText(noise));
  CHECK_THAT(multikey_3.prompt, testing::HasText("A special magic uuid is hidden"));
  CHECK_THAT(multikey_3.prompt, !testing::HasText("red-owl"));
  for (const Sample& sample : {single, multikey_2, multikey_3}) CHECK(sample.outputs.size() == 1);
}

TEST_CASE("an unknown task names the nearest and all") {
  const FakeTokenizer tokenizer({});
  const RulerData data = {&tokenizer, ResolveModelTemplate("base"), &kWords};
  const std::string message =
      testing::MessageOf<UserError>([&] { MakeRulerTask({}, "niah_multikey3", 1024, data); });
  CHECK_THAT(message, testing::HasText("'niah_multikey3'"));
  CHECK_THAT(message, testing::HasText("did you mean niah_multikey_3?"));
  CHECK_THAT(message, testing::HasText("niah_single_1, niah_multikey_2, niah_multikey_3, niah"));
}

TEST_CASE("a task whose words are missing says so, one that needs none runs") {
  const FakeTokenizer tokenizer({});
  const RulerData data = {&tokenizer, ResolveModelTemplate("base"), nullptr};
  for (const char* name : {"niah_single_1", "niah_multikey_2", "niah"}) {
    const std::string message =
        testing::MessageOf<MissingData>([&] { MakeRulerTask({}, name, 1024, data); });
    CHECK_THAT(message, testing::HasText("not run: data missing: word list 'wonderwords'"));
    CHECK_THAT(message, testing::HasText("scripts/fetch_words"));
    CHECK_THAT(message, testing::HasText(name));
  }
  CHECK_NOTHROW(MakeRulerTask({}, "niah_multikey_3", 1024, data)->MakeSample(0));
  TaskConfig word_values;
  word_values.niah = {.key = NiahContent::kUuids, .value = NiahContent::kWords};
  CHECK_THROWS_AS(MakeRulerTask(word_values, "niah", 1024, data), MissingData);
}

TEST_CASE("parameters out of range are named") {
  const FakeTokenizer tokenizer({});
  const RulerData data = {&tokenizer, ResolveModelTemplate("base"), &kWords};
  const auto message_for = [&](const TaskConfig& config, int length) {
    return testing::MessageOf<UserError>([&] { MakeRulerTask(config, "niah", length, data); });
  };
  TaskConfig config;
  config.niah.num_values = 0;
  CHECK_THAT(message_for(config, 1024), testing::HasText("num_values is 0"));
  config.niah = {.num_queries = -1};
  CHECK_THAT(message_for(config, 1024), testing::HasText("num_queries is -1"));
  config.niah = {};
  config.max_new_tokens = 0;
  CHECK_THAT(message_for(config, 1024), testing::HasText("max_new_tokens is 0"));
  CHECK_THAT(message_for({}, 0), testing::HasText("length is 0"));
}

TEST_CASE("a chat template needs its tokens") {
  const FakeTokenizer tokenizer({});
  const RulerData data = {&tokenizer, ResolveModelTemplate("chatml"), &kWords};
  CHECK_THROWS_AS(MakeRulerTask({}, "niah_single_1", 1024, data), UserError);
}

TEST_CASE("what departs from RULER is named, and only that") {
  const FakeTokenizer tokenizer({.specials = {"<s>", "<|im_start|>", "<|im_end|>"}});
  const FakeTokenizer with_bos({.specials = {"<s>"}, .bos = "<s>"});
  TaskConfig config;
  config.samples = 500;
  const RulerData base = {&tokenizer, ResolveModelTemplate("base"), &kWords};
  // As upstream, but for the one wanted departure that every sample has.
  const auto upstream = MakeRulerTask(config, "niah_single_1", 4096, base)->departures();
  REQUIRE(upstream.size() == 1);
  CHECK_THAT(upstream.front(), testing::HasText("haystack sized per sample"));

  config.samples = 10;
  config.max_new_tokens = 32;
  config.words = "my/words";
  config.niah = {.num_values = 4};
  const RulerData chat = {&tokenizer, ResolveModelTemplate("chatml"), &kWords};
  const auto changed = MakeRulerTask(config, "niah", 1024, chat)->departures();
  CHECK(changed.size() == 8);
  CHECK(Holds(changed, "max_new_tokens 32 (RULER: 128)"));
  CHECK(Holds(changed, "samples 10 (RULER: 500)"));
  CHECK(Holds(changed, "length 1024 (RULER: 4096, 8192, 16384, 32768, 65536, 131072)"));
  CHECK(Holds(changed, "words my/words (RULER: wonderwords)"));
  CHECK(Holds(changed, "template chatml (not in RULER's list; as its users add it)"));
  CHECK(Holds(changed, "order of the needles drawn per sample (RULER: one fixed order)"));
  CHECK(Holds(changed,
              "task niah (not one of RULER's 13): haystack noise, key words, value numbers, "
              "num_keys 1, num_values 4, num_queries 1"));

  const RulerData bos = {&with_bos, ResolveModelTemplate("base"), &kWords};
  CHECK(Holds(MakeRulerTask({}, "niah_single_1", 4096, bos)->departures(),
              "BOS counted in the length (RULER: not counted)"));
  // A task without words does not depend on the list.
  CHECK_FALSE(Holds(MakeRulerTask(config, "niah_multikey_3", 1024, base)->departures(),
                    "words my/words (RULER: wonderwords)"));
}

}  // namespace sw
