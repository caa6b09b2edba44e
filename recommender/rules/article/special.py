"""Similarity and generation: sections 3.1, 3.2 and 4 of the article."""

from losses.text import Text
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules.table import Alternative, Article, Rule, RuledOut, fact
from recommender.tasks import Task

RULES = (
    Rule(
        name="similarity.triplet",
        book="article",
        tasks=(Task.SIMILARITY,),
        unless=(fact("supervision").equals("none"),),
        recommend="triplet",
        because=Text(
            en="It pulls items of one class together and pushes others away until they are a margin farther off.",
            zh="拉近同类样本、推远异类样本,直到类间距离比类内距离大出一个 margin。",
        ),
        source=Article("4"),
        assumption=Text(
            en="Triplets of anchor, positive and negative are at hand, and distances are of the order of 1.",
            zh="假定已有锚点、正样本、负样本三元组,且距离的量级约为 1。",
        ),
        alternatives=(
            Alternative(
                "triplet(margin=0.2)",
                Text(
                    en="embeddings are scaled to length 1, as in FaceNet (Schroff et al. 2015).",
                    zh="嵌入向量归一化到长度 1,如 FaceNet(Schroff et al. 2015)。",
                ),
            ),
        ),
        ruled_out=(
            RuledOut(
                "categorical_ce",
                Text(
                    en="It learns the classes seen in training; similarity is asked about things never seen.",
                    zh="它只学习训练中见过的类别;相似度要面对从未见过的对象。",
                ),
            ),
        ),
        fires=Profile(supervision="labels"),
        silent=Profile(supervision="none"),
    ),
    Rule(
        name="generation.generator",
        book="article",
        tasks=(Task.GENERATION,),
        head="generator",
        recommend="adversarial_generator",
        because=Text(
            en="The generator learns to have its output taken for real.",
            zh="生成器学习让生成数据被误认为真实数据。",
        ),
        source=Article("4"),
        assumption=Text(
            en="The model is a GAN: a generator trained against a discriminator.",
            zh="假定模型为 GAN:生成器与判别器对抗训练。",
        ),
        alternatives=(
            Alternative(
                "adversarial_generator(form=minimax)",
                Text(
                    en="the formula of the original game must be reproduced; its gradient fades while the "
                    "discriminator wins (Goodfellow et al. 2014).",
                    zh="必须复现原始博弈的公式;判别器占优时其梯度会消失(Goodfellow et al. 2014)。",
                ),
            ),
        ),
        ruled_out=(
            RuledOut(
                "mse",
                Text(
                    en="It averages over all plausible images, and the average is blurred.",
                    zh="它对所有可能的图像取平均,结果是模糊的。",
                ),
            ),
        ),
        fires=Profile(),
        silent=Question(Task.SIMILARITY),
    ),
    Rule(
        name="generation.discriminator",
        book="article",
        tasks=(Task.GENERATION,),
        head="discriminator",
        recommend="adversarial_discriminator",
        because=Text(
            en="The discriminator learns to tell real data from generated data, by cross-entropy.",
            zh="判别器以交叉熵学习区分真实数据和生成数据。",
        ),
        source=Article("4"),
        fires=Profile(),
        silent=Question(Task.SIMILARITY),
    ),
)
