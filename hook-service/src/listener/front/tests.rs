use proptest::prelude::*;

use super::*;

const ONE: &[u8] = b"POST /authz HTTP/1.1\r\ncontent-length: 5\r\nhost: hook-service:8081\r\n\
                     content-type: application/json\r\n\r\nabcde";

#[test]
fn a_request_as_emqx_writes_it_is_found_as_a_whole_and_never_too_early() {
    for split in 0..ONE.len() {
        assert_eq!(Front::of(&ONE[..split]), Front::Partial, "{split}");
    }
    let whole = Front::Whole {
        bytes: ONE.len(),
        asked: Asked {
            hook: Hook::Authz,
            secret: b"",
            body: b"abcde",
        },
    };
    assert_eq!(Front::of(ONE), whole);
    assert_eq!(Front::of(&[ONE, ONE].concat()), whole);
}

#[test]
fn every_request_recorded_of_emqx_is_one() {
    for recorded in [
        &include_bytes!("../../../tests/wire/authn-mtls.http")[..],
        include_bytes!("../../../tests/wire/authn-escaped-dn.http"),
        include_bytes!("../../../tests/wire/authn-no-credentials.http"),
        include_bytes!("../../../tests/wire/authz-publish.http"),
        include_bytes!("../../../tests/wire/authz-publish-retain.http"),
        include_bytes!("../../../tests/wire/authz-subscribe.http"),
    ] {
        let text = String::from_utf8_lossy(recorded);
        // The recorded broker was told other paths.
        let text = text.replacen("POST /auth ", "POST /authn/device ", 1);
        let text = text.replacen("POST /acl ", "POST /authz ", 1);
        let front = Front::of(text.as_bytes());
        assert!(matches!(front, Front::Whole { .. }), "{front:?}: {text}");
    }
}

#[test]
fn the_secret_is_read_as_the_library_reads_it() {
    let one = String::from_utf8(ONE.to_vec()).unwrap();
    for (line, secret) in [
        ("x-hook-secret: s3cret", &b"s3cret"[..]),
        ("X-Hook-Secret:  s3 cret \t", b"s3 cret"),
        ("x-hook-secret:", b""),
    ] {
        let one = one.replacen("host: ", &format!("{line}\r\nhost: "), 1);
        let Front::Whole { asked, .. } = Front::of(one.as_bytes()) else {
            panic!("{one}");
        };
        assert_eq!(asked.secret, secret, "{line}");
    }
}

#[test]
fn whatever_is_unusual_is_left_to_the_http_library() {
    let one = String::from_utf8(ONE.to_vec()).unwrap();
    for (from, to) in [
        ("POST", "GET"),
        ("HTTP/1.1", "HTTP/1.0"),
        ("/authz", "/authn"),
        ("/authz", "/authz?x"),
        (
            "content-length: 5",
            "content-length: 5\r\ncontent-length: 5",
        ),
        (
            "content-length: 5",
            "content-length: 5\r\nTransfer-Encoding: chunked",
        ),
        ("content-length: 5", "content-length: +5"),
        ("content-length: 5", "content-length: 5, 5"),
        ("content-length: 5", "content-length:"),
        ("content-length: 5", "content-length: 16385"),
        ("content-length: 5", "content-length: 5\r\n folded"),
        ("content-length: 5", "content-length: 5\nx: y"),
        ("content-length: 5", "content-length : 5"),
        ("content-length: 5\r\n", ""),
        ("host: hook", "connection: close\r\nhost: hook"),
        ("host: hook", "Expect: 100-continue\r\nhost: hook"),
        ("host: hook", "no colon\r\nhost: hook"),
        ("host: hook", ": hook"),
        ("host: hook", "host: \u{1}hook"),
        ("host: hook", "host: \u{c}hook"),
        ("hook-service:8081", "hook-service:8081\u{c}"),
        ("host: hook", "host: h\u{f6}ok"),
        ("POST", "\r\nPOST"),
        ("host: ", "x-hook-secret: a\r\nx-hook-secret: a\r\nhost: "),
    ] {
        let odd = one.replacen(from, to, 1);
        assert_ne!(odd, one);
        assert_eq!(Front::of(odd.as_bytes()), Front::Odd, "{odd}");
    }
    assert_eq!(Front::of(&[b'x'; HEAD_BYTES_MAX]), Front::Odd);
    let many = "a: b\r\n".repeat(HEADERS_MAX) + "host: ";
    let many = one.replacen("host: ", &many, 1);
    assert_eq!(Front::of(many.as_bytes()), Front::Odd);
}

/// What a parser that we did not write takes for the first request: where its head ends, its path, the
/// length of its body, and whether anything in it asks for more than that.
fn by_httparse(bytes: &[u8]) -> Option<(usize, String, usize, bool)> {
    let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(head) = request.parse(bytes).ok()? else {
        return None;
    };
    let named = |name: &str| {
        let fields = request.headers.iter();
        let found = fields.filter(|field| field.name.eq_ignore_ascii_case(name));
        found.map(|field| field.value).collect::<Vec<_>>()
    };
    let [length] = named("content-length")[..] else {
        return None;
    };
    let length = std::str::from_utf8(length).ok()?.parse().ok()?;
    let more = ["transfer-encoding", "connection", "expect", "upgrade"];
    let more = more.iter().any(|name| !named(name).is_empty());
    let usual = request.method == Some("POST") && request.version == Some(1);
    Some((head, request.path?.to_owned(), length, more || !usual))
}

/// A request with some bytes of it replaced, left out, doubled, or moved.
fn spoiled() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"\r\n"[..],
        b"\n",
        b"\r",
        b":",
        b" ",
        b"\t",
        b"0",
        b"5",
        b"content-length: 5\r\n",
        b"Content-Length:3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"connection: close\r\n",
        b"x-hook-secret: s\r\n",
        b"POST ",
        b"/authn/device",
        b"\0",
        b"\xff",
        b"\x0c\r\n",
    ]);
    let change = (any::<prop::sample::Index>(), 0..4_usize, piece);
    prop::collection::vec(change, 0..5).prop_map(|changes| {
        let mut bytes = ONE.to_vec();
        for (at, cut, piece) in changes {
            let at = at.index(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, piece.iter().copied());
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn whatever_is_taken_is_the_same_request_to_another_parser(bytes in spoiled()) {
        if let Front::Whole { bytes: whole, asked } = Front::of(&bytes) {
            let other = by_httparse(&bytes);
            let (head, path, length, unusual) = other.expect("the other one takes it too");
            prop_assert_eq!(whole, head + length);
            prop_assert_eq!(asked.body, &bytes[head..whole]);
            prop_assert_eq!(asked.hook.path(), path);
            prop_assert!(!unusual);
        }
    }
}
