// The latest value of every tag, in columns. 10,000 tags at 10 Hz are 100,000 numbers a second: typed arrays take them without
// making an object for any.
//
// A tag's id is its position in the last snapshot; a snapshot may give every tag another id. A frame whose generation is not the
// snapshot's belongs to other ids and is ignored. It knows nothing of sockets, rows or pixels.

import type { LiveFrame, LiveSnapshot } from '../gen/labkeeper/v1/live_pb.js';
import type { TagReading } from '../gen/labkeeper/v1/tag_pb.js';
import { Quality, type Sample, type Value } from '../gen/labkeeper/v1/value_pb.js';

export class TagStore {
  /** Everything but the value, by id. */
  readings: readonly TagReading[] = [];
  /** Numbers and booleans (0 or 1), by id; NaN where there is a text, or nothing. */
  values = new Float64Array(0);
  /** When the owner received the value: UTC, ms since 1970, by id; 0 if never. */
  times = new Float64Array(0);
  qualities = new Uint8Array(0);
  /** Texts by id, of the tags whose value is one. */
  texts = new Map<number, string>();
  /** Samples that the page was too slow to see, as the node counts them. */
  skipped = 0;

  private ids = new Map<string, number>();
  private generation: number | undefined;
  private dirty: number[] = [];
  private isDirty = new Uint8Array(0);

  /** The tag's id; undefined if the site has no such tag. */
  idOf(tag: string): number | undefined {
    return this.ids.get(tag);
  }

  /** Another node sends from here on: its frames count from its first snapshot on. */
  awaitSnapshot(): void {
    this.generation = undefined;
  }

  /** Takes all tags over; says whether their names or order changed. */
  loadSnapshot({ generation, tags }: LiveSnapshot): boolean {
    this.generation = generation;
    return this.load(tags);
  }

  /** As `loadSnapshot`, from an answer over HTTP; frames stay ignored until a snapshot comes. */
  load(tags: readonly TagReading[]): boolean {
    const before = { ids: this.ids, values: this.values, times: this.times, qualities: this.qualities, texts: this.texts };
    const same = tags.length === this.readings.length && tags.every((tag, id) => tag.tag === this.readings[id]?.tag);
    this.readings = tags;
    this.values = new Float64Array(tags.length).fill(NaN);
    this.times = new Float64Array(tags.length);
    this.qualities = new Uint8Array(tags.length);
    this.texts = new Map();
    this.isDirty = new Uint8Array(tags.length);
    this.dirty = [];
    if (!same) this.ids = new Map(tags.map((tag, id) => [tag.tag, id]));
    tags.forEach((reading, id) => {
      this.put(id, reading.sample);
      const old = before.ids.get(reading.tag);
      if (old === undefined || !this.isUnread(id) || !before.times[old]) return;
      // A new leader may not have heard the owner yet. The last value, with its age, says more than nothing.
      this.values[id] = before.values[old] ?? NaN;
      this.times[id] = before.times[old] ?? 0;
      this.qualities[id] = before.qualities[old] ?? 0;
      const text = before.texts.get(old);
      if (text !== undefined) this.texts.set(id, text);
    });
    return !same;
  }

  /** Takes new samples over; says whether they belong to the snapshot at hand. */
  applyFrame({ generation, baseUnixMs, ids, values, dtMs, qualities, texts, skipped }: LiveFrame): boolean {
    if (generation !== this.generation) return false;
    const base = Number(baseUnixMs);
    this.skipped = Number(skipped);
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] ?? Infinity;
      if (id >= this.values.length) continue;
      this.values[id] = values[i] ?? NaN;
      this.times[id] = base + (dtMs[i] ?? 0);
      this.qualities[id] = qualities[i] ?? Quality.UNSPECIFIED;
      if (!this.isDirty[id]) {
        this.isDirty[id] = 1;
        this.dirty.push(id);
      }
    }
    for (const [id, text] of Object.entries(texts)) this.texts.set(Number(id), text);
    return true;
  }

  /** The ids that changed since the last call: at most one entry for each tag, however long nobody asks. */
  takeDirty(): readonly number[] {
    const taken = this.dirty;
    for (const id of taken) this.isDirty[id] = 0;
    this.dirty = [];
    return taken;
  }

  private isUnread(id: number): boolean {
    return !this.times[id] || this.qualities[id] === Quality.BAD_NOT_YET_READ;
  }

  private put(id: number, sample: Sample | undefined): void {
    if (!sample) return;
    this.times[id] = Number(sample.timeUnixNs / 1_000_000n);
    this.qualities[id] = sample.quality;
    this.values[id] = numberOf(sample.value);
    if (sample.value?.kind.case === 'text') this.texts.set(id, sample.value.kind.value);
  }
}

/** A value as a number; NaN for a text or nothing. Integers beyond 2^53 lose their last digits, as they do in frames. */
export function numberOf(value: Value | undefined): number {
  const kind = value?.kind;
  return kind === undefined || kind.case === undefined || kind.case === 'text' ? NaN : Number(kind.value);
}
