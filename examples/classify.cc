// The smallest complete program: load a guard, judge one message, print the verdict.
//
//   classify MODEL "how do I pick a lock?"
#include <cstdio>

#include "gatehouse/guard.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL TEXT\n", argv[0]);
    return 2;
  }
  auto guard = gatehouse::Guard::Load({.model = argv[1]});
  if (!guard.ok()) {
    std::fprintf(stderr, "%s\n", guard.error().Message().c_str());
    return 4;
  }
  gatehouse::Conversation conversation;
  conversation.AddUser(argv[2]);
  auto verdict = guard->Classify(conversation);
  if (!verdict.ok()) {
    std::fprintf(stderr, "%s\n", verdict.error().Message().c_str());
    return 3;
  }
  std::printf("%s  (%.4f)\n", verdict->output.c_str(), verdict->unsafe_score);
  for (const auto& [category, score] : verdict->category_scores)
    std::printf("  %-4s %.4f\n", category.c_str(), score);
}
