#include "reference/oracle/select.h"

#include <algorithm>
#include <cmath>

namespace sw::oracle {

bool IsForced(const Config& config, int i, int j, int num_blocks) {
  const bool in_tail = num_blocks > 0 && i >= num_blocks - config.dense_tail_blocks;
  return j <= i && (j < config.sink_blocks || j > i - std::max(1, config.local_blocks) || in_tail);
}

int KeepCount(const Config& config, int i, int num_blocks) {
  int forced = 0;
  for (int j = 0; j <= i; ++j) forced += IsForced(config, i, j, num_blocks) ? 1 : 0;
  int asked = config.top_blocks;
  if (config.density > 0) asked = static_cast<int>(std::ceil(config.density * (i + 1) - 1e-9));
  return std::min(std::max(forced, asked), i + 1);
}

BlockList SelectBlocks(const Config& config, const Row& row, int i, int num_blocks) {
  BlockList chosen;
  for (int j = 0; j <= i; ++j) {
    if (IsForced(config, i, j, num_blocks)) chosen.push_back(j);
  }
  const int keep = KeepCount(config, i, num_blocks);
  while (Size(chosen) < keep) {
    int best = -1;
    for (int j = 0; j < i; ++j) {
      if (std::find(chosen.begin(), chosen.end(), j) != chosen.end()) continue;
      if (best < 0 || row[j] >= row[best]) best = j;  // >=: of equals the larger j
    }
    chosen.push_back(best);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

BlockLists SelectAll(const Config& config, const Matrix& scores) {
  BlockLists lists;
  for (int i = 0; i < Size(scores); ++i) {
    lists.push_back(SelectBlocks(config, scores[i], i, Size(scores)));
  }
  return lists;
}

BlockLists LocalSink(const Config& config, int num_blocks) {
  return SelectAll(config, Zeros(num_blocks, num_blocks));
}

}  // namespace sw::oracle
