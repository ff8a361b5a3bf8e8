// Step 7: from scores to block lists, and the selectors that are judged beside the walk.
#pragma once

#include "reference/oracle/types.h"

namespace sw::oracle {

// Is block j in row i's list whatever its score? `num_blocks` places the dense tail; 0: no tail.
bool IsForced(const Config& config, int i, int j, int num_blocks);

// Blocks that row i keeps: the forced ones, or tau or the density's share if that is more; at most
// i + 1.
int KeepCount(const Config& config, int i, int num_blocks);

// Step 7 for query block i; row[j] is the score of block j. Ties: the larger j first.
BlockList SelectBlocks(const Config& config, const Row& row, int i, int num_blocks);

// Every row of a [b, b] score matrix.
BlockLists SelectAll(const Config& config, const Matrix& scores);

// The local_sink selector: all scores equal, so that the nearest blocks win.
BlockLists LocalSink(const Config& config, int num_blocks);

}  // namespace sw::oracle
