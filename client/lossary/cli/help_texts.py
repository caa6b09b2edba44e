"""The help of the command in Chinese."""

from typing import Any

# By the English texts, which stand where the commands and options do.
CHINESE = {
    "Which loss fits your data, and what any loss says about your predictions.": (
        "哪个损失适合你的数据,以及任意损失对你的预测给出什么值。"
    ),
    "Where the service answers.": "服务的地址。",
    "An API key.": "API 密钥。",
    "Print the answer as JSON.": "以 JSON 打印答案。",
    "CSV, Parquet, Feather, NDJSON, .npy, .npz or .safetensors.": (
        "CSV、Parquet、Feather、NDJSON、.npy、.npz 或 .safetensors 文件。"
    ),
    "Which columns are which inputs: predictions:y_pred,targets:y_true.": (
        "各列对应哪个输入:predictions:y_pred,targets:y_true。"
    ),
    "regression, binary, multiclass, segmentation, ...": "任务:regression、binary、multiclass、segmentation……",
    "outlier_rate=0.08; may be given often.": "一项事实,如 outlier_rate=0.08;可多次给出。",
    "functional=median; may be given often.": "目标的一部分,如 functional=median;可多次给出。",
    "article or evidence.": "规则书:article 或 evidence。",
    "Which loss for a task, given what is known of the data.": "根据对数据的已知事实,为任务推荐损失。",
    "What the arrays of a file say of the data.": "从文件中的数组测量数据的特征。",
    "An objective, such as dice + 0.5*bce; may be given often.": "一个目标函数,如 dice + 0.5*bce;可多次给出。",
    "What losses say of the predictions in a file.": "计算损失在文件中预测上的值。",
    "The column to predict: losses are compared by training on the others.": (
        "要预测的列:用其余各列训练并比较各损失。"
    ),
    "Which loss fits the data in a file.": "哪个损失适合文件中的数据。",
    "The column to predict.": "要预测的列。",
    "rmse, mae, log_loss, auc, ...": "指标:rmse、mae、log_loss、auc……",
    "errors, signal or unknown.": "异常值是什么:errors、signal 或 unknown。",
    "linear, mlp; may be given often.": "模型:linear、mlp;可多次给出。",
    "Partitions into folds.": "划分折的次数。",
    "To rank: the column that names a row's list.": "用于排序:写明各行所属列表的列。",
    "Train every candidate loss on a table, and say which is best and how sure that is.": (
        "在表上训练每个候选损失,说明哪个最好以及有多确定。"
    ),
    "The catalogue.": "损失目录。",
    "A loss: its formula, what it learns, and its curve.": "一个损失:公式、学习的量及其曲线。",
    "Start the service; takes the flags of python -m service.": "启动服务;接受 python -m service 的选项。",
    "Every setting of a service started here, its value, and where that is from.": (
        "在此启动的服务的每项设置、其值及来源。"
    ),
}


def translate(command: Any) -> None:  # noqa: ANN401 - typer brings a click of its own, which is untyped
    """Replace the English help texts of a command, its options and its subcommands by the Chinese ones."""
    command.help = CHINESE.get(command.help, command.help)
    for parameter in command.params:
        parameter.help = CHINESE.get(parameter.help, parameter.help)
    for subcommand in getattr(command, "commands", {}).values():
        translate(subcommand)
