#include "core/attention/policy_factory.h"

#include "core/attention/dense.h"
#include "core/attention/select/local_sink.h"
#include "core/attention/select/one_hop.h"
#include "core/attention/select/oracle.h"
#include "core/attention/select/random.h"
#include "core/attention/select/sketch_walk.h"
#include "core/attention/sparse.h"

namespace sw {
namespace {

struct SelectorMaker {
  const HeadShape& heads;
  Backend& backend;

  using Made = std::unique_ptr<const BlockSelector>;
  Made operator()(const DenseConfig&) const { return nullptr; }
  Made operator()(const SketchWalkConfig& c) const {
    return std::make_unique<SketchWalkSelector>(c, heads, backend);
  }
  Made operator()(const OneHopConfig& c) const {
    return std::make_unique<OneHopSelector>(c, heads, backend);
  }
  Made operator()(const OracleConfig& c) const {
    return std::make_unique<OracleSelector>(c, heads, backend);
  }
  Made operator()(const LocalSinkConfig& c) const {
    return std::make_unique<LocalSinkSelector>(c, backend);
  }
  Made operator()(const RandomConfig& c) const {
    return std::make_unique<RandomSelector>(c, backend);
  }
};

}  // namespace

std::unique_ptr<AttentionPolicy> MakePolicy(const PolicyConfig& config, const HeadShape& heads,
                                            int num_layers, Backend& backend) {
  ValidatePolicy(config, heads.head_dim, num_layers);
  const SparseConfig* sparse = SparsePartOf(config);
  if (sparse == nullptr) return std::make_unique<DensePolicy>(backend);
  return std::make_unique<SparsePolicy>(PolicyName(config), *sparse,
                                        std::visit(SelectorMaker{heads, backend}, config), backend);
}

}  // namespace sw
