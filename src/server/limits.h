// Limits of single keys: requests a minute, and tokens of requests that are not answered yet.
//
//   if (const double wait = limits.TakeRequest(key); wait > 0) ... 429, come again after so many seconds
//   auto work = limits.TakeTokens(key, EstimatedCost(conversation));   // null: 429; given back when it goes
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "server/keys.h"

namespace gatehouse::server {

class Limits {
 public:
  using Clock = std::chrono::steady_clock;

  // 0: go on; else seconds until there is room for one more. A minute's requests may come at once.
  double TakeRequest(const Key& key, Clock::time_point now = Clock::now());
  // A key that has nothing unfinished gets one request of any size.
  std::shared_ptr<void> TakeTokens(const Key& key, int64_t tokens);

 private:
  struct Use {
    double requests = 0;  // of the last minute, as far as they are not forgiven
    Clock::time_point at;
  };
  struct Work {
    std::mutex mutex;
    std::map<std::string, int64_t> tokens;
  };
  std::mutex mutex_;
  std::map<std::string, Use> uses_;  // by a key's name
  std::shared_ptr<Work> work_ = std::make_shared<Work>();
};

}  // namespace gatehouse::server
