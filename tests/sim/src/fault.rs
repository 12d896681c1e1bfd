//! What goes wrong, for how long, and how it heals. Faults overlap; when the calm begins, all have healed.

use crate::clock::SimTime;
use crate::env::Env;
use crate::event::Event;
use crate::fact::Fact;
use crate::node::State;
use crate::world::World;
use labkeeper_model::Value;
use std::time::Duration;

/// A step of the fate.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Something goes wrong, and the next time is drawn.
    Strike,
    /// One thing is well again.
    Heal(Wound),
    /// From here on nothing goes wrong.
    Calm,
}

/// Something that is wrong until it heals.
#[derive(Clone, Debug)]
pub enum Wound {
    /// A node has no process.
    Dead(usize),
    /// A node's process is frozen.
    Frozen(usize),
    /// Wires are cut, each from one node to another.
    Wires(Vec<(usize, usize)>),
    /// Wires from nodes to segments are cut.
    FieldWires(Vec<(usize, usize)>),
    /// A device is off.
    DeviceOff(usize),
    /// Messages are lost and late.
    Storm,
    /// Disks are slow.
    SlowDisks,
    /// A node is drained.
    Drained(usize),
    /// The site lacks a segment.
    SegmentGone,
}

impl World {
    pub(crate) fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::Strike => {
                self.strike();
                let gap = self.env.dice.ms(200, 3_500);
                self.plan(gap, Fault::Strike);
            }
            Fault::Heal(wound) => self.heal(wound),
            Fault::Calm => {
                self.env.say(|| "the calm begins");
                self.env.facts.push(Fact::Calm);
            }
        }
    }

    fn plan(&mut self, after: Duration, fault: Fault) {
        let at = self.env.now.after(after);
        let calm_from = self.env.setting.calm_from;
        match fault {
            Fault::Heal(_) => self.env.at(at.min(SimTime(calm_from.0 - 1)), Event::Fault(fault)),
            _ if at < calm_from => self.env.at(at, Event::Fault(fault)),
            _ => {}
        }
    }

    fn wound(&mut self, wound: Wound, lasts: Duration) {
        self.env.say(|| format!("{wound:?} for {lasts:?}"));
        self.plan(lasts, Fault::Heal(wound));
    }

    fn strike(&mut self) {
        let node = self.env.dice.below(self.nodes.len());
        match self.env.dice.below(100) {
            0..14 => self.kill(node),
            14..20 => self.stop(node),
            20..36 => self.freeze(node),
            36..62 => self.cut_network(node),
            62..72 => self.cut_field(node),
            72..74 => self.switch_off(),
            74..76 => self.crash_segment(node),
            76..80 => {
                self.network.storms += 1;
                let lasts = self.env.dice.ms(300, 3_000);
                self.wound(Wound::Storm, lasts);
            }
            80..85 => {
                self.log.slow_disks += 1;
                let lasts = self.env.dice.ms(300, 3_000);
                self.wound(Wound::SlowDisks, lasts);
            }
            85..90 => self.drain_for_a_while(node),
            90..94 => {
                let by = self.env.dice.number(-60_000, 60_000) * 1_000_000;
                self.env.say(|| format!("the wall clock of n{node} is set by {by} ns"));
                self.nodes[node].clock.set(by);
            }
            94..96 if self.has_majority(node) => self.elect(node),
            94..98 => self.redeclare(),
            _ => self.turn_a_knob(),
        }
    }

    fn kill(&mut self, node: usize) {
        if !self.nodes[node].is_running() {
            return;
        }
        self.nodes[node].die(&mut self.env);
        let lasts = if self.env.dice.permille(300) { self.env.dice.ms(20, 200) } else { self.env.dice.ms(200, 8_000) };
        self.wound(Wound::Dead(node), lasts);
    }

    /// A planned stop; the process ends when it has let go of everything, or is killed when it is to start again.
    fn stop(&mut self, node: usize) {
        let process = &mut self.nodes[node];
        if !process.is_running() || std::mem::replace(&mut process.process.is_stopping, true) {
            return;
        }
        self.env.counts.deaths += 1;
        self.nodes[node].settle(&mut self.env);
        let lasts = self.env.dice.ms(1_500, 6_000);
        self.wound(Wound::Dead(node), lasts);
    }

    fn freeze(&mut self, node: usize) {
        if !self.nodes[node].is_running() {
            return;
        }
        self.nodes[node].freeze(&mut self.env);
        let lasts = if self.env.dice.permille(400) { self.env.dice.ms(10, 200) } else { self.env.dice.ms(200, 6_000) };
        self.wound(Wound::Frozen(node), lasts);
    }

    fn cut_network(&mut self, node: usize) {
        let all = 0..self.nodes.len();
        let to_others = |at: usize| (0..self.nodes.len()).filter(move |other| *other != at).map(move |other| (at, other));
        let from_others = |at: usize| to_others(at).map(|(at, other)| (other, at));
        let wires: Vec<(usize, usize)> = match self.env.dice.below(5) {
            0 | 1 => to_others(node).chain(from_others(node)).collect(),
            2 => to_others(node).collect(),
            3 => from_others(node).collect(),
            _ => {
                let sides: Vec<bool> = all.clone().map(|_| self.env.dice.permille(500)).collect();
                all.flat_map(to_others).filter(|(a, b)| sides[*a] != sides[*b]).collect()
            }
        };
        wires.iter().for_each(|(from, to)| self.network.cut(*from, *to, true));
        let lasts = self.env.dice.ms(100, 7_000);
        self.wound(Wound::Wires(wires), lasts);
    }

    fn cut_field(&mut self, node: usize) {
        let segments = 0..self.plant.segments.len();
        let wires: Vec<(usize, usize)> = match self.env.dice.below(3) {
            0 => segments.map(|segment| (node, segment)).collect(),
            1 => {
                let segment = self.env.dice.below(segments.len());
                vec![(node, segment)]
            }
            _ => {
                let segment = self.env.dice.below(segments.len());
                (0..self.nodes.len()).map(|node| (node, segment)).collect()
            }
        };
        wires.iter().for_each(|(node, segment)| self.field.cut(*node, *segment, true));
        let lasts = self.env.dice.ms(200, 9_000);
        self.wound(Wound::FieldWires(wires), lasts);
    }

    fn switch_off(&mut self) {
        let device = self.env.dice.below(self.plant.devices.len());
        self.field.switch(device, true);
        let lasts = self.env.dice.ms(200, 6_000);
        self.wound(Wound::DeviceOff(device), lasts);
    }

    /// A supervisor takes a while to start again what has failed: here, until the next look.
    fn crash_segment(&mut self, node: usize) {
        let segment = self.env.dice.below(self.plant.segments.len());
        let node = &mut self.nodes[node];
        if node.is_running() {
            node.crash_segment(&mut self.env, segment);
            node.settle(&mut self.env);
        }
    }

    fn drain_for_a_while(&mut self, node: usize) {
        if !self.wanted.drained.insert(node) {
            return;
        }
        let lasts = self.env.dice.ms(2_000, 9_000);
        self.wound(Wound::Drained(node), lasts);
    }

    /// Somebody declares other homes, and sometimes that a segment is gone for a while.
    fn redeclare(&mut self) {
        self.wanted.shift = self.env.dice.below(self.nodes.len());
        if self.wanted.without.is_none() && self.env.dice.permille(400) {
            self.wanted.without = Some(self.env.dice.below(self.plant.segments.len()));
            let lasts = self.env.dice.ms(1_000, 9_000);
            self.wound(Wound::SegmentGone, lasts);
        }
    }

    /// Somebody at the device sets it to something else.
    fn turn_a_knob(&mut self) {
        let device = self.env.dice.below(self.plant.devices.len());
        let tag = self.env.dice.pick(&self.plant.devices[device].tags).clone();
        self.env.say(|| format!("somebody turns {tag} of d{device}"));
        self.field.turn_knob(device, &tag, Value::F64(0.5));
    }

    fn heal(&mut self, wound: Wound) {
        self.env.say(|| format!("healed: {wound:?}"));
        match wound {
            Wound::Dead(node) => {
                restart(&mut self.env, &mut self.nodes[node]);
            }
            Wound::Frozen(node) => self.nodes[node].thaw(&mut self.env),
            Wound::Wires(wires) => {
                wires.iter().for_each(|(from, to)| self.network.cut(*from, *to, false));
            }
            Wound::FieldWires(wires) => wires.iter().for_each(|(node, segment)| self.field.cut(*node, *segment, false)),
            Wound::DeviceOff(device) => self.field.switch(device, false),
            Wound::Storm => self.network.storms -= 1,
            Wound::SlowDisks => self.log.slow_disks -= 1,
            Wound::Drained(node) => drop(self.wanted.drained.remove(&node)),
            Wound::SegmentGone => self.wanted.without = None,
        }
    }
}

/// Starts a node whose process has ended, or ends it first.
fn restart(env: &mut Env, node: &mut crate::node::Node) {
    if !matches!(node.state, State::Dead) {
        node.die(env);
    }
    node.start(env);
}
