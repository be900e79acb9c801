use super::*;

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 % 251) as u8).collect()
}

#[tokio::test]
async fn everybody_gets_what_policies_give_and_nothing_else() {
    let world = World::new().await;
    let plain = content(5_000_000);
    let id = world.put("salaries", &plain).await;
    let stored = {
        let sealed = world.vault.open_sealed(id, "ada").await.unwrap();
        let mut all = Vec::new();
        while (all.len() as u64) < sealed.bytes() {
            let piece = sealed.read(all.len() as u64..sealed.bytes()).await.unwrap();
            all.extend_from_slice(&piece);
        }
        all
    };
    let mut client = world.client().await;
    // what the policy gives => as what it is read, as what it is written
    let rows = [
        ("NoAccess", None, None),
        ("Read", Some(Shown::Plaintext), None),
        ("Write", None, Some(Shown::Plaintext)),
        ("ReadWrite", Some(Shown::Plaintext), Some(Shown::Plaintext)),
        ("ReadCipher", Some(Shown::Ciphertext), None),
        (
            "ReadWriteCipher",
            Some(Shown::Ciphertext),
            Some(Shown::Ciphertext),
        ),
    ];
    for (access, reads, writes) in rows {
        world.allow(access);
        for name in ["salaries", &id.to_string()] {
            let read = whole(&mut client, name).await;
            match reads {
                None => assert_eq!(code(read.unwrap_err()), Code::Denied, "{access}"),
                Some(shown) => {
                    let (found, bytes) = read.unwrap();
                    let expected = if shown == Shown::Plaintext {
                        &plain
                    } else {
                        &stored
                    };
                    assert_eq!((found, &bytes), (shown, expected), "{access}");
                }
            }
        }
        let (name, sent) = match writes {
            Some(Shown::Ciphertext) => (id.to_string(), stored.clone()),
            _ => (format!("new by {access}"), content(70_000)),
        };
        let opened = client.open(&name, true).await;
        let Some(shown) = writes else {
            assert_eq!(code(opened.unwrap_err()), Code::Denied, "{access}");
            continue;
        };
        let opened = opened.unwrap();
        assert_eq!(opened.shown, shown, "{access}");
        let mut written = 0;
        for piece in sent.chunks(1 << 20) {
            let data = Bytes::copy_from_slice(piece);
            written = client.write(opened.handle, written, data).await.unwrap();
        }
        let made = client.close(opened.handle).await.unwrap();
        match shown {
            Shown::Plaintext => assert_eq!(world.plaintext(made).await, sent, "{access}"),
            Shown::Ciphertext => assert_eq!(world.plaintext(id).await, plain, "{access}"),
        }
    }
}

#[tokio::test]
async fn a_policy_that_changes_holds_for_what_is_open_already() {
    let world = World::new().await;
    let id = world.put("a", &content(10)).await;
    let mut client = world.client().await;
    world.allow("ReadWrite");
    let read = client.open("a", false).await.unwrap().handle;
    let write = client.open("b", true).await.unwrap().handle;
    assert_eq!(client.read(read, 4, 3).await.unwrap(), content(10)[4..7]);
    let one = Bytes::from_static(b"1");
    assert_eq!(client.write(write, 0, one.clone()).await.unwrap(), 1);
    for access in ["NoAccess", "ReadWriteCipher"] {
        world.allow(access);
        let error = client.read(read, 0, 10).await.unwrap_err();
        assert_eq!(error.to_string(), "Permission denied", "{access}");
        let error = client.write(write, 1, one.clone()).await.unwrap_err();
        assert_eq!(code(error), Code::Denied, "{access}");
    }
    std::fs::write(world.path("policies"), "{").unwrap();
    assert_eq!(code(client.list("").await.unwrap_err()), Code::Denied);
    world.allow("Write");
    let (items, next) = client.list("").await.unwrap();
    assert_eq!((items.len(), items[0].id, next.as_str()), (1, id, ""));
    let error = client.read(read, 0, 10).await.unwrap_err();
    assert_eq!(code(error), Code::Denied);
    let made = client.close(write).await.unwrap();
    assert_eq!(world.plaintext(made).await, b"1");
    let told = world.audited().await;
    let refused = told.iter().filter(|(action, _)| action == "access.refuse");
    let refused: Vec<&str> = refused.map(|(_, told)| told.as_str()).collect();
    assert_eq!(refused.len(), 6, "{told:?}");
    let program = std::env::current_exe().unwrap().display().to_string();
    assert!(
        refused
            .iter()
            .any(|told| told.contains("reading: policy `p`: NoAccess") && told.contains(&program)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_and_does_no_harm() {
    let world = World::new().await;
    world.allow("ReadWrite");
    let id = world.put("twice", b"1").await;
    world.put("twice", b"2").await;
    world.put("once", b"3").await;
    let mut client = world.client().await;
    // what is opened, whether to write => why not
    let unknown = "vlt_00000000000000000000000000";
    let rows = [
        ("nowhere", false, Code::NotFound),
        (unknown, false, Code::NotFound),
        ("twice", false, Code::Ambiguous),
        ("", false, Code::NotFound),
        ("", true, Code::Asked),
        ("a\nb", true, Code::Asked),
        (&id.to_string(), true, Code::Asked),
    ];
    for (name, write, expected) in rows {
        let error = client.open(name, write).await.unwrap_err();
        assert_eq!(code(error), expected, "{name:?}");
    }
    let reading = client.open("once", false).await.unwrap().handle;
    let writing = client.open("new", true).await.unwrap().handle;
    let one = Bytes::from_static(b"1");
    assert_eq!(
        code(client.write(reading, 0, one.clone()).await.unwrap_err()),
        Code::Asked
    );
    assert_eq!(
        code(client.read(writing, 0, 1).await.unwrap_err()),
        Code::Asked
    );
    assert_eq!(
        code(client.write(writing, 7, one.clone()).await.unwrap_err()),
        Code::Asked
    );
    assert_eq!(code(client.read(99, 0, 1).await.unwrap_err()), Code::Asked);
    assert_eq!(code(client.close(99).await.unwrap_err()), Code::Asked);
    assert_eq!(
        client.read(reading, u64::MAX, u32::MAX).await.unwrap(),
        b""[..]
    );
    for _ in 2..HANDLES_MAX {
        client.open("once", false).await.unwrap();
    }
    assert_eq!(
        code(client.open("once", false).await.unwrap_err()),
        Code::Busy
    );
    // Broken off: nothing of it is held.
    drop(client);
    let mut client = world.client().await;
    let (items, _) = client.list("").await.unwrap();
    assert!(items.iter().all(|item| item.name != "new"), "{items:?}");
}

#[tokio::test]
async fn what_is_no_frame_ends_the_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::new().await;
    // what is sent => whether there is an answer before the end
    let greeted = |rest: &[u8]| [&GREETING[..], rest].concat();
    let rows = [
        (b"GET / HT".to_vec(), 8),
        (greeted(&[0xFF; 4]), 8),
        (greeted(&[0, 0, 0, 1, 77]), 8 + 4 + 3 + 2 + 42),
        (greeted(&[0, 0, 0, 0]), 8 + 4 + 3 + 2 + 42),
    ];
    for (sent, expected) in rows {
        let mut stream = tokio::net::UnixStream::connect(world.path("socket"))
            .await
            .unwrap();
        stream.write_all(&sent).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer).await;
        // What was sent and not read is told as a reset.
        let is_ended =
            read.is_ok() || read.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset);
        assert!(
            is_ended && answer.len() <= expected.max(8),
            "{sent:?}: {answer:?}"
        );
    }
}

#[test]
fn who_asks_is_told_by_the_kernel() {
    let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(0, 0).unwrap()));
    let options = WitnessOptions {
        host: "here".into(),
        scripts: false,
        apart: Vec::new(),
    };
    let witness = Witness::new(options, clock);
    let uid = rustix::process::getuid().as_raw();
    let asker = witness.ask(std::process::id(), uid).unwrap();
    let program = std::env::current_exe().unwrap();
    let own = &asker.caller.processes[0];
    assert_eq!(own.path, program.to_str().unwrap());
    assert!(
        asker.caller.processes.len() > 1,
        "a test was started by something"
    );
    let thread = rustix::thread::gettid()
        .as_raw_nonzero()
        .get()
        .cast_unsigned();
    assert_eq!(witness.ask(thread, uid).unwrap().glance, asker.glance);
    assert!(matches!(witness.ask(0, uid), Err(Unknown::Nowhere)));
    assert!(matches!(
        witness.ask(u32::MAX >> 1, uid),
        Err(Unknown::Gone(_))
    ));
}

#[test]
fn a_program_that_is_not_what_stands_at_its_path_is_no_program() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("sleep");
    std::fs::copy("/bin/sleep", &program).unwrap();
    let mut child = std::process::Command::new(&program)
        .arg("600")
        .spawn()
        .unwrap();
    let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(0, 0).unwrap()));
    let options = WitnessOptions {
        host: "here".into(),
        scripts: false,
        apart: Vec::new(),
    };
    let witness = Witness::new(options, clock);
    let seen = || {
        witness.ask(child.id(), 0).unwrap().caller.processes[0]
            .path
            .clone()
    };
    let before = seen();
    std::fs::rename(&program, folder.path().join("moved")).unwrap();
    std::fs::copy("/bin/true", &program).unwrap();
    let moved = seen();
    std::fs::remove_file(folder.path().join("moved")).unwrap();
    let removed = seen();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(before, program.to_str().unwrap());
    assert_eq!(moved, folder.path().join("moved").to_str().unwrap());
    assert_eq!(removed, "unknown");
    assert!(matches!(witness.ask(child.id(), 0), Err(Unknown::Gone(_))));
}
