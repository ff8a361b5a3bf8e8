// RunRecord: one row of truth, all that is known about one operating point. Runners fill it,
// reporters print it and compute nothing new. results/schema.md documents every field as JSON.
#pragma once

#include "core/config/run_config.h"
#include "core/ops/device_info.h"
#include "harness/measure/statistics.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sw {

inline constexpr int kRecordSchemaVersion = 1;

// kInterrupted: stopped by the user after at least one finished sample.
enum class RunStatus { kOk, kOutOfMemory, kMissingData, kFailed, kInterrupted };
std::string_view NameOf(RunStatus status);  // "ok", "out_of_memory", ...

// Where and how the run happened; the same for all records of a run.
struct Environment {
  std::string version;  // of swharness
  std::string commit;   // of the build, "unknown" outside git
  bool dirty = false;   // uncommitted changes when it was built
  std::string compiler;
  std::string build_type;
  std::string os;  // uname: system, release, machine
  std::string cpu;
  int64_t memory_bytes = 0;
  std::string started_at;  // ISO 8601, UTC
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

// One sample through one arm: a line of samples.jsonl. Times are filled when `timed`, else empty.
struct SampleRecord {
  int index = 0;
  std::string ids_sha256;  // of the prompt's token ids, little-endian int32: the fingerprint
  int bos_count = 0;
  int prompt_tokens = 0;
  int haystack_units = 0;
  std::vector<std::string> outputs;
  std::vector<double> needle_depths;
  std::string answer;  // generated text; forced: the argmax tokens' text
  int answer_tokens = 0;
  double score = 0.0;  // [0, 1]
  bool timed = false;
  double ttft_s = 0.0;  // prefill up to the first token
  // Seconds of each decode step, of the whole batch when there is one; empty with forced scoring.
  std::vector<double> step_s;
  double prefill_attention_s = 0.0;
  double decode_attention_s = 0.0;  // over all steps
  std::map<std::string, double> prefill_stages_s;
  std::map<std::string, double> decode_stages_s;
  // Per layer; nullopt where the layer is dense in that phase.
  std::vector<std::optional<double>> prefill_hit_rate;
  std::vector<std::optional<double>>
      decode_hit_rate;  // mean over steps up to the answer's last token
  // Measured: kept / causal token pairs over all layers, or over the sparse layers only. nullopt
  // where there is nothing to measure: no decode step, no sparse layer in that phase.
  double prefill_density = 1.0;
  std::optional<double> prefill_density_sparse;
  std::optional<double> decode_density;
  std::optional<double> decode_density_sparse;
  int64_t walk_restarts = 0;
};

// The draw behind H of an arm that sketches: D as a string of + and -, and P.
struct SketchDraw {
  std::string signs;
  std::vector<int32_t> rows;
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
  TaskConfig task;  // complete: enough to run it again
  MeasureConfig measure;
  std::string template_name;
  std::vector<std::string> departures;  // from RULER's protocol
  int n = 0;                            // samples scored
  int timed = 0;
  std::string samples_sha256;  // over the ids fingerprints of the scored samples, in order
  std::optional<Interval> accuracy_percent;  // 95 % interval; nullopt when no sample was scored
  std::string interval_method;  // "wilson" or "bootstrap"; empty when no sample was scored
  // Against the dense arm, on the samples that both have scored; nullopt without any.
  std::optional<double> accuracy_minus_dense;  // points
  std::optional<int> only_dense_right;         // samples where dense scored more
  std::optional<int> only_this_right;          // samples where this arm scored more
  std::optional<double> mcnemar_p;             // two-sided exact test of the two counts
  TimeSeries ttft;                             // per sample
  TimeSeries tpot;                             // per decode step
  TimeSeries prefill_attention;                // per sample: selection and attention, all layers
  TimeSeries decode_attention;                 // per decode step
  std::map<std::string, double> prefill_stages_s;  // medians over timed samples
  std::map<std::string, double> decode_stages_s;   // medians of the seconds per step
  std::map<std::string, int64_t> peak_bytes_by_part;
  int64_t peak_bytes = 0;               // of the backend's memory
  int64_t resident_peak_bytes = 0;      // of the process while the point ran
  std::string resident_method;          // "vm_hwm", "vm_rss_sampled" or "unavailable"
  std::optional<int> top_blocks_asked;  // 16 when the config gives neither count nor density
  std::optional<double> density_asked;
  std::optional<Interval> top_blocks_last_row;  // tau of the last query block: mean, min, max
  // Means over samples.
  std::optional<double> prefill_density, prefill_density_sparse;
  std::optional<double> decode_density, decode_density_sparse;
  std::vector<std::optional<double>> prefill_hit_rate;  // per layer, means over samples
  std::vector<std::optional<double>> decode_hit_rate;
  std::optional<double> prefill_hit_rate_mean;  // over the sparse layers
  std::optional<double> decode_hit_rate_mean;
  int64_t walk_restarts = 0;          // sum over samples
  std::optional<SketchDraw> sketch;   // sketch_walk and one_hop only
  std::vector<std::string> warnings;  // what makes a reader doubt this row
};

}  // namespace sw
