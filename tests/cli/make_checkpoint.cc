// Writes one of the small random checkpoints: make_checkpoint NAME DIR.
#include <cstdio>

#include "support/checkpoint_maker.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const gatehouse::Result<void> done = gatehouse::test::WriteCheckpoint(argv[1], argv[2]);
  if (!done.ok()) std::fprintf(stderr, "%s\n", done.error().Message().c_str());
  return done.ok() ? 0 : 1;
}
