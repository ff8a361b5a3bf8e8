// The oracle's own arithmetic against numbers worked out by hand and against identities: what the
// golden vectors of selection and attention do not reach.
#include <cmath>

#include "core/testing/catch.h"
#include "reference/oracle/attend.h"
#include "reference/oracle/layer.h"
#include "reference/oracle/llama.h"
#include "reference/oracle/select.h"
#include "reference/oracle/sketch.h"

namespace sw::oracle {
namespace {

bool Near(double got, double want) { return std::abs(got - want) <= 1e-12 * (1 + std::abs(want)); }

TEST_CASE("oracle: the Walsh-Hadamard matrix of order 4, and H H^T = (d / r) I") {
  CHECK(WalshHadamard(4) == Matrix{{1, 1, 1, 1}, {1, -1, 1, -1}, {1, 1, -1, -1}, {1, -1, -1, 1}});
  const Matrix h = SketchMatrix({.signs = {1, -1, -1, 1, 1, 1, -1, 1}, .rows = {6, 0, 3}}, 8);
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < 3; ++b) {
      double dot = 0;
      for (int i = 0; i < 8; ++i) dot += h[a][i] * h[b][i];
      CHECK(Near(dot, a == b ? 8.0 / 3 : 0.0));
    }
  }
}

TEST_CASE("oracle: RMS norm, SwiGLU and a product by hand") {
  const Matrix normed = RmsNorm({{3, 4}}, {1, 2}, 0.0);  // root of (9 + 16) / 2
  CHECK(Near(normed[0][0], 3 / std::sqrt(12.5)));
  CHECK(Near(normed[0][1], 8 / std::sqrt(12.5)));
  CHECK(Near(RmsNorm({{0, 0}}, {1, 1}, 1e-5)[0][0], 0.0));
  const Matrix gated = SwiGlu({{0, 1, -1}}, {{5, 2, 2}});
  CHECK(gated[0][0] == 0);
  CHECK(Near(gated[0][1], 2 * 0.7310585786300049));
  CHECK(Near(gated[0][2], -2 * 0.2689414213699951));
  CHECK(MatMul({{1, 2}}, {{3, 4}, {5, 6}, {0, 1}}) == Matrix{{11, 17, 2}});
}

TEST_CASE("oracle: rotary halves turn together, keep lengths, and products see distances alone") {
  const Tokens turned = Rope({{{1, 0, 0, 0}}}, Row{0.5, 0.1}, 3);
  CHECK(Near(turned[0][0][0], std::cos(1.5)));
  CHECK(Near(turned[0][0][2], std::sin(1.5)));
  CHECK(turned[0][0][1] == 0);
  const Tokens x{{{0.3, -1.2, 0.7, 2.0}}}, y{{{1.0, 0.4, -0.6, 0.2}}};
  const auto Product = [&](int at_x, int at_y) {
    const Tokens a = Rope(x, 10000, at_x), b = Rope(y, 10000, at_y);
    double dot = 0;
    for (int i = 0; i < 4; ++i) dot += a[0][0][i] * b[0][0][i];
    return dot;
  };
  CHECK(Near(Product(9, 4), Product(105, 100)));
  CHECK(!Near(Product(9, 4), Product(9, 5)));
  CHECK(Near(Product(0, 0), 0.3 - 0.48 - 0.42 + 0.4));
}

TEST_CASE("oracle: block mass of a row is 1 in all, by block and by group") {
  Tokens q, k;
  for (int t = 0; t < 7; ++t) {
    q.push_back({{std::sin(t), 1.0}, {std::cos(t), -0.5}});
    k.push_back({{0.3 * t, std::cos(2.0 * t)}});
  }
  const Matrix sum = BlockMass(q, k, 3, 1, Join::kSum)[0];
  const int queries[] = {3, 3, 1};
  for (int i = 0; i < 3; ++i) {
    double total = 0;
    for (int j = 0; j < 3; ++j) total += sum[i][j];
    CHECK(Near(total, 2.0 * queries[i]));  // two heads
    for (int j = i + 1; j < 3; ++j) CHECK(sum[i][j] == 0);
  }
  const std::vector<Matrix> heads = BlockMass(q, k, 3, 2, Join::kSum);
  const Matrix max = BlockMass(q, k, 3, 1, Join::kMax)[0];
  for (int j = 0; j < 3; ++j) {
    CHECK(Near(heads[0][2][j] + heads[1][2][j], sum[2][j]));
    CHECK(Near(std::max(heads[0][2][j], heads[1][2][j]), max[2][j]));  // one query in block 2
  }
}

TEST_CASE("oracle: full lists attend as dense attention does, sinks and neighbours otherwise") {
  Tokens q, k, v;
  for (int t = 0; t < 7; ++t) {
    q.push_back({{std::sin(t), 1.0}});
    k.push_back({{0.3 * t, std::cos(2.0 * t)}});
    v.push_back({{1.0 * t, -1.0}});
  }
  CHECK(AttendBlocks(q, k, v, {{0}, {0, 1}, {0, 1, 2}}, 3) == AttendDense(q, k, v, 0));
  CHECK(AttendDense(q, k, v, 0)[0] == v[0]);
  Config config;
  config.top_blocks = 3;
  CHECK(LocalSink(config, 5) == BlockLists{{0}, {0, 1}, {0, 1, 2}, {0, 2, 3}, {0, 3, 4}});
}

// Zero matrices leave the residual stream alone: logits are the head over the normed embedding.
TEST_CASE("oracle: a model whose layers add nothing returns its normed embedding") {
  Llama model;
  model.num_heads = 2;
  model.num_kv_heads = 1;
  model.norm_eps = 0;
  model.embedding = {{3, 4, 0, 0}, {0, 0, 0, 2}};
  model.final_norm = {1, 1, 1, 1};
  model.head = {{1, 0, 0, 0}, {0, 0, 0, 1}};
  model.layers.push_back({.attention_norm = Row(4, 1.0),
                          .wq = Zeros(4, 4),
                          .wk = Zeros(2, 4),
                          .wv = Zeros(2, 4),
                          .wo = Zeros(4, 4),
                          .mlp_norm = Row(4, 1.0),
                          .gate = Zeros(3, 4),
                          .up = Zeros(3, 4),
                          .down = Zeros(4, 3)});
  const std::vector<int> tokens{0, 1};
  const Matrix logits = Forward(model, tokens);
  CHECK(Near(logits[0][0], 3 / 2.5));
  CHECK(Near(logits[1][1], 2.0));
  // Values of the head's own token alone: with uniform attention the second token sees their mean.
  model.layers[0].wv = {{1, 0, 0, 0}, {0, 0, 0, 1}};
  model.layers[0].wo = {{0, 0, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}};
  const Matrix moved = Forward(model, tokens);
  const double mean = (3 / 2.5 + 0) / 2;  // element 0 of head 0's values, tokens 0 and 1
  CHECK(Near(moved[1][1], 2 / std::sqrt((mean * mean + 4) / 4)));
}

}  // namespace
}  // namespace sw::oracle
