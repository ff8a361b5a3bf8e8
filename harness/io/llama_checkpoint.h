// A LLaMA checkpoint on disk, as weights that core/model can run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/model/llama_weights.h"
#include "harness/io/gguf.h"

namespace sw {

// Move-only; `weights` points into `file` and `owned`, and stays valid when the object is moved.
struct Checkpoint {
  std::string path;
  std::string name;           // general.name, or the file's own name
  std::string sha256;         // of the whole file, 64 hexadecimal digits
  std::string template_name;  // "chatml" when the chat template speaks of <|im_start|>, else "base"
  int64_t weight_bytes = 0;   // as stored, a tied output counted once
  LlamaWeights weights;

  std::unique_ptr<const GgufFile> file;
  std::vector<std::unique_ptr<uint8_t[]>> owned;  // matrices that had to be rewritten at load
};

// Reads a GGUF file of architecture `llama`. Rows of q and k are brought from the interleaved order
// of that format to the half-split one of llama_weights.h. Throws UserError when the file is
// damaged, or asks for something that the plain LLaMA forward pass does not do (biases, RoPE
// scaling, experts, sliding windows): never a model that is silently another one.
Checkpoint LoadLlamaGguf(const std::string& path);

}  // namespace sw
