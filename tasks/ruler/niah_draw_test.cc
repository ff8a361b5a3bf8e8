#include "tasks/ruler/niah_draw.h"

#include "core/base/check.h"
#include "core/testing/catch.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sw {
namespace {

const WordList kWords = {.adjectives = {"red", "ad hoc", "zoot-suit"}, .nouns = {"owl", "fig"}};
constexpr std::string_view kNoise =
    "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

// The value of "... for KEY is: VALUE."
std::string ValueIn(const std::string& sentence) {
  const size_t begin = sentence.find(" is: ") + 5;
  return sentence.substr(begin, sentence.size() - begin - 1);
}

}  // namespace

TEST_CASE("numbers have seven digits, over the whole range") {
  Rng rng(1, 2);
  int64_t low = 9999999, high = 1000000;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = DrawContent(NiahContent::kNumbers, nullptr, rng);
    REQUIRE(text.size() == 7);
    REQUIRE(std::all_of(text.begin(), text.end(), ::isdigit));
    low = std::min<int64_t>(low, std::stoll(text));
    high = std::max<int64_t>(high, std::stoll(text));
  }
  // 5000 draws leave a hundredth of the range empty at an end with probability e^-50.
  CHECK(low >= 1000000);
  CHECK(low < 1090000);
  CHECK(high > 9910000);
}

TEST_CASE("words pair every adjective with every noun, about equally often") {
  Rng rng(3, 4);
  std::map<std::string, int> count;
  for (int i = 0; i < 6000; ++i) ++count[DrawContent(NiahContent::kWords, &kWords, rng)];
  REQUIRE(count.size() == 6);
  for (const char* pair : {"red-owl", "red-fig", "ad hoc-owl", "zoot-suit-fig"}) {
    CHECK(count[pair] > 850);  // 1000 expected, standard deviation 29
    CHECK(count[pair] < 1150);
  }
}

TEST_CASE("uuids are of version 4, with every other bit at random") {
  Rng rng(5, 6);
  std::set<std::string> seen;
  std::vector<std::set<char>> digits(36);
  for (int i = 0; i < 1000; ++i) {
    const std::string uuid = DrawContent(NiahContent::kUuids, nullptr, rng);
    REQUIRE(uuid.size() == 36);
    for (size_t j = 0; j < uuid.size(); ++j) digits[j].insert(uuid[j]);
    seen.insert(uuid);
  }
  CHECK(seen.size() == 1000);
  for (size_t j = 0; j < digits.size(); ++j) {
    CAPTURE(j);
    if (j == 8 || j == 13 || j == 18 || j == 23) {
      CHECK(digits[j] == std::set<char>{'-'});
    } else if (j == 14) {
      CHECK(digits[j] == std::set<char>{'4'});
    } else if (j == 19) {
      CHECK(digits[j] == std::set<char>{'8', '9', 'a', 'b'});
    } else {
      CHECK(digits[j].size() == 16);
      CHECK(digits[j].count('A') == 0);
    }
  }
}

TEST_CASE("needles stand before distinct lines, never after the last, spread over all") {
  const NiahConfig config = {.num_keys = 2, .num_values = 2};
  const int units = 9;
  std::vector<int> before(static_cast<size_t>(units), 0);
  for (int index = 0; index < 900; ++index) {
    NiahDraw draw(config, &kWords, 42, "test/" + std::to_string(index));
    const std::vector<std::string> lines = Lines(draw.Context(units).text);
    REQUIRE(lines.size() == 13);
    int noise_before = 0;
    bool after_needle = false;
    for (const std::string& line : lines) {
      if (line == kNoise) {
        ++noise_before;
        after_needle = false;
        continue;
      }
      REQUIRE_FALSE(after_needle);  // a line of noise stands between any two needles
      REQUIRE(noise_before < units);
      ++before[static_cast<size_t>(noise_before)];
      after_needle = true;
    }
    CHECK(noise_before == units);
    CHECK(lines.back() == kNoise);
  }
  // 4 of 9 places each time: 400 expected, standard deviation 15.
  for (const int count : before) {
    CHECK(count > 320);
    CHECK(count < 480);
  }
}

TEST_CASE("the first needle in placement order is the lowest in the text") {
  NiahDraw draw({.num_keys = 4}, &kWords, 42, "order");
  const std::string text = draw.Context(20).text;
  size_t last = text.size();
  for (const std::string& sentence : draw.needles().sentences) {
    const size_t at = text.find(sentence);
    REQUIRE(at != std::string::npos);
    CHECK(at < last);
    last = at;
  }
}

TEST_CASE("as many needles as lines still fit") {
  NiahDraw draw({.num_keys = 3}, &kWords, 42, "tight");
  CHECK(Lines(draw.Context(3).text).size() == 6);
  CHECK_THROWS_AS(draw.Context(2), BugError);
}

TEST_CASE("answers come in the order of the question, all values of a key together") {
  const NiahConfig config = {.key = NiahContent::kUuids,
                             .value = NiahContent::kNumbers,
                             .num_keys = 5,
                             .num_values = 2,
                             .num_queries = 3};
  std::set<std::vector<bool>> queried_patterns;
  for (int index = 0; index < 50; ++index) {
    NiahDraw draw(config, nullptr, 7, "answers/" + std::to_string(index));
    const NiahNeedles& needles = draw.needles();
    REQUIRE(needles.sentences.size() == 10);
    REQUIRE(needles.query_keys.size() == 3);
    REQUIRE(needles.outputs.size() == 6);
    CHECK(std::set<std::string>(needles.query_keys.begin(), needles.query_keys.end()).size() == 3);
    for (size_t q = 0; q < 3; ++q) {
      // The two needles of the q-th key hold exactly the q-th pair of answers.
      std::set<std::string> found;
      for (const std::string& sentence : needles.sentences) {
        if (sentence.find(" for " + needles.query_keys[q] + " is: ") != std::string::npos) {
          found.insert(ValueIn(sentence));
        }
      }
      CHECK(found == std::set<std::string>{needles.outputs[2 * q], needles.outputs[2 * q + 1]});
    }
    const NiahContext context = draw.Context(10);
    REQUIRE(context.queried.size() == 6);
    std::set<std::string> answers(needles.outputs.begin(), needles.outputs.end());
    for (const auto& bytes : context.queried) {
      const std::string sentence = context.text.substr(bytes.begin, bytes.end - bytes.begin);
      CHECK(sentence.starts_with("One of the special magic numbers for "));
      CHECK(sentence.back() == '.');
      CHECK(answers.erase(ValueIn(sentence)) == 1);
    }
    CHECK(answers.empty());
    queried_patterns.insert(needles.queried);
  }
  CHECK(queried_patterns.size() > 20);  // the order of the needles is drawn per sample
}

TEST_CASE("keys are raised to the number of queries") {
  NiahDraw draw({.key = NiahContent::kUuids, .num_keys = 1, .num_queries = 4}, nullptr, 7, "raise");
  CHECK(draw.needles().sentences.size() == 4);
  CHECK(std::set<std::string>(draw.needles().query_keys.begin(), draw.needles().query_keys.end())
            .size() == 4);
}

TEST_CASE("a larger haystack starts with the distractors of a smaller one") {
  const NiahConfig config = {
      .haystack = NiahHaystack::kNeedle, .key = NiahContent::kUuids, .value = NiahContent::kUuids};
  NiahDraw draw(config, nullptr, 42, "prefix");
  const auto distractors = [&](NiahDraw& from, int units) {
    std::vector<std::string> lines = Lines(from.Context(units).text);
    std::erase(lines, draw.needles().sentences.front());
    return lines;
  };
  const std::vector<std::string> large = distractors(draw, 30);
  const std::vector<std::string> small = distractors(draw, 11);
  REQUIRE(large.size() == 30);
  REQUIRE(small.size() == 11);
  CHECK(std::equal(small.begin(), small.end(), large.begin()));
  CHECK(std::set<std::string>(large.begin(), large.end()).size() == 30);
  // The same whatever was asked before.
  NiahDraw fresh(config, nullptr, 42, "prefix");
  CHECK(fresh.Context(11).text == draw.Context(11).text);
}

}  // namespace sw
