#include "guard/guard_stats.h"

#include "guard/guard_impl.h"

namespace gatehouse {

GuardStats StatsOf(const Guard& guard) {
  const Engine& engine = *ImplOf(guard).engine;
  const EngineStats stats = engine.stats();
  return {stats.passes, stats.rows, stats.sequences, engine.waiting_tokens()};
}

}  // namespace gatehouse
