//! What the work adds up to (the guide, section 8). Everything is counted from *stays*: an application enters an office's queue
//! (it is filed, reopened or moved there) and leaves it (it is approved, rejected, removed because nobody came, or moved away).
//! A stay that is over never changes, so that a period of the past gives the same figures tomorrow.

pub mod agencies;
pub mod channels;
mod counts;
pub mod coverage;
mod figure;
pub mod messages;
pub mod officers;
pub mod overview;
pub mod pace;
mod period;
pub mod reasons;
mod request;
mod stay;
mod table;
pub mod times;

pub use self::counts::{Balance, Counts, ratio};
pub use self::figure::{Figure, Measure};
pub use self::period::{Grain, Level, Period, Span, Stretch, first_of};
pub use self::request::{Kind, Letterhead, Request};
pub use self::stay::{Entered, Happened, Left, Stay, hours, replay};
pub use self::table::{Beside, Cell, Chart, Column, Row, Series, Table, Unit};
