//! Options of commands with several models: a plain value holds for all models, MODEL=VALUE for one of them.

use super::named_models::NamedModel;
use crate::failure::Usage;
use anyhow::Result;

/// The values of an option for one model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PerModel {
    /// The value for this model alone.
    pub own: Option<String>,
    /// The value for all models.
    pub common: Option<String>,
}

impl PerModel {
    /// Returns the value for this model.
    pub fn value(&self) -> Option<&String> {
        self.own.as_ref().or(self.common.as_ref())
    }
}

/// The names by which an option may refer to a model: as it was typed, and as results call it.
pub type Names<'a> = [&'a str; 2];

/// Returns the names of models.
pub fn names(models: &[NamedModel]) -> Vec<Names<'_>> {
    models.iter().map(|model| [model.argument.as_str(), model.name.as_str()]).collect()
}

/// Returns the values of `option` for each model.
///
/// A value may contain `=` itself, such as a path: it is plain if nothing before an `=` names a model, and `is_plain`
/// accepts it.
///
/// # Errors
/// If a value names an unknown model, or a model gets two values.
pub fn per_model(
    option: &str,
    given: &[String],
    models: &[Names],
    is_plain: impl Fn(&str) -> bool,
) -> Result<Vec<PerModel>> {
    let mut found = vec![PerModel::default(); models.len()];
    let mut common: Option<String> = None;
    for text in given {
        let (model, value) = split(text, models);
        if model.is_none() && text.contains('=') && !is_plain(text) {
            let (unknown, value) = text.split_once('=').unwrap_or_default();
            let message = format!("cannot use `{option} {text}`: no model here is called `{unknown}`");
            let known: Vec<String> = models.iter().map(|[typed, _]| format!("`{option} {typed}={value}`")).collect();
            return Err(Usage::new(message, format!("use {}", known.join(" or "))).into());
        }
        let place = model.map_or(&mut common, |model| &mut found[model].own);
        if place.replace(value.to_owned()).is_some() {
            let what = model.map_or("all models".to_owned(), |model| format!("the model `{}`", models[model][0]));
            let message = format!("cannot use `{option} {text}`: {what} would have two values");
            let hint =
                format!("give one plain `{option}` for all models, and at most one `{option} MODEL=...` per model");
            return Err(Usage::new(message, hint).into());
        }
    }
    found.iter_mut().for_each(|values| values.common.clone_from(&common));
    Ok(found)
}

/// Returns the error of a model that does not have the head that is named for it; `known` are its heads.
pub fn no_head(name: &str, model: &str, known: &[String]) -> Usage {
    let message = format!("cannot find head `{name}`: the model `{model}` does not have it");
    let options: Vec<String> = known.iter().map(|head| format!("`--head {model}={head}`")).collect();
    Usage::new(message, format!("say which head is meant with {}", options.join(" or ")))
}

/// Splits MODEL=VALUE; no model if the text is a plain value. The longest name of a model wins.
fn split<'a>(text: &'a str, models: &[Names]) -> (Option<usize>, &'a str) {
    let ends = text.match_indices('=').map(|(end, _)| end).collect::<Vec<_>>();
    let of_end = |end: usize| {
        let model = models.iter().position(|names| names.contains(&&text[..end]))?;
        Some((Some(model), &text[end + 1..]))
    };
    ends.into_iter().rev().find_map(of_end).unwrap_or((None, text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MODELS: [Names; 2] = [["default", "newsdesk-default"], ["runs/x=1/desk", "desk"]];

    fn values(given: &[&str]) -> Result<Vec<Option<String>>, String> {
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        let found = per_model("--head", &given, &MODELS, |text| text == "a=b").map_err(|error| error.to_string())?;
        Ok(found.iter().map(|values| values.value().cloned()).collect())
    }

    #[test]
    fn value_of_a_model_overrides_the_common_one() {
        let both = |one: &str, two: &str| Ok(vec![Some(one.to_owned()), Some(two.to_owned())]);
        assert_eq!(values(&[]), Ok(vec![None, None]));
        assert_eq!(values(&["topic"]), both("topic", "topic"));
        assert_eq!(values(&["desk=label", "topic"]), both("topic", "label"));
        assert_eq!(values(&["newsdesk-default=topic", "runs/x=1/desk=a=b"]), both("topic", "a=b"));
        assert_eq!(values(&["a=b"]), both("a=b", "a=b"));
    }

    #[test]
    fn unknown_models_and_second_values_are_refused() {
        assert!(values(&["other=topic"]).unwrap_err().contains("no model here is called `other`"));
        assert!(values(&["=topic"]).unwrap_err().contains("no model here is called ``"));
        assert!(values(&["topic", "desk"]).unwrap_err().contains("all models would have two values"));
        assert!(values(&["desk=a", "runs/x=1/desk=b"]).unwrap_err().contains("`runs/x=1/desk` would have two values"));
    }
}
