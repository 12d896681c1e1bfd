import { describe, expect, it } from 'vitest';
import { Quality } from '../gen/labkeeper/v1/value_pb.js';
import { formatBound, formatDelta, formatInteger, formatNumber, formatUnit } from './number';
import { trustOf } from './quality';
import { formatAge, formatClock, formatDate, formatSpan } from './time';

describe('numbers', () => {
  const cases: [number, string][] = [
    [0, '0.000'],
    [4.2, '4.200'],
    [21.374, '21.37'],
    [851.25, '851.3'],
    [1012.44, '1012.4'],
    [-0.35, '−0.350'],
    [0.0123, '0.012'],
    [0.0012, '1.20e−3'],
    [3.1e-9, '3.10e−9'],
    [1.9e12, '1.90e+12'],
    [Number.NaN, '—'],
    [Infinity, '∞'],
  ];
  it.each(cases)('%d reads %s', (value, text) => expect(formatNumber(value)).toBe(text));

  it('keeps its width while it moves within a decade', () => {
    const widths = new Set(Array.from({ length: 500 }, (_, i) => formatNumber(20 + i / 100).length));
    expect(widths.size).toBe(1);
  });

  it('groups whole numbers and signs differences', () => {
    expect(formatInteger(48_213)).toBe('48\u2009213');
    expect(formatInteger(18_446_744_073_709_551_615n)).toBe('18\u2009446\u2009744\u2009073\u2009709\u2009551\u2009615');
    expect([formatInteger(0), formatInteger(999), formatInteger(-1000)]).toEqual(['0', '999', '−1\u2009000']);
    expect([formatDelta(0.3), formatDelta(-2), formatDelta(0)]).toEqual(['+0.300', '−2.000', '0.000']);
    expect([formatBound(5), formatBound(0.1 + 0.2), formatBound(-1e-9)]).toEqual(['5', '0.3', '−1e−9']);
    expect([formatUnit('degC'), formatUnit('mbar')]).toEqual(['°C', 'mbar']);
  });
});

describe('times', () => {
  it('are short, and quiet below a second', () => {
    const ages = [0, 999, 1_000, 9_999, 14_200, 61_000, 3_700_000, 47 * 3_600_000, 49 * 3_600_000];
    expect(ages.map(formatAge)).toEqual(['< 1 s', '< 1 s', '1.0 s', '9.9 s', '14 s', '1 min', '1 h', '47 h', '2 d']);
    expect(formatSpan(840)).toBe('0.8 s');
  });

  it('are UTC', () => {
    const at = Date.UTC(2026, 10, 22, 16, 24, 5, 102);
    expect([formatClock(at), formatClock(at, true), formatDate(at)]).toEqual(['16:24:05', '16:24:05.102', '2026-11-22 16:24:05 UTC']);
  });
});

describe('trust', () => {
  const check = (quality: number, ageMs: number, pollMs: number, trust: string) =>
    expect(trustOf(quality, ageMs, pollMs).trust).toBe(trust);

  it('is lost with age, later for what is read seldom', () => {
    check(Quality.GOOD, 2_000, 100, 'good');
    check(Quality.GOOD, 2_001, 100, 'stale');
    check(Quality.GOOD, 2_999, 1_000, 'good');
    check(Quality.GOOD, 3_001, 1_000, 'stale');
    check(Quality.UNCERTAIN_OUT_OF_RANGE, 0, 100, 'uncertain');
    check(Quality.UNCERTAIN_OUT_OF_RANGE, 60_000, 100, 'stale');
  });

  it('does not call a known fault merely stale, nor an unknown quality good', () => {
    check(Quality.BAD_TIMEOUT, 60_000, 100, 'bad');
    check(99, 0, 100, 'bad');
  });

  it('has words for every quality', () => {
    const numbers = Object.values(Quality).filter((each) => typeof each === 'number');
    const texts = numbers.map((quality) => trustOf(quality, 0, 100).text);
    expect(new Set(texts).size).toBe(numbers.length);
  });
});
