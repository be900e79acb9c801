//! The decision table: who asks of which policies => what holds, and by what.

use super::*;

/// What the policies are for, the default, the policies in the order added, who asks => what is given by
/// which of them (by its place from 0, or `default`), and after that a sentence on what the row shows.
const ROWS: &str = r"
# whom a policy is about
linux NoAccess | user a Read | a => Read 0 | a user
linux NoAccess | user a Read | b => NoAccess default | another user
linux NoAccess | group g Read | a [g] => Read 0 | a group
linux NoAccess | group g Read | a [h] => NoAccess default | another group
linux NoAccess | process /p Read | a /p => Read 0 | a process, whoever runs it
linux NoAccess | process /p Read | b [g] /p => Read 0 | a process, whoever runs it
linux NoAccess | process /p Read | a /q => NoAccess default | another process
linux NoAccess | process /p Read | a => NoAccess default | a process that is not known
linux NoAccess | user a & process /p Read | a /p => Read 0 | a user in a process
linux NoAccess | user a & process /p Read | a /q => NoAccess default | the user in another process
linux NoAccess | user a & process /p Read | b /p => NoAccess default | another user in the process
linux NoAccess | group g & process /p Read | a [g] /p => Read 0 | a group in a process
linux NoAccess | group g & process /p Read | a [h] /p => NoAccess default | another group in the process
# the default, whichever it is, for whom no policy is about
linux NoAccess | | a /p => NoAccess default | the highest security
linux Read | | a /p => Read default |
linux Write | | a /p => Write default |
linux ReadWrite | user b NoAccess | a /p => ReadWrite default |
linux ReadCipher | | a /p => ReadCipher default |
linux ReadWriteCipher | | a /p => ReadWriteCipher default |
# user and process before process before user, in each order of adding
linux NoAccess | user a & process /p ReadWrite; user a Read; process /p Write | a /p => ReadWrite 0 | the first example
linux NoAccess | user a Read; process /p Write; user a & process /p ReadWrite | a /p => ReadWrite 2 | added last
linux NoAccess | process /p Write; user a & process /p ReadWrite; user a Read | a /p => ReadWrite 1 | added between
linux NoAccess | user a & process /p ReadWrite; user a Read; process /p Write | b /p => Write 2 | the process alone
linux NoAccess | user a & process /p ReadWrite; user a Read; process /p Write | a /q => Read 1 | the user alone
linux NoAccess | user a & process /p ReadWrite; user a Read; process /p Write | b /q => NoAccess default | the default is the lowest
linux NoAccess | user a Read; process /p Write | a /p => Write 1 | a process before its user, though added later
# group and process before process before group
linux NoAccess | group g & process /p ReadWrite; group g Read; process /p Write | a [g] /p => ReadWrite 0 | the second example
linux NoAccess | group g Read; process /p Write; group g & process /p ReadWrite | a [g] /p => ReadWrite 2 | added last
linux NoAccess | group g & process /p ReadWrite; group g Read; process /p Write | a [h] /p => Write 2 | the process alone
linux NoAccess | group g & process /p ReadWrite; group g Read; process /p Write | a [g] /q => Read 1 | the group alone
linux NoAccess | group g & process /p ReadWrite; group g Read; process /p Write | a [h] /q => NoAccess default | the default is the lowest
linux NoAccess | user a & process /p Read; group g & process /p Write | a [g] /p => Read 0 | of two with a process the one added first
linux NoAccess | group g & process /p Write; user a & process /p Read | a [g] /p => Write 0 | the other way round
linux NoAccess | process /p Write; user a Read; group g ReadCipher; user a & process /p ReadWrite | a [g] /p => ReadWrite 3 | a user with a process before its process, user and group
# users and groups: the one added first
linux NoAccess | user a Read; group h NoAccess | a [g h] => Read 0 | a user before any group that it is in
linux ReadWrite | group h NoAccess; user a Read | a [g h] => NoAccess 0 | and after it
linux NoAccess | user a ReadWrite; group g Read | a [g] => ReadWrite 0 | a member with more than the group
linux NoAccess | group g Read; user a ReadWrite | a [g] => Read 0 | the group was added first
linux NoAccess | user a ReadWrite; group g Read | b [g] => Read 1 | another member
linux NoAccess | group g Read; group h ReadWrite | a [h g] => Read 0 | of two groups the one added first
linux NoAccess | group h ReadWrite; group g Read | a [h g] => ReadWrite 0 | the other way round
linux ReadWrite | user a NoAccess; user a ReadWrite | a => NoAccess 0 | of two about one user the one added first
# processes: the one added first
linux NoAccess | process /p Read; process /q Write | a /p < /q => Read 0 | added first
linux NoAccess | process /q Write; process /p Read | a /p < /q => Write 0 | the other way round
linux NoAccess | process /p ReadWrite | b /p => ReadWrite 0 | a process has access though the user running it has none
linux NoAccess | user b NoAccess; process /p ReadWrite | b /p => ReadWrite 1 | even where the user is denied
# inheritance 1: only the parent has a policy
linux NoAccess | process /etc/init.d/postgresql ReadWrite | a /bin/chown < /etc/init.d/postgresql => ReadWrite 0 | a child gains it
linux NoAccess | process /etc/init.d/postgresql ReadWrite | a /bin/touch < /etc/init.d/postgresql => ReadWrite 0 | and another
linux NoAccess | process /etc/init.d/postgresql ReadWrite | a /bin/cat < /etc/init.d/postgresql => ReadWrite 0 | and another
linux NoAccess | process /etc/init.d/postgresql ReadWrite | a /bin/cat < /bin/bash => NoAccess default | invoked from outside it does not
linux ReadWrite | process /etc/init.d/postgresql NoAccess | a /bin/cat < /etc/init.d/postgresql => NoAccess 0 | a child cannot, where the parent cannot
linux NoAccess | process /etc/init.d/postgresql ReadWrite | a /bin/cat < /bin/sh < /etc/init.d/postgresql => ReadWrite 0 | children of children
# inheritance 2: the parent comes first
linux NoAccess | process /opt/abc.h ReadWrite; process /bin/ls NoAccess; process /bin/cat NoAccess | a /bin/ls < /opt/abc.h => ReadWrite 0 | a child has the parent's
linux NoAccess | process /opt/abc.h ReadWrite; process /bin/ls NoAccess; process /bin/cat NoAccess | a /bin/cat < /opt/abc.h => ReadWrite 0 | and another
linux ReadWrite | process /opt/abc.h ReadWrite; process /bin/ls NoAccess; process /bin/cat NoAccess | a /bin/ls < /bin/bash => NoAccess 1 | alone it has its own
# inheritance 3: a child comes first
linux NoAccess | process /bin/ls NoAccess; process /opt/abc.h ReadWrite; process /bin/cat NoAccess | a /bin/ls < /opt/abc.h => NoAccess 0 | the child keeps its own
linux NoAccess | process /bin/ls NoAccess; process /opt/abc.h ReadWrite; process /bin/cat NoAccess | a /bin/cat < /opt/abc.h => ReadWrite 1 | the other child inherits
linux NoAccess | process /bin/ls NoAccess; process /opt/abc.h ReadWrite; process /bin/cat NoAccess | a /opt/abc.h => ReadWrite 1 | the parent itself
# inheritance holds with a user, too, and only on Linux
linux NoAccess | user a & process /opt/abc.h Read; process /bin/ls NoAccess | a /bin/ls < /opt/abc.h => Read 0 | a user in a child
linux NoAccess | group g & process /opt/abc.h Read; process /bin/ls NoAccess | a [g] /bin/ls < /opt/abc.h => Read 0 | a group in a child
windows NoAccess | process C:\a.exe Read | a C:\b.exe < C:\a.exe => NoAccess default | no inheritance on Windows
windows NoAccess | process C:\a.exe Read | a C:\A.EXE => Read 0 | no case on Windows
linux NoAccess | process /p Read | a /P => NoAccess default | case on Linux
# links: the process and the link both have to be in the group
linux NoAccess | process /usr/bin/python3.12 Read; process /usr/bin/python Read | a /usr/bin/python3.12 via /usr/bin/python => Read 0 | both are
linux NoAccess | process /usr/bin/python Write; process /usr/bin/python3.12 Read | a /usr/bin/python3.12 via /usr/bin/python => Write 0 | the first of them counts
linux NoAccess | process /usr/bin/python Read | a /usr/bin/python3.12 via /usr/bin/python => NoAccess default | the link alone is not enough
linux NoAccess | process /usr/bin/python3.12 Read | a /usr/bin/python3.12 via /usr/bin/python => NoAccess default | nor the program alone
linux NoAccess | process /usr/bin/python3.12 Read | a /usr/bin/python3.12 => Read 0 | by its own path it is
linux NoAccess | process /usr/bin/python Read | a /usr/bin/python3.12 => NoAccess default | a policy on a link is not one on the program
";

#[test]
fn what_holds_is_what_the_table_says() {
    let mut rows = 0;
    for row in ROWS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let parts: Vec<&str> = row.split('|').map(str::trim).collect();
        let [group, policies, asked, _shows] = parts[..] else {
            panic!("{row}")
        };
        let (os, default) = group.split_once(' ').unwrap();
        let os = match os {
            "linux" => OsType::Linux,
            _ => OsType::Windows,
        };
        let mut group = AccessGroup::new("g", os, true, permission(default)).unwrap();
        linked(policies, &mut group);
        let (asking, expected) = asked.split_once(" => ").unwrap();
        let (granted, by) = expected.split_once(' ').unwrap();
        let asking = caller(asking);
        let decision = group.decide(&asking);
        let won = match decision.winner {
            Winner::Policy(policy) => policy.name().trim_start_matches('p').to_owned(),
            Winner::Default => "default".to_owned(),
        };
        assert_eq!(
            (decision.granted.to_string().as_str(), won.as_str()),
            (granted, by),
            "{row}"
        );
        rows += 1;
    }
    assert!(rows > 60, "{rows} rows were read");
}

#[test]
fn each_permission_permits_what_it_says_and_nothing_else() {
    use Operation::*;
    let rows: [(Permission, &[Operation]); 6] = [
        (Permission::NoAccess, &[]),
        (Permission::Read, &[Read, Copy]),
        (
            Permission::Write,
            &[Modify, Append, Overwrite, Create, Delete],
        ),
        (
            Permission::ReadWrite,
            &[Read, Copy, Modify, Append, Overwrite, Create, Delete],
        ),
        (Permission::ReadCipher, &[ReadCiphertext]),
        (
            Permission::ReadWriteCipher,
            &[ReadCiphertext, WriteCiphertext],
        ),
    ];
    for (permission, permitted) in rows {
        for operation in Operation::ALL {
            let expected = permitted.contains(&operation);
            assert_eq!(
                Allowed::of(permission).permits(operation),
                expected,
                "{permission} {operation:?}"
            );
        }
    }
}

#[test]
fn what_a_role_has_not_no_policy_gives() {
    // what the caller may do anyway, what the policy gives => what the caller may do
    let rows = [
        ("ReadWrite", "Read", "Read"),
        ("NoAccess", "ReadWrite", "NoAccess"),
        ("Read", "ReadWrite", "Read"),
        ("Read", "Write", "NoAccess"),
        ("Write", "ReadWrite", "Write"),
        ("ReadWrite", "ReadWriteCipher", "ReadWriteCipher"),
        ("Read", "ReadWriteCipher", "ReadCipher"),
        ("ReadCipher", "ReadWrite", "ReadCipher"),
        ("ReadWrite", "NoAccess", "NoAccess"),
    ];
    for (role, given, expected) in rows {
        let mut group = AccessGroup::new("g", OsType::Linux, true, Permission::NoAccess).unwrap();
        linked(&format!("user a {given}"), &mut group);
        let asking = Caller {
            role: Allowed::of(permission(role)),
            ..caller("a")
        };
        let allowed = group.decide(&asking).allowed;
        assert_eq!(
            allowed,
            Allowed::of(permission(expected)),
            "{role} and {given}"
        );
    }
}
