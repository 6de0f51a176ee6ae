//! What the targets share: half of their inputs are changed as documents are, half as bytes are.

#[doc(hidden)]
pub use libfuzzer_sys;

/// Makes a fuzz target of a check.
#[macro_export]
macro_rules! target {
    ($check:path) => {
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $check(data));

        $crate::libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutate(data, size, max_size, seed)
        });
    };
}

/// Changes the first `size` bytes of `data` in place; returns how many there are now.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let as_document = seed % 2 == 0;
    if let Ok(text) = std::str::from_utf8(&data[..size])
        && as_document
    {
        let changed = parsers::mutation::mutated(text, u64::from(seed), max_size);
        data[..changed.len()].copy_from_slice(changed.as_bytes());
        return changed.len();
    }
    libfuzzer_sys::fuzzer_mutate(data, size, max_size)
}
