// What the strip below the top bar says, if anything. It takes rows of its own and covers nothing: a click meant for a button must
// never land on a notice. Pure.

import { formatSpan } from '../format/time';
import type { LinkView } from '../live/link-view';

export interface Notice {
  /** `urgent` interrupts a screen reader, the others do not. */
  kind: 'info' | 'warning' | 'urgent';
  id: 'lost' | 'no-leader' | 'no-node' | 'switched' | 'origin';
  title: string;
  detail: string;
  /** Where else the page is to be had. */
  link?: { url: string; text: string };
}

/** An election takes half a second. After five of them there is more to it than an election. */
export const ELECTION_MS_MAX = 3_000;
/** How long a switch is shown, in ms: time to walk to the screen. */
export const SWITCHED_MS = 30_000;
/** The page says nothing about a first connection that takes a moment. */
const FIRST_MS_MAX = 1_500;

/** `now` is the monotonic time that the view was made at; `valuesAt` the UTC time of the newest value, as text. */
export function noticesOf(view: LinkView, now: number, valuesAt: string): Notice[] {
  return [linkNotice(view, valuesAt), originNotice(view), switchNotice(view, now)].filter((notice) => notice !== undefined);
}

function linkNotice(view: LinkView, valuesAt: string): Notice | undefined {
  const { phase, node, sinceMs, reachable, known } = view;
  if (phase === 'live' || (phase === 'connecting' && sinceMs < FIRST_MS_MAX)) return undefined;
  const values = valuesAt ? `Values as of ${valuesAt}, writing is off.` : 'Writing is off.';
  if (reachable === 0 && (phase === 'connecting' || sinceMs > ELECTION_MS_MAX)) {
    return {
      kind: 'urgent',
      id: 'no-node',
      title: `No node answers (${formatSpan(sinceMs)})`,
      detail: `${values} Still trying all ${known}.`,
    };
  }
  if (phase === 'connecting' || sinceMs > ELECTION_MS_MAX) {
    return { kind: 'urgent', id: 'no-leader', title: `No leader: ${reachable} of ${known} nodes reachable`, detail: values };
  }
  return { kind: 'warning', id: 'lost', title: `Lost ${node}`, detail: `Looking for the leader (${formatSpan(sinceMs)}). ${values}` };
}

function originNotice({ originDown, phase, node, url }: LinkView): Notice | undefined {
  if (!originDown || phase !== 'live') return undefined;
  return {
    kind: 'warning',
    id: 'origin',
    title: `This page came from ${originDown}, which does not answer`,
    detail: 'It keeps working. Before reloading it,',
    link: { url, text: `open it on ${node}` },
  };
}

function switchNotice({ switched, phase }: LinkView, now: number): Notice | undefined {
  if (!switched || phase !== 'live' || now - switched.at > SWITCHED_MS) return undefined;
  const { from, to, term, outageMs } = switched;
  const title = from === to ? `Back on ${to} (term ${term})` : `Now on ${to} (term ${term})`;
  return { kind: 'info', id: 'switched', title, detail: `${from} was lost; live again after ${formatSpan(outageMs)}.` };
}
