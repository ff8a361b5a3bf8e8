// SEAM Backend: all that core knows about where numbers are computed.
#pragma once

#include "core/ops/attention_ops.h"
#include "core/ops/device_info.h"
#include "core/ops/layer_ops.h"
#include "core/ops/stage_clock.h"
#include "core/tensor/memory.h"
#include "core/tensor/tensor_view.h"

namespace sw {

class Backend {
 public:
  virtual ~Backend() = default;
  virtual Memory& memory() = 0;
  virtual const AttentionOps& attention() const = 0;
  virtual const LayerOps& layers() const = 0;
  virtual const DeviceInfo& device() const = 0;
  virtual StageClock& clock() = 0;
  virtual DType activation_dtype() const = 0;
  // A weight that lives on the host, made usable by layers(): borrowed as it is (host memory must
  // then outlive the backend's use of it) or copied and converted, owned by the backend.
  virtual WeightView AdoptWeight(const WeightView& host) = 0;
  virtual void Synchronise() = 0;
};

}  // namespace sw
