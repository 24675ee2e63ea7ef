#include "pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace tconv {
namespace {

struct Job {
    const std::function<void(int64_t)>* body;
    int64_t count;
    std::atomic<int64_t> next{0};

    void work() {
        for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) (*body)(i);
    }
};

class Pool {
  public:
    // Offers the job to the workers, works on it, and waits for those that joined.
    void run(Job& job, int helpers) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            for (; workers_ < helpers; ++workers_) std::thread([this] { serve(); }).detach();
            job_ = &job, open_ = helpers;
        }
        wake_.notify_all();
        job.work();
        std::unique_lock<std::mutex> lock(mutex_);
        job_ = nullptr, open_ = 0;
        done_.wait(lock, [this] { return active_ == 0; });
    }

    std::mutex busy;

  private:
    void serve() {
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return open_ > 0; });
            Job* job = job_;
            --open_, ++active_;
            lock.unlock();
            job->work();
            lock.lock();
            if (--active_ == 0) done_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    Job* job_ = nullptr;
    int open_ = 0, active_ = 0, workers_ = 0;
};

// Never destroyed: workers may still wait on it while the process ends. A forked child starts with a new one,
// because threads do not survive a fork.
Pool* pool = nullptr;

Pool& the_pool() {
    static const bool once = [] {
        pool = new Pool;
        pthread_atfork(nullptr, nullptr, [] { pool = new Pool; });
        return true;
    }();
    (void)once;
    return *pool;
}

int default_threads() {
    if (const char* text = std::getenv("TCONV_NUM_THREADS")) return std::max(1, std::atoi(text));
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
    return std::max(1u, std::thread::hardware_concurrency());
}

std::atomic<int>& limit() {
    static std::atomic<int> count{default_threads()};
    return count;
}

}  // namespace

int threads() { return limit(); }
void set_threads(int count) { limit() = std::max(1, count); }

void parallel_for(int64_t count, const std::function<void(int64_t)>& body) {
    Job job{&body, count};
    const int helpers = static_cast<int>(std::min<int64_t>(threads(), count)) - 1;
    Pool& here = the_pool();
    std::unique_lock<std::mutex> alone(here.busy, std::defer_lock);
    if (helpers < 1 || !alone.try_lock()) return job.work();
    here.run(job, helpers);
}

}  // namespace tconv
