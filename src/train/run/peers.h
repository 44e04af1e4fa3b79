// Peers: processes that train one network together, each on its part of every step's conversations. The first
// (rank 0) adds up all gradients in the order of the ranks and sends the sum back, so that all hold the same
// weights, bit for bit, and those that one process has that takes the parts one after the other.
//
//   GATEHOUSE_ASSIGN(auto peers, Peers::Gather({.count = 2, .rank = 1, .leader = "10.0.0.1:9440"},
//   identity)); GATEHOUSE_TRY(peers->Add(gradients, &loss));     // on every rank: the sum over all
//
// Plain TCP, for a network that is trusted. One that is lost ends all others, with an error that names it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gatehouse/result.h"

namespace gatehouse::train {

struct PeerOptions {
  int count = 1, rank = 0;
  std::string leader;  // HOST:PORT that rank 0 listens on and the others ask
  double wait = 60;    // seconds until all have to be there
};

class Peers {
 public:
  virtual ~Peers() = default;

  // Waits for all. identity: of all that the result depends on; another one's is refused. Errors: kUsage: an
  // option, another run's process; kInternal: the network.
  static Result<std::unique_ptr<Peers>> Gather(const PeerOptions& options, const std::string& identity);

  virtual int count() const = 0;
  virtual int rank() const = 0;
  // Each rank's values become the sum over all ranks, and so does *loss. Errors: kInternal: one was lost,
  // which is named.
  virtual Result<void> Add(std::span<float> values, double* loss) = 0;
  // What rank 0 says, to all: `text` of the others is replaced.
  virtual Result<void> Tell(std::string* text) = 0;
};

}  // namespace gatehouse::train
