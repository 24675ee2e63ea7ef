#include "pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "environment.h"

namespace tconv {
namespace {

// While it lives, numbers too small for float32's full precision (below 1.2e-38) count as zero on this thread: on some
// processors each of them costs a hundred cycles.
class Flush {
#if defined(__x86_64__)
  public:
    Flush() { __builtin_ia32_ldmxcsr(saved_ | kFlushToZero | kDenormalsAreZero); }
    ~Flush() { __builtin_ia32_ldmxcsr(saved_); }

  private:
    static constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
    const unsigned saved_ = __builtin_ia32_stmxcsr();
#endif
};

struct Job {
    const std::function<void(int64_t)>* body;
    int64_t count;
    std::atomic<int64_t> next{0};
    std::atomic<bool> failed{false};
    std::exception_ptr error;

    void work() noexcept {
        [[maybe_unused]] const Flush flush;
        for (int64_t i; !failed && (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
            try {
                (*body)(i);
            } catch (...) {
                if (!failed.exchange(true)) error = std::current_exception();
            }
        }
    }
};

// Waits a moment without sleeping: waking a thread takes longer than a small layer.
template <typename Ready>
void spin(Ready ready) {
    constexpr auto kPatience = std::chrono::microseconds(60);
    const auto stop = std::chrono::steady_clock::now() + kPatience;
    while (!ready() && std::chrono::steady_clock::now() < stop) {
#if defined(__x86_64__)
        for (int i = 0; i < 8; ++i) __builtin_ia32_pause();
#endif
    }
}

class Pool {
  public:
    // Offers the job to the workers, works on it, and waits for those that joined.
    void run(Job& job, int helpers) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            hire(helpers);
            job_ = &job, open_ = std::min(helpers, workers_);
        }
        wake_.notify_all();
        job.work();
        {
            std::lock_guard<std::mutex> lock(mutex_);
            job_ = nullptr, open_ = 0;
        }
        spin([this] { return active_ == 0; });
        std::unique_lock<std::mutex> lock(mutex_);
        done_.wait(lock, [this] { return active_ == 0; });
    }

    std::mutex busy;

  private:
    void hire(int wanted) {
        try {
            for (; workers_ < wanted; ++workers_) std::thread([this] { serve(); }).detach();
        } catch (const std::system_error&) {
            // No further thread is to be had: those that are there, and the caller, do it.
        }
    }

    void serve() {
        for (;;) {
            spin([this] { return open_ > 0; });
            Job* job;
            {
                std::unique_lock<std::mutex> lock(mutex_);
                wake_.wait(lock, [this] { return open_ > 0; });
                job = job_;
                --open_, ++active_;
            }
            job->work();
            std::lock_guard<std::mutex> lock(mutex_);
            if (--active_ == 0) done_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    Job* job_ = nullptr;
    std::atomic<int> open_{0}, active_{0};
    int workers_ = 0;
};

// A forked child starts with a pool of its own, because threads do not survive a fork; nor does a lender's.
// A pool is never destroyed: workers may still wait on it while the process ends.
struct Threads {
    std::atomic<Pool*> pool{new Pool};
    std::atomic<int> wanted{0};
    OpenMP lender{};
    std::atomic<bool> lent{false}, forked{false};
};

Threads& here() {
    static Threads* const one = [] {
        static Threads* made = new Threads;
        made->wanted = wanted_threads();
        pthread_atfork(nullptr, nullptr, [] { made->pool = new Pool, made->forked = true; });
        return made;
    }();
    return *one;
}

int cores() {
    static const int count = [] {
        cpu_set_t set;
        if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
        return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    }();
    return count;
}

void run_on_lender(Job& job) {
    // Always the same team: OpenMP dismisses its threads when a smaller one is asked for.
    const OpenMP& lender = here().lender;
    if (lender.in_parallel()) return job.work();
    lender.parallel([](void* data) { static_cast<Job*>(data)->work(); }, &job, here().wanted, 0);
}

void run_on_pool(Job& job) {
    Pool& pool = *here().pool;
    std::unique_lock<std::mutex> alone(pool.busy, std::defer_lock);
    if (!alone.try_lock()) return job.work();  // a caller that finds the pool busy works alone
    pool.run(job, static_cast<int>(std::min<int64_t>(threads(), job.count)) - 1);
}

}  // namespace

int threads() {
    if (const int wanted = here().wanted) return wanted;
    return here().lent ? std::max(1, here().lender.max_threads()) : cores();
}

void set_threads(int count) { here().wanted = std::max(0, count); }

void borrow_threads(const OpenMP& lender) {
    if (here().lent) return;
    here().lender = lender;
    here().lent = true;
}

void parallel_for(int64_t count, const std::function<void(int64_t)>& body) {
    Job job{&body, count, {0}, {false}, nullptr};
    if (count < 2 || threads() < 2) job.work();
    else if (here().lent && !here().forked) run_on_lender(job);
    else run_on_pool(job);
    if (job.error) std::rethrow_exception(job.error);
}

}  // namespace tconv
