#include "server/http/fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "server/http/message.h"

namespace gatehouse::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kThreads = 4;
constexpr int kMostWaiting = 256;

// No address, no status and no text of another server's is told: what is behind a listed host is not the
// client's business either.
Error NotFetched(const std::string& why) {
  return BadInput("an image could not be fetched", "image URL", "an image at a host of --allow-image-hosts",
                  why);
}

struct UrlParts {
  std::string host;
  uint16_t port = 0;
  bool usual_port = true;
};

std::string PartOf(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  std::string out;
  if (::curl_url_get(url, part, &text, flags) == CURLUE_OK && text != nullptr) out = text;
  ::curl_free(text);
  return out;
}

Result<UrlParts> PartsOf(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&::curl_url_cleanup)> parsed(::curl_url(), ::curl_url_cleanup);
  if (parsed == nullptr || ::curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return NotFetched("a malformed address");
  const std::string scheme = PartOf(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return NotFetched("another scheme");
  if (!PartOf(parsed.get(), CURLUPART_USER).empty() || !PartOf(parsed.get(), CURLUPART_PASSWORD).empty())
    return NotFetched("a name or password in the address");
  UrlParts out;
  out.host = PartOf(parsed.get(), CURLUPART_HOST);
  if (out.host.starts_with('[') && out.host.ends_with(']'))
    out.host = out.host.substr(1, out.host.size() - 2);
  out.host = InSmallLetters(out.host);
  out.port = static_cast<uint16_t>(std::stoul(PartOf(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)));
  out.usual_port = out.port == (scheme == "http" ? 80 : 443);
  return out;
}

bool IsListed(const FetchRules& rules, const UrlParts& url) {
  return std::any_of(rules.hosts.begin(), rules.hosts.end(), [&](const AllowedHost& host) {
    return host.host == url.host && (host.port == 0 ? url.usual_port : host.port == url.port);
  });
}

// Whether the list names that very address.
bool IsListedAddress(const FetchRules& rules, const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  uint16_t port = 0;
  if (address->sa_family == AF_INET) {
    sockaddr_in own{};
    std::memcpy(&own, address, sizeof own);
    port = ntohs(own.sin_port);
    ::inet_ntop(AF_INET, &own.sin_addr, text, sizeof text);
  } else {
    sockaddr_in6 own{};
    std::memcpy(&own, address, sizeof own);
    port = ntohs(own.sin6_port);
    ::inet_ntop(AF_INET6, &own.sin6_addr, text, sizeof text);
  }
  return std::any_of(rules.hosts.begin(), rules.hosts.end(), [&](const AllowedHost& host) {
    return host.host == text && (host.port == 0 ? port == 80 || port == 443 : host.port == port);
  });
}

struct Transfer {
  const FetchRules& rules;
  size_t most;  // bytes
  const std::atomic<bool>& stopped;
  std::string bytes = {};
  bool too_large = false, closed_address = false;
};

// Called once the name is resolved, with the address that will be connected to.
curl_socket_t Open(void* at, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(at);
  if (!IsOpenAddress(&address->addr) && !IsListedAddress(transfer.rules, &address->addr)) {
    transfer.closed_address = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

size_t Take(char* data, size_t size, size_t count, void* at) {
  auto& transfer = *static_cast<Transfer*>(at);
  if (transfer.bytes.size() + size * count > transfer.most) {
    transfer.too_large = true;
    return 0;
  }
  transfer.bytes.append(data, size * count);
  return size * count;
}

int OnProgress(void* at, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(at)->stopped.load() ? 1 : 0;
}

struct Answer {
  long status = 0;
  std::string location;  // of a redirection, absolute
  std::string bytes;
};

Result<Answer> Ask(const std::string& url, const FetchRules& rules, size_t most, Clock::time_point deadline,
                   const std::atomic<bool>& stopped) {
  GATEHOUSE_ASSIGN(const UrlParts parts, PartsOf(url));
  if (!IsListed(rules, parts)) return NotFetched("another host");
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (left <= 0) return NotFetched("nothing in time");
  const std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)> handle(::curl_easy_init(), ::curl_easy_cleanup);
  if (handle == nullptr) return InternalError("no memory for a transfer", "image URL");
  CURL* curl = handle.get();
  Transfer transfer{rules, most, stopped};
  ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);  // each is looked at first
  ::curl_easy_setopt(curl, CURLOPT_PROXY, "");           // and none of the environment
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(left));
  ::curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(most));
  ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "gatehouse");
  ::curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, Open);
  ::curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &transfer);
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Take);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  ::curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, OnProgress);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  const CURLcode code = ::curl_easy_perform(curl);
  if (transfer.closed_address) return NotFetched("an address of a closed network");
  if (transfer.too_large || code == CURLE_FILESIZE_EXCEEDED)
    return NotFetched("more than " + std::to_string(most) + " bytes");
  if (code == CURLE_OPERATION_TIMEDOUT) return NotFetched("nothing in time");
  if (code != CURLE_OK) return NotFetched("no answer");
  Answer out;
  ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out.status);
  char* location = nullptr;
  ::curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
  if (location != nullptr) out.location = location;
  out.bytes = std::move(transfer.bytes);
  return out;
}

Result<std::string> FetchOne(std::string url, const FetchRules& rules, size_t most,
                             Clock::time_point deadline, const std::atomic<bool>& stopped) {
  for (int at = 0; at <= rules.redirections; ++at) {
    GATEHOUSE_ASSIGN(Answer answer, Ask(url, rules, most, deadline, stopped));
    if (answer.status == 200) return std::move(answer.bytes);
    if (answer.location.empty()) return NotFetched("another status than 200");
    url = std::move(answer.location);
  }
  return NotFetched("too many redirections");
}

void StartCurl() {
  static std::once_flag once;
  std::call_once(once, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

struct Fetcher::Shared {
  explicit Shared(FetchRules rules_in) : rules(std::move(rules_in)) {}
  const FetchRules rules;
  std::atomic<bool> stopped{false};
  std::atomic<int> waiting{0};
};

class Fetcher::Item : public WorkItem {
 public:
  Item(std::shared_ptr<Shared> shared, std::vector<std::string> urls, Clock::time_point deadline, Done done)
      : shared_(std::move(shared)), urls_(std::move(urls)), deadline_(deadline), done_(std::move(done)) {}
  ~Item() override {
    shared_->waiting.fetch_sub(1);
    if (done_) done_(Error{ErrorCode::kCancelled, "the server ends", {}, {}, {}});
  }

  void Run() noexcept override {
    Result<std::vector<std::string>> result = [&]() -> Result<std::vector<std::string>> {
      try {
        std::vector<std::string> files;
        size_t left = shared_->rules.max_total;
        for (std::string& url : urls_) {
          if (shared_->stopped) return Error{ErrorCode::kCancelled, "the server ends", {}, {}, {}};
          GATEHOUSE_ASSIGN(std::string file,
                           FetchOne(std::move(url), shared_->rules, std::min(left, shared_->rules.max_bytes),
                                    deadline_, shared_->stopped));
          left -= file.size();
          files.push_back(std::move(file));
        }
        return files;
      } catch (const std::exception&) {  // no memory, above all
        return InternalError("no memory for an image", "image URL");
      }
    }();
    std::exchange(done_, {})(std::move(result));
  }

 private:
  const std::shared_ptr<Shared> shared_;
  std::vector<std::string> urls_;
  const Clock::time_point deadline_;
  Done done_;
};

Fetcher::Fetcher(FetchRules rules) : shared_(std::make_shared<Shared>(std::move(rules))), workers_(kThreads) {
  StartCurl();
}

Fetcher::~Fetcher() {
  shared_->stopped = true;
  workers_.Stop(false);
}

void Fetcher::Fetch(std::vector<std::string> urls, Clock::time_point deadline, Done done) {
  if (shared_->waiting.fetch_add(1) >= kMostWaiting) {
    shared_->waiting.fetch_sub(1);
    return done(Error{ErrorCode::kBusy, "too many images are fetched", {}, {}, {}, 1.0});
  }
  const Clock::time_point latest = std::min(deadline, Clock::now() + shared_->rules.most);
  workers_.Post(std::make_shared<Item>(shared_, std::move(urls), latest, std::move(done)));
}

}  // namespace gatehouse::server
