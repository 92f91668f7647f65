pub const PATH: &str = "/imports";
pub fn upload_limit(_: Option<&actix_web::web::Data<crate::startup::Parts>>) -> usize { 0 }
