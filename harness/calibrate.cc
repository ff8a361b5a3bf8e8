#include "harness/calibrate.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include "core/ops/cost.h"
#include "core/tensor/buffer.h"

namespace sw {
namespace {

// Best of a few: the first run warms caches and threads.
double SecondsOf(Backend& backend, const std::function<void()>& work) {
  double best = 1e30;
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    backend.Synchronise();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    best = std::min(best, std::max(taken.count(), 1e-7));
  }
  return best;
}

// A matrix of zeros in the backend's activation type.
class Activation {
 public:
  Activation(Backend& backend, int64_t rows, int64_t cols)
      : dtype_(backend.activation_dtype()),
        rows_(rows),
        cols_(cols),
        bytes_(backend.memory(), "activations",
               static_cast<size_t>(rows * RowBytes(backend.activation_dtype(), cols))) {
    bytes_.FillZero();
  }
  TensorView View() { return {dtype_, bytes_.data(), rows_, cols_, cols_}; }

 private:
  DType dtype_;
  int64_t rows_;
  int64_t cols_;
  Buffer<uint8_t> bytes_;
};

double MatMulRate(Backend& backend, const WeightView& weight, int rows) {
  Activation x(backend, rows, weight.cols);
  Activation out(backend, rows, weight.rows);
  const double seconds =
      SecondsOf(backend, [&] { backend.layers().MatMul(x.View(), weight, out.View(), false); });
  return 2.0 * rows * static_cast<double>(weight.rows) * static_cast<double>(weight.cols) / seconds;
}

// Queries, keys and values of zeros: as much work as any others.
struct AttentionProbe {
  AttentionProbe(Backend& backend, const HeadShape& heads, int tokens)
      : q(backend, tokens, static_cast<int64_t>(heads.num_q_heads) * heads.head_dim),
        k(backend, tokens, static_cast<int64_t>(heads.num_kv_heads) * heads.head_dim),
        v(backend, tokens, static_cast<int64_t>(heads.num_kv_heads) * heads.head_dim),
        out(backend, tokens, static_cast<int64_t>(heads.num_q_heads) * heads.head_dim) {
    const DType dtype = backend.activation_dtype();
    keys = {dtype,          k.View().data, v.View().data, heads.num_kv_heads,
            heads.head_dim, tokens,        tokens};
    queries = {dtype, q.View().data, tokens, heads.num_q_heads, heads.head_dim, 0, q.View().stride};
  }

  Activation q, k, v, out;
  KvView keys;
  QueryView queries;
};

void MeasureAttention(Backend& backend, const HeadShape& heads, Rates& rates) {
  constexpr int kTokens = 512;
  constexpr int kBlock = 64;
  AttentionProbe probe(backend, heads, kTokens);
  const double pair_flops = 4.0 * heads.num_q_heads * heads.head_dim;
  const double pairs = CausalPairs(0, kTokens);
  rates.prefill_attention =
      pairs * pair_flops / SecondsOf(backend, [&] {
        backend.attention().AttendDense(probe.queries, probe.keys, probe.out.View());
      });
  QueryView last = probe.queries;
  last.num_tokens = 1;
  last.first_pos = kTokens - 1;
  rates.decode_attention =
      kTokens * pair_flops / SecondsOf(backend, [&] {
        backend.attention().AttendDense(last, probe.keys, probe.out.View().Rows(0, 1));
      });
  constexpr int kBlocks = kTokens / kBlock;
  Buffer<float> mass(backend.memory(), "selection", kBlocks * kBlocks);
  LayerDims dims;
  dims.heads = heads;
  const SelectionCostShape shape{SelectionKind::kMass, kBlock, {}, 0, 1};
  const double mass_flops =
      PrefillLayerCost(dims, shape, kTokens)[static_cast<size_t>(Stage::kMass)].flops;
  rates.block_mass = mass_flops / SecondsOf(backend, [&] {
                       backend.attention().BlockMass(probe.queries, probe.keys, kBlock, 1,
                                                     MassJoin::kSum, mass.data(), kBlocks);
                     });
}

}  // namespace

Rates Calibrate(Backend& backend, const LlamaShape& model, DType weight_dtype) {
  constexpr int kRows = 128;
  const std::vector<uint8_t> zeros(
      static_cast<size_t>(model.ffn_dim * RowBytes(weight_dtype, model.hidden_dim)));
  const WeightView weight =
      backend.AdoptWeight({weight_dtype, zeros.data(), model.ffn_dim, model.hidden_dim});
  Rates rates;
  rates.prefill_matmul = MatMulRate(backend, weight, kRows);
  rates.decode_matmul = MatMulRate(backend, weight, 1);
  MeasureAttention(backend, {model.num_q_heads, model.num_kv_heads, model.head_dim}, rates);
  return rates;
}

}  // namespace sw
