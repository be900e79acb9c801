//! Goes through the verbs of a field: what in them is about the event itself, not about an element of one
//! of its lists.

use crate::condition::Condition;
use crate::condition::filter::Filter;
use crate::mapping::verb::Verb;
use crate::pointer::Pointer;

impl Verb {
    /// Gives each condition.
    pub(crate) fn each_condition(&mut self, give: &mut dyn FnMut(&mut Condition)) {
        self.each(&mut |verb| {
            if let Verb::When { condition, .. } = verb {
                give(condition);
            }
        });
    }

    /// Gives each filter with the list whose elements it is about.
    pub(crate) fn each_filter(&mut self, give: &mut dyn FnMut(&Pointer, &mut Filter)) {
        self.each(&mut |verb| match verb {
            Verb::When { condition, .. } => condition.each_filter(give),
            Verb::Pick {
                list,
                filter: Some(filter),
                ..
            } => give(list, filter),
            _ => {}
        });
    }

    /// Gives the verb itself and those that it is made of.
    fn each(&mut self, give: &mut dyn FnMut(&mut Verb)) {
        give(self);
        match self {
            Verb::FirstOf(verbs) | Verb::Join(verbs, _) | Verb::HashId(verbs) => {
                verbs.iter_mut().for_each(|verb| verb.each(give));
            }
            Verb::Lookup { of: inner, .. }
            | Verb::Time(inner, _)
            | Verb::Ip(inner)
            | Verb::Lower(inner)
            | Verb::Basename(inner)
            | Verb::UrlPath(inner)
            | Verb::Capture { of: inner, .. }
            | Verb::When { then: inner, .. } => inner.each(give),
            Verb::DomainClass { of, against } => {
                of.each(give);
                against.each(give);
            }
            // What is taken of an element is about that element.
            Verb::JoinEach { .. } | Verb::Pick { .. } => {}
            Verb::Value(..)
            | Verb::Const(_)
            | Verb::Template(_)
            | Verb::ReceivedAt
            | Verb::Jaq(_)
            | Verb::Absent(_) => {}
        }
    }
}
