// Sequence: all that one prompt owns. Made by CausalLm::NewSequence, fed by Prefill and DecodeStep.
#pragma once

#include <memory>

#include "core/attention/attention_policy.h"
#include "core/cache/kv_cache.h"

namespace sw {

struct Sequence {
  const AttentionPolicy* policy = nullptr;  // borrowed
  KvCache cache;
  std::unique_ptr<SequenceState> state;
  int len = 0;  // tokens fed so far

  Sequence(const AttentionPolicy& p, KvCache c, std::unique_ptr<SequenceState> s)
      : policy(&p), cache(std::move(c)), state(std::move(s)) {}
};

}  // namespace sw
