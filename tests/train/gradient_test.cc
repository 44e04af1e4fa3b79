// Gradients of every LoRA matrix against central differences of the double-precision reference, whose
// conversations are computed whole, one by one: so this is also about what goes through the shared prefix.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "support/checkpoint_maker.h"
#include "support/temp_dir.h"
#include "train/train_models.h"

namespace gatehouse {
namespace {

using test::Trainer;

const std::vector<std::string> kAllLinears = {"q_proj",    "k_proj",  "v_proj",    "o_proj",
                                              "gate_proj", "up_proj", "down_proj", "lm_head"};

struct Slopes {
  double along_itself = 0;
  std::vector<std::vector<double>> directions;  // three random ones
  std::vector<double> along;                    // and the slope along each
};

double Product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// What is asked of a gradient g: along g itself the slope is within 1e-3 of norm(g)^2; along a random v,
// |g v - slope| is at most 1e-2 norm(g) norm(v) / sqrt(entries).
bool Agrees(const std::vector<double>& g, const Slopes& slopes) {
  const double squares = Product(g, g);
  if (!(std::abs(slopes.along_itself - squares) <= 1e-3 * squares)) return false;
  for (size_t i = 0; i < slopes.directions.size(); ++i) {
    const std::vector<double>& v = slopes.directions[i];
    const double bar = 1e-2 * std::sqrt(squares * Product(v, v) / static_cast<double>(g.size()));
    if (!(std::abs(Product(g, v) - slopes.along[i]) <= bar)) return false;
  }
  return true;
}

std::vector<double> Times(std::vector<double> g, double factor) {
  for (double& value : g) value *= factor;
  return g;
}

// model: a config.json; longest: a bound for the test's time.
void CheckGradients(const nlohmann::ordered_json& model, const std::vector<std::string>& modules) {
  const test::TempDir directory;
  ASSERT_TRUE(test::WriteCheckpointOf(model.dump(), 9, directory.path()).ok());
  Trainer trainer =
      test::MakeTrainer(directory.path(), {.rank = 3, .alpha = 4.5, .modules = modules}, {.threads = 2});
  const int32_t vocab = trainer.checkpoint->config().vocab;
  const std::vector<int32_t> prefix = test::RandomIds(7, vocab, 5);
  const std::vector<train::TrainText> texts = test::RandomTexts({5, 1, 12}, vocab, 50);
  train::TrainBatch batch = train::MakeBatch(prefix, texts);
  batch.divide_by = static_cast<double>(texts.size());

  double loss = 0;
  const std::vector<std::vector<float>> gradients = trainer.GradientsOf(batch, &loss);
  test::ReferenceLoss reference(directory.path(), trainer, prefix, texts);
  EXPECT_NEAR(loss, reference.Loss(), 1e-5);

  double worst = 0;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const std::string& name = trainer.lora->tensors()[i].name;
    const std::vector<double> g(gradients[i].begin(), gradients[i].end());
    ASSERT_GT(Product(g, g), 1e-12) << name;
    Slopes slopes;
    slopes.along_itself = reference.Slope(i, g);
    for (unsigned seed = 0; seed < 3; ++seed) {
      const std::vector<float> v = test::RandomValues(g.size(), 1.0, 1000 * static_cast<unsigned>(i) + seed);
      slopes.directions.emplace_back(v.begin(), v.end());
      slopes.along.push_back(reference.Slope(i, slopes.directions.back()));
    }
    EXPECT_TRUE(Agrees(g, slopes)) << name << ": " << Product(g, g) << " against " << slopes.along_itself;
    worst = std::max(worst, std::abs(slopes.along_itself / Product(g, g) - 1));

    // The check can fail: it refuses no gradient, the opposite, and twice it (each with the slope along
    // itself).
    for (const double factor : {0.0, -1.0, 2.0}) {
      Slopes other = slopes;
      other.along_itself *= factor;
      EXPECT_FALSE(Agrees(Times(g, factor), other)) << name << " times " << factor;
    }
  }
  std::printf("%zu matrices, worst slope along the gradient off by %.1e\n", gradients.size(), worst);
}

TEST(Gradients, OfALlama) { CheckGradients(test::TrainLlama(/*tied=*/false), kAllLinears); }

TEST(Gradients, OfALlamaWhoseHeadIsItsEmbeddings) {
  const std::vector<std::string> layers(kAllLinears.begin(), kAllLinears.end() - 1);
  CheckGradients(test::TrainLlama(/*tied=*/true), layers);
}

TEST(Gradients, OfALlama4) { CheckGradients(test::TrainLlama4(), kAllLinears); }

}  // namespace
}  // namespace gatehouse
