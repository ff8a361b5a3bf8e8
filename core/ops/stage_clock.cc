#include "core/ops/stage_clock.h"

#include "core/base/check.h"

namespace sw {

std::string_view NameOf(Stage stage) {
  switch (stage) {
    case Stage::kEmbed:
      return "embed";
    case Stage::kNorm:
      return "norm";
    case Stage::kQkv:
      return "qkv";
    case Stage::kRope:
      return "rope";
    case Stage::kSummarise:
      return "summarise";
    case Stage::kScore:
      return "score";
    case Stage::kWalk:
      return "walk";
    case Stage::kPick:
      return "pick";
    case Stage::kMass:
      return "mass";
    case Stage::kAttend:
      return "attend";
    case Stage::kOutProj:
      return "out_proj";
    case Stage::kMlp:
      return "mlp";
    case Stage::kHead:
      return "head";
  }
  SW_CHECK(false, "stage {}", static_cast<int>(stage));
}

bool IsAttention(Stage stage) { return Stage::kSummarise <= stage && stage <= Stage::kAttend; }

}  // namespace sw
