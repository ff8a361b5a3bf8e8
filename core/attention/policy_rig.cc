#include "core/attention/policy_rig.h"

#include <cmath>

#include "core/base/rng.h"

namespace sw::testing {
namespace {

std::vector<float> Normals(size_t count, uint64_t seed, std::string_view stream, float scale) {
  Rng rng(seed, StreamOf(stream));
  std::vector<float> numbers(count);
  for (float& number : numbers) number = scale * static_cast<float>(rng.Normal());
  return numbers;
}

CacheShape ShapeOf(const LayerData& data, int capacity_tokens) {
  return {.num_layers = data.num_layers,
          .num_kv_heads = data.heads.num_kv_heads,
          .head_dim = data.heads.head_dim,
          .capacity_tokens = capacity_tokens};
}

}  // namespace

LayerData RandomLayers(const HeadShape& heads, int num_layers, int num_tokens, uint64_t seed,
                       float q_scale) {
  LayerData data{heads, num_layers, num_tokens, {}, {}, {}};
  const size_t rows = static_cast<size_t>(num_layers) * static_cast<size_t>(num_tokens);
  data.q = Normals(rows * static_cast<size_t>(data.q_width()), seed, "rig.q", q_scale);
  data.k = Normals(rows * static_cast<size_t>(data.kv_width()), seed, "rig.k", 1.0f);
  data.v = Normals(rows * static_cast<size_t>(data.kv_width()), seed, "rig.v", 1.0f);
  return data;
}

PolicyRun::PolicyRun(const AttentionPolicy& policy, const LayerData& data, Backend& backend,
                     int capacity_tokens, uint64_t sample_key)
    : policy_(policy),
      data_(data),
      backend_(backend),
      cache_(ShapeOf(data, capacity_tokens > 0 ? capacity_tokens : data.num_tokens),
             backend.memory()) {
  const CacheShape& shape = cache_.shape();
  state_ = policy.NewSequence({.heads = data.heads,
                               .num_layers = data.num_layers,
                               .capacity_tokens = shape.capacity_tokens,
                               .sample_key = sample_key});
  const std::vector<float> unwritten(static_cast<size_t>(shape.BytesPerLayer()) / sizeof(float),
                                     std::nanf(""));
  for (int layer = 0; layer < data.num_layers; ++layer) {
    backend.memory().CopyFromHost(cache_.View(layer, 0).k, unwritten.data(),
                                  unwritten.size() * sizeof(float));
  }
}

std::vector<float> PolicyRun::RunLayer(int layer, int begin, int end, bool decode) {
  Memory& memory = backend_.memory();
  const int dim = data_.heads.head_dim;
  const KvView kv = cache_.View(layer, end);
  for (int t = begin; t < end; ++t) {
    for (int head = 0; head < data_.heads.num_kv_heads; ++head) {
      const size_t from = data_.KvAt(layer, t) + static_cast<size_t>(head * dim);
      const int64_t to = kv.HeadOffset(head) + static_cast<int64_t>(t) * dim;
      const size_t bytes = static_cast<size_t>(dim) * sizeof(float);
      memory.CopyFromHost(static_cast<float*>(kv.k) + to, data_.k.data() + from, bytes);
      memory.CopyFromHost(static_cast<float*>(kv.v) + to, data_.v.data() + from, bytes);
    }
  }
  const auto count = static_cast<size_t>(end - begin) * static_cast<size_t>(data_.q_width());
  Buffer<float> q(memory, "workspace", count);
  Buffer<float> out(memory, "workspace", count);
  q.CopyFrom({data_.q.data() + data_.QAt(layer, begin), count});
  const LayerInputs in{.layer = layer,
                       .q = {.data = q.data(),
                             .num_tokens = end - begin,
                             .num_heads = data_.heads.num_q_heads,
                             .head_dim = dim,
                             .first_pos = begin,
                             .stride = data_.q_width()},
                       .kv = kv};
  const TensorView out_view{DType::kF32, out.data(), end - begin, data_.q_width(), data_.q_width()};
  if (decode) {
    policy_.Decode(in, *state_, out_view);
  } else {
    policy_.Prefill(in, *state_, out_view);
  }
  return out.ToHost();
}

std::vector<float> PolicyRun::PrefillLayer(int layer, int num_tokens) {
  return RunLayer(layer, 0, num_tokens, /*decode=*/false);
}

std::vector<float> PolicyRun::DecodeLayer(int layer, int position) {
  return RunLayer(layer, position, position + 1, /*decode=*/true);
}

LayerOutputs PolicyRun::Prefill(int num_tokens) {
  LayerOutputs outputs;
  for (int layer = 0; layer < data_.num_layers; ++layer) {
    outputs.push_back(PrefillLayer(layer, num_tokens));
  }
  len_ = num_tokens;
  return outputs;
}

LayerOutputs PolicyRun::Decode() {
  LayerOutputs outputs;
  for (int layer = 0; layer < data_.num_layers; ++layer) {
    outputs.push_back(DecodeLayer(layer, len_));
  }
  ++len_;
  return outputs;
}

}  // namespace sw::testing
