//! The generator of the Kotlin, Swift and Python sources, of the very version of uniffi the
//! library is built with.

fn main() {
    uniffi::uniffi_bindgen_main()
}
