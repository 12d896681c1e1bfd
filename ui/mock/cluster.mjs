// Three nodes that agree because they are one process: leadership, ownership and commands as the page meets them.
//
// It decides no more than the page can see. The real rules are the node's; this one only has to be believable.

import { create } from '@bufbuild/protobuf';
import { GetClusterStatusResponseSchema, GrantCause, NodeRole } from '../src/gen/labkeeper/v1/cluster_pb.js';
import { CommandSchema, CommandState } from '../src/gen/labkeeper/v1/command_pb.js';
import { Access } from '../src/gen/labkeeper/v1/site_pb.js';
import { POLL_MS } from './lab.mjs';

const NAMES = ['lab-n1', 'lab-n2', 'lab-n3'];
const ELECTION_MS = 400;
const TAKEOVER_MS = 900;
/** How long connecting and reading the devices takes, as far as the page can see. */
const CONNECT_MS = 150;
const READ_MS = 350;
const LEASE_MS = 1_500;
const RENEW_MS = 300;
const TAKEOVERS_MAX = 20;
const ns = (ms) => BigInt(Math.round(ms)) * 1_000_000n;
const refused = (code, message, remedy) => ({ code, message, remedy });

export class Cluster {
  constructor(lab, basePort, onCommand, onChange) {
    Object.assign(this, { lab, onCommand, onChange, term: 8, index: 48_200n, leader: NAMES[0], commands: new Map(), setpoints: new Map() });
    this.takeovers = [];
    this.nodes = NAMES.map((name, i) => ({ name, port: basePort + i, url: `http://127.0.0.1:${basePort + i}`, up: true }));
    const segments = [...new Set(lab.tags.map(({ device }) => device.split('/')[0]))];
    this.segments = segments.map((name, i) => ({
      name,
      home: NAMES[i % NAMES.length],
      owner: NAMES[i % NAMES.length],
      epoch: 7n + BigInt(i),
    }));
  }

  isDriven = (name) => this.segments.find((segment) => segment.name === name).owner !== '';

  /** Kills a node: its sockets are the server's to close. */
  fail(name) {
    this.nodes.find((node) => node.name === name).up = false;
    const up = this.nodes.filter((node) => node.up);
    if (this.leader === name) {
      this.leader = '';
      if (up.length > 1) setTimeout(() => this.elect(up[0].name), ELECTION_MS);
    }
    for (const segment of this.segments.filter(({ owner }) => owner === name)) {
      Object.assign(segment, { owner: '', lost: { by: name, at: Date.now() } });
      if (up.length > 1) setTimeout(() => this.move(segment, up[up.length - 1].name), TAKEOVER_MS);
    }
    this.onChange();
  }

  heal(name) {
    this.nodes.find((node) => node.name === name).up = true;
    const up = this.nodes.filter((node) => node.up);
    if (!this.leader && up.length > 1) setTimeout(() => this.elect(up[0].name), ELECTION_MS);
    for (const segment of this.segments.filter(({ home }) => home === name)) setTimeout(() => this.move(segment, name), TAKEOVER_MS);
    this.onChange();
  }

  elect(name) {
    Object.assign(this, { leader: name, term: this.term + 1 });
    this.onChange();
  }

  move(segment, owner) {
    if (segment.owner === owner) return;
    const { by: from, at: began } = segment.lost ?? { by: segment.owner, at: Date.now() };
    const cause = segment.lost ? GrantCause.SESSION_EXPIRED : GrantCause.HOME_RETURN;
    Object.assign(segment, { owner, epoch: segment.epoch + 1n, lost: undefined });
    const assignedMs = BigInt(Date.now() - began);
    const takeover = { segment: segment.name, from, to: owner, epoch: segment.epoch, cause, beganUnixMs: BigInt(began), assignedMs };
    this.takeovers = [takeover, ...this.takeovers].slice(0, TAKEOVERS_MAX);
    setTimeout(() => this.drives(takeover), READ_MS);
    this.onChange();
  }

  drives(takeover) {
    const after = (ms) => takeover.assignedMs + BigInt(ms);
    Object.assign(takeover, { endedMs: after(0), connectedMs: after(CONNECT_MS), readMs: after(READ_MS), enabledMs: after(READ_MS) });
    this.onChange();
  }

  status(answeredBy) {
    const rate = (name) => this.lab.tags.filter(({ device }) => this.ownerOf(device) === name).length * (1000 / POLL_MS);
    return create(GetClusterStatusResponseSchema, {
      leader: this.leader,
      term: BigInt(this.term),
      answeredBy,
      siteName: 'Mock laboratory',
      siteVersion: 3n,
      siteId: 'mock',
      initialised: true,
      nodes: this.nodes.map(({ name, url, up }, i) => ({
        name,
        id: BigInt(i + 1),
        http: url,
        grpc: url.slice('http://'.length),
        role: !up ? NodeRole.UNREACHABLE : name === this.leader ? NodeRole.LEADER : NodeRole.FOLLOWER,
        reach: ['*'],
        version: up ? '0.1.0' : '',
        appliedIndex: up ? this.index : 0n,
        samplesPerS: up ? rate(name) : 0,
        uptimeMs: up ? BigInt(Math.round(process.uptime() * 1000)) : 0n,
      })),
      segments: this.segments.map((segment) => {
        const devices = new Set(this.lab.tags.filter(({ device }) => device.startsWith(`${segment.name}/`)).map(({ device }) => device))
          .size;
        const { name, home, owner, epoch } = segment;
        const leaseRemainingMs = owner ? BigInt(LEASE_MS - (Date.now() % RENEW_MS)) : undefined;
        return { name, home, owner, epoch, leaseRemainingMs, devices, devicesOnline: owner ? devices : 0, rungs: { F1: devices } };
      }),
      takeovers: this.takeovers,
    });
  }

  /** Whether a node that is not the device's home drives it: what is dangerous waits for a person then. */
  isAway = (device) => this.segments.some(({ name, owner, home }) => name === device.split('/')[0] && owner !== '' && owner !== home);

  ownerOf = (device) => this.segments.find(({ name }) => name === device.split('/')[0]).owner;

  /** Takes a command as a node would; the answer is the command as it stands after the commit. */
  set(request) {
    const known = this.commands.get(request.id);
    if (known) return known;
    const now = Date.now();
    const error = this.checked(request);
    const revision = (this.setpoints.get(request.tag)?.revision ?? 0n) + 1n;
    const command = create(CommandSchema, {
      id: request.id,
      tag: request.tag,
      value: request.value,
      actor: request.actor,
      reason: request.reason,
      deadlineUnixMs: request.deadlineUnixMs,
      revision: error ? 0n : revision,
      logIndex: ++this.index,
      steps: [{ state: CommandState.VALIDATED, timeUnixNs: ns(now) }],
      ...(error && { error }),
    });
    this.commands.set(command.id, command);
    this.reach(command, error ? CommandState.REJECTED : CommandState.COMMITTED);
    if (error) return command;
    this.setpoints.set(command.tag, command);
    setTimeout(() => this.reach(Object.assign(command, { owner: this.ownerOf(request.tag) }), CommandState.DISPATCHED), 120);
    setTimeout(() => this.drive(command), 350);
    setTimeout(() => this.reach(command, CommandState.VERIFIED), 900);
    return command;
  }

  checked({ tag, value, expectedRevision }) {
    const known = this.lab.byName.get(tag);
    const revision = this.setpoints.get(tag)?.revision ?? 0n;
    if (!known) return refused('LAB3001', `${tag} is not a tag of this site`, 'Look at the names with `labkeeper get`.');
    if (known.access === Access.READ) return refused('LAB3002', `${tag} can only be read`, 'Choose a tag with access "rw".');
    if (expectedRevision !== undefined && expectedRevision !== revision)
      return refused(
        'LAB3007',
        `the setpoint of ${tag} has revision ${revision}, not ${expectedRevision}`,
        'Look at the present setpoint, then decide again.',
      );
    const { limits } = known;
    if (limits && (Number(value.kind.value) < limits.min || Number(value.kind.value) > limits.max))
      return refused(
        'LAB3005',
        `${value.kind.value} is outside ${limits.min} to ${limits.max} ${known.unit}`,
        'Choose a value within the limits.',
      );
    return undefined;
  }

  drive(command) {
    const { case: kind, value } = command.value.kind;
    this.lab.write(command.tag, kind === 'text' ? value : Number(value));
    this.reach(command, CommandState.WRITTEN);
  }

  reach(command, state) {
    command.state = state;
    command.steps.push({ $typeName: 'labkeeper.v1.CommandStep', state, timeUnixNs: ns(Date.now()) });
    this.onCommand(command);
  }
}
