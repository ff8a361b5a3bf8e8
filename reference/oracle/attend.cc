#include "reference/oracle/attend.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sw::oracle {
namespace {

std::vector<int> AllUpTo(int position) {
  std::vector<int> tokens(static_cast<std::size_t>(position) + 1);
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

int KvHeadOf(int head, int num_heads, int num_kv_heads) {
  return head / (num_heads / num_kv_heads);
}

}  // namespace

Row Probabilities(const Row& q, const Tokens& k, int kv_head, const std::vector<int>& key_tokens) {
  Row p;
  for (const int t : key_tokens) {
    double dot = 0;
    for (int i = 0; i < Size(q); ++i) dot += q[i] * k[t][kv_head][i];
    p.push_back(dot / std::sqrt(Size(q)));
  }
  const double top = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& value : p) {
    value = std::exp(value - top);
    sum += value;
  }
  for (double& value : p) value /= sum;
  return p;
}

Matrix AttendToken(const Matrix& q_heads, const Tokens& k, const Tokens& v,
                   const std::vector<int>& key_tokens) {
  Matrix out = Zeros(Size(q_heads), Size(q_heads.front()));
  for (int h = 0; h < Size(q_heads); ++h) {
    const int kv_head = KvHeadOf(h, Size(q_heads), Size(k.front()));
    const Row p = Probabilities(q_heads[h], k, kv_head, key_tokens);
    for (int n = 0; n < Size(key_tokens); ++n) {
      for (int i = 0; i < Size(out[h]); ++i) out[h][i] += p[n] * v[key_tokens[n]][kv_head][i];
    }
  }
  return out;
}

Tokens AttendDense(const Tokens& q, const Tokens& k, const Tokens& v, int first_pos) {
  Tokens out;
  for (int t = 0; t < Size(q); ++t) out.push_back(AttendToken(q[t], k, v, AllUpTo(first_pos + t)));
  return out;
}

Tokens AttendBlocks(const Tokens& q, const Tokens& k, const Tokens& v, const BlockLists& lists,
                    int block_size) {
  Tokens out;
  for (int t = 0; t < Size(q); ++t) {
    out.push_back(AttendToken(q[t], k, v, TokensOf(lists[t / block_size], block_size, t)));
  }
  return out;
}

std::vector<int> TokensOf(const BlockList& blocks, int block_size, int position) {
  std::vector<int> tokens;
  for (const int block : blocks) {
    for (int t = block * block_size; t < (block + 1) * block_size && t <= position; ++t) {
      tokens.push_back(t);
    }
  }
  return tokens;
}

std::vector<Matrix> BlockMass(const Tokens& q, const Tokens& k, int block_size, int num_groups,
                              Join join) {
  const int num_blocks = (Size(q) + block_size - 1) / block_size;
  const int num_heads = Size(q.front());
  std::vector<Matrix> mass(static_cast<std::size_t>(num_groups), Zeros(num_blocks, num_blocks));
  for (int t = 0; t < Size(q); ++t) {
    for (int h = 0; h < num_heads; ++h) {
      const int kv_head = KvHeadOf(h, num_heads, Size(k.front()));
      const Row p = Probabilities(q[t][h], k, kv_head, AllUpTo(t));
      Row per_block(static_cast<std::size_t>(num_blocks), 0.0);
      for (int s = 0; s <= t; ++s) per_block[s / block_size] += p[s];
      Row& joined = mass[h * num_groups / num_heads][t / block_size];
      for (int j = 0; j < num_blocks; ++j) {
        joined[j] =
            join == Join::kSum ? joined[j] + per_block[j] : std::max(joined[j], per_block[j]);
      }
    }
  }
  return mass;
}

}  // namespace sw::oracle
