// Fetcher: files from a few web servers that somebody listed, and from nowhere else: what an address in a
// request leads to is looked at again after its name was resolved and at every redirection.
//
//   GATEHOUSE_ASSIGN(FetchRules rules, ...ParseAllowedHost("images.example.org"));
//   Fetcher fetcher(rules);
//   fetcher.Fetch({url}, deadline, [](Result<std::vector<std::string>> files) { ... });
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/workers.h"
#include "gatehouse/result.h"

struct sockaddr;

namespace gatehouse::server {

struct AllowedHost {
  std::string host;   // in small letters; of IPv6 without brackets
  uint16_t port = 0;  // 0: the usual one of http or https
};
// "HOST" or "HOST:PORT". Errors: kUsage, naming the flag.
Result<AllowedHost> ParseAllowedHost(std::string_view text, const std::string& flag);

struct FetchRules {
  std::vector<AllowedHost> hosts;
  size_t max_bytes = size_t{20} << 20;    // of one file
  size_t max_total = size_t{24} << 20;    // of one request's files
  std::chrono::milliseconds most{10000};  // of one request's files together
  int redirections = 3;                   // each to a listed host
};

// Whether the address is one of the open network: no loopback, private, link-local, shared or reserved one,
// also not as IPv6 writes such a one of IPv4.
bool IsOpenAddress(const sockaddr* address);

class Fetcher {
 public:
  // Throws what std::thread does.
  explicit Fetcher(FetchRules rules);
  ~Fetcher();  // ends what is under way as an error
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  using Done = std::function<void(Result<std::vector<std::string>>)>;
  // Calls done once, on a thread of its own: the files in the order of urls. Errors: kBadInput: an address
  // that is not allowed, a status that is not 200, a file that is too large or comes too late; kBusy: too
  // many requests wait.
  void Fetch(std::vector<std::string> urls, std::chrono::steady_clock::time_point deadline, Done done);

 private:
  struct Shared;
  class Item;
  const std::shared_ptr<Shared> shared_;
  Workers workers_;
};

}  // namespace gatehouse::server
