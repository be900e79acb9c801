use chrono::DateTime;
use proptest::prelude::*;

use super::*;

fn item() -> VaultId {
    VaultId::new(DateTime::from_timestamp(1_700_000_000, 0).unwrap(), 7)
}

/// The bytes that the documentation promises.
#[test]
fn frames_stand_as_they_were_promised() {
    let id = item().to_string();
    let requests: [(Request, Vec<u8>); 5] = [
        (
            Request::Open {
                write: true,
                name: "é".into(),
            },
            vec![0, 0, 0, 6, 1, 1, 0, 2, 0xC3, 0xA9],
        ),
        (
            Request::Read {
                handle: 1,
                offset: 258,
                bytes: 3,
            },
            [
                &[0, 0, 0, 17, 2][..],
                &[0, 0, 0, 1],
                &[0, 0, 0, 0, 0, 0, 1, 2],
                &[0, 0, 0, 3],
            ]
            .concat(),
        ),
        (
            Request::Write {
                handle: 1,
                offset: 0,
                data: Bytes::from_static(b"x"),
            },
            [&[0, 0, 0, 14, 3][..], &[0, 0, 0, 1], &[0; 8], b"x"].concat(),
        ),
        (
            Request::List {
                after: String::new(),
            },
            vec![0, 0, 0, 3, 4, 0, 0],
        ),
        (
            Request::Close { handle: 9 },
            vec![0, 0, 0, 5, 5, 0, 0, 0, 9],
        ),
    ];
    for (request, promised) in requests {
        assert_eq!(request.frame(), promised);
        assert_eq!(Request::read(request.frame().slice(4..)), Ok(request));
    }
    let one = Listed {
        id: item(),
        bytes: 2,
        name: "n".into(),
    };
    let replies: [(Reply, Vec<u8>); 6] = [
        (
            Reply::Opened {
                handle: 1,
                shown: Shown::Plaintext,
                bytes: 5,
            },
            [
                &[0, 0, 0, 14, 0x81][..],
                &[0, 0, 0, 1, 2],
                &[0, 0, 0, 0, 0, 0, 0, 5],
            ]
            .concat(),
        ),
        (
            Reply::Data(Bytes::from_static(b"ab")),
            vec![0, 0, 0, 3, 0x82, b'a', b'b'],
        ),
        (
            Reply::Written(1),
            vec![0, 0, 0, 9, 0x83, 0, 0, 0, 0, 0, 0, 0, 1],
        ),
        (
            Reply::Listed {
                items: vec![one],
                next: "c".into(),
            },
            [
                &[0, 0, 0, 45, 0x84, 0, 1, b'c'][..],
                id.as_bytes(),
                &[0, 0, 0, 0, 0, 0, 0, 2, 0, 1, b'n'],
            ]
            .concat(),
        ),
        (
            Reply::Closed(item()),
            [&[0, 0, 0, 31, 0x85][..], id.as_bytes()].concat(),
        ),
        (
            Reply::Refused {
                code: Code::Denied,
                why: "no".into(),
            },
            vec![0, 0, 0, 7, 0xFF, 0, 1, 0, 2, b'n', b'o'],
        ),
    ];
    for (reply, promised) in replies {
        assert_eq!(reply.frame(), promised);
        assert_eq!(Reply::read(reply.frame().slice(4..)), Ok(reply));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_frame_or_are_not(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let bytes = Bytes::from(bytes);
        if let Ok(request) = Request::read(bytes.clone()) {
            prop_assert_eq!(request.frame().slice(4..), bytes.clone());
        }
        if let Ok(reply @ (Reply::Data(_) | Reply::Written(_) | Reply::Listed { .. })) = Reply::read(bytes.clone()) {
            prop_assert_eq!(reply.frame().slice(4..), bytes);
        }
    }
}
