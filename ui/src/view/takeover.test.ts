import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { describeRung } from '../format/fencing';
import { GrantCause, SegmentStatusSchema, TakeoverStatusSchema } from '../gen/labkeeper/v1/cluster_pb.js';
import { gapOf, latestOf, routeOf, stepsInWords, underWay } from './takeover';

const took = (more: object = {}) =>
  create(TakeoverStatusSchema, {
    ...{ segment: 'cryo', from: 'n1', to: 'n2', epoch: 3n, cause: GrantCause.SESSION_EXPIRED },
    ...{ endedMs: 1_810n, assignedMs: 1_810n, connectedMs: 1_840n, readMs: 1_902n, enabledMs: 1_911n },
    ...more,
  });
const segment = create(SegmentStatusSchema, { name: 'cryo', owner: 'n2', epoch: 3n });

describe('a takeover', () => {
  it('says who, and for how long nobody drove the segment', () => {
    expect([routeOf(took()), gapOf(took())]).toEqual(['cryo n1 → n2', 'after 1\u2009911 ms']);
    expect(stepsInWords(took())).toBe(
      'Because the owner was lost: former owner’s right ended after 1\u2009810 ms, given on after 1\u2009810 ms, ' +
        'connected after 1\u2009840 ms, read after 1\u2009902 ms, driven again after 1\u2009911 ms.',
    );
  });

  it('is under way until the owner drives, and only for the epoch in force', () => {
    const begun = took({ connectedMs: undefined, readMs: undefined, enabledMs: undefined });
    expect(gapOf(begun)).toBe('under way');
    expect(stepsInWords(begun)).toMatch(/given on after 1\u2009810 ms\.$/);
    expect(underWay(segment, [begun])).toBe(begun);
    expect(underWay(segment, [took()])).toBeUndefined();
    expect(underWay(segment, [{ ...begun, epoch: 2n }])).toBeUndefined();
    expect(underWay({ ...segment, owner: '' }, [begun])).toBeUndefined();
  });

  it('needs a former owner to be shown, and only the latest are', () => {
    const first = took({ from: '' });
    expect(latestOf([took({ epoch: 9n }), first, took(), took(), took()]).map(({ epoch }) => epoch)).toEqual([9n, 3n, 3n]);
  });

  it('has words for every cause', () => {
    const causes = Object.values(GrantCause).filter((each) => typeof each === 'number');
    expect(new Set(causes.map((cause) => stepsInWords(took({ cause })))).size).toBe(causes.length);
    expect(stepsInWords(took({ cause: 99 }))).toContain('does not know');
  });
});

describe('a fencing rung', () => {
  it('is told in words, also one that is new', () => {
    expect(describeRung('F1')).toMatch(/^F1: The lease alone/);
    expect(describeRung('F9')).toMatch(/^F9: a protection/);
    expect(describeRung('')).toBe('');
    expect(new Set(['F0', 'F1', 'F2', 'F3', 'F4', 'F5', 'F6'].map(describeRung)).size).toBe(7);
  });
});
