import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { type LiveFrame, LiveFrameSchema, LiveSnapshotSchema } from '../gen/labkeeper/v1/live_pb.js';
import { Quality } from '../gen/labkeeper/v1/value_pb.js';
import { TagStore } from './store';

type Sampled = { value?: number | string; ms?: number; quality?: Quality };

/** A snapshot over the wire and back: what the store gets is what a node sends. */
function snapshot(generation: number, tags: Record<string, Sampled | undefined>) {
  const message = create(LiveSnapshotSchema, {
    term: 1n,
    generation,
    tags: Object.entries(tags).map(([tag, given]) => ({
      tag,
      ...(given && {
        sample: {
          timeUnixNs: BigInt(given.ms ?? 1_000) * 1_000_000n,
          quality: given.quality ?? Quality.GOOD,
          ...(given.value !== undefined && {
            value: {
              kind:
                typeof given.value === 'string'
                  ? { case: 'text' as const, value: given.value }
                  : { case: 'number' as const, value: given.value },
            },
          }),
        },
      }),
    })),
  });
  return fromBinary(LiveSnapshotSchema, toBinary(LiveSnapshotSchema, message));
}

function frame(generation: number, columns: MessageInitShape<typeof LiveFrameSchema>): LiveFrame {
  const message = create(LiveFrameSchema, { ...columns, generation, baseUnixMs: 10_000n });
  return fromBinary(LiveFrameSchema, toBinary(LiveFrameSchema, message));
}

const good = [Quality.GOOD];

describe('snapshots', () => {
  it('give ids by position', () => {
    const store = new TagStore();
    expect(store.loadSnapshot(snapshot(1, { 'a/b/c': { value: 4.5 }, 'a/b/d': { value: 'idle' } }))).toBe(true);
    expect([store.values[0], store.times[0], store.qualities[0]]).toEqual([4.5, 1_000, Quality.GOOD]);
    expect(store.texts.get(1)).toBe('idle');
    expect(store.values[1]).toBeNaN();
    expect([store.idOf('a/b/d'), store.idOf('x')]).toEqual([1, undefined]);
  });

  it('say whether the rows changed', () => {
    const store = new TagStore();
    store.loadSnapshot(snapshot(1, { a: { value: 1 }, b: { value: 2 } }));
    expect(store.loadSnapshot(snapshot(2, { a: { value: 3 }, b: { value: 4 } }))).toBe(false);
    expect(store.loadSnapshot(snapshot(3, { b: { value: 4 }, a: { value: 3 } }))).toBe(true);
    expect(store.idOf('a')).toBe(1);
  });

  it('never blank a value that was known: it keeps its age and follows its tag to another id', () => {
    const store = new TagStore();
    store.loadSnapshot(snapshot(1, { a: { value: 7, ms: 5_000 }, t: { value: 'run', ms: 5_000 } }));
    store.loadSnapshot(snapshot(1, { t: undefined, new: undefined, a: { quality: Quality.BAD_NOT_YET_READ, ms: 9_000 } }));
    expect([store.values[2], store.times[2], store.qualities[2]]).toEqual([7, 5_000, Quality.GOOD]);
    expect(store.texts.get(0)).toBe('run');
    expect([store.values[1], store.times[1]]).toEqual([NaN, 0]);
  });

  it('let a bad quality that says why replace a good one', () => {
    const store = new TagStore();
    store.loadSnapshot(snapshot(1, { a: { value: 7 } }));
    store.loadSnapshot(snapshot(2, { a: { value: 7, quality: Quality.BAD_TIMEOUT, ms: 9_000 } }));
    expect([store.qualities[0], store.times[0]]).toEqual([Quality.BAD_TIMEOUT, 9_000]);
  });
});

describe('frames', () => {
  it('put columns where their ids say', () => {
    const store = new TagStore();
    store.loadSnapshot(snapshot(4, { a: { value: 1 }, b: { value: 2 }, c: { value: 'x' } }));
    const qualities = [Quality.GOOD, Quality.BAD_TIMEOUT];
    expect(
      store.applyFrame(frame(4, { ids: [1, 2], values: [9.25, NaN], dtMs: [-40, 3], qualities, texts: { 2: 'y' }, skipped: 5n })),
    ).toBe(true);
    expect([...store.values]).toEqual([1, 9.25, NaN]);
    expect([...store.times]).toEqual([1_000, 9_960, 10_003]);
    expect(store.qualities[2]).toBe(Quality.BAD_TIMEOUT);
    expect(store.texts.get(2)).toBe('y');
    expect(store.skipped).toBe(5);
  });

  it('of another generation, or before a new leader’s snapshot, are ignored', () => {
    const store = new TagStore();
    store.loadSnapshot(snapshot(4, { a: { value: 1 } }));
    expect(store.applyFrame(frame(3, { ids: [0], values: [9], dtMs: [0], qualities: good }))).toBe(false);
    store.awaitSnapshot();
    expect(store.applyFrame(frame(4, { ids: [0], values: [9], dtMs: [0], qualities: good }))).toBe(false);
    expect(store.values[0]).toBe(1);
  });

  it('with ids beyond the snapshot do no harm', () => {
    const store = new TagStore();
    store.loadSnapshot(snapshot(1, { a: { value: 1 } }));
    store.applyFrame(frame(1, { ids: [7, 0], values: [9, 3], dtMs: [0, 0], qualities: [Quality.GOOD, Quality.GOOD] }));
    expect([...store.values]).toEqual([3]);
    expect(store.takeDirty()).toEqual([0]);
  });

  it('are counted once per tag, however many came while nobody looked', () => {
    const store = new TagStore();
    store.loadSnapshot(snapshot(1, { a: { value: 1 }, b: { value: 1 } }));
    for (let i = 0; i < 100; i++) store.applyFrame(frame(1, { ids: [0, 1], values: [i, i], dtMs: [i, i], qualities: [1, 1] }));
    expect(store.takeDirty()).toEqual([0, 1]);
    expect(store.takeDirty()).toEqual([]);
    expect(store.values[1]).toBe(99);
  });
});
