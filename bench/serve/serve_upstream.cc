// A model server that has its answer ready: what stands behind the gateway while its own cost is measured.
//   serve_upstream --port 9000 --answer answer.json
#include <cstdio>
#include <fstream>
#include <iterator>

#include "ends.h"

namespace serve_bench {
namespace {

net::awaitable<void> Serve(tcp::socket socket, const std::string& answer) {
  socket.set_option(tcp::no_delay(true));
  boost::beast::flat_buffer buffer;
  Failure error;
  for (;;) {
    web::request<web::string_body> request;
    co_await web::async_read(socket, buffer, request, net::redirect_error(net::use_awaitable, error));
    if (error) co_return;
    web::response<web::string_body> response(web::status::ok, 11);
    response.set(web::field::content_type, "application/json");
    response.body() = answer;
    response.prepare_payload();
    co_await web::async_write(socket, response, net::redirect_error(net::use_awaitable, error));
    if (error) co_return;
  }
}

net::awaitable<void> Accept(tcp::acceptor& acceptor, const std::string& answer) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(net::use_awaitable);
    net::co_spawn(acceptor.get_executor(), Serve(std::move(socket), answer), net::detached);
  }
}

int Main(const Arguments& arguments) {
  std::ifstream file(Get(arguments, "--answer", ""));
  const std::string answer((std::istreambuf_iterator<char>(file)), {});
  net::io_context io(1);
  tcp::acceptor acceptor(io, Loopback(Get(arguments, "--port", "0")));
  std::printf("%d\n", static_cast<int>(acceptor.local_endpoint().port()));
  std::fflush(stdout);
  net::co_spawn(io, Accept(acceptor, answer), net::detached);
  io.run();
  return 0;
}

}  // namespace
}  // namespace serve_bench

int main(int argc, char** argv) { return serve_bench::Main(serve_bench::Read(argc, argv)); }
