//! Names that other tools use for our commands and options: transformers, scikit-learn, spaCy, fastText and others.

/// Names of other tools for options, and ours in order of preference. Ours are looked up in the command: the first that it has
/// is meant. A value follows after a space.
pub const OPTIONS: &[(&[&str], &[&str])] = &[
    (&["gpu", "use-gpu", "cuda", "use-cuda", "gpus", "gpu-id"], &["device cuda"]),
    (&["sep", "separator", "delim"], &["delimiter"]),
    (&["cpu", "no-cuda", "no-gpu", "use-cpu"], &["device cpu"]),
    (&["fp16", "bf16", "half", "amp", "mixed-precision", "torch-dtype"], &["dtype bf16", "dtypes bf16"]),
    (&["int8", "quantize", "quantise", "load-in-8bit"], &["dtype int8", "dtypes int8"]),
    (&["precision", "precisions"], &["dtype", "dtypes"]),
    (
        &[
            "model-name",
            "model-path",
            "model-dir",
            "model-name-or-path",
            "pretrained-model",
            "pretrained",
            "checkpoint",
        ],
        &["base", "model"],
    ),
    (&["model", "m"], &["base", "model"]),
    (
        &[
            "text-column",
            "text-col",
            "text-key",
            "text-name",
            "column",
            "text-column-name",
            "content-field",
            "body-field",
        ],
        &["text-field"],
    ),
    (&["title-column", "title-col", "title-key", "headline-field"], &["title-field"]),
    (
        &["label-column", "label-col", "label-key", "label-name", "label-column-name", "target-column", "y"],
        &["label-field"],
    ),
    (
        &["output-file", "output-dir", "output-path", "out", "outfile", "out-file", "save-dir", "save-path", "dest"],
        &["output"],
    ),
    (&["num-threads", "n-threads", "thread", "workers", "num-workers", "n-jobs", "jobs", "cpus", "j"], &["threads"]),
    (
        &["max-len", "max-length", "max-seq-length", "max-seq-len", "max-tokens", "truncation"],
        &["max-length", "max-windows"],
    ),
    (&["top", "topk", "k", "n-best"], &["top-k"]),
    (&["threshold", "confidence", "min-confidence", "cutoff", "score-threshold"], &["min-score"]),
    (&["probabilities", "proba", "predict-proba", "return-all-scores", "all-scores"], &["scores"]),
    (&["silent", "s"], &["quiet"]),
    (&["max-rows", "nrows", "n-rows", "max-samples", "max-eval-samples", "max-train-samples", "head"], &["limit"]),
    (&["lr", "alpha", "learn-rate"], &["learning-rate"]),
    (&["num-train-epochs", "num-epochs", "n-epochs", "epoch", "n-iter", "max-epochs", "max-iter"], &["epochs"]),
    (&["repeat", "repeats", "repetitions", "runs", "n-runs", "iterations"], &["rounds"]),
    (&["per-device-train-batch-size", "train-batch-size"], &["batch-size"]),
    (&["gradient-accumulation-steps"], &["micro-batch-size"]),
    (&["warmup-steps", "warmup-proportion"], &["warmup-ratio"]),
    (&["wd", "l2"], &["weight-decay"]),
    (&["wordngrams", "ngram-range", "ngrams", "word-n-grams"], &["word-ngrams"]),
    (&["minn", "maxn", "char-n-grams"], &["char-ngrams"]),
    (&["bucket"], &["buckets"]),
    (&["class-weight"], &["class-weights"]),
    (&["random-state", "random-seed"], &["seed"]),
    (&["train-file", "train-data", "training-data", "train", "input", "input-file", "i"], &["data"]),
    (
        &["test-file", "test-data", "eval-file", "eval-data", "dataset", "dataset-name", "datasets", "file", "files"],
        &["data"],
    ),
    (&["validation-file", "validation-data", "valid", "val", "dev", "dev-file", "eval"], &["validation"]),
    (&["resume-from-checkpoint", "continue"], &["resume"]),
    (&["local-files-only"], &["offline"]),
    (&["force", "yes", "f", "overwrite-output-dir"], &["overwrite"]),
    (&["format-out", "out-format", "to-format"], &["output-format"]),
];

/// Names of other tools for things that a command does without an option: names, commands, and what to do. No commands: all.
pub const WITHOUT_OPTION: &[(&[&str], &[&str], &str)] = &[
    (
        &["batch-size", "batch", "per-device-eval-batch-size", "eval-batch-size"],
        &["classify", "eval", "bench", "agree", "verify", "calibrate"],
        "leave it out: batches are formed automatically; `--threads N` sets the number of threads",
    ),
    (
        &["input", "input-file", "i", "file", "files", "data", "dataset", "in"],
        &["classify"],
        "name the files without an option: `newsdesk classify FILES`",
    ),
    (
        &["model", "m", "model-name", "model-path", "model-dir", "model-name-or-path"],
        &["eval", "bench", "agree", "calibrate", "certify", "info"],
        "name the model without an option, as in `newsdesk eval MODEL --data DATASET`",
    ),
    (
        &["delimiter", "sep", "separator", "delim"],
        &["classify", "eval", "train", "check", "stats", "split", "convert"],
        "leave it out: the delimiter of a CSV file is detected (`,`, `;` or `|`), and .tsv files have tabs",
    ),
    (
        &["num-labels", "labels", "classes", "candidate-labels"],
        &["classify"],
        "leave it out: the labels are those of the model; train one with other labels with `newsdesk train`",
    ),
    (
        &["fp16", "bf16", "half", "amp", "mixed-precision", "torch-dtype"],
        &["train"],
        "leave it out: training has no choice of dtype; `newsdesk classify --dtype` has one",
    ),
    (
        &["test-size", "train-size", "validation-split", "val-split", "eval-split", "holdout"],
        &["train"],
        "split the data first with `newsdesk data split`, and name a part with `--validation`",
    ),
    (&["solver", "optimizer", "optim"], &["train"], "leave it out: there is one for each kind of model"),
    (&["metrics", "metric"], &["eval", "bench"], "leave it out: all metrics are printed"),
    (
        &["o", "output", "out", "output-file", "output-dir", "output-path", "outfile", "out-file"],
        &["eval", "agree"],
        "write the results to a file with `--json > FILE`",
    ),
    (&["verbose", "v"], &[], "leave it out: progress and warnings are printed unless `--quiet` is given"),
    (&["output-encoding"], &[], "leave it out: output is UTF-8"),
    (&["revision"], &[], "write the revision after the name of the model, as in `ORG/NAME@REVISION`"),
    (&["cache-dir", "cache-folder"], &[], "set `HF_HOME` or `HF_HUB_CACHE` to the folder of the cache"),
    (&["token", "use-auth-token", "hf-token"], &[], "set `HF_TOKEN`, or log in with `hf auth login`"),
    (&["tokenizer", "tokenizer-name"], &[], "leave it out: the tokenizer is in the folder of the model"),
    (&["trust-remote-code"], &[], "leave it out: no code of a model is ever run"),
];

/// Names of other tools for values of options: options, names, and what to use.
pub const VALUES: &[(&[&str], &[&str], &str)] = &[
    (
        DTYPE_OPTIONS,
        &["float16", "fp16", "f16", "half", "bfloat16", "16", "float-16", "bfloat-16"],
        "`bf16`, which has 16 bits",
    ),
    (DTYPE_OPTIONS, &["float32", "fp32", "float", "single", "full", "32"], "`f32`"),
    (DTYPE_OPTIONS, &["i8", "q8", "uint8", "8bit", "8"], "`int8`"),
    (DTYPE_OPTIONS, &["i16"], "`int16`"),
    (&["save-dtype"], &["float16", "fp16", "half", "16", "bf16", "bfloat16"], "`f16`, which has 16 bits"),
    (&["save-dtype"], &["float32", "fp32", "float", "single", "full", "32"], "`f32`"),
    (&["device"], &["gpu", "nvidia"], "`cuda`; on a Mac, `metal`"),
    (&["device"], &["0", "gpu:0"], "`cuda:0`"),
    (&["device"], &["1", "gpu:1"], "`cuda:1`"),
    (&["device"], &["mps", "apple"], "`metal`"),
    (&["device"], &["-1"], "`cpu`"),
];

const DTYPE_OPTIONS: &[&str] = &["dtype", "dtypes"];

/// Names of other tools for commands, and ours.
pub const COMMANDS: &[(&[&str], &str)] = &[
    (&["predict", "label", "tag", "infer", "inference", "run", "annotate", "apply", "cat", "parse"], "classify"),
    (&["evaluate", "test", "score", "validate", "assess"], "eval"),
    (&["benchmark", "compare"], "bench"),
    (&["fit", "finetune", "fine-tune", "supervised", "learn"], "train"),
    (&["agreement"], "agree"),
    (&["check", "lint", "debug-data"], "data check"),
    (&["stats", "describe", "statistics", "count"], "data stats"),
    (&["split"], "data split"),
    (&["convert"], "data convert"),
    (&["model", "info", "show", "inspect"], "models info"),
    (&["pull", "download", "fetch"], "models pull"),
    (&["rm", "remove", "delete"], "models rm"),
    (&["list", "ls", "scan-cache"], "models list"),
    (&["export"], "models export"),
    (&["certify", "quantize", "quantise"], "models certify"),
    (&["average", "merge"], "models average"),
];
