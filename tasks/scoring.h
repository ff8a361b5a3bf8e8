// RULER's scoring, to the second decimal: post-process the prediction, look for each reference in
// it without regard to case, average. Recall only: a longer answer is never punished.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sw {

// What a model wrote, as the scorer sees it: whitespace stripped from both ends, every character
// U+0000..U+001F turned into "\n", stripped again. Empty means a null.
std::string PostProcess(std::string_view prediction);

// The share of references that occur in a post-processed prediction, in [0, 1]. References are used
// as they are. UserError when there is no reference.
double StringMatchAll(std::string_view processed, std::span<const std::string> references);

// 1 when any reference occurs in it, else 0. UserError when there is no reference.
double StringMatchPart(std::string_view processed, std::span<const std::string> references);

// 0..100, two decimals: the mean of per-sample scores in [0, 1], summed from left to right, rounded
// from the exact binary value (half to even on ties). 0 when there is no sample.
double AggregateScore(std::span<const double> sample_scores);

// How many predictions are empty once post-processed.
int CountNulls(std::span<const std::string> predictions);

}  // namespace sw
