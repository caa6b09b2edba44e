"""Detection and similarity."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.evidence.outliers import WIDE_BOXES
from recommender.rules.formulas import focal_gamma, offset_beta, paper_alpha, triplet_margin
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, fact
from recommender.tasks import Task

_GIOU = Evidence("C", "Rezatofighi et al. 2019, arXiv:1902.09630")
_OVERLAP = Text(
    en="Boxes are judged by overlap: it measures that, at any size, and has a slope where boxes do not meet.",
    zh="边界框按重叠评价:它在任何尺度上直接度量重叠,且在两框不相交时仍有梯度。",
)
_CIOU = Alternative("ciou", Text(en="aspect ratio and centre matter too.", zh="还在意长宽比与中心。"))
_LENGTH_ONE = WarningText(
    "length-1-assumed",
    Text(
        en="The margin is for embeddings of length 1: end the model with a normalisation.",
        zh="该间隔适用于长度为 1 的嵌入:请在模型末尾加归一化。",
    ),
)
_SECOND_ORDER = WarningText(
    "loss-is-second-order",
    Text(
        en="Fairly tuned, similarity losses differ little (Musgrave et al. 2020); tune batches and mining first.",
        zh="公平调参后各相似度损失相差无几(Musgrave et al. 2020);请先调批次与采样。",
    ),
)
_WITH_LABELS = (
    Alternative("supcon", Text(en="labels and large batches are at hand.", zh="有标签且批次大。")),
    Alternative(
        "arcface",
        Text(
            en="labels are known in training, each with many items, as of faces: a classifier with an angular margin, "
            "whose embeddings are kept (Deng et al. 2019, arXiv:1801.07698).",
            zh="训练时标签已知且每类样本众多(如人脸):带角度间隔的分类器,保留其嵌入"
            "(Deng et al. 2019, arXiv:1801.07698)。",
        ),
    ),
    Alternative(
        "cosface",
        Text(
            en="as arcface, where training with it does not start: its margin is easier.",
            zh="同 arcface;若其难以起步,此间隔更容易训练。",
        ),
    ),
    Alternative(
        "circle",
        Text(
            en="pairs are of very different difficulty: each is weighed by itself.",
            zh="样本对难易悬殊:逐对加权。",
        ),
    ),
)


RULES = (
    Rule(
        name="evidence.detection.class",
        book="evidence",
        tasks=(Task.DETECTION,),
        head="class",
        recommend="focal",
        computed={"gamma": focal_gamma, "alpha": paper_alpha},
        because=Text(
            en="A thousand easy backgrounds to one object: what the focal loss was made and measured for.",
            zh="一个目标对上千个易分背景:Focal 正是为此设计并验证的。",
        ),
        source=Evidence("C", "Lin et al. 2017, arXiv:1708.02002: RetinaNet on COCO"),
        assumption=Text(en="Every position or anchor is classified.", zh="假定对每个位置或锚框都做分类。"),
        warnings=(
            WarningText(
                "start-from-the-prior",
                Text(
                    en="Start the bias of the class head at log(0.01 / 0.99), or the first steps are all background.",
                    zh="请将分类头偏置初始化为 log(0.01 / 0.99),否则最初几步全被背景占据。",
                ),
            ),
        ),
        fires=Profile(),
        silent=Question(Task.SEGMENTATION),
    ),
    Rule(
        name="evidence.detection.box_coordinates",
        book="evidence",
        tasks=(Task.DETECTION,),
        head="box",
        when=(fact("goal.boxes").equals("coordinates"),),
        unless=(fact("box_area_spread") >= WIDE_BOXES,),
        recommend="smooth_l1",
        computed={"beta": offset_beta},
        because=Text(
            en="Precise for small offsets, calm for large ones; beta depends on how offsets are normalised.",
            zh="小偏移时精确,大偏移时平稳;beta 取决于偏移量如何归一化。",
        ),
        source=Evidence("D", "Ren et al. 2015, arXiv:1506.01497, and torchvision #2113"),
        assumption=Text(en="The box head puts out normalised offsets.", zh="假定边界框头输出归一化的偏移量。"),
        alternatives=(
            Alternative("giou", Text(en="boxes are judged by overlap (IoU, mAP).", zh="边界框按重叠(IoU、mAP)评价。")),
        ),
        fires=Question(Task.DETECTION, goal=Goal(boxes="coordinates")),
        silent=Question(Task.DETECTION, goal=Goal(boxes="iou")),
    ),
    Rule(
        name="evidence.detection.box",
        book="evidence",
        tasks=(Task.DETECTION,),
        head="box",
        recommend="giou",
        because=_OVERLAP,
        source=Evidence("C", f"{_GIOU.reference}; mean average precision counts a box by its overlap"),
        assumption=Text(
            en="Boxes are judged by overlap, as mean average precision does, and the head puts out corners.",
            zh="假定边界框按重叠评价(如 mAP),且边界框头输出角点。",
        ),
        alternatives=(
            _CIOU,
            Alternative("diou", Text(en="the centre matters, aspect ratio less.", zh="在意中心,长宽比次之。")),
            Alternative(
                "2*giou + 5*mae",
                Text(
                    en="a transformer puts out normalised boxes (DETR: Carion et al. 2020, arXiv:2005.12872).",
                    zh="Transformer 输出归一化的框(DETR:Carion et al. 2020, arXiv:2005.12872)。",
                ),
            ),
        ),
        ruled_out=(
            RuledOut("iou", Text(en="It has no slope where boxes do not meet.", zh="两框不相交时它没有梯度。")),
        ),
        fires=Profile(),
        silent=Question(Task.REGRESSION),
    ),
    Rule(
        name="evidence.similarity.pairs",
        book="evidence",
        tasks=(Task.SIMILARITY,),
        when=(fact("supervision").equals("positive_pairs"),),
        recommend="info_nce",
        because=Text(
            en="No pair is known to be unlike: the rest of the batch serves as negatives, many for each item, which is "
            "right where few of them mean the same, as of sentences.",
            zh="不知道哪些样本不相似:由同批其他样本充当负样本,每个样本有许多;当其中含义相同者很少时(如句子)是恰当的。",
        ),
        source=Evidence(
            "D",
            "the loss table of sentence-transformers; van den Oord et al. 2018, arXiv:1807.03748; against it P: of "
            "pictures of six kinds, where a sixth of the negatives are none, triplets did better",
        ),
        alternatives=(
            Alternative(
                "triplet(margin=0.2)",
                Text(
                    en="many items of a batch mean the same, as pictures of a few kinds: one other item drawn at "
                    "random is the negative, and most of those are right.",
                    zh="一批中许多样本含义相同(如类别很少的图片):随机取另一样本作负样本,多数是对的。",
                ),
            ),
            Alternative("supcon", Text(en="labels tell which items are alike.", zh="标签可说明哪些样本相似。")),
            Alternative(
                "nt_xent", Text(en="both of a pair are views of one picture.", zh="一对样本是同一图片的两个视图。")
            ),
            Alternative(
                "n_pairs",
                Text(
                    en="products should not be scaled to cosines, and labels are at hand.", zh="不归一化内积且有标签。"
                ),
            ),
        ),
        warnings=(
            WarningText(
                "large-batches",
                Text(
                    en="Its negatives are the batch: make it large, and draw no two items into it that mean the same.",
                    zh="负样本来自同批:批次应大,且不要将含义相同的样本取入同一批。",
                ),
            ),
        ),
        fires=Profile(supervision="positive_pairs"),
        silent=Profile(supervision="triplets"),
    ),
    Rule(
        name="evidence.similarity.no_pairs",
        book="evidence",
        tasks=(Task.SIMILARITY,),
        when=(fact("supervision").equals("none"),),
        recommend="nt_xent",
        because=Text(
            en="Labels that all differ, or are all one, form no triplet. Two views of each item are a pair without "
            "labels, and the rest of the batch are its negatives.",
            zh="标签各不相同或全部相同时构不成三元组。每个样本的两个视图无需标签即成一对,同批其他样本为负样本。",
        ),
        source=Evidence("C", "Chen et al. 2020, arXiv:2002.05709: SimCLR"),
        assumption=Text(
            en="An item can be changed in ways that leave it the same thing: crops, colours, dropout.",
            zh="假定样本可经裁剪、变色、dropout 等变换而本质不变。",
        ),
        alternatives=(
            Alternative(
                "info_nce",
                Text(en="the two views come from two encoders.", zh="两个视图来自两个编码器。"),
            ),
            Alternative(
                "barlow_twins",
                Text(
                    en="batches are small: it compares features instead of items (Zbontar et al. 2021).",
                    zh="批次较小:它比较特征而非样本(Zbontar et al. 2021)。",
                ),
            ),
        ),
        ruled_out=(
            RuledOut(
                "triplet",
                Text(
                    en="No anchor has both a positive and a negative among these labels.",
                    zh="这些标签中没有锚点同时具有正样本和负样本。",
                ),
            ),
        ),
        fires=Profile(supervision="none"),
        silent=Profile(supervision="labels"),
    ),
    Rule(
        name="evidence.similarity.labelled_pairs",
        book="evidence",
        tasks=(Task.SIMILARITY,),
        when=(fact("supervision").equals("labelled_pairs"),),
        recommend="contrastive",
        because=Text(
            en="Pairs marked same or different are what it takes.", zh="标注为同类或异类的样本对正是它的输入。"
        ),
        source=Evidence("D", "the loss table of sentence-transformers; Hadsell et al. 2006, doi:10.1109/CVPR.2006.100"),
        alternatives=(
            Alternative("cosine_embedding", Text(en="angles matter, not distances.", zh="在意角度而非距离。")),
            Alternative(
                "contrastive_distance", Text(en="distances are what the model puts out.", zh="模型直接输出距离。")
            ),
        ),
        warnings=(_SECOND_ORDER,),
        fires=Profile(supervision="labelled_pairs"),
        silent=Profile(supervision="labels"),
    ),
    Rule(
        name="evidence.similarity.scored_pairs",
        book="evidence",
        tasks=(Task.SIMILARITY,),
        when=(fact("supervision").equals("scored_pairs"),),
        recommend="mse",
        because=Text(
            en="Pairs with a score: the squared error of their cosine against it.",
            zh="带分数的样本对:其余弦与分数的平方误差。",
        ),
        source=Evidence("D", "the loss table of sentence-transformers: CosineSimilarityLoss"),
        alternatives=(
            Alternative(
                "cosine_similarity",
                Text(en="targets are embeddings of a teacher, not scores.", zh="目标是教师的嵌入而非分数。"),
            ),
        ),
        fires=Profile(supervision="scored_pairs"),
        silent=Profile(supervision="labels"),
    ),
    Rule(
        name="evidence.similarity.unit",
        book="evidence",
        tasks=(Task.SIMILARITY,),
        when=(fact("unit_norm").is_true(),),
        recommend="triplet(margin=0.2)",
        because=Text(
            en="Embeddings of length 1 lie at most 2 apart: a margin of 1 would never be met.",
            zh="长度为 1 的嵌入间距最多为 2:间隔 1 难以满足。",
        ),
        source=Evidence("C", "Schroff et al. 2015, arXiv:1503.03832"),
        alternatives=_WITH_LABELS,
        warnings=(_SECOND_ORDER,),
        fires=Profile(unit_norm=True),
        silent=Profile(unit_norm=False),
    ),
    Rule(
        name="evidence.similarity.default",
        book="evidence",
        tasks=(Task.SIMILARITY,),
        recommend="triplet(margin=0.2)",
        because=Text(
            en="Triplets say which of two is nearer. Scale embeddings to length 1, where a margin of 0.2 means the "
            "same for each; under fair tuning no other loss is far ahead.",
            zh="三元组指明二者孰近。请将嵌入归一化为长度 1,此时间隔 0.2 对每个嵌入含义相同;"
            "公平调参后没有其他损失明显领先。",
        ),
        source=Evidence(
            "B",
            "Musgrave et al. 2020, arXiv:2003.08505; Roth et al. 2020, arXiv:2002.08473; Schroff et al. 2015, "
            "arXiv:1503.03832, of length and margin",
        ),
        assumption=Text(
            en="Triplets, or labels to make them of, are at hand.", zh="假定有三元组,或有标签可组成三元组。"
        ),
        alternatives=(
            Alternative(
                "triplet",
                Text(
                    en="embeddings must keep their length: a margin of a fifth of it, which did worse in our record.",
                    zh="嵌入须保留其长度:间隔取其五分之一,但在我们的记录中效果较差。",
                ),
                computed={"margin": triplet_margin},
            ),
            *_WITH_LABELS,
            Alternative("multi_similarity", Text(en="pairs are mined in the batch.", zh="在批内挖掘样本对。")),
            Alternative(
                "nt_xent_labels",
                Text(
                    en="each label has two items in a batch, as with views.", zh="批内每个标签有两个样本,如两个视图。"
                ),
            ),
            Alternative(
                "n_pairs_multilabel",
                Text(en="items have several labels, and shared ones count.", zh="样本有多个标签,共享标签计入。"),
            ),
        ),
        warnings=(_LENGTH_ONE, _SECOND_ORDER),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
)
