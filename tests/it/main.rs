//! The one integration binary: scenarios on the real program.

mod server;
