// The answer to one request on its way from the service's threads to the connection's strand. Its session may
// end before it.
#pragma once

#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "server/http/session.h"

namespace gatehouse::server {

struct Session::Answer : Reply {
  explicit Answer(const std::shared_ptr<Session>& session_in)
      : strand(session_in->strand_), session(session_in) {}

  void Send(Response sent) override { Take(std::move(sent), false); }
  void Begin(Response head) override { Take(std::move(head), true); }
  size_t Write(std::string_view bytes) override {
    size_t waiting = 0;
    {
      const std::lock_guard lock(mutex);
      if (is_gone || ended) return 0;
      pending += bytes;
      waiting = pending.size() + on_their_way;
    }
    Wake();
    return waiting;
  }
  void End(bool is_whole, Notes end_notes) override {
    {
      const std::lock_guard lock(mutex);
      if (std::exchange(ended, true)) return;
      whole = is_whole;
      notes = std::move(end_notes);
      on_gone = {};
      on_sent = {};
    }
    Wake();
  }
  void OnGone(std::function<void()> gone) override {
    {
      const std::lock_guard lock(mutex);
      if (ended) return;
      if (!is_gone) {
        on_gone = std::move(gone);
        return;
      }
    }
    gone();
  }
  void OnSent(std::function<void()> sent) override {
    {
      const std::lock_guard lock(mutex);
      if (ended || is_gone) return;
      if (!pending.empty() || on_their_way > 0) {
        on_sent = std::move(sent);
        return;
      }
    }
    sent();
  }

  bool IsThere() {
    const std::lock_guard lock(mutex);
    return response.has_value();
  }
  bool in_pieces() const { return pieces; }  // once it is there
  void Leave() {
    std::function<void()> told;
    {
      const std::lock_guard lock(mutex);
      if (ended || is_gone) return;
      is_gone = true;
      on_sent = {};
      told = std::exchange(on_gone, {});
    }
    if (told) told();
  }
  bool HasNews() {
    const std::lock_guard lock(mutex);
    return ended || !pending.empty();
  }
  std::string TakePending() {
    const std::lock_guard lock(mutex);
    on_their_way = pending.size();
    return std::exchange(pending, {});
  }
  void OnWritten() {
    std::function<void()> told;
    {
      const std::lock_guard lock(mutex);
      on_their_way = 0;
      if (pending.empty()) told = std::exchange(on_sent, {});
    }
    if (told) told();
  }

  asio::strand<asio::any_io_executor> strand;
  std::weak_ptr<Session> session;
  std::mutex mutex;
  std::optional<Response> response;
  bool pieces = false, ended = false, whole = true, is_gone = false;
  std::string pending;      // pieces that nobody took yet
  size_t on_their_way = 0;  // bytes
  Notes notes;
  std::function<void()> on_gone, on_sent;

 private:
  void Take(Response taken, bool as_pieces) {
    {
      const std::lock_guard lock(mutex);
      if (response || is_gone || ended) return;
      pieces = as_pieces;
      if (pieces) pending = std::exchange(taken.body, {}) + pending;
      response = std::move(taken);
      ended = !pieces;
      if (ended) on_gone = {};
    }
    Wake();
  }
  void Wake() {
    try {
      asio::post(strand, [session = session] {
        if (const auto alive = session.lock()) alive->Wake();
      });
    } catch (const std::bad_alloc&) {
      // The session looks by itself now and then.
    }
  }
};

}  // namespace gatehouse::server
