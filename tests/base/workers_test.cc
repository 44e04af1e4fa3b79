#include "base/workers.h"

#include <gtest/gtest.h>

#include <future>
#include <string>

namespace gatehouse {
namespace {

// Writes down that it ran; the first one waits until it may.
struct Note : WorkItem {
  Note(std::string* out_in, char name_in, std::shared_future<void> wait_in = {})
      : out(*out_in), name(name_in), wait(std::move(wait_in)) {}
  void Run() noexcept override {
    if (wait.valid()) wait.wait();
    out += name;
  }
  std::string& out;
  const char name;
  const std::shared_future<void> wait;
};

TEST(Workers, ACrowdInOneLaneDoesNotHoldUpAnother) {
  std::string order;
  std::promise<void> go;
  const auto crowd = std::make_shared<WorkLane>(), few = std::make_shared<WorkLane>();
  Workers workers(1);
  workers.Post(std::make_shared<Note>(&order, '-', go.get_future().share()));
  for (const char name : std::string("abcd")) workers.Post(std::make_shared<Note>(&order, name), crowd);
  for (const char name : std::string("XY")) workers.Post(std::make_shared<Note>(&order, name), few);
  workers.Post(std::make_shared<Note>(&order, '.'));
  go.set_value();
  workers.Stop(/*all=*/true);
  EXPECT_EQ(order, "-aX.bYcd");
}

TEST(Workers, WhatWaitsAlreadyIsNotPutTwice) {
  std::string order;
  std::promise<void> go;
  Workers workers(1);
  workers.Post(std::make_shared<Note>(&order, '-', go.get_future().share()));
  const auto twice = std::make_shared<Note>(&order, 'a');
  workers.Post(twice);
  workers.Post(twice, std::make_shared<WorkLane>());
  go.set_value();
  workers.Stop(/*all=*/true);
  EXPECT_EQ(order, "-a");
}

TEST(Workers, WhoStopsAtOnceLetsGoOfWhatWaits) {
  std::string order;
  const auto item = std::make_shared<Note>(&order, 'a');
  {
    std::promise<void> go;
    Workers workers(1);
    workers.Post(std::make_shared<Note>(&order, '-', go.get_future().share()));
    for (int i = 0; i < 3; ++i)
      workers.Post(std::make_shared<Note>(&order, 'b'), std::make_shared<WorkLane>());
    workers.Post(item);
    EXPECT_EQ(item.use_count(), 2);
    std::thread release([&] { go.set_value(); });
    workers.Stop(/*all=*/false);
    release.join();
  }
  EXPECT_EQ(item.use_count(), 1);
}

}  // namespace
}  // namespace gatehouse
