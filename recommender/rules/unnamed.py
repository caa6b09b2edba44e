"""The losses of the catalogue that no rule names, each with the reason."""

from losses.text import Text

WHY_UNNAMED: dict[str, Text] = {
    "huber": Text(
        en="It is beta times smooth_l1(beta=delta): the same minimum, and a gradient that grows with delta.",
        zh="它等于 beta 乘以 smooth_l1(beta=delta):最小值相同,梯度随 delta 增大。",
    ),
    "multilabel_soft_margin": Text(
        en="It is the mean of bce over the labels of an item.", zh="它是 bce 在样本各标签上的均值。"
    ),
    "poly1": Text(
        en="Its gain over cross-entropy was shown with a coefficient tuned for each data set; it bends probabilities.",
        zh="其相对交叉熵的收益依赖逐数据集调参,且会使概率失真。",
    ),
}
