// Records as JSON: the field names of results/schema.md.
#pragma once

#include "harness/report/json_value.h"
#include "harness/report/record.h"

namespace sw {

Json EnvironmentJson(const Environment& environment);
Json ModelJson(const ModelInfo& model);
Json ExperimentJson(const Experiment& experiment);

// One line of records.jsonl.
Json RecordJson(const RunRecord& record, const ModelInfo& model, const Environment& environment);
// One line of samples.jsonl: the sample and the point that it belongs to.
Json SampleJson(const SampleRecord& sample, const RunPoint& point);

}  // namespace sw
