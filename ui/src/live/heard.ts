// From a decoded message to what the link needs to know of it.

import type { LiveResponse } from '../gen/labkeeper/v1/live_pb.js';
import type { Heard } from './link';

/** Undefined for a kind of message that this version does not know. */
export function heardOf({ kind }: LiveResponse): Heard | undefined {
  switch (kind.case) {
    case 'welcome': {
      const { node, isLeader, term, peers } = kind.value;
      return { kind: 'welcome', node, isLeader, term: Number(term), peers };
    }
    case 'snapshot':
    case 'frame':
      return { kind: 'data', term: Number(kind.value.term) };
    case 'command':
    case 'cluster':
      return { kind: 'event' };
    case 'heartbeat':
      return { kind: 'heartbeat' };
    case undefined:
      return undefined;
  }
}
