// The page's state as its components see it, and the wiring behind: socket messages into the store, answers into lists, clicks into
// commands. What is decided is decided in the pure modules that it calls.

import { Client, errorOf, RECENT_MAX } from '../api/client';
import { carryThrough } from '../command/carry';
import { announcement, begin, confirm, fail, type Flow, hear } from '../command/flow';
import { heardOf, listed } from '../command/recent';
import { uuidV7 } from '../command/uuid';
import { TagStore } from '../data/store';
import type { GetClusterStatusResponse } from '../gen/labkeeper/v1/cluster_pb.js';
import type { Command } from '../gen/labkeeper/v1/command_pb.js';
import type { LiveResponse } from '../gen/labkeeper/v1/live_pb.js';
import { Link } from '../live/link';
import type { LinkView } from '../live/link-view';
import { ServerClock } from '../live/server-clock';
import { Sockets, type Surroundings } from '../live/sockets';
import { ELECTION_MS_MAX } from './notices';
import { RowSignals } from './rows.svelte';

/** Ages and the link's chip are brought up to date so often, in ms: often enough for tenths of a second that are read, not watched. */
const BEAT_MS = 500;
/** Without a leader the last known state is asked for over HTTP so often, in ms. */
const FALLBACK_MS = 2_000;

/** What the page takes from the browser, beyond what its sockets take. */
export interface Browser extends Surroundings {
  origin: string;
  remembered: readonly string[];
  fetch: typeof fetch;
  /** UTC, ms. */
  localMs(): number;
  nextFrame(run: () => void): void;
  every(ms: number, run: () => void): void;
}

export class Page {
  readonly store = new TagStore();
  readonly rows = new RowSignals();
  link = $state.raw<LinkView>() as LinkView;
  cluster = $state.raw<GetClusterStatusResponse>();
  commands = $state.raw<readonly Command[]>([]);
  flows = $state.raw<ReadonlyMap<string, Flow>>(new Map());
  /** Said once, politely, to those who do not see the steps of a command. */
  announced = $state.raw('');
  /** Grows with each snapshot: names, owners or setpoints may have changed. */
  snapshots = $state.raw(0);
  /** UTC at the site in ms, twice a second. */
  siteMs = $state.raw(0);
  /** Whether any tags were ever received: before that, an empty table means nothing. */
  loaded = $state.raw(false);

  private readonly clock = new ServerClock();
  private readonly sockets: Sockets;
  private readonly client: Client;
  private frameAsked = false;
  private fallbackAt = 0;

  constructor(private readonly browser: Browser) {
    const link = new Link(browser.origin, browser.remembered, Math.random);
    this.sockets = new Sockets(link, browser, this.onData, this.askFrame);
    const urls = () => [this.link.url, ...this.link.urls, browser.origin, ...browser.remembered].filter((url) => url !== '');
    this.client = new Client({ fetch: browser.fetch, urls });
    this.link = this.sockets.view();
  }

  start(): void {
    this.sockets.start();
    this.browser.every(BEAT_MS, this.beat);
    this.beat();
  }

  /** The page became visible, or the network came back. */
  wake = (): void => this.sockets.wake();

  dismissSwitch(): void {
    this.sockets.dismissSwitch();
  }

  /** UTC at the site, ms. */
  siteNow = (): number => this.clock.now(this.browser.localMs());

  /** Monotonic, for what the link's view is compared with. */
  now = (): number => this.browser.now();

  /** Starts a draft for the tag, unless there is one. */
  startDraft(tag: string): void {
    const reading = this.store.readings[this.store.idOf(tag) ?? -1];
    const flow = this.flows.get(tag);
    if (reading && (!flow || (flow.stage === 'sent' && flow.over))) this.setFlow(tag, begin(reading));
  }

  setFlow(tag: string, flow: Flow | undefined): void {
    const flows = new Map(this.flows);
    if (flow) flows.set(tag, flow);
    else flows.delete(tag);
    this.flows = flows;
    const said = flow ? announcement(flow) : '';
    if (said) this.announced = said;
  }

  /** Sends what was reviewed. */
  send(tag: string, actor: string): void {
    const reviewed = this.flows.get(tag);
    if (!reviewed || this.link.phase !== 'live') return;
    const siteMs = this.siteNow();
    const sent = confirm(reviewed, { id: uuidV7(siteMs), actor, siteMs });
    if (sent.stage !== 'sent') return;
    this.setFlow(tag, sent);
    const { request } = sent;
    const carrier = {
      setSetpoint: this.client.setSetpoint.bind(this.client),
      followCommand: this.client.followCommand.bind(this.client),
      siteMs: this.siteNow,
      pause: (ms: number) => new Promise<void>((resolve) => this.browser.after(ms, resolve)),
    };
    const trouble = (what: Parameters<typeof fail>[2], over: boolean) => {
      const flow = this.flows.get(tag);
      if (flow) this.setFlow(tag, fail(flow, request.id, what, over));
    };
    carryThrough(request, carrier, { command: this.onCommand, trouble }).catch((error: unknown) => trouble(errorOf(error), true));
  }

  private onData = (url: string, { kind }: LiveResponse): void => {
    switch (kind.case) {
      case 'welcome':
        this.onWelcome(url, Number(kind.value.timeUnixMs));
        break;
      case 'heartbeat':
        this.clock.hear(Number(kind.value.timeUnixMs), this.browser.localMs());
        break;
      case 'snapshot':
        this.store.loadSnapshot(kind.value);
        this.onTags();
        break;
      case 'frame':
        if (this.store.applyFrame(kind.value)) this.clock.hear(Number(kind.value.baseUnixMs), this.browser.localMs());
        break;
      case 'command':
        this.onCommand(kind.value);
        break;
      case 'cluster':
        this.cluster = kind.value;
        break;
      case undefined:
    }
  };

  private onWelcome(url: string, toldMs: number): void {
    const view = this.sockets.view();
    // A welcome in the middle of a stream changes nothing; at its beginning the ids of frames count anew.
    if (view.phase !== 'live' || view.url !== url) {
      this.store.awaitSnapshot();
      this.clock.reset();
      void this.refreshCommands();
    }
    this.clock.hear(toldMs, this.browser.localMs());
  }

  private onTags(): void {
    this.snapshots += 1;
    this.loaded = true;
  }

  private onCommand = (command: Command): void => {
    this.commands = heardOf(this.commands, command, RECENT_MAX);
    const flow = this.flows.get(command.tag);
    const next = flow && hear(flow, command);
    if (next && next !== flow) this.setFlow(command.tag, next);
  };

  private async refreshCommands(): Promise<void> {
    try {
      this.commands = listed(await this.client.listCommands(), this.commands, RECENT_MAX);
    } catch {
      // The list is filled by what is heard from here on, and asked for again at the next change of leader.
    }
  }

  /** One flush per animation frame, however many messages came. */
  private askFrame = (): void => {
    if (this.frameAsked) return;
    this.frameAsked = true;
    this.browser.nextFrame(() => {
      this.frameAsked = false;
      this.rows.touch(this.store.takeDirty());
      const view = this.sockets.view();
      if (changedInKind(view, this.link)) this.link = view;
    });
  };

  private beat = (): void => {
    this.siteMs = this.siteNow();
    this.link = this.sockets.view();
    const { phase, sinceMs } = this.link;
    const wanted = phase === 'connecting' || (phase === 'lost' && sinceMs > ELECTION_MS_MAX);
    if (wanted && this.now() - this.fallbackAt >= FALLBACK_MS) {
      this.fallbackAt = this.now();
      void this.askWithoutLeader();
    }
  };

  /** What any node knows, while there is no leader to say it: who is there, and the last values. */
  private async askWithoutLeader(): Promise<void> {
    try {
      const cluster = await this.client.getCluster();
      if (this.sockets.view().phase === 'live') return;
      this.cluster = cluster;
      const tags = cluster.initialised ? await this.client.getTags() : [];
      if (tags.length === 0 || this.sockets.view().phase === 'live') return;
      this.store.load(tags);
      this.onTags();
    } catch {
      // The strip already says that nobody answers; the next beat asks again.
    }
  }
}

/** Whether the view differs in more than the time that has passed. */
function changedInKind(a: LinkView, b: LinkView): boolean {
  return (['phase', 'node', 'url', 'term', 'reachable', 'known', 'originDown', 'switched'] as const).some((key) => a[key] !== b[key]);
}
