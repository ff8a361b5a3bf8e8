// What a handful of samples can say: intervals, medians, paired tests.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sw {

// A value and what it may be: a 95 % interval, or a mean with its minimum and maximum.
struct Interval {
  double value = 0.0;
  double low = 0.0;
  double high = 0.0;
};

// Share of `right` among `n` >= 1 trials with the 95 % Wilson score interval, all in [0, 1].
Interval WilsonInterval(int right, int n);

// Mean of at least one value with the 95 % percentile bootstrap interval. The same values and seed
// give the same interval on every machine.
Interval BootstrapInterval(std::span<const double> values, uint64_t seed, int resamples = 10000);

struct AccuracyEstimate {
  Interval share;      // of full score, in [0, 1]
  std::string method;  // "wilson" when every score is 0 or 1, else "bootstrap"
};
// scores in [0, 1], at least one.
AccuracyEstimate EstimateAccuracy(std::span<const double> scores, uint64_t seed);

// Mean of the two middle values for an even count; at least one value.
double Median(std::vector<double> values);

// Two-sided exact McNemar test: the chance of a split at least as uneven as (only_a, only_b) when
// both sides are equally likely to win a discordant sample. 1 without discordant samples.
double McNemarP(int only_a, int only_b);

}  // namespace sw
