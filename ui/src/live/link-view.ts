// The link to the cluster as the page shows it.

/** A change of leader that the operator is told about. */
export interface Switch {
  from: string;
  to: string;
  term: number;
  /** From the last word of the old leader to the first data of its successor, in ms. */
  outageMs: number;
  at: number;
}

/** The link as the page shows it. */
export interface LinkView {
  phase: 'connecting' | 'live' | 'lost';
  /** The leader; the last one if lost; empty before the first. */
  node: string;
  /** Where the leader is; empty if there is none. */
  url: string;
  term: number;
  /** Silence of the leader (live), or time without one (lost, connecting), in ms. */
  sinceMs: number;
  /** Nodes that answer the page, and nodes that it knows of. */
  reachable: number;
  known: number;
  /** Where nodes answer, the page's own address first. */
  urls: readonly string[];
  /** The node that this page came from, if it does not answer: its name or address; else empty. */
  originDown: string;
  switched: Switch | undefined;
}
