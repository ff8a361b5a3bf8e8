// One group of samples through one arm: prefill, greedy decoding, scores, times, what was attended
// to.
#pragma once

#include "core/attention/attention_policy.h"
#include "core/config/run_config.h"
#include "core/model/causal_lm.h"
#include "core/ops/backend.h"
#include "core/text/tokenizer.h"
#include "harness/report/record.h"
#include "harness/run/memory_peak.h"
#include "tasks/task.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sw {

// What stays the same for all samples of a point. Everything is borrowed.
struct PointContext {
  CausalLm& model;
  Backend& backend;
  const Tokenizer& tokenizer;
  const Task& task;
  const AttentionPolicy& policy;
  Scoring scoring = Scoring::kGenerate;
  uint64_t seed = 0;  // of the task: with its name and length it gives samples their key
};

struct GroupOutcome {
  std::vector<SampleRecord> samples;  // in the group's order
  std::vector<int> prefill_tokens;    // of each: prompt, and with forced scoring the answer
  // Per decode step of the group (timed groups only): wall clock, and its share in attention.
  std::vector<double> step_s;
  std::vector<double> step_attention_s;
  MemoryPeak memory;
};

// The fingerprint of a sample's prompt: SHA-256 over its ids as little-endian int32.
std::string IdsFingerprint(std::span<const int32_t> ids);

// Place of the largest number, the first of equal ones. UserError when one is NaN.
int32_t ArgMax(std::span<const float> logits);

// Runs the samples of one group (one sample with forced scoring). nullopt when an interrupt came
// before they were finished. UserError for a prompt past the model's context; what the model or the
// task throws goes through.
std::optional<GroupOutcome> RunGroup(const PointContext& point,
                                     std::span<const Sample* const> group, bool timed);

}  // namespace sw
