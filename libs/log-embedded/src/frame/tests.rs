use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn sample() -> LogRecord {
    LogRecord {
        key: "k".into(),
        headers: vec![("a".into(), "b".into())],
        value: Bytes::from_static(b"value"),
    }
}

fn of_hex(hex: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digits).collect()
}

#[test]
fn the_format_on_disk_is_what_was_promised() {
    let mut frames = encode_call(&[sample()]).unwrap();
    assert_eq!(stamp(&mut frames, 7, 1_000_000, 8), 8);
    let promised = "31000000cb3f02bc0700000000000000\
                    40420f00000000000800000000000000\
                    01\
                    010000006b\
                    01000000010000006101000000\
                    6276616c7565";
    assert_eq!(frames, of_hex(promised));
}

/// A block that was once written, by hand: five samples of which the last four repeat the first.
#[test]
fn a_block_on_disk_is_read_as_was_promised() {
    let record = "010000006b0100000001000000610100000062\
                  76616c7565";
    let length = record.len() / 2;
    let first = format!("{:02x}000000{record}", length);
    // A token: 15 and more literals, then a match at the distance of one record, to its end but for the
    // last 5 bytes, which LZ4 wants as literals.
    let one = length + 4;
    let repeated = 4 * one - 5 - 4 - 15;
    let lz4 = format!(
        "ff{:02x}{first}{:02x}00{:02x}50{}",
        one - 15,
        one,
        repeated,
        "76616c7565"
    );
    let content = format!("05000000{:02x}000000{lz4}", 5 * one);
    let mut frame = Vec::new();
    put_frame(&mut frame, BLOCK | LAST_OF_CALL, [&of_hex(&content), &[]]);
    assert_eq!(stamp(&mut frame, 7, 0, 8), 12);
    assert_eq!(checked(&frame).unwrap().records, 5);
    assert_eq!(records(&frame), Some(vec![sample(); 5]));
}

#[test]
fn a_page_of_a_feed_takes_a_tenth_and_gives_back_what_it_was() {
    let given: Vec<LogRecord> = (0..500)
        .map(|n| LogRecord {
            key: format!("conn/{n}"),
            headers: sample().headers,
            value: Bytes::from(format!(
                "{n}: {}",
                "what every record says again. ".repeat(90)
            )),
        })
        .collect();
    let plain: usize = given.iter().map(LogRecord::size).sum();
    let mut frames = encode_call(&given).unwrap();
    assert!(frames.len() * 10 < plain, "{} of {plain}", frames.len());
    assert_eq!(stamp(&mut frames, 3, 0, 8), 503);
    let (mut rest, mut found, mut lasts) = (&frames[..], Vec::new(), Vec::new());
    while let Some(head) = checked(rest) {
        assert_eq!(head.offset, 3 + found.len() as u64);
        found.extend(records(&rest[..head.bytes]).unwrap());
        lasts.push(head.last_of_call);
        rest = &rest[head.bytes..];
    }
    assert_eq!(found, given);
    assert_eq!(lasts.iter().position(|last| *last), Some(lasts.len() - 1));
}

#[test]
fn what_does_not_get_smaller_and_what_is_larger_than_a_block_stands_alone() {
    let noise = |seed: u64, bytes: usize| {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let next = move |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        LogRecord {
            value: (0..bytes).map(next).collect::<Vec<_>>().into(),
            ..sample()
        }
    };
    let small: Vec<_> = (0..6).map(|n| noise(n, 900)).collect();
    let large: Vec<_> = (0..6)
        .map(|n| noise(n, block::BLOCK_BYTES_MAX + 1))
        .collect();
    let mixed = [sample(), large[0].clone(), sample(), small[1].clone()];
    for given in [&small[..], &large[..], &mixed[..]] {
        let mut frames = encode_call(given).unwrap();
        stamp(&mut frames, 0, 0, 8);
        let (mut rest, mut found) = (&frames[..], Vec::new());
        while let Some(head) = checked(rest) {
            assert_eq!(head.records, 1);
            found.extend(records(&rest[..head.bytes]).unwrap());
            rest = &rest[head.bytes..];
        }
        assert!(found == given && rest.is_empty());
    }
}

#[test]
fn a_record_of_countless_empty_headers_is_too_large() {
    let mut record = sample();
    record.headers = vec![("".into(), "".into()); FRAME_BYTES_MAX / 8];
    assert!(matches!(
        encode_call(&[record]),
        Err(AppendError::TooLarge { .. })
    ));
}

fn any_record() -> impl Strategy<Value = LogRecord> {
    let header = (".{0,9}", ".{0,9}").prop_map(|(name, value)| (name.into(), value.into()));
    let headers = proptest::collection::vec(header, 0..4);
    let value = proptest::collection::vec(any::<u8>(), 0..200);
    (".{0,20}", headers, value).prop_map(|(key, headers, value)| LogRecord {
        key,
        headers,
        value: value.into(),
    })
}

proptest! {
    #[test]
    fn a_frame_survives_and_no_flipped_bit_passes(
        given in any_record(),
        times in prop::sample::select(vec![1, 5, 40]),
        bit in any::<prop::sample::Index>(),
    ) {
        let given = vec![given; times];
        let mut frame = encode_call(&given).unwrap();
        stamp(&mut frame, 3, -5, 99);
        let head = checked(&frame).unwrap();
        prop_assert_eq!((head.offset, head.appended_at_us, head.group_at), (3, -5, 99));
        prop_assert_eq!(head.records, times as u64);
        prop_assert_eq!(records(&frame), Some(given));
        let bit = bit.index(frame.len() * 8);
        frame[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(checked(&frame), None);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..220),
        is_block in any::<bool>(),
    ) {
        if let (true, Some(flags)) = (is_block, bytes.get_mut(FLAGS_AT)) {
            *flags |= BLOCK;
        }
        let _ = checked(&bytes);
        let _ = records(&bytes);
    }
}
