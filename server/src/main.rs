//! sopu
fn main() {}
