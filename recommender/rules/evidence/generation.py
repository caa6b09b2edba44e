"""Generation: adversarial or by likelihood, and pictures that have a target."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.table import Alternative, Evidence, Rule, fact
from recommender.tasks import Scenario, Task

_CYCLE = Evidence("C", "Zhu et al. 2017, arXiv:1703.10593: CycleGAN, lambda = 10, least squares")
_TEXTURE = WarningText(
    "texture-takes-more",
    Text(
        en="Errors of pixels alone leave texture smooth: add a perceptual distance, and an adversarial term of a small "
        "weight, where looks count more than PSNR (Wang et al. 2018, arXiv:1809.00219).",
        zh="仅用像素误差会使纹理过于平滑:若观感比 PSNR 更重要,请加上感知距离与小权重的对抗项"
        "(Wang et al. 2018, arXiv:1809.00219)。",
    ),
)
_PICTURES = (
    Alternative(
        "barron_general(scale=0.001)",
        Text(
            en="it should be smooth at 0: Charbonnier's loss, of pixels from 0 to 1 (Lai et al., arXiv:1710.01992).",
            zh="希望在 0 处光滑:Charbonnier 损失,像素取 0 到 1(Lai et al., arXiv:1710.01992)。",
        ),
    ),
    Alternative("mse", Text(en="PSNR alone is the metric, and smooth texture will do.", zh="只看 PSNR,纹理平滑亦可。")),
    Alternative(
        "0.16*mae + 0.84*ssim",
        Text(
            en="structural similarity is the metric (Zhao et al. 2017, doi:10.1109/TCI.2016.2644865).",
            zh="指标为结构相似性(Zhao et al. 2017, doi:10.1109/TCI.2016.2644865)。",
        ),
    ),
)


def _generation(way: str) -> Question:
    """Return a question about a model that generates in this way."""
    return Question(Task.GENERATION, goal=Goal(generation=way))  # type: ignore[arg-type] # the literal of Goal


RULES = (
    Rule(
        name="evidence.generation.restyled_generator",
        book="evidence",
        tasks=(Task.GENERATION,),
        head="generator",
        when=(fact("scenario").equals(Scenario.STYLE_TRANSFER),),
        recommend="adversarial_generator(form=lsgan)",
        because=Text(
            en="There are pictures of either style and no pairs: one network judges whether a picture has the style, "
            "and squared errors of its verdict train it steadily.",
            zh="两种风格各有图片而无配对:由一个网络判断图片是否具有该风格,其判定的平方误差使训练更稳定。",
        ),
        source=_CYCLE,
        fires=Question.of(Scenario.STYLE_TRANSFER),
        silent=Question.of(Scenario.IMAGE_GENERATION),
    ),
    Rule(
        name="evidence.generation.restyled_discriminator",
        book="evidence",
        tasks=(Task.GENERATION,),
        head="discriminator",
        when=(fact("scenario").equals(Scenario.STYLE_TRANSFER),),
        recommend="adversarial_discriminator(form=lsgan)",
        because=Text(en="The form of the generator's loss.", zh="与生成器损失的形式一致。"),
        source=_CYCLE,
        fires=Question.of(Scenario.STYLE_TRANSFER),
        silent=Question.of(Scenario.IMAGE_GENERATION),
    ),
    Rule(
        name="evidence.generation.restyled",
        book="evidence",
        tasks=(Task.GENERATION,),
        head="image",
        when=(fact("scenario").equals(Scenario.STYLE_TRANSFER),),
        unless=(fact("paired").is_true(),),
        recommend="10*mae",
        because=Text(
            en="A picture taken to the other style and back is to be itself again: absolute errors of that keep what "
            "it shows.",
            zh="图片转换到另一风格再转换回来应与原图一致:对此取绝对误差,以保留其内容。",
        ),
        source=_CYCLE,
        fires=Question.of(Scenario.STYLE_TRANSFER),
        silent=Question.of(Scenario.IMAGE_GENERATION),
    ),
    Rule(
        name="evidence.generation.generator",
        book="evidence",
        tasks=(Task.GENERATION,),
        head="generator",
        when=(fact("goal.generation").equals("adversarial"),),
        recommend="adversarial_generator",
        because=Text(
            en="Given equal tuning no adversarial loss was consistently better than the non-saturating one.",
            zh="同等调参下,没有哪种对抗损失稳定优于非饱和形式。",
        ),
        source=Evidence("B", "Lucic et al. 2018, arXiv:1711.10337; Kurach et al. 2019, arXiv:1807.04720"),
        warnings=(
            WarningText(
                "regularise-the-discriminator",
                Text(
                    en="A gradient penalty or spectral norm matters more than the form of the loss.",
                    zh="梯度惩罚或谱归一化比损失的形式更重要。",
                ),
            ),
        ),
        fires=_generation("adversarial"),
        silent=_generation("likelihood"),
    ),
    Rule(
        name="evidence.generation.discriminator",
        book="evidence",
        tasks=(Task.GENERATION,),
        head="discriminator",
        when=(fact("goal.generation").equals("adversarial"),),
        recommend="adversarial_discriminator",
        because=Text(en="The form of the generator's loss.", zh="与生成器损失的形式一致。"),
        source=Evidence("B", "Lucic et al. 2018, arXiv:1711.10337"),
        alternatives=(
            Alternative(
                "adversarial_discriminator(form=wgan) + 10*gradient_penalty",
                Text(
                    en="training is unstable: a critic of bounded slope (Gulrajani et al. 2017, arXiv:1704.00028).",
                    zh="训练不稳定:使用斜率受限的判别器(Gulrajani et al. 2017, arXiv:1704.00028)。",
                ),
            ),
        ),
        fires=_generation("adversarial"),
        silent=_generation("likelihood"),
    ),
    Rule(
        name="evidence.generation.structure",
        book="evidence",
        tasks=(Task.GENERATION,),
        head="image",
        when=(fact("goal.metric").equals("ssim"),),
        recommend="0.16*mae + 0.84*ssim",
        because=Text(
            en="Structure as the metric has it, and absolute errors for the colours, which structure leaves free.",
            zh="按指标度量结构,并以绝对误差约束结构所不管的颜色。",
        ),
        source=Evidence("C", "Zhao et al. 2017, doi:10.1109/TCI.2016.2644865"),
        alternatives=(Alternative("mae", Text(en="PSNR counts as well.", zh="也在意 PSNR。")),),
        fires=Question(Task.GENERATION, goal=Goal(generation="likelihood", metric="ssim")),
        silent=Question(Task.GENERATION, goal=Goal(generation="likelihood")),
    ),
    Rule(
        name="evidence.generation.signal_to_noise",
        book="evidence",
        tasks=(Task.GENERATION,),
        head="image",
        when=(fact("goal.metric").equals("psnr"),),
        recommend="mae",
        because=Text(
            en="The metric compares pixels with those of a target: absolute errors are sharper than squared ones, and "
            "no worse by PSNR.",
            zh="该指标逐像素与目标比较:绝对误差比平方误差更清晰,PSNR 也不更低。",
        ),
        source=Evidence("C", "Lim et al. 2017, arXiv:1707.02921: L1 over L2 on DIV2K"),
        alternatives=_PICTURES,
        warnings=(_TEXTURE,),
        fires=Question(Task.GENERATION, goal=Goal(generation="likelihood", metric="psnr")),
        silent=Question(Task.GENERATION, goal=Goal(generation="likelihood")),
    ),
    Rule(
        name="evidence.generation.paired",
        book="evidence",
        tasks=(Task.GENERATION,),
        head="image",
        when=(fact("paired").is_true(),),
        recommend="mae",
        because=Text(
            en="Each picture has its target: absolute errors leave it sharper than squared ones, which are ahead by "
            "PSNR where all there is to remove is normal noise.",
            zh="每张图片都有其目标:绝对误差的结果比平方误差更清晰;若只需去除正态噪声,则平方误差的 PSNR 更高。",
        ),
        source=Evidence(
            "C", "Isola et al. 2017, arXiv:1611.07004; Lim et al. 2017, arXiv:1707.02921: L1 over L2 on DIV2K"
        ),
        alternatives=_PICTURES,
        warnings=(_TEXTURE,),
        fires=Question(Task.GENERATION, profile=Profile(paired=True), goal=Goal(generation="likelihood")),
        silent=Question(Task.GENERATION, profile=Profile(paired=False), goal=Goal(generation="likelihood")),
    ),
    Rule(
        name="evidence.generation.super_resolution",
        book="evidence",
        tasks=(Task.GENERATION,),
        head="image",
        when=(fact("scenario").equals(Scenario.SUPER_RESOLUTION),),
        unless=(fact("paired").is_false(),),
        recommend="mae",
        because=Text(
            en="A picture made smaller is its own target: absolute errors are sharper than squared ones, and no "
            "worse by PSNR.",
            zh="缩小后的图片以原图为目标:绝对误差比平方误差更清晰,PSNR 也不更低。",
        ),
        source=Evidence("C", "Lim et al. 2017, arXiv:1707.02921: L1 over L2 on DIV2K"),
        alternatives=_PICTURES,
        warnings=(_TEXTURE,),
        fires=Question(Task.GENERATION, Scenario.SUPER_RESOLUTION, goal=Goal(generation="likelihood")),
        silent=Question(Task.GENERATION, Scenario.IMAGE_GENERATION, goal=Goal(generation="likelihood")),
    ),
    Rule(
        name="evidence.generation.denoiser",
        book="evidence",
        tasks=(Task.GENERATION,),
        head="denoiser",
        when=(fact("goal.generation").equals("likelihood"),),
        unless=(
            fact("paired").is_true(),
            fact("scenario").is_one_of(Scenario.SUPER_RESOLUTION, Scenario.STYLE_TRANSFER),
            fact("goal.metric").is_one_of("psnr", "ssim"),
        ),
        recommend="mse",
        because=Text(
            en="Diffusion: squared errors of the predicted noise, steadier than a GAN and with better coverage.",
            zh="扩散模型:预测噪声的平方误差,比 GAN 稳定且覆盖更好。",
        ),
        source=Evidence("B", "Dhariwal & Nichol 2021, arXiv:2105.05233: recall .53 against .28 on ImageNet 256"),
        alternatives=(
            Alternative(
                "adversarial_generator",
                Text(en="one step must do, or the model is a GAN.", zh="必须一步生成,或模型即为 GAN。"),
            ),
        ),
        fires=_generation("likelihood"),
        silent=_generation("adversarial"),
    ),
)
