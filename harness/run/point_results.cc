#include "harness/run/point_results.h"

#include "harness/io/sha256.h"
#include "harness/measure/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace sw {
namespace {

constexpr int kDefaultTopBlocks = 16;  // SparseConfig: neither top_blocks nor density given
constexpr double kSignificance = 0.05;

template <class T>
std::optional<double> MeanOf(const std::vector<T>& values) {
  if (values.empty()) return std::nullopt;
  double sum = 0.0;
  for (const T& value : values) sum += static_cast<double>(value);
  return sum / static_cast<double>(values.size());
}

// Mean over those samples that have the number.
template <class Field>
std::optional<double> MeanOver(const std::vector<const SampleRecord*>& samples, Field&& field) {
  std::vector<double> values;
  for (const SampleRecord* sample : samples) {
    const std::optional<double> value = field(*sample);
    if (value) values.push_back(*value);
  }
  return MeanOf(values);
}

// Per layer: mean over the samples that have a number there.
std::vector<std::optional<double>> LayerMeans(
    const std::vector<const SampleRecord*>& samples,
    std::vector<std::optional<double>> SampleRecord::*rates) {
  size_t num_layers = 0;
  for (const SampleRecord* sample : samples) {
    num_layers = std::max(num_layers, (sample->*rates).size());
  }
  std::vector<std::optional<double>> means;
  for (size_t layer = 0; layer < num_layers; ++layer) {
    means.push_back(MeanOver(samples, [&](const SampleRecord& s) { return (s.*rates).at(layer); }));
  }
  return means;
}

std::optional<double> MeanOfLayers(const std::vector<std::optional<double>>& rates) {
  std::vector<double> values;
  for (const auto& rate : rates) {
    if (rate) values.push_back(*rate);
  }
  return MeanOf(values);
}

bool IsTimed(const GroupOutcome& group) { return group.samples.front().timed; }
int KeyOf(const GroupOutcome& group) { return group.samples.front().index; }

using Collect = void (*)(const GroupOutcome&, std::vector<double>&);

std::vector<double> SeriesOf(const std::vector<GroupOutcome>& groups, Collect collect,
                             const std::set<int>* only = nullptr) {
  std::vector<double> series;
  for (const GroupOutcome& group : groups) {
    if (!IsTimed(group) || (only != nullptr && !only->contains(KeyOf(group)))) continue;
    collect(group, series);
  }
  return series;
}

void CollectTtft(const GroupOutcome& group, std::vector<double>& out) {
  for (const SampleRecord& s : group.samples) out.push_back(s.ttft_s);
}
void CollectPrefillAttention(const GroupOutcome& group, std::vector<double>& out) {
  for (const SampleRecord& s : group.samples) out.push_back(s.prefill_attention_s);
}
void CollectSteps(const GroupOutcome& group, std::vector<double>& out) {
  out.insert(out.end(), group.step_s.begin(), group.step_s.end());
}
void CollectStepAttention(const GroupOutcome& group, std::vector<double>& out) {
  out.insert(out.end(), group.step_attention_s.begin(), group.step_attention_s.end());
}

// The ratio is taken on the groups that both arms have finished, so that both saw the same prompts.
TimeSeries MakeSeries(const std::vector<GroupOutcome>& groups,
                      const std::vector<GroupOutcome>* dense, Collect collect) {
  TimeSeries series{.samples_s = SeriesOf(groups, collect), .median_s = {}, .speedup_vs_dense = {}};
  if (!series.samples_s.empty()) series.median_s = Median(series.samples_s);
  if (dense == nullptr) return series;
  std::set<int> ours, common;
  for (const GroupOutcome& group : groups) ours.insert(KeyOf(group));
  for (const GroupOutcome& group : *dense) {
    if (ours.contains(KeyOf(group))) common.insert(KeyOf(group));
  }
  const std::vector<double> here = SeriesOf(groups, collect, &common);
  const std::vector<double> there = SeriesOf(*dense, collect, &common);
  if (here.empty() || there.empty() || Median(here) <= 0) return series;
  series.speedup_vs_dense = Median(there) / Median(here);
  return series;
}

// Medians over timed samples of each stage's seconds, divided by `divisor` of the sample; a stage
// that a sample lacks took it no time.
template <class Stages, class Divisor>
std::map<std::string, double> StageMedians(const std::vector<const SampleRecord*>& samples,
                                           Stages&& stages, Divisor&& divisor) {
  std::map<std::string, std::vector<double>> by_stage;
  size_t num_samples = 0;
  for (const SampleRecord* sample : samples) {
    if (!sample->timed || divisor(*sample) <= 0) continue;
    for (const auto& [stage, seconds] : stages(*sample)) {
      std::vector<double>& values = by_stage[stage];
      values.resize(num_samples, 0.0);
      values.push_back(seconds / divisor(*sample));
    }
    ++num_samples;
  }
  std::map<std::string, double> medians;
  for (auto& [stage, values] : by_stage) {
    values.resize(num_samples, 0.0);
    medians[stage] = Median(values);
  }
  return medians;
}

}  // namespace

std::optional<LastRow> LastRowOf(const PolicyConfig& policy, int tokens) {
  const SparseConfig* sparse = SparsePartOf(policy);
  if (sparse == nullptr || tokens <= 0) return std::nullopt;
  const bool in_prefill = sparse->prefill == PhaseMode::kSparse;
  const KeepRule rule{.forced = {.sink_blocks = sparse->sink_blocks,
                                 .local_blocks = sparse->local_blocks,
                                 .dense_tail_blocks = in_prefill ? sparse->dense_tail_blocks : 0},
                      .top_blocks = sparse->top_blocks.value_or(kDefaultTopBlocks),
                      .density = sparse->density.value_or(0.0)};
  const int blocks = BlockLayout{tokens, sparse->block_size}.num_blocks();
  return LastRow{.kept = rule.Count(blocks - 1, blocks),
                 .forced = rule.forced.Count(blocks - 1, blocks),
                 .causal = blocks};
}

void PointResults::Add(GroupOutcome outcome) { groups_.push_back(std::move(outcome)); }

void PointResults::Fail(RunStatus status, std::string detail) {
  status_ = status;
  detail_ = std::move(detail);
}

int PointResults::num_samples() const { return static_cast<int>(Samples().size()); }

std::vector<const SampleRecord*> PointResults::Samples() const {
  std::vector<const SampleRecord*> samples;
  for (const GroupOutcome& group : groups_) {
    for (const SampleRecord& sample : group.samples) samples.push_back(&sample);
  }
  return samples;
}

RunRecord PointResults::ToRecord(const PointResults* dense, uint64_t seed) const {
  RunRecord record;
  record.status = status_;
  record.detail = detail_;
  record.point = point_;
  FillAccuracy(dense, seed, record);
  FillAttention(record);
  FillTimes(dense, record);
  FillMemory(record);
  std::vector<LastRow> last_rows;
  for (const GroupOutcome& group : groups_) {
    for (const int tokens : group.prefill_tokens) {
      const std::optional<LastRow> row = LastRowOf(point_.arm.policy, tokens);
      if (row) last_rows.push_back(*row);
    }
  }
  if (!last_rows.empty()) {
    std::vector<int> kept;
    for (const LastRow& row : last_rows) kept.push_back(row.kept);
    const auto [low, high] = std::minmax_element(kept.begin(), kept.end());
    record.top_blocks_last_row = Interval{.value = *MeanOf(kept),
                                          .low = static_cast<double>(*low),
                                          .high = static_cast<double>(*high)};
  }
  record.warnings = WarningsOf(record, last_rows);
  return record;
}

void PointResults::FillAccuracy(const PointResults* dense, uint64_t seed, RunRecord& r) const {
  const std::vector<const SampleRecord*> samples = Samples();
  r.n = static_cast<int>(samples.size());
  if (samples.empty()) return;
  std::vector<double> scores;
  std::string fingerprints;
  for (const SampleRecord* sample : samples) {
    scores.push_back(sample->score);
    fingerprints += sample->ids_sha256;
  }
  r.samples_sha256 = Sha256OfBytes(fingerprints);
  const AccuracyEstimate estimate = EstimateAccuracy(scores, seed);
  r.accuracy_percent =
      Interval{100 * estimate.share.value, 100 * estimate.share.low, 100 * estimate.share.high};
  r.interval_method = estimate.method;
  if (dense == nullptr) return;

  std::map<int, double> dense_scores;
  for (const SampleRecord* sample : dense->Samples()) dense_scores[sample->index] = sample->score;
  std::vector<double> differences;
  int dense_wins = 0;
  int wins = 0;
  for (const SampleRecord* sample : samples) {
    const auto other = dense_scores.find(sample->index);
    if (other == dense_scores.end()) continue;
    differences.push_back(sample->score - other->second);
    dense_wins += other->second > sample->score;
    wins += sample->score > other->second;
  }
  if (differences.empty()) return;
  r.accuracy_minus_dense = 100 * *MeanOf(differences);
  r.only_dense_right = dense_wins;
  r.only_this_right = wins;
  r.mcnemar_p = McNemarP(dense_wins, wins);
}

void PointResults::FillAttention(RunRecord& r) const {
  const std::vector<const SampleRecord*> samples = Samples();
  if (const SparseConfig* sparse = SparsePartOf(point_.arm.policy)) {
    r.density_asked = sparse->density;
    if (!sparse->density) r.top_blocks_asked = sparse->top_blocks.value_or(kDefaultTopBlocks);
  }
  const auto mean_of = [&](std::optional<double> SampleRecord::*field) {
    return MeanOver(samples, [field](const SampleRecord& s) { return s.*field; });
  };
  r.prefill_density = MeanOver(
      samples, [](const SampleRecord& s) { return std::optional<double>(s.prefill_density); });
  r.prefill_density_sparse = mean_of(&SampleRecord::prefill_density_sparse);
  r.decode_density = mean_of(&SampleRecord::decode_density);
  r.decode_density_sparse = mean_of(&SampleRecord::decode_density_sparse);
  r.prefill_hit_rate = LayerMeans(samples, &SampleRecord::prefill_hit_rate);
  r.decode_hit_rate = LayerMeans(samples, &SampleRecord::decode_hit_rate);
  r.prefill_hit_rate_mean = MeanOfLayers(r.prefill_hit_rate);
  r.decode_hit_rate_mean = MeanOfLayers(r.decode_hit_rate);
  for (const SampleRecord* sample : samples) r.walk_restarts += sample->walk_restarts;
}

void PointResults::FillTimes(const PointResults* dense, RunRecord& r) const {
  const std::vector<const SampleRecord*> samples = Samples();
  r.timed = static_cast<int>(std::count_if(samples.begin(), samples.end(),
                                           [](const SampleRecord* s) { return s->timed; }));
  const std::vector<GroupOutcome>* there = dense != nullptr ? &dense->groups_ : nullptr;
  r.ttft = MakeSeries(groups_, there, CollectTtft);
  r.tpot = MakeSeries(groups_, there, CollectSteps);
  r.prefill_attention = MakeSeries(groups_, there, CollectPrefillAttention);
  r.decode_attention = MakeSeries(groups_, there, CollectStepAttention);
  r.prefill_stages_s = StageMedians(
      samples, [](const SampleRecord& s) -> const auto& { return s.prefill_stages_s; },
      [](const SampleRecord&) { return 1.0; });
  r.decode_stages_s = StageMedians(
      samples, [](const SampleRecord& s) -> const auto& { return s.decode_stages_s; },
      [](const SampleRecord& s) { return static_cast<double>(s.step_s.size()); });
}

void PointResults::FillMemory(RunRecord& r) const {
  MemoryPeak peak;
  for (const GroupOutcome& group : groups_) peak.Raise(group.memory);
  r.peak_bytes_by_part = peak.by_part;
  r.peak_bytes = peak.total_bytes;
  r.resident_peak_bytes = peak.resident_bytes;
  r.resident_method = peak.resident_method;
}

std::vector<std::string> WarningsOf(const RunRecord& record,
                                    const std::vector<LastRow>& last_rows) {
  std::vector<std::string> warnings;
  if (record.mcnemar_p &&
      *record.mcnemar_p<kSignificance&& * record.only_this_right> * record.only_dense_right) {
    warnings.push_back(fmt::format(
        "better than dense ({} against {} samples, p = {:.2g}): sparse attention has nothing to "
        "add, "
        "so look for the usual causes: a BOS twice or missing in the prompt, a template that the "
        "checkpoint was not trained with, a prompt past its training context, an answer budget too "
        "small for dense",
        *record.only_this_right, *record.only_dense_right, *record.mcnemar_p));
  }
  if (last_rows.empty()) return warnings;
  const auto most = [&](auto&& value) {
    int highest = 0;
    for (const LastRow& row : last_rows) highest = std::max(highest, value(row));
    return highest;
  };
  if (most([](const LastRow& row) { return row.causal - row.kept; }) == 0) {
    warnings.push_back(
        fmt::format("the last row keeps all of its {} blocks: this arm attends as dense does there",
                    last_rows.front().causal));
  } else if (const int free = most([](const LastRow& row) { return row.kept - row.forced; });
             free < 2) {
    const LastRow& row = last_rows.front();
    warnings.push_back(
        fmt::format("fewer than two free blocks: the last row keeps {} of {} blocks and {} of them "
                    "are forced, so "
                    "every selector keeps nearly the same",
                    row.kept, row.causal, row.forced));
  }
  return warnings;
}

}  // namespace sw
