#include "train/run/peers.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/elapsed.h"
#include "base/error.h"
#include "train/run/peer_line.h"

namespace gatehouse::train {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int kMost = 1024;  // processes
constexpr uint64_t kLongestText = uint64_t{1} << 36;

std::string NameOf(int rank, int count) {
  return "process " + std::to_string(rank) + " of " + std::to_string(count);
}

class TcpPeers : public Peers {
 public:
  explicit TcpPeers(const PeerOptions& options) : options_(options) {}

  int count() const override { return options_.count; }
  int rank() const override { return options_.rank; }

  Result<void> Listen(const std::string& host, const std::string& port, const std::string& identity) {
    error_code error;
    tcp::resolver resolver(context_);
    const auto found = resolver.resolve(host, port, tcp::resolver::passive, error);
    if (error)
      return UsageError("bad address", "--leader", "HOST:PORT", options_.leader + ": " + error.message());
    const tcp::endpoint place = found.begin()->endpoint();
    tcp::acceptor acceptor(context_);
    acceptor.open(place.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(place, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return UsageError("cannot listen", "--leader", "a free address of this machine",
                        options_.leader + ": " + error.message());
    lines_.resize(static_cast<size_t>(options_.count));
    const Clock::time_point begin = Clock::now();
    for (int there = 1; there < options_.count;) {
      const double left = options_.wait - SecondsSince(begin);
      GATEHOUSE_ASSIGN(auto socket, Accept(acceptor, left));
      if (!socket)
        return InternalError(
            "not all processes came within " + std::to_string(static_cast<int>(options_.wait)) + " s",
            FirstMissing() + " is missing");
      auto line = std::make_unique<PeerLine>(std::move(*socket), "a process that has not said which");
      // One that says nothing, such as a scan of ports, does not keep the others out.
      line->Within(std::clamp(left, 1.0, 5.0));
      const Result<int> rank = Greet(*line, identity);
      if (!rank.ok() && rank.error().code == ErrorCode::kUsage) return rank.error();
      if (!rank.ok()) continue;  // somebody else's connection
      line->Within(0);
      lines_[static_cast<size_t>(*rank)] = std::move(line);
      ++there;
    }
    for (int rank = 1; rank < options_.count; ++rank)
      GATEHOUSE_TRY(Of(rank).Send({peer::Kind::kWelcome, 0, 0}, nullptr));
    return {};
  }

  Result<void> Connect(const std::string& host, const std::string& port, const std::string& identity) {
    const Clock::time_point begin = Clock::now();
    std::optional<tcp::socket> socket;
    while (!socket) {
      error_code error;
      tcp::resolver resolver(context_);
      tcp::socket tried(context_);
      const auto found = resolver.resolve(host, port, error);
      if (!error) asio::connect(tried, found, error);
      if (!error) {
        socket.emplace(std::move(tried));
      } else if (SecondsSince(begin) > options_.wait) {
        return InternalError(NameOf(0, options_.count) + " does not answer at " + options_.leader,
                             error.message());
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    }
    lines_.push_back(std::make_unique<PeerLine>(std::move(*socket), NameOf(0, options_.count)));
    const std::string hello = std::to_string(options_.count) + " " + identity;
    GATEHOUSE_TRY(Of(0).Send({peer::Kind::kHello, options_.rank, hello.size()}, hello.data()));
    Of(0).Within(options_.wait + 5);
    GATEHOUSE_ASSIGN(const peer::Head welcome, Of(0).Receive(peer::Kind::kWelcome));
    static_cast<void>(welcome);
    Of(0).Within(0);
    return {};
  }

  Result<void> Add(std::span<float> values, double* loss) override {
    const peer::Head head{peer::Kind::kValues, options_.rank, values.size_bytes() + sizeof *loss};
    if (options_.rank != 0) {
      GATEHOUSE_TRY(SendValues(Of(0), head, values, *loss));
      return ReceiveValues(Of(0), values, loss);
    }
    other_.resize(values.size());
    for (int rank = 1; rank < options_.count; ++rank) {
      double other_loss = 0;
      const Result<void> got = ReceiveValues(Of(rank), other_, &other_loss);
      if (!got.ok()) return EndAll(got.error());
      for (size_t i = 0; i < values.size(); ++i) values[i] += other_[i];
      *loss += other_loss;
    }
    for (int rank = 1; rank < options_.count; ++rank) {
      const Result<void> sent = SendValues(Of(rank), head, values, *loss);
      if (!sent.ok()) return EndAll(sent.error());
    }
    return {};
  }

  Result<void> Tell(std::string* text) override {
    if (options_.rank != 0) {
      GATEHOUSE_ASSIGN(*text, Of(0).ReceiveText(peer::Kind::kText, kLongestText));
      return {};
    }
    for (int rank = 1; rank < options_.count; ++rank) {
      const Result<void> sent = Of(rank).Send({peer::Kind::kText, 0, text->size()}, text->data());
      if (!sent.ok()) return EndAll(sent.error());
    }
    return {};
  }

 private:
  PeerLine& Of(int rank) { return *lines_[options_.rank == 0 ? static_cast<size_t>(rank) : 0]; }

  std::string FirstMissing() const {
    for (int rank = 1; rank < options_.count; ++rank) {
      if (lines_[static_cast<size_t>(rank)] == nullptr) return NameOf(rank, options_.count);
    }
    return "none";
  }

  Result<std::optional<tcp::socket>> Accept(tcp::acceptor& acceptor, double seconds) {
    std::optional<tcp::socket> out;
    error_code failed;
    acceptor.async_accept([&](const error_code& error, tcp::socket socket) {
      failed = error;
      if (!error) out.emplace(std::move(socket));
    });
    context_.restart();
    context_.run_for(std::chrono::milliseconds(static_cast<int64_t>(std::max(seconds, 0.0) * 1000)));
    if (!out) {
      error_code ignored;
      acceptor.cancel(ignored);
      context_.restart();
      context_.run();
    }
    if (failed && failed != asio::error::operation_aborted)
      return InternalError("cannot accept", failed.message());
    return out;
  }

  // Who it is; what is not of this run is told so.
  Result<int> Greet(PeerLine& line, const std::string& identity) {
    GATEHOUSE_ASSIGN(const peer::Head head, line.Receive(peer::Kind::kHello));
    if (head.bytes > identity.size() + 4096) return InternalError("a greeting that is too long", "training");
    std::string hello(head.bytes, ' ');
    GATEHOUSE_TRY(line.Fill(hello.data(), hello.size()));
    const auto refuse = [&](const std::string& what, const std::string& expected,
                            const std::string& found) -> Error {
      Error error = UsageError(what, NameOf(head.rank, options_.count), expected, found);
      const std::string text = error.Message();
      static_cast<void>(
          line.Send({peer::Kind::kLost, 0, std::min<uint64_t>(text.size(), 4096)}, text.data()));
      return error;
    };
    const size_t space = hello.find(' ');
    if (hello.substr(0, space) != std::to_string(options_.count))
      return refuse("another number of processes", std::to_string(options_.count),
                    hello.substr(0, space).substr(0, 20));
    if (space == std::string::npos || hello.substr(space + 1) != identity)
      return refuse("another run", "the same settings, data, model, threads and instruction set", "others");
    if (head.rank < 1 || head.rank >= options_.count)
      return refuse("rank out of range", "1 to " + std::to_string(options_.count - 1),
                    std::to_string(head.rank));
    if (lines_[static_cast<size_t>(head.rank)] != nullptr)
      return refuse("a rank twice", "each rank once", std::to_string(head.rank));
    line.set_other(NameOf(head.rank, options_.count));
    return head.rank;
  }

  // The sum and the loss in one message.
  static Result<void> SendValues(PeerLine& line, peer::Head head, std::span<const float> values,
                                 double loss) {
    std::vector<std::byte> bytes(head.bytes);
    std::memcpy(bytes.data(), &loss, sizeof loss);
    std::memcpy(bytes.data() + sizeof loss, values.data(), values.size_bytes());
    return line.Send(head, bytes.data());
  }
  static Result<void> ReceiveValues(PeerLine& line, std::span<float> values, double* loss) {
    GATEHOUSE_ASSIGN(const peer::Head head, line.Receive(peer::Kind::kValues));
    if (head.bytes != values.size_bytes() + sizeof *loss)
      return InternalError("gradients of another size", "training in several processes");
    GATEHOUSE_TRY(line.Fill(loss, sizeof *loss));
    return line.Fill(values.data(), values.size_bytes());
  }

  // The others hear why, rather than that this one is gone.
  Error EndAll(const Error& error) {
    const std::string text = error.Message().substr(0, 4096);
    for (int rank = 1; rank < options_.count; ++rank)
      static_cast<void>(Of(rank).Send({peer::Kind::kLost, 0, text.size()}, text.data()));
    return error;
  }

  const PeerOptions options_;
  asio::io_context context_;
  std::vector<std::unique_ptr<PeerLine>> lines_;  // rank 0: by rank, 0 unused; the others: to rank 0 alone
  std::vector<float> other_;
};

}  // namespace

Result<std::unique_ptr<Peers>> Peers::Gather(const PeerOptions& options, const std::string& identity) {
  if (options.count < 2 || options.count > kMost)
    return UsageError("out of range", "--processes", "2 to " + std::to_string(kMost),
                      std::to_string(options.count));
  if (options.rank < 0 || options.rank >= options.count)
    return UsageError("out of range", "--rank", "0 to " + std::to_string(options.count - 1),
                      std::to_string(options.rank));
  const size_t colon = options.leader.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == options.leader.size())
    return UsageError("bad address", "--leader", "HOST:PORT",
                      options.leader.empty() ? "nothing" : options.leader);
  const std::string host = options.leader.substr(0, colon), port = options.leader.substr(colon + 1);
  auto out = std::make_unique<TcpPeers>(options);
  GATEHOUSE_TRY(options.rank == 0 ? out->Listen(host, port, identity) : out->Connect(host, port, identity));
  return std::unique_ptr<Peers>(std::move(out));
}

}  // namespace gatehouse::train
