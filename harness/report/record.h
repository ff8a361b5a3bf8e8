// RunRecord: one row of truth, all that is known about one operating point. Runners fill it,
// reporters print it and compute nothing new. results/schema.md documents every field as JSON.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config/run_config.h"
#include "core/ops/device_info.h"
#include "core/ops/stage_clock.h"
#include "core/tensor/memory.h"

namespace sw {

inline constexpr int kRecordSchemaVersion = 1;

enum class RunStatus { kOk, kOutOfMemory, kMissingData, kFailed };

// Where and how the run happened; the same for all records of a run.
struct Environment {
  std::string version;      // of swharness
  std::string commit;       // of the build, "unknown" outside git
  bool dirty = false;       // uncommitted changes when it was built
  std::string compiler;
  std::string build_type;
  std::string os;           // uname: system, release, machine
  std::string cpu;
  int64_t memory_bytes = 0;
  std::string started_at;   // ISO 8601, UTC
  std::vector<std::string> command_line;
  DeviceInfo device;
};

struct ModelInfo {
  std::string name;
  std::string path;
  std::string weights_sha256;
  int num_layers = 0;
  int num_q_heads = 0;
  int num_kv_heads = 0;
  int head_dim = 0;
  int context_len = 0;
};

// One sample through one arm: a line of samples.jsonl.
struct SampleRecord {
  int index = 0;
  std::string ids_sha256;      // of the prompt's token ids, little-endian int32: the fingerprint
  int bos_count = 0;
  int prompt_tokens = 0;
  int haystack_units = 0;
  std::vector<std::string> outputs;
  std::vector<double> needle_depths;
  std::string answer;          // generated text; forced: the argmax tokens' text
  int answer_tokens = 0;
  double score = 0.0;          // [0, 1]
  bool timed = false;
  double ttft_s = 0.0;         // prefill up to the first token
  std::vector<double> step_s;  // seconds of each decode step; empty with forced scoring
  double prefill_attention_s = 0.0;
  double decode_attention_s = 0.0;   // over all steps
  std::map<std::string, double> prefill_stages_s;
  std::map<std::string, double> decode_stages_s;
  // Per layer; nullopt where the layer is dense in that phase.
  std::vector<std::optional<double>> prefill_hit_rate;
  std::vector<std::optional<double>> decode_hit_rate;  // mean over steps up to the answer's last token
  double prefill_density = 1.0;         // measured: kept / causal token pairs, all layers
  double prefill_density_sparse = 1.0;  // over the sparse layers only
  double decode_density = 1.0;
  double decode_density_sparse = 1.0;
  int64_t walk_restarts = 0;
};

struct Interval {
  double value = 0.0;
  double low = 0.0;
  double high = 0.0;
};

// Raw samples of one quantity and, where there is a dense arm on the same samples, the ratio of the
// medians dense / this arm (above 1: this arm is faster).
struct TimeSeries {
  std::vector<double> samples_s;
  std::optional<double> median_s;
  std::optional<double> speedup_vs_dense;
};

struct RunRecord {
  RunStatus status = RunStatus::kFailed;
  std::string detail;  // why, unless kOk
  RunPoint point;
  TaskConfig task;     // complete: enough to run it again
  MeasureConfig measure;
  std::string template_name;
  std::vector<std::string> departures;  // from RULER's protocol
  int n = 0;                            // samples scored
  int timed = 0;
  Interval accuracy_percent;            // 95 % interval
  std::string interval_method;          // "wilson" or "bootstrap"
  std::optional<double> accuracy_minus_dense;  // points, on the same samples
  int only_dense_right = 0;             // discordant samples against dense
  int only_this_right = 0;
  TimeSeries ttft;                      // per sample
  TimeSeries tpot;                      // per decode step
  TimeSeries prefill_attention;         // per sample: selection and attention, all layers
  TimeSeries decode_attention;          // per decode step
  std::map<std::string, double> prefill_stages_s;  // medians over timed samples
  std::map<std::string, double> decode_stages_s;   // medians of the seconds per step
  std::map<std::string, int64_t> peak_bytes_by_part;
  int64_t peak_bytes = 0;               // of the backend's memory
  int64_t resident_peak_bytes = 0;      // of the process while the point ran
  std::optional<int> top_blocks_asked;
  std::optional<double> density_asked;
  std::optional<Interval> top_blocks_last_row;  // tau of the last query block: mean, min, max
  double prefill_density = 1.0, prefill_density_sparse = 1.0;  // means over samples
  double decode_density = 1.0, decode_density_sparse = 1.0;
  std::vector<std::optional<double>> prefill_hit_rate;  // per layer, means over samples
  std::vector<std::optional<double>> decode_hit_rate;
  std::optional<double> prefill_hit_rate_mean;          // over the sparse layers
  std::optional<double> decode_hit_rate_mean;
  int64_t walk_restarts = 0;
};

}  // namespace sw
