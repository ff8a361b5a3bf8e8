#include "core/attention/pass_order.h"

#include "core/base/check.h"

namespace sw {

PassOrder::PassOrder(const SequenceShape& shape) : shape_(shape) {
  SW_CHECK(shape.num_layers > 0 && shape.capacity_tokens > 0);
  SW_CHECK(shape.heads.num_kv_heads > 0 && shape.heads.head_dim > 0 &&
           shape.heads.num_q_heads % shape.heads.num_kv_heads == 0);
}

void PassOrder::Enter(Pass pass, const LayerInputs& in, const TensorView& out) {
  const HeadShape& heads = shape_.heads;
  SW_CHECK(in.layer == next_layer_, "layer {} arrived, layer {} is due", in.layer, next_layer_);
  SW_CHECK(in.q.num_heads == heads.num_q_heads && in.q.head_dim == heads.head_dim &&
           in.kv.num_kv_heads == heads.num_kv_heads && in.kv.head_dim == heads.head_dim);
  SW_CHECK(1 <= in.kv.len && in.kv.len <= shape_.capacity_tokens, "{} tokens, room for {}",
           in.kv.len, shape_.capacity_tokens);
  SW_CHECK(out.rows == in.q.num_tokens && out.cols == heads.num_q_heads * heads.head_dim);
  if (pass == Pass::kPrefill) {
    SW_CHECK(tokens_ == 0, "a prefill after {} tokens", tokens_);
    SW_CHECK(in.q.first_pos == 0 && in.q.num_tokens == in.kv.len);
  } else {
    SW_CHECK(tokens_ > 0, "a decode step before the prefill has ended");
    SW_CHECK(in.q.num_tokens == 1 && in.q.first_pos == tokens_ && in.kv.len == tokens_ + 1,
             "token {} with {} keys after {} tokens", in.q.first_pos, in.kv.len, tokens_);
  }
  SW_CHECK(in.layer == 0 || in.kv.len == pass_len_, "layer {} has {} tokens, layer 0 had {}",
           in.layer, in.kv.len, pass_len_);
  pass_len_ = in.kv.len;
}

bool PassOrder::Leave() {
  if (++next_layer_ < shape_.num_layers) return false;
  next_layer_ = 0;
  tokens_ = pass_len_;
  return true;
}

}  // namespace sw
