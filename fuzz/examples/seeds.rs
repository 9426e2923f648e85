//! Writes the honest inputs every target begins from: `cargo run -p sopu-fuzz --example seeds`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, seeds) in [
        ("guard", sopu_fuzz::guard::seeds()),
        ("wire", sopu_fuzz::wire::seeds()),
        ("encoding", sopu_fuzz::encoding::seeds()),
        ("envelope", sopu_fuzz::envelope::seeds()),
        ("enrolment", sopu_fuzz::enrolment::seeds()),
        ("file", sopu_fuzz::file::seeds()),
    ] {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
