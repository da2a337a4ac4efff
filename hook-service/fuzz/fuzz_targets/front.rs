//! Whatever is answered without the HTTP library is the same request to a parser that is not ours.
#![no_main]

use hook_service::listener::answered_at_once;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((whole, asked)) = answered_at_once(bytes) else {
        return;
    };
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    let head = request.parse(bytes).expect("it is HTTP").unwrap();
    assert_eq!(request.method, Some("POST"));
    assert_eq!(request.version, Some(1));
    assert_eq!(request.path, Some(asked.hook.path()));
    assert_eq!(asked.body, &bytes[head..whole]);
    let mut lengths = 0;
    for field in request.headers {
        let name = field.name.to_ascii_lowercase();
        assert_ne!(name, "transfer-encoding");
        if name == "content-length" {
            let value = std::str::from_utf8(field.value).expect("digits");
            assert_eq!(value.parse(), Ok(asked.body.len()));
            lengths += 1;
        }
    }
    assert_eq!(lengths, 1);
});
