// The rest of a LLaMA layer, one formula per function. x is [token][feature]; a weight is
// [outputs][inputs].
#pragma once

#include "reference/oracle/types.h"

namespace sw::oracle {

Matrix MatMul(const Matrix& x, const Matrix& weight);  // x W^T
Matrix Add(const Matrix& a, const Matrix& b);

// x / sqrt(mean(x^2) + eps) * weight, per token.
Matrix RmsNorm(const Matrix& x, const Row& weight, double eps);

// silu(gate) * up, silu(g) = g / (1 + exp(-g)).
Matrix SwiGlu(const Matrix& gate, const Matrix& up);

// Rotary embedding, half-split: element i < d/2 of a head turns with element i + d/2 by the angle
// position * theta^(-2 i / d). Token t stands at first_pos + t.
Tokens Rope(const Tokens& x, double theta, int first_pos);
// The same with the d/2 frequencies given.
Tokens Rope(const Tokens& x, const Row& inv_freq, int first_pos);

Tokens SplitHeads(const Matrix& x, int num_heads);
Matrix JoinHeads(const Tokens& x);

}  // namespace sw::oracle
