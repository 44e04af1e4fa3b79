// Admission: how much work may wait. A request is admitted once, by what it costs to compute, or refused at
// once with the time after which to come again; it is never refused later. Where several tenants wait, each
// has an equal share. Where a deadline is named, one is refused that what waits before it would make late:
// computing what nobody waits for any more is what makes a busy server useless. Safe to use from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/elapsed.h"
#include "gatehouse/result.h"

namespace gatehouse {

class Admission;

// The right to be served; given back when it goes.
class Ticket {
 public:
  Ticket() = default;
  ~Ticket() { GiveBack(); }
  Ticket(Ticket&& other) noexcept;
  Ticket& operator=(Ticket&& other) noexcept;
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  // What it came to cost, in place of the estimate. Never refused.
  void Correct(int64_t cost);
  void GiveBack();

 private:
  friend class Admission;
  struct State;
  struct Holder;
  void Become(int64_t cost);  // under the lock

  std::shared_ptr<State> state_;
  Holder* holder_ = nullptr;
  int64_t cost_ = 0;
  int64_t estimate_ = 0;  // 0: it was corrected
};

class Admission {
 public:
  // limit: cost that may wait, in tokens.
  explicit Admission(int64_t limit);

  // estimate: what it may cost. It counts for as much as estimates came to of late, until it is corrected.
  // Errors: kBusy, with retry_after.
  Result<Ticket> Admit(const std::string& tenant, int64_t estimate,
                       std::optional<Clock::time_point> deadline = {});
  // Why a request of so much would be refused now, if it would.
  std::optional<Error> Refusal(const std::string& tenant, int64_t estimate,
                               std::optional<Clock::time_point> deadline = {}) const;
  // Cost that was served a second, of late.
  void set_rate(double rate);
  double rate() const;
  int64_t waiting() const;

 private:
  std::shared_ptr<Ticket::State> state_;
};

}  // namespace gatehouse
