#include "engine/admission.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gatehouse {
namespace {

// Of the time until its deadline this much may be spent on what waits before a request: others come after it
// that have their share, and what it costs is an estimate.
constexpr double kShareOfDeadline = 0.7;

// Estimates and what they came to, the older the less they count: a hundred requests ago a third still does.
class Experience {
 public:
  void Add(int64_t estimate, int64_t found) {
    constexpr double kKept = 0.99;
    estimated_ = kKept * estimated_ + static_cast<double>(estimate);
    found_ = kKept * found_ + static_cast<double>(found);
  }
  // Bounded, so that whoever sends what is easy to overrate lets in few more than there is room for.
  int64_t Cost(int64_t estimate) const {
    constexpr double kLeast = 0.25, kMost = 4.0;
    const double ratio = std::clamp(found_ / estimated_, kLeast, kMost);
    return std::max<int64_t>(1, std::llround(ratio * static_cast<double>(estimate)));
  }

 private:
  double estimated_ = 1.0, found_ = 1.0;
};

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
  Experience experience;

  // Refused, until so much more has been served.
  Error TooMuch(int64_t over, const std::string& expected, const std::string& found) const {
    constexpr double kUnknown = 1.0, kShortest = 0.1, kLongest = 600.0;
    Error error{ErrorCode::kBusy, "too much is waiting", "engine", expected, found};
    error.retry_after =
        rate > 0 ? std::clamp(static_cast<double>(over) / rate, kShortest, kLongest) : kUnknown;
    return error;
  }
  std::optional<Error> Refusal(const std::string& tenant, int64_t cost,
                               std::optional<Clock::time_point> deadline) const;
};

Ticket::Ticket(Ticket&& other) noexcept
    : state_(std::move(other.state_)),
      holder_(std::exchange(other.holder_, nullptr)),
      cost_(std::exchange(other.cost_, 0)),
      estimate_(std::exchange(other.estimate_, 0)) {}

Ticket& Ticket::operator=(Ticket&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(holder_, other.holder_);
  std::swap(cost_, other.cost_);
  std::swap(estimate_, other.estimate_);
  return *this;
}

void Ticket::Correct(int64_t cost) {
  if (state_ == nullptr) return;
  std::lock_guard lock(state_->mutex);
  if (const int64_t estimate = std::exchange(estimate_, 0); estimate > 0)
    state_->experience.Add(estimate, cost);
  Become(cost);
}

void Ticket::Become(int64_t cost) {
  holder_->cost += cost - cost_;
  state_->total += cost - cost_;
  cost_ = cost;
}

void Ticket::GiveBack() {
  if (state_ == nullptr) return;
  const std::shared_ptr<State> state = state_;
  std::lock_guard lock(state->mutex);
  Become(0);
  state_ = nullptr;
  if (--holder_->tickets == 0) state->holders.erase(state->holders.find(holder_->tenant));
  holder_ = nullptr;
}

Admission::Admission(int64_t limit) : state_(std::make_shared<Ticket::State>(limit)) {}

std::optional<Error> Ticket::State::Refusal(const std::string& tenant, int64_t cost,
                                            std::optional<Clock::time_point> deadline) const {
  const auto known = holders.find(tenant);
  const int64_t own = known == holders.end() ? 0 : known->second->cost;
  const auto tenants = static_cast<int64_t>(holders.size()) + (known == holders.end() ? 1 : 0);
  // One that waits for nothing else may always come: else a text longer than the share never could.
  if (own > 0 && own + cost > limit / tenants) {
    // Until what is too much has been served: each tenant gets its share of the time.
    return TooMuch((own + cost - limit / tenants) * tenants,
                   "at most " + std::to_string(limit / tenants) + " tokens of one tenant",
                   std::to_string(own + cost));
  }
  if (!deadline || rate <= 0) return std::nullopt;
  // While this one waits, each other tenant is served as much as its own, if it has so much.
  int64_t before = own;
  for (const auto& [name, holder] : holders) {
    if (name != tenant) before += std::min(holder->cost, own + cost);
  }
  const double seconds = std::chrono::duration<double>(*deadline - Clock::now()).count();
  const auto most = static_cast<int64_t>(kShareOfDeadline * std::max(seconds, 0.0) * rate);
  // Its own cost counts where it is one of many: what is late by itself is late, not refused.
  const int64_t all = before + (own > 0 ? cost : 0);
  if (before == 0 || all <= most) return std::nullopt;
  return TooMuch(all - most, "at most " + std::to_string(most) + " tokens before its deadline",
                 std::to_string(all));
}

std::optional<Error> Admission::Refusal(const std::string& tenant, int64_t estimate,
                                        std::optional<Clock::time_point> deadline) const {
  std::lock_guard lock(state_->mutex);
  return state_->Refusal(tenant, state_->experience.Cost(estimate), deadline);
}

Result<Ticket> Admission::Admit(const std::string& tenant, int64_t estimate,
                                std::optional<Clock::time_point> deadline) {
  Ticket::State& state = *state_;
  std::lock_guard lock(state.mutex);
  const int64_t cost = state.experience.Cost(estimate);
  if (std::optional<Error> refusal = state.Refusal(tenant, cost, deadline)) return std::move(*refusal);
  const auto known = state.holders.find(tenant);
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
  ticket.estimate_ = estimate;
  return ticket;
}

void Admission::set_rate(double rate) {
  std::lock_guard lock(state_->mutex);
  state_->rate = rate;
}

double Admission::rate() const {
  std::lock_guard lock(state_->mutex);
  return state_->rate;
}

int64_t Admission::waiting() const {
  std::lock_guard lock(state_->mutex);
  return state_->total;
}

}  // namespace gatehouse
