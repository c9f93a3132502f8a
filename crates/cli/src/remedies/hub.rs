//! Hints for errors of `newsdesk-hub`.

use newsdesk_hub::HubError;
use std::io::ErrorKind;

/// How to prove who asks.
const LOG_IN: &str = "log in with `hf auth login`, or set `HF_TOKEN` to an access token";

/// Returns the hint for an error, if there is one.
pub fn hint(error: &HubError) -> Option<String> {
    Some(match error {
        HubError::NoCache => "set `HF_HOME` to a folder for models".into(),
        HubError::NotCached { name, .. } => match cfg!(feature = "hub") {
            true => format!("download it without `--offline` and `HF_HUB_OFFLINE`: `newsdesk models pull {name}`"),
            false => format!("this build downloads nothing: use `hf download {name}`, or build with the feature `hub`"),
        },
        HubError::NothingToRemove { .. } => "see which models are in the cache: `newsdesk models list`".into(),
        HubError::Unreachable { .. } => {
            "check the network, and name a proxy in `HTTPS_PROXY` or a mirror in `HF_ENDPOINT` if you need one; for use without a \
             network, download models before with `newsdesk models pull`"
                .into()
        }
        HubError::Tls { .. } => {
            "check the clock; if a proxy inspects connections, name the file of its certificate in `SSL_CERT_FILE`".into()
        }
        HubError::Busy { .. } => "wait until it ends, then run the command again".into(),
        HubError::BadEndpoint { .. } => "begin `HF_ENDPOINT` with `https://` or `http://`".into(),
        HubError::Status { status, .. } if status.starts_with("401") || status.starts_with("403") => {
            format!("check what your access token may read, or {LOG_IN}")
        }
        HubError::Status { .. } => "try again later; if `HF_ENDPOINT` names a mirror, check that it has the model".into(),
        HubError::Quota { seconds: Some(seconds), .. } => format!("run the command again in {seconds} seconds, or {LOG_IN}"),
        HubError::Quota { .. } => format!("run the command again later, or {LOG_IN}"),
        HubError::NoRepository { with_token: false, .. } => format!("check the name, or the path if it is a folder; for a private model, {LOG_IN}"),
        HubError::NoRepository { .. } => "check the name, and that your access token may read the model".into(),
        HubError::NoRevision { repository, .. } => {
            format!("leave out the revision (`{repository}`), or name a branch, a tag or a whole commit after the `@`")
        }
        HubError::Gated { page, with_token: false, .. } => format!("ask for access on {page}, then {LOG_IN}"),
        HubError::Gated { page, .. } => format!("ask for access on {page} with the account of your access token"),
        HubError::BadToken { .. } => format!("make a new access token, then {LOG_IN}"),
        HubError::OnlyPickle { name } => format!(
            "add `--allow-pickle`: a strict reader takes the weights from the pickle and runs nothing; or ask for safetensors on \
             https://huggingface.co/spaces/safetensors/convert with the name `{}`",
            name.split('@').next().unwrap_or_default()
        ),
        HubError::NoWeights { files, .. } if files.contains("adapter_") => {
            "merge the adapter into its base model: `merge_and_unload()` of the library peft, then `save_pretrained(NEW_FOLDER)`".into()
        }
        HubError::Io { cause, .. } if matches!(cause.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound | ErrorKind::ReadOnlyFilesystem) => {
            "name a folder for the cache that can be written to: `HF_HOME=FOLDER`".into()
        }
        HubError::NoWeights { .. } => "name a model with `model.safetensors` or `pytorch_model.bin`".into(),
        HubError::Answer { .. } | HubError::Corrupt { .. } => {
            "check `HF_ENDPOINT` and the proxy: the server is no hub, or something changes what it sends".into()
        }
        HubError::CutOff { .. } => "run the command again: it goes on where it was".into(),
        _ => return None,
    })
}
