// Takeovers in words: who took a segment over from whom, why, and for how long nobody drove it. Pure.

import { formatInteger } from '../format/number';
import { GrantCause, type SegmentStatus, type TakeoverStatus } from '../gen/labkeeper/v1/cluster_pb.js';

/** So many are shown: the last failure of a node and its return. */
const SHOWN = 3;

const CAUSES: Record<GrantCause, string> = {
  [GrantCause.UNSPECIFIED]: 'for a reason that this page does not know',
  [GrantCause.FIRST]: 'nobody owned it before',
  [GrantCause.SESSION_EXPIRED]: 'the owner was lost',
  [GrantCause.SESSION_ENDED]: 'the owner stopped',
  [GrantCause.RESTARTED]: 'the owner started again',
  [GrantCause.DRAINED]: 'the owner is drained',
  [GrantCause.HOME_RETURN]: 'its home is back',
  [GrantCause.REACH]: 'it reaches more devices',
  [GrantCause.SITE_CHANGED]: 'the site was changed',
  [GrantCause.NODE_REMOVED]: 'the owner was removed',
  [GrantCause.RELEASED]: 'the owner let go',
};

/** The latest takeovers, newest first; where nobody owned a segment before, nothing was taken over. */
export function latestOf(takeovers: readonly TakeoverStatus[]): readonly TakeoverStatus[] {
  return takeovers.filter(({ from }) => from !== '').slice(0, SHOWN);
}

/** The takeover by which a segment's owner is about to drive it; undefined if it drives already. */
export function underWay({ name, epoch, owner }: SegmentStatus, takeovers: readonly TakeoverStatus[]): TakeoverStatus | undefined {
  return takeovers.find((one) => one.segment === name && one.epoch === epoch && one.to === owner && one.enabledMs === undefined);
}

/** "cryo n1 → n2": whose it was and whose it is. */
export function routeOf({ segment, from, to }: TakeoverStatus): string {
  return `${segment} ${from} → ${to}`;
}

/** After how long it was driven again. */
export function gapOf({ enabledMs }: TakeoverStatus): string {
  return enabledMs === undefined ? 'under way' : `after ${formatMs(enabledMs)}`;
}

/** Every step with its time since the last sign of the former owner, and why. */
export function stepsInWords(one: TakeoverStatus): string {
  const steps = [
    ['former owner’s right ended', one.endedMs],
    ['given on', one.assignedMs],
    ['connected', one.connectedMs],
    ['read', one.readMs],
    ['driven again', one.enabledMs],
  ] as const;
  const known = steps.flatMap(([name, ms]) => (ms === undefined ? [] : [`${name} after ${formatMs(ms)}`]));
  return `Because ${CAUSES[one.cause] ?? CAUSES[GrantCause.UNSPECIFIED]}: ${known.join(', ')}.`;
}

function formatMs(ms: bigint): string {
  return `${formatInteger(ms)} ms`;
}
