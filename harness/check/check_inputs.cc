#include "harness/check/check_inputs.h"

#include "core/base/rng.h"

namespace sw {
namespace {

std::vector<float> TokenMajor(const oracle::Tokens& x) {
  std::vector<float> flat;
  for (const auto& token : x) {
    for (const auto& head : token) flat.insert(flat.end(), head.begin(), head.end());
  }
  return flat;
}

std::vector<float> HeadMajor(const oracle::Tokens& x) {
  std::vector<float> flat;
  for (size_t head = 0; head < x.front().size(); ++head) {
    for (const auto& token : x) flat.insert(flat.end(), token[head].begin(), token[head].end());
  }
  return flat;
}

Buffer<float> Upload(const std::vector<float>& host, Backend& backend) {
  SW_CHECK(backend.activation_dtype() == DType::kF32, "the check's inputs are float32");
  Buffer<float> buffer(backend.memory(), "check", host.size());
  buffer.CopyFrom(host);
  return buffer;
}

}  // namespace

oracle::Tokens RandomTokens(uint64_t seed, uint64_t stream, int tokens, int heads, int head_dim) {
  Rng rng(seed, stream);
  oracle::Tokens x(static_cast<size_t>(tokens), oracle::Zeros(heads, head_dim));
  for (auto& token : x) {
    for (auto& head : token) {
      for (double& number : head) number = static_cast<float>(rng.Normal());
    }
  }
  return x;
}

LayerOnBackend::LayerOnBackend(const oracle::Tokens& q, const oracle::Tokens& k,
                               const oracle::Tokens& v, Backend& backend)
    : num_heads_(oracle::Size(q.front())),
      num_kv_heads_(oracle::Size(k.front())),
      head_dim_(oracle::Size(q.front().front())),
      tokens_(oracle::Size(k)),
      q_(Upload(TokenMajor(q), backend)),
      k_(Upload(HeadMajor(k), backend)),
      v_(Upload(HeadMajor(v), backend)) {}

QueryView LayerOnBackend::Queries(int first, int count) const {
  const int64_t stride = static_cast<int64_t>(num_heads_) * head_dim_;
  return {DType::kF32, q_.data() + first * stride, count, num_heads_, head_dim_, first, stride};
}

KvView LayerOnBackend::Keys(int len) {
  return {.dtype = DType::kF32,
          .k = k_.data(),
          .v = v_.data(),
          .num_kv_heads = num_kv_heads_,
          .head_dim = head_dim_,
          .capacity = tokens_,
          .len = len};
}

std::vector<double> Flatten(const oracle::Matrix& matrix) {
  std::vector<double> flat;
  for (const auto& row : matrix) flat.insert(flat.end(), row.begin(), row.end());
  return flat;
}

std::vector<double> Flatten(const oracle::Tokens& tokens) {
  std::vector<double> flat;
  for (const auto& token : tokens) {
    const std::vector<double> part = Flatten(token);
    flat.insert(flat.end(), part.begin(), part.end());
  }
  return flat;
}

}  // namespace sw
