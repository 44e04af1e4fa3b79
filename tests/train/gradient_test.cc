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

void CheckGradients(const std::string& directory, Trainer trainer) {
  const int32_t vocab = trainer.checkpoint->config().vocab;
  const std::vector<int32_t> prefix = test::RandomIds(7, vocab, 5);
  const std::vector<train::TrainText> texts = test::RandomTexts({5, 1, 12}, vocab, 50);
  train::TrainBatch batch = train::MakeBatch(prefix, texts);
  batch.divide_by = static_cast<double>(texts.size());

  double loss = 0;
  const std::vector<std::vector<float>> gradients = trainer.GradientsOf(batch, &loss);
  test::ReferenceLoss reference(directory, trainer, prefix, texts);
  EXPECT_NEAR(loss, reference.Loss(), 1e-5);

  double worst = 0;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const std::string& name = trainer.weights().tensors()[i].name;
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

class Gradients : public testing::Test {
 protected:
  std::string Model(const nlohmann::ordered_json& config) {
    EXPECT_TRUE(test::WriteCheckpointOf(config.dump(), 9, directory_.path()).ok());
    return directory_.path();
  }
  void CheckLora(const nlohmann::ordered_json& config, const std::vector<std::string>& modules) {
    const std::string model = Model(config);
    CheckGradients(model,
                   test::MakeTrainer(model, {.rank = 3, .alpha = 4.5, .modules = modules}, {.threads = 2}));
  }
  void CheckWeights(const nlohmann::ordered_json& config) {
    const std::string model = Model(config);
    CheckGradients(model, test::MakeFullTrainer(model, {}, {.threads = 2}));
  }
  test::TempDir directory_;
};

TEST_F(Gradients, OfALlama) { CheckLora(test::TrainLlama(/*tied=*/false), kAllLinears); }

TEST_F(Gradients, OfALlamaWhoseHeadIsItsEmbeddings) {
  const std::vector<std::string> layers(kAllLinears.begin(), kAllLinears.end() - 1);
  CheckLora(test::TrainLlama(/*tied=*/true), layers);
}

TEST_F(Gradients, OfALlama4) { CheckLora(test::TrainLlama4(), kAllLinears); }

TEST_F(Gradients, OfTheWeightsOfALlama) { CheckWeights(test::TrainLlama(/*tied=*/false)); }

TEST_F(Gradients, OfTheWeightsOfALlamaWhoseHeadIsItsEmbeddings) {
  CheckWeights(test::TrainLlama(/*tied=*/true));
}

TEST_F(Gradients, OfTheWeightsOfALlama4) { CheckWeights(test::TrainLlama4()); }

// Of some kinds of weights alone: each as when all are trained, to the bit.
TEST_F(Gradients, OfSomeWeightsAreThoseOfAll) {
  for (const auto& config : {test::TrainLlama(/*tied=*/true), test::TrainLlama4()}) {
    const std::string model = Model(config);
    Trainer all = test::MakeFullTrainer(model, {}, {.threads = 1});
    const int32_t vocab = all.checkpoint->config().vocab;
    train::TrainBatch batch =
        train::MakeBatch(test::RandomIds(7, vocab, 5), test::RandomTexts({5, 1, 12}, vocab, 50));
    std::map<std::string, std::vector<float>> wanted;
    const auto gradients = all.GradientsOf(batch);
    for (size_t i = 0; i < gradients.size(); ++i) wanted[all.full->tensors()[i].name] = gradients[i];
    const std::vector<train::FullOptions> choices = {{.modules = {"input_layernorm"}, .first_layer = 1},
                                                     {.modules = {"v_proj", "norm"}, .first_layer = 2},
                                                     {.modules = {"norm"}},
                                                     {.modules = {"embed_tokens"}},
                                                     {.modules = {"post_attention_layernorm", "k_proj"}}};
    for (const train::FullOptions& options : choices) {
      Trainer some = test::MakeFullTrainer(model, options, {.threads = 1});
      const auto found = some.GradientsOf(batch);
      ASSERT_FALSE(found.empty());
      for (size_t i = 0; i < found.size(); ++i) {
        // What stays is multiplied by from panels, what is trained is not: sums in another order.
        const std::string& name = some.full->tensors()[i].name;
        const std::vector<float>& expected = wanted.at(name);
        double difference = 0, squares = 0;
        for (size_t j = 0; j < expected.size(); ++j) {
          difference += std::pow(double{found[i][j]} - double{expected[j]}, 2);
          squares += std::pow(double{expected[j]}, 2);
        }
        EXPECT_LT(difference, 1e-10 * squares) << name;
        EXPECT_GT(squares, 0) << name;
      }
    }
  }
}

// Layers computed again on the way back: the same bits, in less memory.
TEST_F(Gradients, AreTheSameWhereLayersAreComputedAgain) {
  for (const auto& config : {test::TrainLlama(/*tied=*/true), test::TrainLlama4()}) {
    const std::string model = Model(config);
    Trainer kept = test::MakeFullTrainer(model, {}, {.threads = 2}),
            again = test::MakeFullTrainer(model, {}, {.threads = 2}, true);
    const int32_t vocab = kept.checkpoint->config().vocab;
    const train::TrainBatch batch =
        train::MakeBatch(test::RandomIds(7, vocab, 5), test::RandomTexts({5, 1, 12}, vocab, 50));
    EXPECT_EQ(kept.GradientsOf(batch), again.GradientsOf(batch));
    EXPECT_LT(again.network->TapeBytes(), kept.network->TapeBytes());
  }
}

// What stands in for embeddings does as they would: a batch whose picture is the embeddings of other tokens
// is the one of those tokens, to the bit; but what it holds is not the table's.
TEST_F(Gradients, PicturesStandInForEmbeddings) {
  const std::string model = Model(test::TrainLlama4());
  Trainer lora = test::MakeTrainer(model, {.rank = 3, .alpha = 4.5}, {.threads = 2}),
          full = test::MakeFullTrainer(model, {}, {.threads = 2});
  const int32_t vocab = lora.checkpoint->config().vocab, hidden = lora.checkpoint->config().hidden;
  constexpr int32_t kShown = 3, kPlace = 5, kCount = 4;
  std::vector<train::TrainText> texts = test::RandomTexts({5, 1, 12}, kPlace, 50);
  const std::vector<int32_t> prefix = test::RandomIds(7, kPlace, 5);
  for (train::TrainText& text : texts)
    for (train::TrainText::Target& target : text.targets) target.token %= vocab;
  train::TrainBatch shown = train::MakeBatch(prefix, texts);
  std::fill_n(texts[2].ids.begin() + 2, kCount, kPlace);
  const std::vector<float> table = test::ValuesOf(*full.ops, full.full->tensors()[0].value);
  ASSERT_EQ(full.full->tensors()[0].name, "model.embed_tokens.weight");
  auto values = std::make_shared<std::vector<float>>(static_cast<size_t>(hidden), 7.0f);  // a row before them
  for (int32_t k = 0; k < kCount; ++k)
    values->insert(values->end(), table.begin() + kShown * hidden, table.begin() + (kShown + 1) * hidden);
  texts[2].pictures.push_back({2, kCount, values, 1});
  const train::TrainBatch pictures = train::MakeBatch(prefix, texts);
  std::fill_n(shown.ids.begin() + pictures.pictures.at(0).row, kCount, kShown);
  EXPECT_EQ(lora.GradientsOf(shown), lora.GradientsOf(pictures));
  const auto by_tokens = full.GradientsOf(shown), by_picture = full.GradientsOf(pictures);
  for (size_t i = 1; i < by_tokens.size(); ++i) EXPECT_EQ(by_tokens[i], by_picture[i]);
  const auto row = [&](int32_t token) {
    return std::vector<float>(by_picture[0].begin() + token * hidden,
                              by_picture[0].begin() + (token + 1) * hidden);
  };
  EXPECT_EQ(row(kPlace), std::vector<float>(static_cast<size_t>(hidden)));
  EXPECT_NE(by_tokens[0], by_picture[0]);
}

}  // namespace
}  // namespace gatehouse
