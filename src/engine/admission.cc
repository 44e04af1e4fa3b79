#include "engine/admission.h"

#include <algorithm>
#include <utility>

namespace gatehouse {
namespace {

// Of the time until its deadline this much may be spent on what waits before a request: others come after it
// that have their share, and what it costs is an estimate.
constexpr double kShareOfDeadline = 0.7;

}  // namespace

struct Ticket::Holder {
  std::string tenant;
  int64_t cost = 0;
  int64_t tickets = 0;
};

struct Ticket::State {
  explicit State(int64_t limit_in) : limit(limit_in) {}
  const int64_t limit;
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<Holder>> holders;
  int64_t total = 0;
  double rate = 0;  // 0: nothing was computed yet

  // Refused, until so much more has been served.
  Error TooMuch(int64_t over, const std::string& expected, const std::string& found) const {
    constexpr double kUnknown = 1.0, kShortest = 0.1, kLongest = 600.0;
    Error error{ErrorCode::kBusy, "too much is waiting", "engine", expected, found};
    error.retry_after =
        rate > 0 ? std::clamp(static_cast<double>(over) / rate, kShortest, kLongest) : kUnknown;
    return error;
  }
};

Ticket::Ticket(Ticket&& other) noexcept
    : state_(std::move(other.state_)),
      holder_(std::exchange(other.holder_, nullptr)),
      cost_(std::exchange(other.cost_, 0)) {}

Ticket& Ticket::operator=(Ticket&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(holder_, other.holder_);
  std::swap(cost_, other.cost_);
  return *this;
}

void Ticket::Correct(int64_t cost) {
  if (state_ == nullptr) return;
  std::lock_guard lock(state_->mutex);
  holder_->cost += cost - cost_;
  state_->total += cost - cost_;
  cost_ = cost;
}

void Ticket::GiveBack() {
  if (state_ == nullptr) return;
  Correct(0);
  const std::shared_ptr<State> state = std::move(state_);
  std::lock_guard lock(state->mutex);
  if (--holder_->tickets == 0) state->holders.erase(state->holders.find(holder_->tenant));
  holder_ = nullptr;
}

Admission::Admission(int64_t limit) : state_(std::make_shared<Ticket::State>(limit)) {}

Result<Ticket> Admission::Admit(const std::string& tenant, int64_t cost,
                                std::optional<Clock::time_point> deadline) {
  Ticket::State& state = *state_;
  std::lock_guard lock(state.mutex);
  const auto known = state.holders.find(tenant);
  const int64_t own = known == state.holders.end() ? 0 : known->second->cost;
  const auto tenants = static_cast<int64_t>(state.holders.size()) + (known == state.holders.end() ? 1 : 0);
  // One that waits for nothing else may always come: else a text longer than the share never could.
  if (own > 0 && own + cost > state.limit / tenants) {
    // Until what is too much has been served: each tenant gets its share of the time.
    return state.TooMuch((own + cost - state.limit / tenants) * tenants,
                         "at most " + std::to_string(state.limit / tenants) + " tokens of one tenant",
                         std::to_string(own + cost));
  }
  if (deadline && state.rate > 0) {
    // While this one waits, each other tenant is served as much as its own, if it has so much.
    int64_t before = own;
    for (const auto& [name, holder] : state.holders) {
      if (name != tenant) before += std::min(holder->cost, own + cost);
    }
    const double seconds = std::chrono::duration<double>(*deadline - Clock::now()).count();
    const auto most = static_cast<int64_t>(kShareOfDeadline * std::max(seconds, 0.0) * state.rate);
    // Its own cost counts where it is one of many: what is late by itself is late, not refused.
    const int64_t all = before + (own > 0 ? cost : 0);
    if (before > 0 && all > most)
      return state.TooMuch(all - most, "at most " + std::to_string(most) + " tokens before its deadline",
                           std::to_string(all));
  }
  Ticket ticket;
  Ticket::Holder* holder = nullptr;
  if (known == state.holders.end()) {
    auto made = std::make_unique<Ticket::Holder>();
    made->tenant = tenant;
    holder = state.holders.emplace(tenant, std::move(made)).first->second.get();
  } else {
    holder = known->second.get();
  }
  ++holder->tickets;
  holder->cost += cost;
  state.total += cost;
  ticket.state_ = state_;
  ticket.holder_ = holder;
  ticket.cost_ = cost;
  return ticket;
}

void Admission::set_rate(double rate) {
  std::lock_guard lock(state_->mutex);
  state_->rate = rate;
}

int64_t Admission::waiting() const {
  std::lock_guard lock(state_->mutex);
  return state_->total;
}

}  // namespace gatehouse
