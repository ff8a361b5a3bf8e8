#include "tasks/scoring.h"

#include "core/base/check.h"
#include "tasks/unicode_text.h"

#include <algorithm>
#include <charconv>

namespace sw {
namespace {

// References that occur in the prediction.
int CountHits(std::string_view processed, std::span<const std::string> references) {
  if (references.empty()) {
    FailUser("a sample without references cannot be scored: give it at least one in `outputs`");
  }
  const std::string lower = LowerUnicode(processed);
  return static_cast<int>(
      std::count_if(references.begin(), references.end(), [&](const std::string& reference) {
        return lower.find(LowerUnicode(reference)) != std::string::npos;
      }));
}

// Through the decimal text, because x * 100 would round twice: 2.675 is 2.67.
double RoundToTwoDecimals(double x) {
  char text[64];
  const auto written = std::to_chars(text, text + sizeof(text), x, std::chars_format::fixed, 2);
  SW_CHECK(written.ec == std::errc());
  double rounded = 0;
  const auto read = std::from_chars(text, written.ptr, rounded);
  SW_CHECK(read.ec == std::errc());
  return rounded;
}

}  // namespace

std::string PostProcess(std::string_view prediction) {
  std::string text(StripUnicode(prediction));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = '\n';
  }
  return std::string(StripUnicode(text));
}

double StringMatchAll(std::string_view processed, std::span<const std::string> references) {
  const double hits = CountHits(processed, references);
  return hits / static_cast<double>(references.size());
}

double StringMatchPart(std::string_view processed, std::span<const std::string> references) {
  return CountHits(processed, references) > 0 ? 1.0 : 0.0;
}

double AggregateScore(std::span<const double> sample_scores) {
  if (sample_scores.empty()) return 0.0;
  double sum = 0;
  for (const double score : sample_scores) sum += score;
  return RoundToTwoDecimals(sum / static_cast<double>(sample_scores.size()) * 100.0);
}

int CountNulls(std::span<const std::string> predictions) {
  return static_cast<int>(
      std::count_if(predictions.begin(), predictions.end(),
                    [](const std::string& prediction) { return PostProcess(prediction).empty(); }));
}

}  // namespace sw
