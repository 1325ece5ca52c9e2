mod batch;
mod conflicts;
mod margin;
mod orders;
mod queries;
mod settings;
mod transfers;

use super::RequestError;
use crate::args::Args;

fn args(form: &str) -> Args<'_> {
    Args::new(b"", form.as_bytes()).expect("within bounds")
}

const fn missing<T>(name: &'static str) -> Result<T, RequestError> {
    Err(RequestError::RequiredArgumentMissing(name))
}

const fn invalid<T>(name: &'static str) -> Result<T, RequestError> {
    Err(RequestError::InvalidArgument(name))
}
