// Keep rules and pair counts against brute force over every (row, block) and (query, key).
#include "core/ops/block_selection.h"

#include <cmath>

#include "core/testing/catch.h"

namespace sw {
namespace {

std::vector<ForcedRule> ForcedRules() {
  std::vector<ForcedRule> rules;
  for (const int sinks : {0, 1, 3, 9}) {
    for (const int locals : {0, 1, 2, 5}) {
      for (const int tail : {0, 1, 4}) rules.push_back({sinks, locals, tail});
    }
  }
  return rules;
}

// As the algorithm page says it, block by block.
bool ForcedByDefinition(const ForcedRule& rule, int i, int j, int num_blocks) {
  if (j > i) return false;
  const bool sink = j < rule.sink_blocks;
  const bool local = i - j < (rule.local_blocks > 1 ? rule.local_blocks : 1);
  const bool tail = num_blocks - i <= rule.dense_tail_blocks;
  return sink || local || tail;
}

TEST_CASE("forced blocks: sinks, the nearest and the dense tail, counted as they are held") {
  for (const ForcedRule& rule : ForcedRules()) {
    for (const int blocks : {1, 2, 7, 12}) {
      for (int i = 0; i < blocks; ++i) {
        INFO("sinks " << rule.sink_blocks << " locals " << rule.local_blocks << " tail "
                      << rule.dense_tail_blocks << " row " << i << " of " << blocks);
        int count = 0;
        for (int j = 0; j < blocks; ++j) {
          const bool want = ForcedByDefinition(rule, i, j, blocks);
          CHECK(rule.Holds(i, j, blocks) == want);
          count += want ? 1 : 0;
        }
        CHECK(rule.Count(i, blocks) == count);
        CHECK(rule.Holds(i, i, blocks));
      }
    }
  }
}

TEST_CASE("keep rule: a count keeps max(forced, min(top_blocks, i + 1))") {
  for (const ForcedRule& forced : ForcedRules()) {
    for (const int top : {1, 4, 16}) {
      const KeepRule rule{.forced = forced, .top_blocks = top};
      for (int i = 0; i < 20; ++i) {
        CHECK(rule.Count(i, 20) == std::max(forced.Count(i, 20), std::min(top, i + 1)));
      }
    }
  }
}

TEST_CASE("keep rule: a density keeps the ceiling of its share, exact products not rounded up") {
  const ForcedRule forced;
  // 0.1 * 10 is 1, 0.3 * 10 is 3, although the products of the doubles lie a little off.
  CHECK(KeepRule{.forced = {.sink_blocks = 0}, .density = 0.1}.Count(9, 100) == 1);
  CHECK(KeepRule{.forced = forced, .density = 0.3}.Count(9, 100) == 3);
  CHECK(KeepRule{.forced = forced, .density = 0.3}.Count(10, 100) == 4);
  CHECK(KeepRule{.forced = forced, .density = 0.07}.Count(99, 100) == 7);
  CHECK(KeepRule{.forced = forced, .density = 0.001}.Count(50, 100) == 2);  // the forced ones
  // Shares of 1 / den of (i + 1) blocks are exact in integers.
  for (const int num : {1, 3, 7, 10}) {
    const KeepRule rule{.forced = {.sink_blocks = 0}, .density = num / 10.0};
    for (int i = 0; i < 3000; ++i) {
      const int want = std::max(1, (num * (i + 1) + 9) / 10);
      if (rule.Count(i, 3000) != want) CHECK(rule.Count(i, 3000) == want);
    }
  }
  const KeepRule whole{.forced = {}, .density = 1.0};
  for (int i = 0; i < 100; ++i) CHECK(whole.Count(i, 100) == i + 1);
}

TEST_CASE("keep rule: density, when given, replaces the count") {
  const KeepRule rule{.forced = {}, .top_blocks = 3, .density = 0.5};
  CHECK(rule.Count(19, 20) == 10);
}

HostSelection RandomishSelection(const BlockLayout& layout, int groups) {
  HostSelection selection{groups, layout.num_blocks(), 0, {}};
  for (int group = 0; group < groups; ++group) {
    for (int i = 0; i < layout.num_blocks(); ++i) {
      selection.rows.emplace_back();
      for (int j = 0; j < i; ++j) {
        if ((7 * i + 3 * j + group) % 3 == 0) selection.rows.back().push_back(j);
      }
      selection.rows.back().push_back(i);
    }
  }
  return selection;
}

TEST_CASE("pairs: a prefill's kept and causal (query, key) pairs, ragged last block and groups") {
  for (const int n : {1, 7, 8, 9, 40, 61}) {
    for (const int groups : {1, 3}) {
      INFO("n " << n << " groups " << groups);
      const BlockLayout layout{n, 8};
      const HostSelection selection = RandomishSelection(layout, groups);
      selection.CheckInvariants();
      double kept = 0, causal = 0;
      for (int group = 0; group < groups; ++group) {
        for (int t = 0; t < n; ++t) {
          for (int s = 0; s <= t; ++s) {
            causal += 1.0 / groups;
            for (const int32_t j : selection.rows[group * layout.num_blocks() + t / 8]) {
              kept += j == s / 8 ? 1.0 / groups : 0.0;
            }
          }
        }
      }
      const PairCount pairs = PrefillPairs(selection, layout);
      CHECK(std::abs(pairs.kept - kept) < 1e-6);
      CHECK(std::abs(pairs.causal - causal) < 1e-6);
    }
  }
}

TEST_CASE("pairs: a full list is dense") {
  const BlockLayout layout{61, 8};
  HostSelection full{1, layout.num_blocks(), 0, {}};
  for (int i = 0; i < layout.num_blocks(); ++i) {
    full.rows.emplace_back();
    for (int j = 0; j <= i; ++j) full.rows.back().push_back(j);
  }
  const PairCount pairs = PrefillPairs(full, layout);
  CHECK(pairs.kept == pairs.causal);
  CHECK(pairs.causal == 61.0 * 62 / 2);
}

TEST_CASE("pairs: a decode step sees the tokens of its blocks, the current one ragged") {
  const BlockLayout layout{43, 8};  // block 5 holds tokens 40, 41, 42
  const HostSelection one{1, 1, 5, {{0, 2, 5}}};
  CHECK(DecodePairs(one, layout).kept == 8 + 8 + 3);
  CHECK(DecodePairs(one, layout).causal == 43);
  const HostSelection two{2, 1, 5, {{0, 2, 5}, {5}}};
  CHECK(DecodePairs(two, layout).kept == (19 + 3) / 2.0);
}

TEST_CASE("pairs: causal pairs of a range of queries, by counting") {
  for (const int first : {0, 1, 17}) {
    for (const int count : {0, 1, 5, 64}) {
      double pairs = 0;
      for (int t = first; t < first + count; ++t) pairs += t + 1;
      CHECK(CausalPairs(first, count) == pairs);
    }
  }
  CHECK(CausalPairs(0, 131072) == 131072.0 * 131073 / 2);
}

TEST_CASE("selection: broken rows are found") {
  const auto Broken = [](std::vector<std::vector<int32_t>> rows) {
    const HostSelection selection{1, static_cast<int>(rows.size()), 3, std::move(rows)};
    return testing::MessageOf<BugError>([&] { selection.CheckInvariants(); });
  };
  HostSelection{1, 2, 3, {{0, 3}, {0, 2, 4}}}.CheckInvariants();
  CHECK_THAT(Broken({{0, 0, 3}}), testing::HasText("0 before 0"));
  CHECK_THAT(Broken({{2, 1, 3}}), testing::HasText("2 before 1"));
  CHECK_THAT(Broken({{0, 2}}), testing::HasText("diagonal"));
  CHECK_THAT(Broken({{0, 4}}), testing::HasText("diagonal"));
  CHECK_THAT(Broken({{}}), testing::HasText("empty"));
  CHECK_THAT(Broken({{-1, 3}}), testing::HasText("negative"));
}

TEST_CASE("selection: groups of query heads") {
  const BlockSelection shared{.num_groups = 1}, grouped{.num_groups = 3}, single{.num_groups = 9};
  for (int head = 0; head < 9; ++head) {
    CHECK(shared.GroupOf(head, 9) == 0);
    CHECK(grouped.GroupOf(head, 9) == head / 3);
    CHECK(single.GroupOf(head, 9) == head);
  }
}

}  // namespace
}  // namespace sw
