// Misuse of a policy is a bug that it reports: order of layers and passes, sequences of others.
#include "core/attention/dense.h"
#include "core/attention/policy_factory.h"
#include "core/attention/policy_rig.h"
#include "core/base/check.h"
#include "core/testing/catch.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

using testing::LayerData;
using testing::PolicyRun;

constexpr HeadShape kHeads{2, 1, 8};

PolicyConfig SmallWalk() {
  SketchWalkConfig config;
  config.sparse = {.block_size = 8, .top_blocks = 2, .density = {}, .skip_layers = 1};
  config.sketch_dim = 8;
  return config;
}

}  // namespace

TEST_CASE("layers arrive in ascending order, each once per pass") {
  ReferenceBackend backend({.num_threads = 1});
  const LayerData data = testing::RandomLayers(kHeads, 3, 40, 1);
  for (const PolicyConfig& config : {PolicyConfig(DenseConfig{}), SmallWalk()}) {
    INFO(PolicyName(config));
    const auto policy = MakePolicy(config, kHeads, 3, backend);
    {
      PolicyRun run(*policy, data, backend);
      CHECK_THROWS_AS(run.PrefillLayer(1, 20), BugError);  // layer 0 is due
    }
    {
      PolicyRun run(*policy, data, backend);
      run.PrefillLayer(0, 20);
      CHECK_THROWS_AS(run.PrefillLayer(0, 20), BugError);
      CHECK_THROWS_AS(run.PrefillLayer(2, 20), BugError);
      CHECK_THROWS_AS(run.DecodeLayer(1, 20), BugError);   // the prefill has not ended
      CHECK_THROWS_AS(run.PrefillLayer(1, 19), BugError);  // another length than layer 0
    }
    {
      PolicyRun run(*policy, data, backend);
      CHECK_THROWS_AS(run.DecodeLayer(0, 0), BugError);  // nothing to decode after
      run.Prefill(20);
      CHECK_THROWS_AS(run.PrefillLayer(0, 20), BugError);  // a second prompt
      CHECK_THROWS_AS(run.DecodeLayer(0, 21), BugError);   // token 20 is due
      CHECK_THROWS_AS(run.DecodeLayer(1, 20), BugError);
      run.DecodeLayer(0, 20);
      CHECK_THROWS_AS(run.DecodeLayer(0, 20), BugError);
      CHECK_THROWS_AS(run.DecodeLayer(1, 21), BugError);
      run.DecodeLayer(1, 20);
      CHECK_NOTHROW(run.DecodeLayer(2, 20));
    }
  }
}

TEST_CASE("a sequence of another policy is refused") {
  ReferenceBackend backend({.num_threads = 1});
  const LayerData data = testing::RandomLayers(kHeads, 2, 10, 1);
  const auto walk = MakePolicy(SmallWalk(), kHeads, 2, backend);
  const auto twin = MakePolicy(SmallWalk(), kHeads, 2, backend);
  const DensePolicy dense(backend);
  const LayerInputs nothing;
  const TensorView out;
  PolicyRun walk_run(*walk, data, backend);
  PolicyRun dense_run(dense, data, backend);
  const auto complaint = [&](const AttentionPolicy& policy, SequenceState& state) {
    return testing::MessageOf<BugError>([&] { policy.Prefill(nothing, state, out); });
  };
  CHECK_THAT(complaint(dense, walk_run.state()), testing::HasText("another policy"));
  CHECK_THAT(complaint(*walk, dense_run.state()), testing::HasText("another policy"));
  CHECK_THAT(complaint(*twin, walk_run.state()), testing::HasText("another policy"));
  CHECK_THROWS_AS(walk->Decode(nothing, dense_run.state(), out), BugError);
}

TEST_CASE("views that do not fit the sequence are refused") {
  ReferenceBackend backend({.num_threads = 1});
  const auto policy = MakePolicy(SmallWalk(), kHeads, 2, backend);
  const LayerData wider = testing::RandomLayers({4, 1, 8}, 2, 10, 1);
  const auto state = policy->NewSequence({kHeads, 2, 10, 0});
  const std::vector<float> q(10 * 32);
  std::vector<float> kv(10 * 8);
  std::vector<float> out(10 * 32);
  LayerInputs in{0,
                 {DType::kF32, q.data(), 10, 2, 8, 0, 16},
                 {DType::kF32, kv.data(), kv.data(), 1, 8, 10, 10}};
  TensorView view{DType::kF32, out.data(), 10, 16, 16};
  LayerInputs heads = in;
  heads.q.num_heads = 4;
  CHECK_THROWS_AS(policy->Prefill(heads, *state, view), BugError);
  LayerInputs dim = in;
  dim.kv.head_dim = 4;
  CHECK_THROWS_AS(policy->Prefill(dim, *state, view), BugError);
  LayerInputs fewer = in;
  fewer.q.num_tokens = 9;
  CHECK_THROWS_AS(policy->Prefill(fewer, *state, view), BugError);
  LayerInputs more = in;
  more.q.num_tokens = more.kv.len = 11;
  CHECK_THROWS_AS(policy->Prefill(more, *state, view), BugError);
  TensorView narrow = view;
  narrow.cols = 15;
  CHECK_THROWS_AS(policy->Prefill(in, *state, narrow), BugError);
  CHECK_NOTHROW(policy->Prefill(in, *state, view));
  CHECK_THROWS_AS(policy->NewSequence({{4, 1, 8}, 2, 10, 0}), BugError);  // other heads
}

TEST_CASE("MakePolicy gives every name its policy and refuses values out of range") {
  ReferenceBackend backend({.num_threads = 1});
  for (const std::string_view name : PolicyNames()) {
    const auto policy = MakePolicy(*PolicyFromName(name), {8, 2, 64}, 30, backend);
    REQUIRE(policy != nullptr);
    CHECK(policy->name() == name);
  }
  SketchWalkConfig wide;
  wide.sketch_dim = 128;
  CHECK_THAT(testing::MessageOf<UserError>([&] {
               MakePolicy(wide, {8, 2, 64}, 30, backend);
             }),
             testing::HasText("sketch_walk.sketch_dim is 128"));
  RandomConfig deep;
  deep.sparse.skip_layers = 31;
  CHECK_THROWS_AS(MakePolicy(deep, {8, 2, 64}, 30, backend), UserError);
}

}  // namespace sw
