// The shell around the link: real sockets, a real clock, decoded messages. It decides nothing.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { LiveRequestSchema, type LiveResponse, LiveResponseSchema } from '../gen/labkeeper/v1/live_pb.js';
import { heardOf } from './heard';
import { type Effect, Link } from './link';
import type { LinkView } from './link-view';

/** Frames a second: an operator reads no faster, and 10 x 10,000 tags cost 5 ms of decoding a second. */
const RATE_HZ_MAX = 10;
const PATH = '/api/v1/live';

/** The part of a WebSocket that is used; tests bring their own. */
export interface Socket {
  binaryType: string;
  onopen: (() => void) | null;
  onclose: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** What the shell takes from its surroundings. */
export interface Surroundings {
  connect(url: string): Socket;
  /** Monotonic, ms. */
  now(): number;
  /** Calls back after so many ms; returns how to cancel. */
  after(ms: number, run: () => void): () => void;
  remember(urls: readonly string[]): void;
}

export class Sockets {
  private readonly sockets = new Map<string, Socket>();
  private cancelTimer: () => void = () => {};

  /** `onData` gets what the leader says, with its address; `onChange` is told after everything that may change the view. */
  constructor(
    private readonly link: Link,
    private readonly around: Surroundings,
    private readonly onData: (url: string, message: LiveResponse) => void,
    private readonly onChange: () => void,
  ) {}

  start(): void {
    this.carryOut(this.link.start(this.around.now()));
  }

  /** See `Link.handleWake`. */
  wake(): void {
    this.carryOut(this.link.handleWake(this.around.now()));
  }

  dismissSwitch(): void {
    this.link.dismissSwitch();
    this.onChange();
  }

  view(): LinkView {
    return this.link.view(this.around.now());
  }

  private carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.do === 'remember') this.around.remember(effect.urls);
      else if (effect.do === 'open') this.open(effect.url);
      else this.close(effect.url);
    }
    this.arm();
    this.onChange();
  }

  private arm(): void {
    this.cancelTimer();
    const due = this.link.pollTimeout();
    if (due === undefined) return;
    const wait = Math.max(0, due - this.around.now());
    this.cancelTimer = this.around.after(wait, () => this.carryOut(this.link.handleTimeout(this.around.now())));
  }

  private open(url: string): void {
    this.close(url);
    const socket = this.around.connect(url.replace(/^http/, 'ws') + PATH);
    this.sockets.set(url, socket);
    socket.binaryType = 'arraybuffer';
    // A follower is asked too, so that it can send the moment it leads.
    socket.onopen = () => {
      this.link.handleOpen(url, this.around.now());
      socket.send(subscription());
      this.arm();
    };
    socket.onmessage = ({ data }) => this.hear(url, data);
    socket.onclose = () => {
      if (this.sockets.get(url) !== socket) return;
      this.sockets.delete(url);
      this.carryOut(this.link.handleClose(url, this.around.now()));
    };
  }

  private close(url: string): void {
    const socket = this.sockets.get(url);
    if (!socket) return;
    this.sockets.delete(url);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private hear(url: string, data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return;
    const message = fromBinary(LiveResponseSchema, new Uint8Array(data));
    const heard = heardOf(message);
    if (!heard) return;
    const { accept, effects } = this.link.handleMessage(url, heard, this.around.now());
    if (accept) this.onData(url, message);
    this.carryOut(effects);
  }
}

function subscription(): Uint8Array<ArrayBuffer> {
  return toBinary(
    LiveRequestSchema,
    create(LiveRequestSchema, { kind: { case: 'subscribe', value: { selectors: [], rateHzMax: RATE_HZ_MAX } } }),
  );
}
