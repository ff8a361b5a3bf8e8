#include "reference/oracle/llama.h"

#include "reference/oracle/attend.h"
#include "reference/oracle/layer.h"

namespace sw::oracle {

Matrix Forward(const Llama& model, std::span<const int> tokens) {
  Matrix x;
  for (const int token : tokens) x.push_back(model.embedding[token]);

  for (const LlamaLayer& layer : model.layers) {
    const Matrix h = RmsNorm(x, layer.attention_norm, model.norm_eps);
    const Tokens q = Rope(SplitHeads(MatMul(h, layer.wq), model.num_heads), model.rope_theta, 0);
    const Tokens k = Rope(SplitHeads(MatMul(h, layer.wk), model.num_kv_heads), model.rope_theta, 0);
    const Tokens v = SplitHeads(MatMul(h, layer.wv), model.num_kv_heads);
    x = Add(x, MatMul(JoinHeads(AttendDense(q, k, v, 0)), layer.wo));

    const Matrix m = RmsNorm(x, layer.mlp_norm, model.norm_eps);
    x = Add(x, MatMul(SwiGlu(MatMul(m, layer.gate), MatMul(m, layer.up)), layer.down));
  }
  return MatMul(RmsNorm(x, model.final_norm, model.norm_eps), model.head);
}

}  // namespace sw::oracle
