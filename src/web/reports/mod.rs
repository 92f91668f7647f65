//! *Báo cáo*: what reports say, and the lists that their figures count.

pub mod cells;
pub mod figure;
