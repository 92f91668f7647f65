//! Calls to the address at which gateways tell what became of messages.

use ureq::http::Response;
use ureq::{Agent, Body};

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).max_redirects(0).build().new_agent()
}

/// What is told, as a gateway does by GET.
pub fn tell(address: &str) -> Response<Body> {
    agent().get(address).call().unwrap()
}

/// As [`tell`], by POST.
pub fn tell_with(address: &str, content_type: &str, body: &str) -> Response<Body> {
    agent().post(address).header("Content-Type", content_type).send(body).unwrap()
}
