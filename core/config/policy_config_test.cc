#include "core/config/policy_config.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "core/testing/catch.h"

namespace sw {
namespace {

std::string Complaint(const PolicyConfig& config, int head_dim = 64, int num_layers = 30) {
  return testing::MessageOf<UserError>([&] { ValidatePolicy(config, head_dim, num_layers); });
}

PolicyConfig WithSparse(const SparseConfig& sparse) { return LocalSinkConfig{.sparse = sparse}; }

}  // namespace

TEST_CASE("every policy is found by its name and named by its config") {
  const std::vector<std::string_view> names = PolicyNames();
  REQUIRE(names.size() == std::variant_size_v<PolicyConfig>);
  for (size_t i = 0; i < names.size(); ++i) {
    const std::optional<PolicyConfig> config = PolicyFromName(names[i]);
    REQUIRE(config.has_value());
    CHECK(config->index() == i);
    CHECK(PolicyName(*config) == names[i]);
    CHECK(std::count(names.begin(), names.end(), names[i]) == 1);
  }
  CHECK(PolicyName(DenseConfig{}) == "dense");
  CHECK(PolicyName(SketchWalkConfig{}) == "sketch_walk");
  CHECK(PolicyName(OneHopConfig{}) == "one_hop");
  CHECK(PolicyName(OracleConfig{}) == "oracle");
  CHECK(PolicyName(LocalSinkConfig{}) == "local_sink");
  CHECK(PolicyName(RandomConfig{}) == "random");
  CHECK_FALSE(PolicyFromName("sketchwalk").has_value());
  CHECK_FALSE(PolicyFromName("").has_value());
}

TEST_CASE("defaults are the algorithm's") {
  const SketchWalkConfig c;
  CHECK(c.sparse.block_size == 64);
  CHECK(c.sketch_dim == 64);
  CHECK(c.sparsity_exponent == 8);
  CHECK(c.sketch_seed == 0);
  CHECK_FALSE(c.sparse.top_blocks.has_value());  // neither given: 16
  CHECK_FALSE(c.sparse.density.has_value());
  CHECK(c.sparse.skip_layers == 2);
  CHECK(c.sparse.sink_blocks == 1);
  CHECK(c.sparse.local_blocks == 1);
  CHECK(c.sparse.dense_tail_blocks == 0);
  CHECK(c.sparse.prefill == PhaseMode::kSparse);
  CHECK(c.sparse.decode == PhaseMode::kSparse);
  CHECK(c.score_scale == ScoreScale::kSqrtR);
  CHECK(c.normaliser == Normaliser::kAll);
  CHECK(c.walk_from == WalkFrom::kFirstSparse);
  CHECK(c.finished_row == FinishedRowMode::kLast);
  CHECK(OracleConfig{}.aggregate == Aggregate::kSum);
  CHECK(OracleConfig{}.share == Share::kLayer);
}

TEST_CASE("every default is valid, for any head_dim that holds the default sketch") {
  for (const std::string_view name : PolicyNames()) {
    for (const int head_dim : {0, 33, 64, 80, 128}) {
      CHECK_NOTHROW(ValidatePolicy(*PolicyFromName(name), head_dim, 30));
    }
  }
}

TEST_CASE("all policies but dense have a sparse part, and it is theirs") {
  CHECK(SparsePartOf(DenseConfig{}) == nullptr);
  for (const std::string_view name : PolicyNames()) {
    if (name == "dense") continue;
    PolicyConfig config = *PolicyFromName(name);
    const SparseConfig* sparse = SparsePartOf(config);
    REQUIRE(sparse != nullptr);
    std::visit(
        [&](auto& c) {
          if constexpr (requires { c.sparse; }) CHECK(sparse == &c.sparse);
        },
        config);
  }
}

TEST_CASE("a bad number is refused with policy, field, value and range") {
  SparseConfig c;
  c.block_size = 0;
  CHECK_THAT(Complaint(WithSparse(c)),
             testing::HasText("local_sink.block_size is 0") && testing::HasText("from 1"));
  c = {};
  c.top_blocks = 0;
  CHECK_THAT(Complaint(WithSparse(c)),
             testing::HasText("top_blocks is 0") && testing::HasText("at least 1"));
  c = {};
  c.skip_layers = 31;
  CHECK_THAT(Complaint(WithSparse(c)),
             testing::HasText("skip_layers is 31") && testing::HasText("30"));
  c.skip_layers = -1;
  CHECK_THAT(Complaint(WithSparse(c)), testing::HasText("skip_layers is -1"));
  c = {};
  c.sink_blocks = -1;
  CHECK_THAT(Complaint(WithSparse(c)), testing::HasText("sink_blocks is -1"));
  c = {};
  c.local_blocks = 0;
  CHECK_THAT(Complaint(WithSparse(c)), testing::HasText("local_blocks is 0"));
  c = {};
  c.dense_tail_blocks = -2;
  CHECK_THAT(Complaint(WithSparse(c)), testing::HasText("dense_tail_blocks is -2"));
}

TEST_CASE("top_blocks and density exclude each other") {
  SparseConfig c;
  c.top_blocks = 8;
  c.density = 0.2;
  CHECK_THAT(Complaint(WithSparse(c)),
             testing::HasText("top_blocks") && testing::HasText("density"));
  c.top_blocks.reset();
  CHECK_NOTHROW(ValidatePolicy(WithSparse(c), 64, 30));
}

TEST_CASE("density is above 0 and at most 1, NaN is neither") {
  SparseConfig c;
  for (const double bad : {0.0, -0.1, 1.0000001, std::nan(""), 1.0 / 0.0}) {
    c.density = bad;
    CHECK_THAT(Complaint(WithSparse(c)), testing::HasText("local_sink.density"));
  }
  for (const double good : {1e-9, 0.5, 1.0}) {
    c.density = good;
    CHECK_NOTHROW(ValidatePolicy(WithSparse(c), 64, 30));
  }
}

TEST_CASE("sketch_dim is bounded by head_dim padded to a power of two") {
  SketchWalkConfig walk;
  walk.sketch_dim = 65;
  CHECK_THAT(Complaint(walk, 64),
             testing::HasText("sketch_walk.sketch_dim is 65") && testing::HasText("from 1 to 64"));
  CHECK_NOTHROW(ValidatePolicy(walk, 80, 30));  // padded to 128
  CHECK_NOTHROW(ValidatePolicy(walk, 0, 30));   // model not known yet
  walk.sketch_dim = 0;
  CHECK_THAT(Complaint(walk), testing::HasText("sketch_dim is 0"));
  OneHopConfig hop;
  hop.sketch_dim = 33;
  CHECK_THAT(Complaint(hop, 32), testing::HasText("one_hop.sketch_dim is 33"));
}

TEST_CASE("sparsity_exponent is positive and finite") {
  SketchWalkConfig c;
  for (const double bad : {0.0, -8.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    c.sparsity_exponent = bad;
    CHECK_THAT(Complaint(c), testing::HasText("sparsity_exponent"));
  }
  c.sparsity_exponent = 1;
  CHECK_NOTHROW(ValidatePolicy(c, 64, 30));
}

TEST_CASE("skip_layers may cover the whole model and is unbounded while the model is unknown") {
  SparseConfig c;
  c.skip_layers = 30;
  CHECK_NOTHROW(ValidatePolicy(WithSparse(c), 64, 30));
  c.skip_layers = 1000;
  CHECK_NOTHROW(ValidatePolicy(WithSparse(c), 64, 0));
}

}  // namespace sw
