// Expected scores were observed from RULER's own scorer.
#include "tasks/scoring.h"

#include "core/base/check.h"
#include "core/testing/catch.h"

#include <limits>
#include <string>
#include <vector>

namespace sw {
namespace {

using References = std::vector<std::string>;

double Percent(double score) { return AggregateScore(std::vector<double>{score}); }

}  // namespace

TEST_CASE("single samples score as in RULER") {
  struct Row {
    std::string prediction;
    References references;
    std::string processed;
    double all;
    double part;
  };
  const std::vector<Row> rows = {
      {std::string("  7313205.\0\x01", 12), {"7313205"}, "7313205.", 100.0, 100.0},
      {"The answer is 73132051", {"7313205"}, "The answer is 73132051", 100.0, 100.0},
      {"\tQKZTP\tABCDE",
       {"QKZTP", "ABCDE", "LMNOP", "RSTUV", "WXYZA"},
       "QKZTP\nABCDE",
       40.0,
       100.0},
      {"barrier", {"bar", "car"}, "barrier", 50.0, 100.0},
      {"1. a 2. b", {"a", "b", "zz"}, "1. a 2. b", 66.67, 100.0},
      {" \x1f\n ", {"x"}, "", 0.0, 0.0},
      {"foo\tbar", {"foo\nbar"}, "foo\nbar", 100.0, 100.0},
      {"a\u00a0", {"a\u00a0"}, "a", 0.0, 0.0},
      {"ΟΔΟΣ", {"οδος"}, "ΟΔΟΣ", 100.0, 100.0},
      {"İstanbul", {"istanbul"}, "İstanbul", 0.0, 0.0},
      {"STRASSE", {"straße"}, "STRASSE", 0.0, 0.0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.prediction);
    const std::string processed = PostProcess(row.prediction);
    CHECK(processed == row.processed);
    CHECK(Percent(StringMatchAll(processed, row.references)) == row.all);
    CHECK(Percent(StringMatchPart(processed, row.references)) == row.part);
  }
}

TEST_CASE("three samples together score as in RULER") {
  const std::vector<std::string> predictions = {"abc", "abd", "zzz"};
  const std::vector<References> references = {{"a", "b", "q"}, {"d"}, {"y"}};
  std::vector<double> all, part;
  for (size_t i = 0; i < predictions.size(); ++i) {
    all.push_back(StringMatchAll(PostProcess(predictions[i]), references[i]));
    part.push_back(StringMatchPart(PostProcess(predictions[i]), references[i]));
  }
  CHECK(AggregateScore(all) == 55.56);
  CHECK(AggregateScore(part) == 66.67);
}

TEST_CASE("a per-sample score is the share of references found") {
  CHECK(StringMatchAll("one three", References{"one", "two", "three", "four"}) == 0.5);
  CHECK(StringMatchAll("", References{"x"}) == 0.0);
  CHECK(StringMatchAll("anything", References{""}) == 1.0);  // as Python's `"" in s`
  CHECK(StringMatchPart("two", References{"one", "two"}) == 1.0);
  CHECK(StringMatchPart("", References{"one", "two"}) == 0.0);
}

TEST_CASE("every control character becomes a newline, then both ends are stripped") {
  for (int c = 0; c < 0x20; ++c) {
    const std::string control(1, static_cast<char>(c));
    CHECK(PostProcess("a" + control + "b") == "a\nb");
    CHECK(PostProcess(control + "b" + control).find_first_not_of('b') == std::string::npos);
  }
  CHECK(PostProcess("a\x7f") == "a\x7f");
  // A control character that is no space keeps the first strip out; the second one comes through.
  CHECK(PostProcess("\x01 a \x01") == "a");
}

TEST_CASE("the mean rounds from its binary value, ties to even") {
  CHECK(AggregateScore(std::vector<double>{0.12125}) == 12.12);
  CHECK(AggregateScore(std::vector<double>{0.0267512345}) == 2.68);
  CHECK(Percent(1.0 / 3.0) == 33.33);
  CHECK(Percent(2.0 / 3.0) == 66.67);
  // 7/16 and 5/32 of 100 are 43.75 and 15.625: the second is an exact tie.
  CHECK(Percent(7.0 / 16.0) == 43.75);
  CHECK(Percent(5.0 / 32.0) == 15.62);
  CHECK(Percent(1.0 / 32.0) == 3.12);
  CHECK(Percent(3.0 / 32.0) == 9.38);
  CHECK(AggregateScore(std::vector<double>(500, 1.0)) == 100.0);
  CHECK(AggregateScore({}) == 0.0);
}

TEST_CASE("nulls are predictions that post-processing empties") {
  const std::vector<std::string> predictions = {"", " \n", "x", "\x01\x02", "\u200b", "\u3000"};
  CHECK(CountNulls(predictions) == 4);
  CHECK(CountNulls({}) == 0);
}

TEST_CASE("a sample without references is the user's to mend") {
  CHECK_THROWS_AS(StringMatchAll("x", References{}), UserError);
  CHECK_THROWS_AS(StringMatchPart("x", References{}), UserError);
}

}  // namespace sw
