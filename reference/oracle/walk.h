// Steps 4 to 6: block scores, the weights W, and the walk R across layers.
#pragma once

#include "reference/oracle/types.h"

namespace sw::oracle {

// Step 4: A[i, j] = <q_i, k_j> / divisor for all i, j.
Matrix BlockScores(const Matrix& q_sketch, const Matrix& k_sketch, double divisor);

// Step 5: W = softmax(A)^s. The softmax of row i runs over every column, or over j <= i with
// `causal`; W is then 0 beyond.
Matrix Weights(const Matrix& scores, double exponent, bool causal);

// Step 6, the product alone: R = W when `walk` is empty, else R W; entries j > i set to 0. No row
// is rescaled: what the walk would be with numbers of unbounded range.
Matrix WalkUnscaled(const Matrix& walk, const Matrix& weights);

// Step 6: WalkUnscaled, then every row divided by its maximum. A row whose maximum is 0 or not a
// normal number restarts as its masked, rescaled row of W; `restarts` counts them.
Matrix Walk(const Matrix& walk, const Matrix& scores, const Matrix& weights, double exponent,
            long* restarts);

// Row c of the masked W divided by its maximum, straight from the scores so that it never vanishes.
Row RestartRow(const Row& scores, int c, double exponent);

// Divides by the maximum; false when that is 0 or not a normal number, and the row stays as it is.
bool Rescale(Row& row);

}  // namespace sw::oracle
