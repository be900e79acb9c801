use proptest::prelude::*;

use super::*;

fn of(node: Node) -> Expression {
    let span = Span { start: 0, end: 0 };
    Expression { node, span }
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z_][a-zA-Z0-9_]{0,8}".prop_filter("operators are not names", |word| {
        let lower = word.to_ascii_lowercase();
        !["and", "or", "not", "in", "true", "false"].contains(&lower.as_str())
    })
}

fn leaf() -> impl Strategy<Value = Expression> {
    prop_oneof![
        any::<String>().prop_map(|text| of(Node::Text(text))),
        (0u64..1 << 53).prop_map(|number| of(Node::Number(number as f64))),
        (0.0..1e12f64).prop_map(|number| of(Node::Number(number))),
        any::<bool>().prop_map(|flag| of(Node::Flag(flag))),
        (word(), word()).prop_map(|(object, name)| {
            of(Node::Name {
                object,
                name,
                arguments: None,
            })
        }),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    use Operator::{
        Contains, EndsWith, Equal, Greater, GreaterOrEqual, In, Less, LessOrEqual, Matches,
        NotEqual, NotIn, StartsWith,
    };
    prop::sample::select(vec![
        Equal,
        NotEqual,
        Less,
        LessOrEqual,
        Greater,
        GreaterOrEqual,
        In,
        NotIn,
        Contains,
        StartsWith,
        EndsWith,
        Matches,
    ])
}

fn expression() -> impl Strategy<Value = Expression> {
    leaf().prop_recursive(8, 64, 4, |inner| {
        let some = |least| prop::collection::vec(inner.clone(), least..5);
        prop_oneof![
            some(2).prop_map(|parts| of(Node::Any(parts))),
            some(2).prop_map(|parts| of(Node::All(parts))),
            some(0).prop_map(|items| of(Node::List(items))),
            inner.clone().prop_map(|part| of(Node::Not(Box::new(part)))),
            (operator(), inner.clone(), inner.clone()).prop_map(|(operator, left, right)| {
                of(Node::Compare(operator, Box::new(left), Box::new(right)))
            }),
            (word(), word(), some(0)).prop_map(|(object, name, arguments)| {
                of(Node::Name {
                    object,
                    name,
                    arguments: Some(arguments),
                })
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn reading_what_is_printed_gives_the_same_expression(given in expression()) {
        let printed = given.to_string();
        let read = Expression::parse(&printed);
        prop_assert_eq!(read.as_ref(), Ok(&given), "printed as {}", printed);
    }
}

#[test]
fn an_expression_prints_in_its_canonical_form() {
    let rows = [
        ("a.b||c.d&&!e.f", "a.b or c.d and not e.f"),
        ("(a.b || c.d) && e.f", "(a.b or c.d) and e.f"),
        ("(a.b and c.d) and e.f", "(a.b and c.d) and e.f"),
        ("not not a.b", "not not a.b"),
        ("not (a.b == 'x')", "not (a.b == 'x')"),
        ("not a.b == 'x'", "not a.b == 'x'"),
        ("a.b<>“it's”", "a.b != 'it\\'s'"),
        ("a.b NOT  IN [ 'x' , \"y\", ]", "a.b not in ['x', 'y']"),
        (
            "a.b STARTS  With 'x' or c.d Contains ‘y’",
            "a.b starts with 'x' or c.d contains 'y'",
        ),
        (
            "contains.with == matches.ends",
            "contains.with == matches.ends",
        ),
        ("a.b(‘x’, 1.50, TRUE) >= 05", "a.b('x', 1.5, true) >= 5"),
    ];
    for (given, printed) in rows {
        let read = Expression::parse(given);
        assert_eq!(
            read.map(|read| read.to_string()).as_deref(),
            Ok(printed),
            "{given}"
        );
    }
}
