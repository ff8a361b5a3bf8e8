#include "harness/run/runner.h"

#include "core/attention/policy_factory.h"
#include "core/attention/select/sketch_transform.h"
#include "core/base/check.h"
#include "core/config/visit_fields.h"
#include "harness/report/jsonl_writer.h"
#include "harness/report/progress.h"
#include "harness/report/record_json.h"
#include "harness/report/summary.h"
#include "harness/report/table.h"
#include "harness/run/attempt.h"
#include "harness/run/interrupt.h"
#include "harness/run/point_results.h"
#include "harness/run/sample_run.h"
#include "tasks/model_template.h"
#include "tasks/ruler/ruler_suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace sw {
namespace {

constexpr int kExitSomeFailed = 3;
constexpr int kExitInterrupted = 130;

// A task at a length with the samples made so far: shared by all arms and ways of scoring.
struct TaskSamples {
  std::unique_ptr<Task> task;
  std::vector<Sample> samples;
  std::optional<Failure> failure;  // of making the task or a sample

  // nullptr when sample `index` cannot be made; samples are made in order.
  const Sample* Get(int index) {
    while (!failure && static_cast<int>(samples.size()) <= index) {
      failure =
          Attempt([&] { samples.push_back(task->MakeSample(static_cast<int>(samples.size()))); });
    }
    return static_cast<int>(samples.size()) > index ? &samples[static_cast<size_t>(index)]
                                                    : nullptr;
  }
};

struct Arm {
  ArmConfig config;
  std::unique_ptr<AttentionPolicy> policy;
  std::optional<Failure> failure;  // of making the policy
};

// Tokens of a prefill, with what attention over them costs beside the rest: what time goes by.
double WorkOf(int length) { return length * (1.0 + length / 8192.0); }

class Sweep {
 public:
  explicit Sweep(const RunInputs& inputs);
  int Run();

 private:
  using TaskAtLength = std::pair<std::string, int>;

  void PrepareSamples();
  std::unique_ptr<Task> MakeTask(const std::string& name, int length) const;
  TaskSamples& SamplesOf(const TaskAtLength& key);
  void WarmUp(int length, TaskSamples& samples);
  // All arms at one (scoring, task, length).
  void RunCell(Scoring scoring, const TaskAtLength& key);
  void RunGroups(TaskSamples& samples, std::vector<PointResults>& points);
  void RunGroupThroughArm(TaskSamples& samples, int first, int count, const Arm& arm,
                          PointResults& point);
  void WriteRecords(const TaskSamples& samples, const std::vector<PointResults>& points);
  void WriteSummary(const std::string& status);
  std::vector<NotRun> PointsWithoutSamples() const;
  std::string ResolvedTemplate() const;

  const RunInputs& in_;
  TaskConfig task_config_;  // with the samples that will really be taken
  Progress progress_;
  std::vector<Arm> arms_;
  std::map<TaskAtLength, TaskSamples> samples_;
  std::set<int> warmed_up_;  // lengths
  std::optional<JsonlWriter> records_file_;
  std::optional<JsonlWriter> samples_file_;
  std::vector<RunRecord> records_;
};

// Swallows what is written to it: the progress of a quiet run.
std::ostream& Nowhere() {
  static std::ostream nowhere(nullptr);
  return nowhere;
}

double TotalWork(const Experiment& e, int samples) {
  double work = 0.0;
  for (const int length : e.task.lengths) work += WorkOf(length);
  return work * static_cast<double>(e.task.names.size() * e.arms.size() * e.scoring.size()) *
         samples;
}

std::optional<SketchDraw> SketchOf(const PolicyConfig& policy, int head_dim) {
  const auto draw = [&](const auto& config) {
    const SketchTransform drawn =
        DrawSketchTransform(head_dim, config.sketch_dim, config.sketch_seed);
    SketchDraw result{.signs = {}, .rows = drawn.rows};
    for (const float sign : drawn.signs) result.signs += sign > 0 ? '+' : '-';
    return result;
  };
  if (const auto* walk = std::get_if<SketchWalkConfig>(&policy)) return draw(*walk);
  if (const auto* hop = std::get_if<OneHopConfig>(&policy)) return draw(*hop);
  return std::nullopt;
}

TaskConfig WithLimit(TaskConfig config, int limit) {
  if (limit > 0) config.samples = std::min(config.samples, limit);
  return config;
}

Sweep::Sweep(const RunInputs& inputs)
    : in_(inputs),
      task_config_(WithLimit(inputs.experiment.task, inputs.limit)),
      progress_(inputs.quiet ? Nowhere() : std::cerr,
                TotalWork(inputs.experiment, task_config_.samples),
                inputs.quiet ? Progress::Options{} : ProgressOptionsForStderr()) {
  SW_CHECK(in_.backend != nullptr && in_.model != nullptr && in_.tokenizer != nullptr);
  if (in_.experiment.arms.empty()) FailUser("arms: none given; at least one is needed");
  if (task_config_.samples < 1)
    FailUser("task.samples {}: must be at least 1", task_config_.samples);
  if (in_.experiment.measure.batch < 1) {
    FailUser("measure.batch {}: must be at least 1", in_.experiment.measure.batch);
  }
  std::error_code error;
  std::filesystem::create_directories(in_.out_dir, error);
  if (error) {
    FailUser("{}: cannot make the folder: {}; name another one with --out DIR",
             in_.out_dir.string(), error.message());
  }
  const std::filesystem::path records = in_.out_dir / "records.jsonl";
  if (std::filesystem::is_regular_file(records, error) &&
      std::filesystem::file_size(records, error) > 0) {
    FailUser("{}: there are records already; name an empty folder with --out DIR",
             records.string());
  }
  records_file_.emplace(records);
  samples_file_.emplace(in_.out_dir / "samples.jsonl");

  const LlamaShape& shape = in_.model->shape();
  const HeadShape heads{shape.num_q_heads, shape.num_kv_heads, shape.head_dim};
  for (const ArmConfig& config : in_.experiment.arms) {
    Arm& arm = arms_.emplace_back(Arm{config, nullptr, std::nullopt});
    arm.failure = Attempt(
        [&] { arm.policy = MakePolicy(config.policy, heads, shape.num_layers, *in_.backend); });
  }
}

std::string Sweep::ResolvedTemplate() const {
  return task_config_.model_template == "auto" ? in_.default_template : task_config_.model_template;
}

std::unique_ptr<Task> Sweep::MakeTask(const std::string& name, int length) const {
  if (in_.make_task) return in_.make_task(name, length);
  const RulerData data{.tokenizer = in_.tokenizer,
                       .model_template = ResolveModelTemplate(ResolvedTemplate()),
                       .words = in_.words};
  return MakeRulerTask(task_config_, name, length, data);
}

TaskSamples& Sweep::SamplesOf(const TaskAtLength& key) {
  const auto [at, is_new] = samples_.try_emplace(key);
  if (is_new) {
    at->second.failure = Attempt([&] { at->second.task = MakeTask(key.first, key.second); });
  }
  return at->second;
}

// The dense arm once over the first sample: caches, threads and page tables are warm for all arms
// alike. What goes wrong here the arms will meet and record themselves.
void Sweep::WarmUp(int length, TaskSamples& samples) {
  if (!warmed_up_.insert(length).second) return;
  const Sample* sample = samples.Get(0);
  if (sample == nullptr) return;
  const LlamaShape& shape = in_.model->shape();
  const HeadShape heads{shape.num_q_heads, shape.num_kv_heads, shape.head_dim};
  for (int pass = 0; pass < in_.experiment.measure.warmup; ++pass) {
    if (InterruptGuard::Requested()) return;
    progress_.Doing(fmt::format("warm-up at length {}", length));
    (void)Attempt([&] {
      const auto dense = MakePolicy(DenseConfig{}, heads, shape.num_layers, *in_.backend);
      const auto sequence =
          in_.model->NewSequence(*dense, static_cast<int>(sample->prompt_ids.size()), 0);
      (void)in_.model->Prefill(*sequence, sample->prompt_ids, 1);
    });
  }
}

void Sweep::RunGroupThroughArm(TaskSamples& samples, int first, int count, const Arm& arm,
                               PointResults& point) {
  const RunPoint& p = point.point();
  progress_.Doing(fmt::format("{} {} {} {}, sample {} of {}", p.task, p.length, EnumName(p.scoring),
                              p.arm.label, first + 1, task_config_.samples));
  std::vector<const Sample*> group;
  for (int i = first; i < first + count; ++i) group.push_back(samples.Get(i));
  const MeasureConfig& measure = in_.experiment.measure;
  const bool timed = measure.repeats == 0 || first < measure.repeats;
  std::optional<GroupOutcome> outcome;
  std::optional<Failure> failure = Attempt([&] {
    outcome = RunGroup({.model = *in_.model,
                        .backend = *in_.backend,
                        .tokenizer = *in_.tokenizer,
                        .task = *samples.task,
                        .policy = *arm.policy,
                        .scoring = p.scoring,
                        .seed = task_config_.seed},
                       group, timed);
  });
  if (failure) {
    point.Fail(failure->status, failure->detail);
    progress_.Skip((task_config_.samples - first) * WorkOf(p.length));
    return;
  }
  if (!outcome) return;  // interrupted
  // Outside of Attempt: a full disk ends the run, not the point.
  for (const SampleRecord& record : outcome->samples) {
    samples_file_->Append(DumpLine(SampleJson(record, p)));
  }
  point.Add(std::move(*outcome));
  progress_.Advance(count * WorkOf(p.length));
}

void Sweep::RunGroups(TaskSamples& samples, std::vector<PointResults>& points) {
  const bool forced = points.front().point().scoring == Scoring::kForced;
  const int batch = forced ? 1 : in_.experiment.measure.batch;
  for (int first = 0; first < task_config_.samples; first += batch) {
    const int count = std::min(batch, task_config_.samples - first);
    if (std::all_of(points.begin(), points.end(), [](const auto& p) { return p.failed(); })) return;
    const bool made = samples.Get(first + count - 1) != nullptr;
    for (size_t a = 0; a < arms_.size(); ++a) {
      if (InterruptGuard::Requested()) return;
      if (points[a].failed()) continue;
      if (made) {
        RunGroupThroughArm(samples, first, count, arms_[a], points[a]);
      } else {
        points[a].Fail(samples.failure->status, samples.failure->detail);
        progress_.Skip((task_config_.samples - first) * WorkOf(points[a].point().length));
      }
    }
  }
}

void Sweep::RunCell(Scoring scoring, const TaskAtLength& key) {
  TaskSamples& samples = SamplesOf(key);
  if (!samples.failure) WarmUp(key.second, samples);
  std::vector<PointResults> points;
  for (const Arm& arm : arms_) {
    PointResults& point = points.emplace_back(RunPoint{key.first, key.second, scoring, arm.config});
    if (!arm.failure) continue;
    point.Fail(arm.failure->status, arm.failure->detail);
    progress_.Skip(task_config_.samples * WorkOf(key.second));
  }
  RunGroups(samples, points);
  WriteRecords(samples, points);
}

void Sweep::WriteRecords(const TaskSamples& samples, const std::vector<PointResults>& points) {
  const auto dense = std::find_if(points.begin(), points.end(), [](const PointResults& point) {
    return std::holds_alternative<DenseConfig>(point.point().arm.policy);
  });
  for (const PointResults& point : points) {
    if (!point.failed() && point.num_samples() == 0) continue;  // interrupted before its first
    RunRecord record = point.ToRecord(dense == points.end() ? nullptr : &*dense, task_config_.seed);
    if (record.status == RunStatus::kOk && record.n < task_config_.samples) {
      record.status = RunStatus::kInterrupted;
      record.detail =
          fmt::format("stopped by the user after {} of {} samples", record.n, task_config_.samples);
    }
    record.task = task_config_;
    record.task.names = {record.point.task};
    record.task.lengths = {record.point.length};
    record.measure = in_.experiment.measure;
    record.template_name = ResolvedTemplate();
    if (samples.task != nullptr) record.departures = samples.task->departures();
    // An arm that could not be made has a config that may not even allow a draw.
    if (record.n > 0) {
      record.sketch = SketchOf(record.point.arm.policy, in_.model->shape().head_dim);
    }
    records_file_->Append(DumpLine(RecordJson(record, in_.model_info, in_.environment)));
    progress_.Note(RecordLine(record));
    records_.push_back(std::move(record));
  }
}

std::vector<NotRun> Sweep::PointsWithoutSamples() const {
  std::vector<NotRun> missing;
  for (const RunPoint& point : ExpandPoints(in_.experiment)) {
    const auto record = std::find_if(records_.begin(), records_.end(), [&](const RunRecord& r) {
      return r.point.task == point.task && r.point.length == point.length &&
             r.point.scoring == point.scoring && r.point.arm.label == point.arm.label;
    });
    if (record != records_.end() && record->n > 0) continue;
    std::string reason = "not reached";
    if (record != records_.end()) {
      reason = record->status == RunStatus::kMissingData
                   ? fmt::format("not run: data missing: {}", record->detail)
                   : fmt::format("{}: {}", NameOf(record->status), record->detail);
    }
    missing.push_back({point.task, point.length, point.scoring, point.arm.label, reason});
  }
  return missing;
}

void Sweep::WriteSummary(const std::string& status) {
  const RunSummary summary{.status = status,
                           .experiment = in_.experiment,
                           .model = in_.model_info,
                           .environment = in_.environment,
                           .limit = in_.limit,
                           .not_run = PointsWithoutSamples()};
  WriteWholeFile(in_.out_dir / "summary.json", DumpPretty(SummaryJson(summary, records_)));
  WriteWholeFile(in_.out_dir / "summary.csv", SummaryCsv(records_));
}

int Sweep::Run() {
  const InterruptGuard guard(!in_.quiet);
  const Experiment& e = in_.experiment;
  for (const Scoring scoring : e.scoring) {
    for (const std::string& task : e.task.names) {
      for (const int length : e.task.lengths) {
        if (InterruptGuard::Requested()) continue;
        RunCell(scoring, {task, length});
        WriteSummary("running");
        // Long prompts are not kept for longer than another way of scoring needs them.
        if (scoring == e.scoring.back()) samples_.erase({task, length});
      }
    }
  }
  const bool failed = std::any_of(records_.begin(), records_.end(), [](const RunRecord& r) {
    return r.status != RunStatus::kOk && r.status != RunStatus::kInterrupted;
  });
  // A signal that came after the last sample has cut nothing short.
  const bool interrupted = InterruptGuard::Requested() &&
                           (records_.size() < ExpandPoints(e).size() ||
                            std::any_of(records_.begin(), records_.end(), [](const RunRecord& r) {
                              return r.status == RunStatus::kInterrupted;
                            }));
  WriteSummary(interrupted ? "interrupted" : failed ? "some_failed" : "complete");
  progress_.Clear();
  if (in_.table_out != nullptr) *in_.table_out << RecordTable(records_) << std::flush;
  return interrupted ? kExitInterrupted : failed ? kExitSomeFailed : 0;
}

}  // namespace

int RunExperiment(const RunInputs& inputs) { return Sweep(inputs).Run(); }

}  // namespace sw
