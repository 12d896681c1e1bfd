use super::*;

/// Four nodes that are alive since 100 s, reach the segment, and own nothing; node 3 is the home. The time is 1000 s.
fn view(change: impl FnOnce(&mut View)) -> View {
    let node = |id| NodeView { id, is_home: id == 3, alive_since: Some(at(100)), draining: false, declares: true, word: None, segments: 0 };
    let mut view = View {
        now: at(1_000),
        failback: Some(Duration::from_secs(30)),
        owner: None,
        successor: None,
        rests_until: at(0),
        nodes: (1..=4).map(node).collect(),
    };
    change(&mut view);
    view
}

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn word(reached: u32, of: u32, seconds: i64) -> Option<ReachWord> {
    Some(ReachWord { reached, of, at: at(seconds), since: at(seconds) })
}

fn node(view: &mut View, id: NodeId) -> &mut NodeView {
    view.nodes.iter_mut().find(|node| node.id == id).expect("a node")
}

fn check(change: impl FnOnce(&mut View), choice: Option<NodeId>, cause: Option<Cause>, due: Option<Timestamp>) {
    let view = view(change);
    assert_eq!(decide(&view), Decision { choice, cause, due }, "{view:?}");
}

#[test]
fn what_nobody_owns_goes_to_the_home_else_to_whom_has_least_else_to_the_smallest_number() {
    check(|_| {}, Some(3), None, None);
    check(|v| node(v, 3).alive_since = None, Some(1), None, None);
    check(|v| (node(v, 3).draining, node(v, 1).segments) = (true, 1), Some(2), None, None);
    check(|v| v.nodes.iter_mut().for_each(|node| node.declares = node.id == 4), Some(4), None, None);
    check(|v| v.nodes.iter_mut().for_each(|node| node.alive_since = None), None, None, None);
    check(|v| v.nodes.clear(), None, None, None);
}

#[test]
fn who_is_known_not_to_reach_it_comes_last_but_better_than_nobody() {
    check(|v| node(v, 3).word = word(1, 4, 900), Some(1), None, None);
    check(|v| v.nodes.iter_mut().for_each(|node| node.word = word(1, 4, 900)), Some(3), None, None);
    check(|v| node(v, 3).word = word(2, 4, 900), Some(3), None, None);
}

#[test]
fn an_owner_stays_however_much_others_have_to_offer() {
    check(|v| (v.owner, node(v, 1).segments, node(v, 3).is_home) = (Some(1), 9, false), Some(1), None, None);
    check(|v| (v.owner, node(v, 3).word) = (Some(3), word(1, 4, 900)), Some(3), None, None);
}

#[test]
fn the_home_gets_it_back_when_it_has_been_alive_and_reaching_for_long_enough() {
    let home_return = Some(Cause::HomeReturn);
    check(|v| v.owner = Some(1), Some(3), home_return, None);
    check(|v| (v.owner, node(v, 3).alive_since) = (Some(1), Some(at(980))), Some(1), None, Some(at(1_010)));
    check(|v| (v.owner, node(v, 3).alive_since) = (Some(1), Some(at(970))), Some(3), home_return, None);
    check(|v| (v.owner, node(v, 3).word) = (Some(1), word(4, 4, 990)), Some(1), None, Some(at(1_020)));
    check(|v| (v.owner, node(v, 3).word) = (Some(1), word(1, 4, 900)), Some(1), None, None);
    check(|v| (v.owner, node(v, 3).draining) = (Some(1), true), Some(1), None, None);
    check(|v| (v.owner, v.failback) = (Some(1), None), Some(1), None, None);
}

#[test]
fn an_owner_that_must_go_hands_over_to_whom_fits_and_stays_if_nobody_does() {
    check(|v| (v.owner, node(v, 1).draining) = (Some(1), true), Some(3), Some(Cause::Drained), None);
    check(|v| (v.owner, node(v, 1).declares) = (Some(1), false), Some(3), Some(Cause::SiteChanged), None);
    check(|v| v.owner = Some(9), Some(3), Some(Cause::NodeRemoved), None);
    let all_poor = |v: &mut View| {
        v.nodes.iter_mut().for_each(|node| node.word = word(0, 4, 900));
        (v.owner, node(v, 1).draining) = (Some(1), true);
    };
    check(all_poor, Some(1), None, None);
    // Who was chosen stays chosen as long as it fits, though another has less.
    check(|v| (v.owner, v.successor, node(v, 4).segments) = (Some(9), Some(4), 5), Some(4), Some(Cause::NodeRemoved), None);
    check(|v| (v.owner, v.successor, node(v, 4).draining) = (Some(9), Some(4), true), Some(3), Some(Cause::NodeRemoved), None);
}

/// Owner 1 reaches one of four devices since 900 s; nobody is home.
fn poor(change: impl FnOnce(&mut View)) -> impl FnOnce(&mut View) {
    move |v| {
        v.owner = Some(1);
        node(v, 3).is_home = false;
        node(v, 1).word = word(1, 4, 900);
        change(v);
    }
}

#[test]
fn a_segment_leaves_a_poor_owner_only_for_a_clearly_better_one() {
    let reach = Some(Cause::Reach);
    check(poor(|_| {}), Some(1), None, None);
    check(poor(|v| node(v, 2).word = word(2, 4, 901)), Some(2), reach, None);
    check(poor(|v| node(v, 2).word = word(1, 4, 901)), Some(1), None, None);
    check(poor(|v| node(v, 2).word = word(4, 4, 899)), Some(1), None, None);
    check(poor(|v| (node(v, 2).word, node(v, 2).draining) = (word(4, 4, 901), true)), Some(1), None, None);
    check(poor(|v| (node(v, 1).word, node(v, 2).word) = (word(2, 4, 900), word(4, 4, 901))), Some(1), None, None);
    check(poor(|v| (node(v, 2).word, node(v, 4).word) = (word(3, 4, 901), word(4, 4, 901))), Some(4), reach, None);
    let chosen = |v: &mut View| (node(v, 2).word, node(v, 4).word, v.successor) = (word(3, 4, 901), word(4, 4, 901), Some(2));
    check(poor(chosen), Some(2), reach, None);
}

#[test]
fn after_a_move_for_reach_it_rests() {
    let rests = |seconds| poor(move |v| (node(v, 2).word, v.rests_until) = (word(4, 4, 901), at(seconds)));
    check(rests(1_005), Some(1), None, Some(at(1_005)));
    check(rests(1_000), Some(2), Some(Cause::Reach), None);
    // The earlier of two times is the one to look at.
    check(
        |v| {
            rests(1_005)(v);
            (node(v, 4).is_home, node(v, 4).alive_since) = (true, Some(at(972)));
        },
        Some(1),
        None,
        Some(at(1_002)),
    );
}

#[test]
fn every_candidate_has_its_reason() {
    let why = |change: fn(&mut View), id: NodeId| {
        let found = candidates(&view(change)).into_iter().find(|candidate| candidate.node == id).expect("a candidate");
        (found.eligible, found.why)
    };
    assert_eq!(why(|v| node(v, 1).alive_since = None, 1), (false, Why::NotAlive));
    assert_eq!(why(|v| node(v, 1).declares = false, 1), (false, Why::DoesNotReach));
    assert_eq!(why(|v| node(v, 1).draining = true, 1), (false, Why::Draining));
    assert_eq!(why(|v| node(v, 1).word = word(1, 4, 0), 1), (true, Why::Poor { reached: 1, of: 4 }));
    assert_eq!(why(|v| v.owner = Some(1), 1), (true, Why::Owner));
    assert_eq!(why(|_| {}, 3), (true, Why::Home));
    assert_eq!(why(|v| v.owner = Some(1), 3), (true, Why::Home));
    assert_eq!(why(|v| (v.owner, node(v, 3).alive_since) = (Some(1), Some(at(990))), 3), (true, Why::HomeWaits { until: at(1_020) }));
    assert_eq!(why(|v| (v.owner, v.failback) = (Some(1), None), 3), (true, Why::HomeOff));
    assert_eq!(why(|v| node(v, 2).segments = 5, 2), (true, Why::Available { segments: 5 }));
    let more = why(|v| poor(|v| node(v, 2).word = word(4, 4, 901))(v), 2);
    assert_eq!(more, (true, Why::ReachesMore { reached: 4, of: 4, from: at(0) }));
}
