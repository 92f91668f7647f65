//! *Báo cáo*: what reports say, and the lists that their figures count.

pub mod cells;
pub mod figure;
pub mod list;
pub mod page;
