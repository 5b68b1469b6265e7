// hnswlib without a language binding in between: the headers that the hnswlib-node package brings, compiled for this processor, built with several threads.
// Same command line and output as peer.mjs. Vectors are normalised for cosine, as the binding does.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "hnswlib/hnswlib.h"

namespace {

constexpr int kConnectivity = 16;
constexpr int kEfConstruction = 200;
constexpr size_t kPiece = 10000;
constexpr size_t kWarmUpQueries = 100;
constexpr uint32_t kSingles = 3, kIntegers = 4;

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Options : std::map<std::string, std::string> {
    Options(int count, char** words) {
        for (int i = 0; i + 1 < count; i += 2) (*this)[words[i] + 2] = words[i + 1];
    }
};

class VectorFile {
 public:
    explicit VectorFile(const std::string& path) : file_(path, std::ios::binary) {
        char magic[4];
        uint32_t header[3];
        if (!file_.read(magic, 4) || !file_.read(reinterpret_cast<char*>(header), 12) || std::memcmp(magic, "VEC1", 4) != 0 || header[0] != kSingles)
            throw std::runtime_error(path + " is no VEC1 matrix of singles");
        rows = header[1];
        columns = header[2];
    }

    /// The next `count` rows.
    std::vector<float> next(size_t count) {
        std::vector<float> values(count * columns);
        if (!file_.read(reinterpret_cast<char*>(values.data()), values.size() * sizeof(float))) throw std::runtime_error("a vector file is too short");
        return values;
    }

    size_t rows, columns;

 private:
    std::ifstream file_;
};

template <typename T>
void write(const std::string& path, uint32_t type, const std::vector<T>& values, size_t columns) {
    std::ofstream file(path, std::ios::binary);
    uint32_t header[3] = {type, static_cast<uint32_t>(values.size() / columns), static_cast<uint32_t>(columns)};
    file.write("VEC1", 4);
    file.write(reinterpret_cast<const char*>(header), sizeof header);
    file.write(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

void normalise(std::vector<float>& values, size_t columns) {
    for (size_t row = 0; row < values.size(); row += columns) {
        double squares = 0;
        for (size_t i = 0; i < columns; i++) squares += static_cast<double>(values[row + i]) * values[row + i];
        float scale = squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 0;
        for (size_t i = 0; i < columns; i++) values[row + i] *= scale;
    }
}

std::unique_ptr<hnswlib::SpaceInterface<float>> space(bool cosine, size_t dimensions) {
    if (cosine) return std::make_unique<hnswlib::InnerProductSpace>(dimensions);
    return std::make_unique<hnswlib::L2Space>(dimensions);
}

long memory(const char* name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind(name, 0) == 0) return std::stol(line.substr(std::strlen(name) + 1)) * 1024;
    return 0;
}

void build(Options& options) {
    auto start = Clock::now();
    VectorFile base(options["base"]);
    bool cosine = options["metric"] == "cosine";
    auto metric = space(cosine, base.columns);
    hnswlib::HierarchicalNSW<float> index(metric.get(), base.rows, kConnectivity, kEfConstruction);
    for (size_t first = 0; first < base.rows; first += kPiece) {
        size_t count = std::min(kPiece, base.rows - first);
        auto values = base.next(count);
        if (cosine) normalise(values, base.columns);
        std::atomic<size_t> next{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < std::stoi(options["threads"]); t++)
            threads.emplace_back([&] {
                for (size_t i; (i = next++) < count;) index.addPoint(&values[i * base.columns], first + i);
            });
        for (auto& thread : threads) thread.join();
    }
    index.saveIndex(options["work"] + "/hnswlib");
    std::ofstream(options["work"] + "/shape") << (cosine ? 1 : 0);
    std::printf("built %.2f hnswlib 0.8.0 (headers of hnswlib-node 3.0.0), M %d, ef construction %d\n", since(start), kConnectivity, kEfConstruction);
}

void measure(const hnswlib::HierarchicalNSW<float>& index, const std::vector<float>& queries, size_t columns, Options& options, int number) {
    size_t rows = queries.size() / columns, k = std::stoul(options["k"]);
    double limit = std::stod(options["seconds"]);
    auto start = Clock::now();
    for (size_t i = 0; i < std::min(kWarmUpQueries, rows) && since(start) < limit / 4; i++) index.searchKnn(&queries[i * columns], k);
    std::vector<int32_t> answers;
    std::vector<float> latencies;
    start = Clock::now();
    for (size_t i = 0; i < rows && since(start) < limit; i++) {
        auto before = Clock::now();
        auto found = index.searchKnn(&queries[i * columns], k);
        latencies.push_back(static_cast<float>(since(before) * 1000));
        std::vector<int32_t> ids(k, -1);
        for (size_t place = found.size(); place-- > 0; found.pop()) ids[place] = static_cast<int32_t>(found.top().second);
        answers.insert(answers.end(), ids.begin(), ids.end());
    }
    write(options["out"] + "/answers-" + std::to_string(number) + ".vec", kIntegers, answers, k);
    write(options["out"] + "/latencies-" + std::to_string(number) + ".vec", kSingles, latencies, 1);
}

void query(Options& options) {
    VectorFile file(options["queries"]);
    auto queries = file.next(file.rows);
    int cosine;
    std::ifstream(options["work"] + "/shape") >> cosine;
    if (cosine) normalise(queries, file.columns);
    auto metric = space(cosine, file.columns);
    hnswlib::HierarchicalNSW<float> index(metric.get(), options["work"] + "/hnswlib");
    int number = 0;
    for (int ef : {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024}) {
        index.setEf(ef);
        measure(index, queries, file.columns, options, number);
        std::printf("setting %d ef=%d %ld %ld\n", number++, ef, memory("VmRSS:"), memory("RssAnon:"));
    }
}

}  // namespace

int main(int count, char** words) {
    try {
        if (count < 3) throw std::runtime_error("usage: hnswlib build|query hnswlib --name value...");
        Options options(count - 3, words + 3);
        std::string(words[1]) == "build" ? build(options) : query(options);
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return 1;
    }
}
