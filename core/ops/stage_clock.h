// SEAM StageClock: where the time of a forward pass goes, per layer and stage. Off by default; then
// a StageTimer costs one branch.
#pragma once

#include <array>
#include <string_view>
#include <vector>

namespace sw {

enum class Stage {
  kEmbed,
  kNorm,
  kQkv,
  kRope,  // before attention
  kSummarise,
  kScore,
  kWalk,
  kPick,
  kMass,
  kAttend,  // attention with its selection
  kOutProj,
  kMlp,
  kHead,  // after it
};
inline constexpr int kNumStages = 13;
std::string_view NameOf(Stage stage);
// Selection and attention together: what "attention time" means everywhere in this project.
bool IsAttention(Stage stage);

struct StageSeconds {
  int layer = -1;  // -1 outside the layers
  std::array<double, kNumStages> seconds{};
};

class StageClock {
 public:
  virtual ~StageClock() = default;
  virtual bool enabled() const = 0;
  virtual void Enable(bool on) = 0;
  virtual void Start(int layer, Stage stage) = 0;  // stages do not nest
  virtual void Stop() = 0;
  // Sums since the last Drain, one entry per layer met; waits for the device where there is one.
  virtual std::vector<StageSeconds> Drain() = 0;
};

class StageTimer {
 public:
  StageTimer(StageClock& clock, int layer, Stage stage)
      : clock_(clock.enabled() ? &clock : nullptr) {
    if (clock_ != nullptr) clock_->Start(layer, stage);
  }
  ~StageTimer() {
    if (clock_ != nullptr) clock_->Stop();
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  StageClock* clock_;
};

}  // namespace sw
