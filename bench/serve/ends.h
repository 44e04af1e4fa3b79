// What both ends of the benchmark share: names of Boost's parts, and arguments of the form --name value.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <map>
#include <string>

namespace serve_bench {

namespace net = boost::asio;
namespace web = boost::beast::http;
using Failure = boost::system::error_code;
using net::ip::tcp;

inline tcp::endpoint Loopback(const std::string& port) {
  return {net::ip::address_v4::loopback(), static_cast<unsigned short>(std::stoul(port))};
}

// Of a name given more than once all values, in order.
using Arguments = std::multimap<std::string, std::string>;
inline Arguments Read(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i + 1 < argc; i += 2) out.emplace(argv[i], argv[i + 1]);
  return out;
}
inline std::string Get(const Arguments& arguments, const std::string& name, const std::string& otherwise) {
  const auto found = arguments.find(name);
  return found == arguments.end() ? otherwise : found->second;
}

}  // namespace serve_bench
