// Steps 1 to 3: from queries or keys to one sketched row per block.
#pragma once

#include "reference/oracle/types.h"

namespace sw::oracle {

// The draw that makes H: D and P.
struct Transform {
  std::vector<double> signs;  // [d'], +1 or -1
  std::vector<int> rows;      // [r], distinct rows of the d' x d' Walsh-Hadamard matrix
};

// r = d': every sign +1, every row, in order. H then keeps every inner product exactly.
Transform FullTransform(int padded_dim);

// Sylvester's matrix by its definition: entry (i, j) is -1 to the number of ones in i AND j.
Matrix WalshHadamard(int dim);

// H = (1 / sqrt(r)) P WHT D as an explicit [r, d] matrix; the padding's columns meet only zeros.
Matrix SketchMatrix(const Transform& transform, int head_dim);

// Every row of x through H.
Matrix Sketch(const Matrix& h, const Matrix& x);

// Step 1: the mean over heads of each token, [token][dim].
Matrix HeadMean(const Tokens& x);

// Step 2: the mean of each block over the tokens that it really has, [block][dim].
Matrix BlockMean(const Matrix& tokens, int block_size);

}  // namespace sw::oracle
