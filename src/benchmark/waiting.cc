#include "benchmark/waiting.h"

#include <sys/resource.h>

#include <condition_variable>
#include <mutex>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "benchmark/rounds.h"
#include "formats/json_object.h"

namespace gatehouse::benchmark {
namespace {

double ProcessorSeconds() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Keeps a number of requests waiting.
class Crowd {
 public:
  explicit Crowd(const BenchGuard& subject) : subject_(subject) {}

  struct Speed {
    double requests = 0;   // a second
    double processor = 0;  // seconds a request
  };
  Result<Speed> Measure(int waiting, int requests) {
    // The first ones fill the room; what comes after them is measured.
    GATEHOUSE_TRY(FinishWith(waiting, waiting / 8 + 16));
    const Clock::time_point begin = Clock::now();
    const double processor = ProcessorSeconds();
    const int64_t before = finished();
    GATEHOUSE_TRY(FinishWith(waiting, requests));
    const auto done = static_cast<double>(finished() - before);
    const Speed speed{done / SecondsSince(begin), (ProcessorSeconds() - processor) / done};
    SendAway();
    return speed;
  }

 private:
  int64_t finished() {
    std::lock_guard lock(mutex_);
    return finished_;
  }

  // Those that still wait: thousands would take minutes to judge.
  void SendAway() {
    std::unique_lock lock(mutex_);
    sent_away_ = true;
    lock.unlock();
    for (Request& request : requests_) request.Cancel();
    requests_.clear();
    lock.lock();
    changed_.wait(lock, [&] { return finished_ == submitted_; });
    sent_away_ = false;
  }

  // Until so many more are finished, always with so many waiting.
  Result<void> FinishWith(int waiting, int more) {
    std::unique_lock lock(mutex_);
    const int64_t end = finished_ + more;
    while (finished_ < end) {
      while (submitted_ - finished_ < waiting) {
        ++submitted_;
        lock.unlock();
        const auto done = [this](const Result<Verdict>& verdict) {
          std::lock_guard own(mutex_);
          ++finished_;
          failed_ = failed_ || (!verdict.ok() && !sent_away_);
          changed_.notify_one();
        };
        GATEHOUSE_ASSIGN(Request request,
                         subject_.guard().Submit(subject_.Message(next_++ % 500), subject_.request(), done));
        requests_.push_back(std::move(request));
        lock.lock();
      }
      const int64_t seen = finished_;
      changed_.wait(lock, [&] { return finished_ != seen; });
    }
    return failed_ ? InternalError("a request failed", "bench waiting") : Result<void>();
  }

  const BenchGuard& subject_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t submitted_ = 0, finished_ = 0;
  bool failed_ = false, sent_away_ = false;
  std::vector<Request> requests_;
  int next_ = 0;
};

}  // namespace

Result<void> BenchWaiting(const BenchWaitingOptions& options, const Console& console) {
  GATEHOUSE_ASSIGN(const BenchGuard subject, BenchGuard::Load(options.subject));
  Crowd crowd(subject);
  std::vector<double> few, many, few_processor, many_processor;
  for (int round = 0; round <= options.rounds; ++round) {  // the first one warms up
    GATEHOUSE_ASSIGN(const Crowd::Speed a, crowd.Measure(options.few, options.requests));
    GATEHOUSE_ASSIGN(const Crowd::Speed b, crowd.Measure(options.many, options.requests));
    if (round == 0) continue;
    few.push_back(a.requests);
    many.push_back(b.requests);
    few_processor.push_back(a.processor);
    many_processor.push_back(b.processor);
  }
  const double rate = Median(many) / Median(few), cost = Median(many_processor) / Median(few_processor);
  const std::string kernels = subject.guard().backend_description();
  if (options.json) {
    return console.print(JsonObject()
                             .Add("bench", "waiting")
                             .Add("model", subject.guard().model_name())
                             .Add("kernel", kernels)
                             .Add("few", options.few)
                             .Add("many", options.many)
                             .AddRounded("few_per_s", Median(few), 2)
                             .AddRounded("many_per_s", Median(many), 2)
                             .AddRounded("rate", rate, 3)
                             .AddRounded("few_processor_ms", Median(few_processor) * 1e3, 3)
                             .AddRounded("many_processor_ms", Median(many_processor) * 1e3, 3)
                             .AddRounded("processor", cost, 3)
                             .Text() +
                         "\n");
  }
  GATEHOUSE_TRY(console.Print("{}; {}\n", CpuModelName(), kernels));
  GATEHOUSE_TRY(console.Print("  {:6} waiting {:9.2f} requests/s {:9.3f} ms of processors each\n",
                              options.few, Median(few), Median(few_processor) * 1e3));
  return console.Print(
      "  {:6} waiting {:9.2f} requests/s {:9.3f} ms each: {:.3f} the rate, {:.3f} the time\n", options.many,
      Median(many), Median(many_processor) * 1e3, rate, cost);
}

}  // namespace gatehouse::benchmark
