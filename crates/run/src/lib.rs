//! run
/// e
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct RunError;
impl RunError { /// h
 pub fn hint(&self)->Option<String>{None} }
