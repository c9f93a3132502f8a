//! Hints for errors of `newsdesk-train`.

use newsdesk_train::{Remedy, TrainError, Warning};

/// Returns the hint for an error, if there is one.
pub fn hint(error: &TrainError) -> Option<String> {
    error.remedy().as_ref().map(hint_text)
}

/// Returns the message of an error about a setting with the name of its option; `None` for other errors.
pub fn message(error: &TrainError) -> Option<String> {
    match error {
        TrainError::Setting { setting, cause } => Some(format!("cannot use `--{}`: {cause}", option(setting))),
        _ => None,
    }
}

/// Returns the line that reports a warning, with what the user can do.
pub fn warning_line(warning: &Warning) -> String {
    match warning.remedy() {
        Some(remedy) => format!("warning: {warning}; {}", hint_text(&remedy)),
        None => format!("warning: {warning}"),
    }
}

/// Returns the hint for a remedy: an instruction to the user of the command line.
pub fn hint_text(remedy: &Remedy) -> String {
    let text = match remedy {
        Remedy::CheckSetting { setting } => {
            return format!("see `--{}` in `newsdesk train --help`", option(setting));
        }
        Remedy::UseOneLabelList => {
            "give data sets with one head the same list of labels, or name another head with `--head`"
        }
        Remedy::NameLabelColumn => {
            "name the column with the labels with `--label-field`, or add articles with other labels"
        }
        Remedy::AddLabelledArticles => {
            "give a few articles of each label for training, and others to choose the best epoch, with `--validation` if need be; \
             `newsdesk data stats` counts them"
        }
        Remedy::AddSecondLabel => "give articles of at least two labels",
        Remedy::UseOneLabelKind => "make all rows of a head single-label, or all multi-label",
        Remedy::AddValidationData => "give validation data for each head with `--validation`",
        Remedy::AddValidationArticles => "give more validation data, with `--validation` if need be",
        Remedy::NameTextColumn => "name the column with the text with `--text-field`",
        Remedy::AddOrMergeRareLabels => "add articles with these labels, or merge them into others with `--label-map`",
        Remedy::BalanceLabels => "try `--class-weights balanced`, or add articles with these labels",
        Remedy::CheckLabelsAndLearningRate => {
            "check that the labels can be told from the texts, then try a lower `--learning-rate` or more `--epochs`"
        }
        Remedy::RemoveCheckpoint { folder } => {
            return format!("it may be damaged: remove `{}`, and start again without `--resume`", folder.display());
        }
        Remedy::TrainHeadOfTeacher { known } => {
            return format!("name the head to train with `--head`; the teacher's heads are {}", known.join(", "));
        }
        Remedy::UseLabelKindOfTeacher => {
            "use single-label rows for a softmax head, and multi-label rows for a sigmoid head"
        }
        Remedy::UseLabelsOfTeacher { known } => {
            return format!("use the teacher's labels: {}", known.join("; "));
        }
        Remedy::UseTeacherWithLabels { trained } => {
            return format!("use a teacher with just the labels of the training data: {}", trained.join("; "));
        }
        Remedy::ComputeTeacherScores => {
            "compute them with `newsdesk models teacher-scores` and the same `--data` and `--unlabelled`"
        }
        Remedy::AverageRelatedModels => {
            "average models with the same heads and the same base, such as those of `newsdesk train --seeds`"
        }
        Remedy::WeightPerModel => "give one `--weights` number above zero per model",
        Remedy::AddTrainingRows { label } => {
            return format!(
                "no training row has the label `{label}`: add such rows, leave the rows with this label out of the other data, \
                 or list all labels with `--labels FILE`"
            );
        }
        Remedy::LowerLearningRate => {
            "start a new run in another folder with a lower `--learning-rate`; an earlier checkpoint is unchanged"
        }
        Remedy::RepeatOptions => "give the options of the first run again, or choose another folder with `--output`",
        Remedy::WaitForRun => "wait for it to end, or choose another folder with `--output`",
        Remedy::MakeFolderWritable => {
            "make the folder writable or free disk space, then resume with `--resume`; an earlier checkpoint is complete"
        }
        Remedy::Eval(remedy) => return super::eval::hint_text(remedy),
        Remedy::Model(remedy) => return super::model::hint_text(remedy),
    };
    text.into()
}

/// Returns the option that sets a field of the settings.
fn option(setting: &str) -> String {
    match setting {
        "distillation" => "teacher".into(),
        "distillation.weight" => "teacher-weight".into(),
        "distillation.temperature" => "teacher-temperature".into(),
        "distillation.hidden_state_weight" => "hidden-state-weight".into(),
        "distillation.relation_weight" => "relation-weight".into(),
        "features.buckets" => "buckets".into(),
        "features.words" => "word-ngrams".into(),
        "features.characters" => "char-ngrams".into(),
        setting => setting.replace('_', "-"),
    }
}
