// The control arms: random, local_sink and oracle.
#include <algorithm>
#include <cmath>
#include <map>

#include "core/attention/policy_factory.h"
#include "core/attention/policy_rig.h"
#include "core/testing/catch.h"
#include "reference/compare.h"
#include "reference/oracle/attend.h"
#include "reference/oracle/select.h"
#include "reference/reference_backend.h"

namespace sw {
namespace {

using testing::LayerData;
using testing::PolicyRun;

constexpr HeadShape kHeads{6, 2, 8};
constexpr int kLayers = 3;

SparseConfig SmallSparse() {
  return {.block_size = 8, .top_blocks = 4, .density = {}, .skip_layers = 1};
}

oracle::Config SmallOracle() { return {.block_size = 8, .top_blocks = 4, .skip_layers = 1}; }

oracle::Tokens TokensOf(const std::vector<float>& numbers, size_t at, int tokens, int heads) {
  oracle::Tokens made(static_cast<size_t>(tokens));
  for (oracle::Matrix& token : made) {
    for (int h = 0; h < heads; ++h) {
      const auto begin = numbers.begin() + static_cast<int64_t>(at);
      token.emplace_back(begin, begin + kHeads.head_dim);
      at += static_cast<size_t>(kHeads.head_dim);
    }
  }
  return made;
}

oracle::Tokens Queries(const LayerData& data, int layer, int begin, int end) {
  return TokensOf(data.q, data.QAt(layer, begin), end - begin, kHeads.num_q_heads);
}
oracle::Tokens Keys(const LayerData& data, int layer, int end) {
  return TokensOf(data.k, data.KvAt(layer, 0), end, kHeads.num_kv_heads);
}
oracle::Tokens Values(const LayerData& data, int layer, int end) {
  return TokensOf(data.v, data.KvAt(layer, 0), end, kHeads.num_kv_heads);
}

struct Lists {
  std::vector<std::vector<std::vector<int32_t>>> prefill;              // [layer][row]
  std::vector<std::vector<std::vector<std::vector<int32_t>>>> decode;  // [step][layer][row]
};

Lists ListsOf(const PolicyConfig& config, const LayerData& data, int prompt, Backend& backend,
              uint64_t sample_key = 0) {
  const auto policy = MakePolicy(config, data.heads, data.num_layers, backend);
  PolicyRun run(*policy, data, backend, 0, sample_key);
  run.trace().keep_lists = true;
  run.Prefill(prompt);
  Lists lists;
  for (const HostSelection& layer : run.trace().prefill_lists) lists.prefill.push_back(layer.rows);
  while (run.len() < data.num_tokens) {
    run.Decode();
    lists.decode.emplace_back();
    for (const HostSelection& layer : run.trace().last_decode_lists) {
      lists.decode.back().push_back(layer.rows);
    }
  }
  return lists;
}

}  // namespace

TEST_CASE("random lists are a function of seed, sample, layer and query block") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, kLayers, 150, 31);
  const LayerData other_data = testing::RandomLayers(kHeads, kLayers, 150, 32);
  RandomConfig config{.sparse = SmallSparse(), .seed = 7};
  const Lists first = ListsOf(config, data, 140, backend, 5);
  const Lists content = ListsOf(config, other_data, 140, backend, 5);
  CHECK(content.prefill == first.prefill);  // whatever the content
  CHECK(content.decode == first.decode);
  ReferenceBackend one_thread({.num_threads = 1});
  CHECK(ListsOf(config, data, 140, one_thread, 5).prefill == first.prefill);
  CHECK(first.prefill[1] != first.prefill[2]);
  CHECK(ListsOf(config, data, 140, backend, 6).prefill != first.prefill);
  CHECK(ListsOf(config, data, 140, backend, 6).decode != first.decode);
  // A prompt that ends elsewhere draws the same for the query blocks that it shares.
  const Lists shorter = ListsOf(config, data, 80, backend, 5);
  CHECK(std::equal(shorter.prefill[1].begin(), shorter.prefill[1].end(), first.prefill[1].begin()));
  config.seed = 8;
  CHECK(ListsOf(config, data, 140, backend, 5).prefill != first.prefill);
}

TEST_CASE("random lists change from step to step, and not with the prompt's length") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, kLayers, 152, 31);
  const RandomConfig config{.sparse = SmallSparse(), .seed = 7};
  const Lists lists = ListsOf(config, data, 144, backend, 5);
  int changes = 0;
  for (size_t step = 1; step < lists.decode.size(); ++step) {
    changes += lists.decode[step][1] != lists.decode[step - 1][1];
  }
  CHECK(changes >= 5);  // of 7 steps inside one block, two lists of C(17, 2) may agree
  const Lists later = ListsOf(config, data, 150, backend, 5);
  CHECK(later.decode.back() == lists.decode.back());
}

// Computed apart from this project, in Python, from the definition of the generator.
TEST_CASE("these random lists are the same on every machine") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, kLayers, 129, 31);
  const Lists lists = ListsOf(RandomConfig{.sparse = SmallSparse(), .seed = 0}, data, 128, backend);
  CHECK(lists.prefill[1][15] == std::vector<int32_t>{0, 9, 13, 15});
  CHECK(lists.prefill[2][15] == std::vector<int32_t>{0, 2, 11, 15});
  CHECK(lists.decode[0][1][0] == std::vector<int32_t>{0, 12, 14, 16});
}

TEST_CASE("random chooses every free block about equally often") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers({1, 1, 1}, 2, 12 * 8, 31);
  std::map<int32_t, int> chosen;
  constexpr int kSamples = 2000;
  const auto policy = MakePolicy(RandomConfig{.sparse = SmallSparse()}, data.heads, 2, backend);
  for (int sample = 0; sample < kSamples; ++sample) {
    PolicyRun run(*policy, data, backend, 0, static_cast<uint64_t>(sample));
    run.trace().keep_lists = true;
    run.Prefill(12 * 8);
    for (const int32_t block : run.trace().prefill_lists[1].rows.back()) ++chosen[block];
  }
  CHECK(chosen[0] == kSamples);   // sink
  CHECK(chosen[11] == kSamples);  // own block
  for (int32_t block = 1; block <= 10; ++block) {
    // 2 of 10 free blocks: 400 expected, sigma 18.
    CHECK(std::abs(chosen[block] - 400) <= 90);
  }
}

TEST_CASE("local_sink keeps sinks and the nearest blocks, in every layer and step") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, kLayers, 110, 33);
  const Lists lists = ListsOf(LocalSinkConfig{.sparse = SmallSparse()}, data, 93, backend);
  const oracle::BlockLists want = oracle::LocalSink(SmallOracle(), 12);
  for (size_t layer = 1; layer < 3; ++layer) {
    CHECK(std::equal(lists.prefill[layer].begin(), lists.prefill[layer].end(), want.begin(),
                     want.end()));
  }
  CHECK(lists.prefill[1][11] == std::vector<int32_t>{0, 9, 10, 11});
  for (size_t step = 0; step < lists.decode.size(); ++step) {
    const int32_t c = (93 + static_cast<int32_t>(step)) / 8;
    CHECK(lists.decode[step][1][0] == std::vector<int32_t>{0, c - 2, c - 1, c});
  }
}

TEST_CASE("oracle keeps the blocks of most exact mass, for every join and every sharing of lists") {
  ReferenceBackend backend({.num_threads = 2});
  const LayerData data = testing::RandomLayers(kHeads, kLayers, 100, 34);
  const int prompt = 93;
  const Aggregate aggregate = GENERATE(Aggregate::kSum, Aggregate::kMax);
  const Share share = GENERATE(Share::kLayer, Share::kKvGroup, Share::kHead);
  OracleConfig config{.sparse = SmallSparse(), .aggregate = aggregate, .share = share};
  const int groups = share == Share::kLayer ? 1 : share == Share::kKvGroup ? 2 : 6;
  const oracle::Join join = aggregate == Aggregate::kSum ? oracle::Join::kSum : oracle::Join::kMax;
  const auto policy = MakePolicy(config, kHeads, kLayers, backend);
  PolicyRun run(*policy, data, backend);
  run.trace().keep_lists = true;
  const testing::LayerOutputs outputs = run.Prefill(prompt);
  for (int layer = 1; layer < kLayers; ++layer) {
    const auto index = static_cast<size_t>(layer);
    const oracle::Tokens q = Queries(data, layer, 0, prompt);
    const oracle::Tokens k = Keys(data, layer, prompt);
    const auto mass = oracle::BlockMass(q, k, 8, groups, join);
    std::vector<oracle::Tokens> attended;  // per group, all heads through that group's lists
    for (int group = 0; group < groups; ++group) {
      const oracle::BlockLists want =
          oracle::SelectAll(SmallOracle(), mass[static_cast<size_t>(group)]);
      for (size_t i = 0; i < want.size(); ++i) {
        INFO("layer " << layer << ", group " << group << ", row " << i);
        const auto& got = run.trace().prefill_lists[index].rows[group * want.size() + i];
        CHECK(std::vector<int>(got.begin(), got.end()) == want[i]);
      }
      attended.push_back(oracle::AttendBlocks(q, k, Values(data, layer, prompt), want, 8));
    }
    std::vector<double> want;
    for (size_t t = 0; t < static_cast<size_t>(prompt); ++t) {
      for (size_t h = 0; h < 6; ++h) {
        const oracle::Row& head = attended[h * static_cast<size_t>(groups) / 6][t][h];
        want.insert(want.end(), head.begin(), head.end());
      }
    }
    CHECK(CompareRange(outputs[index], want, {2e-5, 2e-5}).ok());
  }
  while (run.len() < data.num_tokens) {
    run.Decode();
    const int len = run.len();
    const int c = (len - 1) / 8;
    for (int layer = 1; layer < kLayers; ++layer) {
      const oracle::Tokens q = Queries(data, layer, len - 1, len);
      const oracle::Tokens k = Keys(data, layer, len);
      const HostSelection& lists = run.trace().last_decode_lists[static_cast<size_t>(layer)];
      REQUIRE(lists.rows.size() == static_cast<size_t>(groups));
      for (int group = 0; group < groups; ++group) {
        oracle::Row mass(static_cast<size_t>(c + 1), 0.0);
        const int per_group = 6 / groups;
        for (int h = group * per_group; h < (group + 1) * per_group; ++h) {
          std::vector<int> all(static_cast<size_t>(len));
          for (int t = 0; t < len; ++t) all[static_cast<size_t>(t)] = t;
          const oracle::Row p = oracle::Probabilities(q[0][static_cast<size_t>(h)], k, h / 3, all);
          oracle::Row of_head(mass.size(), 0.0);
          for (int t = 0; t < len; ++t)
            of_head[static_cast<size_t>(t / 8)] += p[static_cast<size_t>(t)];
          for (size_t j = 0; j < mass.size(); ++j) {
            mass[j] =
                join == oracle::Join::kSum ? mass[j] + of_head[j] : std::max(mass[j], of_head[j]);
          }
        }
        const oracle::BlockList want = oracle::SelectBlocks(SmallOracle(), mass, c, 0);
        const auto& got = lists.rows[static_cast<size_t>(group)];
        CHECK(std::vector<int>(got.begin(), got.end()) == want);
      }
    }
  }
}

TEST_CASE("no arm recovers more mass than the oracle, and random recovers less than the walk") {
  ReferenceBackend backend({.num_threads = 2});
  // Blocks of similar tokens, as text has: without it block means say nothing about tokens.
  LayerData data = testing::RandomLayers(kHeads, kLayers, 192, 35, 1.0f);
  const LayerData topics = testing::RandomLayers(kHeads, 1, 5, 36, 1.0f);
  for (int layer = 0; layer < kLayers; ++layer) {
    for (int t = 0; t < 192; ++t) {
      const int topic = t / 8 * 7 % 5;
      for (int i = 0; i < data.kv_width(); ++i) {
        const float pull = topics.k[topics.KvAt(0, topic) + static_cast<size_t>(i % 8)];
        data.k[data.KvAt(layer, t) + static_cast<size_t>(i)] += pull;
      }
      for (int i = 0; i < data.q_width(); ++i) {
        const float pull = topics.k[topics.KvAt(0, topic) + static_cast<size_t>(i % 8)];
        data.q[data.QAt(layer, t) + static_cast<size_t>(i)] += 2.0f * pull;
      }
    }
  }
  SketchWalkConfig walk;
  walk.sparse = SmallSparse();
  walk.sketch_dim = 8;
  const std::vector<PolicyConfig> arms = {OracleConfig{.sparse = SmallSparse()}, walk,
                                          RandomConfig{.sparse = SmallSparse()},
                                          LocalSinkConfig{.sparse = SmallSparse()}};
  std::vector<double> total(arms.size(), 0.0);
  for (size_t arm = 0; arm < arms.size(); ++arm) {
    const Lists lists = ListsOf(arms[arm], data, 192, backend);
    for (int layer = 1; layer < kLayers; ++layer) {
      const auto mass = oracle::BlockMass(Queries(data, layer, 0, 192), Keys(data, layer, 192), 8,
                                          1, oracle::Join::kSum)[0];
      const Lists best = ListsOf(arms[0], data, 192, backend);
      for (size_t i = 0; i < mass.size(); ++i) {
        const auto recovered = [&](const Lists& of) {
          double sum = 0;
          for (const int32_t j : of.prefill[static_cast<size_t>(layer)][i]) {
            sum += mass[i][static_cast<size_t>(j)];
          }
          return sum;
        };
        CHECK(recovered(lists) <= recovered(best) + 1e-5);
        total[arm] += recovered(lists);
      }
    }
  }
  CHECK(total[0] > 1.05 * total[2]);
  CHECK(total[0] > 1.05 * total[3]);
  CHECK(total[1] > total[2]);
}

}  // namespace sw
