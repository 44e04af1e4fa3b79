#include "engine/admission.h"

#include <algorithm>
#include <utility>

namespace gatehouse {

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

Result<Ticket> Admission::Admit(const std::string& tenant, int64_t cost) {
  Ticket::State& state = *state_;
  std::lock_guard lock(state.mutex);
  const auto known = state.holders.find(tenant);
  const int64_t own = known == state.holders.end() ? 0 : known->second->cost;
  const auto tenants = static_cast<int64_t>(state.holders.size()) + (known == state.holders.end() ? 1 : 0);
  // One that waits for nothing else may always come: else a text longer than the share never could.
  if (own > 0 && own + cost > state.limit / tenants) {
    constexpr double kUnknown = 1.0, kShortest = 0.1, kLongest = 600.0;
    Error error{ErrorCode::kBusy, "too much is waiting", "engine",
                "at most " + std::to_string(state.limit / tenants) + " tokens of one tenant",
                std::to_string(own + cost)};
    // Until what is too much has been served: each tenant gets its share of the time.
    const int64_t over = own + cost - state.limit / tenants;
    error.retry_after =
        state.rate > 0 ? std::clamp(static_cast<double>(over * tenants) / state.rate, kShortest, kLongest)
                       : kUnknown;
    return error;
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
