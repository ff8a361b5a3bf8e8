#include "core/config/visit_fields.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "core/testing/catch.h"

namespace sw {
namespace {

template <class C>
std::vector<std::string> NamesOf(const C& config) {
  std::vector<std::string> names;
  VisitFields([&](std::string_view name, const auto&) { names.emplace_back(name); }, config);
  return names;
}

const std::vector<std::string> kSparseNames = {
    "block_size", "top_blocks",  "density",      "skip_layers",       "prefill",
    "decode",     "sink_blocks", "local_blocks", "dense_tail_blocks",
};
const std::vector<std::string> kSketchNames = {
    "sketch_dim", "sparsity_exponent", "sketch_seed", "score_scale", "normaliser", "finished_row",
};

std::vector<std::string> Joined(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Moves every field away from its default.
struct Change {
  void operator()(std::string_view, int& value) const { value += 3; }
  void operator()(std::string_view, uint64_t& value) const { value += 3; }
  void operator()(std::string_view, double& value) const { value += 3; }
  void operator()(std::string_view, std::string& value) const { value += "x"; }
  void operator()(std::string_view, bool& value) const { value = !value; }
  template <class T>
  void operator()(std::string_view, std::optional<T>& value) const {
    value = T{7};
  }
  template <class E>
  requires std::is_enum_v<E>
  void operator()(std::string_view, E& value) const { value = EnumNames<E>::kNames.back().first; }
};

void CheckSparseChanged(const SparseConfig& c) {
  // A field more or less does not compile: then the visitors and this test want it too.
  const auto& [block_size, top_blocks, density, skip_layers, prefill, decode, sinks, locals, tail] =
      c;
  CHECK(block_size == 67);
  CHECK(top_blocks == 7);
  CHECK(density == 7.0);
  CHECK(skip_layers == 5);
  CHECK(prefill == PhaseMode::kDense);
  CHECK(decode == PhaseMode::kDense);
  CHECK(sinks == 4);
  CHECK(locals == 4);
  CHECK(tail == 3);
}

template <class E>
void CheckEnum(std::initializer_list<E> all) {
  std::set<std::string_view> spellings;
  for (const E value : all) {
    CHECK(EnumName(value) != "?");
    spellings.insert(EnumName(value));
  }
  CHECK(spellings.size() == all.size());
  CHECK(EnumNames<E>::kNames.size() == all.size());
}

}  // namespace

TEST_CASE("each policy visits its fields under the names of the algorithm page") {
  CHECK(NamesOf(DenseConfig{}).empty());
  CHECK(NamesOf(SketchWalkConfig{}) == Joined(Joined(kSparseNames, kSketchNames), {"walk_from"}));
  CHECK(NamesOf(OneHopConfig{}) == Joined(kSparseNames, kSketchNames));
  CHECK(NamesOf(OracleConfig{}) == Joined(kSparseNames, {"aggregate", "share"}));
  CHECK(NamesOf(LocalSinkConfig{}) == kSparseNames);
  CHECK(NamesOf(RandomConfig{}) == Joined(kSparseNames, {"seed"}));
}

TEST_CASE("no name is visited twice, constant or not") {
  for (const std::string_view policy : PolicyNames()) {
    PolicyConfig config = *PolicyFromName(policy);
    std::visit(
        [](auto& c) {
          std::vector<std::string> mutable_names;
          VisitFields([&](std::string_view name, auto&) { mutable_names.emplace_back(name); }, c);
          CHECK(mutable_names == NamesOf(c));
          CHECK(std::set<std::string>(mutable_names.begin(), mutable_names.end()).size() ==
                mutable_names.size());
        },
        config);
  }
}

TEST_CASE("a visitor reaches every field of every struct") {
  SketchWalkConfig walk;
  VisitFields(Change{}, walk);
  {
    const auto& [sparse, sketch_dim, exponent, seed, scale, normaliser, walk_from, finished] = walk;
    CheckSparseChanged(sparse);
    CHECK(sketch_dim == 67);
    CHECK(exponent == 11);
    CHECK(seed == 3);
    CHECK(scale == ScoreScale::kSqrtD);
    CHECK(normaliser == Normaliser::kCausal);
    CHECK(walk_from == WalkFrom::kLayer0);
    CHECK(finished == FinishedRowMode::kMean);
  }
  OneHopConfig hop;
  VisitFields(Change{}, hop);
  {
    const auto& [sparse, sketch_dim, exponent, seed, scale, normaliser, finished] = hop;
    CheckSparseChanged(sparse);
    CHECK(sketch_dim == 67);
    CHECK(exponent == 11);
    CHECK(seed == 3);
    CHECK(scale == ScoreScale::kSqrtD);
    CHECK(normaliser == Normaliser::kCausal);
    CHECK(finished == FinishedRowMode::kMean);
  }
  OracleConfig oracle;
  VisitFields(Change{}, oracle);
  {
    const auto& [sparse, aggregate, share] = oracle;
    CheckSparseChanged(sparse);
    CHECK(aggregate == Aggregate::kMax);
    CHECK(share == Share::kHead);
  }
  LocalSinkConfig local;
  VisitFields(Change{}, local);
  {
    const auto& [sparse] = local;
    CheckSparseChanged(sparse);
  }
  RandomConfig random;
  VisitFields(Change{}, random);
  {
    const auto& [sparse, seed] = random;
    CheckSparseChanged(sparse);
    CHECK(seed == 3);
  }
}

TEST_CASE("every enum value has one spelling") {
  CheckEnum({PhaseMode::kSparse, PhaseMode::kDense});
  CheckEnum({Normaliser::kAll, Normaliser::kCausal});
  CheckEnum({ScoreScale::kSqrtR, ScoreScale::kSqrtD});
  CheckEnum({WalkFrom::kFirstSparse, WalkFrom::kLayer0});
  CheckEnum({FinishedRowMode::kLast, FinishedRowMode::kMean});
  CheckEnum({Aggregate::kSum, Aggregate::kMax});
  CheckEnum({Share::kLayer, Share::kKvGroup, Share::kHead});
  CHECK(EnumName(WalkFrom::kFirstSparse) == "first_sparse");
  CHECK(EnumName(Share::kKvGroup) == "kv_group");
  CHECK(EnumName(ScoreScale::kSqrtR) == "sqrt_r");
}

}  // namespace sw
