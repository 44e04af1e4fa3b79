// Requests at fixed times, whatever becomes of those before: one of many clients does not wait for the
// others.
//   serve_load --port 8080 --path /v1/moderations --bodies bodies.jsonl --rate 500 --seconds 10 --connections
//   16
//              [--header 'Authorization: Bearer KEY']... [--closed 1]
// A line for each request: when it was due and how long after that its answer was there (seconds), and the
// status (0: no answer). Where every connection is busy a request goes late, and that counts. closed: no
// times, each connection asks again once it has its answer.
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "ends.h"

namespace serve_bench {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

class Load {
 public:
  explicit Load(const Arguments& arguments)
      : port_(Get(arguments, "--port", "8080")),
        path_(Get(arguments, "--path", "/")),
        rate_(std::stod(Get(arguments, "--rate", "100"))),
        seconds_(std::stod(Get(arguments, "--seconds", "5"))),
        closed_(arguments.contains("--closed")) {
    std::ifstream file(Get(arguments, "--bodies", ""));
    for (std::string line; std::getline(file, line);) bodies_.push_back(line);
    const auto [first, last] = arguments.equal_range("--header");
    for (auto at = first; at != last; ++at) {
      const size_t colon = at->second.find(": ");
      headers_.emplace_back(at->second.substr(0, colon), at->second.substr(colon + 2));
    }
    const int connections = std::stoi(Get(arguments, "--connections", "16"));
    for (int i = 0; i < connections; ++i) net::co_spawn(io_, Client(), net::detached);
  }
  int Run() {
    if (bodies_.empty()) return 2;
    begin_ = Clock::now() + std::chrono::milliseconds(50);
    io_.run();
    for (const Result& result : results_)
      std::printf("%.6f %.6f %d\n", result.due, result.latency, result.status);
    return 0;
  }

 private:
  struct Result {
    double due, latency;
    int status;
  };

  net::awaitable<void> Client() {
    tcp::socket socket(io_);
    boost::beast::flat_buffer buffer;
    net::steady_timer timer(io_);
    for (;;) {
      const size_t number = next_++;
      Clock::time_point due = Clock::now();
      if (!closed_) {
        due = begin_ + std::chrono::duration_cast<Clock::duration>(
                           std::chrono::duration<double>(static_cast<double>(number) / rate_));
        if (Seconds(due - begin_) >= seconds_) co_return;
        timer.expires_at(due);
        co_await timer.async_wait(net::use_awaitable);
      } else if (Seconds(due - begin_) >= seconds_) {
        co_return;
      }
      const int status = co_await Ask(socket, buffer, bodies_[number % bodies_.size()]);
      results_.push_back({Seconds(due - begin_), Seconds(Clock::now() - due), status});
      if (status == 0) {
        Failure ignored;
        socket.close(ignored);
        buffer.clear();
        // One that is turned away at once would spin.
        timer.expires_after(std::chrono::milliseconds(1));
        co_await timer.async_wait(net::use_awaitable);
      }
    }
  }

  net::awaitable<int> Ask(tcp::socket& socket, boost::beast::flat_buffer& buffer, const std::string& body) {
    Failure error;
    const auto token = [&] { return net::redirect_error(net::use_awaitable, error); };
    if (!socket.is_open()) {
      co_await socket.async_connect(Loopback(port_), token());
      if (error) co_return 0;
      socket.set_option(tcp::no_delay(true), error);
    }
    web::request<web::string_body> request(body.empty() ? web::verb::get : web::verb::post, path_, 11);
    request.set(web::field::host, "localhost");
    if (!body.empty()) request.set(web::field::content_type, "application/json");
    for (const auto& [name, value] : headers_) request.set(name, value);
    request.body() = body;
    request.prepare_payload();
    co_await web::async_write(socket, request, token());
    if (error) co_return 0;
    web::response<web::string_body> response;
    co_await web::async_read(socket, buffer, response, token());
    if (error) co_return 0;
    if (!response.keep_alive()) socket.close(error);
    co_return static_cast<int>(response.result_int());
  }

  const std::string port_, path_;
  const double rate_, seconds_;
  const bool closed_;
  std::vector<std::string> bodies_;
  std::vector<std::pair<std::string, std::string>> headers_;
  net::io_context io_{1};
  Clock::time_point begin_;
  size_t next_ = 0;
  std::vector<Result> results_;
};

}  // namespace
}  // namespace serve_bench

int main(int argc, char** argv) {
  serve_bench::Load load(serve_bench::Read(argc, argv));
  return load.Run();
}
