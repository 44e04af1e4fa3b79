#include "base/descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "support/limits.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
  }
  Descriptor read, write;
};

std::string Text(size_t size) {
  std::string out(size, ' ');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + i % 23);
  return out;
}

// Reads all, in pieces of an odd size.
std::string Drain(int descriptor) {
  std::string out, piece(4099, '\0');
  for (size_t count = 1; count > 0;) {
    EXPECT_EQ(ReadSome(descriptor, piece.data(), piece.size(), &count), 0);
    out.append(piece, 0, count);
  }
  return out;
}

TEST(WriteFully, GoesOnWhereTheSystemTookAPart) {
  for (const bool waits : {true, false}) {
    Pipe pipe;
    if (!waits) {  // every end that would wait says EAGAIN instead
      ASSERT_EQ(::fcntl(pipe.write.number(), F_SETFL, O_NONBLOCK), 0);
      ASSERT_EQ(::fcntl(pipe.read.number(), F_SETFL, O_NONBLOCK), 0);
    }
    const std::string text = Text(1 << 20);  // a pipe holds 64 KiB
    std::string got;
    std::thread reader([&] { got = Drain(pipe.read.number()); });
    EXPECT_EQ(WriteFully(pipe.write.number(), text), 0);
    EXPECT_EQ(pipe.write.Close(), 0);
    reader.join();
    EXPECT_TRUE(got == text) << "waits: " << waits;
  }
}

TEST(WriteFully, GoesOnAfterASignal) {
  // Without SA_RESTART every signal ends a call of the system.
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  Pipe pipe;
  const std::string text = Text(1 << 20);
  std::string got;
  std::atomic<bool> written = false;
  std::thread writer([&] {
    EXPECT_EQ(WriteFully(pipe.write.number(), text), 0);
    written = true;
    EXPECT_EQ(pipe.write.Close(), 0);
  });
  std::thread reader([&] { got = Drain(pipe.read.number()); });
  for (int i = 0; i < 200; ++i) {
    if (!written) ::pthread_kill(writer.native_handle(), SIGUSR1);
    ::pthread_kill(reader.native_handle(), SIGUSR1);
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  writer.join();
  reader.join();
  EXPECT_TRUE(got == text);
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST(WriteFully, AReaderThatHasGoneEndsNoProcess) {
  Pipe pipe;
  EXPECT_EQ(pipe.read.Close(), 0);
  EXPECT_EQ(WriteFully(pipe.write.number(), "text"), EPIPE);
  sigset_t pending;
  ::sigpending(&pending);
  EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0) << "a signal is left for whoever unblocks it";
}

TEST(WriteFully, ALimitOnSizesEndsNoProcess) {
  const test::TempDir directory;
  const Descriptor file(::open((directory / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const test::FileSizeLimit limit(4096);
  EXPECT_EQ(WriteFully(file.number(), Text(4096)), 0);
  EXPECT_EQ(WriteFully(file.number(), "x"), EFBIG);
  sigset_t pending;
  ::sigpending(&pending);
  EXPECT_EQ(::sigismember(&pending, SIGXFSZ), 0);
}

TEST(WriteFully, SaysWhatTheSystemSays) {
  const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(WriteFully(full.number(), "x"), ENOSPC);
  EXPECT_EQ(WriteFully(full.number(), ""), 0);
  EXPECT_EQ(WriteFully(-1, "x"), EBADF);
  EXPECT_EQ(SystemText(ENOSPC), "No space left on device");
}

}  // namespace
}  // namespace gatehouse
