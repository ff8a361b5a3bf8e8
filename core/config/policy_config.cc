#include "core/config/policy_config.h"

#include <bit>
#include <cmath>

#include "core/base/check.h"

namespace sw {
namespace {

template <class... Options>
struct Overloaded : Options... {
  using Options::operator()...;
};

constexpr std::string_view kNames[] = {"dense",  "sketch_walk", "one_hop",
                                       "oracle", "local_sink",  "random"};
static_assert(std::size(kNames) == std::variant_size_v<PolicyConfig>);

template <size_t... I>
PolicyConfig DefaultOf(size_t index, std::index_sequence<I...>) {
  PolicyConfig config;
  ((I == index ? (config.emplace<I>(), 0) : 0), ...);
  return config;
}

void CheckRange(std::string_view policy, std::string_view field, double value, double low,
                double high) {
  if (value >= low && value <= high) return;
  if (std::isinf(high)) FailUser("{}.{} is {}: it must be at least {}", policy, field, value, low);
  FailUser("{}.{} is {}: it must be from {} to {}", policy, field, value, low, high);
}

void ValidateSparse(std::string_view policy, const SparseConfig& c, int num_layers) {
  constexpr double kAny = INFINITY;
  CheckRange(policy, "block_size", c.block_size, 1, 1 << 20);
  if (c.top_blocks && c.density) {
    FailUser("{}: top_blocks and density are both given; keep one of them", policy);
  }
  if (c.top_blocks) CheckRange(policy, "top_blocks", *c.top_blocks, 1, kAny);
  if (c.density && !(*c.density > 0.0 && *c.density <= 1.0)) {
    FailUser("{}.density is {}: it must be above 0 and at most 1", policy, *c.density);
  }
  CheckRange(policy, "skip_layers", c.skip_layers, 0, num_layers > 0 ? num_layers : kAny);
  CheckRange(policy, "sink_blocks", c.sink_blocks, 0, kAny);
  CheckRange(policy, "local_blocks", c.local_blocks, 1, kAny);
  CheckRange(policy, "dense_tail_blocks", c.dense_tail_blocks, 0, kAny);
}

template <class C>
void ValidateSketch(std::string_view policy, const C& c, int head_dim) {
  const int padded =
      head_dim > 0 ? static_cast<int>(std::bit_ceil(static_cast<unsigned>(head_dim))) : 1 << 20;
  CheckRange(policy, "sketch_dim", c.sketch_dim, 1, padded);
  CheckRange(policy, "sparsity_exponent", c.sparsity_exponent, 1e-3, 1e3);
}

}  // namespace

std::string_view PolicyName(const PolicyConfig& config) { return kNames[config.index()]; }

std::vector<std::string_view> PolicyNames() { return {std::begin(kNames), std::end(kNames)}; }

std::optional<PolicyConfig> PolicyFromName(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) {
      return DefaultOf(i, std::make_index_sequence<std::variant_size_v<PolicyConfig>>());
    }
  }
  return std::nullopt;
}

const SparseConfig* SparsePartOf(const PolicyConfig& config) {
  return std::visit(Overloaded{[](const DenseConfig&) -> const SparseConfig* { return nullptr; },
                               [](const auto& c) { return &c.sparse; }},
                    config);
}

void ValidatePolicy(const PolicyConfig& config, int head_dim, int num_layers) {
  const std::string_view name = PolicyName(config);
  if (const SparseConfig* sparse = SparsePartOf(config)) ValidateSparse(name, *sparse, num_layers);
  if (const auto* c = std::get_if<SketchWalkConfig>(&config)) ValidateSketch(name, *c, head_dim);
  if (const auto* c = std::get_if<OneHopConfig>(&config)) ValidateSketch(name, *c, head_dim);
}

}  // namespace sw
