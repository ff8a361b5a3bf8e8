#include "harness/run/sample_run.h"

#include "core/base/check.h"
#include "core/base/rng.h"
#include "harness/io/sha256.h"
#include "harness/run/interrupt.h"
#include "harness/run/trace_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>

namespace sw {
namespace {

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Turns the backend's stage clock on for a timed group and off again, whatever happens between.
class ScopedClock {
 public:
  ScopedClock(StageClock& clock, bool on) : clock_(clock) {
    clock_.Enable(on);
    clock_.Drain();
  }
  ~ScopedClock() { clock_.Enable(false); }
  ScopedClock(const ScopedClock&) = delete;
  ScopedClock& operator=(const ScopedClock&) = delete;

 private:
  StageClock& clock_;
};

// Adds what the clock has booked since the last call to `stages`; returns the attention part.
double DrainInto(StageClock& clock, std::map<std::string, double>& stages) {
  double attention = 0.0;
  for (const StageSeconds& entry : clock.Drain()) {
    for (int i = 0; i < kNumStages; ++i) {
      const double seconds = entry.seconds[static_cast<size_t>(i)];
      const auto stage = static_cast<Stage>(i);
      if (seconds == 0.0) continue;
      stages[std::string(NameOf(stage))] += seconds;
      if (IsAttention(stage)) attention += seconds;
    }
  }
  return attention;
}

// One sample on its way through the arm.
struct Running {
  const Sample* sample = nullptr;
  std::unique_ptr<Sequence> sequence;
  std::vector<int32_t> answer;  // without the stop token
  int32_t next = -1;            // chosen, not fed yet
  bool stopped = false;
  SampleRecord record;
};

class GroupRun {
 public:
  GroupRun(const PointContext& point, bool timed)
      : point_(point),
        timed_(timed),
        clock_(point.backend.clock(), timed),
        memory_(point.backend.memory()) {}

  std::optional<GroupOutcome> Generate(std::span<const Sample* const> group);
  std::optional<GroupOutcome> Force(const Sample& sample);

 private:
  Running Start(const Sample& sample, int extra_tokens) const;
  // Feeds `ids` and books the time up to `then`, which gets the logits.
  template <class Then>
  void Prefill(Running& run, std::span<const int32_t> ids, int num_logit_rows, Then&& then);
  void DecodeTogether(std::vector<Running>& runs);
  void DecodeOnce(std::span<Running* const> active);
  // Takes the chosen token into the answer, or stops.
  void Accept(Running& run, int32_t token) const;
  GroupOutcome Finish(std::vector<Running>& runs, int prefill_extra_tokens);

  const PointContext& point_;
  bool timed_;
  ScopedClock clock_;
  MemoryWatch memory_;
  GroupOutcome outcome_;
};

Running GroupRun::Start(const Sample& sample, int extra_tokens) const {
  const int capacity = static_cast<int>(sample.prompt_ids.size()) + extra_tokens;
  const int context_len = point_.model.shape().context_len;
  if (sample.prompt_ids.empty()) FailUser("sample {}: the prompt is empty", sample.index);
  if (capacity > context_len) {
    FailUser(
        "sample {}: {} prompt tokens and {} of answer do not fit the model's context of {} tokens; "
        "ask for a smaller length",
        sample.index, sample.prompt_ids.size(), extra_tokens, context_len);
  }
  const uint64_t stream =
      StreamOf(fmt::format("sample {} {}", point_.task.name(), point_.task.length()));
  Running run;
  run.sample = &sample;
  run.sequence = point_.model.NewSequence(
      point_.policy, capacity,
      RandomBits(point_.seed, stream, static_cast<uint64_t>(sample.index)));
  for (const TokenRange& needle : sample.needles) {
    run.sequence->state->trace.watched.push_back({needle.begin, needle.end});
  }
  run.record.index = sample.index;
  run.record.ids_sha256 = IdsFingerprint(sample.prompt_ids);
  run.record.bos_count = sample.bos_count;
  run.record.prompt_tokens = static_cast<int>(sample.prompt_ids.size());
  run.record.haystack_units = sample.haystack_units;
  run.record.outputs = sample.outputs;
  run.record.needle_depths = sample.needle_depths;
  run.record.timed = timed_;
  return run;
}

template <class Then>
void GroupRun::Prefill(Running& run, std::span<const int32_t> ids, int num_logit_rows,
                       Then&& then) {
  const Stopwatch watch;
  const std::vector<float> logits = point_.model.Prefill(*run.sequence, ids, num_logit_rows);
  then(std::span<const float>(logits));
  const double seconds = watch.Seconds();
  memory_.Sample();
  if (!timed_) return;
  run.record.ttft_s = seconds;
  run.record.prefill_attention_s = DrainInto(point_.backend.clock(), run.record.prefill_stages_s);
}

void GroupRun::Accept(Running& run, int32_t token) const {
  const std::span<const int32_t> stops = point_.tokenizer.stop_ids();
  if (std::find(stops.begin(), stops.end(), token) != stops.end()) {
    run.stopped = true;
    return;
  }
  run.answer.push_back(token);
  run.next = token;
  if (static_cast<int>(run.answer.size()) >= point_.task.max_new_tokens()) run.stopped = true;
}

void GroupRun::DecodeOnce(std::span<Running* const> active) {
  std::vector<Sequence*> sequences;
  std::vector<int32_t> ids;
  for (Running* run : active) {
    sequences.push_back(run->sequence.get());
    ids.push_back(run->next);
  }
  const Stopwatch watch;
  const std::vector<float> logits = point_.model.DecodeStep(sequences, ids);
  const size_t vocab = logits.size() / active.size();
  std::vector<int32_t> chosen;
  for (size_t i = 0; i < active.size(); ++i) {
    chosen.push_back(ArgMax(std::span<const float>(logits).subspan(i * vocab, vocab)));
  }
  const double seconds = watch.Seconds();
  for (size_t i = 0; i < active.size(); ++i) Accept(*active[i], chosen[i]);
  memory_.Sample();
  if (!timed_) return;
  std::map<std::string, double> stages;
  const double attention = DrainInto(point_.backend.clock(), stages);
  outcome_.step_s.push_back(seconds);
  outcome_.step_attention_s.push_back(attention);
  for (Running* run : active) {
    run->record.step_s.push_back(seconds);
    run->record.decode_attention_s += attention;
    for (const auto& [stage, s] : stages) run->record.decode_stages_s[stage] += s;
  }
}

void GroupRun::DecodeTogether(std::vector<Running>& runs) {
  while (!InterruptGuard::Requested()) {
    std::vector<Running*> active;
    for (Running& run : runs) {
      if (!run.stopped) active.push_back(&run);
    }
    if (active.empty()) return;
    DecodeOnce(active);
  }
}

std::optional<GroupOutcome> GroupRun::Generate(std::span<const Sample* const> group) {
  if (point_.task.max_new_tokens() < 1) FailUser("max_new_tokens must be at least 1");
  std::vector<Running> runs;
  for (const Sample* sample : group) {
    if (InterruptGuard::Requested()) return std::nullopt;
    Running& run = runs.emplace_back(Start(*sample, point_.task.max_new_tokens()));
    int32_t first = -1;
    Prefill(run, sample->prompt_ids, 1,
            [&](std::span<const float> logits) { first = ArgMax(logits); });
    Accept(run, first);
  }
  DecodeTogether(runs);
  // A step that came in before the interrupt may have been the last one: then the group is whole.
  if (std::any_of(runs.begin(), runs.end(), [](const Running& run) { return !run.stopped; })) {
    return std::nullopt;
  }
  for (Running& run : runs) {
    SampleRecord& record = run.record;
    record.answer = point_.tokenizer.Decode(run.answer);
    record.score = point_.task.Score(*run.sample, record.answer);
    record.answer_tokens = static_cast<int>(run.answer.size());
    const int steps = StepsOfInterest(run.answer, record.score, [&](std::span<const int32_t> ids) {
      return point_.task.Score(*run.sample, point_.tokenizer.Decode(ids));
    });
    SummariseTrace(run.sequence->state->trace, steps, record);
  }
  return Finish(runs, 0);
}

std::optional<GroupOutcome> GroupRun::Force(const Sample& sample) {
  const std::vector<int32_t> expected = point_.tokenizer.Encode(sample.forced_answer).ids;
  if (expected.empty()) {
    FailUser("sample {}: the task gives no answer to force; use scoring: generate", sample.index);
  }
  const size_t length = expected.size();
  std::vector<Running> runs;
  Running& run = runs.emplace_back(Start(sample, static_cast<int>(length)));
  std::vector<int32_t> ids = sample.prompt_ids;
  ids.insert(ids.end(), expected.begin(), expected.end());
  // Row k stands at the token before answer token k: its argmax is what the model puts there.
  Prefill(run, ids, static_cast<int>(length) + 1, [&](std::span<const float> logits) {
    const size_t vocab = logits.size() / (length + 1);
    for (size_t k = 0; k < length; ++k) {
      run.answer.push_back(ArgMax(logits.subspan(k * vocab, vocab)));
    }
  });
  run.record.answer = point_.tokenizer.Decode(run.answer);
  run.record.answer_tokens = static_cast<int>(length);
  run.record.score = run.answer == expected ? 1.0 : 0.0;
  SummariseTrace(run.sequence->state->trace, 0, run.record);
  return Finish(runs, static_cast<int>(length));
}

GroupOutcome GroupRun::Finish(std::vector<Running>& runs, int prefill_extra_tokens) {
  for (Running& run : runs) {
    outcome_.prefill_tokens.push_back(run.record.prompt_tokens + prefill_extra_tokens);
    outcome_.samples.push_back(std::move(run.record));
  }
  outcome_.memory = memory_.Peak();
  return std::move(outcome_);
}

}  // namespace

std::string IdsFingerprint(std::span<const int32_t> ids) {
  std::vector<uint8_t> bytes;
  bytes.reserve(ids.size() * 4);
  for (const int32_t id : ids) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<uint8_t>(static_cast<uint32_t>(id) >> shift));
    }
  }
  return Sha256OfBytes(bytes);
}

int32_t ArgMax(std::span<const float> logits) {
  SW_CHECK(!logits.empty());
  size_t best = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i])) {
      FailUser("logit {} is not a number: the weights are damaged, or this arm computed nonsense",
               i);
    }
    if (logits[i] > logits[best]) best = i;
  }
  return static_cast<int32_t>(best);
}

std::optional<GroupOutcome> RunGroup(const PointContext& point,
                                     std::span<const Sample* const> group, bool timed) {
  SW_CHECK(!group.empty());
  GroupRun run(point, timed);
  if (point.scoring == Scoring::kGenerate) return run.Generate(group);
  SW_CHECK(group.size() == 1, "forced scoring takes one sample at a time");
  return run.Force(*group[0]);
}

}  // namespace sw
